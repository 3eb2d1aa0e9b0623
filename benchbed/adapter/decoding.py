"""From the odds of the next word to a sentence: greedily, or by beam search.

Both ask one function for the logarithms of the next word's probability, given what was said so far, for several
sentences at once. A sentence ends with the word `end`, or after so many words.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch

#: From rows `[sentence]` of clips and words so far `[sentence, word]`, beginning with the start, to logarithms of
#: probabilities of the next word `[sentence, vocabulary]`.
Next = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


def greedy(
    following: Next,
    clips: int,
    *,
    start: int,
    end: int,
    longest: int,
    agreed: Sequence[Sequence[int]] | None = None,
) -> list[list[int]]:
    """The likeliest next word at every place.

    Parameters
    ----------
    following : callable
        Logarithms of the next word's probability.
    clips : int
        Sentences to make, one for each clip.
    start, end : int
        Numbers of the words that begin and end a sentence; neither is part of what is returned.
    longest : int
        Most words of a sentence.
    agreed : sequence of sequences of int, optional
        Words that each sentence is known to begin with, because they are the likeliest ones (`accepted`).

    Examples
    --------
    >>> def following(rows, words):  # counts up, then ends
    ...     return torch.nn.functional.one_hot((words[:, -1] + 1) % 4, 4).float().log()
    >>> greedy(following, 2, start=0, end=3, longest=9)
    [[1, 2], [1, 2]]
    """
    known = [list(words)[: longest + 1] for words in agreed] if agreed is not None else [[] for _ in range(clips)]
    said: list[list[int]] = [[] for _ in range(clips)]
    going = list(range(clips))
    for place in range(longest):
        going = [row for row in going if len(said[row]) == place]
        # Only sentences that are still open, and of which this word is not known, are asked about.
        asked = [row for row in going if len(known[row]) <= place]
        chosen: dict[int, int] = {row: known[row][place] for row in going if len(known[row]) > place}
        if asked:
            words = torch.tensor([[start, *said[row]] for row in asked], dtype=torch.int64)
            chosen |= dict(zip(asked, following(torch.tensor(asked), words).argmax(-1).tolist()))
        for row, word in chosen.items():
            if word != end:
                said[row].append(word)
        if not chosen:
            break
    return said


def accepted(likeliest: torch.Tensor, draft: Sequence[int]) -> list[int]:
    """The part of a draft that greedy search would have said, and the word that it would have said after it.

    Parameters
    ----------
    likeliest : torch.Tensor [shape=(place,), int64]
        Likeliest word after the start and each word of the draft.
    draft : sequence of int
        Words that may be right, without the start.

    Examples
    --------
    >>> accepted(torch.tensor([4, 5, 9]), [4, 6])
    [4, 5]
    """
    words: list[int] = []
    for said, word in zip(likeliest.tolist(), [*draft, -1]):
        words.append(said)
        if said != word:
            break
    return words


def beam(
    following: Next, clips: int, *, start: int, end: int, longest: int, width: int, length_penalty: float = 1.0
) -> list[list[int]]:
    """The likeliest sentence among `width` that are followed at once; each clip on its own.

    Parameters
    ----------
    width : int
        Sentences that are kept at every place.
    length_penalty : float
        Sentences are compared by their logarithm of probability over their length, end included, to this power: 0
        favours short ones, 1 compares means.

    Examples
    --------
    >>> odds = torch.tensor([[0.0, 0.6, 0.4, 0.0], [0.0, 0.0, 0.0, 0.5], [0.0, 0.0, 0.0, 1.0], [0.0] * 4])
    >>> def following(rows, words):  # word 1 is likelier at first, the sentence with word 2 is likelier as a whole
    ...     return (odds[words[:, -1]] + 1e-9).log()
    >>> greedy(following, 1, start=0, end=3, longest=4), beam(following, 1, start=0, end=3, longest=4, width=2)
    ([[1]], [[2]])
    """
    return [_one(following, clip, start, end, longest, width, length_penalty) for clip in range(clips)]


def _one(following: Next, clip: int, start: int, end: int, longest: int, width: int, power: float) -> list[int]:
    words = torch.full((1, 1), start, dtype=torch.int64)
    sums = torch.zeros(1, dtype=torch.float64)
    finished: list[tuple[float, list[int]]] = []
    for length in range(1, longest + 1):
        odds = following(torch.full((len(words),), clip), words).double().cpu() + sums[:, None]
        # Twice the width, so that `width` open ones are left even if as many end here.
        best, place = odds.flatten().topk(min(2 * width, odds.numel()))
        size = odds.shape[1]
        kept: list[torch.Tensor] = []
        values: list[float] = []
        for value, where in zip(best.tolist(), place.tolist()):
            row, word = divmod(where, size)
            if word == end:
                finished.append((value / length**power, words[row, 1:].tolist()))
            elif len(kept) < width:
                kept.append(torch.cat([words[row], torch.tensor([word])]))
                values.append(value)
        finished = sorted(finished, key=lambda one: -one[0])[:width]
        if not kept:
            break
        words, sums = torch.stack(kept), torch.tensor(values, dtype=torch.float64)
        # What is open can only lose: with means, no more than it has now over the greatest length.
        hope = max(values) / (longest if power else 1) ** power
        if len(finished) == width and finished[-1][0] >= hope:
            break
    else:
        finished += [(value / longest**power, row[1:].tolist()) for value, row in zip(sums.tolist(), words)]
    return max(finished, key=lambda one: one[0])[1] if finished else words[0, 1:].tolist()
