"""CIDEr-D of captions (Vedantam et al. 2015), with the conventions of the COCO scorer.

The weight of an n-gram falls with the number of clips in whose references it occurs. These weights come from the
corpus that is scored, so that a part of it is not comparable with the whole, and one clip alone has no CIDEr-D: every
weight is the logarithm of one. A bootstrap over clips keeps the weights of the corpus.
"""

from __future__ import annotations

import numpy as np

from benchbed.metrics.captions.ngrams import ORDER, Corpus

#: Width of the penalty for another length, in bigrams.
SIGMA = 6.0
#: Identical sentences score this much.
SCALE = 10.0


def cider_d(corpus: Corpus) -> np.ndarray:
    """CIDEr-D of each clip `[clip]`, with the weights of the corpus.

    Parameters
    ----------
    corpus : Corpus
        From `benchbed.metrics.captions.ngrams.corpus`; every clip has a reference.

    Examples
    --------
    >>> from benchbed.metrics.captions import ngrams
    >>> pair = ngrams.corpus([("a", "dog", "barks"), ("rain",)], [[("a", "dog", "barks")], [("rain", "falls")]])
    >>> cider_d(pair).round(6).tolist()
    [7.5, 1.743384]
    """
    similar = np.zeros(len(corpus.owner))
    for mine, others, frequency in zip(corpus.candidates, corpus.references, corpus.frequency):
        weight = np.log(float(max(corpus.documents, 1))) - np.log(np.maximum(1.0, frequency))
        one, other = mine.count * weight[mine.gram], others.count * weight[others.gram]
        norm_one = np.sqrt(np.bincount(mine.caption, one**2, corpus.clips))
        norm_other = np.sqrt(np.bincount(others.caption, other**2, len(corpus.owner)))
        key = mine.caption * max(mine.kinds, 1) + mine.gram
        wanted = corpus.owner[others.caption] * max(others.kinds, 1) + others.gram
        place = np.searchsorted(key, wanted)
        known = place < len(key)
        known[known] = key[place[known]] == wanted[known]
        product = np.minimum(one[place[known]], other[known]) * other[known]
        product = np.bincount(others.caption[known], product, len(corpus.owner))
        norm = norm_one[corpus.owner] * norm_other
        similar += product / np.where(norm == 0, 1.0, norm)
    # As in the scorer, a caption is as long as it has bigrams.
    longer = np.maximum(corpus.candidate_length - 1, 0)[corpus.owner] - np.maximum(corpus.reference_length - 1, 0)
    similar *= np.exp(-(longer**2) / (2 * SIGMA**2))
    total = np.bincount(corpus.owner, similar, corpus.clips)
    references = np.bincount(corpus.owner, minlength=corpus.clips)
    return SCALE * total / ORDER / references
