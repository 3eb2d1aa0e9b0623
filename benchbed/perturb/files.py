"""Folders of the user's own noises and impulse responses: checked once, hashed for the protocol id, read when needed.

Whatever in the folder is not a usable recording is an error that lists every such file, because a noise that is
silently left out changes the benchmark. What can be used after a conversion (another rate, more channels) is
converted, and the conversion is counted.
"""

from __future__ import annotations

import fnmatch
import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from benchbed import audio
from benchbed.data.walk import files_below
from benchbed.errors import AudioError, ConfigError
from benchbed.perturb.bounded import ByteCache
from benchbed.perturb.level import is_silent

_DECODED = ByteCache(256 * 2**20)
#: How many unusable files an error message names.
_LISTED = 12


@dataclass(frozen=True)
class RecordingFolder:
    """The recordings of one folder, in the order of their names.

    Attributes
    ----------
    path : Path
    files : tuple of Path
    digest : str
        Hash over the relative names and contents of the files.
    rates, channels : tuple of int
        Of each file.
    """

    path: Path
    files: tuple[Path, ...]
    digest: str
    rates: tuple[int, ...]
    channels: tuple[int, ...]

    def load(self, index: int, sample_rate: int) -> np.ndarray:
        """One recording at `sample_rate`, `[channel, sample]`, read-only."""

        def decode() -> np.ndarray:
            waveform, rate = audio.read(self.files[index])
            return audio.resample(waveform, rate, sample_rate).copy()

        return _DECODED.get((self.digest, index, sample_rate), decode)

    def conversions(self, sample_rate: int, channels: int) -> dict[str, int]:
        """How many files have to be converted for clips of this rate and channel count."""
        counts: Counter[str] = Counter()
        for rate, own in zip(self.rates, self.channels):
            counts.update(conversion(rate, own, sample_rate, channels))
        return dict(counts)

    def facts(self) -> Mapping[str, Any]:
        """What the record keeps about the folder."""
        return {
            "folder": self.path.name,
            "digest": self.digest,
            "files": len(self.files),
            "sample_rates": {str(k): v for k, v in sorted(Counter(self.rates).items())},
            "channels": {str(k): v for k, v in sorted(Counter(self.channels).items())},
        }


def conversion(rate: int, own: int, sample_rate: int, channels: int) -> list[str]:
    """The conversions that a file needs, in words."""
    needed = []
    if rate != sample_rate:
        needed.append(f"resampled from {rate} Hz")
    if own not in (1, channels):
        needed.append(f"mixed down from {own} channels")
    return needed


def fit_channels(waveform: np.ndarray, channels: int) -> np.ndarray:
    """The recording with the clip's channel count: as it is, or one (mixed-down) channel repeated."""
    if len(waveform) == channels:
        return waveform
    mono = waveform if len(waveform) == 1 else waveform.mean(axis=0, keepdims=True, dtype=np.float32)
    return np.repeat(mono, channels, axis=0)


def folder_digest(path: str | Path, ignore: tuple[str, ...] = ()) -> str:
    """Hash of a folder's recordings for the protocol id.

    Raises
    ------
    ConfigError
        The folder or a file in it cannot be used.
    """
    return open_folder(path, ignore).digest


def open_folder(path: str | Path, ignore: tuple[str, ...] | list[str] = ()) -> RecordingFolder:
    """Check a folder of recordings and everything in it; the result is kept for the life of the process.

    Parameters
    ----------
    path : str or Path
        Read with all folders below it. Hidden files are passed over.
    ignore : tuple of str
        Patterns of names to leave out on purpose, e.g. `*.txt`.

    Raises
    ------
    ConfigError
        No such folder, nothing in it, or files that are no audio, empty, truncated or silent (all are listed).
    """
    return _scan(str(path), (ignore,) if isinstance(ignore, str) else tuple(ignore))


@lru_cache(maxsize=64)
def _scan(path: str, ignore: tuple[str, ...]) -> RecordingFolder:
    root = Path(path)
    if not root.is_dir():
        raise ConfigError(f"no folder {path}", hint="give the path of a folder of recordings")
    names = [n for n in files_below(root) if not any(part.startswith(".") for part in n.split("/"))]
    names = [n for n in names if not any(fnmatch.fnmatch(n, i) or fnmatch.fnmatch(Path(n).name, i) for i in ignore)]
    if not names:
        raise ConfigError(f"no recordings in {path}", hint="put wav, flac or ogg files there")
    total, rates, channels, unusable = hashlib.blake2b(digest_size=16), [], [], []
    for name in names:
        content = (root / name).read_bytes()
        total.update(name.encode() + b"\0" + hashlib.blake2b(content, digest_size=16).digest())
        try:
            waveform, rate = audio.read(root / name)
        except AudioError as error:
            unusable.append(f"{name}: {error.what}")
            continue
        if not np.isfinite(waveform).all():
            unusable.append(f"{name}: NaN or infinite samples")
        elif is_silent(waveform):
            unusable.append(f"{name}: silent")
        rates.append(rate)
        channels.append(len(waveform))
    if unusable:
        more = f"\n  … and {len(unusable) - _LISTED} more" if len(unusable) > _LISTED else ""
        raise ConfigError(
            f"{len(unusable)} of {len(names)} files in {path} cannot be used:\n  "
            + "\n  ".join(unusable[:_LISTED])
            + more,
            hint="remove them, or name them under the option 'ignore', e.g. ignore: ['*.txt']",
        )
    return RecordingFolder(root, tuple(root / n for n in names), total.hexdigest(), tuple(rates), tuple(channels))
