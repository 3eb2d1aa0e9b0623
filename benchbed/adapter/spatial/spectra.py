"""Short-time spectra of several channels, framed as the systems of DCASE Task 3 frame them."""

from __future__ import annotations

import torch

from benchbed.errors import ConfigError

#: Added to the samples by the official extraction, which keeps the phase of digital silence at zero.
TINY = 1e-8
#: Products of spectra below this have no phase.
NOTHING = 1e-30


def channel_spectra(
    waveforms: torch.Tensor,
    window: torch.Tensor,
    *,
    n_fft: int,
    hop_length: int,
    pad_mode: str = "constant",
    trimmed: bool = True,
) -> torch.Tensor:
    """Spectra of every channel.

    Parameters
    ----------
    waveforms : torch.Tensor [shape=(clip, channel, sample)]
        Audio in −1…1.
    window : torch.Tensor [shape=(win_length,)]
        Analysis window, in the middle of the transform.
    n_fft, hop_length : int
        Samples of a transform, and from one frame to the next; frame k is centred on sample k · `hop_length`.
    pad_mode : {"constant", "reflect"}
        What lies before the first and after the last sample: zeros (librosa from 0.10 on) or the sound mirrored
        (before). It changes the first and the last frame alone.
    trimmed : bool, default=True
        Leave out the frame that is centred on the end, so that there are as many as whole hops.

    Returns
    -------
    torch.Tensor [shape=(clip, channel, frame, bin), complex]

    Raises
    ------
    ConfigError
        The waveforms have no axis of channels.

    Examples
    --------
    >>> window = torch.hann_window(960)
    >>> channel_spectra(torch.zeros(2, 4, 24000), window, n_fft=1024, hop_length=480).shape
    torch.Size([2, 4, 50, 513])
    """
    if waveforms.ndim != 3:
        raise ConfigError(f"waveforms of shape {list(waveforms.shape)}", hint="[clip, channel, sample]")
    clips, channels, samples = waveforms.shape
    least = n_fft // 2 + 1 if pad_mode == "reflect" else hop_length
    if samples < least:
        waveforms = torch.nn.functional.pad(waveforms, (0, least - samples))
    spectra = torch.stft(
        waveforms.flatten(0, 1) + TINY,
        n_fft,
        hop_length,
        len(window),
        window.to(waveforms.dtype),
        center=True,
        pad_mode=pad_mode,
        return_complex=True,
    ).transpose(1, 2)
    if trimmed:
        spectra = spectra[:, : max(1, samples // hop_length)]
    return spectra.unflatten(0, (clips, channels))


def power(spectra: torch.Tensor) -> torch.Tensor:
    """Squared magnitudes, whose gradient is a number at zero, too.

    Examples
    --------
    >>> power(torch.tensor([3 + 4j])).tolist()
    [25.0]
    """
    return spectra.real.square() + spectra.imag.square()


def directed(real: torch.Tensor, imag: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """A complex number of the same phase whose larger part is 1 or −1, and 1 in the place of nothing.

    Of a product of two quiet spectra the square is less than a float can be, and the slope of a phase at zero is no
    number.

    Examples
    --------
    >>> made = directed(torch.tensor([2e-25, 0.0]), torch.tensor([-4e-25, 0.0]))
    >>> [part.tolist() for part in made]
    [[0.5, 1.0], [-1.0, 0.0]]
    """
    largest = torch.maximum(real.abs(), imag.abs()).detach()
    silent = largest < NOTHING
    largest = largest.masked_fill(silent, 1.0)
    return real.masked_fill(silent, 1.0) / largest, imag.masked_fill(silent, 0.0) / largest


def decibels(powers: torch.Tensor, floor: float = 1e-10) -> torch.Tensor:
    """Ten times the decimal logarithm of powers, none below `floor`.

    Examples
    --------
    >>> decibels(torch.tensor([1.0, 0.0])).tolist()
    [0.0, -100.0]
    """
    return 10.0 * powers.clamp_min(floor).log10()
