"""Fit how members of an ensemble are fused, on a validation split that they were scored on.

    python adapters/training/fuse.py --rule stacked --split validation --out fused.json runs/SUITE/a runs/SUITE/b
    benchbed run … --model adapters/ensemble.py --set members=a,b --set rule=stacked --set table=fused.json

Takes the answers that runs keep. `class`: a weight of each member for each class, its F1 there; `stacked`: a logistic
regression from all log-probabilities to the class (or to each tag), with an L2 penalty.
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
    target = np.array([labels.index(label) for label in table["label"].astype(str)])
    return table["clip_id"].tolist(), table[columns].to_numpy(np.float64), target, labels


def class_weights(scores: np.ndarray, target: np.ndarray) -> np.ndarray:
    """F1 of each member in each class `[member, class]`, a hundredth at least, of scores `[member, clip, class]`."""
    said = scores.argmax(2)
    found = np.full((len(scores), scores.shape[2]), 0.01)
    for member, label in np.ndindex(found.shape):
        hit = ((said[member] == label) & (target == label)).sum()
        under = (said[member] == label).sum() + (target == label).sum()
        found[member, label] = max(0.01, 2 * hit / under if under else 0.0)
    return found


def stacked(scores: np.ndarray, target: np.ndarray, penalty: float) -> tuple[np.ndarray, np.ndarray]:
    """Weights `[class, member · class]` and offsets `[class]` of a multinomial logistic regression."""
    from sklearn.linear_model import LogisticRegression

    flat = np.log(np.maximum(scores, FLOOR)).transpose(1, 0, 2).reshape(scores.shape[1], -1)
    fitted = LogisticRegression(C=1 / penalty, max_iter=2000).fit(flat, target)
    classes = scores.shape[2]
    if len(fitted.classes_) < max(3, classes):
        raise ConfigError(f"{len(fitted.classes_)} of {classes} classes occur in the split", hint="a larger split")
    return fitted.coef_, fitted.intercept_


def fitted(runs: list[bb.Run], rule: str, split: str, penalty: float) -> dict[str, object]:
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
        return about | {"weights": class_weights(scores, target).round(6).tolist()}
    weights, offset = stacked(scores, target, penalty)
    return about | {"weights": weights.tolist(), "offset": offset.tolist(), "penalty": penalty}


def main(argv: list[str] | None = None) -> int:
    """Fit and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", nargs="+", help="run folders, in the order of the members")
    parser.add_argument("--rule", choices=("class", "stacked"), default="stacked")
    parser.add_argument("--split", required=True, help="validation split that the runs have scored")
    parser.add_argument("--penalty", type=float, default=1.0, help="L2 penalty of stacked")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args(argv)
    try:
        about = fitted([bb.load(place)[0] for place in args.runs], args.rule, args.split, args.penalty)
    except BenchbedError as error:
        print(f"error: {error}")
        return 2
    args.out.write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")
    print(args.out)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
