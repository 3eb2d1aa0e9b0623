"""Level: what counts as active, silent, and how strong a signal is; quantisers and dynamics that work on level.

**Active level.** The clip is cut into frames of 20 ms; a frame is active if its power is within 30 dB of the loudest
frame of its channel, and the active level is the mean power of the active frames. Pauses and padding therefore do not
lower the level that a noise is set against, while a stationary clip has exactly its RMS level.
"""

from __future__ import annotations

import numpy as np

from benchbed.audio import LOUD, beyond

#: Length of a level frame in seconds.
FRAME_SECONDS = 0.02
#: A frame counts as active within this many dB of the loudest one.
ACTIVE_RANGE_DB = 30.0
#: A clip whose loudest frame lies below this RMS (one 16-bit step) is silent.
SILENT_RMS = 2.0**-15


def frame_power(waveform: np.ndarray, sample_rate: int) -> tuple[np.ndarray, np.ndarray]:
    """Mean power of every 20-ms frame, and the number of samples in each (the last frame may be shorter).

    Returns
    -------
    tuple of np.ndarray [shape=(channel, frame)] and np.ndarray [shape=(frame,)]
    """
    frame = max(1, round(FRAME_SECONDS * sample_rate))
    channels, samples = waveform.shape
    full = samples // frame
    body = waveform[:, : full * frame].reshape(channels, full, frame)
    power = np.einsum("cfs,cfs->cf", body, body) / frame
    sizes = np.full(full, frame)
    if full * frame < samples:
        rest = waveform[:, full * frame :]
        power = np.concatenate([power, np.einsum("cs,cs->c", rest, rest)[:, None] / rest.shape[1]], axis=1)
        sizes = np.append(sizes, rest.shape[1])
    return power.astype(np.float64), sizes


def active_power(waveform: np.ndarray, sample_rate: int) -> np.ndarray:
    """Mean power of the active frames of each channel.

    Parameters
    ----------
    waveform : np.ndarray [shape=(channel, sample)]
    sample_rate : int

    Returns
    -------
    np.ndarray [shape=(channel,), float64]

    Examples
    --------
    >>> tone = np.sin(np.arange(8000) * 0.5, dtype=np.float32)[None]
    >>> padded = np.concatenate([tone, np.zeros_like(tone)], axis=1)
    >>> bool(np.isclose(active_power(padded, 8000), 0.5, rtol=0.01)[0])
    True
    """
    power, sizes = frame_power(waveform, sample_rate)
    active = power >= power.max(axis=1, keepdims=True) * 10 ** (-ACTIVE_RANGE_DB / 10)
    weight = active * sizes
    return (power * weight).sum(axis=1) / weight.sum(axis=1)


def active_level(waveform: np.ndarray, sample_rate: int) -> np.ndarray:
    """Active level of each channel in dB relative to full scale (RMS 1), −inf where silent."""
    with np.errstate(divide="ignore"):
        return 10 * np.log10(active_power(waveform, sample_rate))


def is_silent(waveform: np.ndarray) -> bool:
    """True if no sample reaches one 16-bit step.

    Examples
    --------
    >>> is_silent(np.full((1, 10), 1e-5, np.float32)), is_silent(np.full((1, 10), 1e-3, np.float32))
    (True, False)
    """
    return waveform.size == 0 or max(float(waveform.max()), -float(waveform.min())) < SILENT_RMS


def whole_power(waveform: np.ndarray) -> np.ndarray:
    """Mean power of each channel over the whole clip, pauses and padding included.

    Returns
    -------
    np.ndarray [shape=(channel,), float64]

    Examples
    --------
    >>> whole_power(np.array([[1.0, -1.0, 0.0, 0.0]], np.float32)).tolist()
    [0.5]
    """
    return np.einsum("cs,cs->c", waveform, waveform, dtype=np.float64) / max(waveform.shape[1], 1)


def too_loud(waveform: np.ndarray) -> str | None:
    """Why audio may not be given to a native coder: it goes far beyond full scale, or is not finite.

    Examples
    --------
    >>> too_loud(np.array([[0.5, -1.5]])) is None
    True
    >>> too_loud(np.array([[0.5, -12000.0]]))
    'peaks at 12,000 (82 dB beyond full scale)'
    """
    peak = float(np.abs(waveform).max(initial=0.0))
    if not np.isfinite(peak):
        return "has samples that are not finite"
    return f"peaks at {beyond(peak)}" if peak > LOUD else None


