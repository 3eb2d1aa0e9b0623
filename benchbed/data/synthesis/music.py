"""Music in miniature: a chord in a rhythm. Genres differ by their beat, instruments by timbre, moods by chord."""

from __future__ import annotations

import numpy as np

from benchbed import rng as random
from benchbed.data.synthesis import RATE
from benchbed.data.synthesis.sources import bands, normalised, period, tone

SECONDS = 2.0
#: Genre → beats in a second, and the level of its drums over the notes in dB.
BEATS = {"ambient": (0.5, -20.0), "folk": (1.5, -10.0), "rock": (2.5, 0.0), "techno": (4.5, 3.0)}
#: Instrument → how fast its harmonics fall, whether it has even ones, and the seconds in which a note dies away.
TIMBRES = {
    "flute": (3.0, True, 1.2),
    "clarinet": (1.2, False, 1.0),
    "strings": (0.8, True, 1.5),
    "piano": (1.6, True, 0.15),
}
#: Mood → semitones of its chord, and octaves from the middle.
CHORDS = {"happy": ((0, 4, 7), 0.5), "sad": ((0, 3, 7), -0.5), "dark": ((0, 1, 6), -1.5)}
GENRES, INSTRUMENTS, MOODS = tuple(BEATS), tuple(TIMBRES), tuple(CHORDS)


def track(seed: int, genre: str, instruments: tuple[str, ...], mood: str, artist: int, take: int) -> np.ndarray:
    """One track, by a key and tempo of its artist's own.

    Returns
    -------
    np.ndarray [shape=(sample,), int16]
        At 32 kHz.

    Examples
    --------
    >>> track(0, "rock", ("piano",), "sad", 3, 1).shape
    (64000,)
    """
    count = round(SECONDS * RATE)
    own = random.stream("synthetic music artist", seed, artist)
    draw = random.stream("synthetic music track", seed, artist, take)
    beats, drums = BEATS[genre]
    beats *= 2 ** (0.2 * float(own.standard_normal()) + 0.1 * float(draw.standard_normal()))
    turn = (np.arange(count) / RATE * beats + draw.random()) % 1.0
    steps, octave = CHORDS[mood]
    root = 330 * 2 ** (octave + 0.25 * float(own.standard_normal()) + 0.15 * float(draw.standard_normal()))
    notes = np.zeros(count)
    for name in instruments:
        fall, even, dies = TIMBRES[name]
        number = np.arange(1, 17)
        amplitudes = number**-fall * np.exp(0.3 * own.standard_normal(16)) * np.where(even | (number % 2 == 1), 1, 0.02)
        wave = period(amplitudes, 2 * np.pi * draw.random(16))
        chord = sum(tone(wave, np.full(count, root * 2 ** (step / 12)), draw.random()) for step in steps)
        notes += normalised(chord * np.exp(-turn / beats / dies))
    noise = np.fft.irfft(np.fft.rfft(draw.standard_normal(count)) * bands(-3.0 * np.arange(10), count // 2 + 1), count)
    hits = normalised(noise * np.exp(-turn / beats / 0.03))
    mix = normalised(notes) + 10 ** (drums / 20) * hits + 0.05 * draw.standard_normal(count)
    level = 10 ** ((-22 + 3 * float(draw.standard_normal())) / 20)
    return np.rint(normalised(mix) * level * 32768).clip(-32768, 32767).astype(np.int16)
