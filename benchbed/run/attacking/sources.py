"""What an attack draws on besides the clip and its model: other models, and clips kept apart to learn from."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

import numpy as np

from benchbed import audio, rng
from benchbed.adapter.contract import Adapter
from benchbed.adapter.digests import digest_of
from benchbed.adapter.fingerprint import Fingerprint
from benchbed.adapter.load import load_adapter, start
from benchbed.attack import resolve
from benchbed.attack.contract import Loss, Problem
from benchbed.attack.ensemble import Ensemble
from benchbed.attack.threat import Ball, FeatureThreat, Threat, per_clip
from benchbed.attack.universal import Universal
from benchbed.card import mapped_card
from benchbed.data.dataset import ClipRow
from benchbed.errors import BenchbedError, CannotMeasure, ConfigError
from benchbed.run.attacking.ensembles import ensemble_of, threats
from benchbed.run.attacking.goal import AttackedClip, Settled, Task
from benchbed.run.attacking.goals import settle
from benchbed.run.attacking.offered import folder_of
from benchbed.run.attacking.subset import subset
from benchbed.run.attacking.surroundings import facts_of
from benchbed.run.attacking.victim import Shared, untouched
from benchbed.run.attacking.view import View, shared_of
from benchbed.run.computing.engine import Engine
from benchbed.run.computing.whole import decode
from benchbed.run.job.job import LEFT_OUT, Job, Options, Unit
from benchbed.suite.conditions import AttackCondition

if TYPE_CHECKING:
    import torch

#: Clips on which a universal perturbation is fitted.
FIT_CLIPS = 64


class SourceIdentity(TypedDict):
    """What tells a source from any other: its model, the versions that it stands on, and its options."""

    model: str
    below: str
    options: Options


class AttackFacts(Settled, total=False):
    """What an attack condition rests on, for record and cache key.

    Attributes
    ----------
    sources : dict of str to SourceIdentity
        Models that it transfers from.
    surroundings : dict
        Folders of rooms, loudspeakers and noises that an attack over the air is made and judged in.
    foreign : dict
        Who made the adversarial sounds of a folder, and what tells it from any other.
    left_out : str
        Why it has nothing to do in this run.
    """

    sources: dict[str, SourceIdentity]
    surroundings: dict[str, object]
    foreign: dict[str, object]
    left_out: str


@dataclass(frozen=True)
class Furthest:
    """Judge of a source: the further up the loss, the stronger the point; nothing is ever broken enough."""

    loss: Loss

    def margin(self, scores: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """Falls as the loss rises."""
        return -self.loss(scores, target)

    def select(self, rows: torch.Tensor) -> Furthest:
        """The same for any clips."""
        return self


class SourceModel:
    """Another model, whose gradient makes adversarial audio for the one under test."""

    def __init__(self, name: str, view: View, seed: int) -> None:
        self.name, self.view, self.adapter, self.seed = name, view, view.adapter, seed

    def craft(
        self, threat: Threat | FeatureThreat, heard: Mapping[str, AttackedClip], task: Task
    ) -> Callable[[Problem, int, str], torch.Tensor]:
        """A function `(problem, steps, loss) → points` in the target model's input."""

        def points(problem: Problem, steps: int, loss: str) -> torch.Tensor:
            import torch

            waveforms = [self.view.input(heard[i].clip).waveform for i in problem.ids]
            added = torch.zeros_like(problem.ball.clean)
            for length in sorted({waveform.shape[1] for waveform in waveforms}):
                rows = [i for i, waveform in enumerate(waveforms) if waveform.shape[1] == length]
                clean = torch.from_numpy(np.stack([waveforms[i] for i in rows])).to(self.adapter.device)
                # The source has a grid of frames of its own, and with it references of its own.
                samples = [heard[problem.ids[i]] for i in rows]
                seconds, truths = samples[0].seconds, [s.truth for s in samples]
                own_task = task.taught(self.adapter, truths)
                target = self.view.target(own_task, truths, length, seconds).to(clean.device)
                judge = Furthest(own_task.losses.LOSSES[loss]) if task.scored else None
                own = Problem(
                    self.view.victim(length, seconds),
                    Ball.of(threat, clean),
                    target,
                    own_task.losses,
                    [problem.ids[i] for i in rows],
                    self.seed,
                    self.adapter.card.sample_rate,
                    stop=False,
                    judge=judge,
                )
                with untouched(self.adapter):
                    outcome = resolve("apgd", {"steps": steps, "loss": loss}).run(own)
                added[rows] = self._carried(outcome.points - clean, problem).to(added)
            if problem.ball.norm == "linf":
                return problem.ball.clean + added
            # Conversion of rate or length may have cost energy; the budget is filled up again.
            size = problem.ball.sizes(added).clamp_min(1e-30)
            return problem.ball.clean + added * per_clip(problem.ball.radius / size, added)

        return points

    def _carried(self, added: torch.Tensor, problem: Problem) -> torch.Tensor:
        """A perturbation of the source's input as one of the target's: same rate, channels and length."""
        import torch

        waveforms = added.detach().cpu().numpy()
        channels, samples = problem.ball.clean.shape[1:]
        rate = self.adapter.card.sample_rate
        out = []
        for waveform in waveforms:
            waveform = audio.to_channels(waveform, channels)
            if rate != problem.sample_rate:
                waveform = audio.resample(np.ascontiguousarray(waveform), rate, problem.sample_rate)
            if waveform.shape[1] != samples:
                waveform = audio.fit(waveform, samples, "zeros", "center")
            out.append(np.ascontiguousarray(waveform, dtype=np.float32))
        return torch.from_numpy(np.stack(out))


