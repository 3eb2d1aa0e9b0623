"""Scalogram: magnitudes of a continuous wavelet transform with Morlet's wavelet, resized to an image.

Frequencies are a geometric series, so low notes are resolved in pitch and high ones in time. Each of them is a product
with the spectrum of the whole clip and an inverse transform, which costs far more than the one short transform for each
frame of a log-mel spectrogram (`tests/benchmarks/bench_frontends.py`).
"""

from __future__ import annotations

import math

import torch

from benchbed.errors import ConfigError


def front_end(
    sample_rate: int = 32000,
    fmin: float = 50.0,
    fmax: float | None = None,
    per_octave: int = 16,
    omega: float = 6.0,
    bands: int = 128,
    frames: int = 100,
    log: bool = True,
) -> Scalogram:
    """Morlet scalogram `[clip, band, frame]`.

    Parameters
    ----------
    sample_rate : int
    fmin, fmax : float
        Lowest and highest frequency in Hz; half the sample rate over √2 by default at most.
    per_octave : int
        Frequencies in an octave.
    omega : float
        Centre of the mother wavelet in radians for a scale of one sample; 6 is usual.
    bands, frames : int
        Size of the image, to which frequencies and samples are averaged and interpolated; 0 keeps all of them.
    log : bool
        Natural logarithm of magnitude + 1e-5.

    Raises
    ------
    ConfigError
        Frequencies that leave no band.

    Examples
    --------
    >>> front_end(8000, bands=32, frames=50)(torch.zeros(1, 1, 8000)).shape
    torch.Size([1, 32, 50])
    """
    top = sample_rate / 2 / math.sqrt(2) if fmax is None else fmax
    if not 0 < fmin < top <= sample_rate / 2 or per_octave < 1 or omega < 5:
        raise ConfigError(
            f"a scalogram of {fmin:g} to {top:g} Hz at {sample_rate} Hz, {per_octave} an octave, ω={omega:g}",
            hint="0 < fmin < fmax ≤ half the rate; below ω = 5 Morlet's wavelet is none",
        )
    count = 1 + math.floor(per_octave * math.log2(top / fmin))
    return Scalogram(sample_rate, [fmin * 2 ** (k / per_octave) for k in range(count)], omega, (bands, frames), log)


class Scalogram(torch.nn.Module):
    """|⟨x, ψ⟩| for Morlet's wavelet at given frequencies, scaled so that a sine of amplitude 1 gives 1 at its own."""

    frequencies: torch.Tensor

    def __init__(
        self, sample_rate: int, frequencies: list[float], omega: float, size: tuple[int, int], log: bool
    ) -> None:
        super().__init__()
        self.sample_rate, self.omega, self.size, self.log = sample_rate, omega, size, log
        self.register_buffer("frequencies", torch.tensor(frequencies, dtype=torch.float64), persistent=False)

    def forward(self, waveforms: torch.Tensor) -> torch.Tensor:
        """Scalogram of waveforms `[clip, channel, sample]`; channels are averaged, frequencies go up."""
        signal = waveforms.mean(1) if waveforms.ndim == 3 else waveforms
        magnitude = self.magnitude(signal)
        bands, frames = (wanted or had for wanted, had in zip(self.size, magnitude.shape[1:]))
        if (bands, frames) != tuple(magnitude.shape[1:]):
            # Time first, by averages: interpolation alone would look at a few samples of each frame.
            magnitude = torch.nn.functional.adaptive_avg_pool2d(magnitude, (magnitude.shape[1], frames))
            magnitude = torch.nn.functional.interpolate(
                magnitude[:, None], (bands, frames), mode="bilinear", align_corners=True
            )[:, 0]
        return (magnitude + 1e-5).log() if self.log else magnitude

    def magnitude(self, signal: torch.Tensor) -> torch.Tensor:
        """Magnitudes `[clip, frequency, sample]` of signals `[clip, sample]`, with silence around each clip."""
        samples = signal.shape[-1]
        # Room for the longest wavelet, so that the end of a clip does not reach its start.
        reach = math.ceil(4 * self.omega * self.sample_rate / (2 * math.pi * float(self.frequencies[0])))
        length = 1 << (samples + reach - 1).bit_length()
        grid = torch.arange(length // 2 + 1, dtype=torch.float64, device=signal.device) * (self.sample_rate / length)
        scaled = self.omega * grid / self.frequencies[:, None]
        # The wavelet's spectrum over positive frequencies, twice as high, for a real sine has half there.
        wavelet = (2 * torch.exp(-0.5 * (scaled - self.omega) ** 2)).to(signal.dtype)
        spectrum = torch.fft.rfft(signal, n=length)
        rows = []
        for row in wavelet:
            # One at a time: all at once hold the clip as many times as there are frequencies, twice over.
            positive = torch.nn.functional.pad(spectrum * row, (0, length - spectrum.shape[-1]))
            parts = torch.view_as_real(torch.fft.ifft(positive))[:, :samples]
            rows.append((parts.square().sum(-1) + 1e-20).sqrt())
        return torch.stack(rows, 1)
