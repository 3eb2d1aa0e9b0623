"""Embeddings of another program: an npz with `clips`, names of clips, and `embeddings` [clip, feature].

A clip is named by its id, or by any end of its path, with or without the ending of the file. Audio is not needed: sets
of features alone are scored so.
"""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np

from benchbed.errors import DataError, did_you_mean

#: What to write.
FORM = "numpy.savez(FILE, clips=names, embeddings=array of float32 [clip, feature])"


def read_embeddings(path: Path) -> dict[str, np.ndarray]:
    """Name → embedding.

    Raises
    ------
    DataError
        Another form, a name twice, or numbers that are not finite.
    """
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
    except (
        OSError,
        ValueError,
        KeyError,
        EOFError,
        TypeError,
        AttributeError,
        zipfile.BadZipFile,
        zlib.error,
    ) as error:
        raise DataError(f"the archive of embeddings cannot be read ({error})", where=str(path), hint=FORM) from error
    lacking = [name for name in ("clips", "embeddings") if name not in arrays]
    if lacking:
        raise DataError(f"the archive has no '{lacking[0]}'", where=str(path), hint=FORM)
    names, values = [str(one) for one in arrays["clips"].reshape(-1)], arrays["embeddings"]
    if values.ndim != 2 or values.dtype.kind not in "fiu" or len(values) != len(names):
        raise DataError(
            f"embeddings of {values.dtype} {list(values.shape)} for {len(names)} clips", where=str(path), hint=FORM
        )
    doubled = {name for name in names if names.count(name) > 1} if len(set(names)) < len(names) else set()
    if doubled:
        raise DataError(f"the clip '{sorted(doubled)[0]}' comes twice", where=str(path), hint="one embedding a clip")
    odd = ~np.isfinite(np.asarray(values, np.float64)).all(1)
    if odd.any():
        row = int(odd.argmax())
        raise DataError(f"the embedding of '{names[row]}' is not finite", where=f"{path}: row {row}")
    return dict(zip(names, np.asarray(values, np.float32)))


def ends_of(clip_id: str) -> list[str]:
    """What a clip may be called, the longest first.

    Examples
    --------
    >>> ends_of("esc50/audio/1-2-A.wav")
    ['esc50/audio/1-2-A.wav', 'esc50/audio/1-2-A', 'audio/1-2-A.wav', 'audio/1-2-A', '1-2-A.wav', '1-2-A']
    """
    parts = clip_id.split("/")
    found = []
    for first in range(len(parts)):
        whole = "/".join(parts[first:])
        found += [whole, str(Path(whole).with_suffix(""))] if Path(whole).suffix else [whole]
    return found


def of_clips(path: Path, told: Mapping[str, np.ndarray], clip_ids: Iterable[str]) -> np.ndarray:
    """Embeddings of clips `[clip, feature]`.

    Raises
    ------
    DataError
        A clip has none.
    """
    rows = []
    for clip_id in clip_ids:
        name = next((end for end in ends_of(clip_id) if end in told), None)
        if name is None:
            raise DataError(
                f"there is no embedding of {clip_id}",
                where=str(path),
                hint=did_you_mean(ends_of(clip_id)[-1], list(told)[:5000]) or "a name for every clip of the split",
            )
        rows.append(told[name])
    width = len(next(iter(told.values()))) if told else 0
    return np.stack(rows) if rows else np.zeros((0, width), np.float32)
