"""DESED: ten-second domestic recordings with ten classes of timed events, real and synthetic (DCASE Task 4)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from benchbed.data.assemble import build, find_root, option
from benchbed.data.dataset import SECONDS, Dataset
from benchbed.data.events import Odd, checked_events, empty_note, header_seconds, tags_of, weak_tags, with_weak
from benchbed.data.facts import Facts
from benchbed.errors import DataError
from benchbed.tables.events import events_in, timed_table
from benchbed.tables.table import read_table

if TYPE_CHECKING:
    import pandas as pd

LABELS = (
    "Alarm_bell_ringing",
    "Blender",
    "Cat",
    "Dishes",
    "Dog",
    "Electric_shaver_toothbrush",
    "Frying",
    "Running_water",
    "Speech",
    "Vacuum_cleaner",
)


@dataclass(frozen=True)
class SplitPart:
    """Where one split lies.

    Attributes
    ----------
    audio, events, durations : tuple of str
        Places that were in use over the years, the usual one first.
    """

    audio: tuple[str, ...]
    events: tuple[str, ...]
    durations: tuple[str, ...] = ()


#: Where recordings with weak labels lie; `filename`, `event_labels` separated by commas.
WEAK = SplitPart(("audio/train/weak",), ("metadata/train/weak.tsv",))
#: Split → where it lies below the folder with `audio` and `metadata`.
PARTS = {
    "synthetic_train": SplitPart(
        ("audio/train/synthetic21_train/soundscapes", "dcase_synth/audio/train/synthetic21_train/soundscapes"),
        (
            "metadata/train/synthetic21_train/soundscapes.tsv",
            "dcase_synth/metadata/train/synthetic21_train/soundscapes.tsv",
        ),
        ("metadata/train/synthetic21_train/durations.tsv",),
    ),
    "strong_train": SplitPart(("audio/train/strong_label_real",), ("metadata/train/audioset_strong.tsv",)),
    "synthetic_validation": SplitPart(
        (
            "audio/validation/synthetic21_validation/soundscapes",
            "dcase_synth/audio/validation/synthetic21_validation/soundscapes",
        ),
        (
            "metadata/validation/synthetic21_validation/soundscapes.tsv",
            "dcase_synth/metadata/validation/synthetic21_validation/soundscapes.tsv",
        ),
        (
            "metadata/validation/synthetic21_validation/durations.tsv",
            "dcase_synth/metadata/validation/synthetic21_validation/durations.tsv",
        ),
    ),
    "validation": SplitPart(
        ("audio/validation/validation", "audio/validation"),
        ("metadata/validation/validation.tsv",),
        ("metadata/validation/validation_durations.tsv",),
    ),
    "public_eval": SplitPart(
        ("audio/eval/public", "audio/eval/public_eval", "audio/public"),
        ("metadata/eval/public.tsv", "metadata/public.tsv"),
        ("metadata/eval/public_durations.tsv", "metadata/eval/durations.tsv"),
    ),
}

FACTS = Facts(
    title="DESED (Domestic Environment Sound Event Detection)",
    source="https://project.inria.fr/desed (public evaluation set: https://doi.org/10.5281/zenodo.3588172)",
    licence="as stated with each part; the recordings under the terms of each video or Freesound clip",
    citation="N. Turpault, R. Serizel, A. Parag Shah, J. Salamon: Sound event detection in domestic environments with "
    "weakly labeled data and soundscape synthesis. DCASE Workshop 2019.",
    counts={
        "desed": {"validation": 1_168, "public_eval": 692, "synthetic_train": 10_000, "synthetic_validation": 2_500}
    },
    steps="unpack the parts into one folder with `audio` and `metadata`, as the DCASE Task 4 baseline does",
)


def read(root: Path, *, audio: Literal["as_is", "16k"] = "as_is", odd: Odd = "error") -> Dataset:
    """Read those of the splits `synthetic_train`, `strong_train`, `synthetic_validation`, `validation`, `public_eval`
    and `weak_train` that are there; of the last one only the classes of each recording are known.

    Parameters
    ----------
    root : Path
        The folder with `audio` and `metadata`.
    audio : {"as_is", "16k"}
        `16k` reads the folders with the ending `_16k` that the baseline makes.
    odd : {"error", "drop"}
        What to do with an event that cannot be scored.

    Raises
    ------
    DataError
        Files missing, a wrong row, an unknown label.
    """
    import pandas as pd

    option(audio, ("as_is", "16k"), "audio")
    root = find_root(Path(root), "desed", FACTS, ("metadata",), ("dataset", "data/dcase/dataset"))
    present = {split: part for split, part in PARTS.items() if _first(root, part.events) is not None}
    if not present:
        raise DataError(
            "no table of events is there", where=str(root / "metadata"), hint=f"e.g. {PARTS['validation'].events[0]}"
        )
    paths: list[str] = []
    lengths: list[np.ndarray] = []
    events: list[pd.DataFrame] = []
    places: list[str] = []
    splits: dict[str, np.ndarray] = {}
    for split, part in present.items():
        files, seconds, rows, where = _part(root, part, "_16k" if audio == "16k" else "")
        events.append(rows.assign(row=rows["row"] + len(paths)))
        splits[split] = np.arange(len(paths), len(paths) + len(files))
        paths += files
        lengths.append(seconds)
        places += where
    timed, weak = len(paths), _weak(root, "_16k" if audio == "16k" else "")
    table, notes = checked_events(
        pd.concat(events, ignore_index=True), LABELS, np.concatenate(lengths), places.__getitem__, odd=odd
    )
    if weak:
        splits["weak_train"] = np.arange(timed, timed + len(weak))
        paths += list(weak)
    tags = tags_of(table, len(paths), LABELS)
    if weak:
        tagged = {timed + row: labels for row, labels in enumerate(weak.values())}
        tags, said = with_weak(tags, tagged, LABELS, str(root / WEAK.events[0]))
        notes += said
    return build(
        name="desed",
        root=root,
        kind="frames",
        labels=LABELS,
        paths=pd.Series(paths, dtype=object),
        label=tags,
        group=pd.Series([_video(path) for path in paths], dtype=object),
        where=lambda row: str(root / paths[row]),
        splits=splits,
        facts=FACTS,
        metadata={
            "events": [len(one) for one in tags],
            SECONDS: np.concatenate([*lengths, np.full(len(paths) - timed, np.nan)]),
            **({"weak": [row >= timed for row in range(len(paths))]} if weak else {}),
        },
        notes=notes + empty_note(tags),
        events=table,
    )


def _part(root: Path, part: SplitPart, ending: str) -> tuple[list[str], np.ndarray, pd.DataFrame, list[str]]:
    """Files, their lengths, their events and the place of every event in the table."""

    listed = _first(root, part.events)
    assert listed is not None
    table = timed_table(root / listed, own=False)
    events = events_in(table)
    folders = tuple(folder + ending for folder in part.audio)
    folder = next((f for f in folders if (root / f).is_dir()), folders[0])
    duration_table = _first(root, part.durations)
    names = list(dict.fromkeys(events["file"]))
    seconds: dict[str, float] = {}
    if duration_table is not None:
        lasting = read_table(root / duration_table, ("filename", "duration"), delimiter="\t")
        seconds = dict(zip(lasting.frame["filename"], lasting.numbers("duration")))
        names += [name for name in seconds if name not in set(names)]
    place = {name: index for index, name in enumerate(names)}
    # A recording without events is a row whose other cells are empty, or stands in the durations alone.
    labelled = (events["label"] != "").to_numpy()
    rows = events.drop(columns=["file", "where"]).assign(row=events["file"].map(place))
    if "snr" in table.frame:
        rows["snr"] = table.numbers("snr")
    paths = [f"{folder}/{name}" for name in names]
    known = np.array([seconds.get(name, np.nan) for name in names])
    unknown = np.isnan(known)
    if unknown.any():
        known[unknown] = header_seconds(root, [path for path, lacking in zip(paths, unknown) if lacking])
    return paths, known, rows[labelled], events["where"][labelled].tolist()


def _weak(root: Path, ending: str) -> dict[str, tuple[str, ...]]:
    """Recording → its classes, of those with weak labels."""
    listed = _first(root, WEAK.events)
    if listed is None:
        return {}
    table = read_table(root / listed, ("filename", "event_labels"), delimiter="\t")
    names = list(dict.fromkeys(table.frame["filename"]))
    place = {name: row for row, name in enumerate(names)}
    tags = weak_tags(table, [place[name] for name in table.frame["filename"]], LABELS)
    return {f"{WEAK.audio[0]}{ending}/{names[row]}": labels for row, labels in tags.items()}


def _first(root: Path, places: tuple[str, ...]) -> str | None:
    return next((place for place in places if (root / place).is_file()), None)


def _video(path: str) -> str:
    """The video of `Y<id>_<start>_<end>.wav`, of which a set may hold several stretches; any other file is its own."""
    stem = path.rpartition("/")[2].removesuffix(".wav")
    parts = stem.rsplit("_", 2)
    timed = len(parts) == 3 and all(part.replace(".", "", 1).isdigit() for part in parts[1:])
    return parts[0] if timed and parts[0] else path
