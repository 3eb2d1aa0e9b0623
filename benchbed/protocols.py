"""The seams of benchbed on one page: what each side may expect of the other, whoever wrote it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np
    import torch

    from benchbed.card import Card
    from benchbed.types import Batch


class Locates(Protocol):
    """From the path of a value in a document to the place it was written at, for error messages."""

    def __call__(self, *place: str | int) -> str | None:
        """The place; None where nobody wrote it."""


class Answers(Protocol):
    """Whatever takes a batch and gives scores."""

    def predict(self, batch: Batch) -> np.ndarray:
        """Scores of a batch."""


class Model(Answers, Protocol):
    """A model that can be asked: an adapter, or one that was cut behind its front end."""

    @property
    def card(self) -> Card:
        """What the model is."""

    @property
    def model(self) -> torch.nn.Module | None:
        """The network, where torch can see one."""

    @property
    def forward(self) -> Callable[[torch.Tensor], torch.Tensor] | None:
        """Differentiable path from inputs to scores that agrees with `predict`, where there is one."""

    @property
    def attack_forward(self) -> Callable[[torch.Tensor], torch.Tensor] | None:
        """Another path for gradients alone, where there is one."""


class Checked(Protocol):
    """What a check says: of an adapter, or of a run's record."""

    @property
    def name(self) -> str:
        """Name of the check."""

    @property
    def status(self) -> str:
        """`pass`, `warn`, `fail` or `skipped`."""

    @property
    def message(self) -> str:
        """What was seen."""


class Losses(Protocol):
    """What an attack on one kind of output climbs: a module of `benchbed.attack.losses`, or one aimed at a goal."""

    @property
    def LOSSES(self) -> Mapping[str, Callable[[torch.Tensor, torch.Tensor], torch.Tensor]]:
        """Name → loss `(scores, target) → [clip]`, greater is worse for the model."""

    def margin(self, scores: torch.Tensor, target: torch.Tensor, /) -> torch.Tensor:
        """The task's own decision `[clip]`: negative where it is broken."""
