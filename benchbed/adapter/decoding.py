"""From the odds of the next word to a sentence: greedily, by beam search, or best sentence first.

All ask one function for the logarithms of the next word's probability, given what was said so far, for several
sentences at once. A sentence ends with the word `end`, or after so many words.
"""

from __future__ import annotations

import heapq
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


def best_first(
    following: Next, clip: int, *, start: int, end: int, width: int, power: float, most: int = 3000
) -> list[int]:
    """The first sentence that ends when always the best one so far is gone on with, whatever its length.

    This is how the published code of WaveTransformer searches (it calls that a beam): a queue of sentences by their
    logarithm of probability over their length to a power, of which the first one is taken and `width` longer ones are
    put back, until `most` wait; then the best of them stands, ended or not.

    Parameters
    ----------
    clip : int
        Row of the clip.
    width : int
        Sentences that every step adds.
    power : float
        Of the length, the start among it less one.

    Examples
    --------
    >>> odds = torch.tensor([[0.0, 0.6, 0.4, 0.0], [0.0, 0.0, 0.0, 0.5], [0.0, 0.0, 0.0, 1.0], [0.0] * 4])
    >>> best_first(lambda rows, words: (odds[words[:, -1]] + 1e-9).log(), 0, start=0, end=3, width=2, power=0.1)
    [2]
    """
    waiting: list[tuple[float, int, float, list[int]]] = [(0.0, 0, 0.0, [start])]
    number = 1
    while True:
        full = len(waiting) > most
        _, _, total, words = heapq.heappop(waiting)
        if full or (len(words) > 1 and words[-1] == end):
            return [word for word in words[1:] if word != end]
        odds = following(torch.tensor([clip]), torch.tensor([words]))[0].cpu()
        best_odds, best_words = odds.topk(min(width, len(odds)))
        for value, word in zip(best_odds.tolist(), best_words.tolist()):
            longer, chance = [*words, word], total + value
            # Of two with one cost the one that was put there first goes first.
            heapq.heappush(waiting, (-chance / ((len(longer) - 1) ** power + 1e-6), number, chance, longer))
            number += 1
