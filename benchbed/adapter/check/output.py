"""Checks of what `predict` returns: type, shape, range, and that calling it changes nothing else."""

from __future__ import annotations

import random

import numpy as np

from benchbed.adapter.asking import ask
from benchbed.adapter.check.trial import SECONDS, Status, Trial
from benchbed.errors import AdapterError
from benchbed.outputs.align import SUM_TOLERANCE
from benchbed.outputs.cards import impossible
from benchbed.outputs.contract import Heard
from benchbed.outputs.frames.grid import EDGE_FRAMES, drift
from benchbed.rng import preserved_global_state


def card(trial: Trial) -> tuple[Status, str]:
    """The card says what is needed to use the scores."""
    it = trial.card
    faults = impossible(it)
    if faults:
        return "fail", "; ".join(faults)
    if it.labels and all(label.isdigit() for label in it.labels):
        return "warn", "the labels are numbers: no dataset's labels will match them"
    length = f"{it.clip_seconds:g} s" if it.clip_seconds else "any length"
    classes = f"{len(it.labels)} labels, " if trial.output.classes else ""
    return "pass", f"{it.output}, {classes}{it.sample_rate} Hz, {it.channels} channel(s), {length}"


def shape(trial: Trial) -> tuple[Status, str]:
    """What a run takes: one row per clip, as the card's output has it, and floating point numbers in float32."""
    signals = trial.noise()
    samples = signals.shape[2]
    batch = trial.batch(signals)
    answers = ask(trial.adapter, batch)
    try:
        reading = trial.output.read(trial.card, trial.card.labels)
        reading.asked(batch.side)
        answers = reading.check(answers, len(signals), Heard(samples / trial.card.sample_rate, samples))
    except AdapterError as error:
        return "fail", error.what
    if answers.dtype.kind == "f" and answers.dtype != np.float32:
        return "warn", f"predict returned {answers.dtype} {list(answers.shape)}; float32 is expected"
    return "pass", f"{answers.dtype} {list(answers.shape)}"


def frame_grid(trial: Trial) -> tuple[Status, str]:
    """Frames of the card's length fill the audio; what they miss at one length and at twice it is the same edge."""
    hop, fixed = trial.card.frame_seconds, trial.card.clip_seconds
    if not hop:
        return "skipped", "the card has no frame_seconds"
    lengths = [fixed] if fixed else [max(SECONDS, trial.card.min_seconds), 2 * max(SECONDS, trial.card.min_seconds)]
    counts = []
    for seconds in lengths:
        scores = trial.predict(trial.noise(1, seconds))
        if scores.ndim != 3:
            return "skipped", f"{trial.card.output} has no frames"
        counts.append(scores.shape[1])
        said, refused = drift(counts[-1], hop, seconds)
        if said is not None:
            return ("fail" if refused else "warn"), said
    seen = ", ".join(f"{count} frames of {hop:g} s for {seconds:g} s" for count, seconds in zip(counts, lengths))
    if len(lengths) == 2:
        more, given = lengths[1] - lengths[0], counts[1] - counts[0]
        if abs(given * hop - more) > (EDGE_FRAMES + 1e-6) * hop:
            return "warn", f"{seen}: a frame is {more / max(given, 1):g} s, the card says {hop:g} s"
    return "pass", seen


def single_clip(trial: Trial) -> tuple[Status, str]:
    """A batch of one clip keeps its axes; a stray squeeze loses them."""
    scores = trial.predict(trial.noise(1))
    many = trial.predict(trial.noise(2))
    if scores.shape[1:] != many.shape[1:]:
        return "fail", f"one clip gives shape {list(scores.shape)}, two give {list(many.shape)}"
    return "pass", f"shape {list(scores.shape)}"


def scores_as_declared(trial: Trial) -> tuple[Status, str]:
    """Scores are finite and what the card calls them: logits, probabilities or logarithms."""
    if not trial.output.class_scores:
        return "skipped", f"{trial.card.output} has no class scores"
    scores = trial.predict(trial.noise())
    if not np.isfinite(scores).all():
        return "fail", f"{int((~np.isfinite(scores)).sum())} of {scores.size} scores of ordinary noise are not finite"
    low, high, total = scores.min(), scores.max(), scores.sum(-1)
    seen = f"scores from {low:.4g} to {high:.4g}"
    kind, scene = trial.card.scores, trial.output.exclusive
    sums_to_one = bool(np.abs(total - 1).max() < SUM_TOLERANCE)
    if kind == "probabilities":
        if low < -1e-6 or high > 1 + 1e-4:
            return "fail", f"the card says probabilities, but {seen}"
        if scene and not sums_to_one:
            return "fail", f"probabilities of a clip sum to {total.min():.4g} … {total.max():.4g}, not 1"
    elif kind == "log_probabilities" and high > 1e-4:
        return "fail", f"the card says log_probabilities, but {seen}"
    elif kind == "logits" and low >= 0 and high <= 1 and (sums_to_one or not scene):
        return "warn", f"the card says logits, but {seen} look like probabilities; a second softmax would flatten them"
    elif kind == "logits" and high <= 0 and scene and np.abs(np.exp(scores).sum(-1) - 1).max() < SUM_TOLERANCE:
        return "pass", f"{seen}; they are logarithms of probabilities, which a softmax leaves as they are"
    return "pass", seen


def listens(trial: Trial) -> tuple[Status, str]:
    """Different sounds get different scores; a model whose input is lost answers alike."""
    signals = trial.noise(3)
    signals[1] *= np.linspace(0.1, 1, signals.shape[-1], dtype=np.float32)
    scores = trial.predict(signals)
    spread = max(trial.difference(scores[:1], scores[index : index + 1]) for index in (1, 2))
    if spread == 0.0 and scores.dtype.kind == "O":
        return "warn", "three different noises get the same answer, which may be all that there is to say of noise"
    if spread == 0.0:
        return "fail", "three different sounds get exactly the same scores"
    return "pass", f"scores of three sounds differ by up to {spread:.3g}"


def global_state(trial: Trial) -> tuple[Status, str]:
    """`predict` moves no global random state and leaves torch modules in evaluation mode."""
    import torch

    # A state of its own: a model that seeds would otherwise leave the state as it finds it from the second call on.
    with preserved_global_state(seed=20_090_807):
        before = (random.getstate(), np.random.get_state(), torch.get_rng_state())  # noqa: NPY002
        trial.predict(trial.noise(2))
        after = (random.getstate(), np.random.get_state(), torch.get_rng_state())  # noqa: NPY002
    moved = [
        name
        for name, same in (
            ("random", before[0] == after[0]),
            ("numpy.random", all(np.array_equal(a, b) for a, b in zip(before[1], after[1]))),
            ("torch", torch.equal(before[2], after[2])),
        )
        if not same
    ]
    if moved:
        return "fail", f"predict moved the global random state of {', '.join(moved)}"
    training = [
        name
        for name, value in vars(trial.adapter).items()
        if isinstance(value, torch.nn.Module) and any(module.training for module in value.modules())
    ]
    if training:
        return (
            "fail",
            f"{', '.join(training)} is in training mode: dropout and batch statistics make scores depend on chance",
        )
    return "pass", "random state untouched, evaluation mode"


CHECKS = (card, shape, frame_grid, single_clip, scores_as_declared, listens, global_state)
