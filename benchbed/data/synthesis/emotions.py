"""Sentences of nonsense syllables in an emotion: arousal in pitch, pace and effort, valence in melody and timbre.

A corpus has speakers, a room and a level of its own, so that a model of one corpus is worse on another. Nothing here is
speech, and nothing is known from it about emotions.
"""

from __future__ import annotations

import numpy as np

from benchbed import rng as random
from benchbed.data.emotion_words import QUADRANTS
from benchbed.data.synthesis.sources import normalised

#: Samples per second.
RATE = 16000


def uttered(seed: int, corpus: str, speaker: str, emotion: str, take: int) -> np.ndarray:
    """One utterance of about a second and a half `[sample]`, float64 in −1…1.

    Examples
    --------
    >>> sound = uttered(0, "emodb", "03", "anger", 0)
    >>> sound.ndim, bool(np.abs(sound).max() <= 1)
    (1, True)
    """
    arousal, valence = QUADRANTS[emotion]
    excited, glad = float(arousal == "high"), float(valence == "positive")
    own = random.stream("synthetic emotion", seed, emotion)
    place = random.stream("synthetic emotional corpus", seed, corpus)
    voice = random.stream("synthetic emotional speaker", seed, corpus, speaker)
    draw = random.stream("synthetic emotional utterance", seed, corpus, speaker, emotion, take)
    base = voice.uniform(90, 230) * 2 ** (0.12 * excited + draw.normal(0, 0.10))
    tract = voice.uniform(0.85, 1.2) * (1 + 0.05 * glad)
    pace = voice.uniform(0.85, 1.15) * (1 + 0.06 * excited) * draw.uniform(0.9, 1.1)
    tilt = 1.6 - 0.18 * excited - 0.06 * glad + draw.normal(0, 0.2)
    swing = 0.06 + 0.03 * excited + 0.05 * glad + own.uniform(0, 0.05)
    pieces = []
    for _ in range(int(draw.integers(5, 9))):
        count = int(draw.uniform(0.12, 0.24) * RATE / pace)
        way = np.linspace(0, 1, count)
        melody = np.sin(np.pi * way) if glad else -way
        hertz = base * (1 + swing * (melody + 0.5 * draw.standard_normal()))
        phase = np.cumsum(hertz / RATE)
        harmonics = np.arange(1, 30)
        formants = tract * np.array([draw.uniform(300, 800), draw.uniform(900, 2200), draw.uniform(2300, 3200)])
        level = harmonics**-tilt * sum(
            1 / (1 + ((harmonics * base - centre) / (90 + 0.06 * centre)) ** 2) for centre in formants
        )
        sound = (level[:, None] * np.sin(2 * np.pi * harmonics[:, None] * phase)).sum(0)
        sound = normalised(sound) + 0.05 * draw.standard_normal(count)
        pieces += [sound * np.sin(np.pi * way) ** 0.6, np.zeros(int(draw.uniform(0.01, 0.06) * RATE / pace))]
    said = np.concatenate(pieces)
    tail = place.standard_normal(2000) * np.exp(-np.arange(2000) / place.uniform(100, 600))
    tail[0] += place.uniform(4, 12)
    heard = normalised(np.convolve(said, tail)[: len(said)])
    noise = normalised(np.cumsum(draw.standard_normal(len(said))) % 7 - 3.5)
    mix = heard + 10 ** (-place.uniform(12, 30) / 20) * noise
    level = 10 ** ((-26 + 1.5 * excited + place.normal(0, 3) + draw.normal(0, 2)) / 20)
    clipped: np.ndarray = np.clip(level * normalised(mix), -1.0, 1.0)
    return clipped
