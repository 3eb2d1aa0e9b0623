"""Spoken words as glides of formants over a voice, in noise: enough to tell words, speakers and takes apart.

A word is two to four sounds, each with two formants that move and with an onset of breath or none; a speaker has a
pitch, a length of the vocal tract and a pace; a take changes all of them a little. Nothing here is speech.
"""

from __future__ import annotations

import numpy as np

from benchbed import rng as random

#: Sample rate of a word in Hz.
WORD_RATE = 16000
#: The wake word, and the other words of the synthetic set.
WORDS = ("marvin", "sheila", "yes", "no", "up", "down", "left", "right", "on", "off", "stop", "go")


def spoken(seed: int, word: str, speaker: str, take: int) -> np.ndarray:
    """One second of a word, int16 `[sample]`.

    Parameters
    ----------
    seed : int
        Of the set: what words sound like, and who speaks.
    word : str
    speaker : str
    take : int

    Examples
    --------
    >>> sound = spoken(0, "marvin", "ab12", 0)
    >>> sound.shape, sound.dtype.name, bool((sound == spoken(0, "marvin", "ab12", 0)).all())
    ((16000,), 'int16', True)
    """
    form = random.stream("synthetic word", seed, word)
    voice = random.stream("synthetic speaker", seed, speaker)
    play = random.stream("synthetic utterance", seed, word, speaker, take)
    pitch, tract, pace = 90 * 2.4 ** voice.random(), 0.75 + 0.5 * voice.random(), 0.8 + 0.4 * voice.random()
    pitch, tract, pace = (value * (0.9 + 0.2 * play.random()) for value in (pitch, tract, pace))
    pieces = []
    for _ in range(int(form.integers(2, 5))):
        first, second = form.uniform(250, 850, 2), form.uniform(900, 2600, 2)
        length, breath = form.uniform(0.1, 0.2), form.random() < 0.4
        samples = int(length * WORD_RATE * pace)
        way = np.linspace(0, 1, samples)
        moved = [(tract * (a + (b - a) * way)) * (0.88 + 0.24 * play.random()) for a, b in (first, second)]
        pieces.append(_voiced(pitch * (1.1 - 0.25 * way), moved))
        if breath:
            pieces.insert(len(pieces) - 1, 0.3 * _breath(play, int(0.05 * WORD_RATE * pace), form.uniform(2000, 6000)))
    said = np.concatenate(pieces)[:WORD_RATE]
    clip = np.zeros(WORD_RATE)
    start = int(play.integers(0, WORD_RATE - len(said) + 1))
    clip[start : start + len(said)] = said / np.sqrt(np.mean(said**2))
    noise = np.cumsum(play.standard_normal(WORD_RATE))
    noise = noise - np.convolve(noise, np.full(64, 1 / 64), "same") + 2 * play.standard_normal(WORD_RATE)
    clip += noise / noise.std() * 10 ** (-play.uniform(-14, 8) / 20)
    return np.round(clip / np.abs(clip).max() * 32767 * 10 ** (-play.uniform(3, 15) / 20)).astype(np.int16)


def _voiced(pitch: np.ndarray, formants: list[np.ndarray]) -> np.ndarray:
    """Harmonics of a moving pitch under two resonances of 120 Hz, faded in and out."""
    phase = 2 * np.pi * np.cumsum(pitch) / WORD_RATE
    sound = np.zeros(len(pitch))
    for number in range(1, int(4000 / pitch.min()) + 1):
        tone = number * pitch
        gain = sum(1 / (1 + ((tone - centre) / 120) ** 2) for centre in formants)
        sound += gain / number**0.5 * np.sin(number * phase) * (tone < WORD_RATE / 2)
    edge = min(len(sound) // 4, 240)
    fade = np.ones(len(sound))
    fade[:edge], fade[len(sound) - edge :] = np.linspace(0, 1, edge), np.linspace(1, 0, edge)
    return sound * fade


def _breath(draw: np.random.Generator, samples: int, centre: float) -> np.ndarray:
    """Noise around a frequency."""
    noise = np.fft.rfft(draw.standard_normal(samples))
    place = np.fft.rfftfreq(samples, 1 / WORD_RATE)
    return np.fft.irfft(noise / (1 + ((place - centre) / 700) ** 2), samples)
