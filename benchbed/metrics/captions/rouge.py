"""ROUGE-L of captions (Lin 2004), with the conventions of the COCO scorer.

The best precision and the best recall over the references are taken apart, and then put together with β = 1.2: they may
come from two references.
"""

from __future__ import annotations

from collections.abc import Sequence

from benchbed.metrics.captions.ngrams import Tokens

#: Weight of recall against precision.
BETA = 1.2


def rouge_l(candidate: Tokens, references: Sequence[Tokens]) -> float:
    """ROUGE-L of one clip.

    Parameters
    ----------
    candidate : sequence of str
    references : sequence of sequences of str

    Examples
    --------
    >>> round(rouge_l(("a", "dog", "barks"), [("a", "dog", "barks", "loudly"), ("the", "dog", "is", "barking")]), 6)
    0.835616
    """
    # The scorer splits an empty text into one empty word.
    mine = tuple(candidate) or ("",)
    precision = recall = 0.0
    for reference in references:
        other = tuple(reference) or ("",)
        common = common_length(mine, other)
        precision = max(precision, common / len(mine))
        recall = max(recall, common / len(other))
    if not precision or not recall:
        return 0.0
    return (1 + BETA**2) * precision * recall / (recall + BETA**2 * precision)


def common_length(one: Tokens, other: Tokens) -> int:
    """Length of the longest common subsequence, a row of bits at a time (Hyyrö 2004).

    Examples
    --------
    >>> common_length("abcbdab", "bdcaba")
    4
    """
    places: dict[str, int] = {}
    for index, word in enumerate(one):
        places[word] = places.get(word, 0) | 1 << index
    full = (1 << len(one)) - 1
    row = full
    for word in other:
        matched = row & places.get(word, 0)
        row = ((row + matched) | (row - matched)) & full
    return len(one) - row.bit_count()
