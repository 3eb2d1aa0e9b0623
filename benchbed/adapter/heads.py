"""What a probe puts on frozen embeddings: a linear layer, a small network, or the nearest neighbours in a bank; and the
file that keeps one.

====================  ==============================================================================================
`linear`              one layer, fitted to the optimum of an L2-regularised logistic regression
`mlp`                 HEAR's: one or two hidden layers of 1,024 with batch norm, dropout and ReLU, in that order
                      (hearbenchmark/hear-eval-kit 8559649, `FullyConnectedPrediction`)
`xares`               X-ARES's: a layer norm and one layer (jimbozhang/xares 161f0ef, `Mlp`)
`knn`                 X-ARES's: cosine to a bank, the ten nearest weighted by a softmax at a temperature of 0.07 (`KNN`)
`knn_xares`           the same as X-ARES computes it, which divides each feature by its length over the bank, and no
                      clip of the bank by its own: no cosine, though it is called one
====================  ==============================================================================================
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import torch
from torch import nn

from benchbed.errors import CheckpointError

Head = Literal["none", "linear", "mlp", "xares", "knn", "knn_xares"]
#: Width of HEAR's hidden layers, and its dropout.
HIDDEN, DROPOUT = 1024, 0.1
#: Temperature of X-ARES's neighbours.
TEMPERATURE = 0.07


class Perceptron(nn.Module):
    """HEAR's head: vectors `[…, feature]` to logits `[…, class]`.

    Parameters
    ----------
    width, classes : int
        Features and classes.
    layers : int
        Hidden layers.
    initialisation : str
        `uniform` or `normal`: Xavier's, as HEAR's grid has both.
    """

    def __init__(self, width: int, classes: int, layers: int = 1, initialisation: str = "uniform") -> None:
        super().__init__()
        drawn = nn.init.xavier_uniform_ if initialisation == "uniform" else nn.init.xavier_normal_
        parts: list[nn.Module] = []
        gain = nn.init.calculate_gain("linear")
        for _ in range(layers):
            linear = nn.Linear(width, HIDDEN)
            drawn(linear.weight, gain=gain)
            parts += [linear, nn.BatchNorm1d(HIDDEN), nn.Dropout(DROPOUT), nn.ReLU()]
            width, gain = HIDDEN, nn.init.calculate_gain("relu")
        self.hidden = nn.Sequential(*parts)
        self.projection = nn.Linear(width, classes)
        drawn(self.projection.weight, gain=gain)

    def forward(self, vectors: torch.Tensor) -> torch.Tensor:
        flat = self.projection(self.hidden(vectors.flatten(0, -2)))
        return flat.reshape(*vectors.shape[:-1], -1)


class NormedLine(nn.Module):
    """X-ARES's head: vectors `[…, feature]` to logits `[…, class]`."""

    def __init__(self, width: int, classes: int) -> None:
        super().__init__()
        self.ln = nn.LayerNorm(width)
        self.fc = nn.Linear(width, classes)

    def forward(self, vectors: torch.Tensor) -> torch.Tensor:
        return self.fc(self.ln(vectors))


class Neighbours(nn.Module):
    """X-ARES's neighbours: vectors `[clip, feature]` to probabilities `[clip, class]`.

    Parameters
    ----------
    bank : torch.Tensor [shape=(neighbour, feature)]
    targets : torch.Tensor [shape=(neighbour, class)]
        1 where a clip of the bank is of a class.
    neighbours : int
        How many are asked; all of a smaller bank.
    axis : int
        Along which the bank is divided by its length: 1 for cosines, 0 as X-ARES does.

    Examples
    --------
    >>> bank, targets = torch.eye(2), torch.eye(2)
    >>> [round(value, 3) for value in Neighbours(bank, targets, 1)(torch.tensor([[0.9, 0.1]]))[0].tolist()]
    [1.0, 0.0]
    """

    bank: torch.Tensor
    targets: torch.Tensor

    def __init__(self, bank: torch.Tensor, targets: torch.Tensor, neighbours: int = 10, axis: int = 1) -> None:
        super().__init__()
        self.neighbours = neighbours
        self.register_buffer("bank", nn.functional.normalize(bank.float(), dim=axis))
        self.register_buffer("targets", targets.float())

    def forward(self, vectors: torch.Tensor) -> torch.Tensor:
        near = nn.functional.normalize(vectors, dim=1) @ self.bank.T
        weights, rows = near.topk(min(self.neighbours, near.shape[1]), dim=1)
        shares = nn.functional.softmax(weights / TEMPERATURE, dim=1)
        # Shares of one sum to it but for rounding, and a probability is at most one.
        return (self.targets[rows] * shares[..., None]).sum(1).clamp(0, 1)


def head_of(kind: str, width: int, classes: int, options: Mapping[str, Any]) -> nn.Module:
    """An untrained head.

    Parameters
    ----------
    kind : str
        Of `Head`, but `none`.
    width, classes : int
    options : mapping
        `layers` of `mlp`; `bank` (how many) and `neighbours` of `knn`.
    """
    if kind == "mlp":
        return Perceptron(width, classes, int(options.get("layers", 1)))
    if kind == "xares":
        return NormedLine(width, classes)
    if kind in ("knn", "knn_xares"):
        clips = int(options.get("bank", 1))
        return Neighbours(torch.zeros(clips, width), torch.zeros(clips, classes), int(options.get("neighbours", 10)))
    return nn.Linear(width, classes)


def keep_head(path: Path, head: nn.Module, about: Mapping[str, Any]) -> None:
    """Write a head, and what there is to say of it, whole or not at all."""
    from safetensors.torch import save

    from benchbed.whole import write_whole

    state = {name: value.detach().cpu().contiguous() for name, value in head.state_dict().items()}
    write_whole(path, save(state, {"probe": json.dumps(dict(about), sort_keys=True)}))


def kept_head(path: Path) -> tuple[nn.Module, dict[str, Any]]:
    """A head that `keep_head` wrote, and what it said of it.

    Raises
    ------
    CheckpointError
        The file is no head.
    """
    from benchbed.adapter.checkpoint import fit_state_dict, load_state_dict, read_metadata

    about = read_metadata(path).get("probe")
    if about is None:
        raise CheckpointError("the file holds no probe", where=str(path), hint="leave `taught` out: a run trains one")
    told = json.loads(about)
    head = head_of(told["kind"], told["width"], len(told["labels"]), told["options"])
    fit_state_dict(head, load_state_dict(path), where=str(path))
    return head.eval(), told
