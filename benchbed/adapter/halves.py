"""What a model in two parts offers, whatever computes them: adapters, and runs that put something between the parts."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

    from benchbed.adapter.frontend import LogMel


class FrontAndRest(ABC):
    """A front end and what lies behind it, wherever that is computed.

    Attributes
    ----------
    front : LogMel
        From waveforms `[clip, channel, sample]` to features `[clip, band, frame]`.
    """

    front: LogMel

    @abstractmethod
    def behind(self, features: torch.Tensor, samples: int) -> torch.Tensor:
        """Scores of the features of clips that had so many samples each."""

    @abstractmethod
    def fits(self, samples: int) -> bool:
        """Whether the parts answer clips of so many samples as the whole does."""
