"""STARSS22: thirteen classes in real rooms, with people, in two cities (DCASE 2022 Task 3)."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from benchbed.data.dataset import Dataset
from benchbed.data.facts import Facts
from benchbed.data.localised import localised, track_files
from benchbed.outputs.tracks.classes import STARSS

FACTS = Facts(
    title="STARSS22: Sony-TAu Realistic Spatial Soundscapes 2022",
    source="https://doi.org/10.5281/zenodo.6600531",
    licence="MIT",
    citation="A. Politis, K. Shimada, P. Sudarsanam, S. Adavanne, D. Krause, Y. Koyama, N. Takahashi, S. Takahashi, "
    "Y. Mitsufuji, T. Virtanen: STARSS22: A dataset of spatial recordings of real scenes with spatiotemporal "
    "annotations of sound events. DCASE Workshop 2022.",
    counts={"starss22": {"train": 67, "test": 54}},
    steps="unpack foa_dev or mic_dev, and metadata_dev, into one folder",
)


def read(root: Path, *, audio: Literal["foa", "mic"] = "foa") -> Dataset:
    """Read the splits `train` (fold 3), `test` (4), and `synthetic` (1 and 2), of those that are there.

    Parameters
    ----------
    root : Path
        The folder with `metadata_dev`.
    audio : {"foa", "mic"}
        First-order Ambisonics, or the four microphones.
    """
    return localised(
        "starss22",
        root,
        audio=audio,
        labels=STARSS,
        folds={"train": (3,), "test": (4,), "synthetic": (1, 2)},
        facts=FACTS,
        read=track_files(2022, len(STARSS)),
        inner=("STARSS22",),
    )
