"""Certificates of randomized smoothing for waveforms: a radius within which no sound changes the vote.

Cohen, Rosenfeld and Kolter, Certified adversarial robustness via randomized smoothing, ICML 2019. The smoothed model
answers what its base answers most often under white noise of standard deviation σ. If that happens with a probability
of at least p > 1/2, nothing of an L2 norm below σ Φ⁻¹(p) changes the answer. p is bounded from below by the exact
interval of Clopper and Pearson (1934) from draws that did not choose the class, so a certificate is wrong with a
probability of at most α; where the bound is one half or less, it abstains. Noise is never clipped to −1…1: the theorem
is about all of it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

#: Draws that choose the class, draws that count, and the probability that a certificate is wrong.
CHOOSING, COUNTING, ALPHA = 100, 1000, 0.001


@dataclass(frozen=True)
class Certificate:
    """What is certain about one clip.

    Attributes
    ----------
    label : int or None
        The vote; None where the smoothed model abstains.
    radius : float
        L2 norm in waveform units below which nothing changes the vote; 0 where it abstains.
    share : float
        Lower bound of the probability of the vote.
    """

    label: int | None
    radius: float
    share: float

    def snr(self, waveform: np.ndarray) -> float:
        """The radius as SNR in dB of the clip: everything softer than that is certain to change nothing.

        Examples
        --------
        >>> Certificate(0, 0.1, 0.9).snr(np.ones((1, 100)))
        40.0
        """
        size = float(np.linalg.norm(waveform.astype(np.float64)))
        return 20 * math.log10(size / self.radius) if self.radius > 0 and size > 0 else math.inf


def least_share(hits: int, draws: int, alpha: float = ALPHA) -> float:
    """Lower bound of a probability from hits among draws, wrong with a probability of at most `alpha`.

    Examples
    --------
    >>> round(least_share(1000, 1000, 0.001), 5)  # 0.001 ** (1 / 1000)
    0.99312
    >>> least_share(0, 10)
    0.0
    """
    from scipy.special import betaincinv

    return float(betaincinv(hits, draws - hits + 1, alpha)) if hits else 0.0


def certify(
    votes: Callable[[np.ndarray], np.ndarray],
    waveform: np.ndarray,
    sigma: float,
    random: np.random.Generator,
    *,
    choosing: int = CHOOSING,
    counting: int = COUNTING,
    alpha: float = ALPHA,
    batch: int = 32,
) -> Certificate:
    """The certificate of one clip.

    Parameters
    ----------
    votes : callable
        Waveforms `[draw, channel, sample]` → classes `[draw]` that the base model answers; negative for none.
    waveform : np.ndarray [shape=(channel, sample)]
        The clip, in waveform units.
    sigma : float
        Standard deviation of the noise in waveform units, the same for every clip.
    random : np.random.Generator
        The clip's own stream.
    choosing, counting : int
        Draws that choose the class, and fresh ones that count how often it is answered.
    alpha : float
        Probability that the certificate is wrong.
    batch : int
        Draws that are asked at once.

    Examples
    --------
    >>> sign = lambda x: (x.mean((1, 2)) > 0).astype(int)
    >>> found = certify(sign, np.full((1, 4), 0.5), 0.1, np.random.default_rng(0))
    >>> found.label, round(found.radius / (0.1 * 2.463), 2)  # Φ⁻¹(0.001 ** (1 / 1000)) = 2.463
    (1, 1.0)
    """
    from scipy.special import ndtri

    def drawn(count: int) -> np.ndarray:
        said = []
        for start in range(0, count, batch):
            shape = (min(batch, count - start), *waveform.shape)
            noise = sigma * random.standard_normal(shape, dtype=np.float32)
            said.append(votes((waveform[None] + noise).astype(np.float32)))
        return np.concatenate(said)

    first = drawn(choosing)
    first = first[first >= 0]
    if not len(first):
        return Certificate(None, 0.0, 0.0)
    label = int(np.bincount(first).argmax())
    share = least_share(int((drawn(counting) == label).sum()), counting, alpha)
    if share <= 0.5:
        return Certificate(None, 0.0, share)
    return Certificate(label, sigma * float(ndtri(share)), share)
