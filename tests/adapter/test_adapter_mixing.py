"""Clip and noise combined in the spectrum: the front end's own result on the mixed waveform, up to rounding."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from benchbed.adapter.frontend import LogMel
from benchbed.adapter.mixing import ClipSpectrum, mixtures
from benchbed.errors import ConfigError

GAINS = [0.0, 0.1, 0.5, 3.0]
FRONTS = {
    "cnn": lambda: LogMel(8000, 16, n_fft=256, hop_length=80, mel_scale="slaney", norm="slaney"),
    "passt": lambda: LogMel(8000, 32, n_fft=256, win_length=200, hop_length=80, preemphasis=0.97, periodic=False),
    "kaldi": lambda: LogMel.kaldi(8000, 24),
    "scaled, in dB": lambda: LogMel(8000, 16, log="db", floor=1e-10, top_db=80.0, scale=32768.0, center=False),
    "of powers": lambda: LogMel(8000, 16, log=None),
}


def waves(channels=1, samples=4000):
    random = np.random.default_rng(3)
    time = np.arange(samples) / 8000
    tone = 0.2 * np.sin(2 * np.pi * 440 * time) * np.ones((channels, 1))
    return [torch.from_numpy(w.astype(np.float32)) for w in (tone, 0.05 * random.standard_normal((channels, samples)))]


@pytest.mark.parametrize("name", FRONTS)
@pytest.mark.parametrize("channels", [1, 2])
def test_sums_of_bands_are_bands_of_the_sum(name, channels):
    front, (clip, noise) = FRONTS[name](), waves(channels)
    mixed = torch.stack([clip + gain * noise for gain in GAINS])
    ours = mixtures(ClipSpectrum.of(front, clip), ClipSpectrum.of(front, noise), GAINS)
    # The waveform path in double precision is what both are roundings of.
    wanted = front.double()(mixed.double())
    assert ours.dtype == torch.float32
    distance = (ours - wanted).abs().max() / wanted.abs().max()
    assert 0 < distance < 2e-5


def test_the_bands_are_those_of_a_hand_calculation():
    """One frame, numpy alone: window, transform, power, filters."""
    front, (clip, noise) = LogMel(8000, 4, n_fft=64, hop_length=64, center=False, log=None), waves(samples=64)
    spectrum = np.fft.rfft((clip + 0.5 * noise)[0].double().numpy() * np.hanning(65)[:-1])
    wanted = front.filters.double().numpy() @ np.abs(spectrum) ** 2
    ours = mixtures(ClipSpectrum.of(front, clip), ClipSpectrum.of(front, noise), [0.5])
    np.testing.assert_allclose(ours[0, :, 0], wanted, rtol=1e-4)


def test_noise_that_cancels_the_clip_leaves_nothing_below_zero():
    front, (clip, _) = FRONTS["cnn"](), waves()
    ours = mixtures(ClipSpectrum.of(front, clip), ClipSpectrum.of(front, clip), [-1.0])
    assert torch.isfinite(ours).all() and ours.max() <= np.log(1e-5 + 1e-4)


def test_no_noise_is_the_front_end_itself():
    front, (clip, noise) = FRONTS["cnn"](), waves()
    spectrum = ClipSpectrum.of(front, clip)
    with torch.inference_mode():
        assert torch.equal(mixtures(spectrum, ClipSpectrum.of(front, noise), [0.0])[0], front(clip[None])[0])


def test_magnitudes_cannot_be_summed():
    front, (clip, noise) = LogMel(8000, 16, power=1.0), waves()
    with pytest.raises(ConfigError, match="takes magnitudes"):
        mixtures(ClipSpectrum.of(front, clip), ClipSpectrum.of(front, noise), [1.0])
