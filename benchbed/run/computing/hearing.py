"""The two ways in which a model hears a clip, by what its task's output says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import numpy as np

from benchbed.adapter.contract import Adapter
from benchbed.card import Card
from benchbed.outputs.contract import Heard, Output, Reading
from benchbed.run.computing.joined import Forward
from benchbed.run.computing.whole import ModelInput, Whole
from benchbed.run.computing.windows import InWindows, Joined


class Hearing(Protocol):
    """From a clip's waveform to what a model says about it."""

    def given(self, waveform: np.ndarray, sample_rate: int) -> ModelInput:
        """The clip as the model gets it."""

    def heard(self, samples: int, seconds: float) -> Heard:
        """How a clip of `seconds` was heard that gave an input of so many samples."""

    def ask(
        self,
        adapter: Adapter,
        reading: Reading,
        waveforms: np.ndarray,
        side: Mapping[str, tuple],
        *,
        lent: bool = False,
    ) -> np.ndarray:
        """What the model says about inputs of one length, a row for each."""

    def inputs(self, samples: int) -> int:
        """Inputs of so many samples that are heard at once."""

    def through(self, forward: Forward) -> Forward:
        """A model's differentiable path as one over inputs as `given` makes them."""

    def describe(self) -> str:
        """How clips reach the model, for the record."""


def hearing_of(
    output: Output,
    card: Card,
    batch_size: int,
    overlapping: tuple[float, float] | None = None,
    how: str = "mean",
) -> Hearing:
    """How a model hears clips for a task of an output.

    Parameters
    ----------
    output : Output
        What is asked.
    card : Card
        Of the model.
    batch_size : int
        Inputs per call.
    overlapping : tuple of float, optional
        Length and hop in seconds of overlapping windows, by the suite; goes before what the card says.
    how : str
        How answers of windows are joined where one for the whole clip is wanted: `mean` or `max`.
    """
    if output.hears == "windows":
        return InWindows(card, batch_size, overlapping)
    if overlapping is not None:
        return Joined(card, batch_size, *overlapping, how, "the suite")
    if card.clip_seconds is not None and card.window_hop is not None:
        return Joined(card, batch_size, card.clip_seconds, card.window_hop, card.window_join, "the card")
    return Whole(card, batch_size)
