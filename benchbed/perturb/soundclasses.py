"""The class of every sound of a folder, as the user states it: by the folder that it lies in, or by a table.

Nothing is guessed from names of files. A file without a stated class is an error, because a class that was made up
would stand in a record as what fooled a model.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchbed.errors import ConfigError
from benchbed.nesting import json_of
from benchbed.tables.table import read_table

#: What the columns of a table of classes may be called.
FILES, CLASSES = ("filename", "file", "path"), ("class", "category", "label")
_LISTED = 6
_HINT = (
    "one folder for each class, or the option `labels`: a csv with the columns filename and class, or a json object of "
    "file names and classes"
)


@dataclass(frozen=True)
class SoundClasses:
    """Who said what each sound is.

    Attributes
    ----------
    names : tuple of str
        Class of each file, in their order.
    facts : mapping
        For the record: where the classes are from, and the digest of what was stated.
    """

    names: tuple[str, ...]
    facts: Mapping[str, object]


def by_folder(root: Path, files: Sequence[Path]) -> SoundClasses:
    """The class of a file is the folder that it lies in.

    Raises
    ------
    ConfigError
        Files that lie in no folder of a class.

    Examples
    --------
    >>> by_folder(Path("s"), [Path("s/dog/1.wav"), Path("s/birds/crow/2.wav")]).names
    ('dog', 'crow')
    """
    loose = [path.name for path in files if path.parent == root]
    if loose:
        raise ConfigError(
            f"{len(loose)} of {len(files)} sounds in {root} have no class: {', '.join(loose[:_LISTED])}"
            f"{' …' if len(loose) > _LISTED else ''}",
            hint=_HINT,
        )
    return SoundClasses(tuple(path.parent.name for path in files), {"classes_from": "folders"})


def by_table(root: Path, files: Sequence[Path], table: Path) -> SoundClasses:
    """The class of a file is what a table says of it, by its path below the folder or by its name.

    Raises
    ------
    ConfigError
        A table that cannot be read or that says two things of a file, and files of which it says nothing.
    """
    stated = _stated(table)
    names: list[str] = []
    missing: list[str] = []
    for path in files:
        known = [stated[key] for key in (path.relative_to(root).as_posix(), path.name) if key in stated]
        names += known[:1]
        if not known:
            missing.append(path.relative_to(root).as_posix())
    if missing:
        raise ConfigError(
            f"{table.name} says no class of {len(missing)} of {len(files)} sounds: {', '.join(missing[:_LISTED])}"
            f"{' …' if len(missing) > _LISTED else ''}",
            where=str(table),
            hint="add them, or leave the files out by the option `ignore`",
        )
    told = json.dumps(names).encode()
    digest = hashlib.blake2b(told, digest_size=16).hexdigest()
    return SoundClasses(tuple(names), {"classes_from": table.name, "classes_digest": digest})


def _stated(table: Path) -> dict[str, str]:
    if not table.is_file():
        raise ConfigError(f"there is no table of classes {table}", hint=_HINT)
    if table.suffix.lower() == ".json":
        try:
            read = json_of(table.read_text(encoding="utf-8"))
        except (ValueError, OSError) as error:
            raise ConfigError(f"no json: {error}", where=str(table), hint=_HINT) from error
        if not isinstance(read, dict) or not all(isinstance(name, str) and name for name in read.values()):
            raise ConfigError("no json object of file names and classes", where=str(table), hint=_HINT)
        return dict(read)
    frame = read_table(table).frame
    files, classes = (next((n for n in names if n in frame), None) for names in (FILES, CLASSES))
    if files is None or classes is None:
        raise ConfigError(
            f"the columns are {', '.join(frame.columns)}: none for the {'file' if files is None else 'class'}",
            where=str(table),
            hint=f"one of {', '.join(FILES)} and one of {', '.join(CLASSES)}",
        )
    stated: dict[str, str] = {}
    for name, said in zip(frame[files], frame[classes]):
        if not said or stated.setdefault(name, said) != said:
            what = f"says no class of {name}" if not said else f"says that {name} is {stated[name]} and {said}"
            raise ConfigError(f"{table.name} {what}", where=str(table), hint="one class for each file")
    return stated
