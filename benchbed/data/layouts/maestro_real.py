"""MAESTRO-Real: recordings of five scenes whose labels are the share of annotators who heard an event, per second."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np

from benchbed.data.annotated import AnnotatedRecording, annotated
from benchbed.data.assemble import find_root, natural, option
from benchbed.data.dataset import Dataset
from benchbed.data.events import Odd
from benchbed.data.facts import Facts, Remote
from benchbed.errors import DataError
from benchbed.tables.names import read_names

SCENES = ("cafe_restaurant", "city_center", "grocery_store", "metro_station", "residential_area")
#: The classes that DCASE 2023 and 2024 score, and those that they leave out for their rarity.
SCORED = (
    "birds_singing",
    "car",
    "people talking",
    "footsteps",
    "children voices",
    "wind_blowing",
    "brakes_squeaking",
    "large_vehicle",
    "cutlery and dishes",
    "metro approaching",
    "metro leaving",
)
RARE = (
    "furniture dragging",
    "coffee machine",
    "door opens/closes",
    "announcement",
    "shopping cart",
    "cash register beeping",
)

FACTS = Facts(
    title="MAESTRO-Real, development set",
    source="https://doi.org/10.5281/zenodo.7244360",
    licence="free for non-commercial research, as stated with the set",
    citation="I. Martín-Morató, A. Mesaros: Strong labeling of sound events using crowdsourced weak labels and "
    "annotator competence estimation. IEEE/ACM TASLP 31, 902-914, 2023.",
    counts={"maestro_real": {"dev": 49}},
    files=(
        Remote(
            "development_audio.zip",
            "https://zenodo.org/records/7244360/files/development_audio.zip?download=1",
            "md5:3de7cb4f92a115a6f5cc077a41ca07b3",
        ),
        Remote(
            "development_annotation.zip",
            "https://zenodo.org/records/7244360/files/development_annotation.zip?download=1",
            "md5:e6a3f84f8020725d559b38ccb494ef3d",
        ),
    ),
    steps="for folds, put development_folds of the DCASE 2023 Task 4 B baseline beside the two folders",
)


def read(
    root: Path,
    *,
    classes: Literal["scored", "all"] = "scored",
    soft: bool = False,
    threshold: float = 0.5,
    odd: Odd = "error",
) -> Dataset:
    """Read MAESTRO-Real; splits `dev`, and `foldK`, `not_foldK` where `development_folds` is there.

    Parameters
    ----------
    root : Path
        Folder with `development_annotation` and `development_audio`.
    classes : {"scored", "all"}
        The eleven classes of the challenge, or all seventeen.
    soft : bool, default=False
        Keep the confidences of every second beside its events; otherwise what is above `threshold` is an event.
    threshold : float, default=0.5
        Share of annotators, as the challenge has it.
    odd : {"error", "drop"}
        What to do with an event that cannot be scored.

    Raises
    ------
    DataError
        Files missing, or a wrong row.
    """
    option(classes, ("scored", "all"), "classes")
    root = find_root(Path(root), "maestro_real", FACTS, ("development_annotation",))
    recordings = []
    for scene in SCENES:
        for file in sorted((root / f"development_annotation/soft_labels_{scene}").glob("*.txt"), key=_order):
            audio = f"development_audio/{scene}/{file.stem}.wav"
            listed = file.relative_to(root).as_posix()
            recordings.append(AnnotatedRecording(audio, listed, file.stem, {"scene": scene}))
    if not recordings:
        raise DataError(
            "there are no soft labels",
            where=str(root / "development_annotation"),
            hint=f"folders soft_labels_{SCENES[0]}, …",
        )
    splits = {"dev": np.arange(len(recordings))}
    place = {Path(one.path).stem: i for i, one in enumerate(recordings)}
    for file in sorted((root / "development_folds").glob("fold*_test.csv")):
        names = [Path(name).stem for name in read_names(file)[0]]
        lost = [name for name in names if name not in place]
        if lost:
            raise DataError(f"'{lost[0]}' of a fold is not in the set", where=str(file))
        fold = file.stem.split("_")[0]
        splits[fold] = np.array([place[name] for name in names])
        splits[f"not_{fold}"] = np.setdiff1d(splits["dev"], splits[fold])
    return annotated(
        "maestro_real",
        root,
        recordings,
        SCORED if classes == "scored" else SCORED + RARE,
        splits,
        FACTS,
        others=dict.fromkeys(RARE, "not scored") if classes == "scored" else None,
        odd=odd,
        soft=True,
        sure=None if soft else threshold,
    )


def _order(file: Path) -> tuple:
    return natural(file.stem)
