"""Gaussian mixtures with diagonal covariances as a torch module, so that what scikit-learn fitted runs in a model,
gradients and all."""

from __future__ import annotations

import math

import torch
from torch import nn


class GaussianMixtures(nn.Module):
    """Several mixtures of as many components each; made of zero means and unit variances until they are filled.

    Parameters
    ----------
    mixtures, components, features : int
        Number of mixtures, of components of each, and of features of a frame.

    Attributes
    ----------
    log_weights : torch.nn.Parameter [shape=(mixture, component)]
    means, variances : torch.nn.Parameter [shape=(mixture, component, feature)]

    Examples
    --------
    One standard normal over two features, at its mean: −log 2π.

    >>> round(GaussianMixtures(1, 1, 2)(torch.zeros(1, 2, 1)).item(), 4)
    -1.8379
    """

    def __init__(self, mixtures: int, components: int, features: int) -> None:
        super().__init__()
        self.log_weights = nn.Parameter(torch.full((mixtures, components), -math.log(components)))
        self.means = nn.Parameter(torch.zeros(mixtures, components, features))
        self.variances = nn.Parameter(torch.ones(mixtures, components, features))

    def joint(self, frames: torch.Tensor) -> torch.Tensor:
        """Log of weight times density of every component `[clip, mixture, component, frame]`.

        Parameters
        ----------
        frames : torch.Tensor [shape=(clip, feature, frame)]
        """
        sizes = self.log_weights.shape
        precision = (1 / self.variances).flatten(0, 1)
        means = self.means.flatten(0, 1)
        # Two matrix products in the place of a difference of every frame with every mean, which would be held at once.
        squares = precision @ frames.square() - 2 * ((precision * means) @ frames)
        squares = squares + (precision * means.square()).sum(1)[:, None]
        constant = self.log_weights - 0.5 * (self.variances.log() + math.log(2 * math.pi)).sum(2)
        return (constant.flatten()[:, None] - 0.5 * squares).unflatten(1, sizes)

    def forward(self, frames: torch.Tensor) -> torch.Tensor:
        """Log density of every frame under every mixture `[clip, mixture, frame]`."""
        return self.joint(frames).logsumexp(2)


class Standardised(nn.Module):
    """Features to the mean 0 and the deviation 1 that they had in training `[clip, feature, frame]`.

    Examples
    --------
    >>> made = Standardised(1)
    >>> made.measure(torch.tensor([[[1.0, 3.0]]]))
    >>> made(torch.tensor([[[3.0]]])).item()
    1.0
    """

    mean: torch.Tensor
    deviation: torch.Tensor

    def __init__(self, features: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(features))
        self.register_buffer("deviation", torch.ones(features))

    def measure(self, frames: torch.Tensor) -> None:
        """Take mean and deviation from the training set; a feature that never moves is left as wide as it is."""
        deviation, mean = torch.std_mean(frames.transpose(0, 1).flatten(1), 1, correction=0)
        self.mean.copy_(mean)
        self.deviation.copy_(torch.where(deviation > 0, deviation, torch.ones_like(deviation)))

    def forward(self, frames: torch.Tensor) -> torch.Tensor:
        return (frames - self.mean[:, None]) / self.deviation[:, None]
