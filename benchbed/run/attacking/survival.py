"""What is left of a break when the attacked sound is stored, coded, shifted or played on its way to the model.

A break that a 16-bit file undoes is one of numbers, not of sound. Every broken clip goes through five ordinary ways and
is judged again by the plain path; so does its clean clip, because a way that breaks clean clips too makes no break
that is left evidence of the attack.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from benchbed import rng
from benchbed.perturb import resolve
from benchbed.perturb.contract import Context
from benchbed.perturb.level import to_int16
from benchbed.run.attacking.work import Attacked, Work

#: Columns: whether a break is left after a way, and whether the way alone breaks the clean clip.
LEFT, SPOILED = "left:", "spoiled:"
#: Milliseconds of the shift, kbit/s of the coders (Opus per channel), and the severity of the synthetic room.
SHIFT_MS, MP3_KBPS, OPUS_KBPS, ROOM = 10.0, 112, 64, (0.4, 6.0)

#: `(waveform, sample rate, clip id) → waveform`, or None where the way does not exist at this rate.
Way = Callable[[np.ndarray, int, str], np.ndarray | None]


def _file(waveform: np.ndarray, sample_rate: int, clip: str) -> np.ndarray:
    stored: np.ndarray = to_int16(waveform).astype(np.float32) / np.float32(32768.0)
    return stored


def _shift(waveform: np.ndarray, sample_rate: int, clip: str) -> np.ndarray:
    return np.roll(waveform, round(SHIFT_MS / 1000 * sample_rate), axis=1)


def _corrupted(name: str, parameter: object) -> Way:
    def way(waveform: np.ndarray, sample_rate: int, clip: str) -> np.ndarray | None:
        corruption = resolve(name)
        if corruption.unavailable(parameter, sample_rate, len(waveform)) is not None:
            return None
        random = rng.stream("survival", name, clip)
        made = corruption.prepare(waveform, sample_rate, random, Context(severities=(parameter,)))
        applied = corruption.apply(made, parameter)
        return None if applied.skipped is not None else applied.waveform

    return way


#: The ways, by the name of their column.
WAYS: dict[str, Way] = {
    "int16": _file,
    "mp3": _corrupted("mp3", MP3_KBPS),
    "opus": _corrupted("opus", OPUS_KBPS),
    "shift": _shift,
    "room": _corrupted("reverb", ROOM),
}


def note_survival(work: Work, broken: Sequence[tuple[Attacked, dict[str, object]]]) -> None:
    """Put into the facts of broken clips which ways leave the break, and which break the clean clip by themselves.

    Parameters
    ----------
    work : Work
        The unit.
    broken : sequence of (Attacked, dict)
        Clips of one length that were right when clean and are broken, and the columns of their rows.
    """
    if work.condition.space != "waveform" or not broken:
        return
    for name, way in WAYS.items():
        _put(work, broken, way, f"{LEFT}{name}", [done.points for done, _ in broken])
        clean = [done.sample.made.waveform for done, _ in broken]
        _put(work, broken, way, f"{SPOILED}{name}", clean)


def _put(
    work: Work,
    broken: Sequence[tuple[Attacked, dict[str, object]]],
    way: Way,
    column: str,
    audio: Sequence[np.ndarray],
) -> None:
    """Columns of what the model says after a way, `None` where that is not known; one sound is asked about once."""
    rate, shard = work.engine.card.sample_rate, work.engine.shard
    asked: list[tuple[int, np.ndarray]] = []
    for number, ((done, facts), waveform) in enumerate(zip(broken, audio)):
        key = _key(done, waveform, column)
        if key in work.survived:
            facts[column] = work.survived[key]
            continue
        heard = way(np.ascontiguousarray(waveform, dtype=np.float32), rate, shard.clip_id(done.sample.index))
        facts[column] = work.survived[key] = None
        if heard is not None:
            asked.append((number, heard))
    size = max(1, work.view.fits(broken[0][0].sample.samples))
    for start in range(0, len(asked), size):
        part = asked[start : start + size]
        first = broken[part[0][0]][0].sample
        points = np.stack([heard for _, heard in part]).astype(np.float32, copy=False)
        draws = [
            work.view.aligned(work.view.raw(points, first.samples), first.samples, first.seconds)
            for _ in range(work.eot)
        ]
        usable = np.logical_and.reduce([ok for _, ok in draws])
        mean = work.task.joined([given for given, _ in draws])
        for place, (number, _) in enumerate(part):
            done, facts = broken[number]
            if usable[place]:
                every = [given[place] for given, _ in draws]
                verdict = work.task.verdict(done.sample, every, mean[place], work.view.hop)
                facts[column] = work.survived[_key(done, audio[number], column)] = not verdict.correct


def _key(done: Attacked, waveform: np.ndarray, column: str) -> tuple[int, str, int]:
    # A clip that fell at a milder budget is the same sound at every larger one.
    return done.sample.index, column, hash(np.ascontiguousarray(waveform).tobytes())
