"""What a clip of a gallery is asked, and which of all queries it answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from benchbed.types import Queries

#: Columns that a table of clips gets: all queries of its split, and the numbers of those that a clip brings and
#: answers.
QUERIES, OWN, RELEVANT = "queries", "own_queries", "relevant_queries"


@dataclass(frozen=True, eq=False)
class WantedQueries:
    """The reference of one clip of a gallery.

    Attributes
    ----------
    clip : str
        Its id, by which a gallery knows it again.
    queries : Queries
        All queries of the split, in the order of the columns of answers.
    own : np.ndarray [shape=(own,), int64]
        Queries that were written about this clip; they are counted with it, and drawn with it in a bootstrap.
    relevant : np.ndarray [shape=(relevant,), int64]
        Queries that the clip answers: its own in the common case; what annotators say where they were asked.
    """

    clip: str
    queries: Queries
    own: np.ndarray
    relevant: np.ndarray


def numbered(
    captions: Sequence[Sequence[str]], relevant: Sequence[Sequence[str]] | None = None
) -> tuple[Queries, list[tuple[int, ...]], list[tuple[int, ...]]]:
    """All queries of a split, and the numbers of those that each clip brings and answers.

    Every caption is a query of its own, also where two clips have the same words, as the DCASE evaluators count. With
    `relevant` a clip answers all queries of the words that it lists, and of its own captions only those among them.

    Parameters
    ----------
    captions : sequence of sequences of str
        Texts that each clip brings.
    relevant : sequence of sequences of str, optional
        Texts that each clip answers.

    Examples
    --------
    >>> queries, own, answered = numbered([["rain", "drops"], ["dog"]], [["rain"], ["dog", "rain"]])
    >>> queries.texts, own, answered
    (('rain', 'drops', 'dog'), [(0, 1), (2,)], [(0,), (0, 2)])
    """
    texts: list[str] = []
    own: list[tuple[int, ...]] = []
    for clip in captions:
        own.append(tuple(range(len(texts), len(texts) + len(clip))))
        texts += clip
    if relevant is None:
        return Queries(texts), own, own
    places: dict[str, list[int]] = {}
    for number, text in enumerate(texts):
        places.setdefault(text, []).append(number)
    answered = [tuple(sorted({n for text in clip for n in places.get(text, ())})) for clip in relevant]
    return Queries(texts), own, answered
