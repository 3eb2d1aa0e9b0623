"""TAU-NIGENS Spatial Sound Events 2020: fourteen classes, static and moving, one minute each (DCASE 2020 Task 3)."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from benchbed.data.dataset import Dataset
from benchbed.data.facts import Facts
from benchbed.data.localised import localised, track_files
from benchbed.outputs.tracks.classes import NIGENS_2020

FACTS = Facts(
    title="TAU-NIGENS Spatial Sound Events 2020",
    source="https://doi.org/10.5281/zenodo.4064792",
    licence="CC BY-NC 4.0",
    citation="A. Politis, S. Adavanne, T. Virtanen: A dataset of reverberant spatial sound scenes with moving sources "
    "for sound event localization and detection. DCASE Workshop 2020.",
    counts={"tau_nigens2020": {"train": 400, "validation": 100, "test": 100}},
    steps="unpack foa_dev or mic_dev, and metadata_dev, into one folder",
)


def read(root: Path, *, audio: Literal["foa", "mic"] = "foa") -> Dataset:
    """Read the splits `train` (folds 3–6), `validation` (2), `test` (1), and `evaluation` where it is there.

    Parameters
    ----------
    root : Path
        The folder with `metadata_dev`.
    audio : {"foa", "mic"}
        First-order Ambisonics, or the four microphones.
    """
    return localised(
        "tau_nigens2020",
        root,
        audio=audio,
        labels=NIGENS_2020,
        folds={"train": (3, 4, 5, 6), "validation": (2,), "test": (1,)},
        facts=FACTS,
        read=track_files(2020, len(NIGENS_2020)),
    )
