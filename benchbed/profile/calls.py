"""The batches that counts and times are taken with."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from benchbed.outputs import output_of
from benchbed.rng import stream
from benchbed.types import Batch

if TYPE_CHECKING:
    from benchbed.adapter.contract import Adapter


def silence_free(adapter: Adapter, seconds: float, clips: int = 1) -> Batch:
    """Noise as the model wants it: its rate, its channels; a front end may take shortcuts on zeros.

    A model that asks for side information is told `unknown`, one that answers queries is asked some.

    Examples
    --------
    >>> from benchbed.adapter import Adapter, Card
    >>> class Silent(Adapter):
    ...     card = Card(name="s", family="other", output="scene", labels=("a", "b"), sample_rate=8000)
    ...     def predict(self, batch): ...
    >>> silence_free(Silent(), 0.5, clips=3).waveforms.shape
    (3, 1, 4000)
    """
    card = adapter.card
    samples = int(np.ceil(seconds * card.sample_rate))
    noise = stream("profile", "noise").standard_normal((clips, card.channels, samples), dtype=np.float32)
    side = {**dict.fromkeys(card.side_information, ("unknown",) * clips), **output_of(card.output).probe(clips)}
    return Batch(np.clip(0.1 * noise, -1, 1), np.full(clips, samples, np.int64), card.sample_rate, side)
