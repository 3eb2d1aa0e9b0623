"""TAU Spatial Sound Events 2019: eleven classes in fixed directions, five rooms, a minute each (DCASE 2019 Task 3)."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from benchbed.data.dataset import Dataset
from benchbed.data.facts import Facts
from benchbed.data.localised import event_lists, localised
from benchbed.outputs.tracks.classes import TAU_2019

FACTS = Facts(
    title="TAU Spatial Sound Events 2019",
    source="https://doi.org/10.5281/zenodo.2599196",
    licence="TAU, non-commercial; as stated with the set",
    citation="S. Adavanne, A. Politis, T. Virtanen: A multi-room reverberant dataset for sound event localization and "
    "detection. DCASE Workshop 2019.",
    counts={"tau_sse2019": {f"split{k}": 100 for k in range(1, 5)}},
    steps="unpack foa_dev or mic_dev, and metadata_dev, into one folder",
)


def read(root: Path, *, audio: Literal["foa", "mic"] = "foa") -> Dataset:
    """Read the splits `split1` … `split4`, and `evaluation` where it is there.

    Parameters
    ----------
    root : Path
        The folder with `metadata_dev`.
    audio : {"foa", "mic"}
        First-order Ambisonics, or the four microphones.
    """
    return localised(
        "tau_sse2019",
        root,
        audio=audio,
        labels=TAU_2019,
        folds={f"split{k}": (k,) for k in range(1, 5)},
        facts=FACTS,
        read=event_lists(TAU_2019),
        inner=("dataset",),
    )
