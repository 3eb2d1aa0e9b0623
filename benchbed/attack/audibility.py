"""How audible a perturbation is, and keeping it inaudible.

The noise-to-mask ratio (NMR) is a simplified form of that of ITU-R BS.1387 (PEAQ): bands of half a Bark, a masking
threshold spread by 27 dB per Bark downwards and 15 dB per Bark upwards and lowered by 3 dB (by a quarter of a dB per
Bark above 12 Bark), and Terhardt's threshold in quiet. Audibility needs a sound pressure level: full scale is assumed
at 92 dB unless said otherwise, and the figure means nothing without that number.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
import torch

SIZE, HOP = 1024, 256
FULL_SCALE_SPL = 92.0
#: Slopes of spreading in dB per Bark, towards lower and towards higher bands.
DOWN, UP = 27.0, 15.0
#: Segmental SNR: frame length in seconds, range in dB, and how far below the loudest a frame still counts.
FRAME_SECONDS, SEGMENT_RANGE, ACTIVE_DB = 0.02, (-10.0, 50.0), 40.0


@lru_cache(maxsize=8)
def _bands(sample_rate: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """Band of every bin, spreading [to, from], lowering in dB [band], threshold in quiet in dB SPL [band]."""
    hertz = np.fft.rfftfreq(SIZE, 1 / sample_rate)
    bark = 7 * np.arcsinh(hertz / 650)
    number = (bark * 2).astype(np.int64)
    count = int(number.max()) + 1
    centre = (np.arange(count) + 0.5) / 2
    apart = centre[:, None] - centre[None, :]
    spread = 10 ** (np.where(apart < 0, DOWN * apart, -UP * apart) / 10)
    lowered = np.where(centre <= 12, 3.0, 0.25 * centre)
    khz = np.maximum(650 * np.sinh(centre / 7), 20) / 1000
    quiet = 3.64 * khz**-0.8 - 6.5 * np.exp(-0.6 * (khz - 3.3) ** 2) + 1e-3 * khz**4
    as_tensor = [torch.from_numpy(a.astype(np.float32)) for a in (spread, lowered, np.minimum(quiet, 120.0))]
    return torch.from_numpy(number), *as_tensor  # type: ignore[return-value]


def _spectrum(waveforms: torch.Tensor) -> torch.Tensor:
    """Complex spectra [row, bin, frame] of [row, sample]."""
    window = torch.hann_window(SIZE, device=waveforms.device, dtype=waveforms.dtype)
    return torch.stft(waveforms, SIZE, HOP, window=window, return_complex=True, pad_mode="constant")


def _powers(spectra: torch.Tensor, sample_rate: int, full_scale_spl: float) -> torch.Tensor:
    """Power in each band [row, band, frame]; a full-scale sine has 10^(SPL / 10) in all."""
    number, spread, _, _ = _bands(sample_rate)
    power = spectra.abs().square() * (10 ** (full_scale_spl / 10) * 16 / (3 * SIZE**2) / 2)
    held = torch.zeros(len(power), len(spread), power.shape[2], dtype=power.dtype, device=power.device)
    return held.index_add_(1, number.to(power.device), power)


def threshold(waveforms: torch.Tensor, sample_rate: int, full_scale_spl: float = FULL_SCALE_SPL) -> torch.Tensor:
    """Masking threshold of clean audio, as power per band and frame.

    Parameters
    ----------
    waveforms : Tensor [shape=(row, sample)]
    sample_rate : int
    full_scale_spl : float
        Sound pressure level of full scale in dB.

    Returns
    -------
    Tensor [shape=(row, band, frame)]
    """
    _, spread, lowered, quiet = (part.to(waveforms.device) for part in _bands(sample_rate))
    held = _powers(_spectrum(waveforms), sample_rate, full_scale_spl)
    mask = torch.einsum("tf,rfn->rtn", spread.to(held), held) * 10 ** (-lowered.to(held)[:, None] / 10)
    return torch.maximum(mask, 10 ** (quiet.to(held)[:, None] / 10))


def noise_to_mask(
    clean: torch.Tensor, added: torch.Tensor, sample_rate: int, full_scale_spl: float = FULL_SCALE_SPL
) -> torch.Tensor:
    """Noise over mask of every band and frame, as a power ratio [row, band, frame]; above 1 is audible.

    Examples
    --------
    >>> clean = 0.1 * torch.sin(torch.arange(16000.0))[None]
    >>> bool((noise_to_mask(clean, 1e-6 * clean, 16000) < 1).all())
    True
    """
    noise = _powers(_spectrum(added), sample_rate, full_scale_spl)
    return noise / threshold(clean, sample_rate, full_scale_spl)


def masked(
    clean: torch.Tensor, sample_rate: int, max_nmr: float = 0.0, full_scale_spl: float = FULL_SCALE_SPL
) -> Callable[[torch.Tensor, torch.Tensor], torch.Tensor]:
    """A projection `(rows, perturbation) → perturbation` that keeps every band of every frame below `max_nmr` dB."""
    number = _bands(sample_rate)[0].to(clean.device)
    channels, samples = clean.shape[1:]
    allowed = threshold(clean.flatten(0, 1), sample_rate, full_scale_spl) * 10 ** (max_nmr / 10)
    allowed = allowed.view(len(clean), channels, *allowed.shape[1:])
    window = torch.hann_window(SIZE, device=clean.device, dtype=clean.dtype)

    def limit(rows: torch.Tensor, added: torch.Tensor) -> torch.Tensor:
        most = allowed[rows].flatten(0, 1)
        flat = added.flatten(0, 1)
        # Frames and bins overlap, so a sound leaks into what lies beside it; the smallest gain of the surroundings is
        # taken, and three rounds leave no band more than about a dB above its mask.
        for _ in range(3):
            spectra = _spectrum(flat)
            held = _powers(spectra, sample_rate, full_scale_spl)
            gain = (most / held.clamp_min(1e-30)).clamp(max=1.0).sqrt()[:, number]
            gain = -torch.nn.functional.max_pool2d(-gain[:, None], (5, 5), 1, 2)[:, 0]
            flat = torch.istft(spectra * gain, SIZE, HOP, window=window, length=samples)
        return flat.view_as(added)

    return limit


def dissimilarity(clean: np.ndarray, added: np.ndarray, sample_rate: int) -> dict[str, Any]:
    """How a perturbation compares with its clip by ear and by level.

    Parameters
    ----------
    clean, added : np.ndarray [shape=(channel, sample)]
    sample_rate : int

    Returns
    -------
    dict
        `snr_segmental` (dB, 20-ms frames within 40 dB of the loudest), `snr_a` (dB, A-weighted), `peak_db` (peak of
        the perturbation over peak of the clip, the dB_x of speech attacks), `nmr` (mean noise-to-mask ratio in dB),
        `audible` (share of frames in which some band is above the mask). None where undefined.

    Examples
    --------
    >>> clean = np.sin(np.arange(8000) * 0.3)[None] * 0.1
    >>> found = dissimilarity(clean, 0.1 * clean, 8000)
    >>> round(found["snr_segmental"], 3), round(found["peak_db"], 3)
    (20.0, -20.0)
    """
    names = ("snr_segmental", "snr_a", "peak_db", "nmr", "audible")
    if not added.any() or not clean.any():
        return dict.fromkeys(names)
    frame = max(1, round(FRAME_SECONDS * sample_rate))
    frames = max(1, clean.shape[1] // frame)
    signal, noise = (np.square(a[:, : frames * frame]).reshape(len(a), frames, -1).sum((0, 2)) for a in (clean, added))
    active = signal > signal.max() * 10 ** (-ACTIVE_DB / 10)
    with np.errstate(divide="ignore"):
        segments = np.clip(10 * np.log10(signal[active] / noise[active]), *SEGMENT_RANGE)
    weight = _a_weight(clean.shape[1], sample_rate)
    powers = [float((np.abs(np.fft.rfft(a)) ** 2 * weight).sum()) for a in (clean, added)]
    heard, noisy = (torch.from_numpy(np.ascontiguousarray(a, dtype=np.float32)) for a in (clean, added))
    ratio = noise_to_mask(heard, noisy, sample_rate).numpy()
    return {
        "snr_segmental": float(segments.mean()) if len(segments) else None,
        "snr_a": float(10 * np.log10(powers[0] / powers[1])) if min(powers) > 0 else None,
        "peak_db": float(20 * np.log10(np.abs(added).max() / np.abs(clean).max())),
        "nmr": float(10 * np.log10(max(float(ratio.mean()), 1e-12))),
        "audible": float((ratio > 1).any(1).mean()),
    }


@lru_cache(maxsize=8)
def _a_weight(samples: int, sample_rate: int) -> np.ndarray:
    """Power gain of A-weighting at every bin (IEC 61672)."""
    f2 = np.fft.rfftfreq(samples, 1 / sample_rate) ** 2
    gain = 12194**2 * f2**2 / ((f2 + 20.6**2) * np.sqrt((f2 + 107.7**2) * (f2 + 737.9**2)) * (f2 + 12194**2))
    return (gain * 10 ** (2.0 / 20)) ** 2
