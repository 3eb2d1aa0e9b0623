"""Attacks inside a run: which clips, in which batches, and what is kept of every one of them.

The runner knows the labels and hands losses to the attack; the adapter still sees audio only. An attack acts on the
model's own input: after conversion of rate and channels and after cropping or padding, which are no part of the model.
What counts in the end is the plain answer of `predict` to the finished audio, never what the attack believed.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from benchbed import rng
from benchbed.attack.ensemble import Level, Plan, levels, plan
from benchbed.attack.threat import Threat
from benchbed.errors import AdapterError, AudioError, ConfigError
from benchbed.predictions.store import UnitPredictions
from benchbed.run.attack_sources import fitted_of, sources_of
from benchbed.run.job import Job, Unit
from benchbed.run.victim import EOT_DRAWS, SAME_ANSWER, untouched, victim_of
from benchbed.suite.model import AttackCondition

if TYPE_CHECKING:
    import pandas as pd

#: Clips of one unit of attacking: few enough to lose little when killed, enough to fill batches.
CHUNK = 32
#: Clips on which the costly sanity checks run.
PROBES = 8
#: Random shifts at which a universal perturbation is also scored.
SHIFTS = 3


def attacked_rows(table: pd.DataFrame, n: int) -> list[int]:
    """Rows of a split's clip table that are attacked: `n` clips, balanced over classes, the same for every model.

    A smaller `n` gives the beginning of a larger one.

    Examples
    --------
    >>> import pandas as pd
    >>> table = pd.DataFrame({"clip_id": list("abcdef"), "label": list("xxxxyy")})
    >>> chosen = attacked_rows(table, 4)
    >>> sorted(table["label"].iloc[chosen])
    ['x', 'x', 'y', 'y']
    """
    keys = {clip: rng.key("attacked", clip) for clip in table["clip_id"]}
    ranked: list[tuple[int, int, int]] = []
    for label in sorted(set(table["label"])):
        rows = [int(i) for i in np.flatnonzero(table["label"].to_numpy() == label)]
        rows.sort(key=lambda row: keys[table["clip_id"].iat[row]])
        ranked += [(rank, keys[table["clip_id"].iat[row]], row) for rank, row in enumerate(rows)]
    return [row for _, _, row in sorted(ranked)[:n]]


def attack_units(table: pd.DataFrame, n: int, seconds: float) -> list[tuple[int, ...]]:
    """Rows of each unit of an attack condition, at most `CHUNK` clips and about twenty minutes of audio each."""
    rows = attacked_rows(table, n)
    size = max(1, min(CHUNK, int(1200 * max(len(table), 1) / max(seconds, 1e-9))))
    return [tuple(rows[start : start + size]) for start in range(0, len(rows), size)]


def threats(condition: AttackCondition) -> list[Threat]:
    """Budgets of a condition, mildest first."""
    return [Threat(condition.threat, budget) for budget in condition.budgets]


def plan_of(condition: AttackCondition, *, differentiable: bool = True, sources: bool = True) -> Plan:
    """The attacks of a condition for a model that gives one class per clip."""
    from benchbed.attack.losses import scene

    return plan(condition.attack, condition.options, losses=scene.DEFAULTS, steps=condition.steps,
                restarts=condition.restarts, differentiable=differentiable, sources=sources)  # fmt: skip


def prices(conditions: Sequence[Any], clips: Mapping[str, int], classes: int) -> list[dict[str, Any]]:
    """Most passes that the attack conditions of a suite can need on an open model, without sources to transfer from.

    Examples
    --------
    >>> prices([AttackCondition(attack="fgsm", budgets=[20, 10], n=5)], {"test": 100}, 10)
    [{'attack': 'fgsm', 'threat': 'l2', 'clips': 5, 'budgets': 2, 'forwards': 80, 'backwards': 10}]
    """
    found = []
    for condition in conditions:
        if isinstance(condition, AttackCondition):
            count = sum(min(condition.n, number) for number in clips.values())
            cost = plan_of(condition, sources=bool(condition.sources)).cost(classes, len(condition.budgets), count)
            found.append({"attack": condition.attack, "threat": condition.threat, "clips": count,
                          "budgets": len(condition.budgets), "forwards": cost.forwards,
                          "backwards": cost.backwards})  # fmt: skip
    return found


@dataclass
class _Sample:
    """One clip on its way through an attack."""

    index: int
    clip: Any
    made: Any
    target: int
    right: bool = False
    finite: bool = True


@dataclass
class _Attacked:
    """One finished (clip, budget)."""

    sample: _Sample
    cell: Any
    points: np.ndarray
    facts: dict[str, Any]


@dataclass
class _Work:
    """What the steps of one unit share."""

    engine: Any
    unit: Unit
    condition: AttackCondition
    rows: Any
    eot: int = 1
    facts: list[dict[str, Any]] = field(default_factory=list)

    def note(
        self, check: str, n: int, bad: int = 0, worst: float = 0.0, cell: str | None = None, text: str = ""
    ) -> None:
        """A fact for a check; the facts of all units are put together when the run is scored."""
        self.facts.append(
            {"check": check, "n": int(n), "bad": int(bad), "worst": float(worst), "cell": cell, "text": text}
        )


def attack_unit(engine: Any, unit: Unit) -> UnitPredictions:
    """Predictions of one unit of an attack condition, with the facts that its sanity checks need.

    Parameters
    ----------
    engine : benchbed.run.engine.Engine
        With the unit's shard and model in place.
    unit : Unit
        Clips and budgets.

    Raises
    ------
    ConfigError
        The model needs side information, or the attack cannot run on it at all.
    """
    from benchbed.run.engine import _Rows

    cpu, wall = time.process_time(), time.perf_counter()
    condition = engine.job.conditions[unit.condition]
    if engine.card.side_information or getattr(engine.adapter, "replays", False):
        raise ConfigError(f"{engine.card.name} needs more than audio; attacks change audio only",
                          hint="leave the attack conditions out for this model")  # fmt: skip
    work = _Work(engine, unit, condition, _Rows())
    seed = rng.key("attack-unit", [cell.key for cell in unit.cells], unit.split, unit.shard, engine.job.seed)
    with rng.preserved_global_state(seed), untouched(engine.adapter) as moved:
        samples = _samples(work)
        _answer(work, samples)
        finished = [done for batch in _batches(work, samples) for done in _attack(work, batch)]
        _score(work, finished)
        changed = moved()
        work.note("state", 1, len(changed), text="; ".join(changed[:3]))
    info = {"cpu_seconds": time.process_time() - cpu, "wall_seconds": time.perf_counter() - wall, "loose": unit.loose,
            "attack": {"cell": unit.cells[0].key, "facts": work.facts}}  # fmt: skip
    return engine._assemble(unit, work.rows, info)


def _samples(work: _Work) -> list[_Sample]:
    engine, job = work.engine, work.engine.job
    number = {label: i for i, label in enumerate(job.labels)}
    found = []
    for index, row in enumerate(engine._shard.records):
        clip = engine._clip(index, row)
        if isinstance(clip, AudioError):
            engine._fail(work.rows, work.unit, row["clip_id"], "decode", clip)
            continue
        made = engine._input(clip.waveform, clip)
        # The attack must not be able to reach back into what other conditions see.
        made.waveform.flags.writeable = False
        found.append(_Sample(index, clip, made, number[row["label"]]))
    return found


def _batches(work: _Work, samples: list[_Sample]) -> list[list[_Sample]]:
    by_length: dict[int, list[_Sample]] = {}
    for sample in samples:
        by_length.setdefault(sample.made.waveform.shape[1], []).append(sample)
    size = work.engine.job.batch_size
    return [group[i : i + size] for group in by_length.values() for i in range(0, len(group), size)]


def _answer(work: _Work, samples: list[_Sample]) -> None:
    """Clean answers, and whether the model gives the same one twice."""
    engine, different, worst = work.engine, 0, 0.0
    for batch in _batches(work, samples):
        waveforms = np.stack([sample.made.waveform for sample in batch])
        raw = _raw(engine, waveforms)
        scores, usable = _aligned(engine, raw)
        # Probabilities may be too saturated to show what moves: the answers themselves are compared.
        with np.errstate(invalid="ignore"):
            gap = np.abs(_raw(engine, waveforms) - raw).reshape(len(raw), -1).max(1)
            scale = np.maximum(1.0, np.abs(raw).reshape(len(raw), -1).max(1))
        different += int((gap[usable] > SAME_ANSWER * scale[usable]).sum())
        worst = max(worst, float(gap[usable].max(initial=0.0)))
        for position, sample in enumerate(batch):
            sample.finite = bool(usable[position])
            sample.right = sample.finite and int(scores[position].argmax()) == sample.target
    work.eot = EOT_DRAWS if different else 1
    work.note("randomness", len(samples), different, worst)
    work.note("clean", len(samples), sum(not sample.right for sample in samples))
    work.note("finite_clean", len(samples), sum(not sample.finite for sample in samples))


def _raw(engine: Any, waveforms: np.ndarray) -> np.ndarray:
    """What the plain path answers."""
    from benchbed.types import Batch

    lengths = np.full(len(waveforms), waveforms.shape[2], dtype=np.int64)
    return np.asarray(engine.adapter.predict(Batch(waveforms, lengths, engine.card.sample_rate)))


def _aligned(engine: Any, raw: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Aligned probabilities, NaN where there are none, and which clips have any."""
    usable = engine.alignment.usable(raw)
    scores = np.full((len(raw), len(engine.job.labels)), np.nan, np.float32)
    if usable.any():
        scores[usable] = engine.alignment.apply(raw[usable])
    return scores, usable


