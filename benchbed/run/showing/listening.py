"""Clips worth hearing, kept beside a run: which ones, made again exactly as the model heard them, in small files.

Only data whose licence lets changed excerpts be passed on are kept: pages travel. What is chosen: the worst drops of
the true class, clips that flip at the mildest severity, clips that an attack broke, and clips on which two models
disagree; of detectors of events, the recordings of the timelines and what an attack broke; of taggers the latter alone.
"""

from __future__ import annotations

import hashlib
import io
import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchbed import audio, rng
from benchbed.errors import BenchbedError
from benchbed.predictions.index import indexed
from benchbed.predictions.store import read_units
from benchbed.report.terms import condition
from benchbed.results.listening import FOLDER, INDEX, Listened, Listening, Sound, may_publish
from benchbed.results.record import Result
from benchbed.results.timelines import read_timelines
from benchbed.run.computing.engine import Engine
from benchbed.run.job.prepared import Prepared
from benchbed.run.showing.spectrogram import picture
from benchbed.seal import digest, seal
from benchbed.suite.conditions import CorruptionCondition
from benchbed.suite.plan import CellPlan

if TYPE_CHECKING:
    import pandas as pd

#: Longest excerpt in seconds.
LONGEST = 10.0
#: Peak that a soft difference is raised to, and the largest factor for that.
PEAK, MOST_GAIN = 0.5, 100.0
#: Sampling rates that MP3 has.
_RATES = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000)


@dataclass(frozen=True)
class Pick:
    """One clip under one condition, and what the model said."""

    why: Any
    clip_id: str
    cell: str
    draw: int
    label: str
    before: tuple[str, float]
    after: tuple[str, float]
    other: tuple[str, str, float] | None = None
    sounds: tuple[np.ndarray, np.ndarray | None, int] | None = None
    start: float = 0.0
    scores: tuple[float, float] | None = None


def keep(prepared: Prepared, result: Result, count: int, others: Sequence[tuple[str, Path]] = ()) -> str | None:
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
    if getattr(prepared.adapter, "replays", False):
        return "no clips for listening: they are kept for models that hear audio"
    if job.task == "scene":
        picks = _chosen(prepared, result, count, others)
    else:
        told = _recordings(prepared.folder, count, result) if job.task == "frames" else []
        broken = list(_once(_broken(prepared.folder, result, prepared.adapter.card.sample_rate)))
        turns = itertools.zip_longest(told, broken)
        picks = list(itertools.islice((pick for turn in turns for pick in turn if pick is not None), count))
    engine = Engine(job, prepared.adapters)
    plans = {cell.key: cell for cell in prepared.cells}
    conditions = {cell.key: cell.condition for cell in result.cells}
    found: list[Listened] = []
    for pick in picks:
        try:
            clean, perturbed, rate = pick.sounds or _sounds(prepared, engine, plans[pick.cell], pick)
        except BenchbedError:
            continue  # the run has counted the clip as failed
        clean = clean[:, round(pick.start * rate) :]
        found.append(_write(folder, pick, clean, perturbed, rate, condition(conditions[pick.cell])))
    if not found:
        return "no clips for listening: nothing was lost, flipped or broken"
    highest = max(min(clip.sample_rate, 48000) / 2 for clip in found)
    index = Listening(licence=result.dataset.licence, citation=result.dataset.citation, frequency=highest, clips=found)
    kept = {name: digest((folder / name).read_bytes()) for name in index.files}
    index = index.model_copy(update={"digests": kept})
    (folder / INDEX).write_text(seal(index.model_dump_json(indent=1, exclude_none=True)), encoding="utf-8")
    return None


def _clear(folder: Path) -> None:
    for path in itertools.chain(folder.glob("*.mp3"), folder.glob("*.png"), folder.glob(INDEX)):
        path.unlink()


def _chosen(prepared: Prepared, result: Result, count: int, others: Sequence[tuple[str, Path]]) -> list[Pick]:
    """The clips in turns from each reason, no clip twice for one reason and no corruption twice."""
    table = _table(prepared.folder)
    if table is None:
        return []
    kinds = {cell.key: cell.condition.kind for cell in result.cells}
    clean = table[table["cell"].astype(str).map(kinds) == "clean"].drop_duplicates("clip_id").set_index("clip_id")
    lost = _lost(table, clean, kinds, result)
    queues = [
        _once(_worst(lost)),
        _once(_flipped(lost)),
        _once(_attacked(table, clean, kinds, prepared.adapter.card.sample_rate)),
        *(_once(_disagreements(clean, name, folder)) for name, folder in others),
    ]
    turns = itertools.zip_longest(*queues)
    return list(itertools.islice((pick for turn in turns for pick in turn if pick is not None), count))


