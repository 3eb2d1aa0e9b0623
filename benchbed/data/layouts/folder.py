"""Anybody's own data: a table (csv, tsv, parquet) with any column names, one folder per class, or names that tell.

Every column of the table, and every named part of a file name, is kept and can be used as a group or a slice.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from benchbed.data.assemble import Where, build, find_root, natural, option, safe_paths
from benchbed.data.dataset import Dataset
from benchbed.data.facts import Facts
from benchbed.data.walk import files_below, links_out
from benchbed.errors import ConfigError, DataError, did_you_mean
from benchbed.tables.numbers import numbers
from benchbed.tables.table import Table, read_table, split_names

if TYPE_CHECKING:
    import pandas as pd

#: Column names tried where none is given, in this order.
PATH_COLUMNS = ("path", "filename", "file_name", "file", "filepath", "file_path", "fname", "audio", "wav")
LABEL_COLUMNS = ("label", "labels", "scene_label", "category", "class", "tags", "target")
#: Suffixes that count as audio where files are found by walking the folder.
SUFFIXES = (".wav", ".flac", ".ogg", ".opus", ".mp3", ".aif", ".aiff", ".m4a", ".w64", ".caf", ".au")

FACTS = Facts(
    title="A dataset of your own",
    source="you",
    licence="",
    citation="",
    steps="a table with a column of paths and one of labels, or one folder per class",
)


def read(
    root: Path,
    *,
    name: str | None = None,
    csv: str | None = None,
    path: str | None = None,
    label: str | None = None,
    kind: Literal["scene", "tags"] = "scene",
    separator: str = ",",
    delimiter: str | None = None,
    group: str | None = None,
    split: str | None = None,
    fold: str | None = None,
    onset: str | None = None,
    duration: str | None = None,
    offset: str | None = None,
    labels: Sequence[str] | None = None,
    audio: str = "",
    suffix: str = "",
    pattern: str | None = None,
    licence: str = "",
    citation: str = "",
    source: str = "",
    version: str = "",
) -> Dataset:
    r"""Read a folder of audio.

    Splits: `all`; one per value of the split column; `foldK` and `not_foldK` per value of the fold column.

    Parameters
    ----------
    root : Path
        The folder; all paths are relative to it.
    name : str, optional
        Name on records; the folder's own name by default.
    csv : str, optional
        Table of clips, relative to the root (csv, tsv, parquet). Without one, all audio files below the root are
        clips, and the first folder of their path is the label.
    path, label : str, optional
        Columns of paths and labels; usual names are found by themselves.
    kind : {"scene", "tags"}
        One label per clip, or several, split at `separator`.
    group : str, optional
        Column that resampling draws as one, e.g. the speaker; each file by itself if absent.
    split, fold : str, optional
        Columns that name splits or folds.
    onset, duration, offset : str, optional
        Columns of start and length (or end) in seconds, for several clips in one file.
    labels : sequence of str, optional
        The classes, in order; all that occur, sorted, if absent.
    audio, suffix : str
        Put before and after every path of the table, e.g. `audio/` and `.wav`.
    pattern : str, optional
        Regular expression found in the paths; its named groups become columns, `(?P<label>…)` and so on included.
    licence, citation, source, version : str
        For the record.

    Raises
    ------
    DataError
        Files missing, a path that the pattern does not fit, an unknown label, a clip that occurs twice.
    ConfigError
        A column that does not exist, or an invalid pattern.

    Examples
    --------
    >>> import tempfile
    >>> root = Path(tempfile.mkdtemp())
    >>> for file in ("bus/1.wav", "tram/1.wav"):
    ...     (root / file).parent.mkdir()
    ...     _ = (root / file).write_bytes(b"")
    >>> dataset = read(root, name="mine")
    >>> dataset.labels, dataset.clips["clip_id"].tolist()
    (('bus', 'tram'), ['mine/bus/1.wav', 'mine/tram/1.wav'])
    """
    import pandas as pd

    option(kind, ("scene", "tags"), "kind")
    root = find_root(Path(root), name or Path(root).name or "folder", FACTS, (csv,) if csv else ())
    name = name or root.resolve().name
    if csv:
        table = read_table(root / csv, [c for c in (path, label) if c], delimiter=delimiter)
        frame = table.frame
        where: Where = table.where
        path = path or _guess(frame.columns, PATH_COLUMNS, table, "paths", "path")
        assert path is not None
        paths = safe_paths((audio + frame[path] + suffix) if audio or suffix else frame[path], where)
        metadata = {c: frame[c] for c in frame.columns if c != path}
    else:
        files = _walk(root)
        table, frame = None, pd.DataFrame(index=range(len(files)))
        paths, metadata = pd.Series(files, dtype=object), {}
        where = _file_of(root, files)
    if pattern:
        metadata |= _matches(pattern, paths, where)
    if label is None:
        label = next((c for c in LABEL_COLUMNS if c in metadata), None)
    if label is None and table is None:
        metadata["label"], label = _folders(paths, where), "label"
    if label is None:
        _guess(metadata, LABEL_COLUMNS, table, "labels", "label")
    assert label is not None
    for role, column in {
        "label": label,
        "group": group,
        "split": split,
        "fold": fold,
        "onset": onset,
        "duration": duration,
        "offset": offset,
    }.items():
        if column is not None and column not in metadata:
            near = did_you_mean(column, metadata) or f"columns: {', '.join(metadata)}"
            raise ConfigError(
                f"there is no column '{column}' for {role}", where=str(root / csv) if csv else None, hint=near
            )
    values = metadata[label]
    if kind == "tags":
        known = tuple(labels or ())
        split_up = table.several(label, separator, known) if table is not None and label in table.frame else None
        values = pd.Series(split_up or [split_names(text, separator, known) for text in values], dtype=object)
    times = {column: _seconds(metadata[column], column, where) for column in (onset, duration, offset) if column}
    start = times[onset] if onset else None
    length = times[duration] if duration else None
    if offset and length is None:
        length = times[offset] - (start if start is not None else 0.0)
    if length is not None and (length <= 0).any():
        row = int((length <= 0).argmax())
        raise DataError("the clip ends before it starts", where=where(row))
    used = {label, onset, duration, "group" if group == "group" else None}
    return build(
        name=name,
        root=root,
        kind=kind,
        labels=_classes(values, labels, kind),
        paths=paths,
        label=values,
        group=metadata[group] if group else paths,
        where=where,
        splits=_splits(len(paths), metadata, split, fold),
        facts=Facts(name, source, licence, citation, version),
        onset=start,
        duration=length,
        metadata={c: v for c, v in metadata.items() if c not in used},
        notes=links_out(root, paths),
    )


def _walk(root: Path) -> list[str]:
    """All audio files below the root, as relative paths in natural order; hidden files and folders are passed over."""
    found = [
        path
        for path in files_below(root)
        if path.lower().endswith(SUFFIXES) and not any(part.startswith(".") for part in path.split("/"))
    ]
    if not found:
        raise DataError("the folder has no audio files", where=str(root), hint=f"looked for {', '.join(SUFFIXES)}")
    return sorted(found, key=natural)


def _file_of(root: Path, files: list[str]) -> Where:
    return lambda row: str(root / files[row])


def _folders(paths: pd.Series, where: Where) -> pd.Series:
    loose = ~paths.str.contains("/", regex=False).to_numpy()
    if loose.any():
        raise DataError(
            "the file is in no class folder",
            where=where(int(loose.argmax())),
            hint="put files into one folder per class, or give a table (csv) or a pattern with (?P<label>…)",
        )
    return paths.str.partition("/")[0]


def _matches(pattern: str, paths: pd.Series, where: Where) -> dict[str, pd.Series]:
    import pandas as pd

    try:
        compiled = re.compile(pattern)
    except re.error as error:
        raise ConfigError(f"the pattern is not a regular expression ({error})", where=pattern) from error
    if not compiled.groupindex:
        raise ConfigError("the pattern has no named group", where=pattern, hint="write e.g. (?P<speaker>[a-z]+)")
    rows = [compiled.search(path) for path in paths]
    if None in rows:
        row = rows.index(None)
        raise DataError(f"the pattern does not fit '{paths.iloc[row]}'", where=where(row), hint=f"pattern: {pattern}")
    return {
        column: pd.Series([m.group(column) or "" for m in rows if m], dtype=object) for column in compiled.groupindex
    }


def _guess(have: object, usual: Sequence[str], table: Table | None, what: str, role: str) -> str:
    columns = list(have)  # type: ignore[call-overload]
    for column in usual:
        if column in columns:
            return column
    raise ConfigError(
        f"no column of {what} was named, and none has a usual name",
        where=str(table.path) if table else None,
        hint=f"set {role}: to one of {', '.join(columns)}",
    )


def _seconds(column: pd.Series, name: str, where: Where) -> np.ndarray:
    values = numbers(column.tolist(), name, where)
    if np.isnan(values).any():
        row = int(np.isnan(values).argmax())
        raise DataError(f"'{column.iloc[row]}' in column {name} is not a number of seconds", where=where(row))
    return values


def _classes(values: pd.Series, given: Sequence[str] | None, kind: str) -> tuple[str, ...]:
    if given is not None:
        if len(set(given)) < len(given):
            raise ConfigError("a label is given twice", hint=f"labels: {', '.join(given)}")
        return tuple(str(v) for v in given)
    flat = values.explode().dropna() if kind == "tags" else values
    # An empty label stays out of the classes and is found by the label check.
    return tuple(sorted(set(flat.unique()) - {""}))


def _splits(count: int, metadata: dict[str, pd.Series], split: str | None, fold: str | None) -> dict[str, np.ndarray]:
    from benchbed.data.assemble import mark_folds

    splits = {"all": np.arange(count)}
    if split:
        values = metadata[split].to_numpy()
        splits |= {str(v): np.flatnonzero(values == v) for v in sorted(set(values), key=natural) if v != ""}
    if fold:
        splits |= mark_folds(metadata[fold].tolist())
    return splits