def _attack(work: _Work, batch: list[_Sample]) -> list[_Attacked]:
    import torch

    engine, condition = work.engine, work.condition
    device = torch.device(getattr(engine.adapter, "device", "cpu"))
    loud = [s for s in batch if s.right and (condition.threat == "linf" or s.made.waveform.any())]
    victim = victim_of(engine.adapter, engine.alignment, work.eot)
    sources = sources_of(engine, condition)
    chosen = plan_of(condition, differentiable=victim.differentiable or victim.attack_forward is not None,
                     sources=bool(sources))  # fmt: skip
    if not chosen.attacks:
        name, reason = next(iter(chosen.skipped.items()))
        raise ConfigError(f"{name} cannot attack {engine.card.name}: {reason}",
                          hint="leave this condition out for this model, or give the adapter a forward")  # fmt: skip
    found: list[Level] = []
    shifted: list[list[float] | None] = []
    if loud:
        clean = torch.from_numpy(np.stack([s.made.waveform for s in loud])).to(device)
        setting = _Setting(work, loud, clean, victim, sources, chosen)
        found = levels(setting.problem, threats(condition), chosen)
        if work.unit.number == 0:
            from benchbed.run.attack_checks import probe

            probe(work, setting)
        setting.costs()
        shifted = [setting.shifted(level) for level in found]
    done = [done for i, cell in enumerate(work.unit.cells) for done in _finished(work, batch, loud, cell, found, i)]
    for number, shares in enumerate(shifted):
        if shares is not None:
            share = {id(sample): value for sample, value in zip(loud, shares)}
            for each in done:
                if each.cell is work.unit.cells[number] and id(each.sample) in share:
                    each.facts["shifted_correct"] = share[id(each.sample)]
    return done