def _recordings(folder: Path, count: int, result: Result) -> list[Pick]:
    """The recordings of the clean timelines, the worst of every cell first, each from where its timeline begins."""
    kept = read_timelines(folder)
    clean = {cell.key for cell in result.cells if cell.condition.kind == "clean"}
    shown = [(cell.cell, one) for cell in (kept.cells if kept else []) if cell.cell in clean for one in cell.timelines]
    shown.sort(key=lambda held: held[1].why != "worst")
    nothing = ("", 0.0)
    return [
        Pick(
            one.why,
            one.clip_id,
            cell,
            0,
            ", ".join(track.label for track in one.tracks),
            nothing,
            nothing,
            start=one.start,
        )
        for cell, one in shown[:count]
    ]


def _table(folder: Path) -> pd.DataFrame | None:
    paths = indexed(folder)
    if not paths:
        return None
    held = read_units(paths)
    place = {label: i for i, label in enumerate(held.labels)}
    rows = np.arange(len(held.scores))
    table = held.table.copy()
    for name in ("clip_id", "cell", "label", "prediction"):
        table[name] = table[name].astype(str)
    table["p_true"] = held.scores[rows, table["label"].map(place).to_numpy()]
    table["p_said"] = held.scores.max(axis=1)
    return table


def _lost(table: pd.DataFrame, clean: pd.DataFrame, kinds: Mapping[str, str], result: Result) -> pd.DataFrame:
    """Evaluations under corruptions of clips that are right when clean and wrong perturbed."""
    severity = {cell.key: cell.condition.severity or 0 for cell in result.cells}
    names = {cell.key: cell.condition.name for cell in result.cells}
    right = clean[clean["prediction"] == clean["label"]]
    rows = table[(table["cell"].map(kinds) == "corruption") & table["clip_id"].isin(right.index)]
    rows = rows[rows["skipped"].isna() & (rows["prediction"] != rows["label"])].copy()
    for name in ("p_true", "p_said", "prediction"):
        rows[f"{name}_clean"] = right[name].reindex(rows["clip_id"]).to_numpy()
    rows["drop"] = rows["p_true_clean"] - rows["p_true"]
    rows["severity"], rows["name"] = rows["cell"].map(severity), rows["cell"].map(names)
    return rows


def _worst(lost: pd.DataFrame) -> Iterator[Pick]:
    for row in lost.sort_values(["drop", "clip_id"], ascending=[False, True]).to_dict("records"):
        yield _pick("worst drop", row)


def _flipped(lost: pd.DataFrame) -> Iterator[Pick]:
    # The milder the perturbation that turns a sure answer, the more it says.
    order = lost.sort_values(["severity", "p_true_clean", "clip_id"], ascending=[True, False, True])
    for row in order.to_dict("records"):
        yield _pick("flipped", row)


def _attacked(table: pd.DataFrame, clean: pd.DataFrame, kinds: Mapping[str, str], rate: int) -> Iterator[Pick]:
    if "audio_attacked" not in table:
        return
    rows = table[(table["cell"].map(kinds) == "attack") & table["audio_attacked"].notna()]
    rows = rows[(rows["prediction"] != rows["label"]) & rows["clip_id"].isin(clean.index)]
    for row in rows.to_dict("records"):
        before = clean.loc[row["clip_id"]]
        if before["prediction"] == row["label"]:
            sounds = [np.frombuffer(row[f"audio_{name}"], "<f4")[None] for name in ("clean", "attacked")]
            yield replace(
                _pick("attacked", {**row, "prediction_clean": before["prediction"], "p_said_clean": before["p_said"]}),
                sounds=(sounds[0], sounds[1], rate),
            )


def _broken(folder: Path, result: Result, rate: int) -> Iterator[Pick]:
    """Clips of tags and of events that an attack broke, of which the sound was kept."""
    paths = indexed(folder)
    table = read_units(paths).table if paths else None
    if table is None or "audio_attacked" not in table:
        return
    attacked = {cell.key for cell in result.cells if cell.condition.kind == "attack"}
    rows = table[table["cell"].astype(str).isin(attacked) & table["audio_attacked"].notna()]
    for row in rows[rows["clean_correct"].astype(bool) & ~rows["robust"].astype(bool)].to_dict("records"):
        said = row.get("label")
        label = ", ".join(said) if isinstance(said, (list, tuple, np.ndarray)) else str(said or "")
        clean, attack = (np.frombuffer(row[f"audio_{name}"], "<f4")[None] for name in ("clean", "attacked"))
        scores = float(row["score_clean"]), float(row["score_attacked"])
        yield Pick(
            "attacked",
            str(row["clip_id"]),
            str(row["cell"]),
            int(row["draw"]),
            label,
            ("", 0.0),
            ("", 0.0),
            sounds=(clean, attack, rate),
            scores=scores,
        )


