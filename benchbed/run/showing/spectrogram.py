"""A spectrogram as a small PNG: sixteen steps of 5 dB below the largest value that a full-scale tone can have."""

from __future__ import annotations

import itertools
import struct
import zlib

import numpy as np

WIDTH, HEIGHT = 200, 80
#: Depth in dB, and the level of the brightest step below a full-scale tone.
DEPTH, TOP = 80.0, -10.0
_WINDOW = 512
#: From black over violet and orange to pale yellow: lightness grows steadily, in grey as well as for colour-blind eyes.
_ANCHORS = ((0, 0, 4), (60, 15, 110), (140, 41, 129), (222, 73, 104), (254, 159, 109), (252, 253, 191))


def picture(waveform: np.ndarray, sample_rate: int) -> bytes:
    """Draw the magnitudes of a waveform over time, low frequencies at the bottom.

    Parameters
    ----------
    waveform : np.ndarray [shape=(sample,)]
        Full scale is 1.
    sample_rate : int
        In Hz; the picture goes up to half of it.

    Returns
    -------
    bytes
        A PNG of 200 × 80 pixels.

    Examples
    --------
    >>> picture(np.zeros(8000), 8000)[1:4]
    b'PNG'
    """
    return _png(steps(waveform))


def steps(waveform: np.ndarray) -> np.ndarray:
    """Steps 0…15 of the picture [shape=(HEIGHT, WIDTH)], row 0 at the top.

    Parameters
    ----------
    waveform : np.ndarray [shape=(sample,)]
        Full scale is 1.
    """
    short = max(0, _WINDOW - len(waveform))
    padded = np.pad(np.asarray(waveform, np.float64), (0, short))
    starts = np.linspace(0, len(padded) - _WINDOW, WIDTH).astype(int)
    window = np.hanning(_WINDOW)
    frames = np.stack([padded[start : start + _WINDOW] for start in starts]) * window
    # A full-scale sine reaches half the window's sum.
    magnitude = np.abs(np.fft.rfft(frames, axis=1)) / (window.sum() / 2)
    edges = np.linspace(0, magnitude.shape[1], HEIGHT + 1).astype(int)
    rows = np.stack([magnitude[:, low : max(high, low + 1)].max(axis=1) for low, high in itertools.pairwise(edges)])
    level = 20 * np.log10(np.maximum(rows, 1e-12)) - TOP
    return np.clip(np.round((level / DEPTH + 1) * 15), 0, 15).astype(np.uint8)[::-1]


def _png(levels: np.ndarray) -> bytes:
    packed = (levels[:, 0::2] << 4 | levels[:, 1::2]).astype(np.uint8)
    rows = b"".join(b"\0" + row.tobytes() for row in packed)
    position = np.linspace(0, len(_ANCHORS) - 1, 16)
    channels = [np.interp(position, range(len(_ANCHORS)), [anchor[i] for anchor in _ANCHORS]) for i in range(3)]
    palette = np.stack(channels, axis=1).round().astype(np.uint8).tobytes()
    head = struct.pack(">IIBBBBB", levels.shape[1], levels.shape[0], 4, 3, 0, 0, 0)
    parts = ((b"IHDR", head), (b"PLTE", palette), (b"IDAT", zlib.compress(rows, 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in parts
    )
