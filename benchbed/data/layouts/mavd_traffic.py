"""MAVD-traffic: five-minute street recordings in Montevideo with vehicles, their parts and what they do."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import numpy as np

from benchbed.data.annotated import AnnotatedRecording, annotated
from benchbed.data.assemble import find_root, natural, option
from benchbed.data.dataset import Dataset
from benchbed.data.events import Odd
from benchbed.data.facts import Facts, Remote
from benchbed.errors import DataError
from benchbed.tables.events import read_events

VEHICLES = ("bus", "car", "motorcycle", "truck")
SPLITS = ("train", "validate", "test")
_ZENODO = "https://zenodo.org/record/4741232/files/"
_MD5 = {
    "annotations_test.zip": "94e609cad8702f5fb6afe52815547b67",
    "annotations_train.zip": "ea67a330ab695873a12a07ed494eae42",
    "annotations_validate.zip": "30edae5c398dffe52a2ee1373e89fd96",
    "audio_test.zip": "824b035fa76dc83919e312105db4214f",
    "audio_train.zip": "c7a897623364f80c8ff3775d8dd601a2",
    "audio_validate.zip": "d220cef03f99b2d108d708421240f86d",
}

FACTS = Facts(
    title="MAVD-traffic",
    source="https://doi.org/10.5281/zenodo.3338727",
    licence="CC BY 4.0",
    citation="P. Zinemanas, P. Cancela, M. Rocamora: MAVD: A dataset for sound event detection in urban environments. "
    "DCASE Workshop 2019, 263-267.",
    version="0.1.1",
    counts={"mavd_traffic": {"train": 24, "validate": 7, "test": 16}},
    files=tuple(Remote(name, f"{_ZENODO}{name}?download=1", f"md5:{md5}") for name, md5 in _MD5.items()),
)


def read(
    root: Path, *, level: Literal["vehicle", "full"] = "vehicle", classes: Literal[3, 4] = 3, odd: Odd = "error"
) -> Dataset:
    """Read MAVD-traffic; splits `train`, `validate` and `test`, as far as they are there.

    Parameters
    ----------
    root : Path
        Folder with `annotations_train`, `audio_train`, ….
    level : {"vehicle", "full"}
        `vehicle` takes what stands before the slash of `car/engine_idling`, so that a vehicle sounds wherever any part
        of it does; `full` keeps every label that occurs as a class of its own.
    classes : {3, 4}
        Without or with trucks, which are rare; published comparisons leave them out.
    odd : {"error", "drop"}
        What to do with an event that cannot be scored.

    Raises
    ------
    DataError
        Files missing, or a wrong row.
    """
    option(level, ("vehicle", "full"), "level")
    root = find_root(Path(root), "mavd_traffic", FACTS, (), ("MAVD-traffic", "MAVD"))
    recordings: list[Any] = []
    splits = {}
    for split in SPLITS:
        folder = next((f for f in (f"annotations_{split}", f"annotations/{split}") if (root / f).is_dir()), None)
        if folder is None:
            continue
        audio = folder.replace("annotations", "audio")
        lists = sorted((root / folder).glob("[!.]*.txt"), key=lambda file: natural(file.stem))
        splits[split] = np.arange(len(recordings), len(recordings) + len(lists))
        recordings += [
            AnnotatedRecording(_audio(root, audio, file.stem), f"{folder}/{file.name}", file.stem) for file in lists
        ]
    if not recordings:
        raise DataError("there are no lists of events", where=str(root), hint="annotations_train, annotations_test, …")
    occurring = sorted({label for one in recordings for label in _labels(root / one.listed)})
    if level == "full":
        return annotated("mavd_traffic", root, recordings, occurring, splits, FACTS, odd=odd)
    vehicles = VEHICLES[:classes]
    vehicle = {label: label.partition("/")[0] for label in occurring}
    return annotated(
        "mavd_traffic",
        root,
        recordings,
        vehicles,
        splits,
        FACTS,
        aliases={label: name for label, name in vehicle.items() if name in vehicles},
        others={label: "no vehicle of this task" for label, name in vehicle.items() if name not in vehicles},
        odd=odd,
    )


def _labels(listed: Path) -> set[str]:
    return set(read_events(listed, own=True)["label"]) - {""}


def _audio(root: Path, folder: str, stem: str) -> str:
    files = (f"{folder}/{stem}{suffix}" for suffix in (".flac", ".wav"))
    return next((file for file in files if (root / file).is_file()), f"{folder}/{stem}.flac")
