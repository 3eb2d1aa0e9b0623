"""DCASE 2017 Task 4: warnings and vehicles in AudioSet segments, tagged for training and timed for testing."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import numpy as np

from benchbed.data.assemble import build, find_root, option
from benchbed.data.dataset import Dataset
from benchbed.data.events import Odd, checked_events, empty_note, tags_of
from benchbed.data.facts import Facts
from benchbed.data.tables import read_table
from benchbed.errors import DataError

WARNINGS = ("Train horn", "Air horn, truck horn", "Car alarm", "Reversing beeps", "Ambulance (siren)",
            "Police car (siren)", "Fire engine, fire truck (siren)", "Civil defense siren", "Screaming")  # fmt: skip
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
    labels: Literal["strong", "weak"] = "strong",
    audio: str = "{split}/Y{name}",
    odd: Odd = "error",
) -> Dataset:
    """Read the set; splits `train` (weak labels only), `test` and `evaluation`, as far as their lists are there.

    Parameters
    ----------
    root : Path
        Folder with the lists, or with a folder `metadata` of them, and the audio.
    labels : {"strong", "weak"}
        Timed events (`groundtruth_strong_label_…`), or tags (`groundtruth_weak_label_…`).
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

    option(labels, ("strong", "weak"), "labels")
    root = find_root(Path(root), "dcase2017_task4", FACTS, (), ())
    folder = root / "metadata" if (root / "metadata").is_dir() else root
    files = {split: folder / f"groundtruth_{labels}_label_{word}_set.csv" for split, word in SPLITS.items()}
    files = {split: file for split, file in files.items() if file.is_file()}
    if not files:
        raise DataError(f"no list of {labels} labels is there", where=str(folder), hint=FACTS.steps)
    parts, places, splits = [], [], {}
    paths: list[Any] = []
    names: list[Any] = []
    for split, file in files.items():
        table = read_table(file, names=("name", "onset", "offset", "label"), delimiter="\t")
        found = list(dict.fromkeys(table.frame["name"]))
        place = {name: len(paths) + i for i, name in enumerate(found)}
        paths += [audio.format(name=name, split=SPLITS[split]) for name in found]
        names += found
        splits[split] = np.arange(len(paths) - len(found), len(paths))
        parts.append(pd.DataFrame({"row": table.frame["name"].map(place), "onset": table.numbers("onset"),
                                   "offset": table.numbers("offset"), "label": table.frame["label"]}))  # fmt: skip
        places += [table.where(i) for i in range(len(table.frame))]
    rows, classes = pd.concat(parts, ignore_index=True), WARNINGS + VEHICLES
    notes: list[str] = []
    events = None
    if labels == "strong":
        unknown = np.full(len(paths), np.nan)
        events, notes = checked_events(rows, classes, unknown, places.__getitem__, odd=odd)
        tags = tags_of(events, len(paths), classes)
        notes += empty_note(tags)
    else:
        # The times of weak labels are those of the segment in its video, which the file already is.
        lost = ~rows["label"].isin(classes).to_numpy()
        if lost.any():
            first = int(lost.argmax())
            raise DataError(f"unknown label '{rows['label'].iloc[first]}'", where=places[first])
        tags = tags_of(rows, len(paths), classes)
    return build(
        name="dcase2017_task4",
        root=root,
        kind="frames" if labels == "strong" else "tags",
        labels=classes,
        paths=pd.Series(paths, dtype=object),
        label=tags,
        group=pd.Series([name.rsplit("_", 2)[0] for name in names], dtype=object),
        where=lambda row: str(root / paths[row]),
        splits=splits,
        facts=FACTS,
        notes=notes,
        events=events,
    )
