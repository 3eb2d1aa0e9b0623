"""Files that say which classes of a model mean which label of a dataset, e.g. `suites/maps/esc10_audioset.yaml`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from benchbed.errors import ConfigError, DataError, did_you_mean
from benchbed.tables.cells import read_text, split_cells
from benchbed.tables.tree import Node, read_tree


def read_label_map(path: str | Path, classes: Sequence[str] | None = None) -> dict[str, tuple[str, ...]]:
    """Dataset label → model classes, from a file.

    Parameters
    ----------
    path : str or Path
        YAML or JSON mapping a label to a class or a list of classes; or csv/tsv with one label and one class per row;
        its first row is a header unless it names one of the `classes`.
    classes : sequence of str, optional
        The model's classes; a class that is not among them is an error with its place.

    Raises
    ------
    ConfigError
        The file is missing, unreadable or no such map.
    """
    path = Path(path).expanduser()
    if not path.is_file():
        raise ConfigError("the label map cannot be read: there is no such file", where=str(path))
    try:
        tree = path.suffix.lower() in (".yaml", ".yml", ".json")
        pairs = _tree_map(read_tree(path)) if tree else _table_map(path, classes)
    except DataError as error:
        raise ConfigError(f"the label map cannot be read: {error.what}", where=error.where, hint=error.hint) from error
    for label, meant in pairs.items():
        unknown = [name for name in meant if classes is not None and name not in classes]
        if unknown:
            hint = did_you_mean(unknown[0], classes or ())
            raise ConfigError(
                f"'{label}' is mapped to '{unknown[0]}', which the model lacks", where=str(path), hint=hint
            )
    return pairs


def _tree_map(node: Node) -> dict[str, tuple[str, ...]]:
    if not isinstance(node.value, dict) or not node.value:
        raise ConfigError("the label map is not a mapping from label to classes", where=node.where)
    pairs = {}
    for label, meant in node.value.items():
        names = [meant] if isinstance(meant.value, str) else meant.value
        odd = [] if isinstance(names, dict) else [name for name in names if not name.text]
        if isinstance(names, dict) or not names or odd:
            raise ConfigError(
                f"'{label}' needs a class or a list of classes",
                where=odd[0].where if odd else meant.where,
                hint="nothing may be nested: write `label: [class, class]`",
            )
        pairs[label] = tuple(str(name.text) for name in names)
    return pairs


def _table_map(path: Path, classes: Sequence[str] | None) -> dict[str, tuple[str, ...]]:
    text = read_text(path)
    cells = split_cells(text, "\t" if "\t" in text.split("\n", 1)[0] else ",", path)
    if cells.broken is not None:
        raise cells.broken
    pairs: dict[str, tuple[str, ...]] = {}
    for number, (row, line) in enumerate(zip(cells.rows, cells.lines)):
        if number == 0 and not _is_pair(row, classes):
            continue
        if len(row) != 2 or not all(row):
            raise ConfigError(
                "a row of the label map needs a label and a class",
                where=f"{path}:{line}",
                hint="two cells; quote what holds the delimiter",
            )
        pairs[row[0]] = (*pairs.get(row[0], ()), row[1])
    if not pairs:
        raise ConfigError("the label map has no rows below its header", where=str(path))
    return pairs


def _is_pair(row: Sequence[str], classes: Sequence[str] | None) -> bool:
    """Whether a first row is data and no header: its class is one of the model's."""
    return classes is not None and len(row) == 2 and row[1] in classes and row[0].lower() not in ("label", "labels")
