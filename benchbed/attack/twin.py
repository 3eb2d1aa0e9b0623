"""Class scores of a model as attacks differentiate them: a reading's answers on the scale of the losses."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from benchbed.card import Card
from benchbed.outputs.align import Alignment

if TYPE_CHECKING:
    import torch

#: From a model's input to scores.
Forward = Callable[["torch.Tensor"], "torch.Tensor"]


def exclusive(forward: Forward, alignment: Alignment) -> Forward:
    """Scores in the dataset's classes, as logits or logarithms, whose order is that of the aligned probabilities."""
    import torch

    card = alignment.card

    def scores(points: torch.Tensor) -> torch.Tensor:
        raw = forward(points)
        if card.scores == "probabilities":
            raw = raw.clamp_min(torch.finfo(raw.dtype).tiny).log()
        elif card.scores == "logits" and not alignment.distribution:
            raw = torch.nn.functional.logsigmoid(raw)
        return _largest(raw, alignment)

    return scores


def independent(forward: Forward, alignment: Alignment) -> Forward:
    """Log-odds of the dataset's classes, each on its own: 0 is a probability of one half."""

    def scores(points: torch.Tensor) -> torch.Tensor:
        return _largest(_log_odds(forward(points), alignment.card, alignment.distribution), alignment)

    return scores


def _largest(scores: torch.Tensor, alignment: Alignment) -> torch.Tensor:
    import torch

    if all(len(column) == 1 for column in alignment.columns):
        return scores[..., [column[0] for column in alignment.columns]]
    return torch.stack([scores[..., list(column)].amax(-1) for column in alignment.columns], -1)


def _log_odds(raw: torch.Tensor, card: Card, distribution: bool) -> torch.Tensor:
    import torch

    if card.scores == "logits" and not distribution:
        return raw
    if card.scores == "probabilities":
        limits = torch.finfo(raw.dtype)
        raw = raw.clamp(limits.tiny, 1 - limits.eps / 2)
        return raw.log() - torch.log1p(-raw)
    logarithms = raw.log_softmax(-1) if card.scores == "logits" else raw
    logarithms = logarithms.clamp(-80.0, -torch.finfo(raw.dtype).eps / 2)
    return logarithms - torch.log(-torch.expm1(logarithms))