#: `(spec, options)` of models.
Recipes = Sequence[tuple[str, Mapping[str, object]]]


def source_recipes(condition: AttackCondition, others: Recipes) -> list[tuple[str, Options]]:
    """Models that a condition transfers from: those it names and the other models of the run."""
    # Features of another model are others: nothing that is found there is a point of this one's ball.
    if condition.attack not in ("transfer", "standard", "full") or condition.space == "features":
        return []
    return [*((spec, {}) for spec in condition.sources), *((spec, dict(options)) for spec, options in others)]


def attack_facts(
    condition: AttackCondition,
    others: Recipes,
    where: str,
    *,
    task: str = "scene",
    labels: Sequence[str] = (),
    declared: Mapping[str, Mapping[str, object]] | None = None,
    device: str = "cpu",
) -> AttackFacts:
    """Check a condition before anything is computed; says what it aims at, when it succeeds, and which models it
    transfers from, for record and cache key.

    Parameters
    ----------
    task : str
        The suite's task.
    labels : sequence of str
        Classes of the dataset.
    declared : mapping, optional
        Metric family → options that the suite gives it.
    device : str
        Where the models run.

    Raises
    ------
    ConfigError
        Unknown attack, goal, loss, rule of success or option, a budget that makes no sense, an attack that means
        nothing for the task, or a source that cannot be loaded.

    Returns
    -------
    dict
        With `left_out` and a reason for a transfer that has no model to transfer from.
    """
    try:
        threats(condition)
        facts = settle(task, condition, labels, declared)
        chosen = ensemble_of(condition, task)
        if not chosen.attacks:
            name, reason = next(iter(chosen.skipped.items()))
            what = f"features of {task}" if condition.space == "features" else task
            raise ConfigError(f"{name} cannot attack {what}: {reason}", hint="leave it out, or take another attack")
        measured, foreign = facts_of(condition), folder_of(condition)
        sources = {}
        for spec, options in source_recipes(condition, others):
            name = spec if spec not in sources else f"{spec} {json.dumps(dict(options), sort_keys=True, default=str)}"
            sources[name] = _identity(spec, options, device)
    except BenchbedError as error:
        where = f"{error.where}, asked for at {where}" if error.where else where
        raise type(error)(error.what, where=where, hint=error.hint) from error
    if condition.attack == "transfer" and not sources:
        return {
            LEFT_OUT: "there is no other model to transfer from: run several at once with --model, or name some in "
            "`sources`"
        }
    surroundings: AttackFacts = {"surroundings": dict(measured)} if measured else {}
    if foreign is not None:
        surroundings["foreign"] = foreign.facts
    return {**facts, **surroundings, **({"sources": sources} if sources else {})}


def _identity(spec: str, options: Mapping[str, object], device: str) -> SourceIdentity:
    """What tells a source from any other; it is loaded once in a process, as long as its files stay what they were."""
    key = repr((spec, sorted(options.items(), key=str), device, Path.cwd()))
    known = _identities.get(key)
    if known is None or not known[0].holds():
        loaded = load_adapter(spec, options)
        start(loaded, device)
        known = _identities[key] = loaded.fingerprint, loaded.options
        loaded.adapter.close()
    made, recorded = known
    return {"model": made.id, "below": digest_of(made.below), "options": recorded}


_identities: dict[str, tuple[Fingerprint, Options]] = {}


