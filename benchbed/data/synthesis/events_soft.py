"""Recordings of places whose labels are the share of listeners who heard an event, as in MAESTRO-Real.

Each listener misses events, the softer the more often, and imagines some; five of them give six levels of confidence.
"""

from __future__ import annotations

import numpy as np

from benchbed import rng as random
from benchbed.data.synthesis import RATE
from benchbed.data.synthesis.events_domestic import SOUNDS
from benchbed.data.synthesis.events_mixed import CLIP_RATE, Placed
from benchbed.data.synthesis.scenes import INGREDIENTS, place
from benchbed.data.synthesis.sources import bands, banks, normalised

#: Place in MAESTRO-Real → the synthetic scene whose noise it has.
SCENES = {
    "cafe_restaurant": "shopping_mall",
    "city_center": "public_square",
    "grocery_store": "shopping_mall",
    "metro_station": "metro_station",
    "residential_area": "park",
}
PLACES = tuple(SCENES)
#: Label in MAESTRO-Real → the sound that stands for it: of the domestic ones, or an ingredient of scenes.
STAND_INS = {
    "people talking": "Speech",
    "cutlery and dishes": "Dishes",
    "footsteps": "steps",
    "birds_singing": "birds",
    "car": "cars",
    "large_vehicle": "engine",
    "brakes_squeaking": "squeal",
    "wind_blowing": "leaves",
}
LISTENERS = 5


def street(seed: int, where: str, number: int, seconds: float) -> tuple[np.ndarray, list[Placed]]:
    """One recording and what is in it, also events of one class that overlap.

    Returns
    -------
    np.ndarray [shape=(sample,), int16]
        The recording at 16 kHz.
    list of Placed
        Its events by onset.

    Examples
    --------
    >>> audio, events = street(0, "city_center", 1, 6.0)
    >>> audio.shape, all(0 <= e.onset < e.offset <= 6.0 for e in events)
    ((96000,), True)
    """
    rng = random.stream("synthetic street", seed, where, number)
    n, bank = round(seconds * RATE), banks(seed)
    site = place(seed, SCENES[where], "lyon", number)
    mix = normalised(np.fft.irfft(np.fft.rfft(rng.standard_normal(n)) * bands(site.knots, n // 2 + 1), n))
    labels, placed = tuple(STAND_INS), []
    for index in range(max(2, int(rng.poisson(seconds / 4)))):
        label = labels[int(rng.integers(len(labels)))]
        length = min(float(rng.uniform(0.8, 3.9)), 0.9 * seconds)
        onset = rng.uniform(0, seconds - length)
        event = Placed(label, round(onset, 3), round(onset + length, 3), round(float(rng.uniform(-6, 20)), 1))
        start, stop = (round(t * RATE) for t in (event.onset, event.offset))
        own = random.stream("synthetic street event", seed, where, number, index)
        name = STAND_INS[label]
        if name in SOUNDS:
            origin = random.stream("synthetic event source", seed, name, int(rng.integers(60)))
            sound = SOUNDS[name][0](origin, own, bank, stop - start)[: stop - start]
        else:
            sound = INGREDIENTS[name](own, bank, site, stop - start)[: stop - start]
        if sound.any():
            mix[start:stop] += normalised(sound) * 10 ** (event.snr / 20)
            placed.append(event)
    level = 10 ** (-42 / 20)
    low = np.fft.irfft(np.fft.rfft(mix)[: n // 4 + 1], n // 2) / 2
    assert len(low) == round(seconds * CLIP_RATE)
    return np.rint(low * level * 32768).clip(-32768, 32767).astype(np.int16), sorted(placed, key=lambda e: e.onset)


def heard(seed: int, name: str, events: list[Placed], seconds: int) -> list[tuple[int, str, float]]:
    """Second, label and share of listeners, wherever somebody heard something.

    Examples
    --------
    >>> heard(0, "x", [Placed("car", 1.0, 3.0, 60.0)], 4)[:2]
    [(1, 'car', 1.0), (2, 'car', 1.0)]
    """
    rng = random.stream("synthetic listeners", seed, name)
    found = []
    for second in range(seconds):
        for label in STAND_INS:
            chance = 0.003
            for event in events:
                inside = min(event.offset, second + 1) - max(event.onset, second)
                if event.label == label and inside > 0:
                    # A sound 5 dB below its background is missed by every other listener, half a second of it too.
                    chance = max(chance, 1 / (1 + np.exp(-(event.snr + 5 + 8 * (inside - 1)) / 3)))
            share = int((rng.random(LISTENERS) < chance).sum()) / LISTENERS
            if share:
                found.append((second, label, share))
    return found
