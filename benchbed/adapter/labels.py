"""Class names for models whose file does not carry them."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from pathlib import Path

from benchbed.errors import AdapterError, ConfigError, DataError
from benchbed.tables.cells import read_text, split_cells
from benchbed.tables.tree import Node, read_tree

#: Columns that a table of classes is known to name its labels by, in this order of preference.
NAME_COLUMNS = ("label", "labels", "name", "class", "class_name", "display_name", "scene_label")
#: Columns that number the classes.
INDEX_COLUMNS = ("index", "id", "class_id", "number")
#: Keys under which YAML and JSON files, e.g. the configuration of a checkpoint, keep a list of labels.
WRAPPERS = ("id2label", "label2id", "labels", "names", "classes", "class_names")


def read_labels(source: str | Path | Sequence[str]) -> tuple[str, ...]:
    """Class names in the order of a model's scores.

    Parameters
    ----------
    source : str, Path or sequence of str
        A file (`.txt`: one name per line; `.csv`/`.tsv`: a column called label, name, class or display_name, or the
        only column; `.json`/`.yaml`: a list, or a mapping from index to name or from name to index, alone or under a
        usual key), a list of names separated by commas and quoted where they hold one, or the names themselves.

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
            names, where = _typed(text), "labels"
    else:
        names, where = [str(name) for name in source], "labels"
    if not names or any(not name for name in names):
        raise AdapterError("the list of labels is empty or has an empty name", where=where)
    doubled = sorted({name for name in names if names.count(name) > 1})
    if doubled:
        raise AdapterError(f"the list of labels has a name twice: {', '.join(doubled[:5])}", where=where)
    return tuple(names)


def _typed(text: str) -> list[str]:
    try:
        return [part.strip() for part in next(csv.reader([text], strict=True, skipinitialspace=True))]
    except csv.Error as error:
        raise ConfigError(f"the list of labels cannot be read: {error}", where="labels") from error


def _from_file(path: Path) -> list[str]:
    try:
        return _READERS[path.suffix.lower()](path)
    except DataError as error:
        raise AdapterError(f"the labels cannot be read: {error.what}", where=error.where, hint=error.hint) from error


def _lines(path: Path) -> list[str]:
    lines = [line.strip() for line in read_text(path).splitlines() if line.strip()]
    if lines and all(len(line) > 1 and line[0] == line[-1] == '"' for line in lines):
        lines = [line[1:-1].replace('""', '"') for line in lines]
    # Some programs write the number of each class before its name.
    counted = [re.fullmatch(rf"{number}[\s:,]\s*(\S.*)", line) for number, line in enumerate(lines)]
    return [found.group(1) for found in counted if found] if lines and all(counted) else lines


def _table(path: Path) -> list[str]:
    text = read_text(path)
    delimiter = "\t" if path.suffix.lower() == ".tsv" or "\t" in text.split("\n", 1)[0] else ","
    if delimiter == "," and ";" in text.split("\n", 1)[0] and "," not in text.split("\n", 1)[0]:
        delimiter = ";"
    cells = split_cells(text, delimiter, path)
    if cells.broken is not None:
        raise cells.broken
    rows, lines = cells.rows, cells.lines
    for row, line in zip(rows, lines):
        if len(row) != len(rows[0]):
            raise DataError(
                f"the row has {len(row)} fields and the first row {len(rows[0])}",
                where=f"{path}:{line}",
                hint="quote names that hold the delimiter",
            )
    if not rows:
        return []
    header = [cell.lower() for cell in rows[0]]
    column = next((name for name in NAME_COLUMNS if name in header), None)
    if column is not None:
        names = [row[header.index(column)] for row in rows[1:]]
        number = next((header.index(name) for name in INDEX_COLUMNS if name in header and name != column), None)
        return names if number is None else _ordered(names, [row[number] for row in rows[1:]], f"{path}:{lines[0]}")
    if len(header) == 1:
        return [row[0] for row in rows]
    if len(header) == 2 and [row[0] for row in rows] == [str(number) for number in range(len(rows))]:
        return [row[1] for row in rows]
    raise AdapterError(
        f"no column of the table is called one of {', '.join(NAME_COLUMNS)}",
        where=f"{path}:1",
        hint=f"its columns are {', '.join(rows[0])}; rename the one with the names",
    )


def _ordered(names: list[str], numbers: list[str], where: str) -> list[str]:
    """Names in the order of their numbers, which count from 0 or rise anyhow."""
    if not all(number.isdecimal() for number in numbers):
        return names
    counted = [int(number) for number in numbers]
    if sorted(counted) == list(range(len(counted))):
        return [name for _, name in sorted(zip(counted, names))]
    if counted != sorted(set(counted)):
        raise AdapterError("the numbers of the classes neither rise nor are 0, 1, 2, …", where=where)
    return names


def _tree(path: Path) -> list[str]:
    return _listed(read_tree(path))


def _listed(node: Node) -> list[str]:
    if isinstance(node.value, list):
        return [_name(part) for part in node.value]
    if isinstance(node.value, str):
        what = "the file holds neither a list of labels nor a mapping from index to name"
        raise AdapterError(what, where=node.where)
    inner = node.value
    wrapped = [key for key in WRAPPERS if key in inner and inner[key].text is None]
    if wrapped or (len(inner) == 1 and next(iter(inner.values())).text is None):
        inner_names = [_listed(inner[key]) for key in wrapped or inner]
        if any(names != inner_names[0] for names in inner_names):
            raise AdapterError(f"{' and '.join(wrapped)} are different labels", where=node.where)
        return inner_names[0]
    by_index: dict[int | None, str] = {}
    if all(_index(key) is not None for key in inner):
        by_index = {_index(key): _name(part) for key, part in inner.items()}
    elif all(part.text is not None for part in inner.values()):
        by_index = {_index(part.text): key for key, part in inner.items()}
    else:
        key, part = next((key, part) for key, part in inner.items() if part.text is None)
        raise _nested(f"'{key}' holds {part}", part)
    if set(by_index) != set(range(len(inner))):
        raise AdapterError("the mapping of labels does not number them 0, 1, 2, …", where=node.where)
    return [by_index[number] for number in range(len(inner))]


def _name(node: Node) -> str:
    """The name of one class: a text, or a mapping with one of the usual keys."""
    if isinstance(node.value, str):
        return node.value
    key = next((key for key in NAME_COLUMNS if key in node.value), None) if isinstance(node.value, dict) else None
    if key is None or node.value[key].text is None:  # type: ignore[call-overload]
        raise _nested(f"a label is a list or mapping ({node})", node)
    return str(node.value[key].text)  # type: ignore[call-overload]


def _nested(what: str, node: Node) -> AdapterError:
    return AdapterError(
        f"the labels are nested: {what}",
        where=node.where,
        hint="write one flat list of the model's classes, in the order of its scores",
    )


def _index(value: object) -> int | None:
    return int(str(value)) if str(value).isdecimal() else None


_READERS = {
    ".txt": _lines,
    ".names": _lines,
    ".csv": _table,
    ".tsv": _table,
    ".json": _tree,
    ".yaml": _tree,
    ".yml": _tree,
}
