"""BSD10k and BSD35k-CS: sounds of Freesound in the 23 classes of the Broad Sound Taxonomy (DCASE 2026 Task 1).

BSD10k was labelled by experts, BSD35k-CS by the crowd; both have one layout: `metadata/…_metadata.csv` with `sound_id`,
`class` and `class_top`, and `audio/<sound_id>.wav`. A class is named by its parent, a hyphen and a letter or two.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np

from benchbed import rng
from benchbed.data.assemble import build, find_root, mark_folds, option
from benchbed.data.broad_sound import BROAD_SOUND
from benchbed.data.dataset import Dataset
from benchbed.data.facts import Facts
from benchbed.errors import ConfigError, DataError
from benchbed.tables.table import Table, read_table

TABLES = {"bsd10k": "metadata/BSD10k_metadata.csv", "bsd35k_cs": "metadata/BSD35k-CS_metadata.csv"}
FACTS = Facts(
    title="BSD10k and BSD35k-CS",
    source="https://dcase.community/challenge2026/task-heterogeneous-audio-classification (https://github.com/allholy/BSD10k)",
    licence="CC BY 4.0 as a whole; each sound under its own Creative Commons licence",
    citation="P. Anastasopoulou, J. Torrey, X. Serra, F. Font: Heterogeneous sound classification with the Broad Sound "
    "Taxonomy and Dataset. DCASE Workshop 2024.",
    version="1.2",
)
#: Columns of every set of this form, for suites that are checked without it.
COLUMNS = ("fold", "top", "confidence", "uploader")
SPLITS = ("all", *(f"{side}fold{k}" for k in range(1, 6) for side in ("", "not_")))


def read(
    root: Path,
    *,
    subset: Literal["bsd10k", "bsd35k_cs"] = "bsd10k",
    folds: int = 5,
    folds_csv: str = "",
    confidence: int = 0,
) -> Dataset:
    """Read one of both sets.

    Splits: `all`, `fold1` … and `not_fold1` …. The sets publish no folds: those of a column `fold` are taken, or of
    `folds_csv`, else benchbed's own, balanced by class and drawn by the ids of sounds.

    Parameters
    ----------
    root : Path
        Folder with `metadata` and `audio`.
    subset : {"bsd10k", "bsd35k_cs"}
        Which set.
    folds : int, default=5
        How many, where nobody names them.
    folds_csv : str
        Table of `sound_id` and `fold`, relative to the root.
    confidence : int, default=0
        Least confidence (1 to 5) of the annotator that a sound must have.

    Raises
    ------
    DataError
        Files missing, an unknown class, a class under another top, or a sound without a fold.
    """
    option(subset, tuple(TABLES), "subset")
    root = find_root(Path(root), subset, FACTS, (TABLES[subset],), ("BSD10k-v1.2", "BSD10k", "BSD35k-CS"))
    table = read_table(root / TABLES[subset], ("sound_id", "class"))
    frame = table.frame
    if "class_top" in frame:
        tops = frame["class"].str.partition("-")[0]
        wrong = (tops != frame["class_top"]).to_numpy()
        if wrong.any():
            row = int(wrong.argmax())
            raise DataError(
                f"the class '{frame['class'].iloc[row]}' stands under '{frame['class_top'].iloc[row]}'",
                where=table.where(row),
                hint="a class begins with its top and a hyphen",
            )
    rows = np.arange(len(frame))
    notes = []
    if confidence:
        if "confidence" not in frame:
            raise ConfigError("the table has no confidence", hint="leave the option confidence out")
        rows = np.flatnonzero(table.numbers("confidence") >= confidence)
        notes.append(f"{len(rows)} of {len(frame)} sounds have a confidence of at least {confidence}")
    fold, said = _folds(table, folds, root / folds_csv if folds_csv else None)
    frame, fold = frame.iloc[rows].reset_index(drop=True), [fold[row] for row in rows]
    given = {name: frame[name] for name in ("confidence", "uploader", "license", "title") if name in frame}
    return build(
        name=subset,
        root=root,
        kind="scene",
        labels=BROAD_SOUND,
        paths="audio/" + frame["sound_id"] + ".wav",
        label=frame["class"],
        group=frame["sound_id"],
        where=lambda row: table.where(int(rows[row])),
        splits=mark_folds(fold),
        facts=FACTS,
        metadata={"fold": np.array(fold, object), "top": frame["class"].str.partition("-")[0], **given},
        notes=[*notes, *said],
    )


def _folds(table: Table, count: int, path: Path | None) -> tuple[list[str], list[str]]:
    """The fold of each sound, and what is to be said of them."""
    frame = table.frame
    if path is not None:
        other = read_table(path, ("sound_id", "fold"))
        known = dict(zip(other.frame["sound_id"], other.frame["fold"]))
        lacking = [row for row, sound in enumerate(frame["sound_id"]) if sound not in known]
        if lacking:
            raise DataError(
                f"the sound '{frame['sound_id'].iloc[lacking[0]]}' has no fold",
                where=str(path),
                hint="a row for each sound",
            )
        return [known[sound] for sound in frame["sound_id"]], []
    if "fold" in frame:
        return frame["fold"].tolist(), []
    if count < 2:
        raise ConfigError(f"folds={count}", hint="at least 2")
    return _drawn(frame["sound_id"].tolist(), frame["class"].tolist(), count), [
        f"the set publishes no folds: {count} of benchbed's own, balanced by class"
    ]


def _drawn(sounds: Sequence[str], classes: Sequence[str], count: int) -> list[str]:
    """Folds in which every class has as many sounds, by the ids of sounds and nothing else.

    Examples
    --------
    >>> sorted(_drawn(["1", "2", "3", "4"], ["a", "a", "b", "b"], 2))
    ['1', '1', '2', '2']
    """
    order = sorted(range(len(sounds)), key=lambda row: (classes[row], rng.key("bsd folds", sounds[row])))
    fold = [""] * len(sounds)
    for place, row in enumerate(order):
        fold[row] = str(1 + place % count)
    return fold