def measured_snr(clean: np.ndarray, noisy: np.ndarray, sample_rate: int) -> np.ndarray:
    """SNR of each channel in dB: active level of the clip over active level of what was added.

    Examples
    --------
    >>> clip = np.ones((1, 800), np.float32)
    >>> float(measured_snr(clip, clip * 1.1, 8000)[0].round(3))
    20.0
    """
    added = noisy.astype(np.float64) - clean
    with np.errstate(divide="ignore", invalid="ignore"):
        return 10 * np.log10(active_power(clean, sample_rate) / active_power(added, sample_rate))


def to_int16(waveform: np.ndarray) -> np.ndarray:
    """Round to 16 bits as a wav file would, with saturation.

    Examples
    --------
    >>> to_int16(np.array([[0.5, 2.0, -2.0]])).tolist()
    [[16384, 32767, -32768]]
    """
    out = waveform * np.float32(32768.0)
    np.rint(out, out=out)
    np.clip(out, -32768, 32767, out=out)
    return out.astype(np.int16)


def quantise(waveform: np.ndarray, bits: int) -> np.ndarray:
    """Mid-tread uniform quantiser over −1…1 with saturation.

    Examples
    --------
    >>> quantise(np.array([[0.3, -0.9, 1.0]], np.float32), 2).tolist()
    [[0.5, -1.0, 0.5]]
    """
    steps = np.float32(2 ** (bits - 1))
    out = waveform * steps
    np.rint(out, out=out)
    np.clip(out, -steps, steps - 1, out=out)
    out *= 1 / steps  # a power of two, so that this is the quotient
    return out


def block_level(waveform: np.ndarray, hop: int) -> np.ndarray:
    """Level in dB of each block of `hop` samples, all channels together (so that their balance is kept).

    Returns
    -------
    np.ndarray [shape=(block,)]
    """
    channels, samples = waveform.shape
    blocks = -(-samples // hop)
    padded = np.zeros((channels, blocks * hop), dtype=np.float32)
    padded[:, :samples] = waveform
    grid = padded.reshape(channels, blocks, hop)
    power = np.einsum("cbs,cbs->b", grid, grid) / (hop * channels)
    return 10 * np.log10(power + 1e-12)


def smoothed(level: np.ndarray, attack: float, release: float) -> np.ndarray:
    """Level follower with separate attack and release, both in blocks."""
    rise, fall = 1 - np.exp(-1 / attack), 1 - np.exp(-1 / release)
    out, now = [], float(level[0])
    for value in level.tolist():
        now += (rise if value > now else fall) * (value - now)
        out.append(now)
    return np.array(out)


def gain_curve(gain: np.ndarray, hop: int, samples: int) -> np.ndarray:
    """Linear factors per block, joined by straight lines over the samples.

    Returns
    -------
    np.ndarray [shape=(sample,), float32]
    """
    gain = gain.astype(np.float32)
    ends = np.append(gain[1:], gain[-1])
    ramp = np.arange(hop, dtype=np.float32) / np.float32(hop)
    return (gain[:, None] + (ends - gain)[:, None] * ramp).reshape(-1)[:samples]


#: Block length, attack and release of the compressor, in seconds.
COMPRESSOR_BLOCK, COMPRESSOR_ATTACK, COMPRESSOR_RELEASE = 0.005, 0.005, 0.1
#: The compressor works from this many dB below the clip's active level.
COMPRESSOR_THRESHOLD_DB = -20.0


def compressor_state(waveform: np.ndarray, sample_rate: int) -> tuple[np.ndarray, float, int]:
    """Smoothed level in dB per block, threshold in dB, and block length in samples: all but the ratio."""
    hop = max(1, round(COMPRESSOR_BLOCK * sample_rate))
    level = smoothed(
        block_level(waveform, hop), COMPRESSOR_ATTACK / COMPRESSOR_BLOCK, COMPRESSOR_RELEASE / COMPRESSOR_BLOCK
    )
    reference = 10 * np.log10(float(active_power(waveform, sample_rate).mean()) + 1e-12)
    return level, reference + COMPRESSOR_THRESHOLD_DB, hop


def compress(waveform: np.ndarray, state: tuple[np.ndarray, float, int], ratio: float) -> np.ndarray:
    """Dynamic-range compression above the threshold, with make-up gain that keeps the clip's RMS."""
    level, threshold, hop = state
    reduction = (1 - 1 / ratio) * np.maximum(level - threshold, 0.0)
    out = waveform * gain_curve(10 ** (-reduction / 20), hop, waveform.shape[1])
    return keep_power(out, waveform)


def keep_power(changed: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Scale `changed` to the total power of `reference`, one factor for all channels; silence stays."""
    power = float(np.vdot(changed, changed))
    if power > 0:
        changed *= np.float32(np.sqrt(float(np.vdot(reference, reference)) / power))
    return changed