@dataclass
class _Setting:
    """One batch with its victim, from which a problem is made for every budget."""

    work: _Work
    loud: list[_Sample]
    clean: Any
    victim: Any
    sources: Mapping[str, Any]
    plan: Plan

    def problem(self, threat: Threat) -> Any:
        """The batch at one budget."""
        import torch

        from benchbed.attack.contract import Problem
        from benchbed.attack.losses import scene
        from benchbed.attack.threat import Ball

        engine = self.work.engine
        target = torch.tensor([s.target for s in self.loud], device=self.clean.device)
        ids = [str(engine._shard.records[s.index]["clip_id"]) for s in self.loud]
        ball = Ball.of(threat, self.clean, self.limit())
        clips = {name: sample.clip for name, sample in zip(ids, self.loud)}
        crafts = {name: source.craft(threat, clips) for name, source in self.sources.items()}
        unit = self.work.unit
        fitted = fitted_of(engine, unit.split, unit.condition, self.plan, threat,
                           victim_of(engine.adapter, engine.alignment, self.work.eot))  # fmt: skip
        return Problem(self.victim, ball, target, scene, ids, engine.job.seed, engine.card.sample_rate,
                       sources=crafts, fitted=fitted)  # fmt: skip

    def limit(self) -> Any:
        """Projection below the masking threshold, if the condition asks for it."""
        audible = self.work.condition.audibility
        if audible is None:
            return None
        from benchbed.attack.audibility import masked

        return masked(self.clean, self.work.engine.card.sample_rate, audible.max_nmr, audible.full_scale_spl)

    def shifted(self, level: Level) -> list[float] | None:
        """Share of random circular shifts of a universal perturbation at which each clip is still right."""
        names = [attack.name for attack in self.plan.attacks if attack.access == "universal"]
        if not names:
            return None
        import torch

        from benchbed.attack.universal import placed

        problem = self.problem(level.threat)
        pattern = problem.fitted[names[0]]
        right = torch.zeros(len(problem), dtype=torch.float64, device=problem.target.device)
        for shift in range(SHIFTS):
            moves = [int(problem.stream(i, "shift", shift).integers(pattern.shape[-1])) for i in range(len(problem))]
            patterns = torch.stack([pattern.roll(move, -1) for move in moves])
            right = right + (problem.margin(problem.victim.scores(placed(problem.ball, patterns))) >= 0).double()
        return (right / SHIFTS).tolist()

    def costs(self) -> None:
        """Count what the attack took."""
        cost = self.victim.cost
        self.work.note("answers", cost.forwards, self.victim.unanswered)
        self.work.note("cost", len(self.loud), 0, text=f"{cost.forwards}/{cost.backwards}")


