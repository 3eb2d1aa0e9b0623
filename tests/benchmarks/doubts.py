"""How often doubts about answers are raised on sound models, and on models with the fault that they look for.

Sound models are drawn over accuracies, class counts, balance, recordings of several clips, and systematic confusions of
neighbouring classes; what they say is right, so that every doubt is a false alarm. Models that guess are sound in
their order and softmax, too. Exits with 1 where a doubt is raised on more than one in two hundred sound models, or on
fewer than nine in ten faulty ones of the sizes below.

Run: python tests/benchmarks/doubts.py [--trials 2000]
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter

import numpy as np

from benchbed.run.doubts.answers import answer_doubts
from benchbed.run.doubts.seen import Seen

FALSE, FOUND = 0.005, 0.9


def world(random: np.random.Generator, accuracy: float, *, classes: int, clips: int, cuts: int, tags: bool) -> Seen:
    """A model that is right in a share of the clips, and wrong with neighbours half of the time."""
    share = random.dirichlet(np.full(classes, 3.0))
    label = random.choice(classes, clips, p=share)
    group = np.arange(clips) // cuts
    label = label[group * cuts]  # cuts of a recording are of one class
    skill = np.clip(random.normal(accuracy, 0.15, classes), 0.02, 0.99)
    confidence = random.uniform(0.5, 4.0)
    logits = random.gumbel(size=(clips, classes))
    hit = random.random(clips) < skill[label]
    near = np.where(random.random(clips) < 0.5, (label + 1) % classes, random.integers(0, classes, clips))
    logits[np.arange(clips), np.where(hit, label, near)] += 12.0
    logits *= confidence / 4
    present = np.eye(classes, dtype=bool)[label]
    if tags:
        more = random.random((clips, classes)) < 0.5 / classes
        logits += 6.0 * (more & (random.random((clips, classes)) < accuracy)) - 6.0
        present |= more
        scores = 1 / (1 + np.exp(-logits))
    else:
        scores = np.exp(logits - logits.max(1, keepdims=True))
        scores /= scores.sum(1, keepdims=True)
    split = np.array([f"fold{g % 5 + 1}" for g in group], object)
    return Seen(tuple(f"class{i}" for i in range(classes)), scores, present, group, split, not tags)


def faulty(seen: Seen, fault: str, random: np.random.Generator) -> Seen:
    scores = seen.scores
    if fault == "order":
        scores = scores[:, np.roll(np.arange(scores.shape[1]), 1)]
    elif fault == "two swapped":
        busiest = np.argsort(-seen.present.sum(0))[:2]
        order = np.arange(scores.shape[1])
        order[busiest] = busiest[::-1]
        scores = scores[:, order]
    elif fault == "softmax":
        scores = np.exp(scores) / np.exp(scores).sum(1, keepdims=True) if seen.single else 1 / (1 + np.exp(-scores))
    elif fault == "guess":
        scores = random.permutation(scores)
    elif fault == "learned":
        known = seen.split != "fold5"
        scores = np.where(known[:, None], 0.98 * seen.present + 0.02 * scores, scores)
    return Seen(seen.labels, scores, seen.present, seen.group, seen.split, seen.single)


LOOKED_FOR = {
    "order": "answers:order",
    "two swapped": "answers:order",
    "softmax": "answers:softmax",
    "guess": "answers:chance",
    "learned": "answers:folds",
}


def raised(seen: Seen) -> set[str]:
    return {check.name for check in answer_doubts(seen) if check.status in ("warn", "fail")}


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args(argv)
    random = np.random.Generator(np.random.Philox(key=args.seed))
    alarms: Counter[str] = Counter()
    guessing: Counter[str] = Counter()
    found: Counter[str] = Counter()
    tried: Counter[str] = Counter()
    for trial in range(args.trials):
        tags = trial % 4 == 3
        sizes = {
            "classes": int(random.integers(2, 40)),
            "clips": int(random.choice([40, 100, 200, 400, 1000])),
            "cuts": int(random.choice([1, 1, 2, 5])),
        }
        # A model that is right as often as a guess is one, whatever it knows.
        least = max(0.35, 1 / sizes["classes"] + 0.25)
        seen = world(random, float(random.uniform(least, 0.98)), tags=tags, **sizes)
        alarms.update(raised(seen))
        for name in raised(faulty(seen, "guess", random)) - {"answers:chance"}:
            guessing[name] += 1
        strong = world(random, 0.8, classes=10, clips=200, cuts=1, tags=tags)
        for fault, name in LOOKED_FOR.items():
            if tags and fault == "learned":
                continue
            tried[fault] += 1
            found[fault] += name in raised(faulty(strong, fault, random))
    wrong = 0
    for name in sorted(set(LOOKED_FOR.values())):
        for title, count in (("sound", alarms[name]), ("guessing", guessing[name])):
            if title == "guessing" and name == "answers:chance":
                continue
            rate = count / args.trials
            wrong += rate > FALSE
            print(f"{name:<18} raised on {rate:7.3%} of {args.trials} {title} models")
    for fault in LOOKED_FOR:
        rate = found[fault] / tried[fault]
        wrong += rate < FOUND and fault != "two swapped"
        print(f"{fault:<18} found in  {rate:7.1%} of {tried[fault]} models, 200 clips of 10 classes, right in 80 %")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
