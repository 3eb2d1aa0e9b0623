"""BLEU of captions, clip by clip and over a corpus (Papineni et al. 2002), with the conventions of the COCO scorer.

Counts are clipped to the most that any one reference has; the length that counts is that of the reference nearest in
length, of two equally near the shorter. The scorer adds 1e-15 and 1e-9 to hits and guesses, so that no logarithm of
zero is taken; published figures carry these, and so do these.
"""

from __future__ import annotations

import numpy as np

from benchbed.metrics.captions.ngrams import ORDER, Corpus

#: Added to hits, and to guesses.
TINY, SMALL = 1e-15, 1e-9

#: Statistics of one clip: hits of each order, guesses of each order, length of the candidate, of the reference.
WIDTH = 2 * ORDER + 2


def statistics(corpus: Corpus) -> np.ndarray:
    """Additive statistics of each clip.

    Parameters
    ----------
    corpus : Corpus
        From `benchbed.metrics.captions.ngrams.corpus`; every clip has a reference.

    Returns
    -------
    np.ndarray [shape=(clip, WIDTH), float64]

    Examples
    --------
    >>> from benchbed.metrics.captions import ngrams
    >>> statistics(ngrams.corpus([("a", "dog")], [[("a", "cat")]])).tolist()
    [[1.0, 0.0, 0.0, 0.0, 2.0, 1.0, 0.0, 0.0, 2.0, 2.0]]
    """
    rows = np.zeros((corpus.clips, WIDTH))
    for order, (mine, others) in enumerate(zip(corpus.candidates, corpus.references)):
        # The most that any one reference of the clip has of each n-gram.
        key = corpus.owner[others.caption] * max(others.kinds, 1) + others.gram
        sort = np.lexsort((others.count, key))
        key, most = key[sort], others.count[sort]
        last = np.flatnonzero(np.append(key[1:] != key[:-1], True)) if len(key) else np.zeros(0, np.int64)
        key, most = key[last], most[last]
        wanted = mine.caption * max(mine.kinds, 1) + mine.gram
        place = np.searchsorted(key, wanted)
        known = place < len(key)
        known[known] = key[place[known]] == wanted[known]
        hits = np.minimum(mine.count[known], most[place[known]])
        rows[:, order] = np.bincount(mine.caption[known], hits, corpus.clips)
        rows[:, ORDER + order] = np.maximum(corpus.candidate_length - order, 0)
    rows[:, -2] = corpus.candidate_length
    far = np.abs(corpus.reference_length - corpus.candidate_length[corpus.owner])
    nearest = np.lexsort((corpus.reference_length, far, corpus.owner))
    _, first = np.unique(corpus.owner[nearest], return_index=True)
    rows[:, -1] = corpus.reference_length[nearest[first]]
    return rows


def values(sums: np.ndarray) -> np.ndarray:
    """BLEU-1 … BLEU-4 `[..., order]` from statistics, of one clip or summed over clips.

    Examples
    --------
    >>> sums = np.array([3.0, 2, 1, 0, 3, 2, 1, 0, 3, 4])
    >>> values(sums).round(4).tolist()
    [0.7165, 0.7165, 0.7165, 0.0227]
    """
    hits, guesses = sums[..., :ORDER], sums[..., ORDER : 2 * ORDER]
    precision = np.cumprod((hits + TINY) / (guesses + SMALL), axis=-1)
    scores = precision ** (1.0 / np.arange(1, ORDER + 1))
    ratio = (sums[..., -2] + TINY) / (sums[..., -1] + SMALL)
    with np.errstate(over="ignore"):
        penalty = np.where(ratio < 1, np.exp(1 - 1 / np.minimum(ratio, 1)), 1.0)
    return scores * penalty[..., None]
