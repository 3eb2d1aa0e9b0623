"""Fit how members of an ensemble are fused, on a validation split that they were scored on.

    python adapters/training/fuse.py --rule stacked --split validation --out fused.json runs/SUITE/a runs/SUITE/b
    benchbed run … --model adapters/ensemble.py --set members=a,b --set rule=stacked --set table=fused.json

Takes the answers that runs keep, of scenes or tags. `class`: a weight of each member for each class, its F1 there, or
with `--share 0.8` so much for the better one; `stacked`: a logistic regression from all log-probabilities to the class
(or to each tag), with an L2 penalty.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np

import benchbed as bb
from benchbed.errors import BenchbedError, ConfigError

FLOOR = 1e-12


def answers(run: bb.Run, split: str) -> tuple[list[str], np.ndarray, np.ndarray, list[str]]:
    """Clips, probabilities `[clip, class]`, class numbers, and labels of the clean cell of a split."""
    keys = [c.key for c in run.result.cells if c.condition.kind == "clean" and c.split == split]
    if not keys:
        known = sorted({c.split for c in run.result.cells})
        raise ConfigError(f"the run has no clean cell of the split '{split}'", where=str(run.path), hint=f"{known}")
    table = run.predictions(keys[0])
    # Names are categories, in an order of each file's own.
    table = table.assign(clip_id=table["clip_id"].astype(str)).sort_values("clip_id")
    columns = [name for name in table.columns if name.startswith("score.")]
    labels = [name.removeprefix("score.") for name in columns]
    target = references(table["label"].tolist(), labels)
    return table["clip_id"].tolist(), table[columns].to_numpy(np.float64), target, labels


def references(given: list[object], labels: list[str]) -> np.ndarray:
    """Class numbers `[clip]`, or 1 where a tag is present `[clip, class]`."""
    if not any(isinstance(label, tuple | list) for label in given):
        return np.array([labels.index(str(label)) for label in given])
    return np.array([[float(name in label) for name in labels] for label in given])  # type: ignore[operator]


def class_weights(scores: np.ndarray, target: np.ndarray, share: float = 0.0) -> np.ndarray:
    """Weights of each member in each class `[member, class]`, of scores `[member, clip, class]`.

    By default its F1 there, a hundredth at least. With a share, the member that is best in a class has that much of the
    weight and the others the rest, as in a source that gave sight 0.8 in seven classes and hearing 0.8 in ten.
    """
    several = target.ndim == 2
    said = scores >= 0.5 if several else scores.argmax(2)[..., None] == np.arange(scores.shape[2])
    there = target > 0 if several else target[:, None] == np.arange(scores.shape[2])
    hit, under = (said & there).sum(1), said.sum(1) + there.sum(0)
    found = np.maximum(0.01, 2 * hit / np.maximum(under, 1))
    if not share:
        return found
    best = found.argmax(0) == np.arange(len(found))[:, None]
    return np.where(best, share, (1 - share) / (len(found) - 1))


def stacked(scores: np.ndarray, target: np.ndarray, penalty: float) -> tuple[np.ndarray, np.ndarray]:
    """Weights `[class, member · class]` and offsets `[class]` of a logistic regression: one over all classes, or one
    for each tag."""
    from sklearn.linear_model import LogisticRegression

    flat = np.log(np.maximum(scores, FLOOR)).transpose(1, 0, 2).reshape(scores.shape[1], -1)
    if target.ndim == 2:
        bare = [name for name in range(target.shape[1]) if len(set(target[:, name])) < 2]
        if bare:
            raise ConfigError(f"{len(bare)} tags are in every clip of the split, or in none", hint="a larger split")
        each = [LogisticRegression(C=1 / penalty, max_iter=2000).fit(flat, column) for column in target.T]
        return np.concatenate([one.coef_ for one in each]), np.concatenate([one.intercept_ for one in each])
    fitted = LogisticRegression(C=1 / penalty, max_iter=2000).fit(flat, target)
    classes = scores.shape[2]
    if len(fitted.classes_) < max(3, classes):
        raise ConfigError(f"{len(fitted.classes_)} of {classes} classes occur in the split", hint="a larger split")
    return fitted.coef_, fitted.intercept_


def fitted(runs: list[bb.Run], rule: str, split: str, penalty: float, share: float = 0.0) -> dict[str, object]:
    """What `adapters/ensemble.py` reads."""
    found = [answers(run, split) for run in runs]
    if any(one[0] != found[0][0] or one[3] != found[0][3] for one in found):
        raise ConfigError("the runs are about other clips or classes", hint="one suite, the same split and limit")
    scores, target = np.stack([one[1] for one in found]), found[0][2]
    about: dict[str, object] = {
        "rule": rule,
        "members": [run.result.model.name for run in runs],
        "labels": found[0][3],
        "dataset": runs[0].result.dataset.name,
        "split": split,
        "clips": len(target),
    }
    if rule == "class":
        return about | {"weights": class_weights(scores, target, share).round(6).tolist(), "share": share}
    weights, offset = stacked(scores, target, penalty)
    return about | {"weights": weights.tolist(), "offset": offset.tolist(), "penalty": penalty}


def main(argv: list[str] | None = None) -> int:
    """Fit and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", nargs="+", help="run folders, in the order of the members")
    parser.add_argument("--rule", choices=("class", "stacked"), default="stacked")
    parser.add_argument("--split", required=True, help="validation split that the runs have scored")
    parser.add_argument("--share", type=float, default=0.0, help="of the best member in each class, e.g. 0.8")
    parser.add_argument("--penalty", type=float, default=1.0, help="L2 penalty of stacked")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args(argv)
    try:
        about = fitted([bb.load(place)[0] for place in args.runs], args.rule, args.split, args.penalty, args.share)
    except BenchbedError as error:
        print(f"error: {error}")
        return 2
    args.out.write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")
    print(args.out)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
