"""Random recordings with frame scores that know something about them, for the tests that every family must pass."""

from __future__ import annotations

import numpy as np

from benchbed.outputs.frames.recording import SECOND, Events, FrameScores, merge


def random_corpus(
    generator: np.random.Generator, clips: int, classes: int, *, frames: int = 50, hop: int = 200_000
) -> tuple[np.ndarray, np.ndarray]:
    """Frame scores and reference events of random recordings.

    Parameters
    ----------
    generator : np.random.Generator
        Source of randomness.
    clips, classes : int
        Their numbers.
    frames : int, default=50
        Frames of each recording.
    hop : int, default=200000
        Length of a frame in microseconds.

    Returns
    -------
    np.ndarray [shape=(clip,), object]
        `FrameScores` of each recording.
    np.ndarray [shape=(clip,), object]
        Reference `Events` of each recording.

    Examples
    --------
    >>> outputs, target = random_corpus(np.random.default_rng(0), 2, 3)
    >>> outputs[0].scores.shape, len(target)
    ((50, 3), 2)
    """
    outputs, target = np.empty(clips, object), np.empty(clips, object)
    edges = np.arange(frames + 1) * hop
    middle = (edges[1:] + edges[:-1]) / 2
    for i in range(clips):
        count = int(generator.integers(0, 5))
        onset = generator.integers(0, edges[-1] - SECOND // 2, count)
        offset = np.minimum(onset + generator.integers(SECOND // 4, 3 * SECOND, count), edges[-1])
        events = merge(Events(onset, offset, generator.integers(0, classes, count), int(edges[-1])))
        active = np.zeros((frames, classes))
        for on, off, label in zip(events.onset, events.offset, events.label):
            active[(middle >= on) & (middle < off), label] = 1
        scores = np.clip(0.25 + 0.45 * active + 0.12 * generator.standard_normal((frames, classes)), 0.001, 0.999)
        outputs[i], target[i] = FrameScores(scores, edges), events
    return outputs, target
