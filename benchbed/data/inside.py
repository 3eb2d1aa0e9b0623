"""What is read for a dataset lies in its folder: no option of a suite and no link leads out of it.

A suite, a table or an unpacked archive may come from a stranger, and pages carry excerpts of what was heard. The folder
itself is the user's word and may lie, or lead, anywhere; and the user may say where else links may lead.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from benchbed.errors import ConfigError, DataError

#: Folders that links in a dataset may lead to, joined by the system's path separator.
ENVIRONMENT = "BENCHBED_LINKS"

#: Options that are no paths, whatever they look like.
_NO_PATHS = ("delimiter", "separator", "pattern")

#: Endings of files that layouts read beside audio.
_TABLES = (".csv", ".tsv", ".txt", ".json", ".jsonl", ".jams", ".yaml", ".yml", ".parquet")


def refuse_options_out(root: Path, options: Mapping[str, object]) -> None:
    """Refuse options of a layout that name something outside of the dataset's folder.

    Raises
    ------
    ConfigError
        With the option's name.

    Examples
    --------
    >>> refuse_options_out(Path("/data/esc50"), {"csv": "meta/esc50.csv"})
    >>> refuse_options_out(Path("/data/esc50"), {"csv": "../../etc/passwd"})
    Traceback (most recent call last):
    benchbed.errors.ConfigError: the option csv leaves the dataset's folder: ../../etc/passwd
      try: paths of a dataset are relative to its folder, and stay below it
    """
    for name, value in options.items():
        if name in _NO_PATHS:
            continue
        for text in _texts(value):
            if _leaves(root, text):
                raise ConfigError(
                    f"the option {name} leaves the dataset's folder: {text[:200]}",
                    hint="paths of a dataset are relative to its folder, and stay below it",
                )


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from _texts(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _texts(each)


def _leaves(root: Path, text: str) -> bool:
    """Whether a text is a path that leads out: by its steps, or by the links on its way."""
    if not text or len(text) > 4096 or "\0" in text or "\n" in text:
        return False
    steps = text.replace("\\", "/").split("/")
    if ".." in steps:
        return not _within(os.path.normpath(root / text), (os.path.normpath(root),))
    # `/` alone is a separator, and a text in no file system is no path.
    if Path(text).is_absolute():
        return len(text) > 1 and os.path.exists(text) and not _within(os.path.normpath(text), (os.path.normpath(root),))
    path = root / text
    try:
        return path.exists() and _leads_out(path, _allowed(root))
    except OSError:
        return False


def refuse_tables_out(root: Path) -> None:
    """Refuse tables of a dataset, in its folder and those right below it, that are links out of it.

    Raises
    ------
    DataError
        With the link and where it leads.
    """
    allowed = _allowed(root)
    for folder in (root, *(root / name for name in _folders(root))):
        for entry in _entries(folder):
            if entry.is_symlink() and entry.name.lower().endswith(_TABLES):
                _refuse(Path(entry.path), allowed)


def refuse_links_out(root: Path, paths: Iterable[str]) -> None:
    """Refuse clips whose files lie elsewhere, by a link of theirs or of a folder on the way.

    Every folder is looked through once, which costs no call for each file.

    Parameters
    ----------
    root : Path
        The dataset's folder.
    paths : iterable of str
        Relative to it.

    Raises
    ------
    DataError
        With the link and where it leads.
    """
    allowed, wanted = _allowed(root), set(paths)
    # A set has a thousand clips for each folder: texts are compared before any path is made of them.
    lowest = {path.rstrip("/").rpartition("/")[0] for path in wanted}
    folders = {folder for low in map(Path, lowest) for folder in (low, *low.parents)}
    for folder in sorted(folders):
        if (root / folder).is_symlink() and folder != Path("."):
            _refuse(root / folder, allowed)
        for entry in _entries(root / folder):
            if entry.is_symlink() and (folder / entry.name).as_posix() in wanted:
                _refuse(Path(entry.path), allowed)


def _refuse(link: Path, allowed: tuple[str, ...]) -> None:
    if _leads_out(link, allowed):
        target = os.path.realpath(link)
        raise DataError(
            f"a link leads out of the dataset's folder, to {target}",
            where=str(link),
            hint=f"where that is meant: {ENVIRONMENT}={Path(target).parent} allows links to that folder",
        )


def _leads_out(path: Path, allowed: tuple[str, ...]) -> bool:
    return not _within(os.path.realpath(path), allowed)


def _allowed(root: Path) -> tuple[str, ...]:
    given = os.environ.get(ENVIRONMENT, "").split(os.pathsep)
    return tuple(os.path.realpath(place) for place in (str(root), *filter(str.strip, given)))


def _within(path: str, folders: tuple[str, ...]) -> bool:
    return any(path == folder or path.startswith(folder.rstrip(os.sep) + os.sep) for folder in folders)


def _entries(folder: Path) -> Iterator[os.DirEntry[str]]:
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        yield from entries


def _folders(root: Path) -> list[str]:
    return [entry.name for entry in _entries(root) if entry.is_dir(follow_symlinks=False)]