def _finished(
    work: _Work, batch: list[_Sample], loud: list[_Sample], cell: Any, found: list[Level], number: int
) -> list[_Attacked]:
    position = {id(sample): i for i, sample in enumerate(loud)}
    done = []
    for sample in batch:
        i = position.get(id(sample))
        if i is None:
            done.append(_Attacked(sample, cell, sample.made.waveform, _facts(sample, None, 0)))
            continue
        level = found[number]
        points = level.outcome.points[i].detach().cpu().numpy()
        done.append(_Attacked(sample, cell, points, _facts(sample, level, i)))
    if found:
        level = found[number]
        work.note("progress", level.attacked, level.attacked - level.climbed, cell=cell.key)
        work.note("floor", len(loud), int((level.noise & ~level.white).sum()), cell=cell.key,
                  worst=float(level.white.sum() - level.noise.sum()))  # fmt: skip
        work.note("black_box", len(loud), int((level.black & ~level.white).sum()), cell=cell.key)
    return done


def _facts(sample: _Sample, level: Level | None, i: int) -> dict[str, Any]:
    if level is None:
        return {"attacked": False, "clean_correct": sample.right, "noise_correct": sample.right, "believed": not
                sample.right, "broken_by": None if sample.right else "clean", "broken_step": -1,
                "carried": False}  # fmt: skip
    broken = bool(level.outcome.broken[i])
    return {
        "attacked": True,
        "clean_correct": sample.right,
        "noise_correct": not bool(level.noise[i]),
        "believed": broken,
        "broken_by": level.outcome.by[i] if broken else None,
        "broken_step": int(level.outcome.step[i]) if broken else -1,
        "carried": bool(level.carried[i]),
    }


def _score(work: _Work, finished: list[_Attacked]) -> None:
    """Let the plain path judge the finished audio, and audit budgets on the very samples that it was given."""
    engine = work.engine
    for cell in work.unit.cells:
        mine = sorted((done for done in finished if done.cell is cell), key=lambda done: done.sample.index)
        _audit(work, cell, mine)
        groups: dict[int, list[_Attacked]] = {}
        for done in mine:
            groups.setdefault(done.points.shape[1], []).append(done)
        size = engine.job.batch_size
        for group in groups.values():
            for start in range(0, len(group), size):
                _judge(work, cell, group[start : start + size])


