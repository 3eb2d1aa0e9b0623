"""What counts of an attack: the plain answer of `predict` to the finished audio, which must be within the budget.

On features it is the plain answer of the cut model to the finished features, and the budget is in their units.
"""

from __future__ import annotations

import numpy as np

from benchbed import rng
from benchbed.attack.features import reached
from benchbed.errors import AdapterError
from benchbed.run.attacking.certifying import CERTIFIED
from benchbed.run.attacking.goal import Verdict
from benchbed.run.attacking.subset import subset
from benchbed.run.attacking.survival import note_survival
from benchbed.run.attacking.view import View
from benchbed.run.attacking.work import Attacked, Work
from benchbed.run.computing.rows import EvaluatedClip
from benchbed.suite.plan import CellPlan

#: SNR in dB of what is added to silence, and the least that is told.
LOWEST = -300.0
#: What float32 can lose of a budget on features: of the budget itself, and of the greatest value it is added to.
ROUNDING = 1e-5, 1e-6

#: Batches of evaluations with the answers to them.
Judged = list[tuple[list[EvaluatedClip], np.ndarray]]


def score(work: Work, finished: list[Attacked]) -> None:
    """Let the plain path judge the finished audio, and audit budgets on the very samples that it was given."""
    # The strongest budget first: an instance that remembers what it heard is then asked what it has not heard yet.
    judged: dict[str, Judged] = {cell.key: [] for cell in work.unit.cells}
    for cell in reversed(work.unit.cells):
        mine = sorted((done for done in finished if done.cell is cell), key=lambda done: done.sample.index)
        (_audit if work.condition.space == "waveform" else _audit_features)(work, cell, mine)
        groups: dict[tuple[int, float], list[Attacked]] = {}
        for done in mine:
            groups.setdefault(work.view.alike(done.sample.samples, done.sample.seconds), []).append(done)
        for (samples, _), group in groups.items():
            # Each batch by itself: what is judged once for all budgets draws beside the batches of one of them alone.
            for number, batch in enumerate(_shuffled(group, work.view.fits(samples))):
                with rng.preserved_global_state(work.seed("judge", cell.key, number)):
                    judged[cell.key] += _judge(work, cell, batch)
    for parts in judged.values():  # rows stand as their clips do, in whatever order these were judged
        for evaluations, answers in reversed(parts):
            work.rows.add(evaluations[::-1], answers[::-1])


