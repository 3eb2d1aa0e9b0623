"""Files that say which classes of a model mean which label of a dataset, e.g. `suites/maps/esc10_audioset.yaml`."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchbed.errors import ConfigError, did_you_mean


def read_label_map(path: str | Path, classes: Sequence[str] | None = None) -> dict[str, tuple[str, ...]]:
    """Dataset label → model classes, from a file.

    Parameters
    ----------
    path : str or Path
        YAML or JSON mapping a label to a class or a list of classes; or csv/tsv with a header and one label and one
        class per row.
    classes : sequence of str, optional
        The model's classes; a class that is not among them is an error with its place.

    Raises
    ------
    ConfigError
        The file is missing, unreadable or no such map.
    """
    path = Path(path).expanduser()
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"the label map cannot be read: {error}", where=str(path)) from error
    pairs = _yaml_map(text, path) if path.suffix.lower() in (".yaml", ".yml", ".json") else _table_map(text, path)
    for label, meant in pairs.items():
        unknown = [name for name in meant if classes is not None and name not in classes]
        if unknown:
            hint = did_you_mean(unknown[0], classes or ())
            raise ConfigError(
                f"'{label}' is mapped to '{unknown[0]}', which the model lacks", where=str(path), hint=hint
            )
    return pairs


def _yaml_map(text: str, path: Path) -> dict[str, tuple[str, ...]]:
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        # The base loader leaves every scalar a string: labels called `on`, `no` or `1` stay what was written.
        content = YAML(typ="base").load(text)
    except YAMLError as error:
        raise ConfigError(f"the label map cannot be read: {' '.join(str(error).split())}", where=str(path)) from error
    if not isinstance(content, Mapping) or not content:
        raise ConfigError("the label map is not a mapping from label to classes", where=str(path))
    pairs = {}
    for label, meant in content.items():
        names = [meant] if isinstance(meant, str) else meant
        if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
            raise ConfigError(f"'{label}' needs a class or a list of classes", where=str(path))
        pairs[str(label)] = tuple(names)
    return pairs


def _table_map(text: str, path: Path) -> dict[str, tuple[str, ...]]:
    delimiter = "\t" if "\t" in text.split("\n", 1)[0] else ","
    pairs: dict[str, tuple[str, ...]] = {}
    rows = list(csv.reader(text.splitlines(), delimiter=delimiter))
    for number, row in enumerate(rows[1:], start=2):
        if not row:
            continue
        if len(row) < 2 or not row[0].strip() or not row[1].strip():
            raise ConfigError("a row of the label map needs a label and a class", where=f"{path}:{number}")
        label = row[0].strip()
        pairs[label] = (*pairs.get(label, ()), row[1].strip())
    if not pairs:
        raise ConfigError("the label map has no rows below its header", where=str(path))
    return pairs
