"""Hashes of a dataset's files, remembered by size and time of change, and one hash for a set of clips.

The hash of the clips goes into every cache key and record: two results are on the same data if it is the same,
whatever the folder is called and whenever the files were copied.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from benchbed import audio
from benchbed.cache import recall, remember
from benchbed.data.dataset import Dataset
from benchbed.errors import AudioError, DataError

if TYPE_CHECKING:
    import pandas as pd


def digests(
    dataset: Dataset,
    clip_ids: Iterable[str] | None = None,
    cache_dir: Path | None = None,
    *,
    workers: int | None = None,
) -> dict[str, str]:
    """Content hashes of the files of some clips.

    A file whose size and time of change are those of the last call is not read again.

    Parameters
    ----------
    dataset : Dataset
    clip_ids : iterable of str, optional
        Clips whose files to hash; all if absent.
    cache_dir : Path, optional
        Where to remember; nothing is remembered if absent.
    workers : int, optional
        Threads; by default one per core, at most eight.

    Returns
    -------
    dict
        Path relative to the root → 32 hex characters, in the order of the clips.

    Raises
    ------
    AudioError
        A file is missing or cannot be read.
    """
    clips = dataset.clips
    if clip_ids is not None:
        clips = clips[clips["clip_id"].isin(set(clip_ids))]
    found, failed = hash_files(dataset.root, list(dict.fromkeys(clips["path"])), cache_dir, workers=workers)
    if failed:
        raise next(iter(failed.values()))
    return found


def hash_files(
    root: Path, paths: list[str], cache_dir: Path | None = None, *, workers: int | None = None
) -> tuple[dict[str, str], dict[str, AudioError]]:
    """Hash files, returning apart what could not be read.

    Returns
    -------
    found : dict
        Path → hash.
    failed : dict
        Path → the error.
    """
    store = _store(root, cache_dir)
    known = recall(store) if store is not None else {}
    hashes: dict[str, str] = {}
    failed: dict[str, AudioError] = {}
    fresh: dict[str, list] = {}

    def one(path: str) -> tuple[str, list | AudioError]:
        try:
            state = os.stat(root / path)
        except OSError:
            state = None
        if state is not None:
            entry = known.get(path)
            if entry is not None and entry[:-1] == _state(state):
                return path, entry
        try:
            value = audio.digest(root / path)
        except AudioError as error:
            return path, error
        assert state is not None
        return path, [*_state(state), value]

    count = workers or min(8, os.cpu_count() or 1)
    with ThreadPoolExecutor(count) as pool:
        # Files are small; handing them out one by one would cost more than hashing them.
        blocks = [paths[i : i + 256] for i in range(0, len(paths), 256)]
        for block in pool.map(lambda part: [one(path) for path in part], blocks):
            for path, result in block:
                if isinstance(result, AudioError):
                    failed[path] = result
                    continue
                hashes[path] = result[-1]
                if known.get(path) != result:
                    fresh[path] = result
    if store is not None and fresh:
        _remember(store, {**known, **fresh})
    return hashes, failed


def index_hash(clips: pd.DataFrame, digests: Mapping[str, str]) -> str:
    """One hash of what is measured: ids, stretches, labels, groups and contents of the clips, in any order.

    Parameters
    ----------
    clips : pandas.DataFrame
        Rows of `Dataset.clips`.
    digests : mapping of str to str
        Path → hash of its content.

    Returns
    -------
    str
        32 hex characters.

    Raises
    ------
    DataError
        A path has no hash.

    Examples
    --------
    >>> import pandas as pd
    >>> a = {"clip_id": "toy/a", "path": "a", "onset": 0.0, "duration": float("nan"), "label": "bus", "group": "a"}
    >>> b = {"clip_id": "toy/b", "path": "b", "onset": 0.0, "duration": 1.0, "label": "tram", "group": "b"}
    >>> known = {"a": "00", "b": "01"}
    >>> index_hash(pd.DataFrame([a, b]), known) == index_hash(pd.DataFrame([b, a]), known)
    True
    >>> index_hash(pd.DataFrame([a, b]), known) == index_hash(pd.DataFrame([a, b]), {"a": "00", "b": "02"})
    False
    """
    lines = []
    columns = [clips[c].tolist() for c in ("clip_id", "path", "onset", "duration", "label", "group")]
    for clip, path, onset, duration, label, group in zip(*columns):
        if path not in digests:
            raise DataError(f"no hash is known of '{path}'", where=clip)
        lines.append(json.dumps([clip, onset, duration, label, group, digests[path]], ensure_ascii=False))
    return hashlib.blake2b("\n".join(sorted(lines)).encode(), digest_size=16).hexdigest()


def _state(state: os.stat_result) -> list[int]:
    # Copying with times kept sets the time of the last change back; the change of the entry itself cannot be set.
    return [state.st_size, state.st_mtime_ns, state.st_ctime_ns]


def _store(root: Path, cache_dir: Path | None) -> Path | None:
    if cache_dir is None:
        return None
    place = hashlib.blake2b(str(Path(root).resolve()).encode(), digest_size=12).hexdigest()
    return Path(cache_dir) / "digests" / f"{place}.json"


def _remember(store: Path, content: Mapping[str, list]) -> None:
    try:
        remember(store, content)
    except OSError as error:
        raise DataError(
            f"hashes of the data cannot be remembered ({error.strerror or error})",
            where=str(store.parent),
            hint="free some space, or name another cache folder in BENCHBED_CACHE",
        ) from error
