"""Digests of values and of files, and whether files that were read are still what they were."""

from __future__ import annotations

import functools
import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchbed.adapter.watch import WatchedFiles

if TYPE_CHECKING:
    pass

#: Bytes read at a time.
BLOCK = 1 << 20


def digest_of(value: Any) -> str:
    """32 hex characters for anything that JSON can hold."""
    text = json.dumps(value, sort_keys=True, default=str, separators=(",", ":"))
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def digest_file(path: Path) -> str:
    """blake2b of a file's content; a file that has not changed since is not read again in this process."""
    state = os.stat(path)
    return _digest_file(os.path.realpath(path), state.st_size, state.st_mtime_ns, state.st_ctime_ns)


@functools.lru_cache(maxsize=4096)
def _digest_file(path: str, size: int, changed: int, moved: int) -> str:
    digest = hashlib.blake2b(digest_size=16)
    with open(path, "rb") as file:
        while block := file.read(BLOCK):
            digest.update(block)
    return digest.hexdigest()


def digest_of_path(path: Path) -> str:
    """Digest of a file, or of everything below a folder; empty for what cannot be read."""
    try:
        if path.is_dir():
            inside = sorted(each for each in path.rglob("*") if each.is_file() and "__pycache__" not in each.parts)
            return digest_of({each.relative_to(path).as_posix(): digest_file(each) for each in inside})
        return digest_file(path) if path.is_file() else ""
    except OSError:
        return ""


def read_files(seen: WatchedFiles, base: Path) -> dict[str, str]:
    """Files that were read, relative to `base`, with their digests: what a later reuse has to find unchanged."""
    return {label(path, base): digest_of_path(path) for path in seen.paths()}


def unchanged(files: Mapping[str, str], base: Path) -> bool:
    """Whether files are still what `read_files` found."""
    return all(digest_of_path(base / name) == digest for name, digest in files.items())


def label(path: Path, base: Path) -> str:
    """A name that tells two files of one name apart, and stays the same where a project is moved as a whole."""
    try:
        return Path(os.path.relpath(os.path.realpath(path), os.path.realpath(base))).as_posix()
    except ValueError:  # another drive
        return path.as_posix()
