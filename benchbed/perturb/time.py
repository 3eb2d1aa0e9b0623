"""Losses, gaps and movements in time. Gaps at a milder severity lie inside those at a stronger one."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

#: Length of a packet in seconds, the usual frame of speech codecs.
PACKET_SECONDS = 0.02
#: Mean length of a burst of lost packets (Gilbert model).
BURST_PACKETS = 3.0


def loss_order(packets: int, rng: np.random.Generator) -> np.ndarray:
    """An order in which packets are lost, in bursts of geometric length; the first k are lost at a rate of k/packets.

    Drawing the order instead of each packet's fate fixes the number lost, and makes losses nested over severities.

    Examples
    --------
    >>> sorted(loss_order(6, np.random.default_rng(0)).tolist())
    [0, 1, 2, 3, 4, 5]
    """
    starts = rng.permutation(packets)
    lengths = rng.geometric(1 / BURST_PACKETS, packets)
    lost, order = bytearray(packets), []
    for start, length in zip(starts.tolist(), lengths.tolist()):
        for packet in range(start, min(start + length, packets)):
            if not lost[packet]:
                lost[packet] = 1
                order.append(packet)
    return np.array(order)


def gap(samples: int, length: int, place: float) -> tuple[int, int]:
    """First and last sample of a gap of `length`; for one `place` in 0…1, longer gaps contain shorter ones.

    Examples
    --------
    >>> gap(100, 10, 0.5), gap(100, 20, 0.5)
    ((45, 55), (40, 60))
    """
    start = int(place * (samples - length))
    return start, start + length


@lru_cache(maxsize=16)
def blocks(samples: int, sample_rate: int, seconds: float) -> np.ndarray:
    """True where alternating occlusion keeps the audio: the first block of `seconds` is kept, the second is not, ….

    Examples
    --------
    >>> blocks(10, 1, 2).astype(int).tolist()
    [1, 1, 0, 0, 1, 1, 0, 0, 1, 1]
    """
    block = max(1, round(seconds * sample_rate))
    kept = (np.arange(samples) // block) % 2 == 0
    kept.flags.writeable = False
    return kept


def kept_before(time: np.ndarray, seconds: float) -> np.ndarray:
    """How much of the audio before `time` alternating occlusion keeps, in seconds.

    Examples
    --------
    >>> kept_before(np.array([0.5, 1.5, 2.5]), 1.0).tolist()
    [0.5, 1.0, 1.5]
    """
    time = np.asarray(time, dtype=np.float64)
    return np.floor(time / (2 * seconds)) * seconds + np.minimum(np.mod(time, 2 * seconds), seconds)
