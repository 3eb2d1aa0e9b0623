"""Attacks inside a run: one unit from its clips to its rows.

The runner knows the labels and hands losses to the attack; the adapter still sees audio only. An attack acts on the
model's own input: after conversion of rate and channels and after cropping or padding, which are no part of the model.
What counts in the end is the plain answer of `predict` to the finished audio, never what the attack believed. Where a
condition declares features for its space, the model is cut behind its front end first, and features take the place of
audio in all of this.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from benchbed import rng
from benchbed.adapter.room import make_room, most_inputs, noted, out_of_memory
from benchbed.attack.ensemble import Level, levels
from benchbed.attack.expectation import STABLE, steady_draws
from benchbed.errors import AudioError, ConfigError
from benchbed.predictions.store import UnitPredictions
from benchbed.run.attacking import attackers
from benchbed.run.attacking.auditing import Claimed, claimed, hold
from benchbed.run.attacking.averaging import average_of
from benchbed.run.attacking.certifying import certify_clips
from benchbed.run.attacking.ensembles import ensemble_of, threats
from benchbed.run.attacking.fresh import SecondInstance, second_instance
from benchbed.run.attacking.goal import AttackedClip
from benchbed.run.attacking.goals import task_of
from benchbed.run.attacking.setting import Setting
from benchbed.run.attacking.sources import sources_of
from benchbed.run.attacking.space import on_features
from benchbed.run.attacking.verdict import score
from benchbed.run.attacking.victim import EOT_DRAWS, SAME_ANSWER, untouched
from benchbed.run.attacking.view import view_of
from benchbed.run.attacking.vouching import voucher_of
from benchbed.run.attacking.work import Attacked, Work
from benchbed.run.computing.engine import Engine
from benchbed.run.computing.rows import Rows
from benchbed.run.job.job import Unit
from benchbed.suite.conditions import AttackCondition
from benchbed.suite.plan import CellPlan

if TYPE_CHECKING:
    import torch

    from benchbed.attack.contract import Victim

#: Clips on which the gradients of a random model are tried for stability.
STEADY_CLIPS = 4


def attack_unit(engine: Engine, unit: Unit) -> UnitPredictions:
    """Predictions of one unit of an attack condition, with the facts that its sanity checks need.

    Parameters
    ----------
    engine : Engine
        With the unit's clips and model at hand.
    unit : Unit
        Clips and budgets.

    Raises
    ------
    ConfigError
        The model needs side information, or the attack cannot run on it at all.
    """
    cpu, wall = time.process_time(), time.perf_counter()
    condition = engine.job.conditions[unit.condition]
    assert isinstance(condition, AttackCondition)
    if engine.card.side_information or engine.adapter.replays:
        raise ConfigError(
            f"{engine.card.name} needs more than audio; attacks change audio only",
            hint="leave the attack conditions out for this model",
        )
    goal, rows = task_of(engine.job, unit.condition), Rows(engine.job, unit)
    work = Work(engine, unit, condition, goal, view_of(engine), rows)
    claims: list[Claimed] = []
    with rng.preserved_global_state(work.seed("clean")), second_instance(engine) as second:
        with untouched(engine.adapter) as moved:
            samples = _samples(work)
            if condition.space == "features":
                on_features(work, _batches(work, samples))
            else:
                _appoint(work, second)
            _answer(work, samples)
            finished = [done for batch in _batches(work, samples) for done in _in_room(work, batch, claims)]
            certify_clips(work, finished)
            score(work, finished)
            for each in claims:
                hold(work.judging, each, work.eot)
            changed = moved()
        work.note("state", 1, len(changed), text="; ".join(changed[:3]))
    info = {
        "cpu_seconds": time.process_time() - cpu,
        "wall_seconds": time.perf_counter() - wall,
        "loose": unit.loose,
        **noted(engine.adapter),
        "attack": {"cell": unit.cells[0].key, "facts": work.facts},
    }
    return rows.assemble(engine.shard, info)


def attacked_rows_of(engine: Engine, unit: Unit) -> list[int]:
    """Rows of a unit whose clips are attacked at all: the model is right about them before.

    Parameters
    ----------
    engine : Engine
    unit : Unit
        Of an attack condition.
    """
    engine.load(unit)
    condition = engine.job.conditions[unit.condition]
    assert isinstance(condition, AttackCondition)
    work = Work(engine, unit, condition, task_of(engine.job, unit.condition), view_of(engine), Rows(engine.job, unit))
    with rng.preserved_global_state(work.seed("clean")), untouched(engine.adapter):
        samples = _samples(work)
        _answer(work, samples)
    return [unit.rows[sample.index] for sample in samples if sample.finite and sample.right]


def _appoint(work: Work, second: SecondInstance) -> None:
    """Let a second instance judge, where there is one."""
    if not second.own:
        work.note("fresh", 0, text=second.how)
    else:
        work.judge = replace(work.view, adapter=second.adapter)
    work.note("fresh_how", 1, int(not second.own), worst=float(second.differs), text=second.how)


def _samples(work: Work) -> list[AttackedClip]:
    engine = work.engine
    found = []
    for index, row in enumerate(engine.shard.records):
        clip = engine.clip(index)
        if isinstance(clip, AudioError):
            work.rows.fail(row["clip_id"], "decode", clip)
            continue
        made = work.view.input(clip)
        # The attack must not be able to reach back into what other conditions see.
        made.waveform.flags.writeable = False
        truth = work.task.truth(engine.shard.references, index, clip.seconds)
        found.append(AttackedClip(index, clip, made, truth, clip.seconds, made.waveform.shape[1]))
    return found


def _batches(work: Work, samples: list[AttackedClip]) -> list[list[AttackedClip]]:
    alike: dict[tuple[int, float], list[AttackedClip]] = {}
    for sample in samples:
        alike.setdefault(work.view.alike(sample.samples, sample.seconds), []).append(sample)
    return [
        group[i : i + work.view.fits(samples)]
        for (samples, _), group in alike.items()
        for i in range(0, len(group), work.view.fits(samples))
    ]


def _answer(work: Work, samples: list[AttackedClip]) -> None:
    """Clean answers, and whether the model gives the same one twice."""
    view, different, worst = work.view, 0, 0.0
    for batch in _batches(work, samples):
        points, length = np.stack([sample.made.waveform for sample in batch]), batch[0].samples
        raw = view.raw(points, length)
        scores, usable = view.aligned(raw, length, batch[0].seconds)
        # Probabilities may be too saturated to show what moves: the answers themselves are compared.
        gap, scale = view.gap(raw, view.raw(points, length))
        different += int((gap[usable] > SAME_ANSWER * scale[usable]).sum())
        worst = max(worst, float(gap[usable].max(initial=0.0)))
        for position, sample in enumerate(batch):
            sample.finite = bool(usable[position])
            if sample.finite:
                work.task.read(sample, scores[position], view.hop)
    # A vote under noise is random even where all clean clips happen to be unanimous.
    work.eot = EOT_DRAWS if different or view.adapter.smoothing is not None else 1
    if work.eot > 1:
        _answer_often(work, samples)
    work.task.scale = float(np.median([work.task.distance(s) for s in samples if s.finite] or [1.0]))
    work.note("randomness", len(samples), different, worst)
    work.note("clean", len(samples), sum(not sample.right for sample in samples))
    work.note("finite_clean", len(samples), sum(not sample.finite for sample in samples))


def _answer_often(work: Work, samples: list[AttackedClip]) -> None:
    """Clean answers of a random model: a clip is worth attacking if any of many is right, and counts by their share."""
    view = work.view
    for batch in _batches(work, samples):
        points, length, seconds = np.stack([s.made.waveform for s in batch]), batch[0].samples, batch[0].seconds
        draws = [view.aligned(view.raw(points, length), length, seconds)[0] for _ in range(work.draws)]
        mean = work.task.joined(draws)
        for position, sample in enumerate(batch):
            if not sample.finite:
                continue
            rights = []
            for answers in draws:
                work.task.read(sample, answers[position], view.hop)
                rights.append(sample.right)
            work.task.read(sample, mean[position], view.hop)
            sample.share = float(np.mean(rights))
            sample.right = sample.share > 0


def _in_room(work: Work, batch: list[AttackedClip], claims: list[Claimed]) -> list[Attacked]:
    """Attack a batch, or its halves where it does not fit into memory."""
    most = most_inputs(work.engine.adapter)
    if most is None or len(batch) <= most:
        facts, count = copy.deepcopy(work.facts), len(claims)
        try:
            return _attack(work, batch, claims)
        except Exception as error:
            if len(batch) == 1 or not out_of_memory(error):
                raise
            work.facts[:] = facts  # nothing is counted twice
            del claims[count:]
            most = make_room(work.engine.adapter, len(batch))
    parts = [batch[start : start + most] for start in range(0, len(batch), most)]
    return [done for part in parts for done in _in_room(work, part, claims)]


def _attack(work: Work, batch: list[AttackedClip], claims: list[Claimed]) -> list[Attacked]:
    import torch

    engine, condition = work.engine, work.condition
    device = torch.device(engine.adapter.device)
    # A silent clip has no level to set an SNR against; any other budget it can be given.
    level = condition.space == "waveform" and condition.threat == "l2"
    loud = [s for s in batch if s.right and not s.spared and (not level or s.made.waveform.any())]
    victim = work.view.victim(batch[0].samples, batch[0].seconds, work.eot)
    average = average_of(work, work.view, batch[0].samples, batch[0].seconds)
    if average is not None:
        victim = average.victim(victim)
    if loud and (closed := _closed(work, victim, loud[0], device)):
        victim = replace(victim, differentiable=False, attack_forward=None)
        work.note("closed", 1, 1, text=closed)
    sources = sources_of(engine, condition)
    opened = victim.differentiable or victim.attack_forward is not None
    chosen = ensemble_of(
        condition,
        work.task.output,
        sources=bool(sources),
        differentiable=opened,
        powered=not opened or (engine.adapter.undefended is not None and work.eot == 1),
    )
    if not chosen.attacks:
        name, reason = next(iter(chosen.skipped.items()))
        raise ConfigError(
            f"{name} cannot attack {engine.card.name}: {reason}",
            hint="leave this condition out for this model, or give the adapter a forward",
        )
    work.restricted = any(attack.restricted for attack in chosen.attacks)
    stages: list[Level] = []
    columns: list[dict[str, Sequence[object]]] = [{} for _ in work.unit.cells]
    if loud:
        clean = torch.from_numpy(np.stack([s.made.waveform for s in loud])).to(device)
        setting = Setting(work, loud, clean, victim, sources, chosen)
        if condition.attack == "transfer":
            from benchbed.run.attacking.transfer import apart

            stages, columns = apart(setting, threats(condition))
        else:
            _expect(work, setting)
            voucher = voucher_of(setting)
            budgets = threats(condition)
            stages = levels(setting.problem, budgets, chosen, alone=setting.alone, vouches=voucher, seeds=setting.seed)
            claims += [] if voucher is None else voucher.claims
        if (claim := claimed(setting, stages)) is not None:
            claims.append(claim)
        if work.unit.number == 0:
            from benchbed.run.attacking.checks import probe

            probe(work, setting)
        setting.costs()
        for column, stage in zip(columns, stages):
            if (shares := setting.shifted(stage)) is not None:
                column["shifted_correct"] = shares
        for column in columns:
            column[attackers.COLUMN] = [chosen.white_box] * len(loud)
    done = [done for i, cell in enumerate(work.unit.cells) for done in _finished(work, batch, loud, cell, stages, i)]
    position = {id(sample): i for i, sample in enumerate(loud)}
    for each in done:
        if (i := position.get(id(each.sample))) is not None:
            each.facts |= {name: values[i] for name, values in columns[_number(work, each)].items()}
    return done


def _expect(work: Work, setting: Setting) -> None:
    """Average as many gradients of a random model as it takes."""
    if work.eot == 1 or not setting.ensemble.white_box:
        return
    import torch

    some = torch.arange(min(STEADY_CLIPS, len(setting.loud)), device=setting.clean.device)
    draws, cosine = steady_draws(setting.problem(threats(work.condition)[0]).select(some))
    setting.victim.eot = draws
    work.note("expectation", draws, int(cosine < STABLE), -cosine)


def _closed(work: Work, victim: Victim, sample: AttackedClip, device: torch.device) -> str:
    """Why a model's path cannot be differentiated although it is there, e.g. through numpy or a coder; else empty.

    A path that does not even answer raises what it raises.
    """
    import torch

    if not victim.differentiable:
        return ""
    point = torch.from_numpy(sample.made.waveform[None].copy()).to(device)
    through = victim.attack_forward or victim.forward
    try:
        with torch.enable_grad():
            answer = through(point.clone().requires_grad_(True))
        if not answer.requires_grad:
            return "its answer has no gradient: something on its way left torch, or was detached"
    except Exception as error:
        with torch.no_grad():
            through(point)
        return f"{type(error).__name__}: {str(error).partition(chr(10))[0]}"
    return ""


def _number(work: Work, done: Attacked) -> int:
    """Which of the condition's budgets a finished clip is about."""
    return next(i for i, cell in enumerate(work.unit.cells) if cell is done.cell)


