"""VoxCeleb1, identification: which of 1,251 people is talking, in utterances cut from videos."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from benchbed.data.assemble import build, find_root, natural
from benchbed.data.dataset import Dataset
from benchbed.data.facts import Facts
from benchbed.errors import DataError
from benchbed.tables.table import read_table

FACTS = Facts(
    title="VoxCeleb1",
    source="https://www.robots.ox.ac.uk/~vgg/data/voxceleb/vox1.html",
    licence="CC BY-SA 4.0 for the annotations; the sound belongs to those who uploaded it",
    citation="A. Nagrani, J. S. Chung, A. Zisserman: VoxCeleb: a large-scale speaker identification dataset. "
    "Interspeech 2017.",
    version="1.1",
    counts={"voxceleb1": {"train": 138_361, "validation": 6_904, "test": 8_251, "all": 153_516}},
    steps="ask for the archives at the page, unpack both into one folder `wav`, and put iden_split.txt beside it",
)

#: Number in `iden_split.txt` → split.
PARTS = {"1": "train", "2": "validation", "3": "test"}
#: Splits and columns of every set of this form, for suites that are checked without it.
SPLITS = ("all", *PARTS.values())
COLUMNS = ("speaker", "video")


def read(root: Path) -> Dataset:
    """Read the identification task of VoxCeleb1; splits `train`, `validation`, `test` and `all`.

    All speakers are in every split; the group is the video, whose utterances are in one split.

    Parameters
    ----------
    root : Path
        Folder with `iden_split.txt` and `wav`, or the folder above it.

    Raises
    ------
    DataError
        Files missing, or a row of another form.
    """
    root = find_root(Path(root), "voxceleb1", FACTS, ("iden_split.txt",), ("VoxCeleb1", "voxceleb1"))
    table = read_table(root / "iden_split.txt", names=("part", "path"), delimiter=" ")
    frame = table.frame
    pieces = frame["path"].str.extract(r"^([^/]+)/([^/]+)/[^/]+\.wav$")
    odd = pieces[0].isna().to_numpy() | ~frame["part"].isin(list(PARTS)).to_numpy()
    if odd.any():
        row = int(odd.argmax())
        raise DataError(
            f"'{frame['part'].iloc[row]} {frame['path'].iloc[row]}' is no row of the split",
            where=table.where(row),
            hint="1, 2 or 3, a space, and SPEAKER/VIDEO/UTTERANCE.wav",
        )
    part = frame["part"].to_numpy(str)
    splits = {"all": np.arange(len(frame)), **{name: np.flatnonzero(part == key) for key, name in PARTS.items()}}
    return build(
        name="voxceleb1",
        root=root,
        kind="scene",
        labels=tuple(sorted(set(pieces[0]), key=natural)),
        paths="wav/" + frame["path"],
        label=pieces[0],
        group=pieces[0] + "/" + pieces[1],
        where=table.where,
        splits=splits,
        facts=FACTS,
        metadata={"speaker": pieces[0], "video": pieces[1]},
    )
