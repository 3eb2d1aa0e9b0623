"""Room responses, synthetic and measured, as one direct path and a tail whose strength is the severity.

The direct path stands at sample 0, so labels keep their times; energy is one, so reverberation is not confounded with
gain. Both are where common tools go wrong (a pre-delay of 320 samples, every output normalised to one peak).
"""

from __future__ import annotations

import numpy as np

from benchbed import rng as streams
from benchbed.perturb.bounded import ByteCache
from benchbed.perturb.transform import rfft

#: Distinct synthetic rooms; a clip lives in one of them. Few enough that their spectra stay in the cache.
ROOMS = 16
#: What arrives within this time of the direct path counts as direct, in seconds (ISO 3382 practice for DRR: 2.5 ms).
DIRECT_SECONDS = 0.0025

_RESPONSES = ByteCache(192 * 2**20)


def synthetic_response(room: int, sample_rate: int, channels: int, t60: float, drr: float) -> np.ndarray:
    """Response of a synthetic room: a direct path and exponentially decaying Gaussian noise (Polack's model).

    Parameters
    ----------
    room : int
        Number of the room; the same noise decays at every severity, independently in each channel.
    sample_rate, channels : int
    t60 : float
        Time in seconds over which the tail falls by 60 dB.
    drr : float
        Direct-to-reverberant energy ratio in dB.

    Returns
    -------
    np.ndarray [shape=(channel, sample), float64]

    Examples
    --------
    >>> response = synthetic_response(0, 16000, 1, t60=0.4, drr=3.0)
    >>> round(float((response**2).sum()), 6), round(float(response[0, 0] ** 2 / (response[0, 1:] ** 2).sum()), 3)
    (1.0, 1.995)
    """
    samples = max(2, round(t60 * sample_rate))
    time = np.arange(samples) / sample_rate
    envelope = np.exp(-3 * np.log(10) * time / t60) * (time >= DIRECT_SECONDS)
    response = np.empty((channels, samples))
    for channel in range(channels):
        noise = streams.stream("room", room, channel, sample_rate).standard_normal(samples, dtype=np.float32)
        tail = noise * envelope
        response[channel] = tail * np.sqrt(10 ** (-drr / 10) / max(float((tail**2).sum()), 1e-20))
    response[:, 0] = 1.0
    return response / np.sqrt((response**2).sum(axis=1, keepdims=True))


def align(response: np.ndarray) -> np.ndarray:
    """Cut everything before the direct path, the strongest sample over all channels; channel delays are kept.

    Examples
    --------
    >>> align(np.array([[0.0, 0.1, 1.0, 0.5]])).tolist()
    [[1.0, 0.5]]
    """
    return response[:, int(np.argmax((response.astype(np.float64) ** 2).sum(axis=0))) :]


def with_drr(response: np.ndarray, sample_rate: int, drr: float) -> np.ndarray:
    """A measured, aligned response with its tail scaled to a direct-to-reverberant ratio in dB, at unit energy.

    Parameters
    ----------
    response : np.ndarray [shape=(channel, sample)]
    sample_rate : int
    drr : float
        Over all channels together, which keeps their balance.
    """
    split = max(1, round(DIRECT_SECONDS * sample_rate))
    out = response.astype(np.float64)
    direct, tail = float((out[:, :split] ** 2).sum()), float((out[:, split:] ** 2).sum())
    if tail > 0:
        out[:, split:] *= np.sqrt(direct / tail * 10 ** (-drr / 10))
    return out / np.sqrt((out**2).sum() / len(out))


def response_spectrum(key: tuple, make, size: int, samples: int) -> np.ndarray:
    """Transform of a response, cut to the clip's `samples` (what comes later cannot be heard in the clip); cached.

    Parameters
    ----------
    key : tuple
        Everything the response depends on.
    make : callable
        Gives the response `[channel, sample]`.
    size, samples : int
        Transform length and clip length.

    Returns
    -------
    np.ndarray [shape=(channel, bin), complex64]
    """
    return _RESPONSES.get((*key, size, samples), lambda: rfft(make()[:, :samples].astype(np.float32), size))
