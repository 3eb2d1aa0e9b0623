"""The contract between benchbed and a model.

An adapter is a class with a `card`, a `load(device)` and a `predict(batch)`. It receives audio and gives back scores;
it never sees labels or file names. Options arrive as typed keyword arguments of its constructor, from `--set`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import numpy as np

from benchbed.card import Card
from benchbed.types import Batch


class Adapter(ABC):
    """Base class of every adapter; subclasses set `card` and implement `predict`.

    A subclass may also define `forward(waveforms)`, a differentiable torch path from `[clip, channel, sample]` to
    logits that agrees with `predict`; it opens white-box attacks and MAC counting. A model with several exits may
    define `exits(waveforms)`, a generator that yields the scores of one exit after the other, cheapest first and the
    last as `forward` gives them: what is computed up to a yield is what leaving there costs.

    Examples
    --------
    >>> class Silent(Adapter):
    ...     card = Card(name="silent", family="other", output="scene", labels=("a", "b"), sample_rate=8000)
    ...     def predict(self, batch):
    ...         return np.zeros((len(batch), 2), np.float32)
    >>> Silent().predict(Batch(np.zeros((1, 1, 80), np.float32), np.array([80]), 8000)).shape
    (1, 2)
    """

    card: Card

    def load(self, device: str = "cpu") -> None:  # noqa: B027  (an adapter without weights has nothing to load)
        """Read the weights and move to `device`; called once before the first `predict`."""

    @abstractmethod
    def predict(self, batch: Batch) -> np.ndarray:
        """Scores for a batch: `[clip, class]` for scene and tags, `[clip, frame, class]` for frames."""

    def weights(self) -> list[Any]:
        """Paths of the files the weights came from, for the size of the model and for the record.

        What tells one model from another does not rest on this: it is seen while the model is loaded, see
        `benchbed.adapter.fingerprint`.
        """
        return []

    def close(self) -> None:  # noqa: B027
        """Release what `load` took (a process, a session)."""
