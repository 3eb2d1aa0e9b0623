"""What several channels hear together: plane waves and diffuse fields, for the arrays of DCASE Task 3.

`foa` is first-order Ambisonics, W, Y, Z, X (ACN, SN3D). `mic` are four open microphones on a tetrahedron of 4.2 cm, as
the synthetic scenes have them. `stereo` are two cardioids to the sides, as the set of 2025 has them.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

import numpy as np

from benchbed.data.synthesis.spatial import MICROPHONES, RADIUS, SOUND, direction, encoded
from benchbed.errors import ConfigError

#: Array → its channels.
ARRAYS: Mapping[str, int] = {"foa": 4, "mic": 4, "stereo": 2}
#: Frequencies at which the mixing of a diffuse field is worked out; between them it is smooth.
POINTS = 2049


def array_of(option: object, channels: int) -> str:
    """The array of a clip: what the option says, else `foa` for four channels and `stereo` for two.

    Examples
    --------
    >>> array_of(None, 4), array_of(None, 2), array_of("mic", 4)
    ('foa', 'stereo', 'mic')
    """
    if option is not None:
        return str(option)
    return "stereo" if channels == 2 else "foa"


def refuse_array(option: object) -> None:
    """Refuse an option `array` that is none.

    Raises
    ------
    ConfigError
        With the names of those that are known.
    """
    if option is not None and option not in ARRAYS:
        raise ConfigError(f"option 'array' must be one of {', '.join(ARRAYS)}, not '{option}'")


def unfit(option: object, channels: int) -> str | None:
    """Why a clip of so many channels was not heard by the array; None if it may have been."""
    array = array_of(option, channels)
    if channels == ARRAYS[array]:
        return None
    alone = "; one channel has no space" if channels == 1 else ""
    return f"needs the {ARRAYS[array]} channels of {array}, not {channels}{alone}"


def steering(vector: np.ndarray, hertz: np.ndarray, array: str) -> np.ndarray:
    """How the channels of an array hear a plane wave, against its centre `[channel, 1]`, or `[channel, bin]` of `mic`.

    Parameters
    ----------
    vector : np.ndarray [shape=(3,)]
        Where it comes from, of length one.
    hertz : np.ndarray [shape=(bin,)]
        Frequencies.
    array : str
        A key of `ARRAYS`.

    Examples
    --------
    >>> steering(np.array([0.0, 1.0, 0.0]), np.zeros(1), "stereo").ravel().tolist()
    [1.0, 0.0]
    """
    if array == "mic":
        early = _places() @ vector / SOUND
        made: np.ndarray = np.exp(2j * np.pi * early[:, None] * hertz)
        return made
    weights = encoded(vector[None])
    return weights if array == "foa" else _sides() @ weights


def mixing(hertz: np.ndarray, array: str) -> np.ndarray:
    """Weights that make independent noises the channels of an isotropic diffuse field `[channel, noise, bin]`.

    Their products are the field's covariance: between open microphones sin(x)/x of the distance in radians of the
    wave (Cook et al., Measurement of correlation coefficients in reverberant sound fields, JASA 27, 1955); in
    Ambisonics 1 for W, a third for each of the others, and nothing between them.

    Parameters
    ----------
    hertz : np.ndarray [shape=(bin,)]
        Frequencies, rising.
    array : str
        A key of `ARRAYS`.

    Examples
    --------
    >>> mixed = mixing(np.array([0.0]), "foa")[..., 0]
    >>> (mixed @ mixed.T).round(3).diagonal().tolist()
    [1.0, 0.333, 0.333, 0.333]
    """
    if array != "mic":
        weights = np.diag(np.sqrt([1.0, 1 / 3, 1 / 3, 1 / 3]))
        return (weights if array == "foa" else _sides() @ weights)[:, :, None]
    top = float(max(hertz[-1], 1.0)) if len(hertz) else 1.0
    grid, roots = _roots(top)
    return np.stack([[np.interp(hertz, grid, pair) for pair in row] for row in np.moveaxis(roots, 0, -1)])


def covariance(hertz: float, array: str) -> np.ndarray:
    """Covariance of the channels of a diffuse field of power 1 at one frequency `[channel, channel]`."""
    if array != "mic":
        weights = mixing(np.zeros(1), array)[..., 0]
        made: np.ndarray = weights @ weights.T
        return made
    places = _places()
    apart = np.linalg.norm(places[:, None] - places[None], axis=2)
    return np.sinc(2 * hertz * apart / SOUND)


@lru_cache(maxsize=8)
def _roots(top: float) -> tuple[np.ndarray, np.ndarray]:
    """Symmetric square roots of the covariances of `mic` at points up to a frequency; symmetric ones are smooth."""
    grid = np.linspace(0, top, POINTS)
    values, vectors = np.linalg.eigh(np.stack([covariance(float(f), "mic") for f in grid]))
    return grid, (vectors * np.sqrt(np.maximum(values, 0))[:, None, :]) @ vectors.transpose(0, 2, 1)


def _places() -> np.ndarray:
    return RADIUS * np.array([direction(*angles) for angles in MICROPHONES])


def _sides() -> np.ndarray:
    """Two cardioids to the sides, of W, Y, Z, X."""
    return np.array([[0.5, 0.5, 0.0, 0.0], [0.5, -0.5, 0.0, 0.0]])
