"""Hearing a whole clip at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from benchbed.adapter.asking import ask
from benchbed.adapter.contract import Adapter
from benchbed.outputs.contract import Heard, Reading
from benchbed.run.computing.ways import Hearing
from benchbed.run.computing.whole import ModelInput, to_model
from benchbed.types import Batch


@dataclass(frozen=True)
class Whole(Hearing):
    """How a model hears a whole clip at once."""

    def given(self, waveform: np.ndarray, sample_rate: int) -> ModelInput:
        """A clip as the model gets it."""
        return to_model(waveform, sample_rate, self.card)

    def ask(
        self,
        adapter: Adapter,
        reading: Reading,
        waveforms: np.ndarray,
        side: Mapping[str, tuple],
        *,
        lent: bool = False,
    ) -> np.ndarray:
        """What the model says about clips of one length `[clip, …]`."""
        samples = waveforms.shape[2]
        lengths = np.full(len(waveforms), samples, dtype=np.int64)
        reading.asked(side)
        raw = ask(adapter, Batch(waveforms, lengths, self.card.sample_rate, side), lent=lent)
        return reading.check(raw, len(waveforms), Heard(samples / self.card.sample_rate, samples))

    def inputs(self, samples: int) -> int:
        """As many as a call takes."""
        return self.batch_size

    def describe(self) -> str:
        """How clips reach the model, for the record."""
        if self.card.clip_seconds is None:
            return "whole clips of any length"
        return f"whole clips, brought to {self.card.clip_seconds:g} s (crop: {self.card.crop}, pad: {self.card.pad})"
