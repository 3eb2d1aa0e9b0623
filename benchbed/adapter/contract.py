"""The contract between benchbed and a model.

An adapter is a class with a `card`, a `load(device)` and a `predict(batch)`. It receives audio and gives back scores;
it never sees labels or file names. Options arrive as typed keyword arguments of its constructor, from `--set`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from benchbed.adapter.cardwords import settle
from benchbed.types import Batch, OutputKind


@dataclass(frozen=True)
class Card:
    """What a model is and what it wants.

    Attributes
    ----------
    name : str
        Name in tables and result folders.
    family : str
        `cnn`, `transformer`, `crnn`, `ssl`, `mlp`, …: the column by which families are compared.
    output : str
        `scene` (one class), `tags` (several classes), `frames`, `tracks`, `caption` or `embedding`.
    labels : tuple of str
        Class names in the order of the scores.
    sample_rate : int
        Samples per second the model wants, in Hz.
    channels : int
        Channels the model wants; audio is mixed down or repeated to it, and counted.
    scores : str
        What `predict` returns: `logits`, `probabilities`, or `log_probabilities`.
    clip_seconds : float, optional
        Fixed input length in seconds; None means any length.
    min_seconds : float
        Shortest input the model can take, in seconds; shorter clips are padded.
    pad, crop : str
        How a clip is brought to `clip_seconds`: `zeros` or `repeat`; `start` or `center`.
    frame_seconds : float, optional
        Hop between output frames in seconds, for `frames` and `tracks`.
    label_map : mapping, optional
        Dataset label → model labels that mean it; the score of the dataset label is the largest of theirs.
    side_information : tuple of str
        Metadata columns the model needs besides audio, e.g. `("device",)` in DCASE 2025 Task 1.
    weight_bits : int
        Declared bits per weight, for the DCASE memory rule.
    licence, citation, description : str
        For pages and model cards.
    trained_on : tuple of str
        Names of the datasets seen in training.
    trained_with : tuple of str
        Perturbations seen in training; their cells are marked wherever they appear.

    Raises
    ------
    AdapterError
        A word that is not known, or a value of another type.

    Examples
    --------
    >>> Card(name="tiny", family="cnn", output="scene", labels=("bus", "tram"), sample_rate=32000).channels
    1
    """

    name: str
    family: str
    output: OutputKind
    labels: tuple[str, ...]
    sample_rate: int
    channels: int = 1
    scores: Literal["logits", "probabilities", "log_probabilities"] = "logits"
    clip_seconds: float | None = None
    min_seconds: float = 0.0
    pad: Literal["zeros", "repeat"] = "zeros"
    crop: Literal["start", "center"] = "center"
    frame_seconds: float | None = None
    label_map: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    side_information: tuple[str, ...] = ()
    weight_bits: int = 32
    licence: str = ""
    citation: str = ""
    description: str = ""
    trained_on: tuple[str, ...] = ()
    trained_with: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        settle(self)


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
        """Paths of the files the weights came from; their content is part of every cache key."""
        return []

    def close(self) -> None:  # noqa: B027
        """Release what `load` took (a process, a session)."""
