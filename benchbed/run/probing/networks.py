"""Heads that are trained by gradient, as HEAR and X-ARES train theirs, and HEAR's grid of settings.

HEAR (hearbenchmark/hear-eval-kit 8559649): Adam over batches of 1,024 for at most 500 epochs, looked at every third
epoch, ended when twenty looks brought nothing better, and kept as it was at the best; eight settings drawn from hidden
layers {1, 2} × learning rate {3.2e-3, 1e-3, 3.2e-4, 1e-4} × Xavier's initialisation {uniform, normal}.
X-ARES (jimbozhang/xares 161f0ef): Adam at 1e-3 over batches of 32 clips for ten epochs, the rate falling to a tenth
along a cosine, looked at after each epoch, and kept as it was at the best.
"""

from __future__ import annotations

import copy
import itertools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from benchbed.adapter.heads import NormedLine, Perceptron
from benchbed.rng import key, preserved_global_state, stream

#: HEAR's grid.
LAYERS, RATES, INITIALISATIONS = (1, 2), (3.2e-3, 1e-3, 3.2e-4, 1e-4), ("uniform", "normal")


@dataclass(frozen=True)
class Schedule:
    """How a head is trained.

    Attributes
    ----------
    rate : float
        Learning rate of Adam at the beginning.
    epochs : int
        At most.
    batch : int
        Vectors of a step.
    every : int
        Epochs from one look at the held-out clips to the next.
    patience : int
        Looks without a better score until it ends.
    end : float
        Share of the rate that is left at the end, along a cosine; 1: it stays.
    """

    rate: float = 1e-3
    epochs: int = 500
    batch: int = 1024
    every: int = 3
    patience: int = 20
    end: float = 1.0


@dataclass(frozen=True)
class GridPoint:
    """A setting of HEAR's grid: hidden layers, learning rate, initialisation."""

    layers: int
    rate: float
    initialisation: str


def grid(points: int) -> list[GridPoint]:
    """Settings of HEAR's grid, so many of them, drawn once and for all.

    Examples
    --------
    >>> len(grid(8)), len(set(grid(16))), grid(3) == grid(8)[:3]
    (8, 16, True)
    """
    every = [GridPoint(*each) for each in itertools.product(LAYERS, RATES, INITIALISATIONS)]
    order = stream("probe", "grid").permutation(len(every))
    return [every[number] for number in order[:points].tolist()]


def perceptron(width: int, classes: int, point: GridPoint) -> Callable[[], nn.Module]:
    """HEAR's head of a setting, made where its weights are drawn."""
    return lambda: Perceptron(width, classes, point.layers, point.initialisation)


def normed_line(width: int, classes: int) -> Callable[[], nn.Module]:
    """X-ARES's head, made where its weights are drawn."""
    return lambda: NormedLine(width, classes)


@dataclass(frozen=True)
class TaughtHead:
    """A trained head.

    Attributes
    ----------
    head : nn.Module
        As it was at the best look; at the end, where there was nothing to look at.
    score : float or None
        Of that look.
    epochs : int
        After how many epochs that was.
    """

    head: nn.Module
    score: float | None
    epochs: int


def train(
    make: Callable[[], nn.Module],
    vectors: np.ndarray,
    targets: np.ndarray,
    schedule: Schedule,
    look: Callable[[nn.Module], float] | None,
    *,
    exclusive: bool,
    name: str,
) -> TaughtHead:
    """Train a head.

    Parameters
    ----------
    make : callable
        Makes the head.
    vectors : np.ndarray [shape=(clip, feature)]
    targets : np.ndarray [shape=(clip, class)]
    schedule : Schedule
    look : callable or None
        How good a head is on held-out clips.
    exclusive : bool
        One class is right.
    name : str
        What the draws belong to.
    """
    with preserved_global_state(key("probe", name) % 2**63):
        head = make()
        optimiser = torch.optim.Adam(head.parameters(), lr=schedule.rate)
        x = torch.from_numpy(np.ascontiguousarray(vectors, np.float32))
        y = torch.from_numpy(np.ascontiguousarray(targets, np.float32))
        loss = nn.CrossEntropyLoss() if exclusive else nn.BCEWithLogitsLoss()
        best, idle = TaughtHead(head, None, 0), 0
        for epoch in range(schedule.epochs):
            for group in optimiser.param_groups:
                group["lr"] = _rate(schedule, epoch)
            head.train()
            for rows in _batches(len(x), schedule.batch):
                optimiser.zero_grad()
                loss(head(x[rows]), y[rows]).backward()
                optimiser.step()
            head.eval()
            if look is None:
                best = TaughtHead(head, None, epoch + 1)
            elif (epoch + 1) % schedule.every == 0 or epoch + 1 == schedule.epochs:
                score = look(head)
                idle += 1
                if best.score is None or score > best.score:
                    best, idle = TaughtHead(copy.deepcopy(head), score, epoch + 1), 0
                if idle >= schedule.patience:
                    break
    return best


def _rate(schedule: Schedule, epoch: int) -> float:
    low = schedule.end * schedule.rate
    return low + (schedule.rate - low) * (1 + math.cos(math.pi * epoch / schedule.epochs)) / 2


def _batches(clips: int, size: int) -> Iterator[torch.Tensor]:
    """Rows of each step, in a new order; a last one of a single clip is left out, of which no batch norm is taken."""
    order = torch.randperm(clips)
    for start in range(0, clips, size):
        rows = order[start : start + size]
        if len(rows) > 1 or clips == 1:
            yield rows
