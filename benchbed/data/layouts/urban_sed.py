"""URBAN-SED: ten-second soundscapes that Scaper made of UrbanSound8K clips over Brownian noise."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from benchbed.data.annotated import AnnotatedRecording, annotated
from benchbed.data.assemble import find_root, natural
from benchbed.data.dataset import Dataset
from benchbed.data.events import Odd
from benchbed.data.facts import Facts, Remote

LABELS = (
    "air_conditioner",
    "car_horn",
    "children_playing",
    "dog_bark",
    "drilling",
    "engine_idling",
    "gun_shot",
    "jackhammer",
    "siren",
    "street_music",
)
SPLITS = ("train", "validate", "test")

FACTS = Facts(
    title="URBAN-SED",
    source="https://doi.org/10.5281/zenodo.1324404",
    licence="CC BY 4.0",
    citation="J. Salamon, D. MacConnell, M. Cartwright, P. Li, J. P. Bello: Scaper: A library for soundscape synthesis "
    "and augmentation. WASPAA 2017, 344-348.",
    version="2.0.0",
    counts={"urban_sed": {"train": 6_000, "validate": 2_000, "test": 2_000}},
    files=(
        Remote(
            "URBAN-SED_v2.0.0.tar.gz",
            "https://zenodo.org/record/1324404/files/URBAN-SED_v2.0.0.tar.gz?download=1",
            "md5:a2d24a2148ece7c021fcc079ee87c2dc",
        ),
    ),
)


def read(root: Path, *, odd: Odd = "error") -> Dataset:
    """Read URBAN-SED; splits `train`, `validate` and `test`, as far as they are there.

    Raises
    ------
    DataError
        Files missing, or a wrong row.
    """
    root = find_root(Path(root), "urban_sed", FACTS, ("annotations", "audio"), ("URBAN-SED_v2.0.0", "URBAN-SED"))
    found: list[Any] = []
    splits = {}
    for split in SPLITS:
        lists = sorted((root / "annotations" / split).glob("*.txt"), key=lambda file: natural(file.stem))
        if lists:
            splits[split] = np.arange(len(found), len(found) + len(lists))
        found += [
            AnnotatedRecording(f"audio/{split}/{file.stem}.wav", f"annotations/{split}/{file.name}", file.stem)
            for file in lists
        ]
    return annotated("urban_sed", root, found, LABELS, splits, FACTS, odd=odd)