def _shuffled(group: list[Attacked], size: int) -> list[list[Attacked]]:
    """Clips in batches that are none of those they were attacked in: backwards, the first batch half as large."""
    others = group[::-1]
    first = max(1, min(size, len(others)) // 2)
    return [others[:first], *(others[i : i + size] for i in range(first, len(others), size))]


def _judge(work: Work, cell: CellPlan, batch: list[Attacked]) -> Judged:
    view, task = work.judging, work.task
    answers = [_heard(view, [done.points for done in batch], batch) for _ in range(work.draws)]
    first = _first(work, batch)
    usable = np.logical_and.reduce([ok for _, ok in answers])
    mean = task.joined([given for given, _ in answers])
    _noise(work, batch)
    disagree, near, other, certain, refuted = 0, 0, 0, 0, 0
    kept: list[int] = []
    broken: list[tuple[Attacked, dict[str, object]]] = []
    evaluations: list[EvaluatedClip] = []
    for i, done in enumerate(batch):
        clip_id = work.engine.shard.clip_id(done.sample.index)
        if not usable[i]:
            # An answer of NaN is a broken model, not a successful attack.
            reason = AdapterError("predict returned NaN or infinity")
            work.rows.fail(clip_id, "predict", reason, cell.key)
            continue
        verdict = task.verdict(done.sample, [given[i] for given, _ in answers], mean[i], view.hop)
        if work.eot == 1:
            before = (None if first is None else first[i]) or verdict
            if done.facts["attacked"] and before.correct == done.facts["believed"]:
                near, disagree = near + (verdict.near or before.near), disagree + 1
            other += before.correct != verdict.correct and not (verdict.near or before.near)
        robust = done.facts["clean_correct"] and verdict.correct
        facts = {k: v for k, v in done.facts.items() if k != "believed"}
        if done.sample.share is not None:
            facts["clean_correct"] = done.sample.share >= 0.5
        facts |= {"robust": robust, "margin": verdict.margin, "correct_share": verdict.share, **verdict.facts}
        if robust:
            facts |= {"broken_by": None, "broken_step": -1}
        elif done.facts["broken_by"] is None:
            facts |= {"broken_by": "plain_forward"}
        achieved, skipped = facts["achieved"], _skipped(done)
        assert achieved is None or isinstance(achieved, float)
        certain += bool(done.facts.get(CERTIFIED))
        refuted += bool(done.facts.get(CERTIFIED)) and not verdict.correct
        evaluations.append(EvaluatedClip(done.sample.index, cell, 0, done.sample.made, achieved, skipped, None, facts))
        kept.append(i)
        if done.facts["attacked"] and done.facts["clean_correct"] and not robust:
            broken.append((done, facts))
    note_survival(work, broken)
    work.note("agreement", len(batch), disagree - near, cell=cell.key)
    work.note("agreement_near", len(batch), near, cell=cell.key)
    if any(CERTIFIED in done.facts for done in batch):
        work.note("certificate", certain, refuted, cell=cell.key)
    if work.judge is not None:
        told = "" if first is not None else "the model is random: only a new instance judges it"
        work.note("fresh", 0 if first is None else len(batch), other, cell=cell.key, text=told)
    if not kept:
        return []
    return [(evaluations, view.stored(mean[kept], [batch[i].sample.seconds for i in kept]))]


def _first(work: Work, batch: list[Attacked]) -> list[Verdict | None] | None:
    """What the attacked instance itself says about finished clips; None where it is the one that judges, or is
    random."""
    if work.judge is None or work.eot > 1:
        return None
    answers, usable = _heard(work.view, [done.points for done in batch], batch)
    joined = work.task.joined([answers])
    return [
        work.task.verdict(done.sample, [answer], mean, work.view.hop) if ok else None
        for done, answer, mean, ok in zip(batch, answers, joined, usable)
    ]


def _heard(view: View, audio: list[np.ndarray], batch: list[Attacked]) -> tuple[np.ndarray, np.ndarray]:
    points, samples = np.stack(audio).astype(np.float32, copy=False), batch[0].sample.samples
    return view.aligned(view.raw(points, samples), samples, batch[0].sample.seconds)


def _skipped(done: Attacked) -> str | None:
    if done.facts["attacked"] or not done.sample.right:
        return None
    return done.sample.spared or "silent: it has no level"


def _noise(work: Work, batch: list[Attacked]) -> None:
    """What clips with scores of their own score in the strongest noise of the budget."""
    if not work.task.scored:
        return
    loud = [done for done in batch if done.noise is not None]
    for done in batch:
        done.facts["score_noise"] = done.sample.score if done.sample.finite else None
    if not loud:
        return
    answers, usable = _heard(work.judging, [done.noise for done in loud if done.noise is not None], loud)
    for done, answer, ok in zip(loud, answers, usable):
        verdict = work.task.verdict(done.sample, [answer], answer, work.view.hop) if ok else None
        done.facts["score_noise"] = verdict.facts["score_attacked"] if verdict else None


def _audit(work: Work, cell: CellPlan, finished: list[Attacked]) -> None:
    """Measure every finished clip against its budget, in double precision and apart from the attack's own code."""
    from benchbed.attack.audibility import dissimilarity
    from benchbed.attack.frequency import LEAK, outside_share

    band, leak = work.condition.band, 0.0
    norm, budget, bad, worst, outside, infinite = work.condition.threat, _budget(cell), 0, 0.0, 0.0, 0
    for done in finished:
        clean = done.sample.made.waveform.astype(np.float64)
        added = done.points.astype(np.float64) - clean
        if not np.isfinite(added).all():
            infinite += 1
            done.facts |= {"snr": None, "linf": None, "achieved": None}
            continue
        energy = float((added**2).sum())
        snr = _snr(clean, added, each=work.condition.channels == "each")
        linf = float(np.abs(added).max())
        if band is not None:
            leak = max(leak, outside_share(added, band.low, band.high, work.engine.card.sample_rate))
        reach = np.maximum(1.0, np.abs(clean))
        outside = max(outside, float((np.abs(done.points) - reach).max()))
        excess = 0.0
        if norm == "linf":
            excess = linf - budget
            bad += excess > min(1e-6, 1e-3 * budget)
        elif snr is not None:
            excess = budget - snr
            bad += excess > 0.01
        worst = max(worst, excess)
        done.facts |= {"snr": snr, "linf": linf, "achieved": (snr if norm == "l2" else linf) if energy > 0 else None}
        if done.facts["attacked"]:
            done.facts |= dissimilarity(clean, added, work.engine.card.sample_rate)
        broke = work.engine.job.keep_attacked and done.facts["believed"] and not done.facts["carried"]
        if done.facts["attacked"] and (broke or (work.condition.keep and _kept(work, done))):
            done.facts |= {
                "audio_clean": done.sample.made.waveform.astype("<f4").tobytes(),
                "audio_attacked": done.points.astype("<f4").tobytes(),
                "audio_channels": len(done.points),
            }
    left = infinite or outside > 1e-6
    text = f"{infinite} not finite, at most {outside:.2g} outside −1…1" if left else ""
    leaks = leak > 10 ** (LEAK / 10)
    if leaks:
        text = f"{text}, " * bool(text) + f"{10 * np.log10(leak):.0f} dB of the perturbation lie outside its band"
    work.note("budget", len(finished), bad + infinite + (outside > 1e-6) + leaks, worst, cell.key, text)


def _snr(clean: np.ndarray, added: np.ndarray, *, each: bool) -> float | None:
    """SNR in dB over all channels, or of the channel with the least; `LOWEST` where one is added to without a level."""
    levels, energies = ((part**2).sum(axis=1) for part in (clean, added))
    if not each:
        levels, energies = levels.sum(keepdims=True), energies.sum(keepdims=True)
    some = energies > 0
    if not some.any() or not clean.any():
        return None
    with np.errstate(divide="ignore"):
        return max(LOWEST, float((10 * np.log10(levels[some] / energies[some])).min()))


def _audit_features(work: Work, cell: CellPlan, finished: list[Attacked]) -> None:
    """The same on features, which have no box, and no level that an SNR or an ear could be held against."""
    budget, bad, worst, infinite = _budget(cell), 0, 0.0, 0
    for done in finished:
        clean = done.sample.made.waveform
        done.facts |= {"snr": None, "linf": None, "achieved": None}
        if not np.isfinite(done.points).all():
            infinite += 1
            continue
        used = reached(work.condition.threat, clean, done.points)
        excess = used - budget
        bad += excess > ROUNDING[0] * budget + ROUNDING[1] * max(1.0, float(np.abs(clean).max()))
        worst = max(worst, excess)
        done.facts["achieved"] = used if used > 0 else None
    text = f"{infinite} not finite" if infinite else ""
    work.note("budget", len(finished), bad + infinite, worst, cell.key, text)


def _budget(cell: CellPlan) -> float:
    assert cell.budget is not None  # every cell of an attack has one
    return cell.budget


def _kept(work: Work, done: Attacked) -> bool:
    """Whether a clip is among the first of the condition's subset, however that is cut into units."""
    unit, job = work.unit, work.engine.job
    key = ("keep", unit.split, unit.condition)
    first = work.engine.once(key, lambda: set(subset(job, unit.split, work.condition)[: work.condition.keep]))
    return unit.rows[done.sample.index] in first