def _judge(work: _Work, cell: Any, batch: list[_Attacked]) -> None:
    from benchbed.run.engine import _Item

    engine = work.engine
    waveforms = np.stack([done.points for done in batch]).astype(np.float32, copy=False)
    answers = [_aligned(engine, _raw(engine, waveforms)) for _ in range(work.eot)]
    usable = np.logical_and.reduce([ok for _, ok in answers])
    scores = np.mean([given for given, _ in answers], axis=0)
    hits = np.mean([given.argmax(1) == [d.sample.target for d in batch] for given, _ in answers], axis=0)
    disagree, near = 0, 0
    kept = []
    for i, done in enumerate(batch):
        clip_id = engine._shard.records[done.sample.index]["clip_id"]
        if not usable[i]:
            # An answer of NaN is a broken model, not a successful attack.
            reason = AdapterError("predict returned NaN or infinity")
            engine._fail(work.rows, work.unit, clip_id, "predict", reason, cell.key)
            continue
        target = done.sample.target
        margin = float(scores[i][target] - np.delete(scores[i], target).max())
        correct = bool(hits[i] >= 0.5) if work.eot > 1 else int(scores[i].argmax()) == target
        if done.facts["attacked"] and work.eot == 1 and correct == done.facts["believed"]:
            near, disagree = near + (abs(margin) < 1e-3), disagree + 1
        robust = done.facts["clean_correct"] and correct
        facts = {k: v for k, v in done.facts.items() if k != "believed"}
        facts |= {"robust": robust, "margin": margin, "correct_share": float(hits[i])}
        if robust:
            facts |= {"broken_by": None, "broken_step": -1}
        elif done.facts["broken_by"] is None:
            facts |= {"broken_by": "plain_forward"}
        item = _Item(done.sample.index, cell, 0, done.sample.made, facts["achieved"],
                     None if done.facts["attacked"] or not done.sample.right else "silent: it has no level", None,
                     facts)  # fmt: skip
        kept.append(i)
        work.rows.items.append(item)
    if kept:
        work.rows.scores.append(scores[kept].astype(np.float32))
    work.note("agreement", len(batch), disagree - near, cell=cell.key)
    work.note("agreement_near", len(batch), near, cell=cell.key)


def _audit(work: _Work, cell: Any, finished: list[_Attacked]) -> None:
    """Measure every finished clip against its budget, in double precision and apart from the attack's own code."""
    from benchbed.attack.audibility import dissimilarity

    norm, bad, worst, outside, infinite = work.condition.threat, 0, 0.0, 0.0, 0
    for done in finished:
        clean = done.sample.made.waveform.astype(np.float64)
        added = done.points.astype(np.float64) - clean
        if not np.isfinite(added).all():
            infinite += 1
            done.facts |= {"snr": None, "linf": None, "achieved": None}
            continue
        energy = float((added**2).sum())
        snr = 10 * np.log10(float((clean**2).sum()) / energy) if energy > 0 and clean.any() else None
        linf = float(np.abs(added).max())
        reach = np.maximum(1.0, np.abs(clean))
        outside = max(outside, float((np.abs(done.points) - reach).max()))
        excess = 0.0
        if norm == "linf":
            excess = linf - cell.budget
            bad += excess > 1e-6
        elif snr is not None:
            excess = cell.budget - snr
            bad += excess > 0.01
        worst = max(worst, excess)
        done.facts |= {"snr": snr, "linf": linf, "achieved": (snr if norm == "l2" else linf) if energy > 0 else None}
        if done.facts["attacked"]:
            done.facts |= dissimilarity(clean, added, work.engine.card.sample_rate)
        if work.condition.keep and done.facts["attacked"] and _kept(work, done):
            done.facts |= {"audio_clean": done.sample.made.waveform.astype("<f4").tobytes(),
                           "audio_attacked": done.points.astype("<f4").tobytes()}  # fmt: skip
    left = infinite or outside > 1e-6
    text = f"{infinite} not finite, at most {outside:.2g} outside −1…1" if left else ""
    work.note("budget", len(finished), bad + infinite + (outside > 1e-6), worst, cell.key, text)


def _kept(work: _Work, done: _Attacked) -> bool:
    return work.unit.number * CHUNK + done.sample.index < work.condition.keep


def job_identity(job: Job, split: str, condition: AttackCondition) -> dict[str, Any]:
    """What a unit of attacking depends on besides its clips: the whole subset, and so what is left to fit on."""
    table = job.clips[split]
    rows = attacked_rows(table, condition.n)
    return {"attacked": f"{rng.key('ids', [str(table['clip_id'].iat[row]) for row in rows]):032x}"}
