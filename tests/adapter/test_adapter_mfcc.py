"""The speech commands front end against scipy's transforms and triangles computed one by one."""

import math

import numpy as np
import pytest
import scipy.fft
import scipy.signal

from benchbed.adapter.mfcc import Mfcc, mel_triangles
from benchbed.rng import stream


def test_triangles_are_linear_in_mel():
    weights = mel_triangles(40, 257, 16000, 20.0, 4000.0)
    low, high = 1127 * math.log(1 + 20 / 700), 1127 * math.log(1 + 4000 / 700)
    step = (high - low) / 41
    for bin_, band in [(1, 0), (3, 0), (40, 20), (100, 35), (128, 39), (200, 39), (0, 0)]:
        mel = 1127 * math.log(1 + bin_ * 31.25 / 700)
        expected = 0.0 if bin_ == 0 else max(0.0, 1 - abs(mel - (low + (band + 1) * step)) / step)
        assert weights[bin_, band] == pytest.approx(expected, abs=1e-12)


def test_coefficients_agree_with_scipy():
    audio = stream("mfcc", 1).standard_normal(16000) * 0.1
    scaled = audio / audio.max()
    window = scipy.signal.get_window("hann", 480, fftbins=True)
    weights = mel_triangles(40, 257, 16000, 20.0, 4000.0)
    expected = []
    for start in range(0, 16000 - 480 + 1, 320):
        spectrum = np.abs(scipy.fft.rfft(scaled[start : start + 480] * window, 512))
        expected.append(scipy.fft.dct(np.log(spectrum @ weights + 1e-6), type=2)[:10] / math.sqrt(80))
    got = Mfcc()(audio[None].astype(np.float32))
    assert got.shape == (1, 49, 10)
    np.testing.assert_allclose(got[0], expected, atol=1e-4)


def test_gain_changes_nothing_when_scaled_by_the_peak():
    audio = stream("mfcc", 2).standard_normal((2, 8000))
    np.testing.assert_allclose(Mfcc()(audio), Mfcc()(audio * 0.01), atol=1e-5)
    assert np.abs(Mfcc(peak_scaled=False)(audio) - Mfcc(peak_scaled=False)(audio * 0.01)).max() > 1


def test_silence_and_short_clips():
    silent = Mfcc()(np.zeros((1, 16000), np.float32))
    assert np.isfinite(silent).all()
    assert silent[0, 0, 0] == pytest.approx(2 * 40 * math.log(1e-6) / math.sqrt(80), rel=1e-6)
    with pytest.raises(ValueError, match="479 samples"):
        Mfcc()(np.zeros((1, 479), np.float32))
