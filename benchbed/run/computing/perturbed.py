"""Computing one unit of clean or corrupted clips: decode a clip once, apply every severity, fill batches, predict.

The composition of every batch follows from the unit alone, never from workers, order or what was cached, so that a
unit's predictions are bit-identical wherever and whenever it is computed on one backend.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from benchbed import rng
from benchbed.adapter.asking import told
from benchbed.adapter.room import make_room, most_inputs, noted, out_of_memory
from benchbed.adapter.surroundings import replaces
from benchbed.errors import AdapterError, AudioError, BenchbedError, CannotMeasure
from benchbed.packages import unusable
from benchbed.predictions.store import UnitPredictions
from benchbed.run.computing import inspectrum, ondevice, shared
from benchbed.run.computing.ahead import made_ahead, spare_cores
from benchbed.run.computing.engine import Engine
from benchbed.run.computing.moves import applied
from benchbed.run.computing.rows import EvaluatedClip, Rows
from benchbed.run.computing.whole import Clip
from benchbed.run.job.job import Unit
from benchbed.suite.conditions import CorruptionCondition

if TYPE_CHECKING:
    from benchbed.perturb.contract import Applied
    from benchbed.perturb.ondevice import AppliedOnDevice

#: A batch, and what the model said about it; of a single clip also why it said nothing.
_Answered = tuple[list[EvaluatedClip], np.ndarray | BenchbedError]

#: Most bytes of perturbed clips that threads make before the model gets to them, by the length of a shard's first clip.
MOST_AHEAD_BYTES = 64 * 2**20
#: Most batches that the model gets in a row, and most bytes of them.
MOST_IN_A_ROW, MOST_IN_A_ROW_BYTES = 8, 16 * 2**20


def perturbed_unit(engine: Engine, unit: Unit) -> UnitPredictions:
    """Predictions of one unit of clean or corrupted clips.

    Parameters
    ----------
    engine : Engine
        With the unit's clips and model at hand.
    unit : Unit
        Clips and severities.

    Raises
    ------
    AdapterError
        The adapter breaks its contract (shape, class count, type), which no other clip could mend.
    AudioError
        A clip failed and the job says to stop at the first failure.
    PackageError
        What decodes, perturbs or answers imports a package that cannot be.
    """
    cpu, wall = time.process_time(), time.perf_counter()
    rows = Rows(engine.job, unit)
    pending: list[EvaluatedClip] = []
    most, alike = 0, (0, False)
    for evaluation in _evaluations(engine, unit, rows):
        # Only clips of one length share a batch: padding would change what a model with global pooling sees.
        this = evaluation.length, evaluation.form
        if pending and (len(pending) == most or this != alike):
            _predict(engine, pending, rows)
            pending = []
        if not pending:
            most, alike = engine.job.batch_size * _in_a_row(engine, evaluation), this
        pending.append(evaluation)
    _predict(engine, pending, rows)
    info = {
        "cpu_seconds": time.process_time() - cpu,
        "wall_seconds": time.perf_counter() - wall,
        "loose": unit.loose,
        **noted(engine.adapter),
    }
    return rows.assemble(engine.shard, info)


def _in_a_row(engine: Engine, evaluation: EvaluatedClip) -> int:
    """Batches that the model gets one after the other: model and corruptions take turns less often on cold caches."""
    if evaluation.form:
        return inspectrum.BATCHES
    each = evaluation.given.waveform.nbytes * engine.job.batch_size
    return max(1, min(MOST_IN_A_ROW, MOST_IN_A_ROW_BYTES // max(1, each)))


def _evaluations(engine: Engine, unit: Unit, rows: Rows) -> Iterator[EvaluatedClip]:
    def conditioned(one: tuple[int, Clip | AudioError]) -> list[EvaluatedClip]:
        index, clip = one
        return [] if isinstance(clip, AudioError) else list(_conditioned(engine, unit, index, clip, ahead))

    ahead: dict[int, object] = {}
    indices = range(len(engine.shard.records))
    clips = ((index, engine.clip(index)) for index in indices)
    for index, evaluate in zip(indices, made_ahead(clips, conditioned, *_makers(engine, unit))):
        clip, clip_id = engine.clip(index), engine.shard.clip_id(index)
        if isinstance(clip, AudioError):
            rows.fail(clip_id, "decode", clip)
            continue
        try:
            evaluations = evaluate()
        except BenchbedError as error:
            if not isinstance(error, CannotMeasure):
                raise  # a wrong option of the suite, not this clip's fault
            rows.fail(clip_id, "perturb", error)
            continue
        except Exception as error:  # whatever this clip does to a corruption, the others are still to be heard
            if (broken := unusable(error)) is not None:  # the next clip would meet it, too
                raise broken from error
            reason = AudioError(f"the perturbation raised {type(error).__name__}: {error}")
            rows.fail(clip_id, "perturb", reason)
            continue
        yield from evaluations


def _makers(engine: Engine, unit: Unit) -> tuple[int, int]:
    """Threads that perturb clips before the model gets to them, and how many clips that is."""
    job = engine.job
    condition = job.conditions[unit.condition]
    if not isinstance(condition, CorruptionCondition) or not engine.shard.records:
        return 0, 0
    corruption = engine.corruption(unit.condition)
    threads = min(job.readers, spare_cores(job.threads))
    # What is slow follows from the clip, its draw and its options alone, unless the model replaces what it is computed
    # with while it is called. The model's device has one caller.
    if not corruption.slow or corruption.device_tolerance is not None or threads == 0 or replaces(engine.adapter):
        return 0, 0
    first = engine.clip(0)
    each = first.waveform.nbytes * len(unit.cells) * condition.draws if isinstance(first, Clip) else 1
    return threads, min(threads + 1, MOST_AHEAD_BYTES // max(1, each))


def _conditioned(
    engine: Engine, unit: Unit, index: int, clip: Clip, ahead: dict[int, object]
) -> Iterator[EvaluatedClip]:
    job = engine.job
    condition = job.conditions[unit.condition]
    if not isinstance(condition, CorruptionCondition):
        for cell in unit.cells:
            yield EvaluatedClip(index, cell, 0, engine.given(clip.waveform, clip))
        return
    corruption = engine.corruption(unit.condition)
    strengths = {cell.key: corruption.parameters[cell.severity - 1] for cell in unit.cells if cell.severity is not None}
    channels = clip.waveform.shape[0]
    reasons = {key: corruption.unavailable(value, clip.sample_rate, channels) for key, value in strengths.items()}
    for draw in range(condition.draws):
        possible = [value for key, value in strengths.items() if reasons[key] is None]
        perturbations, state = _applied(engine, unit, index, clip, draw, possible, tuple(strengths.values()), ahead)
        waiting = iter(perturbations)
        for cell in unit.cells:
            if reasons[cell.key] is not None:
                yield EvaluatedClip(index, cell, draw, engine.given(clip.waveform, clip), None, reasons[cell.key])
                continue
            perturbed = next(waiting)
            reference, reached = None, perturbed.achieved
            wave = perturbed.waveform  # what was made on a device has been looked at there
            if reached is not None and isinstance(wave, np.ndarray) and _untouched(wave, clip.waveform):
                reached = None  # nothing came of it: no severity was reached, whatever was asked for
            if job.output.moved_by and perturbed.skipped is None:
                moves = applied(job.output, corruption, state, strengths[cell.key], job.labels)
                reference = engine.shard.placed(index, clip, moves)
            yield EvaluatedClip(
                index,
                cell,
                draw,
                engine.given(perturbed.waveform, clip),
                reached,
                perturbed.skipped,
                perturbed.note,
                perturbed.facts if perturbed.skipped is None else {},
                reference=reference,
            )


def _untouched(waveform: np.ndarray, clip: np.ndarray) -> bool:
    """Whether nothing came of a perturbation; of most something shows in one sample, which is compared in no time."""
    if waveform.shape != clip.shape or waveform.size == 0:
        return np.array_equal(waveform, clip)
    middle = waveform.size // 2
    return waveform.item(middle) == clip.item(middle) and np.array_equal(waveform, clip)


def _applied(
    engine: Engine,
    unit: Unit,
    index: int,
    clip: Clip,
    draw: int,
    possible: Sequence[object],
    asked: tuple[object, ...],
    ahead: dict[int, object],
) -> tuple[Sequence[Applied | AppliedOnDevice], object]:
    """A clip at the strengths that are possible for it, and the state they were made from where references move."""
    job, row = engine.job, engine.shard.records[index]
    condition, corruption = job.conditions[unit.condition], engine.corruption(unit.condition)
    assert isinstance(condition, CorruptionCondition)
    if not possible:
        return [], None
    states: list[object] = []

    def prepare() -> object:
        return _prepared(engine, unit, index, clip, draw, asked)

    def make() -> list[Applied]:
        states.append(_in_turn(engine, unit, index, clip, draw, asked, ahead))
        return [corruption.apply(states[0], value) for value in possible]

    if job.output.moved_by and applied(job.output, corruption, None, None) is not None:
        return make(), states[0]
    spectrum = engine.in_spectrum(corruption)
    if spectrum is not None:
        return spectrum.made(corruption, prepare(), possible, clip), None
    moved = engine.on_device(corruption, clip)
    if moved is not None:
        state = prepare()
        there = ondevice.made(moved, corruption, state, possible, clip)
        return (there if there is not None else [corruption.apply(state, value) for value in possible]), None
    facts = job.facts[unit.condition] if job.facts else {}
    return shared.perturbed(job, condition, facts, corruption, row, clip, draw, possible, make), None


def _prepared(engine: Engine, unit: Unit, index: int, clip: Clip, draw: int, asked: tuple[object, ...]) -> object:
    """What a corruption makes of a clip before it is asked for a strength."""
    condition, corruption = engine.job.conditions[unit.condition], engine.corruption(unit.condition)
    assert isinstance(condition, CorruptionCondition)
    context = engine.context(unit.condition, index, clip, asked)
    name, version, options = condition.corruption, corruption.version, condition.options
    random = rng.stream(name, version, options, engine.shard.records[index]["clip_id"], draw, engine.job.seed)
    return corruption.prepare(clip.waveform, clip.sample_rate, random, context)


def _in_turn(
    engine: Engine,
    unit: Unit,
    index: int,
    clip: Clip,
    draw: int,
    asked: tuple[object, ...],
    ahead: dict[int, object],
) -> object:
    """The same, and `ahead` of the clips after it where the corruption makes several together."""
    condition, corruption = engine.job.conditions[unit.condition], engine.corruption(unit.condition)
    assert isinstance(condition, CorruptionCondition)
    if index in ahead:
        return ahead.pop(index)
    state = _prepared(engine, unit, index, clip, draw, asked)
    ahead.clear()
    if corruption.together < 2 or corruption.slow or condition.draws > 1:
        return state
    for one in range(index + 1, min(index + corruption.together, len(engine.shard.records))):
        with contextlib.suppress(Exception):  # whatever it is, it comes again when it is that clip's turn
            other = engine.clip(one)
            if isinstance(other, Clip):
                ahead[one] = _prepared(engine, unit, one, other, draw, asked)
    corruption.side_by_side([state, *ahead.values()])
    return state


def _predict(engine: Engine, pending: list[EvaluatedClip], rows: Rows) -> None:
    """Ask the model about clips, batch by batch, and only then take in what it said: what runs between two calls of a
    model finds its code nowhere in the cache, each time anew."""
    answered: list[_Answered] = []
    try:
        for one in _in_parts(engine, pending, engine.job.batch_size):
            answered.append(one)
            if engine.job.fail_fast and _failed(engine, one[1]):
                break
    finally:
        for batch, answer in answered:
            _take(engine, batch, answer, rows)


def _failed(engine: Engine, answer: np.ndarray | BenchbedError) -> bool:
    return isinstance(answer, BenchbedError) or not engine.reading.usable(answer).all()


def _in_parts(engine: Engine, batch: list[EvaluatedClip], most: int) -> Iterator[_Answered]:
    for start in range(0, len(batch), most):
        yield from _answered(engine, batch[start : start + most])


def _answered(engine: Engine, batch: list[EvaluatedClip]) -> Iterator[_Answered]:
    most = most_inputs(engine.adapter)
    if most is not None and len(batch) > most:
        yield from _in_parts(engine, batch, most)
        return
    try:
        answer = _ask(engine, batch)
    except AdapterError:
        raise
    except Exception as error:
        if len(batch) > 1 and out_of_memory(error):
            yield from _in_parts(engine, batch, make_room(engine.adapter, len(batch)))
            return
        if (broken := unusable(error)) is not None:
            raise broken from error
        if len(batch) > 1:
            # One clip may have broken the batch; alone, each clip answers for itself.
            for evaluation in batch:
                yield from _answered(engine, [evaluation])
            return
        if engine.adapter.replays and isinstance(error, BenchbedError):
            # A file of answers lacks something: its own error says what and where, and no model raised anything.
            if engine.job.fail_fast:
                raise
            yield batch, error
        else:
            yield batch, AdapterError(f"predict raised {told(error)}")
    else:
        yield batch, answer


def _take(engine: Engine, batch: list[EvaluatedClip], answer: np.ndarray | BenchbedError, rows: Rows) -> None:
    if isinstance(answer, BenchbedError):
        rows.fail(engine.shard.clip_id(batch[0].clip), "predict", answer, batch[0].cell.key)
        return
    usable = engine.reading.usable(answer)
    for evaluation, ok in zip(batch, usable):
        if not ok:
            reason = AdapterError("predict returned NaN or infinity")
            rows.fail(engine.shard.clip_id(evaluation.clip), "predict", reason, evaluation.cell.key)
    if usable.any():
        kept = [evaluation for evaluation, ok in zip(batch, usable) if ok]
        heard = [engine.hearing.heard(one.length, _seconds(engine, one)) for one in kept]
        if (remark := engine.reading.remark(answer, heard[0])) is not None:
            # Of a batch it is said; its clips are those of which it can be said alone.
            for evaluation, one in zip(kept, np.flatnonzero(usable)):
                if engine.reading.remark(answer[one : one + 1], heard[0]) is not None:
                    evaluation.facts = {**evaluation.facts, "remark": remark}
        rows.add(kept, engine.reading.answers(answer[usable], heard))


def _ask(engine: Engine, batch: list[EvaluatedClip]) -> np.ndarray:
    inputs = [one.given for one in batch]
    records: Sequence[Mapping[str, object]] = engine.shard.records
    side = {name: tuple(records[one.clip][name] for one in batch) for name in engine.job.side}
    try:
        if inspectrum.held(inputs):
            spectrum = engine.in_spectrum(engine.corruption(batch[0].cell.condition))
            assert spectrum is not None
            return spectrum.ask(engine.reading, inputs, side)
        return engine.hearing.ask(engine.adapter, engine.reading, ondevice.stacked(inputs), side)
    except AdapterError as error:
        if error.where is not None:
            raise
        raise type(error)(error.what, where=engine.job.recipe[0], hint=error.hint) from error


def _seconds(engine: Engine, evaluation: EvaluatedClip) -> float:
    clip = engine.shard.clips[evaluation.clip]
    assert isinstance(clip, Clip)
    return clip.seconds
