"""What an attack draws on besides the clip and its model: other models, and clips kept apart to learn from."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchbed import audio, rng
from benchbed.adapter.align import Alignment, plan_alignment
from benchbed.adapter.contract import Adapter
from benchbed.adapter.load import load_adapter, start
from benchbed.attack import resolve
from benchbed.attack.contract import Problem
from benchbed.attack.threat import Ball, Threat, per_clip
from benchbed.errors import BenchbedError, CannotMeasure, ConfigError
from benchbed.provenance import hash_files
from benchbed.run.clips import Clip, decode, to_model
from benchbed.run.job import Job
from benchbed.run.victim import untouched, victim_of
from benchbed.suite.model import AttackCondition

#: Clips on which a universal perturbation is fitted.
FIT_CLIPS = 64


class Source:
    """Another model, whose gradient makes adversarial audio for the one under test."""

    def __init__(self, name: str, adapter: Adapter, alignment: Alignment, seed: int) -> None:
        self.name, self.adapter, self.alignment, self.seed = name, adapter, alignment, seed
        self.victim = victim_of(adapter, alignment)

    def craft(self, threat: Threat, clips: Mapping[str, Clip]) -> Callable[[Problem, int, str], Any]:
        """A function `(problem, steps, loss) → points` in the target model's input."""

        def points(problem: Problem, steps: int, loss: str) -> Any:
            import torch

            made = [to_model(clips[i].waveform, clips[i].sample_rate, self.adapter.card).waveform for i in problem.ids]
            added = torch.zeros_like(problem.ball.clean)
            for length in sorted({waveform.shape[1] for waveform in made}):
                rows = [i for i, waveform in enumerate(made) if waveform.shape[1] == length]
                clean = torch.from_numpy(np.stack([made[i] for i in rows])).to(getattr(self.adapter, "device", "cpu"))
                target = problem.target[rows].to(clean.device)
                own = Problem(self.victim, Ball.of(threat, clean), target, problem.losses,
                              [problem.ids[i] for i in rows], self.seed, self.adapter.card.sample_rate,
                              stop=False)  # fmt: skip
                with untouched(self.adapter):
                    found = resolve("apgd", {"steps": steps, "loss": loss}).run(own)
                added[rows] = self._carried(found.points - clean, problem).to(added)
            if problem.ball.norm == "linf":
                return problem.ball.clean + added
            # Conversion of rate or length may have cost energy; the budget is filled up again.
            size = added.flatten(1).norm(dim=1).clamp_min(1e-30)
            return problem.ball.clean + added * per_clip(problem.ball.radius / size, added)

        return points

    def _carried(self, added: Any, problem: Problem) -> Any:
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


Recipes = Sequence[tuple[str, Mapping[str, Any]]]


def source_recipes(condition: AttackCondition, others: Recipes) -> list[tuple[str, dict[str, Any]]]:
    """Models that a condition transfers from: those it names and the other models of the run."""
    if condition.attack not in ("transfer", "standard", "full"):
        return []
    return [*((spec, {}) for spec in condition.sources), *((spec, dict(options)) for spec, options in others)]


def attack_facts(condition: AttackCondition, others: Recipes, where: str) -> dict[str, Any]:
    """Check a condition before anything is computed; says which models it transfers from, for record and cache key.

    Raises
    ------
    ConfigError
        Unknown attack, loss or option, a budget that makes no sense, or a source that cannot be loaded.
    """
    from benchbed.run.attacking import plan_of, threats

    try:
        threats(condition)
        plan_of(condition)
        sources = {}
        for spec, options in source_recipes(condition, others):
            loaded = load_adapter(spec, options)
            weights = {Path(path).name: hash_files([Path(path)]) for path in loaded.adapter.weights()}
            sources[spec] = {"code": loaded.source_hash, "weights": weights, "options": loaded.options}
    except BenchbedError as error:
        where = f"{error.where}, asked for at {where}" if error.where else where
        raise type(error)(error.what, where=where, hint=error.hint) from error
    if condition.attack == "transfer" and not sources:
        raise ConfigError("there is no model to transfer from", where=where,
                          hint="name one in `sources`, or run several models at once with --model")  # fmt: skip
    return {"sources": sources} if sources else {}


def sources_of(engine: Any, condition: AttackCondition) -> dict[str, Source]:
    """The loaded sources of a condition; loaded once per process."""
    found: dict[str, Source] = {}
    for spec, options in source_recipes(condition, engine.job.others):
        key = ("source", spec, repr(options))
        if key not in engine.kept:
            adapter = start(load_adapter(spec, options), engine.job.device)
            alignment = plan_alignment(adapter.card, engine.job.labels)
            engine.kept[key] = Source(adapter.card.name, adapter, alignment, engine.job.seed)
        source = engine.kept[key]
        found[source.name if source.name not in found else f"{source.name}-{len(found)}"] = source
    return found


def fitting_clips(job: Job, split: str, attacked: set[str]) -> list[dict[str, Any]]:
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


def fitted_of(engine: Any, split: str, index: int, plan: Any, threat: Threat, victim: Any) -> dict[str, Any]:
    """What the universal attacks of a plan learned at a budget; learned once per process.

    Raises
    ------
    CannotMeasure
        There are no clips to learn from.
    """
    found = {}
    for attack in plan.attacks:
        if attack.access == "universal":
            key = ("fit", split, index, attack.name, str(threat))
            if key not in engine.kept:
                engine.kept[key] = attack.fit(_fit_problem(engine, split, index, threat, victim))
            found[attack.name] = engine.kept[key]
    return found


def _fit_problem(engine: Any, split: str, index: int, threat: Threat, victim: Any) -> Problem:
    import torch

    from benchbed.attack.losses import scene
    from benchbed.run.attacking import attacked_rows

    job, condition = engine.job, engine.job.conditions[index]
    table = job.clips[split]
    attacked = {str(table["clip_id"].iat[row]) for row in attacked_rows(table, condition.n)}
    number = {label: i for i, label in enumerate(job.labels)}
    waveforms: list[np.ndarray] = []
    targets: list[int] = []
    ids: list[str] = []
    for row in fitting_clips(job, split, attacked):
        try:
            clip = decode(job.root, row, job.audio_rate)
        except BenchbedError:
            continue  # a clip that is only learned from may be missing
        made = to_model(clip.waveform, clip.sample_rate, engine.card).waveform
        if made.any() and (not waveforms or made.shape == waveforms[0].shape):
            waveforms.append(made)
            targets.append(number[row["label"]])
            ids.append(str(row["clip_id"]))
    if not waveforms:
        raise CannotMeasure("no clip could be read to fit a universal perturbation on")
    clean = torch.from_numpy(np.stack(waveforms)).to(getattr(engine.adapter, "device", "cpu"))
    return Problem(victim, Ball.of(threat, clean), torch.tensor(targets, device=clean.device), scene, ids, job.seed,
                   engine.card.sample_rate)  # fmt: skip
