"""What a perturbation from another library did, measured on the audio: its parameters are only what was asked for.

A measure tells a number in the unit of the parameter it stands for, where there is such a parameter, so that a
transform that does not do what its number says is found out. Filters and rooms are measured on an impulse that takes
the way of the clip, everything else on the clip itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Passage:
    """A clip before and after, and the way it took.

    Attributes
    ----------
    clean, out : np.ndarray [shape=(channel, sample), float32]
    sample_rate : int
    respond : callable
        Sends another signal `[1, sample]` the same way, with the same draw.
    response : callable
        The room's impulse response `[sample]`, where the way is one.
    """

    clean: np.ndarray
    out: np.ndarray
    sample_rate: int
    respond: Callable[[np.ndarray], np.ndarray]
    response: Callable[[], np.ndarray] | None = None


@dataclass(frozen=True)
class Measure:
    """How a severity is measured.

    Attributes
    ----------
    unit : str
        Of the number.
    take : callable
        The number, or None where this clip does not tell.
    asked : str, optional
        The argument (without `min_` and `max_`) that asks for this number.
    slack : float
        By how much the number may miss what was asked for, as a share of it.
    floor : float
        By how much it may miss it in its unit at least.
    on_impulse : bool
        It is measured on an impulse, so all clips that take one way share it.
    """

    unit: str
    take: Callable[[Passage], float | None]
    asked: str | None = None
    slack: float = 0.0
    floor: float = 0.0
    on_impulse: bool = False

    def missed(self, parameter: Mapping[str, Any], number: float | None) -> str | None:
        """What was asked for and what came out, where they differ by more than the slack."""
        if self.asked is None or number is None:
            return None
        low, high = (parameter.get(f"{end}_{self.asked}") for end in ("min", "max"))
        if low is None or low != high:
            return None
        if abs(number - low) <= max(self.floor, self.slack * abs(low)):
            return None
        return f"{low:g} {self.unit} was asked for and {number:.3g} came out"


def snr(passage: Passage) -> float | None:
    """Power of the clip over power of what was added, over the whole clip, as these transforms define it; in dB."""
    added = passage.out.astype(np.float64) - passage.clean
    noise, signal = float((added**2).mean()), float((passage.clean.astype(np.float64) ** 2).mean())
    return 10 * float(np.log10(signal / noise)) if noise > 0 and signal > 0 else None


def gain(passage: Passage) -> float | None:
    """Change of the power of the whole clip in dB.

    Examples
    --------
    >>> clip = np.ones((1, 100), np.float32)
    >>> round(gain(Passage(clip, 0.5 * clip, 8000, lambda x: x)), 2)
    -6.02
    """
    before, after = (float((x.astype(np.float64) ** 2).mean()) for x in (passage.clean, passage.out))
    return 10 * float(np.log10(after / before)) if before > 0 and after > 0 else None


def distortion(passage: Passage) -> float | None:
    """Power of the clip at its best gain over power of the rest of the output, in dB."""
    clean, out = passage.clean.astype(np.float64).ravel(), passage.out.astype(np.float64).ravel()
    energy = float(clean @ clean)
    if not energy:
        return None
    kept = float(clean @ out) / energy * clean
    rest = float(((out - kept) ** 2).sum())
    return 10 * float(np.log10((kept @ kept) / rest)) if rest > 0 and kept.any() else None


def peak_gain(passage: Passage) -> float | None:
    """Change of the peak in dB."""
    before, after = float(np.abs(passage.clean).max()), float(np.abs(passage.out).max())
    return 20 * float(np.log10(after / before)) if before > 0 and after > 0 else None


def changed(passage: Passage) -> float | None:
    """Share of samples that are not what they were, in per cent."""
    return 100 * float((passage.out != passage.clean).mean())


def silenced(passage: Passage) -> float | None:
    """Share of samples that are quieter than they were, in per cent."""
    return 100 * float((np.abs(passage.out) < np.abs(passage.clean)).mean())


def bits(passage: Passage) -> float | None:
    """Bits of a uniform quantiser over −1…1 with the smallest step between two values of the output."""
    steps = np.diff(np.unique(passage.out.astype(np.float64)))
    # Rounding of float32 leaves values that are meant to be one.
    steps = steps[steps > 1e-6]
    return float(np.log2(2 / steps.min())) if len(steps) else None


def shift(passage: Passage) -> float | None:
    """By what share of its length the clip went round, from the circular correlation; −0.5 to 0.5."""
    clean, out = passage.clean[0].astype(np.float64), passage.out[0].astype(np.float64)
    size = len(clean)
    correlation = np.fft.irfft(np.fft.rfft(out) * np.conj(np.fft.rfft(clean)), size)
    late = int(np.argmax(correlation))
    return (late if 2 * late <= size else late - size) / size


def spectrum(passage: Passage, seconds: float = 2.0) -> tuple[np.ndarray, np.ndarray]:
    """Frequencies in Hz, and what the way does to them in dB."""
    size = round(seconds * passage.sample_rate)
    impulse = np.zeros((1, size), np.float32)
    impulse[0, size // 2] = 0.5
    heard = np.abs(np.fft.rfft(passage.respond(impulse)[0].astype(np.float64))) / 0.5
    return np.fft.rfftfreq(size, 1 / passage.sample_rate), 20 * np.log10(np.maximum(heard, 1e-9))


def upper_edge(passage: Passage) -> float | None:
    """Frequency in Hz above which a low-pass is 3 dB and more below its pass band."""
    hertz, level = spectrum(passage)
    return _edge(hertz, level)


def lower_edge(passage: Passage) -> float | None:
    """Frequency in Hz below which a high-pass is 3 dB and more below its pass band."""
    hertz, level = spectrum(passage)
    edge = _edge(-hertz[::-1], level[::-1])
    return None if edge is None else -edge


def _edge(hertz: np.ndarray, level: np.ndarray) -> float | None:
    """Where the level, followed from the start of its pass band, falls 3 dB below it."""
    top = float(np.median(level[: max(3, len(level) // 200)]))
    below = np.flatnonzero(level < top - 3.0103)
    if not len(below) or below[0] == 0:
        return None
    at = int(below[0])
    share = (level[at - 1] - (top - 3.0103)) / (level[at - 1] - level[at])
    return float(hertz[at - 1] + share * (hertz[at] - hertz[at - 1]))


def band(passage: Passage) -> float | None:
    """Width in Hz of the band within 3 dB of the loudest."""
    hertz, level = spectrum(passage)
    return float((level >= level.max() - 3.0103).sum() * (hertz[1] - hertz[0]))


def notch(passage: Passage) -> float | None:
    """Width in Hz of what lies 3 dB and more below the rest."""
    hertz, level = spectrum(passage)
    return float((level < np.percentile(level, 90) - 3.0103).sum() * (hertz[1] - hertz[0]))


def largest_gain(passage: Passage) -> float | None:
    """Gain of the frequency that changes most, in dB."""
    _, level = spectrum(passage)
    inner = level[1:-1]
    return float(inner[np.argmax(np.abs(inner))])


def loss_at_3_khz(passage: Passage) -> float | None:
    """Loss in dB at 3 kHz, which every sample rate from 8 kHz on has."""
    hertz, level = spectrum(passage)
    near = np.abs(hertz - 3000) < 100
    return -float(level[near].mean()) if near.any() else None


def reverberation(passage: Passage) -> float | None:
    """RT60 in s of the room's response."""
    return None if passage.response is None else rt60(passage.response(), passage.sample_rate)


def rt60(response: np.ndarray, sample_rate: int) -> float | None:
    """Reverberation time from the decay between −5 and −25 dB, backward integrated (ISO 3382-1, T20).

    Parameters
    ----------
    response : np.ndarray [shape=(sample,)]
    sample_rate : int

    Returns
    -------
    float or None
        Seconds for 60 dB; None where the decay does not reach −25 dB.

    Examples
    --------
    >>> time = np.arange(16000) / 16000
    >>> round(rt60(10 ** (-3 * time / 0.4), 16000), 3)
    0.4
    """
    response = response[int(np.argmax(np.abs(response))) :].astype(np.float64)
    left = np.cumsum((response**2)[::-1])[::-1]
    if not len(left) or left[0] <= 0:
        return None
    decay = 10 * np.log10(np.maximum(left / left[0], 1e-30))
    start, stop = (int(np.argmax(decay <= level)) for level in (-5.0, -25.0))
    if stop - start < 2:
        return None
    slope = float(np.polyfit(np.arange(start, stop + 1) / sample_rate, decay[start : stop + 1], 1)[0])
    return -60 / slope if slope < 0 else None