def _disagreements(clean: pd.DataFrame, name: str, folder: Path) -> Iterator[Pick]:
    held = _table(folder)
    if held is None:
        return
    cells = set(clean["cell"])
    other = held[held["cell"].isin(cells)].drop_duplicates("clip_id").set_index("clip_id")
    both = clean[clean.index.isin(other.index)].copy()
    for column in ("prediction", "p_true", "p_said"):
        both[f"{column}_other"] = other[column].reindex(both.index)
    right = both["prediction"] == both["label"]
    both = both[right != (both["prediction_other"] == both["label"])]
    both["gap"] = (both["p_true"] - both["p_true_other"]).abs()
    for clip_id, row in both.sort_values("gap", ascending=False).iterrows():
        said = (row["prediction"], float(row["p_said"]))
        yield Pick(
            "disagreement",
            str(clip_id),
            row["cell"],
            0,
            row["label"],
            said,
            said,
            (name, row["prediction_other"], float(row["p_said_other"])),
        )


def _pick(why: str, row: Mapping[str, Any]) -> Pick:
    return Pick(
        why,
        row["clip_id"],
        row["cell"],
        int(row["draw"]),
        row["label"],
        (row["prediction_clean"], float(row["p_said_clean"])),
        (row["prediction"], float(row["p_said"])),
    )


def _once(picks: Iterator[Pick]) -> Iterator[Pick]:
    """No clip and no corruption twice, so that a few clips show many kinds of failure."""
    clips, conditions = set(), set()
    for pick in picks:
        # Of a corruption one severity is enough; every budget of an attack may be heard.
        condition = {"disagreement": pick.clip_id, "attacked": pick.cell}.get(pick.why, pick.cell.partition("@")[0])
        if pick.clip_id not in clips and condition not in conditions:
            clips.add(pick.clip_id)
            conditions.add(condition)
            yield pick


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


def _write(
    folder: Path, pick: Pick, clean: np.ndarray, perturbed: np.ndarray | None, rate: int, condition: str
) -> Listened:
    first, heard = _excerpt(clean, rate)
    said: dict[str, Any] = {"output": pick.before[0], "confidence": pick.before[1]} if pick.before[0] else {}
    then: dict[str, Any] = {"output": pick.after[0], "confidence": pick.after[1]} if pick.after[0] else {}
    if pick.scores is not None:
        said, then = said | {"score": pick.scores[0]}, then | {"score": pick.scores[1]}
    if pick.other is not None:
        said |= {"other_output": pick.other[1], "other_confidence": pick.other[2]}
    made: list[tuple[Any, np.ndarray, dict[str, Any]]] = [("clean", first, said)]
    gain = 1.0
    if perturbed is not None:
        second, _ = _excerpt(perturbed, rate)
        made.append(("perturbed", second, then))
        # A perturbation that changes the length leaves nothing to subtract from.
        if perturbed.shape == clean.shape and (peak := float(np.abs(second - first).max())) > 0:
            gain = min(max(1.0, PEAK / peak), MOST_GAIN)
            made.append(("difference", second - first, {}))
    loudest = max(1.0, *(float(np.abs(sound).max()) for _, sound, _ in made[:2]))
    name = hashlib.blake2b(f"{pick.why}/{pick.cell}/{pick.clip_id}".encode(), digest_size=6).hexdigest()
    folder.mkdir(parents=True, exist_ok=True)
    sounds = []
    for kind, waveform, facts in made:
        factor = gain if kind == "difference" else 1 / loudest
        (folder / f"{name}-{kind}.mp3").write_bytes(_mp3(waveform * factor, heard))
        # The difference is seen as loud as it is heard, or nothing would be seen of most attacks.
        shown = waveform * gain if kind == "difference" else waveform
        (folder / f"{name}-{kind}.png").write_bytes(picture(shown, heard))
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
        seconds=len(first) / heard,
        gain=gain,
        sounds=sounds,
    )


def _excerpt(waveform: np.ndarray, rate: int) -> tuple[np.ndarray, int]:
    """The beginning of a clip in mono, at a rate that MP3 has."""
    mono = np.asarray(waveform[:, : round(LONGEST * rate)], np.float32).mean(axis=0, keepdims=True)
    wanted = next((known for known in _RATES if known >= rate), _RATES[-1])
    return (mono if wanted == rate else audio.resample(mono, rate, wanted))[0], wanted


def _mp3(waveform: np.ndarray, rate: int) -> bytes:
    import soundfile

    held = io.BytesIO()
    soundfile.write(
        held,
        np.clip(waveform, -1, 1),
        rate,
        format="MP3",
        subtype="MPEG_LAYER_III",
        bitrate_mode="VARIABLE",
        compression_level=0.7,
    )
    return held.getvalue()
