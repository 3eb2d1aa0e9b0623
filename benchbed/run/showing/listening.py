"""Clips worth hearing, kept beside a run: which ones, made again exactly as the model heard them, in small files.

Only data whose licence lets changed excerpts be passed on are kept: pages travel. What is chosen: the worst drops of
the true class, clips that flip at the mildest severity, clips that an attack broke, and clips on which two models
disagree; of detectors of events, the recordings of the timelines and what an attack broke; of taggers the latter alone.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import itertools
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Literal, TypedDict

import numpy as np

from benchbed import audio, rng
from benchbed.errors import BenchbedError, CannotMeasure
from benchbed.packages import unusable
from benchbed.predictions.by_cell import PredictionsByCell
from benchbed.report.terms import condition
from benchbed.results.listening import FOLDER, INDEX, Listened, Listening, Sound, may_publish, read_listening
from benchbed.results.record import Result
from benchbed.run.computing.engine import Engine
from benchbed.run.job.prepared import Prepared
from benchbed.run.journal import last_event
from benchbed.run.showing.kinds import shown
from benchbed.run.showing.picks import Pick, broken, in_turns, once
from benchbed.run.showing.spectrogram import picture
from benchbed.seal import digest, seal
from benchbed.suite.conditions import CorruptionCondition
from benchbed.suite.plan import CellPlan
from benchbed.whole import write_whole

#: Peak that a soft difference is raised to, and the largest factor for that.
PEAK, MOST_GAIN = 0.5, 100.0
#: Sampling rates that MP3 has.
_RATES = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000)


class Unwritten(CannotMeasure):
    """A sound that cannot be written in the form that pages carry (exit code 3)."""


def keep(
    prepared: Prepared,
    result: Result,
    count: int,
    others: Sequence[tuple[str, Path]] = (),
    stored: PredictionsByCell | None = None,
    say: Callable[[str], None] | None = None,
) -> str | None:
    """Write the clips of a finished run that are worth hearing to `listen/` in its folder.

    Parameters
    ----------
    prepared : Prepared
        The run.
    result : Result
        Its record.
    count : int
        How many clips at most.
    others : sequence of (str, Path)
        Name and folder of other runs on the same data, for disagreements.
    stored : PredictionsByCell, optional
        Its predictions; read from its folder by default.
    say : callable, optional
        Is told why a sound could not be made, in words; the page says it, too.

    Returns
    -------
    str or None
        Why nothing was kept, or None.
    """
    folder = prepared.folder / FOLDER
    _clear(folder)
    job = prepared.job
    if count < 1:
        return "no clips for listening were asked for"
    if not may_publish(result.dataset.licence):
        licence = f"'{result.dataset.licence}'" if result.dataset.licence else "unknown"
        return f"no clips for listening: the licence of {result.dataset.name} is {licence}"
    if prepared.adapter.replays:
        return "no clips for listening: they are kept for models that hear audio"
    kind = shown(job.task)
    if kind is not None and hasattr(kind, "queues"):
        queues = kind.queues(prepared, result, count, others, stored)
    else:
        queues = [once(broken(prepared.folder, result, prepared.adapter.card.sample_rate))]
    picks = in_turns(queues, count)
    engine = Engine(job, prepared.adapters)
    plans = {cell.key: cell for cell in prepared.cells}
    conditions = {cell.key: cell.condition for cell in result.cells}
    listened: list[Listened] = []
    unmade: Counter[tuple[str, str]] = Counter()
    for pick in picks:
        named = condition(conditions[pick.cell])
        try:
            clean, perturbed, rate = pick.sounds or _sounds(prepared, engine, plans[pick.cell], pick)
            note = ""
            if kind is not None and hasattr(kind, "heard"):
                (clean, note), perturbed = kind.heard(pick.clip_id, clean), _heard(kind, pick, perturbed)
            clean = clean[:, round(pick.start * rate) :]
            listened.append(_write(folder, pick, clean, perturbed, rate, named, note))
        except Exception as error:
            if (why := error if isinstance(error, Unwritten) else unusable(error)) is not None:
                if say is not None and not unmade:
                    say(f"not everything can be kept for listening: {why}")
                # What follows a package's name says where it lies, which is nobody's business on a page.
                unmade[named, why.what.partition(": ")[0]] += 1
            elif not isinstance(error, BenchbedError):
                raise  # else the run has counted the clip as failed
    lacking = [f"{count} of {named} ({why})" for (named, why), count in unmade.items()] or None
    if not listened and not lacking:
        return "no clips for listening: nothing was lost, flipped or broken"
    about = result.dataset
    highest = max((min(clip.sample_rate, 48000) / 2 for clip in listened), default=0.0)
    index = Listening(
        licence=about.licence, citation=about.citation, frequency=highest, clips=listened, lacking=lacking
    )
    kept = {name: digest((folder / name).read_bytes()) for name in index.files}
    index = index.model_copy(update={"digests": kept})
    folder.mkdir(parents=True, exist_ok=True)
    write_whole(folder / INDEX, seal(index.model_dump_json(indent=1, exclude_none=True)).encode())
    return None


def lies_there(folder: Path, noted: Mapping[str, object]) -> bool:
    """Whether just these clips were kept already, and are as they were written.

    Parameters
    ----------
    folder : Path
        The run folder.
    noted : mapping
        What its diary must say of them: on what their choice rests.
    """
    last = last_event(folder, "listening") or {}
    if not (folder / FOLDER / INDEX).is_file() or any(last.get(name) != value for name, value in noted.items()):
        return False
    with contextlib.suppress(BenchbedError, OSError):
        kept = read_listening(folder)
        return kept is not None and not kept.lacking and all((folder / FOLDER / name).is_file() for name in kept.files)
    return False


def _heard(kind: ModuleType, pick: Pick, waveform: np.ndarray | None) -> np.ndarray | None:
    return None if waveform is None else kind.heard(pick.clip_id, waveform)[0]


def _clear(folder: Path) -> None:
    for path in itertools.chain(folder.glob("*.mp3"), folder.glob("*.png"), folder.glob(INDEX)):
        path.unlink()


def _sounds(
    prepared: Prepared, engine: Engine, cell: CellPlan, pick: Pick
) -> tuple[np.ndarray, np.ndarray | None, int]:
    """Clean and perturbed waveforms `[channel, sample]` of a clip and their rate; made again from the same draws."""
    job = prepared.job
    table = job.clips[cell.split]
    row_number = int(np.flatnonzero((table["clip_id"] == pick.clip_id).to_numpy())[0])
    engine.take(cell.split, [row_number])
    clip = engine.clip(0)
    if isinstance(clip, BenchbedError):
        raise clip
    condition = job.conditions[cell.condition]
    if not isinstance(condition, CorruptionCondition):
        return clip.waveform, None, clip.sample_rate
    corruption = engine.corruption(cell.condition)
    random = rng.stream(condition.corruption, corruption.version, condition.options, pick.clip_id, pick.draw, job.seed)
    state = corruption.prepare(clip.waveform, clip.sample_rate, random, engine.context(cell.condition, 0, clip))
    assert cell.severity is not None
    applied = corruption.apply(state, corruption.parameters[cell.severity - 1])
    return clip.waveform, applied.waveform, clip.sample_rate


class _Said(TypedDict, total=False):
    """What models said of one sound."""

    output: str
    confidence: float
    score: float
    other_output: str
    other_confidence: float


def _write(
    folder: Path, pick: Pick, clean: np.ndarray, perturbed: np.ndarray | None, rate: int, condition: str, playback: str
) -> Listened:
    stereo = bool(playback)
    first, heard = _excerpt(clean, rate, stereo, pick.longest)
    said: _Said = {"output": pick.before[0], "confidence": pick.before[1]} if pick.before[0] else {}
    then: _Said = {"output": pick.after[0], "confidence": pick.after[1]} if pick.after[0] else {}
    if pick.scores is not None:
        said["score"], then["score"] = pick.scores
    if pick.other is not None:
        said["other_output"], said["other_confidence"] = pick.other[1], pick.other[2]
    tracks: list[tuple[Literal["clean", "perturbed", "difference"], np.ndarray, _Said]] = [("clean", first, said)]
    gain = 1.0
    if perturbed is not None:
        second, _ = _excerpt(perturbed, rate, stereo, pick.longest)
        tracks.append(("perturbed", second, then))
        # A perturbation that changes the length leaves nothing to subtract from.
        if perturbed.shape == clean.shape and (peak := float(np.abs(second - first).max())) > 0:
            gain = min(max(1.0, PEAK / peak), MOST_GAIN)
            tracks.append(("difference", second - first, {}))
    loudest = max(1.0, *(float(np.abs(sound).max()) for _, sound, _ in tracks[:2]))
    name = hashlib.blake2b(f"{pick.why}/{pick.cell}/{pick.clip_id}".encode(), digest_size=6).hexdigest()
    folder.mkdir(parents=True, exist_ok=True)
    sounds = []
    for kind, waveform, facts in tracks:
        factor = gain if kind == "difference" else 1 / loudest
        (folder / f"{name}-{kind}.mp3").write_bytes(_mp3(waveform * factor, heard))
        # The difference is seen as loud as it is heard, or nothing would be seen of most attacks.
        shown = waveform * gain if kind == "difference" else waveform
        # Of a scene that was turned the channels' differences cancel: the louder one is seen.
        seen = shown[(shown**2).sum(axis=1).argmax()] if kind == "difference" else shown.mean(axis=0)
        (folder / f"{name}-{kind}.png").write_bytes(picture(seen, heard))
        sounds.append(Sound(kind=kind, audio=f"{name}-{kind}.mp3", spectrogram=f"{name}-{kind}.png", **facts))
    return Listened(
        clip_id=pick.clip_id,
        label=pick.label,
        why=pick.why,
        condition=condition,
        cell=pick.cell,
        other=pick.other[0] if pick.other else None,
        start=pick.start,
        sample_rate=heard,
        seconds=first.shape[1] / heard,
        gain=gain,
        playback=playback,
        sounds=sounds,
    )


def _excerpt(waveform: np.ndarray, rate: int, stereo: bool, longest: float) -> tuple[np.ndarray, int]:
    """The beginning of a clip at a rate that MP3 has `[channel, sample]`: two channels stay two, others become one."""
    part = np.asarray(waveform[:, : round(longest * rate)], np.float32)
    kept = part if stereo else part.mean(axis=0, keepdims=True)
    wanted = next((known for known in _RATES if known >= rate), _RATES[-1])
    return (kept if wanted == rate else audio.resample(kept, rate, wanted)), wanted


def _mp3(waveform: np.ndarray, rate: int) -> bytes:
    import soundfile

    held = io.BytesIO()
    try:
        soundfile.write(
            held,
            np.clip(waveform.T, -1, 1),
            rate,
            format="MP3",
            subtype="MPEG_LAYER_III",
            bitrate_mode="VARIABLE",
            compression_level=0.7,
        )
    except (soundfile.LibsndfileError, ValueError, TypeError) as error:  # as a libsndfile of the system may be built
        raise Unwritten(f"libsndfile {soundfile.__libsndfile_version__} writes no such MP3") from error
    return held.getvalue()
