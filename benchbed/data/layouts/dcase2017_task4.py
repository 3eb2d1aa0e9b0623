"""DCASE 2017 Task 4: warnings and vehicles in AudioSet segments, tagged for training and timed for testing."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import numpy as np

from benchbed.data.assemble import build, find_root, option
from benchbed.data.dataset import Dataset
from benchbed.data.events import Odd, checked_events, empty_note, tags_of, with_weak
from benchbed.data.facts import Facts
from benchbed.errors import DataError
from benchbed.tables.table import read_table

WARNINGS = (
    "Train horn",
    "Air horn, truck horn",
    "Car alarm",
    "Reversing beeps",
    "Ambulance (siren)",
    "Police car (siren)",
    "Fire engine, fire truck (siren)",
    "Civil defense siren",
    "Screaming",
)
VEHICLES = ("Bicycle", "Skateboard", "Car", "Car passing by", "Bus", "Truck", "Motorcycle", "Train")
#: Split → word for it in the official file names.
SPLITS = {"train": "training", "test": "testing", "evaluation": "evaluation"}

FACTS = Facts(
    title="DCASE 2017 Task 4, sounds for smart cars",
    source="https://dcase.community/challenge2017/task-large-scale-sound-event-detection",
    licence="labels CC BY 4.0 as AudioSet; the audio under the terms of each video",
    citation="A. Mesaros et al.: DCASE 2017 Challenge setup: Tasks, datasets and baseline system. DCASE Workshop 2017, "
    "85-92.",
    counts={"dcase2017_task4": {"train": 51_172, "test": 488, "evaluation": 1_103}},
    steps="put groundtruth_{weak,strong}_label_{training,testing,evaluation}_set.csv into one folder with the audio",
)


def read(
    root: Path,
    *,
    labels: Literal["strong", "weak", "both"] = "strong",
    audio: str = "{split}/Y{name}",
    odd: Odd = "error",
) -> Dataset:
    """Read the set; splits `train` (weak labels only), `test` and `evaluation`, as far as their lists are there.

    Parameters
    ----------
    root : Path
        Folder with the lists, or with a folder `metadata` of them, and the audio.
    labels : {"strong", "weak", "both"}
        Timed events (`groundtruth_strong_label_…`), tags (`groundtruth_weak_label_…`), or events where there are some
        and tags of the other recordings, which metrics of events leave out.
    audio : str
        Path of a file: `{name}` as in the list, `{split}` the official word (`training`, `testing`, `evaluation`).
    odd : {"error", "drop"}
        What to do with an event that cannot be scored.

    Raises
    ------
    DataError
        Files missing, or a wrong row.
    """
    import pandas as pd

    option(labels, ("strong", "weak", "both"), "labels")
    root = find_root(Path(root), "dcase2017_task4", FACTS, (), ())
    folder = root / "metadata" if (root / "metadata").is_dir() else root
    kinds = ("strong", "weak") if labels == "both" else (labels,)
    files = {
        (split, kind): folder / f"groundtruth_{kind}_label_{word}_set.csv"
        for split, word in SPLITS.items()
        for kind in kinds
    }
    files = {asked: file for asked, file in files.items() if file.is_file()}
    if not any(kind == kinds[0] for _, kind in files):
        raise DataError(f"no list of {kinds[0]} labels is there", where=str(folder), hint=FACTS.steps)
    parts: list[pd.DataFrame] = []
    splits: dict[str, np.ndarray] = {}
    places: dict[str, list[str]] = {"strong": [], "weak": []}
    paths: list[Any] = []
    names: list[Any] = []
    for (split, kind), file in files.items():
        table = read_table(file, names=("name", "onset", "offset", "label"), delimiter="\t")
        timed = set(names[splits[split][0] :]) if split in splits else set()
        untimed = [name for name in dict.fromkeys(table.frame["name"]) if name not in timed]
        place = {name: len(paths) + i for i, name in enumerate(untimed)}
        paths += [audio.format(name=name, split=SPLITS[split]) for name in untimed]
        names += untimed
        before = splits.get(split, np.zeros(0, np.int64))
        splits[split] = np.concatenate([before, np.arange(len(paths) - len(untimed), len(paths))])
        new = table.frame["name"].isin(place).to_numpy()
        rows = pd.DataFrame(
            {
                "row": table.frame["name"].map(place),
                "onset": table.numbers("onset"),
                "offset": table.numbers("offset"),
                "label": table.frame["label"],
                "kind": kind,
            }
        )[new]
        parts.append(rows.astype({"row": np.int64}))
        places[kind] += [table.where(int(i)) for i in np.flatnonzero(new)]
    rows, classes = pd.concat(parts, ignore_index=True), WARNINGS + VEHICLES
    strong, weak = (rows[rows["kind"] == kind].drop(columns="kind").reset_index(drop=True) for kind in places)
    notes: list[str] = []
    events, tags = None, tags_of(strong.iloc[:0], len(paths), classes)
    if len(strong):
        unknown = np.full(len(paths), np.nan)
        events, notes = checked_events(strong, classes, unknown, places["strong"].__getitem__, odd=odd)
        tags = tags_of(events, len(paths), classes)
    # The times of weak labels are those of the segment in its video, which the file already is.
    lost = ~weak["label"].isin(classes).to_numpy()
    if lost.any():
        first = int(lost.argmax())
        raise DataError(f"unknown label '{weak['label'].iloc[first]}'", where=places["weak"][first])
    tagged = weak.groupby("row")["label"].agg(tuple).to_dict()
    if tagged:
        tags, said = with_weak(tags, tagged, classes, str(folder))
        notes += said if labels == "both" else []
    if events is not None:
        notes += empty_note(tags)
    return build(
        name="dcase2017_task4",
        root=root,
        kind="tags" if labels == "weak" else "frames",
        labels=classes,
        paths=pd.Series(paths, dtype=object),
        label=tags,
        group=pd.Series([name.rsplit("_", 2)[0] for name in names], dtype=object),
        where=lambda row: str(root / paths[row]),
        splits=splits,
        facts=FACTS,
        metadata={"weak": [row in tagged for row in range(len(paths))]} if labels == "both" else None,
        notes=notes,
        events=events,
    )
