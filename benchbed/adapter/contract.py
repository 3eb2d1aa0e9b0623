"""The contract between benchbed and a model.

An adapter is a class with a `card`, a `load(device)` and a `predict(batch)`. It receives audio and gives back scores;
it never sees labels or file names. Options arrive as typed keyword arguments of its constructor, from `--set`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchbed.adapter.patchgrid import PatchGrid
from benchbed.card import Card
from benchbed.types import Batch

if TYPE_CHECKING:
    import pandas as pd
    import torch

    from benchbed.adapter.halves import FrontAndRest


class Adapter(ABC):
    """Base class of every adapter; subclasses set `card` and implement `predict`. What else one may offer is None here.

    Attributes
    ----------
    card : Card
        What the model is.
    replays : bool
        Answers are looked up in a file by clip instead of being computed: no clip is perturbed, and nothing is timed.
    unscored : str
        Why its answers are not to be scored although its weights were trained; empty where they are.
    path : Path or None
        The file that is the model (a graph), or that holds its answers.
    device : str or torch.device
        Where it runs, after `load`.
    model : torch.nn.Module or None
        The network, after `load`, where torch can see one: its parameters and operations are counted.
    forward : callable or None
        Differentiable path from waveforms `[clip, channel, sample]` to scores that agrees with `predict`; it opens
        white-box attacks and MAC counting.
    surrogate : callable or None
        What the gradient is taken of where `forward` hides it or there is none (a straight-through quantiser, the
        network behind a coder): the backward pass approximated, BPDA of Athalye, Carlini and Wagner, ICML 2018. What
        counts as broken is still decided by the model itself.
    undefended : Adapter or None
        The model behind a defence, after `load`: attacks are also made on it and tried on this one.
    smoothing : float or None
        Standard deviation of the white noise, in waveform units, under which the answers of `undefended` vote; such a
        model has certificates.
    attack_forward : callable or None
        Its name of earlier versions.
    hear : callable or None
        Of a model that decodes its answers word by word: the differentiable path from waveforms to what its decoder is
        told; see `benchbed.adapter.captioner`.
    patches : PatchGrid or None
        Of a transformer over patches of a spectrogram, after `load`: how they lie, so that a run draws its attention.
    exits : callable or None
        Of a model with several exits: a generator that yields the scores of one exit after the other, cheapest first
        and the last as `forward` gives them. What is computed up to a yield is what leaving there costs.

    encode : callable or None
        Of an encoder: the differentiable path from waveforms `[clip, channel, sample]` to embeddings `[clip, feature]`.
    encode_frames : callable or None
        The same over time, `[clip, frame, feature]`, a vector every `card.frame_seconds`.
    embed : callable or None
        Of a model that torch does not see: embeddings `[clip, feature]` of a batch, as numpy.
    parts : FrontAndRest or None
        Of a model on another backend, after `load`: its log-mel front end and what lies behind it, for noise that is
        added between them.
    taught : Mapping or None
        Of a probe, after `load`: how it was trained and what was tried, for the record.

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
    replays: bool = False
    unscored: str = ""
    path: Path | None = None
    device: str | torch.device = "cpu"
    model: torch.nn.Module | None = None
    forward: Callable[[torch.Tensor], torch.Tensor] | None = None
    surrogate: Callable[[torch.Tensor], torch.Tensor] | None = None
    attack_forward: Callable[[torch.Tensor], torch.Tensor] | None = None
    undefended: Adapter | None = None
    smoothing: float | None = None
    hear: Callable[[torch.Tensor], torch.Tensor] | None = None
    patches: PatchGrid | None = None
    exits: Callable[[torch.Tensor], Iterator[torch.Tensor]] | None = None
    encode: Callable[[torch.Tensor], torch.Tensor] | None = None
    encode_frames: Callable[[torch.Tensor], torch.Tensor] | None = None
    embed: Callable[[Batch], np.ndarray] | None = None
    parts: FrontAndRest | None = None
    taught: Mapping[str, Any] | None = None

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

    def meet(self, clips: pd.DataFrame) -> list[str]:
        """Take in, before the first batch, all clips that will be asked about; only where answers are replayed.

        Parameters
        ----------
        clips : pandas.DataFrame
            Their table.

        Returns
        -------
        list of str
            What of the stored answers is about none of them, for the record.
        """
        return []

    def written(self, label: str) -> tuple[int, str] | None:
        """Where stored answers name a class of the card, for messages; only where answers are replayed.

        Parameters
        ----------
        label : str

        Returns
        -------
        (int, str) or None
            Rows that say so, 0 for a column of scores, and the place of the first: `file:row`, and its clip.
        """
        return None

    def asked(self, queries: Sequence[str]) -> None:  # noqa: B027  (most models are asked nothing)
        """Take in the texts that `forward`, which is given audio alone, is to answer from now on.

        `predict` finds them in the batch, `batch.side["queries"]`.
        """

    def close(self) -> None:  # noqa: B027
        """Release what `load` took (a process, a session)."""
