"""All files below a folder. Linked folders are folders: whoever makes a set of links to the classes of another set
means their files."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path


def files_below(root: Path) -> list[str]:
    """Files below a folder as relative paths with `/`, sorted; a link that leads back to a folder it lies in is left
    out, since walking it would never end.

    Examples
    --------
    >>> import tempfile
    >>> root = Path(tempfile.mkdtemp())
    >>> (root / "far").mkdir(), (root / "set").mkdir()
    (None, None)
    >>> _ = (root / "far" / "a.wav").write_bytes(b"")
    >>> (root / "set" / "dog").symlink_to(root / "far"), (root / "set" / "again").symlink_to(root / "set")
    (None, None)
    >>> files_below(root / "set")
    ['dog/a.wav']
    """
    found = []
    for folder, inner, files in os.walk(root, followlinks=True):
        inner[:] = [name for name in inner if not _circular(os.path.join(folder, name))]
        base = Path(folder).relative_to(root).as_posix()
        prefix = "" if base == "." else base + "/"
        found += [prefix + name for name in files]
    return sorted(found)


def links_out(root: Path, paths: Iterable[str]) -> list[str]:
    """Where paths below a folder leave it by a linked folder, one sentence each; for the notes of a dataset."""
    real = root.resolve()
    folders = {folder for path in paths for folder in Path(path).parents} - {Path(".")}
    found = []
    for folder in sorted(folders):
        if (root / folder).is_symlink():
            target = (root / folder).resolve()
            if not target.is_relative_to(real):
                found.append(f"the folder {folder} is a link to {target}")
    return found


def _circular(folder: str) -> bool:
    return os.path.islink(folder) and Path(folder).parent.resolve().is_relative_to(Path(folder).resolve())
