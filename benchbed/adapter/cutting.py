"""A torch model cut in two behind its log-mel front end, where it has one that hears the waveform as it was given.

What follows the front end is the larger and the plainer part: it can be exported, compiled, or given spectra that were
made another way, while the front end stays as it is. The cut is found by hearing, not by names: the model answers
noise once, and its one `LogMel` must have got exactly the waveforms; with that module taken out, features must lead to
the very same answers.
"""

from __future__ import annotations

import copy

import numpy as np
import torch

from benchbed.adapter.frontend import LogMel
from benchbed.adapter.halves import FrontAndRest
from benchbed.adapter.torch_adapter import TorchAdapter
from benchbed.card import Card
from benchbed.rng import stream

#: Seconds of the clips that show where a model of clips of any length is cut.
TRIAL_SECONDS = 1.0


class GivenFeatures(torch.nn.Module):
    """In the place of a front end: features that were made beforehand, whatever it hears."""

    features: torch.Tensor

    def forward(self, waveforms: torch.Tensor) -> torch.Tensor:
        """The features."""
        return self.features


class CutModel(FrontAndRest):
    """The two parts of a model.

    Attributes
    ----------
    front : LogMel
        From waveforms `[clip, channel, sample]` to features `[clip, band, frame]`.
    network : torch.nn.Module
        Where the parameters of what lies behind it are, shared with the whole model.
    """

    def __init__(self, whole: TorchAdapter, front: LogMel) -> None:
        # A copy: its forward stays what it is when another one takes its place.
        self.front, self._whole, self._given = front, copy.copy(whole), GivenFeatures().eval()
        # Parameters are put in as their own copies, so that none takes memory twice.
        known: dict[int, object] = {id(each): each for each in [*whole.model.parameters(), *whole.model.buffers()]}
        known[id(front)] = self._given
        self._bare = copy.copy(whole)
        self._bare.model = copy.deepcopy(whole.model, known)
        self.network = self._bare.model
        self._fits: dict[int, bool] = {}

    def behind(self, features: torch.Tensor, samples: int) -> torch.Tensor:
        """Scores of the features of clips that had so many samples each, as `forward` gives them."""
        self._given.features = features
        # All that may be asked of the waveforms themselves is their shape.
        unheard = features.new_zeros(1).expand(features.shape[0], self._whole.card.channels, samples)
        return self._bare.forward(unheard)

    def fits(self, samples: int) -> bool:
        """Whether the parts answer clips of so many samples as the whole does, seen once for each number."""
        if samples not in self._fits:
            self._fits[samples] = self._seen(trial_clips(self._whole.card, samples=samples).to(self._whole.device))
        return self._fits[samples]

    def _seen(self, clips: torch.Tensor) -> bool:
        got: list[tuple[torch.Tensor, ...]] = []
        handle = self.front.register_forward_pre_hook(lambda _, given: got.append(given))
        try:
            with torch.inference_mode():
                answers = self._whole.forward(clips)
        finally:
            handle.remove()
        if len(got) != 1 or not all(_alike(given, clips) for given in got[0]):
            return False
        with torch.inference_mode():
            features = self.front(clips)
            # Other clips' features: an answer that does not follow them was not made from them.
            both = [self.behind(each, clips.shape[-1]) for each in (features, features.flip(0))]
        # A clip's last bits may depend on its place in a batch.
        return torch.equal(both[0], answers) and torch.allclose(both[1], answers.flip(0), rtol=1e-3, atol=1e-4)


def _alike(given: torch.Tensor, clips: torch.Tensor) -> bool:
    """Whether a front end got the clips, with or without an axis of one channel."""
    return torch.equal(given, clips) or (clips.shape[1] == 1 and torch.equal(given, clips[:, 0]))


def trial_clips(card: Card, clips: int = 3, samples: int | None = None) -> torch.Tensor:
    """Waveforms `[clip, channel, sample]` that a model is tried on: noise at several levels, the last with a tone."""
    if samples is None:
        samples = round((card.clip_seconds or max(TRIAL_SECONDS, card.min_seconds)) * card.sample_rate)
    made = stream("trial clips").standard_normal((clips, card.channels, samples), dtype=np.float32)
    made *= np.float32(0.3) ** np.arange(1, clips + 1, dtype=np.float32)[:, None, None]
    made[-1] += 0.1 * np.sin(np.arange(samples, dtype=np.float32) * np.float32(0.1))
    return torch.from_numpy(made)


def cut_at_front_end(adapter: TorchAdapter) -> CutModel | None:
    """Cut a loaded model behind its front end; None where it has none that can be taken out.

    Examples
    --------
    >>> from benchbed.adapter import Card
    >>> class Small(TorchAdapter):
    ...     card = Card(name="small", family="cnn", output="scene", labels=("a", "b"), sample_rate=8000)
    ...     def build(self):
    ...         front, mean = LogMel(8000, 8, n_fft=128, hop_length=64), torch.nn.AdaptiveAvgPool1d(1)
    ...         return torch.nn.Sequential(front, mean, torch.nn.Flatten(), torch.nn.Linear(8, 2))
    >>> small = Small()
    >>> small.load("cpu")
    >>> parts, clips = cut_at_front_end(small), trial_clips(small.card)
    >>> bool((parts.behind(parts.front(clips), clips.shape[-1]) == small.forward(clips)).all())
    True
    """
    fronts = [module for module in adapter.model.modules() if isinstance(module, LogMel)]
    if len(fronts) != 1:
        return None
    made = CutModel(adapter, fronts[0])
    return made if made.fits(trial_clips(adapter.card).shape[-1]) else None
