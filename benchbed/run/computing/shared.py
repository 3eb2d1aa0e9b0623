"""What models, workers and runs share of the audio: clips that took long to decode, and what slow corruptions made of
them.

Names of kept audio cover the content of the clip's file, the stretch of it, the rate and who resampled it; of perturbed
audio also the corruption with its version, its code and the packages that this stands on, its options and facts, the
draw, and the strengths. A clip whose content nobody hashed is never kept.

What is not slow is not kept on disk, where it would take 2.9 TB at 230,000 clips and 100 conditions
(`tests/benchmarks/bench_kept.py`); the models of one command hand it on in memory (`passed`).
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from benchbed import rng
from benchbed.code import closure
from benchbed.data.dataset import ClipRow
from benchbed.errors import ConfigError
from benchbed.keptaudio import KeptSound, kept_audio, name_of
from benchbed.provenance import package_versions
from benchbed.run.computing.passed import PassedAudio, passed_in
from benchbed.run.computing.whole import Clip, decode
from benchbed.run.job.job import Job
from benchbed.suite.conditions import CorruptionCondition

if TYPE_CHECKING:
    from benchbed.perturb.contract import Applied, Corruption

#: Ending of files that are read as fast as anything kept would be.
_PLAIN = (".wav", ".wave")
#: Modules whose code, with the packages below it, makes decoded audio.
_DECODING = "benchbed.audio"


def source_of(job: Job, row: ClipRow) -> list[object] | None:
    """What a clip is cut from: the content of its file and the stretch; None where nobody hashed the file."""
    digest = job.digests.get(row["path"])
    if not digest or digest in ("missing", "unreadable"):
        return None
    duration = None if math.isnan(row["duration"]) else float(row["duration"])
    return [digest, float(row["onset"]), duration]


def decoded(job: Job, row: ClipRow) -> Clip:
    """A clip of a job, decoded once on this machine where that takes longer than reading, else once for the models of
    a command that take turns.

    Raises
    ------
    AudioError
        As `decode` does.
    """
    source = source_of(job, row)
    plain = str(row["path"]).lower().endswith(_PLAIN)
    room = None if job.passed is None else passed_in(job.passed)
    if source is None or (plain and job.audio_rate is None and room is None):
        return decode(job.root, row, job.audio_rate)
    kept, name = kept_audio(), name_of("decoded", source, job.audio_rate, _code(_DECODING))
    sounds = kept.get(name)
    if sounds is None and room is not None:
        sounds = room.get(name)
    if sounds is None:
        began = time.thread_time()
        clip = decode(job.root, row, job.audio_rate)
        spent = time.thread_time() - began
        sound = KeptSound(clip.waveform, {"rate": clip.sample_rate, "resampled": clip.resampled})
        # A plain file at the rate that is asked is read as it is by later commands.
        if clip.resampled or not plain:
            kept.put(name, [sound])
        elif room is not None:
            room.offer("decoded", name, spent, lambda: [sound])
        return clip
    waveform, facts = sounds[0].waveform, sounds[0].facts
    peak = max(float(waveform.max()), -float(waveform.min()))
    rate = int(str(facts["rate"]))
    return Clip(waveform, rate, bool(facts["resampled"]), peak == 0.0, peak)


def perturbed(
    job: Job,
    condition: CorruptionCondition,
    facts: object,
    corruption: Corruption,
    row: ClipRow,
    clip: Clip,
    draw: int,
    parameters: Sequence[object],
    make: Callable[[], Sequence[Applied]],
) -> Sequence[Applied]:
    """A clip at some strengths of a corruption, made once on this machine where the corruption is slow, else once for
    the models of a command that take turns.

    Parameters
    ----------
    condition : CorruptionCondition
    facts : object
        What the condition rests on besides its definition.
    corruption : Corruption
    row : ClipRow
    clip : Clip
        As it was decoded.
    draw : int
    parameters : sequence
        The strengths.
    make : callable
        Makes them all, in order.
    """
    source = source_of(job, row) if corruption.slow or job.passed is not None else None
    if source is None:
        return make()
    name = name_of(
        "perturbed, with facts",
        rng.PROTOCOL,
        source,
        [clip.sample_rate, clip.waveform.shape],
        _code(_DECODING),
        [condition.corruption, corruption.version, condition.options, list(parameters), facts],
        _code(type(corruption).__module__),
        [row["clip_id"], draw, job.seed, job.dataset],
    )
    if not corruption.slow:
        assert job.passed is not None
        return _handed_on(passed_in(job.passed), condition.corruption, name, make)
    fresh: list[Applied] = []

    def sounds() -> Sequence[KeptSound]:
        fresh.extend(make())
        return [_kept(one, _text(one.facts, condition.corruption)) for one in fresh]

    kept = kept_audio().once(name, sounds)
    return fresh or [_applied(one) for one in kept]


def _handed_on(room: PassedAudio, kind: str, name: str, make: Callable[[], Sequence[Applied]]) -> Sequence[Applied]:
    """What `make` gives, made for the first of several models; what would not come back as it was is not handed on."""
    there = room.get(name)
    if there is not None:
        return [_applied(one) for one in there]
    began = time.thread_time()
    made = make()
    spent = time.thread_time() - began
    told = [_told(one.facts) for one in made]
    if all(text is not None for text in told) and all(one.waveform.dtype == np.float32 for one in made):
        room.offer(kind, name, spent, lambda: [_kept(one, text) for one, text in zip(made, told)])
    return made


def _kept(one: Applied, told: str | None) -> KeptSound:
    facts: dict[str, object] = {
        "achieved": _number(one.achieved),
        "skipped": one.skipped,
        "note": one.note,
        "told": told,
    }
    return KeptSound(one.waveform, facts)


def _applied(one: KeptSound) -> Applied:
    from benchbed.perturb.contract import Applied

    return Applied(
        one.waveform,
        None if one.facts["achieved"] is None else float.fromhex(str(one.facts["achieved"])),
        None if one.facts["skipped"] is None else str(one.facts["skipped"]),
        None if one.facts["note"] is None else str(one.facts["note"]),
        json.loads(str(one.facts["told"])),
    )


def _text(facts: Mapping[str, object], corruption: str) -> str:
    """What a corruption tells of a clip as text that gives the same values back.

    Raises
    ------
    ConfigError
        Something that is no plain value: it could not be told again of audio that was kept.
    """
    text = _told(facts)
    if text is None:
        raise ConfigError(
            f"{corruption} is marked slow and tells facts of a clip that are no plain values: {dict(facts)}",
            hint="texts, numbers, True, False or None, in lists or mappings by text",
        )
    return text


def _told(facts: Mapping[str, object]) -> str | None:
    """Facts as text that gives the same values back, NaN as NaN; None if none does."""
    text = json.dumps(dict(facts), default=str)
    return text if _same(json.loads(text), dict(facts)) else None


def _same(back: object, told: object) -> bool:
    """Whether a value came back from text as it was; NaN equals itself."""
    if isinstance(back, dict) and isinstance(told, dict):
        return back.keys() == told.keys() and all(_same(back[name], told[name]) for name in told)
    if isinstance(back, list) and isinstance(told, list):
        return len(back) == len(told) and all(map(_same, back, told))
    return bool(back == told or (back != back and told != told))


def _number(value: float | None) -> str | None:
    """A number as text that gives the same bits back, also where it is infinite."""
    return None if value is None else float(value).hex()


@lru_cache(maxsize=64)
def _code(module: str) -> str:
    """Digest of a module with everything that it imports, and of the versions of those packages."""
    made = closure(module)
    return name_of(made.digest, package_versions(made.foreign), np.__version__)
