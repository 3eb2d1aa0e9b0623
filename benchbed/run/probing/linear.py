"""Logistic regression on embeddings, fitted to its optimum, and the search for its strength.

The objective is scikit-learn's: `C` times the summed loss plus half the squared weights, intercepts free. One class per
clip takes the softmax over all, several take a regression each. `C` is searched as CLIP's linear probes search it
(Radford et al. 2021, A.3): seven values between 1e-6 and 1e6, then half the step around the best three more times and
once more, to eight steps a decade, each fit at most 1,000 iterations of L-BFGS; the best is fitted again on all clips.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit, log_softmax, softmax

#: Decades of C that the search begins with, and the steps around the best one that follow.
FIRST, FINER = (-6.0, -4.0, -2.0, 0.0, 2.0, 4.0, 6.0), (1.0, 0.5, 0.25, 0.125)
#: Iterations of a fit.
ITERATIONS = 1000
#: C where nothing can be searched: scikit-learn's own.
PLAIN = 1.0


class Regression(NamedTuple):
    """A fitted regression: weights `[class, feature]`, intercepts `[class]`, and whether the optimum was reached."""

    weights: np.ndarray
    intercepts: np.ndarray
    converged: bool

    def scores(self, vectors: np.ndarray) -> np.ndarray:
        """Logits `[clip, class]`."""
        made: np.ndarray = vectors @ self.weights.T + self.intercepts
        return made


def fit(
    vectors: np.ndarray, targets: np.ndarray, c: float, *, exclusive: bool, start: Regression | None = None
) -> Regression:
    """Fit a regression.

    Parameters
    ----------
    vectors : np.ndarray [shape=(clip, feature)]
    targets : np.ndarray [shape=(clip, class)]
        1 where a class is present.
    c : float
        Weight of the loss against that of the penalty.
    exclusive : bool
        One class is right.
    start : Regression, optional
        Where to begin.

    Examples
    --------
    >>> made = fit(np.array([[-1.0], [1.0]]), np.eye(2), 1.0, exclusive=True)
    >>> made.scores(np.array([[-1.0], [1.0]])).argmax(1).tolist()
    [0, 1]
    """
    whole, y = np.asarray(vectors, np.float64), np.asarray(targets, np.float64)
    # Weights that matter lie in the space of the clips: with fewer of them than features, all is turned into it, which
    # changes neither the objective nor its optimum (4,096 features of 160 clips take a twentieth of the time).
    turned = whole.shape[1] > len(whole)
    basis, corner = np.linalg.qr(whole.T) if turned else (np.eye(0), np.eye(0))
    x = corner.T if turned else whole
    clips, features, classes = len(x), x.shape[1], y.shape[1]
    penalty = 1 / (c * clips)

    def objective(flat: np.ndarray) -> tuple[float, np.ndarray]:
        parts = flat.reshape(classes, features + 1)
        weights, intercepts = parts[:, :-1], parts[:, -1]
        logits = x @ weights.T + intercepts
        if exclusive:
            loss = -(y * log_softmax(logits, axis=1)).sum()
            wrong = softmax(logits, axis=1) - y
        else:
            loss = (np.logaddexp(0, logits) - y * logits).sum()
            wrong = expit(logits) - y
        gradient = np.empty_like(parts)
        gradient[:, :-1] = wrong.T @ x / clips + penalty * weights
        gradient[:, -1] = wrong.sum(0) / clips
        return loss / clips + penalty / 2 * float((weights**2).sum()), gradient.ravel()

    first = np.zeros(classes * (features + 1))
    if start is not None:
        first = np.column_stack([start.weights @ basis if turned else start.weights, start.intercepts]).ravel()
    options = {"maxiter": ITERATIONS, "maxfun": 10 * ITERATIONS, "gtol": 1e-7, "ftol": 1e-12, "maxcor": 20}
    optimum = minimize(objective, first, jac=True, method="L-BFGS-B", options=options)
    parts = optimum.x.reshape(classes, features + 1)
    weights = parts[:, :-1] @ basis.T if turned else parts[:, :-1].copy()
    return Regression(weights, parts[:, -1].copy(), bool(optimum.success))


def loss_of(scores: np.ndarray, targets: np.ndarray, *, exclusive: bool) -> float:
    """Mean loss of logits `[clip, class]`, by which strengths that rank alike are told apart.

    Examples
    --------
    >>> round(loss_of(np.zeros((1, 2)), np.eye(2)[:1], exclusive=True), 4)
    0.6931
    """
    if exclusive:
        return float(-(targets * log_softmax(scores, axis=1)).sum(1).mean())
    return float((np.logaddexp(0, scores) - targets * scores).mean())


class TriedStrength(NamedTuple):
    """A strength that was tried, its score, and its loss."""

    c: float
    score: float
    loss: float


def searched(score: Callable[[float], tuple[float, float]]) -> tuple[float, list[TriedStrength]]:
    """The strength with the best score, by a search that halves its step around the best.

    Parameters
    ----------
    score : callable
        From C to how good it is, and to its loss, which decides between equals: a ranking is the same for scores that
        never reach a threshold.

    Returns
    -------
    float, list of TriedStrength
        The best C, the smallest of equals; and every one that was tried, in order.

    Examples
    --------
    >>> best, tried = searched(lambda c: (-abs(np.log10(c) - 1.3), 0.0))
    >>> round(float(np.log10(best)), 3), len(tried)
    (1.25, 15)
    """
    tried: dict[float, TriedStrength] = {}

    def try_out(decade: float) -> None:
        if decade not in tried and FIRST[0] <= decade <= FIRST[-1]:
            tried[decade] = TriedStrength(10.0**decade, *score(10.0**decade))

    for decade in FIRST:
        try_out(decade)
    for step in FINER:
        best = _best(tried)
        try_out(best - step)
        try_out(best + step)
    return 10.0 ** _best(tried), list(tried.values())


def _best(tried: dict[float, TriedStrength]) -> float:
    return max(tried, key=lambda decade: (tried[decade].score, -tried[decade].loss, -decade))
