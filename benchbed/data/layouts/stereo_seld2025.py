"""DCASE 2025 Task 3: five-second stereo clips with video, cut from STARSS23 at random points of view."""

from __future__ import annotations

from pathlib import Path

from benchbed.data.dataset import Dataset
from benchbed.data.facts import Facts
from benchbed.data.localised import localised, track_files
from benchbed.outputs.tracks.classes import STARSS

FACTS = Facts(
    title="DCASE2025 Task3 Stereo SELD Dataset",
    source="https://doi.org/10.5281/zenodo.15087603",
    licence="MIT",
    citation="K. Shimada et al.: STARSS23: An audio-visual dataset of spatial recordings of real scenes with "
    "spatiotemporal annotations of sound events. NeurIPS 2023, Datasets and Benchmarks.",
    steps="unpack stereo_dev and metadata_dev into one folder",
)


def read(root: Path) -> Dataset:
    """Read the splits `train` (folds 1 and 3), `test` (4), and `evaluation` where it is there.

    Clips of one recording are one group.

    Parameters
    ----------
    root : Path
        The folder with `metadata_dev`.
    """
    return localised(
        "stereo_seld2025",
        root,
        audio="stereo",
        labels=STARSS,
        folds={"train": (1, 3), "test": (4,)},
        facts=FACTS,
        read=track_files(2025, len(STARSS)),
    )