def sources_of(engine: Engine, condition: AttackCondition) -> dict[str, SourceModel]:
    """The loaded sources of a condition; loaded once per process."""
    found: dict[str, SourceModel] = {}
    for spec, options in source_recipes(condition, engine.job.others):
        shared = shared_of(engine)
        key = "source", spec, repr(options), repr(shared)
        source = engine.once(key, partial(_source, engine.job, spec, options, shared))
        found[source.name if source.name not in found else f"{source.name}-{len(found)}"] = source
    behind = engine.adapter.undefended
    wanted = condition.attack in ("standard", "full") and condition.space == "waveform"
    if wanted and behind is not None and behind.forward is not None:
        found["undefended"] = SourceModel("undefended", view_behind(engine, behind), engine.job.seed)
    return found


def view_behind(engine: Engine, behind: Adapter) -> View:
    """The model behind the engine's defence, on the engine's task."""
    job = engine.job
    card = mapped_card(behind.card, job.label_map)
    return View.of(behind, card, job.asked, job.output, job.batch_size, shared_of(engine))


def _source(job: Job, spec: str, options: Options, shared: Shared) -> SourceModel:
    adapter = start(load_adapter(spec, options), job.device)
    view = View.of(adapter, adapter.card, job.asked, job.output, job.batch_size, shared)
    return SourceModel(adapter.card.name, view, job.seed)


def fitting_clips(job: Job, split: str, attacked: set[str]) -> list[ClipRow]:
    """Rows of clips to learn a universal perturbation from: no recording group of theirs is attacked.

    Raises
    ------
    CannotMeasure
        No recording group is left.
    """
    pool = job.pools[split]
    groups = set(pool.loc[pool["clip_id"].isin(attacked), "group"].astype(str))
    left = pool[~pool["group"].astype(str).isin(groups)]
    if not len(left):
        raise CannotMeasure(
            f"every recording of {split} is attacked: there is nothing left to fit a universal perturbation on",
            hint="lower `n` of the condition, or leave it out",
        )
    order = sorted(range(len(left)), key=lambda i: rng.key("fit", left["clip_id"].iat[i]))
    return left.iloc[sorted(order[:FIT_CLIPS])].to_dict("records")


def fitted_of(
    engine: Engine, unit: Unit, ensemble: Ensemble, threat: Threat | FeatureThreat, task: Task, view: View, eot: int
) -> dict[str, torch.Tensor]:
    """What the universal attacks of an ensemble learned at a budget; learned once per process.

    Raises
    ------
    CannotMeasure
        There are no clips to learn from.
    """

    def learned(attack: Universal) -> torch.Tensor:
        key = ("fit", unit.split, unit.condition, attack.name, str(threat))
        return engine.once(key, lambda: attack.fit(_fit_problem(engine, unit, threat, task, view, eot)))

    return {attack.name: learned(attack) for attack in ensemble.attacks if isinstance(attack, Universal)}


def _fit_problem(
    engine: Engine, unit: Unit, threat: Threat | FeatureThreat, task: Task, view: View, eot: int
) -> Problem:
    import pandas as pd
    import torch

    job, condition = engine.job, task.condition
    table = job.clips[unit.split]
    attacked = {str(table["clip_id"].iat[row]) for row in subset(job, unit.split, condition)}
    waveforms: list[np.ndarray] = []
    truths: list[object] = []
    ids: list[str] = []
    seconds, alike = 0.0, (0, 0.0)
    rows = fitting_clips(job, unit.split, attacked)
    references = job.output.references(pd.DataFrame(rows), job.annotations, job.labels)
    coarse = job.output.coarse(references)
    for index, row in enumerate(rows):
        if coarse[index]:
            continue  # nobody said what the task asks
        try:
            clip = decode(job.root, row, job.audio_rate)
        except BenchbedError:
            continue  # a clip that is only learned from may be missing
        own_input = view.input(clip).waveform
        shape = view.alike(own_input.shape[1], clip.seconds)
        if own_input.any() and (not waveforms or (own_input.shape == waveforms[0].shape and shape == alike)):
            seconds, alike = clip.seconds, shape
            waveforms.append(own_input)
            truths.append(task.truth(references, index, seconds))
            ids.append(str(row["clip_id"]))
    if not waveforms:
        raise CannotMeasure("no clip could be read to fit a universal perturbation on")
    clean = torch.from_numpy(np.stack(waveforms)).to(engine.adapter.device)
    samples = clean.shape[2]
    task = task.taught(view.adapter, truths)
    target = view.target(task, truths, samples, seconds).to(clean.device)
    return Problem(
        view.victim(samples, seconds, eot),
        Ball.of(threat, clean),
        target,
        task.losses,
        ids,
        job.seed,
        engine.card.sample_rate,
    )
