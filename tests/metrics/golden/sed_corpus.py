"""A small corpus of frame scores and events for figures made elsewhere; with two decimals many scores are equal."""

from __future__ import annotations

import numpy as np

CLASSES, FRAMES, HOP = 4, 40, 0.25


def corpus(decimals: int) -> list[tuple[np.ndarray, list[tuple[float, float, int]]]]:
    """Scores `[frame, class]` and events (onset, offset, class) of thirty recordings."""
    generator = np.random.default_rng(7)
    middle = (np.arange(FRAMES) + 0.5) * HOP
    made = []
    for _ in range(30):
        count = int(generator.integers(0, 6))
        onsets = np.round(generator.integers(0, 80, count) / 8, 3)
        lengths = generator.integers(2, 24, count) / 8
        labels = generator.integers(0, CLASSES, count)
        events: dict[int, list[list[float]]] = {}
        for onset, length, label in sorted(zip(onsets, lengths, labels)):
            offset = min(onset + length, FRAMES * HOP)
            held = events.setdefault(int(label), [])
            if held and onset <= held[-1][1]:
                held[-1][1] = max(held[-1][1], offset)
            elif offset > onset:
                held.append([float(onset), float(offset)])
        active = np.zeros((FRAMES, CLASSES))
        for label, held in events.items():
            for onset, offset in held:
                active[(middle >= onset) & (middle < offset), label] = 1
        noise = generator.random((FRAMES, CLASSES))
        smooth = noise.copy()
        smooth[1:] += noise[:-1]
        smooth[2:] += noise[:-2]
        scores = np.round(np.clip(0.3 * active + 0.23 * smooth, 0.001, 0.999), decimals)
        made.append((scores, [(on, off, label) for label, held in events.items() for on, off in held]))
    return made
