"""From the rows of an official table to a checked `Dataset`: what every layout has in common.

Layouts say which column is what; here paths are kept inside the root, labels held to the official list, clip ids made
and found unique, and splits resolved. Everything is vectorised, since a full set has 230,000 rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchbed.data.dataset import COLUMNS, Dataset
from benchbed.data.facts import Facts
from benchbed.errors import ConfigError, DataError, did_you_mean

if TYPE_CHECKING:
    import pandas as pd

    from benchbed.tables.table import Table

#: A row's position in the table of clips → `file:row`.
Where = Callable[[int], str]


def find_root(
    root: Path, name: str, facts: Facts, markers: Sequence[str], inner: Sequence[str] = (), hint: str = ""
) -> Path:
    """The folder that holds all `markers`: `root` itself, or one of the official archive folders `inner` in it.

    Parameters
    ----------
    root : Path
    name : str
        Of the data set.
    facts : Facts
    markers, inner : sequence of str
    hint : str
        What to do where it is not the folder; by default where the set comes from.

    Raises
    ------
    DataError
        Missing, not a folder, or without the markers; the hint says where the set comes from and how to name it.
    """
    root = Path(root)
    hint = hint or (
        f"{facts.title} comes from {facts.source}; when it is unpacked, name its folder by --data {name}=PATH, by "
        f"BENCHBED_DATA, or under data: in the user configuration"
    )
    if not root.exists():
        raise DataError(f"the folder of dataset {name} does not exist", where=str(root), hint=hint)
    if not root.is_dir():
        raise DataError(f"dataset {name} must be a folder, not a file", where=str(root), hint=hint)
    for folder in (root, *(root / part for part in inner)):
        if all((folder / marker).exists() for marker in markers):
            return folder
    raise DataError(f"this is not the folder of dataset {name}: it has no {markers[0]}", where=str(root), hint=hint)


def build(
    *,
    name: str,
    root: Path,
    kind: str,
    labels: Sequence[str],
    paths: pd.Series,
    label: pd.Series,
    group: pd.Series,
    where: Where,
    splits: Mapping[str, Any],
    facts: Facts,
    onset: np.ndarray | None = None,
    duration: np.ndarray | None = None,
    metadata: Mapping[str, Any] | None = None,
    aliases: Mapping[str, str] | None = None,
    notes: Iterable[str] = (),
    events: pd.DataFrame | None = None,
) -> Dataset:
    """Put a dataset together from columns of equal length.

    Parameters
    ----------
    paths, label, group : pandas.Series of str
        Path relative to `root`, label (tuples of str for tags and frames), and what resampling draws as one.
    where : callable
        Position of a row → its place in the source, for messages.
    splits : mapping of str to array
        Split name → positions of rows (integers, in the split's order) or a boolean mask.
    onset, duration : np.ndarray [shape=(row,)], optional
        Seconds; absent for whole files.
    metadata : mapping, optional
        Further columns; a name that every dataset has (`path`, `group`, …) is stored as `source_NAME`.
    aliases : mapping, optional
        Other spellings of labels → the official one.
    events : pandas.DataFrame, optional
        Checked events (`benchbed.data.events`) with the position of their clip as `row`, for frames.

    Raises
    ------
    DataError
        A path that leaves the root, an unknown label, a clip that occurs twice, each with its row.
    """
    import pandas as pd

    from benchbed.data.synthetic import fingerprint, is_synthetic

    notes = list(notes)
    synthetic = is_synthetic(root)
    official = {} if synthetic else facts.counts.get(name, {})
    if synthetic:
        name = f"{name}-synthetic"
    path = safe_paths(paths, where)
    label, said = _official(label, tuple(labels), kind, aliases or {}, where)
    notes += said
    count = len(path)
    onset = np.zeros(count) if onset is None else np.asarray(onset, np.float64)
    duration = np.full(count, np.nan) if duration is None else np.asarray(duration, np.float64)
    ids = name + "/" + path
    late = onset != 0
    if late.any():
        marks = pd.Series([f"@{value:.6f}".rstrip("0").rstrip(".") for value in onset[late]], index=ids.index[late])
        ids = ids.where(~pd.Series(late, index=ids.index), ids + marks.reindex(ids.index, fill_value=""))
    _unique(ids, where)
    columns = {"clip_id": ids, "path": path, "onset": onset, "duration": duration, "label": label, "group": group}
    for column, values in (metadata or {}).items():
        columns[f"source_{column}" if column in COLUMNS else column] = values
    clips = pd.DataFrame(
        {key: np.asarray(values, dtype=getattr(values, "dtype", None)) for key, values in columns.items()}
    )
    all_ids = clips["clip_id"].to_numpy()
    if events is not None:
        events = events.assign(clip_id=all_ids[events["row"].to_numpy()]).drop(columns="row")
    # The mark of the generator stands for its licence, too: nothing of the official set is in it.
    return Dataset(
        name=name,
        root=Path(root),
        kind=kind,  # type: ignore[arg-type]
        labels=tuple(labels),
        clips=clips,
        splits={key: tuple(all_ids[rows].tolist()) for key, rows in splits.items()},
        events=events,
        synthetic=synthetic,
        version=f"seeded generator, {fingerprint(root)[:12]}" if synthetic else facts.version,
        licence="generated by benchbed, free of rights" if synthetic else facts.licence,
        citation="" if synthetic else facts.citation,
        source="benchbed's synthetic generator" if synthetic else facts.source,
        notes=tuple(notes),
        official=official,
        overlaps=frozenset() if synthetic else frozenset(facts.overlaps.get(name, {})),
    )


def safe_paths(paths: pd.Series, where: Where) -> pd.Series:
    """Relative paths with forward slashes; one that is empty, absolute or climbs out of the root is an error.

    Examples
    --------
    >>> import pandas as pd
    >>> safe_paths(pd.Series(["./a\\\\b.wav"]), str).tolist()
    ['a/b.wav']
    >>> safe_paths(pd.Series(["a.wav", "../secret.wav"]), lambda row: f"meta.csv:{row + 2}")
    Traceback (most recent call last):
    ...
    benchbed.errors.DataError: path '../secret.wav' leaves the dataset's folder
      at: meta.csv:3
      try: paths must be relative to the dataset's folder and stay in it
    """
    clean = paths.reset_index(drop=True)
    joined = "\n" + "\n".join(clean) + "\n"
    # Plain searches of one long text clear the common case a hundred times faster than a pattern on every row.
    doubtful = ("\\", "..", ":", "~", "\0", "\n/", "\n./", "\n\n")
    if not any(mark in joined for mark in doubtful) and joined.count("\n") == len(clean) + 1:
        return clean
    clean = clean.str.replace("\\", "/", regex=False).str.replace(r"^(\./+)+", "", regex=True)
    bad = clean.str.contains(r"(?:^|/)\.\.(?:/|$)|^/|^[A-Za-z]:|^~|\x00|^$", regex=True).to_numpy()
    if bad.any():
        first = int(bad.argmax())
        text = paths.iloc[first]
        what = f"path '{text}' leaves the dataset's folder" if text else "the path is empty"
        raise DataError(what, where=where(first), hint="paths must be relative to the dataset's folder and stay in it")
    return clean


def positions(table: Table, column: str, index: pd.Index, owner: str) -> np.ndarray:
    """Positions in the table of clips of the paths that a split file lists, in its order.

    Raises
    ------
    DataError
        A path that the table of clips lacks, or one listed twice.
    """
    wanted = safe_paths(table.frame[column], table.where)
    found = index.get_indexer(wanted)
    if (found < 0).any():
        first = int((found < 0).argmax())
        raise DataError(
            f"'{wanted.iloc[first]}' of a split is not in {owner}",
            where=table.where(first),
            hint="the split file and the table of clips are of different versions; get both from the official source",
        )
    _unique(wanted, table.where)
    return found


def mark_folds(folds: Sequence[str]) -> dict[str, np.ndarray]:
    """Splits of a cross-validation: `foldK` and its complement `not_foldK`, folds in natural order, and `all`.

    Examples
    --------
    >>> {name: rows.tolist() for name, rows in mark_folds(["2", "10", "2"]).items()}
    {'all': [0, 1, 2], 'fold2': [0, 2], 'not_fold2': [1], 'fold10': [1], 'not_fold10': [0, 2]}
    """
    values = np.asarray([str(f) for f in folds], dtype=object)
    splits = {"all": np.arange(len(values))}
    for fold in sorted(set(values), key=natural):
        short = fold.removeprefix("fold").strip()
        splits[f"fold{short}"] = np.flatnonzero(values == fold)
        splits[f"not_fold{short}"] = np.flatnonzero(values != fold)
    return splits


def natural(text: str) -> tuple:
    """Sorting key that puts s2 before s10.

    Examples
    --------
    >>> sorted(["s10", "a", "s2"], key=natural)
    ['a', 's2', 's10']
    """
    import re

    return tuple((1, int(part), "") if part.isdigit() else (0, 0, part) for part in re.split(r"(\d+)", text) if part)


def option(value: str, known: Sequence[str], what: str) -> str:
    """Check an option against its known values."""
    if value not in known:
        near = did_you_mean(str(value), known)
        raise ConfigError(f"unknown {what} '{value}'", hint=near or f"known: {', '.join(known)}")
    return value


def _official(
    label: pd.Series, labels: tuple[str, ...], kind: str, aliases: Mapping[str, str], where: Where
) -> tuple[pd.Series, list[str]]:
    """Labels in their official spelling, and notes on what was replaced."""
    label = label.reset_index(drop=True)
    flat = label.explode().dropna() if kind != "scene" else label
    present = set(flat.unique())
    notes = []
    used = {a: b for a, b in aliases.items() if a in present and b in labels}
    if used:
        if kind != "scene":
            label = label.map(lambda tags: tuple(used.get(t, t) for t in tags))
        else:
            label = label.replace(used)
        notes = [f"label '{a}' was read as '{b}' ({int((flat == a).sum())} clips)" for a, b in used.items()]
    unknown = present - set(labels) - set(used)
    if unknown:
        rows = np.flatnonzero(flat.isin(unknown).to_numpy())
        row = int(flat.index[rows[0]])
        bad = str(flat.iloc[rows[0]])
        near = did_you_mean(bad, labels)
        known = ", ".join(labels[:12]) + (", …" if len(labels) > 12 else "")
        what = f"unknown label '{bad}'" if bad else "the label is empty"
        raise DataError(what, where=where(row), hint=near or f"labels of this dataset: {known}")
    return label, notes


def _unique(ids: pd.Series, where: Where) -> None:
    double = ids.duplicated(keep=False).to_numpy()
    if double.any():
        first = int(double.argmax())
        again = np.flatnonzero((ids == ids.iloc[first]).to_numpy())
        raise DataError(
            f"clip '{ids.iloc[first]}' occurs {len(again)} times",
            where=" and ".join(where(int(row)) for row in again[:2]),
            hint="keep one row per clip; several cuts of one file need an onset column",
        )
