"""What detectors have in common whatever their layers: tags from frames, and a card from what their weights say."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch


def tags_of(frames: torch.Tensor, weights: torch.Tensor | None = None) -> torch.Tensor:
    """Probabilities of a clip [clip, class] from those of its frames [clip, frame, class].

    Parameters
    ----------
    frames : torch.Tensor [shape=(clip, frame, class)]
        Probabilities.
    weights : torch.Tensor [shape=(clip, frame, class)], optional
        How much each frame counts. Without them it is linear softmax (Wang, Li and Metze 2019): frames count as much
        as they are sure.

    Examples
    --------
    >>> import torch
    >>> round(tags_of(torch.tensor([[[0.2], [0.6]]])).item(), 4)
    0.5
    """
    weights = frames if weights is None else weights
    return ((frames * weights).sum(1) / weights.sum(1).clamp_min(1e-7)).clamp(0, 1)


def card_of(about: Mapping[str, str]) -> dict[str, Any]:
    """Fields of a card that the metadata of weights written by `adapters/training/train.py` hold.

    Examples
    --------
    >>> card_of({"weight_bits": "16", "trained_on": '["desed"]', "label_map": '{"Dog": ["Bark"]}'})
    {'label_map': {'Dog': ('Bark',)}, 'weight_bits': 16, 'trained_on': ('desed',), 'trained_with': ()}
    """
    return {
        "label_map": {k: tuple(v) for k, v in json.loads(about.get("label_map", "{}")).items()},
        "weight_bits": int(about.get("weight_bits", 32)),
        "trained_on": tuple(json.loads(about.get("trained_on", "[]"))),
        "trained_with": tuple(json.loads(about.get("trained_with", "[]"))),
    }
