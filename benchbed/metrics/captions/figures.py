"""What captions are like, whatever the references say: repetition, and what is new against the captions of training."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path

from benchbed.errors import DataError
from benchbed.metrics.captions.ngrams import ORDER, Tokens
from benchbed.metrics.captions.tokens import tokenise
from benchbed.tables.table import read_table

#: Columns of a table that captions are in.
COLUMN = re.compile(r"caption(_\d+)?")


def bigrams(caption: Tokens) -> tuple[int, int]:
    """Bigrams of a caption that it has had before, and all of its bigrams.

    Examples
    --------
    >>> bigrams(("a", "dog", "barks", "a", "dog"))
    (1, 4)
    """
    pairs = list(pairwise(caption))
    return len(pairs) - len(set(pairs)), len(pairs)


@dataclass(frozen=True)
class Training:
    """Captions that a model was trained on.

    Attributes
    ----------
    captions : frozenset of tuple of str
    grams : frozenset of tuple of str
        Their n-grams of the longest order.
    """

    captions: frozenset[Tokens]
    grams: frozenset[Tokens]

    def novelty(self, caption: Tokens) -> tuple[int, int, int]:
        """1 if the caption is none of these, its n-grams that none of these has, and all of its n-grams.

        Examples
        --------
        >>> one = ("a", "dog", "barks", "in", "rain")
        >>> Training(frozenset((one,)), frozenset((one[:4], one[1:]))).novelty(("a", "dog", "barks", "in", "snow"))
        (1, 1, 2)
        """
        grams = [tuple(caption[i : i + ORDER]) for i in range(len(caption) - ORDER + 1)]
        return int(tuple(caption) not in self.captions), sum(gram not in self.grams for gram in grams), len(grams)


@lru_cache(maxsize=2)
def training(path: Path) -> Training:
    """Captions of training, from a table as `captions_of` reads it.

    Raises
    ------
    DataError
        As `captions_of`.
    """
    held = frozenset(tokenise(text) for text in captions_of(path))
    grams = {tuple(one[i : i + ORDER]) for one in held for i in range(len(one) - ORDER + 1)}
    return Training(held, frozenset(grams))


def captions_of(path: Path) -> list[str]:
    """Captions of a csv or tsv file, in the columns `caption`, `caption_1`, `caption_2`, ….

    Raises
    ------
    DataError
        No such file, or no such column.
    """
    if not path.is_file():
        raise DataError("there is no such table of training captions", where=str(path))
    frame = read_table(path).frame
    columns = [name for name in frame.columns if COLUMN.fullmatch(name)]
    if not columns:
        raise DataError("the table of training captions has no column caption, or caption_1 …", where=f"{path}:1")
    return [text for name in columns for text in frame[name].tolist() if text]
