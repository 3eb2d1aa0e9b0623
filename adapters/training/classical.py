"""Fit Gaussian mixtures and i-vectors: expectation and maximisation in the place of gradients.

    python adapters/training/classical.py --model adapters/gmm.py --data synthetic --out gmm.safetensors

Data, splits, what is written and the card are those of `train.py` beside this file. `--epochs` are the most rounds of
expectation and maximisation. Needs scikit-learn, which fits mixtures and linear discriminants.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from benchbed import rng as random
from benchbed.errors import AdapterError, BenchbedError, CannotMeasure, ConfigError

sys.path.insert(0, str(Path(__file__).parent))
import train

#: Frames that one mixture is fitted to at most, drawn from all.
FRAMES = 40000
#: Variance below which none falls, of standardised features: half precision keeps it, and one odd frame rules nothing.
FLOOR = 1e-2


def mixture(frames: np.ndarray, components: int, rounds: int, *key: Any) -> Any:
    """A fitted `GaussianMixture` of scikit-learn with diagonal covariances.

    Parameters
    ----------
    frames : np.ndarray [shape=(frame, feature)]
    components, rounds : int
        Gaussians, and rounds of EM at most.
    key
        What the random draws are for, with the seed.
    """
    from sklearn.mixture import GaussianMixture

    if len(frames) < 2 * components:
        raise ConfigError(
            f"{len(frames)} frames for {components} Gaussians", hint="more clips, or fewer: --set components=4"
        )
    draw = random.stream("classical", *key)
    some = frames if len(frames) <= FRAMES else frames[draw.permutation(len(frames))[:FRAMES]]
    made = GaussianMixture(
        components,
        covariance_type="diag",
        reg_covar=FLOOR,
        max_iter=rounds,
        random_state=int(draw.integers(2**31)),
    )
    return made.fit(some.astype(np.float64))


def fill(mixtures: nn.Module, place: int, fitted: Any) -> None:
    """Put what scikit-learn fitted into one of several mixtures."""
    with torch.no_grad():
        mixtures.log_weights[place] = torch.from_numpy(np.log(np.maximum(fitted.weights_, 1e-30)))
        mixtures.means[place] = torch.from_numpy(fitted.means_)
        mixtures.variances[place] = torch.from_numpy(fitted.covariances_)


def fit_mixtures(network: nn.Module, clips: train.Clips, args: argparse.Namespace) -> float:
    """One mixture for each class; minus the mean log-likelihood of a frame under its own."""
    network.standardised.measure(clips.inputs)
    frames = network.standardised(clips.inputs).transpose(1, 2).numpy()
    components, total = network.mixtures.log_weights.shape[1], 0.0
    for label in range(len(network.mixtures.log_weights)):
        mine = frames[(clips.targets == label).numpy()].reshape(-1, frames.shape[2])
        fitted = mixture(mine, components, args.epochs, args.seed, label)
        fill(network.mixtures, label, fitted)
        total -= float(fitted.score_samples(mine).sum())
        print(f"class {label}: {len(mine)} frames, {fitted.n_iter_} rounds", file=sys.stderr)
    return total / (frames.shape[0] * frames.shape[1])


def total_variability(
    counts: np.ndarray, sums: np.ndarray, variances: np.ndarray, start: np.ndarray, rounds: int
) -> tuple[np.ndarray, list[float]]:
    """The total-variability matrix T by EM (Kenny, Boulianne and Dumouchel 2005), and what each round reached.

    A clip's means are those of the shared mixture plus `T·y`, y standard normal. Variances stay those of the mixture.
    Each round ends with minimum divergence (Kenny 2008).

    Parameters
    ----------
    counts : np.ndarray [shape=(clip, component)]
        Frames that each component accounts for.
    sums : np.ndarray [shape=(clip, component, feature)]
        Sum of these frames around the component's mean.
    variances : np.ndarray [shape=(component, feature)]
    start : np.ndarray [shape=(component, feature, dimension)]
        T before the first round.
    rounds : int

    Returns
    -------
    np.ndarray, list of float
        T, and the log-likelihood of all clips before each round, up to a constant.
    """
    total, reached = start, []
    for _ in range(rounds):
        weighted = total / variances[..., None]
        each = weighted.transpose(0, 2, 1) @ total
        precision = np.eye(total.shape[2]) + np.einsum("ic,crs->irs", counts, each)
        shift = np.einsum("icf,cfr->ir", sums, weighted)
        covariance = np.linalg.inv(precision)
        mean = np.einsum("irs,is->ir", covariance, shift)
        reached.append(0.5 * float((shift * mean).sum() - np.linalg.slogdet(precision)[1].sum()))
        second = covariance + mean[:, :, None] * mean[:, None, :]
        left = np.einsum("icf,ir->cfr", sums, mean)
        right = np.einsum("ic,irs->crs", counts, second)
        # Nothing is known of a component that no clip uses.
        used = counts.sum(0) > 1e-6
        total = total.copy()
        total[used] = np.linalg.solve(right[used], left[used].transpose(0, 2, 1)).transpose(0, 2, 1)
        # Minimum divergence: y gets the spread that was found, and T takes it over so that y is standard normal again.
        # It is a step of EM with one parameter more, which without it moves slowly where clips have many frames.
        total = total @ np.linalg.cholesky(second.mean(0))
    return total, reached


def fit_ivectors(network: nn.Module, clips: train.Clips, args: argparse.Namespace) -> float:
    """Shared mixture, T, discriminants and class means; the cross-entropy of the training clips at the end."""
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

    network.standardised.measure(clips.inputs)
    frames = network.standardised(clips.inputs)
    inner = network.ivectors
    flat = frames.transpose(1, 2).flatten(0, 1).numpy()
    fill(inner.shared, 0, mixture(flat, len(inner.total), args.epochs, args.seed, "shared"))
    with torch.no_grad():
        parts = [inner.statistics(part) for part in frames.split(64)]
        counts, sums = (torch.cat([part[i] for part in parts]).double().numpy() for i in (0, 1))
        variances = inner.shared.variances[0].double().numpy()
        draw = random.stream("classical", args.seed, "total variability")
        start = 0.1 * draw.standard_normal(inner.total.shape) * np.sqrt(variances)[..., None]
        found, reached = total_variability(counts, sums, variances, start, args.epochs)
        print(f"total variability: log-likelihood {reached[0]:.1f} → {reached[-1]:.1f}", file=sys.stderr)
        inner.total.copy_(torch.from_numpy(found))
        points = inner.posterior(torch.from_numpy(counts).float(), torch.from_numpy(sums).float())[0]
        network.centre.copy_(points.mean(0))
        points = nn.functional.normalize(points - network.centre, dim=1)
        # Shrunk towards a sphere (Ledoit and Wolf), since a class may have few clips.
        discriminants = LinearDiscriminantAnalysis(solver="eigen", shrinkage="auto")
        discriminants.fit(points.double().numpy(), clips.targets.numpy())
        wanted = network.discriminants.shape[1]
        if discriminants.scalings_.shape[1] < wanted or len(discriminants.classes_) < len(network.classes):
            raise ConfigError(
                f"{len(discriminants.classes_)} of {len(network.classes)} classes occur in {args.train_splits}",
                hint="i-vectors need clips of every class",
            )
        network.discriminants.copy_(torch.from_numpy(discriminants.scalings_[:, :wanted].copy()))
        projected = nn.functional.normalize(points @ network.discriminants, dim=1)
        for label in range(len(network.classes)):
            network.classes[label] = projected[clips.targets == label].mean(0)
        logits = torch.cat([network.classify(part) for part in clips.inputs.split(64)])
        return float(nn.functional.cross_entropy(logits, clips.targets))


def learn(network: nn.Module, clips: train.Clips, args: argparse.Namespace) -> float:
    """Fit a network by the way of its kind."""
    if args.task != "scene":
        raise ConfigError(f"--task {args.task}: these models know one class a clip", hint="--task scene")
    if args.epochs < 1:
        raise ConfigError(f"{args.epochs} rounds", hint="--epochs 30")
    # Nothing is augmented, and the card says so.
    args.mixup = args.roll = args.mixstyle = args.label_smoothing = 0.0
    if hasattr(network, "mixtures"):
        return fit_mixtures(network, clips, args)
    if hasattr(network, "ivectors"):
        return fit_ivectors(network, clips, args)
    raise AdapterError(
        f"{args.model.name} is not fitted by expectation and maximisation",
        where=str(args.model),
        hint="adapters/training/train.py trains networks",
    )


def main(argv: list[str]) -> dict[str, float]:
    """Fit, write weights and card, and return the test scores."""
    try:
        import sklearn  # noqa: F401
    except ImportError as error:
        raise CannotMeasure(
            "scikit-learn, which fits mixtures, is not installed", hint="pip install scikit-learn"
        ) from error
    return train.main(argv, learn, "classical.py")


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except BenchbedError as error:
        print(error, file=sys.stderr)
        sys.exit(error.exit_code)
