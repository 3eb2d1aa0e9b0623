"""The two ways in which a model hears a clip, by what its task's output says."""

from __future__ import annotations

from benchbed.card import Card
from benchbed.outputs.contract import Output
from benchbed.run.computing.at_once import Whole
from benchbed.run.computing.ways import Hearing
from benchbed.run.computing.windows import InWindows, Joined


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
