"""TUT Sound Events 2016: recordings of homes and residential areas (DCASE 2016 Task 3)."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from benchbed.data.dataset import Dataset
from benchbed.data.events import Odd
from benchbed.data.facts import Facts
from benchbed.data.tut_sed import read_scene

#: Scene → its classes; the two have models and scores of their own.
LABELS = {
    "home": (
        "(object) rustling",
        "(object) snapping",
        "cupboard",
        "cutlery",
        "dishes",
        "drawer",
        "glass jingling",
        "object impact",
        "people walking",
        "washing dishes",
        "water tap running",
    ),
    "residential_area": (
        "(object) banging",
        "bird singing",
        "car passing by",
        "children shouting",
        "people speaking",
        "people walking",
        "wind blowing",
    ),
}

FACTS = Facts(
    title="TUT Sound Events 2016",
    source="https://doi.org/10.5281/zenodo.45759 (evaluation set: https://doi.org/10.5281/zenodo.996424)",
    licence="free for academic use, as stated with the set",
    citation="A. Mesaros, T. Heittola, T. Virtanen: TUT database for acoustic scene classification and sound event "
    "detection. EUSIPCO 2016, 1128-1132.",
)


def read(root: Path, *, scene: Literal["home", "residential_area"] = "residential_area", odd: Odd = "error") -> Dataset:
    """Read one scene of TUT Sound Events 2016; splits `dev`, `foldK`, `not_foldK` and, where it is there, `test`.

    Parameters
    ----------
    root : Path
        The development folder, or the folder above it and the evaluation folder.
    scene : {"home", "residential_area"}
        Which scene.
    odd : {"error", "drop"}
        What to do with an event that cannot be scored.

    Raises
    ------
    DataError
        Files missing, or a wrong row.
    """
    return read_scene(Path(root), "tut_sed_2016", "TUT-sound-events-2016", scene, LABELS, FACTS, odd)
