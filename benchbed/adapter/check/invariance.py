"""Checks of what must not, or must, change the scores: repetition, company in a batch, scale and sample rate."""

from __future__ import annotations

import numpy as np

from benchbed import audio
from benchbed.adapter.check.trial import Status, Trial

#: Largest difference in probability that is put down to the order of floating point sums.
TOLERANCE = 1e-4
#: Levels beside the usual one that the scores are compared at.
SCALES = (0.5, 2.0, 4.0)


def determinism(trial: Trial) -> tuple[Status, str]:
    """The same batch twice gives the same scores."""
    signals = trial.noise()
    first, second = trial.predict(signals), trial.predict(signals)
    gap = trial.difference(first, second)
    # Answers that are no numbers may hold arrays, which only their own kind compares.
    if gap == 0 if first.dtype.kind == "O" else np.array_equal(first, second, equal_nan=first.dtype.kind == "f"):
        return "pass", "two calls agree bit for bit"
    return ("warn" if gap < TOLERANCE else "fail"), f"two calls on one batch differ by {gap:.3g} in probability"


def input_untouched(trial: Trial) -> tuple[Status, str]:
    """`predict` does not write into its batch, which conditions share."""
    signals = trial.noise()
    kept = signals.copy()
    trial.predict(signals)
    if not np.array_equal(signals, kept):
        return "fail", "predict changed the waveforms it was given; copy before scaling in place"
    return "pass", "the batch is left as it was"


def batch_invariance(trial: Trial) -> tuple[Status, str]:
    """A clip alone and in company gives the same scores."""
    signals = trial.noise()
    together = trial.predict(signals)
    alone = np.concatenate([trial.predict(signals[index : index + 1]) for index in range(len(signals))])
    gap = trial.difference(together, alone)
    if gap > TOLERANCE:
        return "fail", f"a clip's scores change by {gap:.3g} with the other clips of its batch"
    return "pass", f"alone and in a batch of {len(signals)} agree to {gap:.2g}"


def padding(trial: Trial) -> tuple[Status, str]:
    """A short clip padded to the longest of its batch gets the scores it has alone."""
    if trial.card.clip_seconds is not None:
        return "skipped", f"every clip is brought to {trial.card.clip_seconds:g} s first"
    if trial.output.class_scores == "time":
        return "skipped", f"{trial.card.output} depends on the clip's length"
    signals = trial.noise(2)
    short = max(signals.shape[2] // 2, int(np.ceil(trial.card.min_seconds * trial.card.sample_rate)))
    signals[1, :, short:] = 0
    padded = trial.predict(signals, [signals.shape[2], short])[1:]
    alone = trial.predict(signals[1:, :, :short])
    gap = trial.difference(padded, alone)
    if gap > TOLERANCE:
        return "warn", f"padding inside a batch changes scores by {gap:.3g}; runs batch clips of one length only"
    return "pass", f"padded in a batch and alone agree to {gap:.2g}"


def int16_scaling(trial: Trial) -> tuple[Status, str]:
    """Samples of ±32768 instead of ±1 change the scores, unless the adapter levels its input."""
    signals = trial.noise()
    gap = trial.difference(trial.predict(signals), trial.predict(signals * 32768.0))
    if not np.isfinite(gap):
        return "pass", "samples of ±32768 give scores that are not finite: the scale ±1 is expected"
    if gap <= TOLERANCE:
        return "warn", "samples of ±32768 get the same scores: the adapter levels its input, and loudness is lost to it"
    return "pass", f"samples of ±32768 change scores by {gap:.3g}: the scale is ±1 and matters"


def input_scale(trial: Trial) -> tuple[Status, str]:
    """Half, twice and four times the level: how far the scores move, as a wrong scale of the input would move them.

    A published comparison of AudioSet transformers lost 16.5 points of mAP to features that were twice as large.
    """
    signals = trial.noise()
    plain = trial.predict(signals)
    found = {scale: trial.difference(plain, trial.predict(signals * np.float32(scale))) for scale in SCALES}
    told = ", ".join(f"×{scale:g}: {gap:.3g}" for scale, gap in found.items())
    if not np.isfinite(list(found.values())).all():
        return "fail", f"louder or quieter sound gets scores that are not finite ({told})"
    if max(found.values()) <= TOLERANCE:
        return "pass", f"the level of the sound does not matter ({told})"
    return "pass", f"scores move with the level of the sound: {told}"


def sample_rate(trial: Trial) -> tuple[Status, str]:
    """Audio at half the rate, passed off as the card's, changes the scores."""
    signals = trial.noise()
    half = np.stack([audio.resample(clip, trial.card.sample_rate, trial.card.sample_rate // 2) for clip in signals])
    samples = signals.shape[2]
    half = np.concatenate([half, half], axis=2)[:, :, :samples]
    half = np.pad(half, ((0, 0), (0, 0), (0, samples - half.shape[2])))
    gap = trial.difference(trial.predict(signals), trial.predict(half.astype(np.float32)))
    if gap <= TOLERANCE:
        return "warn", f"audio at half the rate changes scores by {gap:.2g} only: a wrong rate would go unnoticed"
    return "pass", f"audio at half the rate changes scores by {gap:.3g}"


CHECKS = (determinism, input_untouched, batch_invariance, padding, int16_scaling, input_scale, sample_rate)
