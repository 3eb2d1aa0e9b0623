"""Embeddings: turn one away from where it was when clean.

Scores are embeddings `[clip, feature]`; the reference is the clean embedding of the clip, so that no class is needed.
"""

from __future__ import annotations

import torch

from benchbed.attack.twin import Forward
from benchbed.outputs.contract import Heard, Reading

#: Cosine to the clean embedding from which on a clip counts as broken, where nothing else is said.
TURNED = 0.5


def scores(forward: Forward, reading: Reading, heard: Heard) -> Forward:
    """What the losses climb, of a model's `forward`: embeddings, as they are."""
    return forward


def turn(scores: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """One minus the cosine to the clean embedding.

    Examples
    --------
    >>> turn(torch.tensor([[0.0, 2.0]]), torch.tensor([[1.0, 0.0]])).tolist()
    [1.0]
    """
    return 1 - torch.nn.functional.cosine_similarity(scores, target.to(scores), dim=1)


def depart(scores: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Squared distance to the clean embedding, in lengths of it: its gradient does not vanish where the angle's does.

    Examples
    --------
    >>> depart(torch.tensor([[0.0, 2.0]]), torch.tensor([[1.0, 0.0]])).tolist()
    [5.0]
    """
    away = (scores - target.to(scores)).square().sum(1)
    return away / target.to(scores).square().sum(1).clamp_min(1e-12)


def margin(scores: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Cosine to the clean embedding above one half; negative where it has turned further.

    Examples
    --------
    >>> margin(torch.tensor([[0.0, 2.0]]), torch.tensor([[1.0, 0.0]])).tolist()
    [-0.5]
    """
    return 1 - turn(scores, target) - TURNED


LOSSES = {"turn": turn, "depart": depart}
GOALS = {"turn": ("turn", "depart")}
DEFAULTS = GOALS["turn"]
#: At the clean point the angle is zero whichever way one goes, and embeddings of one sign turn a right angle at most.
STILL = True
