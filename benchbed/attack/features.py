"""Attacks on what a model's front end gives instead of on sound: a probe of the network, not realizable as audio.

The ball lies on the features of the clean clip, so points in it need not be the features of any waveform; a model that
falls here may be safe from every sound. Figures of this space are therefore kept apart from those of waveforms, are
never ranked beside them, and are offered only where a suite declares the space. Budgets are in units of the features:
two models whose front ends take another logarithm or normalise otherwise do not have the same budget.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from benchbed.attack.contract import Attack
from benchbed.attack.threat import Norm
from benchbed.errors import CannotMeasure, ConfigError
from benchbed.types import Batch

#: What stands beside every figure of this space.
LABEL = "not realizable as audio"
#: Colours of the noise floor: pink noise is a notion of sound.
FLOOR = ("white_noise",)
#: Attacks that work in any space.
ATTACKS = ("apgd", "apgd_t", "fgsm", "pgd", "white_noise")


def refusal(attack: Attack) -> str | None:
    """Why an attack means nothing on features, or None.

    Examples
    --------
    >>> from benchbed.attack import resolve
    >>> refusal(resolve("apgd")) is None, refusal(resolve("square"))
    (True, 'square is made for waveforms; on features there are apgd, apgd_t, fgsm, pgd, white_noise')
    """
    if attack.name in ATTACKS:
        return None
    return f"{attack.name} is made for waveforms; on features there are {', '.join(ATTACKS)}"


def reached(norm: Norm, clean: np.ndarray, points: np.ndarray) -> float:
    """How much of a budget one finished clip uses, measured in double precision and apart from the attack's own code.

    Examples
    --------
    >>> clean = np.zeros((2, 2), np.float32)
    >>> reached("linf", clean, clean + 0.25), reached("l2", clean, clean - 0.25)
    (0.25, 0.25)
    """
    added = np.asarray(points, np.float64) - np.asarray(clean, np.float64)
    return float(np.abs(added).max() if norm == "linf" else np.sqrt((added**2).mean()))


@dataclass(frozen=True)
class FeatureSpace:
    """A model cut in two behind its front end.

    Attributes
    ----------
    forward : callable
        The whole model, waveforms `[clip, channel, sample]` → scores.
    owner, name : Module, str
        The front end is `owner.name(waveforms)`, called once by `forward`.
    channels, samples : int
        Shape of the clips; `forward` may look at it besides the features.

    Examples
    --------
    >>> model = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.Linear(3, 2))
    >>> space = FeatureSpace(lambda x: model(x[:, 0]), model[0], "forward", 1, 4)
    >>> clip = torch.ones(5, 1, 4)
    >>> features = space.of(clip)
    >>> features.shape, torch.equal(space.scores(features), model(clip[:, 0]))
    (torch.Size([5, 3]), True)
    """

    forward: Callable[[torch.Tensor], torch.Tensor]
    owner: torch.nn.Module
    name: str
    channels: int
    samples: int

    @classmethod
    def cut(
        cls,
        model: Any,
        forward: Callable[[torch.Tensor], torch.Tensor] | None,
        kinds: tuple[type[torch.nn.Module], ...],
        shape: tuple[int, int],
    ) -> FeatureSpace:
        """Find the cut: the only front end of a known kind in the model, or its method `features` beside `classify`.

        A front end of a known kind comes first, because its units are those of a spectrogram, before any normalisation
        that is the model's own.

        Parameters
        ----------
        model : Module
            The adapter's network.
        forward : callable or None
            The adapter's `forward`.
        kinds : tuple of type
            Modules that are front ends, e.g. `benchbed.adapter.frontend.LogMel`.
        shape : tuple of int
            Channels and samples of a clip.

        Raises
        ------
        ConfigError
            The model has no front end that can be told from the rest, or more than one.
        """
        hint = "give the network one LogMel, or methods `features` and `classify`"
        if forward is None or not isinstance(model, torch.nn.Module):
            raise ConfigError("an attack on features needs a torch model with a forward", hint=hint)
        found = [module for module in model.modules() if isinstance(module, kinds)]
        if len(found) == 1:
            return cls(forward, found[0], "forward", *shape)
        features = getattr(model, "features", None)
        if not found and callable(features) and callable(getattr(model, "classify", None)):
            if isinstance(features, torch.nn.Module):
                return cls(forward, features, "forward", *shape)
            return cls(forward, model, "features", *shape)
        what = f"{len(found)} front ends" if found else "no front end that stands apart from the network"
        raise ConfigError(f"an attack on features: the model has {what}", hint=hint)

    def of(self, waveforms: torch.Tensor) -> torch.Tensor:
        """Features `[clip, …]` of waveforms, without gradient, as the differentiable path computes them.

        Raises
        ------
        CannotMeasure
            The front end is not called once for the whole batch, the model answers at random, or the scores hang on the
            waveform past the features: a ball around the features would then leave out a part of what the model hears.
        """
        seen: list[torch.Tensor] = []
        plain = getattr(self.owner, self.name)

        def record(*args: Any, **options: Any) -> torch.Tensor:
            seen.append(plain(*args, **options))
            return seen[-1]

        with torch.no_grad(), self._put(record):
            scores = self.forward(waveforms)
        if len(seen) != 1 or len(seen[0]) != len(waveforms):
            raise CannotMeasure(f"the front end ran {len(seen)} times for a batch of {len(waveforms)} clips, not once")
        features = seen[0].detach().clone()
        with torch.no_grad():
            again = self.scores(features)
        limit = 1e-4 * scores.abs().amax().clamp_min(1.0)
        if bool(((again - scores).abs() > limit).any()):
            with torch.no_grad():
                if bool(((self.forward(waveforms) - scores).abs() > limit).any()):
                    raise CannotMeasure(
                        "the model gives another answer every time, so it cannot be seen whether it "
                        "hears the features alone"
                    )
            raise CannotMeasure(
                "the network hears more than the features: with a silent waveform beside the same "
                "features its scores are others"
            )
        return features

    def scores(self, features: torch.Tensor) -> torch.Tensor:
        """Scores of features as the whole model would give them, differentiable by the features; the waveform beside
        them is silent."""
        silent = features.new_zeros(1).expand(len(features), self.channels, self.samples)
        with self._put(lambda *_, **__: features):
            return self.forward(silent)

    def predict(self, features: torch.Tensor) -> np.ndarray:
        """Raw scores of finished features, as `predict` of an adapter gives them: float32, without gradient."""
        with torch.inference_mode():
            return self.scores(features).float().cpu().numpy()

    @contextlib.contextmanager
    def _put(self, stand_in: Callable[..., torch.Tensor]) -> Iterator[None]:
        """Another function in the place of the front end, for this one instance and only inside."""
        before = vars(self.owner).get(self.name)
        object.__setattr__(self.owner, self.name, stand_in)
        try:
            yield
        finally:
            if before is None:
                object.__delattr__(self.owner, self.name)
            else:
                object.__setattr__(self.owner, self.name, before)


class OnFeatures:
    """An adapter cut behind its front end: where it took waveforms, it takes features of the same clips.

    It has what a victim and the plain path need (`card`, `model`, `device`, `forward`, `predict`), so both judge the
    features by the model's own pooling and activation, and nothing else has to know of the space.

    Parameters
    ----------
    adapter : Adapter
        With its model loaded.
    space : FeatureSpace
        The cut.
    """

    surrogate = None
    attack_forward = None

    def __init__(self, adapter: Any, space: FeatureSpace) -> None:
        self.card, self.model = adapter.card, adapter.model
        self.device = adapter.device
        self.space = space

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Differentiable scores of features."""
        return self.space.scores(features)

    def predict(self, batch: Batch) -> np.ndarray:
        """Scores of a batch whose `waveforms` are features `[clip, …]`."""
        return self.space.predict(torch.from_numpy(np.ascontiguousarray(batch.waveforms)).to(self.device))
