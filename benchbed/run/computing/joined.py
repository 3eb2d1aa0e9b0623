"""One answer of a clip from those of its windows, joined as probabilities, in the terms in which the model answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from benchbed.card import Card
from benchbed.outputs import output_of

if TYPE_CHECKING:
    import torch

#: From a model's input to scores.
Forward = Callable[["torch.Tensor"], "torch.Tensor"]


def joined(raw: np.ndarray, card: Card, how: str) -> np.ndarray:
    """Answers of windows as one for each clip.

    Logits of a scene model become logarithms of joined probabilities, which are logits of the same softmax; those of a
    tagger become logits of joined probabilities. Vectors without classes are averaged as they are.

    Parameters
    ----------
    raw : np.ndarray [shape=(clip, window, …)]
        What `predict` returned, as the card's `scores` says.
    card : Card
    how : {"mean", "max"}
        Over windows. The largest probabilities of a scene model are divided by their sum.

    Returns
    -------
    np.ndarray [shape=(clip, …), float64]
        As they are where there is one window.

    Examples
    --------
    >>> card = Card("t", "cnn", "tags", ("a", "b"), 8000, scores="probabilities")
    >>> joined(np.array([[[0.2, 0.8], [0.4, 0.0]]]), card, "mean").round(3).tolist()
    [[0.3, 0.4]]
    >>> scene = Card("t", "cnn", "scene", ("a", "b"), 8000)
    >>> logits = joined(np.log([[[0.2, 0.8], [0.4, 0.6]]]), scene, "mean")
    >>> np.exp(logits).round(3).tolist()
    [[0.3, 0.7]]
    """
    if raw.shape[1] == 1:
        return raw[:, 0]
    raw = raw.astype(np.float64)
    if not card.labels:
        return raw.mean(1)
    one_class = output_of(card.output).exclusive
    with np.errstate(divide="ignore", invalid="ignore"):
        if card.scores == "probabilities":
            found = raw.mean(1) if how == "mean" else raw.max(1)
            return found / found.sum(-1, keepdims=True) if one_class and how == "max" else found
        if card.scores == "logits" and not one_class:
            # log p and log (1 − p), each exact where the other is rounded away.
            yes, no = -np.logaddexp(0.0, -raw), -np.logaddexp(0.0, raw)
            return raw.max(1) if how == "max" else _log_mean(yes) - _log_mean(no)
        logs = raw if card.scores == "log_probabilities" else raw - _log_sum(raw, -1)
        found = logs.max(1) if how == "max" else _log_mean(logs)
        return found - _log_sum(found, -1) if one_class and how == "max" else found


def _log_sum(values: np.ndarray, axis: int) -> np.ndarray:
    """With the axis kept."""
    return np.expand_dims(np.asarray(np.logaddexp.reduce(values, axis=axis)), axis)


def _log_mean(logs: np.ndarray) -> np.ndarray:
    return _log_sum(logs, 1)[:, 0] - np.log(logs.shape[1])


def joined_tensor(raw: torch.Tensor, card: Card, how: str) -> torch.Tensor:
    """The differentiable twin of `joined`, of a tensor `[clip, window, class]`."""
    import torch

    if raw.shape[1] == 1:
        return raw[:, 0]
    one_class = output_of(card.output).exclusive
    if card.scores == "probabilities":
        found = raw.mean(1) if how == "mean" else raw.amax(1)
        return found / found.sum(-1, keepdim=True) if one_class and how == "max" else found
    count = float(np.log(raw.shape[1]))
    if card.scores == "logits" and not one_class:
        if how == "max":
            return raw.amax(1)
        yes, no = torch.nn.functional.logsigmoid(raw), torch.nn.functional.logsigmoid(-raw)
        return yes.logsumexp(1) - no.logsumexp(1)
    logs = raw if card.scores == "log_probabilities" else raw.log_softmax(-1)
    found = logs.amax(1) if how == "max" else logs.logsumexp(1) - count
    return found.log_softmax(-1) if one_class and how == "max" else found
