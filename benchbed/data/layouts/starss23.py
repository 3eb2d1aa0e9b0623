"""STARSS23: STARSS22 with more recordings, video and distances (DCASE 2023 and 2024 Task 3)."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from benchbed.data.dataset import Dataset
from benchbed.data.facts import Facts
from benchbed.data.localised import localised, track_files
from benchbed.outputs.tracks.classes import STARSS

FACTS = Facts(
    title="STARSS23: Sony-TAu Realistic Spatial Soundscapes 2023",
    source="https://doi.org/10.5281/zenodo.7880637",
    licence="MIT",
    citation="K. Shimada, A. Politis, P. Sudarsanam, D. Krause, K. Uchida, S. Adavanne, A. Hakala, Y. Koyama, "
    "N. Takahashi, S. Takahashi, T. Virtanen, Y. Mitsufuji: STARSS23: An audio-visual dataset of spatial recordings of "
    "real scenes with spatiotemporal annotations of sound events. NeurIPS 2023, Datasets and Benchmarks.",
    counts={"starss23": {"train": 90, "test": 78}},
    steps="unpack foa_dev or mic_dev, and metadata_dev, into one folder",
)


def read(root: Path, *, audio: Literal["foa", "mic"] = "foa") -> Dataset:
    """Read the splits `train` (fold 3), `test` (4), and `synthetic` (1 and 2), of those that are there.

    Parameters
    ----------
    root : Path
        The folder with `metadata_dev`, distances in centimetres.
    audio : {"foa", "mic"}
        First-order Ambisonics, or the four microphones.
    """
    return localised(
        "starss23",
        root,
        audio=audio,
        labels=STARSS,
        folds={"train": (3,), "test": (4,), "synthetic": (1, 2)},
        facts=FACTS,
        read=track_files(2023, len(STARSS)),
        inner=("STARSS23",),
    )
