"""One Gaussian mixture for each class over cepstral coefficients: the baseline of DCASE until networks came.

    benchbed run suites/dcase_task1.yaml --model adapters/gmm.py
    benchbed run suites/esc10.yaml --model adapters/gmm.py --set checkpoint=gmm_{split}.safetensors

A clip is a bag of frames of 61 coefficients (23 of the cepstrum, 18 first and 20 second differences), standardised by
the training set; the class whose mixture gives them the largest mean log-likelihood is the answer. A thesis on event
detection compares it with i-vectors and networks and states no number of components; 16 here, as in the baseline of
DCASE 2016. Mixtures are fitted by scikit-learn (`training/classical.py`), which is not needed to use them.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from benchbed.adapter import Card
from benchbed.adapter.front import NamedFrontEnd
from benchbed.adapter.mixture import GaussianMixtures, Standardised
from benchbed.adapter.trained import TrainedAdapter, Weights
from benchbed.errors import ConfigError

EMBEDDED = Path(__file__).parent / "weights" / "gmm.safetensors"
RATE, FEATURES = 32000, 61
FRONT = NamedFrontEnd("mfcc_deltas", {"sample_rate": RATE})


class MixtureNetwork(nn.Module):
    """Waveforms [clip, channel, sample] at 32 kHz to mean log-likelihoods of a frame [clip, class]."""

    def __init__(self, classes: int, components: int) -> None:
        super().__init__()
        if components < 1:
            raise ConfigError(f"a mixture of {components} components", hint="--set components=16")
        self.features = FRONT.build()
        self.standardised = Standardised(FEATURES)
        self.mixtures = GaussianMixtures(classes, components, FEATURES)

    def classify(self, features: torch.Tensor) -> torch.Tensor:
        """Mean log-likelihoods [clip, class] of coefficients [clip, coefficient, frame]."""
        return self.mixtures(self.standardised(features)).mean(-1)

    def forward(self, waveforms: torch.Tensor) -> torch.Tensor:
        return self.classify(self.features(waveforms))


class GMM(TrainedAdapter):
    """Gaussian mixtures as a benchbed model.

    Parameters
    ----------
    checkpoint : Path, optional
        Safetensors of `training/classical.py`; the embedded weights by default.
    weights : str
        `random` for costs alone.
    components : int
        Gaussians of each class, of random weights.
    classes : int, optional
        Number of classes of random weights.
    """

    def __init__(
        self,
        checkpoint: Path | None = None,
        weights: Weights = "trained",
        components: int = 16,
        classes: int | None = None,
    ) -> None:
        if checkpoint is None and weights == "trained":
            checkpoint = EMBEDDED
        words = self.settle(checkpoint, weights, classes=classes, options={"components": components}, seconds=1.0)
        self.card = Card(
            name="gmm",
            family="gmm",
            output="scene",
            sample_rate=RATE,
            front_end=FRONT.text,
            min_seconds=0.1,
            licence="Apache-2.0",
            citation="A. Mesaros, T. Heittola, T. Virtanen: TUT database for acoustic scene classification and sound "
            "event detection. EUSIPCO 2016",
            description=f"{self.options.get('components', components)} Gaussians a class on MFCC and differences; "
            "scores are mean log-likelihoods of a frame, no posteriors",
            **words,
        )

    @classmethod
    def training_model(cls, labels: tuple[str, ...], *, components: int = 16) -> nn.Module:
        """Mixtures that are not fitted yet, for `training/classical.py`."""
        return MixtureNetwork(len(labels), components)
