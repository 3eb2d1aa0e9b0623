"""Checks with odd input: silence, NaN, very short, very long and stereo."""

from __future__ import annotations

import numpy as np

from benchbed.adapter.check.trial import Status, Trial


def silence(trial: Trial) -> tuple[Status, str]:
    """Digital silence gets finite scores; log(0) in a front end does not."""
    scores = trial.predict(np.zeros_like(trial.noise(2)))
    if not trial.usable(scores).all():
        return "fail", "silence gives NaN or infinite scores; add a floor before the logarithm"
    if scores.dtype.kind == "O":
        return "pass", f"an answer: {scores[0]}"[:100]
    if trial.output.class_scores == "clip":
        return "pass", f"finite; highest probability {trial.confidence(scores).max():.3g}"
    return "pass", "finite"


def not_a_number(trial: Trial) -> tuple[Status, str]:
    """A clip with NaN samples must not get a confident answer, nor spoil its neighbours."""
    signals = trial.noise()
    clean = trial.predict(signals)
    signals[0, :, : signals.shape[2] // 2] = np.nan
    scores = trial.predict(signals)
    gap = trial.difference(clean[1:], scores[1:])
    if gap > 1e-4:
        return "fail", f"NaN in one clip changes the scores of the others by {gap:.3g}"
    if not trial.usable(scores[:1]).all():
        return "pass", "a clip with NaN gets NaN scores, and its neighbours keep theirs"
    said = "" if scores.dtype.kind == "O" else f" (highest score {float(trial.confidence(scores)[0].max()):.3g})"
    return "warn", f"a clip with NaN gets a finite answer{said}; runs refuse such clips before"


def short_clip(trial: Trial) -> tuple[Status, str]:
    """0.1 s, brought to length as the card says."""
    return _length(trial, 0.1)


def long_clip(trial: Trial) -> tuple[Status, str]:
    """60 s, brought to length as the card says."""
    return _length(trial, 60.0)


def stereo(trial: Trial) -> tuple[Status, str]:
    """Two channels handed to a mono model are refused or mixed down; a run mixes down before."""
    if trial.card.channels != 1:
        return "skipped", f"the model takes {trial.card.channels} channels"
    left = trial.noise(2)
    both = np.concatenate([left, 0.2 * left[::-1]], axis=1)
    try:
        scores = trial.predict(both)
    except Exception as error:  # whatever an adapter raises, it did not pass the fault on silently
        return "pass", f"two channels are refused ({type(error).__name__})"
    gap = trial.difference(trial.predict(both.mean(1, keepdims=True)), scores)
    if gap > 1e-4:
        return (
            "warn",
            f"two channels are taken, but not as their mean (scores differ by {gap:.3g}); runs mix down before",
        )
    return "pass", "two channels are taken as their mean"


def _length(trial: Trial, seconds: float) -> tuple[Status, str]:
    clip = trial.as_input(trial.noise(1, seconds)[0])
    scores = trial.predict(clip[None])
    used = clip.shape[1] / trial.card.sample_rate
    if not trial.usable(scores).all():
        return "fail", f"{seconds:g} s (as {used:g} s) give NaN or infinite scores"
    return "pass", f"{seconds:g} s reach the model as {used:g} s; scores {list(scores.shape)}"


CHECKS = (silence, not_a_number, short_clip, long_clip, stereo)
