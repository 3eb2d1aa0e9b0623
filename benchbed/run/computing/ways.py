"""What every way of hearing a clip does: from its waveform to what a model says about it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from benchbed.adapter.contract import Adapter
from benchbed.card import Card
from benchbed.outputs.contract import Heard, Reading
from benchbed.run.computing.joined import Forward
from benchbed.run.computing.whole import ModelInput


@dataclass(frozen=True)
class Hearing(ABC):
    """How a model hears clips.

    Attributes
    ----------
    card : Card
        The model's card.
    batch_size : int
        Inputs per call: clips, or windows of them.
    """

    card: Card
    batch_size: int

    @abstractmethod
    def given(self, waveform: np.ndarray, sample_rate: int) -> ModelInput:
        """The clip as the model gets it."""

    def heard(self, samples: int, seconds: float) -> Heard:
        """How a clip of `seconds` was heard that gave an input of so many samples."""
        return Heard(seconds, samples)

    @abstractmethod
    def ask(
        self,
        adapter: Adapter,
        reading: Reading,
        waveforms: np.ndarray,
        side: Mapping[str, tuple],
        *,
        lent: bool = False,
    ) -> np.ndarray:
        """What the model says about clips of one length, a row for each.

        Parameters
        ----------
        waveforms : np.ndarray [shape=(clip, channel, sample), float32]
            As `given` makes them.
        side : mapping
            Side information, one value per clip.
        lent : bool
            The waveforms are needed afterwards; windows are copies of them in any case.

        Raises
        ------
        AdapterError
            The outputs have another shape than the card says.
        """

    @abstractmethod
    def inputs(self, samples: int) -> int:
        """Inputs of so many samples that are heard at once."""

    def through(self, forward: Forward) -> Forward:
        """A model's differentiable path as one over inputs as `given` makes them."""
        return forward

    @abstractmethod
    def describe(self) -> str:
        """How clips reach the model, for the record."""