def _finished(
    work: Work, batch: list[AttackedClip], loud: list[AttackedClip], cell: CellPlan, stages: list[Level], number: int
) -> list[Attacked]:
    position = {id(sample): i for i, sample in enumerate(loud)}
    done = []
    for sample in batch:
        i = position.get(id(sample))
        if i is None:
            done.append(Attacked(sample, cell, sample.made.waveform, _facts(sample, None, 0)))
            continue
        level = stages[number]
        points = level.outcome.points[i].detach().cpu().numpy()
        noise = None
        if work.task.scored and level.worst_noise is not None:
            noise = level.worst_noise[i].detach().cpu().numpy()
        done.append(Attacked(sample, cell, points, _facts(sample, level, i), noise))
    if stages:
        level = stages[number]
        work.note("progress", level.attacked, level.attacked - level.climbed, cell=cell.key)
        if not work.restricted:
            work.note(
                "floor",
                len(loud),
                int((level.noise & ~level.white).sum()),
                cell=cell.key,
                worst=float(level.white.sum() - level.noise.sum()),
            )
        asked, doubted = int((level.vouched | level.doubted).sum()), int(level.doubted.sum())
        if asked:
            work.note("shortened", asked, doubted, cell=cell.key)
        work.note("black_box", len(loud), int((level.black & ~level.white).sum()), cell=cell.key)
    return done


def _facts(sample: AttackedClip, level: Level | None, i: int) -> dict[str, object]:
    if level is None:
        return {
            "attacked": False,
            "clean_correct": sample.right,
            "noise_correct": sample.right,
            "believed": not sample.right,
            "broken_by": None if sample.right else "clean",
            "broken_step": -1,
            "carried": False,
            "clean_share": sample.share,
        }
    broken = bool(level.outcome.broken[i])
    return {
        "attacked": True,
        "clean_correct": sample.right,
        "noise_correct": not bool(level.noise[i]),
        "believed": broken,
        "broken_by": level.outcome.by[i] if broken else None,
        "broken_step": int(level.outcome.step[i]) if broken else -1,
        "carried": bool(level.carried[i]),
        "clean_share": sample.share,
        **{name: values[i] for name, values in level.outcome.columns.items()},
    }
