"""N-grams of many captions at once: words become numbers, and the n-grams of each caption rows of sorted arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np

#: Longest n-gram.
ORDER = 4

#: Tokens of one caption.
Tokens = Sequence[str]


@dataclass(frozen=True)
class Grams:
    """N-grams of one length in many captions.

    Attributes
    ----------
    caption, gram : np.ndarray [shape=(row,), int64]
        Which n-gram is in which caption, sorted by caption and then n-gram; each pair once.
    count : np.ndarray [shape=(row,), int64]
        How often.
    kinds : int
        Number of different n-grams; `gram` is below it.
    """

    caption: np.ndarray
    gram: np.ndarray
    count: np.ndarray
    kinds: int


def grams(captions: Sequence[Tokens]) -> tuple[list[Grams], np.ndarray]:
    """N-grams of all lengths in captions, numbered alike for all of them.

    Returns
    -------
    list of Grams
        For lengths 1 … `ORDER`.
    np.ndarray [shape=(caption,), int64]
        Number of tokens of each caption.

    Examples
    --------
    >>> orders, lengths = grams([("a", "dog", "a"), ("dog",)])
    >>> orders[0].count.tolist(), [order.kinds for order in orders], lengths.tolist()
    ([2, 1, 1], [2, 2, 1, 0], [3, 1])
    """
    lengths = np.fromiter(map(len, captions), np.int64, len(captions))
    number: dict[str, int] = {}
    words = np.fromiter(
        (number.setdefault(word, len(number)) for word in chain.from_iterable(captions)), np.int64, int(lengths.sum())
    )
    owner = np.repeat(np.arange(len(captions)), lengths)
    # Tokens left in the caption from each place on.
    left = np.repeat(np.cumsum(lengths), lengths) - np.arange(len(words))
    orders = []
    gram, kinds = words, len(number)
    place = np.arange(len(words))
    for order in range(1, ORDER + 1):
        if order > 1:
            fits = left[place] >= order
            place, gram = place[fits], gram[fits]
            seen, gram = np.unique(gram * len(number) + words[place + order - 1], return_inverse=True)
            gram, kinds = gram.reshape(-1), len(seen)
        pairs, count = np.unique(owner[place] * max(kinds, 1) + gram, return_counts=True)
        orders.append(Grams(pairs // max(kinds, 1), pairs % max(kinds, 1), count, kinds))
    return orders, lengths


@dataclass(frozen=True)
class Corpus:
    """Candidates with their references, as n-grams.

    Attributes
    ----------
    clips : int
        Candidates.
    owner : np.ndarray [shape=(reference,), int64]
        Clip of each reference, rising.
    candidates, references : list of Grams
        By order; n-grams are numbered alike on both sides.
    candidate_length, reference_length : np.ndarray [shape=(clip,)], [shape=(reference,)]
        Tokens of each.
    frequency : list of np.ndarray [shape=(kind,), int64]
        By order, clips of the gallery in any of whose references each n-gram occurs.
    documents : int
        Clips of the gallery.
    """

    clips: int
    owner: np.ndarray
    candidates: list[Grams]
    references: list[Grams]
    candidate_length: np.ndarray
    reference_length: np.ndarray
    frequency: list[np.ndarray]
    documents: int


def corpus(
    candidates: Sequence[Tokens],
    references: Sequence[Sequence[Tokens]],
    gallery: Sequence[Sequence[Tokens]] | None = None,
) -> Corpus:
    """Candidates and the references of each, as n-grams.

    Parameters
    ----------
    candidates : sequence [clip] of sequences of str
    references : sequence [clip] of sequences [reference] of sequences of str
    gallery : the same, optional
        References of all clips that are scored together, which say how common an n-gram is; by default `references`.

    Examples
    --------
    >>> made = corpus([("a", "dog")], [[("a", "dog"), ("the", "dog")]])
    >>> made.owner.tolist(), made.reference_length.tolist()
    ([0, 0], [2, 2])
    """
    clips = len(candidates)
    own = sum(map(len, references))
    beside = [] if gallery is None else gallery
    orders, lengths = grams([*candidates, *chain.from_iterable(references), *chain.from_iterable(beside)])
    owner = np.repeat(np.arange(clips), np.fromiter(map(len, references), np.int64, clips))
    documents = clips if gallery is None else len(gallery)
    of_gallery = owner
    if gallery is not None:
        of_gallery = np.repeat(np.arange(documents), np.fromiter(map(len, gallery), np.int64, documents))
    mine, others, frequency = [], [], []
    for order in orders:
        first, last = np.searchsorted(order.caption, (clips, clips + own)).tolist()
        mine.append(Grams(order.caption[:first], order.gram[:first], order.count[:first], order.kinds))
        span = slice(first, last)
        others.append(Grams(order.caption[span] - clips, order.gram[span], order.count[span], order.kinds))
        counted = span if gallery is None else slice(last, None)
        start = clips if gallery is None else clips + own
        kinds = max(order.kinds, 1)
        pairs = np.unique(of_gallery[order.caption[counted] - start] * kinds + order.gram[counted])
        frequency.append(np.bincount(pairs % kinds, minlength=kinds))
    return Corpus(clips, owner, mine, others, lengths[:clips], lengths[clips : clips + own], frequency, documents)
