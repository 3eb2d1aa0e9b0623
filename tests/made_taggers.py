"""A linear tagger whose weights are known, as a file and as an array."""

from __future__ import annotations

import numpy as np

from benchbed.rng import stream

RATE, SAMPLES = 8000, 1600
LABELS = ("a", "b", "c")

LINEAR = """
import torch
from benchbed.adapter import Card, TorchAdapter
from benchbed.rng import stream

class Linear(torch.nn.Module):
    def __init__(self, classes):
        super().__init__()
        weight = stream("tag-weights", classes).standard_normal((classes, 1600)) / 1600**0.5
        self.weight = torch.nn.Parameter(torch.tensor(weight, dtype=torch.float32))

    def forward(self, x):
        {before}
        scores = x.flatten(1) @ self.weight.T
        {after}
        return scores

class Tagger(TorchAdapter):
    card = Card(name="{name}", family="other", output="tags", labels={labels}, sample_rate=8000, scores="{scores}")

    def build(self):
        return Linear(len(self.card.labels))
    {extra}
"""


def weights(classes: int) -> np.ndarray:
    """The linear model's weights."""
    return stream("tag-weights", classes).standard_normal((classes, SAMPLES)).astype(np.float32) / SAMPLES**0.5
