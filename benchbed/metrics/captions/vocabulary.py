"""The words that captions use: how many different ones, over any choice of clips."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import sparse

from benchbed.metrics.captions.ngrams import Tokens
from benchbed.metrics.contract import Sample


class Vocabulary(Sample):
    """Words of captions and of their references, by row.

    Parameters
    ----------
    said, truth : sequence [clip] of tokens, and of sequences of these
    row : np.ndarray [shape=(clip,), int]
        Row of each clip.
    rows : int
        Number of rows.

    Examples
    --------
    >>> held = Vocabulary([("a", "dog"), ("a", "cat")], [[("dogs", "bark", "a")], [("a",)]], np.array([0, 1]), 2)
    >>> {name: value.tolist() for name, value in held.scores(np.array([[1.0, 1.0], [0.0, 2.0]]))[0].items()}
    {'vocabulary': [3.0, 2.0], 'vocabulary_ratio': [1.0, 2.0]}
    """

    def __init__(self, said: Sequence[Tokens], truth: Sequence[Sequence[Tokens]], row: np.ndarray, rows: int) -> None:
        self._said = _words(said, row, rows)
        self._truth = _words([[word for text in held for word in text] for held in truth], row, rows)

    def scores(self, weights: np.ndarray) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
        """Different words of the captions, and their number relative to that of the references' words."""
        drawn = (np.asarray(weights) > 0).astype(np.float32).T
        mine, others = (np.count_nonzero(held @ drawn, axis=0).astype(np.float64) for held in (self._said, self._truth))
        known = drawn.any(axis=0) if len(drawn) else np.zeros(drawn.shape[1], bool)
        mine = np.where(known, mine, np.nan)
        with np.errstate(divide="ignore", invalid="ignore"):
            return {"vocabulary": mine, "vocabulary_ratio": np.where(others > 0, mine / others, np.nan)}, {}


def _words(captions: Sequence[Sequence[str]], row: np.ndarray, rows: int) -> sparse.csr_array:  # type: ignore[no-any-unimported]
    """Which word is in which row, `[word, row]`."""
    number: dict[str, int] = {}
    places = sorted(
        {(number.setdefault(word, len(number)), int(at)) for text, at in zip(captions, row) for word in text}
    )
    words, where = np.array(places, np.int64).reshape(-1, 2).T
    return sparse.csr_array((np.ones(len(words), np.float32), (words, where)), shape=(len(number), rows))
