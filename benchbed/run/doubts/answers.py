"""Doubts about answers: no better than guessing, classes in another order, a softmax too many, folds that were learned.

Each is decided by a test whose level is stated beside it; `tests/benchmarks/doubts.py` counts how often they are raised
on sound models.
"""

from __future__ import annotations

import math

import numpy as np

from benchbed import rng
from benchbed.results import record
from benchbed.run.doubts.seen import Seen
from benchbed.stats.sign import sign_test

#: Fewer items, or recordings, tell nothing.
FEWEST, FEWEST_GROUPS = 20, 10
#: A model is taken for guessing where chance would be as good more often than this.
GUESSING = 0.01
#: Another order of the classes must be better beyond this chance, and by so much credit.
ORDER, GAIN = 1e-3, 0.05
#: A fold differs where chance would part it so far less often than this, and the others are almost all right.
FOLDS, LEARNED = 0.01, 0.98
#: Classes up to which rings of them are looked through, in the place of a solver that takes long to import.
_MOST_IN_RINGS = 128
#: Classes of an order that are named.
NAMED = 4


def answer_doubts(seen: Seen) -> list[record.Check]:
    """Checks of the answers to clean clips: `answers:chance`, `answers:order`, `answers:softmax`, `answers:folds`."""
    few = len(seen.scores) < FEWEST or seen.groups < FEWEST_GROUPS
    if few or seen.scores.shape[1] < 2:
        what = f"{len(seen.scores)} clips of {seen.groups} recordings are too few to tell skill from chance"
        if not len(seen.scores):
            what = "no clip has scores of classes, which chance is told from"
        return [record.Check(name="answers:chance", status="skipped", message=what)]
    return [chance(seen), order(seen), *softmax_twice(seen), *folds(seen)]


def chance(seen: Seen) -> record.Check:
    """Whether the model can be told from one that guesses.

    Of one class each: mean recall of the classes against that of any guess, one over their number. Of ranks: mean AUC
    against one half, with its variance under the null hypothesis (Hanley and McNeil 1982).
    """
    if seen.single:
        value, expected, spread, name = _recall(seen)
    else:
        value, expected, spread, name = _auc(seen)
    if not spread:
        return record.Check(name="answers:chance", status="skipped", message="no class can be told from another here")
    above = (value - expected) / spread
    text = f"{name} {value:.3f}, of a guess {expected:.3f} ± {1.96 * spread:.3f}"
    if above >= _quantile(GUESSING):
        return record.Check(name="answers:chance", status="pass", message=text)
    if above <= -_quantile(GUESSING / 2):
        what = "worse than guessing: are scores negated, or labels in another order?"
    else:
        what = "cannot be told from guessing; look at label order, sample rate, scaling and weights"
    return record.Check(name="answers:chance", status="warn", message=f"{text}: {what}")


def order(seen: Seen) -> record.Check:
    """Whether another order of the model's classes would be right more often.

    The best order (Hungarian assignment on the credit that each class gets for each label) is sought on one half of the
    recordings and tried on the other, and the other way round: on clips that an order was not chosen on, one that only
    fits chance gains nothing. Recordings that gain and lose are counted by the sign test.
    """
    credit, groups = seen.credit, np.unique(seen.group, return_inverse=True)[1]
    halves = rng.stream("doubts", "halves").permutation(groups.max() + 1) % 2
    gains, weights = np.zeros(groups.max() + 1), 0
    for half in (0, 1):
        learned, tried = halves[groups] == half, halves[groups] != half
        assigned = _assigned(credit[learned], seen.present[learned])
        item, label = np.nonzero(seen.present & tried[:, None])
        np.add.at(gains, groups[item], credit[item, assigned[label]] - credit[item, label])
        weights += len(item)
    better, worse = int((gains > 1e-12).sum()), int((gains < -1e-12).sum())
    gain = float(gains.sum()) / max(weights, 1)
    least = GAIN if seen.single else GAIN / 2
    by_chance = sign_test(better, worse)
    if by_chance > ORDER or gain < least:
        return record.Check(
            name="answers:order", status="pass", message="no other order of the classes would be right more often"
        )
    assigned = _assigned(credit, seen.present)
    moved = [f"{seen.labels[i]} → {seen.labels[j]}" for i, j in enumerate(assigned) if i != j]
    listed = ", ".join(moved[:NAMED]) + (", …" if len(moved) > NAMED else "")
    now = float(credit[seen.present].mean())
    what = "right" if seen.single else "mean rank of what is there"
    return record.Check(
        name="answers:order",
        status="warn",
        message=f"with {len(moved)} classes in another order {now + gain:.0%} instead of {now:.0%} ({what}, found on "
        f"half of the recordings and tried on the other; {better} of {better + worse} gain): {listed}; check the "
        "order of the card's labels",
    )


