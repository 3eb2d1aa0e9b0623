"""TAU-NIGENS Spatial Sound Events 2021: twelve classes, moving sources, interferers, a minute each (DCASE 2021)."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from benchbed.data.dataset import Dataset
from benchbed.data.facts import Facts
from benchbed.data.localised import localised, track_files
from benchbed.outputs.tracks.classes import NIGENS_2021

FACTS = Facts(
    title="TAU-NIGENS Spatial Sound Events 2021",
    source="https://doi.org/10.5281/zenodo.5476980",
    licence="CC BY-NC 4.0",
    citation="A. Politis, S. Adavanne, D. Krause, A. Deleforge, P. Srivastava, T. Virtanen: A dataset of dynamic "
    "reverberant sound scenes with directional interferers for sound event localization and detection. DCASE Workshop "
    "2021.",
    counts={"tau_nigens2021": {"train": 400, "validation": 100, "test": 100}},
    steps="unpack foa_dev or mic_dev, and metadata_dev, into one folder",
)


def read(root: Path, *, audio: Literal["foa", "mic"] = "foa") -> Dataset:
    """Read the splits `train` (folds 1–4), `validation` (5), `test` (6), and `evaluation` where it is there.

    Parameters
    ----------
    root : Path
        The folder with `metadata_dev`.
    audio : {"foa", "mic"}
        First-order Ambisonics, or the four microphones.
    """
    return localised(
        "tau_nigens2021",
        root,
        audio=audio,
        labels=NIGENS_2021,
        folds={"train": (1, 2, 3, 4), "validation": (5,), "test": (6,)},
        facts=FACTS,
        read=track_files(2021, len(NIGENS_2021)),
    )
