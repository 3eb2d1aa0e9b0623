"""UrbanSound8K: up to four seconds of urban sounds in ten folds; slices of one Freesound recording share a fold."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from benchbed.data.assemble import build, find_root, mark_folds
from benchbed.data.dataset import Dataset
from benchbed.data.facts import Facts, Remote
from benchbed.errors import DataError
from benchbed.tables.table import read_table

#: The ten classes; the position is the official class number.
LABELS = ("air_conditioner", "car_horn", "children_playing", "dog_bark", "drilling") + (
    "engine_idling",
    "gun_shot",
    "jackhammer",
    "siren",
    "street_music",
)

#: Freesound ids whose slices lie in two folds of the official table, of 1,297; in classes that differ. Counted in the
#: names of all 8,732 files (`fsID-classID-occurrence-slice.wav`) as the index of soundata 0.1.2 lists them by fold.
OVERLAPS = {
    "77751": "fold2, fold7",
    "106905": "fold1, fold8",
    "132016": "fold1, fold4",
    "176638": "fold1, fold4",
    "180937": "fold1, fold9",
}

FACTS = Facts(
    title="UrbanSound8K",
    source="https://doi.org/10.5281/zenodo.1203745 (https://urbansounddataset.weebly.com)",
    licence="CC BY-NC 3.0",
    citation="J. Salamon, C. Jacoby, J. P. Bello: A Dataset and Taxonomy for Urban Sound Research. ACM MM 2014.",
    version="1.0",
    counts={"urbansound8k": {"all": 8732}},
    files=(
        Remote(
            "UrbanSound8K.tar.gz",
            "https://zenodo.org/record/1203745/files/UrbanSound8K.tar.gz?download=1",
            "md5:9aa69802bbf37fb986f71ec1483a196e",
        ),
    ),
    overlaps={"urbansound8k": OVERLAPS},
)

#: Splits and columns of every set of this form, for suites that are checked without it.
SPLITS = ("all", *(f"{side}fold{k}" for k in range(1, 11) for side in ("", "not_")))
COLUMNS = ("fold", "fsID", "start", "end", "salience", "classID")


def read(root: Path) -> Dataset:
    """Read UrbanSound8K; splits `all`, `fold1` … `fold10` and `not_fold1` … .

    The columns `start` and `end` are times in the original recording, not in the slice.

    Raises
    ------
    DataError
        Files missing, or a class number that does not belong to its class.
    """
    root = find_root(Path(root), "urbansound8k", FACTS, ("metadata/UrbanSound8K.csv",), ("UrbanSound8K",))
    required = ("slice_file_name", "fsID", "fold", "classID", "class")
    table = read_table(root / "metadata" / "UrbanSound8K.csv", required)
    frame = table.frame
    number = table.numbers("classID")
    expected = frame["class"].map({label: k for k, label in enumerate(LABELS)}).to_numpy(np.float64)
    wrong = ~np.isnan(expected) & (expected != number)
    if wrong.any():
        first = int(wrong.argmax())
        raise DataError(
            f"class '{frame['class'].iloc[first]}' has number {expected[first]:.0f}, not {number[first]:g}",
            where=table.where(first),
            hint="get the table again from the official source",
        )
    fixed = ("slice_file_name", "class", "fold")
    return build(
        name="urbansound8k",
        root=root,
        kind="scene",
        labels=LABELS,
        paths="audio/fold" + frame["fold"] + "/" + frame["slice_file_name"],
        label=frame["class"],
        group=frame["fsID"],
        where=table.where,
        splits=mark_folds(frame["fold"].tolist()),
        facts=FACTS,
        metadata={"fold": frame["fold"], **{c: frame[c] for c in frame.columns if c not in fixed}},
    )
