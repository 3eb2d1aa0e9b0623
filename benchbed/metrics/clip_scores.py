"""Scores of single clips, for decisions that are made clip by clip: has an attack broken this one?

A clip's score lies in 0…1. A clip without labels or events scores 1 where the system says nothing, and else 0: figures
over sets of clips leave such clips out or pool them, but an attack can break them like any other.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from benchbed.metrics.at_least import at_least
from benchbed.metrics.contract import Family
from benchbed.metrics.families.sed_event import EventBased
from benchbed.metrics.families.tagging import Tagging
from benchbed.metrics.sed.flat import answers, flatten
from benchbed.rng import stream

#: Random orders behind the chance of a clip with several labels.
ORDERS = 4000


def clip_ap(family: Tagging, scores: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Label-ranking average precision of each clip `[clip]`: mean precision at its labels, sorted by score.

    Parameters
    ----------
    family : Tagging
        Rule for ties, and thresholds for clips without labels.
    scores, target : np.ndarray [shape=(clip, class)]
        Scores, and 1 where a class is present.

    Examples
    --------
    >>> from benchbed.metrics.families.tagging import family
    >>> clip_ap(family(("a", "b", "c")), np.array([[0.9, 0.8, 0.1]]), np.array([[0, 1, 0]])).tolist()
    [0.5]
    """
    precision = family.values(family.statistics(scores, target))["lwlrap"]
    return np.where(target.any(axis=1), precision, _silent(family, scores))


def label_f1(family: Tagging, scores: np.ndarray, target: np.ndarray) -> np.ndarray:
    """F1 of each clip's labels at the thresholds `[clip]`.

    Examples
    --------
    >>> from benchbed.metrics.families.tagging import family
    >>> label_f1(family(("a", "b", "c")), np.array([[0.9, 0.8, 0.1]]), np.array([[0, 1, 0]])).round(3).tolist()
    [0.667]
    """
    said, there = at_least(scores, family.threshold), target > 0.5
    total = said.sum(axis=1) + there.sum(axis=1)
    return np.where(total > 0, 2 * (said & there).sum(axis=1) / np.maximum(total, 1), 1.0)


def label_set(family: Tagging, scores: np.ndarray, target: np.ndarray) -> np.ndarray:
    """1 for each clip whose set of labels at the thresholds is the reference's, else 0.

    Examples
    --------
    >>> from benchbed.metrics.families.tagging import family
    >>> label_set(family(("a", "b")), np.array([[0.9, 0.8], [0.9, 0.1]]), np.array([[1, 0], [1, 0]])).tolist()
    [0.0, 1.0]
    """
    return (at_least(scores, family.threshold) == (target > 0.5)).all(axis=1).astype(np.float64)


def class_decision(number: int) -> Callable[[Tagging, np.ndarray, np.ndarray], np.ndarray]:
    """1 for each clip in which one class is decided as the reference says, else 0; a function as those above.

    Examples
    --------
    >>> from benchbed.metrics.families.tagging import family
    >>> class_decision(1)(family(("a", "b")), np.array([[0.9, 0.8]]), np.array([[1, 0]])).tolist()
    [0.0]
    """

    def decided(family: Tagging, scores: np.ndarray, target: np.ndarray) -> np.ndarray:
        return (at_least(scores[:, number], family.threshold[number]) == (target[:, number] > 0.5)).astype(np.float64)

    return decided


def timed_f1(family: Family, outputs: np.ndarray, target: np.ndarray) -> np.ndarray:
    """F1 of each recording `[clip]` over the events or segments of all classes, by the family's collars or segments.

    Parameters
    ----------
    family : Family
        `sed_event` or `sed_segment`, with its thresholds and filters.
    outputs, target : np.ndarray [shape=(clip,), object]
        As the family takes them.

    Examples
    --------
    >>> from benchbed.metrics.families.sed_event import family
    >>> from benchbed.outputs.frames.recording import Events
    >>> pair = np.empty(2, object)
    >>> pair[0], pair[1] = Events(np.array([0]), np.array([10**6]), np.array([0])), Events(*[np.zeros(0, int)] * 3)
    >>> timed_f1(family(("dog",)), pair[::-1], pair).tolist(), timed_f1(family(("dog",)), pair, pair).tolist()
    ([0.0, 0.0], [1.0, 1.0])
    """
    found = family.values(family.statistics(outputs, target))["micro_f1"]
    # Undefined only where nothing is there and nothing was said.
    return np.where(np.isnan(found), 1.0, found)


