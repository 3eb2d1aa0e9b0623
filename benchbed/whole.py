"""Files that are written whole or not at all, and are still there after the power has gone.

A rename alone is no promise: a file system may carry it out before the bytes are on disk, and leave an empty file under
the right name. So the bytes are flushed first, and the folder after the rename.
"""

from __future__ import annotations

import contextlib
import errno
import os
from pathlib import Path

from benchbed.errors import CannotMeasure

#: What the machine refuses, whoever asked: no fault of a program.
REFUSED = frozenset(
    getattr(errno, name)
    for name in (
        *("ENOSPC", "EDQUOT", "EROFS", "EACCES", "EPERM", "EMFILE", "ENFILE", "ENOMEM", "EIO", "ESTALE", "EFBIG"),
        *("ENAMETOOLONG", "ELOOP", "ENOTDIR", "EISDIR", "EXDEV", "EBUSY", "ENODEV", "ENXIO", "ETXTBSY"),
    )
    if hasattr(errno, name)
)


def write_whole(path: Path, data: bytes) -> None:
    """Write a file whole or not at all, and flush it and its folder.

    Parameters
    ----------
    path : Path
        Its folder is there. What is written stands beside it under a hidden name ending in `.part` first, so that it
        never crosses file systems.
    data : bytes

    Raises
    ------
    OSError
        It cannot be written; an earlier file stays as it was.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "a.json"
    >>> write_whole(path, b"{}")
    >>> path.read_bytes(), [each.name for each in path.parent.iterdir()]
    (b'{}', ['a.json'])
    """
    partial = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with open(partial, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)
    except BaseException:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)
        raise
    flush_folder(path.parent)


def flush_folder(folder: Path) -> None:
    """Have the names in a folder on disk; where a system has no such thing, it does nothing."""
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:  # Windows opens no folders
        return
    try:
        with contextlib.suppress(OSError):  # nor does every file system flush them
            os.fsync(handle)
    finally:
        os.close(handle)


def storage_error(error: OSError, folder: Path) -> CannotMeasure:
    """The error a user can act on when results cannot be written.

    Examples
    --------
    >>> print(storage_error(OSError(errno.ENOSPC, "No space left on device"), Path("runs")))
    the disk is full; finished work is kept
      at: runs
      try: free some space and run the same command again: it continues where it stopped
    """
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return CannotMeasure(
            "the disk is full; finished work is kept",
            where=str(folder),
            hint="free some space and run the same command again: it continues where it stopped",
        )
    if error.errno in (errno.EMFILE, errno.ENFILE):
        return CannotMeasure(
            "too many files are open; finished work is kept",
            where=str(folder),
            hint="allow more (`ulimit -n 4096`) and run the same command again: it continues where it stopped",
        )
    return CannotMeasure(
        f"cannot write results: {error.strerror or error}", where=str(folder), hint="choose another folder with --out"
    )


def refused(error: OSError) -> CannotMeasure | None:
    """What a person is told of something that the machine refused; None where it is no such error."""
    if error.errno not in REFUSED:
        return None
    place = error.filename if error.filename is not None else ""
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EMFILE, errno.ENFILE):
        return storage_error(error, Path(os.fsdecode(place) or "."))
    return CannotMeasure(
        f"the machine refused: {error.strerror}",
        where=os.fsdecode(place) or None,
        hint="permissions, or a folder that cannot be written; choose another place",
    )
