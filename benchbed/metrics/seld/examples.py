"""Random recordings with answers that know something about them, for the tests that every family must pass."""

from __future__ import annotations

import numpy as np

from benchbed.outputs.tracks.recording import Tracks, tracks


def random_tracks(
    generator: np.random.Generator, recordings: int, classes: int, *, frames: int = 40
) -> tuple[np.ndarray, np.ndarray]:
    """Outputs and references of random recordings with moving sources, up to three of a class at a time.

    Parameters
    ----------
    generator : np.random.Generator
        Source of randomness.
    recordings, classes : int
        Their numbers.
    frames : int, default=40
        Frames of each recording.

    Returns
    -------
    np.ndarray [shape=(recording,), object]
        `Tracks` of each output.
    np.ndarray [shape=(recording,), object]
        Reference `Tracks`.

    Examples
    --------
    >>> outputs, target = random_tracks(np.random.default_rng(0), 2, 3)
    >>> outputs[0].frames, target[0].frames
    (40, 40)
    """
    outputs, target = np.empty(recordings, object), np.empty(recordings, object)
    for i in range(recordings):
        target[i] = _reference(generator, classes, frames)
        outputs[i] = _answer(generator, target[i], classes)
    return outputs, target


def _reference(generator: np.random.Generator, classes: int, frames: int) -> Tracks:
    parts = []
    for source in range(int(generator.integers(1, 6))):
        start = int(generator.integers(0, frames - 2))
        length = int(generator.integers(2, frames - start + 1))
        begin, turn = generator.uniform(-170, 170), generator.uniform(-4, 4)
        azimuth = (begin + turn * np.arange(length) + 180) % 360 - 180
        column = np.ones(length)
        parts.append(
            (
                start + np.arange(length),
                column * generator.integers(0, classes),
                column * (source % 3),
                azimuth,
                column * generator.uniform(-40, 40),
                column * generator.uniform(0.5, 4),
                column * generator.integers(0, 2),
            )
        )
    frame, label, source_, azimuth, elevation, distance, seen = map(np.concatenate, zip(*parts))
    return tracks(frame, label, azimuth, elevation, source=source_, distance=distance, onscreen=seen > 0, frames=frames)


def _answer(generator: np.random.Generator, reference: Tracks, classes: int) -> Tracks:
    found = reference.only(generator.random(len(reference)) < 0.8)
    count = len(found)
    wrong = generator.random(count) < 0.1
    return tracks(
        found.frame,
        np.where(wrong, generator.integers(0, classes, count), found.label),
        (found.azimuth + 8 * generator.standard_normal(count) + 180) % 360 - 180,
        np.clip(found.elevation + 4 * generator.standard_normal(count), -90, 90),
        distance=np.asarray(found.distance) * np.exp(0.4 * generator.standard_normal(count)),
        onscreen=np.asarray(found.onscreen) ^ (generator.random(count) < 0.2),
        frames=reference.frames,
    )
