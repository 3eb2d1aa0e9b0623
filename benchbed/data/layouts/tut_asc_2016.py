"""TUT Acoustic Scenes 2016: thirty-second binaural recordings of fifteen scenes in four folds (DCASE 2016 Task 1)."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from benchbed.data.assemble import build, find_root, positions
from benchbed.data.dataset import Dataset
from benchbed.data.facts import Facts, Remote
from benchbed.errors import DataError
from benchbed.tables.table import read_table

#: The fifteen scenes as they are written in the set's tables.
LABELS = ("beach", "bus", "cafe/restaurant", "car", "city_center", "forest_path", "grocery_store", "home") + (
    "library",
    "metro_station",
    "office",
    "park",
    "residential_area",
    "train",
    "tram",
)
#: Archives of the development set, with the checksums that Zenodo states.
_ARCHIVES = {
    "meta": "779b33da2ebbf8bde494b3c981827251",
    "audio.1": "e39546e65f2e72517b6335aaf0c8323d",
    "audio.2": "d36cf3253e2c041f68e937a3fe804807",
    "audio.3": "0393a9620ab882b1c26d884eccdcffdd",
    "audio.4": "fb3e4e0cd7ea82120ec07031dee558ce",
    "audio.5": "a19cf600b33c8f88f6ad607bafd74057",
    "audio.6": "591aad3219d1155342572cc1f6af5680",
    "audio.7": "9e6c1897789e6bce13ac69c6caedb7ab",
    "audio.8": "c4718354f48fcc9dfc7305f6cd8325c8",
}
_STEM = "TUT-acoustic-scenes-2016-development"

FACTS = Facts(
    title="TUT Acoustic Scenes 2016, development",
    source="https://doi.org/10.5281/zenodo.45739",
    licence="free for non-commercial use, as stated with the set",
    citation="A. Mesaros, T. Heittola, T. Virtanen: TUT database for acoustic scene classification and sound event "
    "detection. EUSIPCO 2016, 1128-1132.",
    version="2016",
    counts={"tut_asc_2016": {"all": 1170}},
    files=tuple(
        Remote(f"{_STEM}.{part}.zip", f"https://zenodo.org/record/45739/files/{_STEM}.{part}.zip", f"md5:{md5}")
        for part, md5 in _ARCHIVES.items()
    ),
    steps="unpack all archives into one folder",
)

#: Splits and columns of every set of this form, for suites that are checked without it.
SPLITS = ("all", *(f"{side}fold{k}" for k in range(1, 5) for side in ("", "not_")))
COLUMNS = ("location", "start", "end")


def read(root: Path) -> Dataset:
    """Read TUT Acoustic Scenes 2016; splits `all`, `fold1` … `fold4` (the test part of each) and `not_fold1` … .

    Segments of one place share the letter and number at the start of their name (`b020_90_120.wav`): the group.

    Parameters
    ----------
    root : Path
        Folder with `meta.txt`, `audio` and `evaluation_setup`, or the folder above it.

    Raises
    ------
    DataError
        Files missing, a name of another form, or a fold that names a segment that is not there, or one in both parts.
    """
    import pandas as pd

    root = find_root(Path(root), "tut_asc_2016", FACTS, ("meta.txt", "evaluation_setup/fold1_train.txt"), (_STEM,))
    table = read_table(root / "meta.txt", names=("path", "label"), delimiter="\t")
    frame = table.frame
    parts = frame["path"].str.extract(r"([^/_]+)_(\d+)_(\d+)\.wav$")
    odd = parts[0].isna().to_numpy()
    if odd.any():
        row = int(odd.argmax())
        raise DataError(
            f"'{frame['path'].iloc[row]}' is not called PLACE_START_END.wav",
            where=table.where(row),
            hint="get the table again from the official source",
        )
    index = pd.Index(frame["path"])
    splits: dict[str, np.ndarray] = {"all": np.arange(len(frame))}
    for fold in range(1, 5):
        parts_of = {}
        for part in ("train", "evaluate"):
            listed = read_table(
                root / "evaluation_setup" / f"fold{fold}_{part}.txt", names=("path", "label"), delimiter="\t"
            )
            parts_of[part] = positions(listed, "path", index, "meta.txt")
        both = np.intersect1d(parts_of["train"], parts_of["evaluate"])
        if len(both):
            raise DataError(
                f"'{frame['path'].iloc[int(both[0])]}' is in both parts of fold {fold}",
                where=str(root / "evaluation_setup"),
                hint="get the lists again from the official source",
            )
        splits[f"fold{fold}"], splits[f"not_fold{fold}"] = parts_of["evaluate"], parts_of["train"]
    return build(
        name="tut_asc_2016",
        root=root,
        kind="scene",
        labels=LABELS,
        paths=frame["path"],
        label=frame["label"],
        group=parts[0],
        where=table.where,
        splits=splits,
        facts=FACTS,
        metadata={"location": parts[0], "start": parts[1], "end": parts[2]},
    )
