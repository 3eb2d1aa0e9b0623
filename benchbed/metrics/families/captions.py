"""Captions against references: BLEU, ROUGE-L and CIDEr-D as the COCO scorer counts them, without Java.

CIDEr-D takes its weights from all clips that are scored together (`context`); a bootstrap keeps them, as they belong to
the corpus and not to the draw. Of a corpus of one clip every weight is the logarithm of one: CIDEr-D is then undefined,
where the scorer gives 0. BLEU pools counts over clips; ROUGE-L and CIDEr-D are means over clips.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from benchbed.metrics.captions import bleu, ngrams
from benchbed.metrics.captions.cider import SCALE, cider_d
from benchbed.metrics.captions.ngrams import ORDER
from benchbed.metrics.captions.rouge import rouge_l
from benchbed.metrics.captions.tokens import tokenise
from benchbed.metrics.contract import Family, MetricInfo

#: Statistics behind those of BLEU: ROUGE-L, CIDEr-D, words, clips without a word, clips.
_ROUGE, _CIDER, _WORDS, _EMPTY, _CLIPS = range(bleu.WIDTH, bleu.WIDTH + 5)

Tokens = tuple[str, ...]


def family(labels: Sequence[str] = ()) -> Captions:
    """The family; captions have no classes.

    Examples
    --------
    >>> said = np.array(["a dog barks", "rain falls"], object)
    >>> truth = np.empty(2, object)
    >>> truth[:] = [("a dog barks",), ("rain falls on a roof", "it rains")]
    >>> made = family().context(said, truth)
    >>> round(float(made.values(made.statistics(said, truth).sum(axis=0))["rouge_l"]), 3)
    0.779
    """
    return Captions()


def example(generator: np.random.Generator, clips: int) -> tuple[Family, np.ndarray, np.ndarray]:
    """A family with made-up captions that fit it, told all of them."""
    words = np.array(["a", "dog", "barks", "rain", "falls", "softly", "on", "the", "roof", "car"])

    def caption() -> str:
        return " ".join(generator.choice(words, generator.integers(3, 9)))

    said, truth = np.empty(clips, object), np.empty(clips, object)
    for clip in range(clips):
        said[clip] = caption()
        truth[clip] = tuple(caption() for _ in range(generator.integers(1, 4)))
    return Captions().context(said, truth), said, truth


class Captions(Family):
    """Metrics of captions, from texts `[clip]` and a tuple of reference texts for each `[clip]`."""

    output = "caption"
    primary = "cider_d"

    def __init__(self, gallery: Sequence[Sequence[Tokens]] | None = None) -> None:
        self._gallery = gallery
        rule = "ptb-3.4.1-tokens"
        self.metrics = {
            "cider_d": MetricInfo("CIDEr-D", f"cider-d:corpus-idf:{rule}", "score", "higher", low=0.0, high=SCALE),
            "rouge_l": MetricInfo("ROUGE-L", f"rouge-l:beta=1.2:{rule}", "score", "higher", low=0.0, high=1.0),
            **{
                f"bleu_{order}": MetricInfo(
                    f"BLEU-{order}", f"bleu:closest-length:{rule}", "score", "higher", low=0.0, high=1.0
                )
                for order in range(1, ORDER + 1)
            },
            "words": MetricInfo("Words per caption", f"mean-length:{rule}", "words", "higher", low=0.0),
            "empty": MetricInfo("Captions without a word", f"share:{rule}", "fraction", "lower", low=0.0, high=1.0),
        }

    def context(self, scores: np.ndarray, target: np.ndarray) -> Captions:
        """The family with the weights of these clips."""
        return Captions([[_tokens(text) for text in clip] for clip in target])

    def statistics(self, scores: np.ndarray, target: np.ndarray) -> np.ndarray:
        """Counts of BLEU, ROUGE-L, CIDEr-D, words, emptiness and one, for each clip."""
        said = [_tokens(text) for text in scores]
        truth = [[_tokens(text) for text in clip] for clip in target]
        if not said:
            return np.zeros((0, _CLIPS + 1))
        corpus = ngrams.corpus(said, truth, self._gallery)
        rows = np.zeros((len(said), _CLIPS + 1))
        rows[:, : bleu.WIDTH] = bleu.statistics(corpus)
        rows[:, _ROUGE] = [rouge_l(one, held) for one, held in zip(said, truth)]
        rows[:, _CIDER] = cider_d(corpus) if corpus.documents > 1 else np.nan
        rows[:, _WORDS] = corpus.candidate_length
        rows[:, _EMPTY] = corpus.candidate_length == 0
        rows[:, _CLIPS] = 1
        return rows

    def values(self, sums: np.ndarray) -> dict[str, np.ndarray]:
        """Every metric from summed statistics `[..., statistic]`; NaN without clips."""
        with np.errstate(invalid="ignore", divide="ignore"):
            clips = sums[..., _CLIPS]
            made = {
                "cider_d": sums[..., _CIDER] / clips,
                "rouge_l": sums[..., _ROUGE] / clips,
                "words": sums[..., _WORDS] / clips,
                "empty": sums[..., _EMPTY] / clips,
            }
            scores = np.where(clips[..., None] > 0, bleu.values(sums[..., : bleu.WIDTH]), np.nan)
        return {**made, **{f"bleu_{order + 1}": scores[..., order] for order in range(ORDER)}}

    def reasons(self, sums: np.ndarray) -> dict[str, str]:
        """Why a metric is undefined."""
        if not sums[_CLIPS]:
            return dict.fromkeys(self.metrics, "no clips")
        if np.isnan(sums[_CIDER]):
            return {"cider_d": "one clip alone: every n-gram is in every clip, and weighs nothing"}
        return {}


@lru_cache(maxsize=65536)
def _tokens(text: str) -> Tokens:
    # References are scored under every condition; their tokens are the same.
    return tokenise(text)
