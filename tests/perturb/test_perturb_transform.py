import subprocess
import sys

import numpy as np
import pytest
from scipy import fft

from benchbed.perturb import transform
from benchbed.perturb.transform import fast_length, irfft, rfft

LENGTHS = (1, 2, 3, 5, 31, 97, 256, 1000, 4845, 7919, 32000)


@pytest.fixture
def without(monkeypatch):
    """As where the extension cannot be loaded by itself."""
    transform._native.cache_clear()
    fast_length.cache_clear()
    monkeypatch.delitem(sys.modules, transform._NAME, raising=False)
    monkeypatch.setattr(transform, "_loaded", lambda: 1 / 0)
    yield
    transform._native.cache_clear()
    fast_length.cache_clear()


@pytest.mark.parametrize("kind", [np.float32, np.float64])
@pytest.mark.parametrize("length", LENGTHS)
def test_the_numbers_are_those_of_scipy_to_the_last_bit(length, kind):
    waves = np.random.default_rng(length).standard_normal((2, 3, length)).astype(kind)
    for size in (None, length, length // 2 + 1, length + 7, 2 * length):
        spectra, wanted = rfft(waves, size), fft.rfft(waves, size)
        assert spectra.dtype == wanted.dtype and np.array_equal(spectra, wanted)
    for size in (2 * length, 2 * length - 1, 2 * length + 9, max(length // 2, 1)):
        spectra = wanted if size % 2 else np.ascontiguousarray(wanted)
        back, theirs = irfft(spectra, size), fft.irfft(spectra, size)
        assert back.dtype == theirs.dtype and np.array_equal(back, theirs)


def test_views_are_transformed_as_they_lie():
    frames = np.lib.stride_tricks.sliding_window_view(np.arange(400, dtype=np.float32), 64)[::16]
    assert np.array_equal(rfft(frames), fft.rfft(frames))
    assert np.array_equal(rfft(frames[::-1, ::2], 50), fft.rfft(frames[::-1, ::2], 50))
    spectra = rfft(frames)[:, ::2]
    assert np.array_equal(irfft(spectra, 40), fft.irfft(spectra, 40))


def test_what_is_given_stays_as_it_was():
    waves = np.random.default_rng(0).standard_normal((1, 100)).astype(np.float32)
    spectra, before = rfft(waves, 128), waves.copy()
    kept = spectra.copy()
    irfft(spectra, 128)
    assert np.array_equal(waves, before) and np.array_equal(spectra, kept)


def test_what_the_extension_does_not_take_goes_through_scipy():
    whole = np.arange(12)
    half, turned = whole.astype(np.float16), whole.astype(">f4")
    crooked = np.frombuffer(b"\0" + whole.astype(np.float32).tobytes(), np.uint8)[1:].view(np.float32)
    for waves in (whole, half, turned, crooked):
        spectra = rfft(waves)
        assert spectra.dtype == fft.rfft(waves).dtype and np.array_equal(spectra, fft.rfft(waves))
    assert np.array_equal(irfft(np.arange(5.0), 8), fft.irfft(np.arange(5.0), 8))


@pytest.mark.parametrize("size", [0, -1])
def test_a_length_of_nothing_is_refused_as_by_scipy(size):
    with pytest.raises(ValueError, match="invalid number of data points"):
        rfft(np.ones(4, np.float32), size)
    with pytest.raises(ValueError, match="invalid number of data points"):
        irfft(np.ones(4, np.complex64), size - 1)
    with pytest.raises(ValueError, match="invalid number of data points"):
        rfft(np.ones((1, 0), np.float32))


def test_fast_lengths_are_those_of_scipy():
    for least in (1, 7, 11, 13, 64, 997, 44101, 125 * 257):
        assert fast_length(least) == fft.next_fast_len(least)
        assert fast_length(least, real=True) == fft.next_fast_len(least, real=True)


def test_scipy_does_where_there_is_no_extension(without):
    waves = np.random.default_rng(1).standard_normal((2, 97)).astype(np.float32)
    assert transform._native() is None
    assert np.array_equal(rfft(waves, 128), fft.rfft(waves, 128))
    assert np.array_equal(irfft(rfft(waves), 97), fft.irfft(fft.rfft(waves), 97))
    assert fast_length(13, real=True) == 15


def test_an_extension_that_answers_otherwise_is_not_used(without, monkeypatch):
    class Odd:
        def r2c(self, wave, *_):
            return np.fft.rfft(wave, norm="ortho").astype(np.complex64)

        def c2r(self, spectrum, axes, size, *_):
            return np.fft.irfft(spectrum, size).astype(np.float32)

        def good_size(self, least, real):
            return 15

    monkeypatch.setattr(transform, "_loaded", Odd)
    assert transform._native() is None


def test_nothing_of_the_package_around_it_is_loaded():
    asked = (
        "import sys, numpy; from benchbed.perturb.transform import fast_length, irfft, rfft, _native;"
        "irfft(rfft(numpy.ones(4, numpy.float32)), fast_length(4)); assert _native() is not None;"
        "print([name for name in ('scipy', 'scipy.fft', 'scipy.special', 'numpy.f2py') if name in sys.modules]);"
        "from scipy import fft; print(fft.rfft(numpy.ones(2)).tolist())"
    )
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["[]", "[(2+0j), 0j]"]
