"""Base class for models with a tower for audio and one for text: retrieval in both directions from one model, and
moments by sliding windows.

A subclass sets `card` and has `build()`, `sound(waveforms)` and `text(texts)`; the rest follows. What is asked comes
with each batch (`batch.side["queries"]`); texts are embedded once, as long as they stay the same.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence

import numpy as np
import torch

from benchbed.adapter.sliding import curve, moments
from benchbed.adapter.torch_adapter import TorchAdapter
from benchbed.outputs.moments.asked import QUERIES
from benchbed.outputs.similarity import PROBE
from benchbed.types import Batch

#: Texts, or windows, that are embedded at once.
TEXTS, WINDOWS = 256, 32


class DualEncoder(TorchAdapter):
    """An adapter around a network that embeds sounds and texts in one space.

    The card's output is `similarity`, or `moments` of a model that `slides`: it hears a recording in windows of
    `window_seconds` every `hop_seconds`, and a moment is a stretch that a text fits better than the rest.

    Attributes
    ----------
    slides : bool
        Whether it answers with moments.
    window_seconds, hop_seconds : float
        For moments.

    Examples
    --------
    >>> from benchbed.adapter import Batch, Card
    >>> class Loud(DualEncoder):
    ...     card = Card(name="loud", family="other", output="similarity", labels=(), sample_rate=8000)
    ...     def build(self):
    ...         return torch.nn.Identity()
    ...     def sound(self, waveforms):
    ...         level = waveforms.square().mean((1, 2)).sqrt()
    ...         return torch.stack([level, 1 - level], 1)
    ...     def text(self, texts):
    ...         return torch.tensor([[1.0, 0.0] if "loud" in text else [0.0, 1.0] for text in texts])
    >>> adapter = Loud()
    >>> adapter.load("cpu")
    >>> batch = Batch(np.zeros((1, 1, 80), np.float32), np.array([80]), 8000, {"queries": (("loud", "soft"),)})
    >>> adapter.predict(batch).tolist()
    [[0.0, 1.0]]
    """

    slides: bool = False
    window_seconds: float = 4.0
    _asked: Sequence[str]
    _texts: torch.Tensor
    hop_seconds: float = 1.0

    @abstractmethod
    def sound(self, waveforms: torch.Tensor) -> torch.Tensor:
        """Embeddings `[clip, width]` of waveforms `[clip, channel, sample]`, differentiable; of any length."""

    @abstractmethod
    def text(self, texts: Sequence[str]) -> torch.Tensor:
        """Embeddings `[text, width]` on the model's device."""

    def load(self, device: str = "cpu") -> None:
        """Build the network; moments of windows have no differentiable path."""
        super().load(device)
        if self.slides:
            self.forward = None  # type: ignore[assignment]

    def encode(self, waveforms: torch.Tensor) -> torch.Tensor:
        """Embeddings `[clip, width]` of sounds, as a probe takes them."""
        return self.sound(waveforms)

    def asked(self, queries: Sequence[str]) -> None:
        """Embed texts, of which `forward` then gives the similarities; nothing to do where they are those of before."""
        if hasattr(self, "_texts") and self._asked == queries:
            return
        with torch.inference_mode():
            parts = [self.text(list(queries[i : i + TEXTS])) for i in range(0, len(queries), TEXTS)]
            joined = torch.nn.functional.normalize(torch.cat(parts).float(), dim=-1)
        # A copy outside inference mode: attacks differentiate with respect to the other side of the product.
        self._asked, self._texts = queries, joined.clone()

    def similarities(self, waveforms: torch.Tensor) -> torch.Tensor:
        """Cosines `[clip, query]` of waveforms to the texts that were asked last."""
        if not hasattr(self, "_texts"):
            self.asked(PROBE)
        sounds = torch.nn.functional.normalize(self.sound(waveforms), dim=-1)
        return sounds @ self._texts.T.to(sounds.device)

    def forward(self, waveforms: torch.Tensor) -> torch.Tensor:
        """The differentiable path, which is that of `predict`; None in its place where `sound` has no gradient."""
        return self.similarities(waveforms)

    def predict(self, batch: Batch) -> np.ndarray:
        """Similarities of a batch to its texts `[clip, query]`, or the moments that they are heard in."""
        if self.slides:
            return self._moments(batch)
        given = batch.side.get(QUERIES)
        self.asked(given[0] if given else PROBE)
        with torch.inference_mode():
            return self.similarities(self._tensor(batch.waveforms)).float().cpu().numpy()

    def _moments(self, batch: Batch) -> np.ndarray:
        given = batch.side.get(QUERIES) or (tuple(PROBE),) * len(batch)
        answers = np.empty(len(batch), dtype=object)
        for row, queries in enumerate(given):
            waveform = batch.waveforms[row, :, : int(batch.lengths[row])]
            seconds = waveform.shape[1] / batch.sample_rate
            if not len(queries):
                answers[row] = ()
                continue
            fits = curve(self._windows(waveform, queries), self.hop_seconds, self.window_seconds, seconds)
            answers[row] = tuple(moments(fits[:, number], seconds) for number in range(len(queries)))
        return answers

    def _windows(self, waveform: np.ndarray, queries: Sequence[str]) -> np.ndarray:
        """Similarities `[window, query]` of the windows of one recording."""
        rate = self.card.sample_rate
        size, hop = round(self.window_seconds * rate), round(self.hop_seconds * rate)
        if waveform.shape[1] < size:
            waveform = np.pad(waveform, ((0, 0), (0, size - waveform.shape[1])))
        pieces = np.lib.stride_tricks.sliding_window_view(waveform, size, axis=1)[:, ::hop].transpose(1, 0, 2)
        self.asked(tuple(queries))
        with torch.inference_mode():
            found = [
                self.similarities(self._tensor(pieces[i : i + WINDOWS].copy())) for i in range(0, len(pieces), WINDOWS)
            ]
            return torch.cat(found).double().cpu().numpy()

    def _tensor(self, waveforms: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(np.ascontiguousarray(waveforms)).to(self.device)