def softmax_twice(seen: Seen) -> list[record.Check]:
    """Whether the answers are those of a softmax (or sigmoid) of what were probabilities already.

    Probabilities are in 0…1, so a softmax of them stays below e / (e + classes − 1), and can be undone: what went in is
    found up to a constant, which their sum of 1 gives. A sigmoid of them stays in 0.5…0.731.
    """
    name, scores = "answers:softmax", seen.scores
    classes = scores.shape[1]
    if not seen.single:
        inside = scores.min() >= 0.5 - 1e-6 and scores.max() <= 1 / (1 + math.exp(-1)) + 1e-6
        if not inside or np.ptp(scores) < 1e-3:
            return []
        what = "every score lies in 0.5 … 0.731, where a sigmoid of probabilities lies: is it applied twice?"
        return [record.Check(name=name, status="warn", message=what)]
    if np.abs(scores.sum(1) - 1).max() > 1e-3 or scores.min() <= 0:
        return []
    most = math.e / (math.e + classes - 1)
    logarithms = np.log(scores)
    before = logarithms + (1 - logarithms.sum(1, keepdims=True)) / classes
    right = float(seen.right.mean())
    low = right - _quantile(GUESSING) * math.sqrt(max(right * (1 - right), 1e-9) / seen.groups)
    # A model that knows nothing is as unsure, and says so rightly: doubled is what is right far more often than sure.
    if before.min() < -1e-3 or before.max() < 0.5 or low <= most:
        return []
    what = (
        f"no answer is surer than {scores.max():.1%}, and a softmax of probabilities never is than {most:.1%}, while "
        f"{right:.0%} are right: is a softmax applied twice? The ranking stays, log loss and calibration do not"
    )
    return [record.Check(name=name, status="warn", message=what)]


def folds(seen: Seen) -> list[record.Check]:
    """Whether one fold alone is not known by heart: the others then were in the training of one model for all."""
    names = list(dict.fromkeys(seen.split.tolist()))
    if not seen.single or len(names) < 2:
        return []
    right = seen.right
    for split in names:
        here, there = right[seen.split == split], right[seen.split != split]
        table = [[int(here.sum()), int((~here).sum())], [int(there.sum()), int((~there).sum())]]
        if there.mean() >= LEARNED and here.mean() < there.mean():
            from scipy.stats import fisher_exact  # a second to import, for what is seldom seen

            by_chance = float(fisher_exact(table, alternative="less")[1]) * len(names)
            if by_chance < FOLDS:
                what = (
                    f"{split} is right in {here.mean():.1%}, the other {len(names) - 1} splits together in "
                    f"{there.mean():.1%}: as if the model had been trained on them; score each split by the model "
                    "that did not see it: --set checkpoint='…/{split}.pt'"
                )
                return [record.Check(name="answers:folds", status="warn", message=what)]
    return [record.Check(name="answers:folds", status="pass", message="no split stands apart from the others")]


def _recall(seen: Seen) -> tuple[float, float, float, str]:
    label = seen.present.argmax(1)
    recalls, variance = [], 0.0
    present = np.unique(label)
    guess = 1 / len(present)
    for each in present:
        mine = label == each
        recalls.append(float(seen.right[mine].mean()))
        variance += guess * (1 - guess) / len(np.unique(seen.group[mine]))
    return float(np.mean(recalls)), guess, math.sqrt(variance) / len(present), "mean recall"


def _auc(seen: Seen) -> tuple[float, float, float, str]:
    credit, values, variance = seen.credit, [], 0.0
    count = len(credit)
    for each in range(credit.shape[1]):
        there = seen.present[:, each]
        positive, negative = int(there.sum()), int((~there).sum())
        if positive and negative:
            ranks = credit[there, each].sum() * count + 0.5 * positive
            values.append((ranks - positive * (positive + 1) / 2) / (positive * negative))
            # Items of one recording are alike: it counts once.
            apart = min(positive, len(np.unique(seen.group[there])))
            others = min(negative, len(np.unique(seen.group[~there])))
            variance += (apart + others + 1) / (12 * apart * others)
    if not values:
        return 0.5, 0.5, 0.0, "mean AUC"
    return float(np.mean(values)), 0.5, math.sqrt(variance) / len(values), "mean AUC"


def _assigned(credit: np.ndarray, present: np.ndarray) -> np.ndarray:
    """For each label the class that stands for it best, each class once."""
    worth = present.T.astype(np.float64) @ credit
    # Where nothing speaks for another order, the classes stay where they are.
    worth += 1e-9 * np.eye(len(worth))
    if _none_better(worth):
        return np.arange(len(worth))  # nothing to import a solver for
    from scipy.optimize import linear_sum_assignment

    return np.asarray(linear_sum_assignment(-worth)[1])


def _none_better(worth: np.ndarray) -> bool:
    """Whether classes that changed places, two or more of them in a ring, would stand for their labels worse.

    A ring that loses nothing is a cycle of no positive length where a label's loss by another class is the way to it
    (Floyd and Warshall). Where many classes would take long, or a ring makes next to no difference, it says no.
    """
    loss = np.diagonal(worth)[:, None] - worth
    np.fill_diagonal(loss, np.inf)
    if (loss > 0).all():
        return True
    if len(loss) > _MOST_IN_RINGS:
        return False
    for by in range(len(loss)):
        np.minimum(loss, loss[:, by, None] + loss[by], out=loss)
    return bool(np.diagonal(loss).min() > 1e-12 * np.abs(worth).max())


def _quantile(level: float) -> float:
    from scipy.special import ndtri  # scipy.stats takes a second to import

    return float(-ndtri(level))