def tag_flips(family: Tagging, before: np.ndarray, after: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Labels that were right before and are lost after, and labels that are new and wrong, `[clip, 2]`.

    Examples
    --------
    >>> from benchbed.metrics.families.tagging import family
    >>> clean, attacked = np.array([[0.9, 0.1, 0.1]]), np.array([[0.2, 0.8, 0.9]])
    >>> tag_flips(family(("a", "b", "c")), clean, attacked, np.array([[1, 0, 1]])).tolist()
    [[1, 1]]
    """
    was, now = (at_least(scores, family.threshold) for scores in (before, after))
    there = target > 0.5
    return np.column_stack([(there & was & ~now).sum(axis=1), (~there & ~was & now).sum(axis=1)])


def event_flips(family: EventBased, before: np.ndarray, after: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Events that were found before and are missed after, and false alarms that were not there before, `[clip, 2]`.

    Both by the family's collars: an event whose border an attack has moved beyond the collar is missed, and the moved
    event is a false alarm. A false alarm is new where none was there before within the collars.

    Parameters
    ----------
    before, after, target : np.ndarray [shape=(clip,), object]
        As the family takes them.

    Examples
    --------
    >>> from benchbed.metrics.families.sed_event import family
    >>> from benchbed.outputs.frames.recording import Events
    >>> def one(*onsets):
    ...     held, at = np.empty(1, object), np.array(onsets, int)
    ...     held[0] = Events(at, at + 10**6, np.zeros(len(at), int), 10**7)
    ...     return held
    >>> event_flips(family(("dog",)), one(0, 4 * 10**6), one(5 * 10**6), one(0)).tolist()
    [[1, 1]]
    """
    classes, clips = len(family.labels), len(target)
    reference = flatten(target, classes)
    was, now = (answers(outputs, family.decision, classes) for outputs in (before, after))
    old, new = (family.match(family.collar.pairs(reference, found, classes)) for found in (was, now))
    lost = np.setdiff1d(old[:, 0], new[:, 0])
    known, alarms = (
        found.only(np.setdiff1d(np.arange(len(found)), pairs[:, 1])) for found, pairs in ((was, old), (now, new))
    )
    again = family.match(family.collar.pairs(known, alarms, classes))
    fresh = np.setdiff1d(np.arange(len(alarms)), again[:, 1])
    return np.column_stack(
        [np.bincount(reference.clip[lost], minlength=clips), np.bincount(alarms.clip[fresh], minlength=clips)]
    )


def chance_of_ap(labels: int, classes: int, above: float) -> float:
    """Chance that a random order of the classes gives a clip with so many labels an average precision above a bound.

    Exact for one label, else the share of 4,000 random orders.

    Examples
    --------
    >>> chance_of_ap(1, 10, 0.5), chance_of_ap(3, 3, 0.5)
    (0.1, 1.0)
    """
    if labels == 0:
        return 0.0
    if labels == 1:
        return int((1 / np.arange(1, classes + 1) > above).sum()) / classes
    order = stream("chance-ap", labels, classes).random((ORDERS, classes)).argsort(axis=1)
    ranks = np.sort(order[:, :labels], axis=1) + 1
    return float(((np.arange(1, labels + 1) / ranks).mean(axis=1) > above).mean())


def _silent(family: Tagging, scores: np.ndarray) -> np.ndarray:
    return np.where(at_least(scores, family.threshold).any(axis=1), 0.0, 1.0)
