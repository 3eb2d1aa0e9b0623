"""TAU Urban Acoustic Scenes Mobile, 2020 and 2022: one folder layout, read here for both.

File names say it all: `audio/airport-lisbon-1000-40000-0-a.wav` is scene, city, location, ten-second segment, its
one-second cut (2022 only) and device. All cuts and all devices of a segment are one stretch of time in one place, so
they are one resampling group.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from benchbed.data.assemble import build, find_root, option, positions, safe_paths
from benchbed.data.dataset import Dataset
from benchbed.data.facts import Facts
from benchbed.errors import DataError
from benchbed.tables.table import Table, read_table

if TYPE_CHECKING:
    import pandas as pd

#: The ten scenes in the order of the challenge's label encoder (alphabetical).
LABELS = (
    "airport",
    "bus",
    "metro",
    "metro_station",
    "park",
    "public_square",
    "shopping_mall",
    "street_pedestrian",
    "street_traffic",
    "tram",
)
ALIASES = {"urban_park": "park"}
CITATION = (
    "T. Heittola, A. Mesaros, T. Virtanen: Acoustic scene classification in DCASE 2020 Challenge: generalization "
    "across devices and low complexity solutions. DCASE 2020 Workshop, 56-60."
)
LICENCE = "Tampere University, non-commercial research use only"
_NAME = (
    r"^(?:.*/)?(?P<recording>[^-/]+-[^-/]+-[^-/]+-[^-/]+?)"
    r"(?:-(?P<cut>[0-9]+))?-(?P<device>[A-Za-z][A-Za-z0-9]*)[.][A-Za-z0-9]+$"
)


def read_tau(
    root: Path,
    *,
    name: str,
    year: str,
    facts: Facts,
    subset: Literal["development", "evaluation"] = "development",
    subsets: Path | None = None,
    percentages: tuple[int, ...] = (),
) -> Dataset:
    """Read a development or evaluation set.

    Parameters
    ----------
    root : Path
        The folder with `meta.csv`, or the one that holds the official archive's folder.
    name : str
        Name on records.
    year : str
        Year in the archive's folder name.
    subset : {"development", "evaluation"}
        The evaluation set can be read where its labels are at hand (`evaluation_setup/fold1_evaluate.csv` or
        `meta.csv`); the challenge publishes file names only.
    subsets : Path, optional
        Folder of the training subsets of DCASE 2024 and 2025, `split5.csv` and so on.
    percentages : tuple of int
        Which of them exist; those found become splits `train5`, … .
    """
    option(subset, ("development", "evaluation"), "subset")
    if subset == "evaluation":
        return _evaluation(Path(root), name, facts)
    inner = (f"TAU-urban-acoustic-scenes-{year}-mobile-development",)
    root = find_root(root, name, facts, ("meta.csv",), inner)
    meta = read_table(root / "meta.csv", ("filename", "scene_label", "identifier", "source_label"))
    path = safe_paths(meta.frame["filename"], meta.where)
    splits = _splits(root, meta, path)
    for percent, file in _subset_files(root, subsets, percentages).items():
        table = read_table(file, ("filename",))
        splits[f"train{percent}"] = positions(table, "filename", _index(path), "meta.csv")
    return _assemble(root, name, facts, meta, path, splits)


def _splits(root: Path, meta: Table, path: pd.Series) -> dict[str, np.ndarray]:
    setup = root / "evaluation_setup"
    index = _index(path)
    splits: dict[str, np.ndarray] = {"all": np.arange(len(path))}
    train = read_table(setup / "fold1_train.csv", ("filename",))
    splits["train"] = positions(train, "filename", index, "meta.csv")
    evaluate, test = setup / "fold1_evaluate.csv", setup / "fold1_test.csv"
    labelled = read_table(evaluate if evaluate.is_file() else test, ("filename",))
    splits["test"] = positions(labelled, "filename", index, "meta.csv")
    if evaluate.is_file() and test.is_file():
        bare = read_table(test, ("filename",))
        if set(positions(bare, "filename", index, "meta.csv")) != set(splits["test"]):
            raise DataError("fold1_test.csv and fold1_evaluate.csv list different clips", where=str(setup))
    for table, rows in ((train, splits["train"]), (labelled, splits["test"])):
        _same_labels(table, meta, rows)
    both = np.intersect1d(splits["train"], splits["test"])
    if len(both):
        raise DataError(
            f"{len(both)} clips are in both the training and the test split, e.g. {path.iloc[both[0]]}",
            where=str(setup),
            hint="get the split files again from the official source",
        )
    used = np.zeros(len(path), bool)
    used[splits["train"]] = used[splits["test"]] = True
    if not used.all():
        splits["unused"] = np.flatnonzero(~used)
    return splits


def _same_labels(table: Table, meta: Table, rows: np.ndarray) -> None:
    """The split files repeat the labels of meta.csv; where the two disagree, neither can be believed."""
    if "scene_label" not in table.frame:
        return
    ours = meta.frame["scene_label"].replace(ALIASES).to_numpy()[rows]
    theirs = table.frame["scene_label"].replace(ALIASES).to_numpy()
    differ = ours != theirs
    if differ.any():
        first = int(differ.argmax())
        raise DataError(
            f"label '{theirs[first]}' here, '{ours[first]}' in meta.csv",
            where=f"{table.where(first)} and {meta.where(int(rows[first]))}",
            hint="get both files again from the official source",
        )


def _subset_files(root: Path, subsets: Path | None, percentages: tuple[int, ...]) -> Mapping[int, Path]:
    places = [Path(subsets)] if subsets else [root / "split_setup", root / "evaluation_setup", root]
    if subsets and not places[0].is_dir():
        raise DataError("the folder of training subsets does not exist", where=str(subsets))
    found: dict[int, Path] = {}
    for percent in percentages:
        for place in places:
            if (place / f"split{percent}.csv").is_file():
                found[percent] = place / f"split{percent}.csv"
                break
    if subsets and not found:
        raise DataError("the folder of training subsets has no split5.csv … split100.csv", where=str(subsets))
    return found


def _evaluation(root: Path, name: str, facts: Facts) -> Dataset:
    found = sorted(root.glob("TAU-urban-acoustic-scenes-*-mobile-evaluation")) if root.is_dir() else []
    inner = [folder.name for folder in reversed(found)]
    root = find_root(root, name, facts, ("evaluation_setup",), inner)
    setup = root / "evaluation_setup"
    listed = [file for file in (root / "meta.csv", setup / "fold1_evaluate.csv") if file.is_file()]
    if not listed:
        raise DataError(
            "the evaluation set has no labels",
            where=str(setup),
            hint="the challenge keeps them; put a fold1_evaluate.csv (filename, scene_label) there if you have them, "
            "or score the development set's test split",
        )
    meta = read_table(listed[0], ("filename", "scene_label"))
    path = safe_paths(meta.frame["filename"], meta.where)
    every = np.arange(len(path))
    return _assemble(root, f"{name}_evaluation", facts, meta, path, {"all": every, "test": every})


def _assemble(
    root: Path, name: str, facts: Facts, meta: Table, path: pd.Series, splits: Mapping[str, np.ndarray]
) -> Dataset:
    frame = meta.frame
    parts = _parts(path)
    odd = parts["recording"].isna()
    recording = parts["recording"].where(~odd, path)
    known = ("filename", "scene_label", "identifier", "source_label", "device_id")
    metadata: dict[str, object] = {}
    for column in ("source_label", "device_id"):
        if column in frame and "device" not in metadata:
            metadata["device"] = frame[column].str.lower()
    if "device" not in metadata and parts["device"].notna().all():
        metadata["device"] = parts["device"]
    if "identifier" in frame:
        metadata["city"] = frame["identifier"].map({v: v.partition("-")[0] for v in frame["identifier"].unique()})
        metadata["location"] = frame["identifier"]
    cut = parts["cut"].fillna("")
    if (cut != "").any():
        metadata["cut"] = cut
    metadata |= {column: frame[column] for column in frame.columns if column not in (*known, *metadata)}
    notes = []
    if odd.any():
        notes.append(
            f"{int(odd.sum())} file names do not say their recording; each of these clips is its own resampling group"
        )
    return build(
        name=name,
        root=root,
        kind="scene",
        labels=LABELS,
        paths=path,
        label=frame["scene_label"],
        group=recording,
        where=meta.where,
        splits=splits,
        facts=facts,
        metadata=metadata,
        aliases=ALIASES,
        notes=notes,
    )


def _parts(path: pd.Series) -> pd.DataFrame:
    """Recording, cut and device of each file name; missing where a name has another form."""
    import pandas as pd
    import pyarrow
    from pyarrow import compute

    found = compute.extract_regex(pyarrow.array(path, pyarrow.string()), pattern=_NAME)
    return pd.DataFrame(
        {name: found.field(i).to_pandas() for i, name in enumerate(("recording", "cut", "device"))}
    ).where(pd.Series(found.is_valid().to_pandas()), None)


def _index(path: pd.Series) -> pd.Index:
    import pandas as pd

    index = pd.Index(path)
    if index.has_duplicates:
        double = index[index.duplicated()][0]
        raise DataError(f"meta.csv lists '{double}' more than once", hint="get meta.csv again from the official source")
    return index
