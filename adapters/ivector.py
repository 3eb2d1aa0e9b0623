"""i-vectors: one point per clip in a space of how clips differ, from a mixture over all classes.

    benchbed run suites/dcase_task1.yaml --model adapters/ivector.py
    benchbed profile --model adapters/ivector.py --set weights=random --set components=256 --set rank=400

Frames of 61 cepstral coefficients go through a mixture of Gaussians that all classes share. A clip shifts its means by
`T·y` with y normal, and the mean of y given the clip's frames is its i-vector (Dehak et al., 2011; Kenny, 2005).
Linear discriminants of it are compared with those of each class by their cosine. A thesis on event detection has 256
Gaussians and 400 dimensions on two channels and their difference (after Eghbal-Zadeh et al., DCASE 2016); by default
32 and 32 on one channel, fitted to the synthetic scenes by `training/classical.py`.
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

EMBEDDED = Path(__file__).parent / "weights" / "ivector.safetensors"
RATE, FEATURES = 32000, 61
FRONT = NamedFrontEnd("mfcc_deltas", {"sample_rate": RATE})
#: Cosines lie in −1…1, too narrow for a softmax over them to say more than chance; logits are this many times larger.
SHARPNESS = 10.0


class IVectors(nn.Module):
    """Frames `[clip, feature, frame]` to i-vectors `[clip, dimension]`.

    Attributes
    ----------
    shared : GaussianMixtures
        The mixture over all classes; its variances are those of the noise around a clip's means.
    total : torch.nn.Parameter [shape=(component, feature, dimension)]
        The total-variability matrix T, one block for each component.
    """

    def __init__(self, components: int, features: int, rank: int) -> None:
        super().__init__()
        self.shared = GaussianMixtures(1, components, features)
        self.total = nn.Parameter(0.1 * torch.randn(components, features, rank))
        self.kept: torch.Tensor | None = None

    def keep(self) -> None:
        """Compute once what no clip changes, most of the cost, when weights stay as they are from here."""
        with torch.no_grad():
            self.kept = self._shapes(self.total / self.shared.variances[0][..., None])

    def _shapes(self, weighted: torch.Tensor) -> torch.Tensor:
        # How much a frame of each component says of y [component, dimension · dimension].
        return (weighted.transpose(1, 2) @ self.total).flatten(1)

    def statistics(self, frames: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Frames that each component accounts for `[clip, component]`, and their sum around its mean `[…, feature]`."""
        shares = self.shared.joint(frames)[:, 0].softmax(1)
        counts = shares.sum(-1)
        return counts, shares @ frames.transpose(1, 2) - counts[..., None] * self.shared.means[0]

    def posterior(self, counts: torch.Tensor, sums: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Mean `[clip, dimension]` and precision `[clip, dimension, dimension]` of y given a clip's statistics."""
        weighted = self.total / self.shared.variances[0][..., None]
        each = self._shapes(weighted) if self.kept is None else self.kept.to(counts)
        rank = self.total.shape[2]
        precision = (counts @ each).unflatten(1, (rank, rank)) + torch.eye(rank).to(counts)
        shift = sums.flatten(1) @ weighted.flatten(0, 1)
        return torch.linalg.solve(precision, shift), precision

    def forward(self, frames: torch.Tensor) -> torch.Tensor:
        return self.posterior(*self.statistics(frames))[0]


class IVectorNetwork(nn.Module):
    """Waveforms [clip, channel, sample] at 32 kHz to logits [clip, class]: cosines, `SHARPNESS` times."""

    centre: torch.Tensor

    def __init__(self, classes: int, components: int, rank: int) -> None:
        super().__init__()
        if min(components, rank) < 1:
            raise ConfigError(f"{components} components and {rank} dimensions", hint="1 or more of each")
        self.features = FRONT.build()
        self.standardised = Standardised(FEATURES)
        self.ivectors = IVectors(components, FEATURES, rank)
        self.register_buffer("centre", torch.zeros(rank))
        discriminants = max(1, min(classes - 1, rank))
        self.discriminants = nn.Parameter(torch.eye(rank, discriminants))
        self.classes = nn.Parameter(torch.randn(classes, discriminants))

    def embed(self, features: torch.Tensor) -> torch.Tensor:
        """i-vectors of coefficients [clip, coefficient, frame], around the mean of the training set, of length one."""
        return nn.functional.normalize(self.ivectors(self.standardised(features)) - self.centre, dim=1)

    def classify(self, features: torch.Tensor) -> torch.Tensor:
        projected = nn.functional.normalize(self.embed(features) @ self.discriminants, dim=1)
        return SHARPNESS * projected @ nn.functional.normalize(self.classes, dim=1).T

    def forward(self, waveforms: torch.Tensor) -> torch.Tensor:
        return self.classify(self.features(waveforms))


class IVector(TrainedAdapter):
    """i-vectors as a benchbed model.

    Parameters
    ----------
    checkpoint : Path, optional
        Safetensors of `training/classical.py`; the embedded weights by default.
    weights : str
        `random` for costs alone.
    components, rank : int
        Gaussians of the shared mixture and dimensions of an i-vector, of random weights.
    classes : int, optional
        Number of classes of random weights.
    """

    def __init__(
        self,
        checkpoint: Path | None = None,
        weights: Weights = "trained",
        components: int = 32,
        rank: int = 32,
        classes: int | None = None,
    ) -> None:
        if checkpoint is None and weights == "trained":
            checkpoint = EMBEDDED
        options = {"components": components, "rank": rank}
        words = self.settle(checkpoint, weights, classes=classes, options=options, seconds=1.0)
        self.card = Card(
            name="ivector",
            family="ivector",
            output="scene",
            sample_rate=RATE,
            front_end=FRONT.text,
            min_seconds=0.1,
            licence="Apache-2.0",
            citation="N. Dehak, P. Kenny, R. Dehak, P. Dumouchel, P. Ouellet: Front-End Factor Analysis for Speaker "
            "Verification. IEEE TASLP 19(4), 2011",
            description=f"i-vectors of {self.options.get('rank', rank)} dimensions from "
            f"{self.options.get('components', components)} Gaussians, linear discriminants, cosine",
            **words,
        )

    @classmethod
    def training_model(cls, labels: tuple[str, ...], *, components: int = 32, rank: int = 32) -> nn.Module:
        """What is not fitted yet, for `training/classical.py`."""
        return IVectorNetwork(len(labels), components, rank)

    def build(self) -> nn.Module:
        model = super().build()
        model.ivectors.keep()
        return model
