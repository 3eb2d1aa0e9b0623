"""CIDEr-D and ROUGE-L of single captions, with weights that were counted before: for decisions clip by clip.

An attack asks for a clip's score at every step, so that the weights of the whole gallery are counted once and kept.
The figures are those of `cider` and `rouge`.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from benchbed.metrics.captions.cider import SCALE, SIGMA
from benchbed.metrics.captions.ngrams import ORDER, Tokens
from benchbed.metrics.captions.rouge import rouge_l

Gram = tuple[str, ...]


class Weights:
    """How much n-grams weigh in a gallery of clips with references.

    Parameters
    ----------
    gallery : sequence [clip] of sequences [reference] of sequences of str
        Tokens of all references.

    Examples
    --------
    >>> weights = Weights([[("a", "dog", "barks")], [("rain", "falls")]])
    >>> round(weights.cider_d(("rain",), [("rain", "falls")]), 6)
    1.743384
    """

    def __init__(self, gallery: Sequence[Sequence[Tokens]]) -> None:
        self._documents = math.log(float(max(len(gallery), 1)))
        self._clips = len(gallery)
        self._frequency: Counter[Gram] = Counter()
        for clip in gallery:
            self._frequency.update({gram for reference in clip for grams in _grams(reference) for gram in grams})

    def cider_d(self, said: Tokens, references: Sequence[Tokens]) -> float:
        """CIDEr-D of one caption; NaN where the gallery is one clip alone, since every n-gram then weighs nothing."""
        if self._clips < 2:
            return math.nan
        mine = [self._weighed(grams) for grams in _grams(said)]
        total = 0.0
        for reference in references:
            similar = 0.0
            for (one, norm_one), grams in zip(mine, _grams(reference)):
                other, norm_other = self._weighed(grams)
                shared = sum(min(one[gram], value) * value for gram, value in other.items() if gram in one)
                norm = norm_one * norm_other
                similar += shared / norm if norm else shared
            longer = max(len(said) - 1, 0) - max(len(reference) - 1, 0)
            total += similar * math.exp(-(longer**2) / (2 * SIGMA**2))
        return SCALE * total / ORDER / len(references)

    def _weighed(self, grams: Counter[Gram]) -> tuple[dict[Gram, float], float]:
        weighed = {
            gram: count * (self._documents - math.log(max(1.0, self._frequency[gram]))) for gram, count in grams.items()
        }
        return weighed, math.sqrt(sum(value**2 for value in weighed.values()))


def rouge(said: Tokens, references: Sequence[Tokens]) -> float:
    """ROUGE-L of one caption.

    Examples
    --------
    >>> rouge(("a", "dog"), [("a", "dog")])
    1.0
    """
    return float(rouge_l(tuple(said), [tuple(reference) for reference in references]))


def _grams(tokens: Tokens) -> list[Counter[Gram]]:
    return [Counter(tuple(tokens[i : i + n]) for i in range(len(tokens) - n + 1)) for n in range(1, ORDER + 1)]
