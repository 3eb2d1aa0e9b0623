"""Clips for machines that do not see them: packed once, unpacked once on each node.

A node's copy lies below its cache folder under a name that follows from the content of the table and the files' sizes,
is whole or absent, may be deleted at any time, and is shared by all workers and runs of the node.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from benchbed.cache import cache_folder
from benchbed.errors import DataError
from benchbed.predictions.store import storage_error
from benchbed.run.job.job import Job

#: Bytes of clips that are sent in one piece.
PIECE = 64 * 2**20
#: Files that are looked at to see whether a folder is the same one: the first, the last and some between.
LOOKED_AT = 16
#: A file of a node's copy that says that it is whole.
WHOLE = ".whole"

#: Name and content of some files.
Piece = list[tuple[str, bytes]]


def files_of(job: Job) -> list[str]:
    """Paths below the root of the clips that a job may read: those it scores, and those that corruptions draw from."""
    tables = (*job.clips.values(), *job.pools.values())
    return sorted({str(path) for table in tables for path in table["path"]})


def signature(root: Path, files: Sequence[str]) -> str:
    """What tells one folder of clips from another without reading it: names, sizes, and the content of some files.

    Examples
    --------
    >>> folder = Path(tempfile.mkdtemp())
    >>> _ = (folder / "a.wav").write_bytes(b"one")
    >>> signature(folder, ["a.wav"]) == signature(folder, ["a.wav"]), len(signature(folder, ["a.wav"]))
    (True, 32)
    """
    state = hashlib.blake2b(digest_size=16)
    for name in files:
        path = root / name
        state.update(f"{name}\0{path.stat().st_size if path.is_file() else -1}\n".encode())
    step = max(1, len(files) // LOOKED_AT)
    for name in files[::step]:
        path = root / name
        if path.is_file():
            state.update(path.read_bytes())
    return state.hexdigest()


def pieces(root: Path, files: Sequence[str]) -> Iterator[Piece]:
    """The files in pieces of about `PIECE` bytes; those that are missing fail where they are heard."""
    piece: Piece = []
    size = 0
    for name in files:
        path = root / name
        if not path.is_file():
            continue
        content = path.read_bytes()
        piece.append((name, content))
        size += len(content)
        if size >= PIECE:
            yield piece
            piece, size = [], 0
    if piece:
        yield piece


def place_of(name: str) -> Path:
    """Where a node keeps its copy of the clips of a signature."""
    return cache_folder() / "shipped" / name


def unpack(name: str, received: Iterable[Piece]) -> Path:
    """Write a node's copy, once for all its workers; the others wait for the first.

    Parameters
    ----------
    name : str
        The signature.
    received : iterable of Piece
        Taken only where the copy is not there yet.

    Raises
    ------
    DataError
        A name of a file leaves the folder.
    CannotMeasure
        The disk is full or cannot be written.
    """
    from filelock import FileLock

    place = place_of(name)
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(place.parent / f".{name}.lock"):
            if (place / WHOLE).is_file():
                return place
            shutil.rmtree(place, ignore_errors=True)
            scratch = Path(tempfile.mkdtemp(dir=place.parent, prefix=f".{name}."))
            count = 0
            for piece in received:
                for file, content in piece:
                    if Path(file).is_absolute() or ".." in Path(file).parts:
                        raise DataError("a path of a clip leaves the dataset's folder", where=file)
                    (scratch / file).parent.mkdir(parents=True, exist_ok=True)
                    (scratch / file).write_bytes(content)
                    count += 1
            (scratch / WHOLE).write_text(json.dumps({"files": count}), encoding="utf-8")
            os.replace(scratch, place)
    except OSError as error:
        raise storage_error(error, place) from error
    return place
