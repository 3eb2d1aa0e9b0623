"""Real Fourier transforms by scipy's pocketfft, without the package around it.

`scipy.fft` loads scipy's special functions, array namespaces of other libraries and numpy's Fortran tools before it
transforms anything: a seventh of a second in every process that adds noise, and more than twenty clips of it take. What
does the work is one extension module of its wheel, which is loaded by itself here. Where it is not found, is called in
another way, or is given what it does not take as it is, `scipy.fft` has to do. Either way the numbers are the same to
the last bit; those of `numpy.fft` are others in single precision.
"""

from __future__ import annotations

import contextlib
import importlib.util
import sys
from functools import cache, lru_cache
from importlib.machinery import EXTENSION_SUFFIXES, ExtensionFileLoader, FileFinder
from pathlib import Path
from typing import Any

import numpy as np

#: The extension, as scipy calls it.
_NAME = "scipy.fft._pocketfft.pypocketfft"
#: How it scales: not at all, and by the length.
_PLAIN, _BY_LENGTH = 0, 2


def rfft(waves: np.ndarray, size: int | None = None) -> np.ndarray:
    """Spectra of real sequences along the last axis, as `scipy.fft.rfft` gives them.

    Parameters
    ----------
    waves : np.ndarray [shape=(..., sample), float32 or float64]
    size : int, optional
        Length of the transform: longer sequences are cut, shorter ones followed by zeros.

    Returns
    -------
    np.ndarray [shape=(..., size // 2 + 1), complex64 or complex128]

    Examples
    --------
    >>> rfft(np.ones((1, 3), np.float32), 4)
    array([[3.+0.j, 0.-1.j, 1.+0.j]], dtype=complex64)
    """
    native = _native()
    if native is None or waves.dtype.char not in "fd" or not _plain(waves, size):
        from scipy import fft

        return fft.rfft(waves, size)
    return native.r2c(_fitted(waves, size), (-1,), True, _PLAIN, None, 1)


def irfft(spectra: np.ndarray, size: int) -> np.ndarray:
    """Real sequences of spectra along the last axis, as `scipy.fft.irfft` gives them.

    Parameters
    ----------
    spectra : np.ndarray [shape=(..., bin), complex64 or complex128]
    size : int
        Length of the sequences.

    Returns
    -------
    np.ndarray [shape=(..., size), float32 or float64]

    Examples
    --------
    >>> irfft(np.array([[3, -1j, 1]], np.complex64), 4)
    array([[1., 1., 1., 0.]], dtype=float32)
    """
    native = _native()
    if native is None or spectra.dtype.char not in "FD" or not _plain(spectra, size):
        from scipy import fft

        return fft.irfft(spectra, size)
    return native.c2r(_fitted(spectra, size // 2 + 1), (-1,), size, False, _BY_LENGTH, None, 1)


@lru_cache(maxsize=1024)
def fast_length(least: int, real: bool = False) -> int:
    """The smallest length that transforms fast, as `scipy.fft.next_fast_len` gives it.

    Parameters
    ----------
    least : int
        It is no shorter.
    real : bool
        For real sequences: with the factors 2, 3 and 5 alone.

    Examples
    --------
    >>> fast_length(13), fast_length(13, real=True), fast_length(11), fast_length(11, real=True)
    (14, 15, 11, 12)
    """
    native = _native()
    if native is None:
        from scipy import fft

        return int(fft.next_fast_len(least, real))
    return int(native.good_size(least, real))


def _plain(values: np.ndarray, size: int | None) -> bool:
    """Nothing has to be turned, moved or refused first, which scipy knows better."""
    long = values.shape[-1:] > (0,) if size is None else size > 0
    return long and values.dtype.isnative and values.flags.aligned


def _fitted(values: np.ndarray, size: int | None) -> np.ndarray:
    have = values.shape[-1]
    if size is None or have >= size:
        return values if size is None else values[..., :size]
    longer = np.zeros((*values.shape[:-1], size), values.dtype)
    longer[..., :have] = values
    return longer


@cache
def _native() -> Any:
    """The extension; None where it cannot be had by itself, or does not take what is given here."""
    with contextlib.suppress(Exception):
        native = sys.modules.get(_NAME) or _loaded()
        wave = np.array([[1, 2, 4]], np.float32)
        spectrum = native.r2c(wave, (-1,), True, _PLAIN, None, 1)
        back = native.c2r(spectrum, (-1,), 3, False, _BY_LENGTH, None, 1)
        told = spectrum.dtype == np.complex64 and back.dtype == np.float32 and native.good_size(13, True) == 15
        if told and np.allclose(spectrum, [[7, -2 + 3**0.5 * 1j]]) and np.allclose(back, wave):
            return native
    return None


def _loaded() -> Any:
    package = importlib.util.find_spec("scipy")  # finds it, and runs nothing of it
    assert package is not None and package.submodule_search_locations
    *folders, name = _NAME.split(".")[1:]
    place = Path(package.submodule_search_locations[0], *folders)
    spec = FileFinder(str(place), (ExtensionFileLoader, EXTENSION_SUFFIXES)).find_spec(name)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
