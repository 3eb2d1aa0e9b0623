"""The check of what only sounds of known class can tell: label order and front end."""

from __future__ import annotations

import numpy as np

from benchbed.adapter.check.trial import Status, Trial
from benchbed.errors import AdapterError
from benchbed.outputs.align import alignment_of


def label_order(trial: Trial) -> tuple[Status, str]:
    """Accuracy on the probe set is above chance; at chance, label order, rate or front end is suspicious."""
    if trial.probes is None:
        return "skipped", "no probe set was given"
    if trial.output.class_scores != "clip":
        return "skipped", f"{trial.card.output} has no clip scores"
    labels = tuple(dict.fromkeys(trial.probes.labels))
    try:
        alignment = alignment_of(trial.card, labels)
    except AdapterError:
        return "skipped", f"the probe set has the classes {', '.join(labels[:3])}, …, which this model does not know"
    inputs = [trial.as_input(waveform, trial.probes.sample_rate) for waveform in trial.probes.waveforms]
    scores = np.concatenate([trial.predict(clip[None]) for clip in inputs])
    guesses = alignment.apply(scores).argmax(1)
    truth = np.array([labels.index(label) for label in trial.probes.labels])
    hits, count = int((guesses == truth).sum()), len(truth)
    chance = 1 / len(labels)
    seen = f"{hits} of {count} probe clips right ({hits / count:.0%}, chance {chance:.0%})"
    # Two standard deviations of guessing: a model this low cannot be told from one that guesses.
    if hits / count <= chance + 2 * np.sqrt(chance * (1 - chance) / count):
        best = _best_order(guesses, truth, len(labels))
        if best > 0.5 and best > 3 * hits / count:
            return "warn", f"{seen}; with its labels in another order {best:.0%} would be right: check their order"
        return "warn", f"{seen}; check label order, sample rate, scaling and front end"
    return "pass", seen


def _best_order(guesses: np.ndarray, truth: np.ndarray, classes: int) -> float:
    """Share of right answers if the model's labels could be permuted freely."""
    from scipy.optimize import linear_sum_assignment

    table = np.zeros((classes, classes))
    np.add.at(table, (truth, guesses), 1)
    rows, columns = linear_sum_assignment(-table)
    return float(table[rows, columns].sum() / len(truth))


CHECKS = (label_order,)
