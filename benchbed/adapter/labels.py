"""Class names for models whose file does not carry them."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path

from benchbed.errors import AdapterError, ConfigError

#: Columns that a table of classes is known to name its labels by, in this order of preference.
NAME_COLUMNS = ("label", "labels", "name", "class", "class_name", "display_name", "scene_label")


def read_labels(source: str | Path | Sequence[str]) -> tuple[str, ...]:
    """Class names in the order of a model's scores.

    Parameters
    ----------
    source : str, Path or sequence of str
        A file (`.txt`: one name per line; `.csv`/`.tsv`: a column called label, name, class or display_name, or the
        only column; `.json`/`.yaml`: a list, or a mapping from index to name or from name to index), a list of names
        separated by commas, or the names themselves.

    Raises
    ------
    ConfigError
        Nothing given, or a file that is missing.
    AdapterError
        A file that holds no list of distinct names.

    Examples
    --------
    >>> read_labels("bus, tram")
    ('bus', 'tram')
    """
    if isinstance(source, str | Path):
        text = str(source).strip()
        if not text:
            raise ConfigError(
                "the model does not say what its classes are called",
                hint="name them in the order of its scores: labels=FILE (.txt, .csv, .yaml, .json) or labels=bus,tram",
            )
        path = Path(text)
        if path.suffix.lower() in _READERS:
            if not path.is_file():
                raise ConfigError("there is no file of labels", where=text, hint="check labels=, or list the names")
            names, where = _from_file(path), text
        else:
            names, where = [part.strip() for part in text.split(",")], "labels"
    else:
        names, where = [str(name) for name in source], "labels"
    if not names or any(not name for name in names):
        raise AdapterError("the list of labels is empty or has an empty name", where=where)
    doubled = sorted({name for name in names if names.count(name) > 1})
    if doubled:
        raise AdapterError(f"the list of labels has a name twice: {', '.join(doubled[:5])}", where=where)
    return tuple(names)


def _from_file(path: Path) -> list[str]:
    try:
        text = path.read_text(encoding="utf-8-sig")
        return _READERS[path.suffix.lower()](text, path)
    except (UnicodeDecodeError, ValueError, csv.Error) as error:
        raise AdapterError(f"the labels cannot be read: {error}", where=str(path)) from error


def _lines(text: str, path: Path) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def _table(text: str, path: Path) -> list[str]:
    delimiter = "\t" if path.suffix.lower() == ".tsv" or "\t" in text.split("\n", 1)[0] else ","
    rows = [row for row in csv.reader(text.splitlines(), delimiter=delimiter) if row]
    if not rows:
        return []
    header = [cell.strip().lower() for cell in rows[0]]
    for column in NAME_COLUMNS:
        if column in header:
            position = header.index(column)
            return [row[position].strip() for row in rows[1:]]
    if len(header) == 1:
        return [row[0].strip() for row in rows]
    raise AdapterError(
        f"no column of the table is called one of {', '.join(NAME_COLUMNS)}",
        where=f"{path}:1",
        hint=f"its columns are {', '.join(rows[0])}; rename the one with the names",
    )


def _json(text: str, path: Path) -> list[str]:
    return _listed(json.loads(text), path)


def _yaml(text: str, path: Path) -> list[str]:
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        # The base loader leaves every scalar a string: labels called `on`, `no` or `1` stay what was written.
        return _listed(YAML(typ="base").load(text), path)
    except YAMLError as error:
        raise AdapterError(f"the labels cannot be read: {' '.join(str(error).split())}", where=str(path)) from error


def _listed(value: object, path: Path) -> list[str]:
    if isinstance(value, dict):
        by_index = {_index(k): str(v) for k, v in value.items()}
        if None in by_index:
            by_index = {_index(v): str(k) for k, v in value.items()}
        if set(by_index) != set(range(len(value))):
            raise AdapterError("the mapping of labels does not number them 0, 1, 2, …", where=str(path))
        return [by_index[i] for i in range(len(value))]
    if isinstance(value, list):
        return [str(item) for item in value]
    raise AdapterError("the file holds neither a list of labels nor a mapping from index to name", where=str(path))


def _index(value: object) -> int | None:
    return int(str(value)) if str(value).isdigit() else None


_READERS = {
    ".txt": _lines,
    ".names": _lines,
    ".csv": _table,
    ".tsv": _table,
    ".json": _json,
    ".yaml": _yaml,
    ".yml": _yaml,
}
