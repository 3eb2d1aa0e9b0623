"""The alignment of two sentences that METEOR 1.5 scores: which word stands for which, in as few pieces as possible.

Every stage offers pairs of words; a beam search from left to right through the reference keeps the alignments with the
most equal words, of those the ones with the fewest pieces, of those the ones with the least distance. Two rules of the
scorer decide in this and are in none of its papers: pairs of different words (same stem, synonyms) count nothing in the
search, so that one never wins over an equal word or over fewer pieces, and without an equal word beside it counts only
where both words have no other choice, which a pair that two stages offer has; and the distance of a pair is charged to
the paths that do without it, and to those tried after it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from benchbed.metrics.captions.meteor.lexicon import Lexicon
from benchbed.metrics.captions.meteor.stemmer import stem

#: Paths that the search keeps.
BEAM = 40

#: Stages, in the order in which they offer pairs; a word pair may be offered by several.
STAGES = ("exact", "stem", "synonym")

Words = tuple[str, ...]


class Pair(NamedTuple):
    """A word of the reference (its place is known) that stands for one of the candidate, by a stage."""

    candidate: int
    stage: int


class _Path(NamedTuple):
    equal: int
    chunks: int
    distance: int
    end: int
    used: int
    chosen: tuple[Pair | None, ...]

    def rank(self) -> tuple[int, int, int]:
        return -self.equal, self.chunks, self.distance


def pairs(candidate: Words, reference: Words, stages: Sequence[str], lexicon: Lexicon) -> list[list[Pair]]:
    """All pairs that the stages offer, for each word of the reference.

    Examples
    --------
    >>> pairs(("dogs", "bark"), ("bark", "dog"), ("exact", "stem"), Lexicon())
    [[Pair(candidate=1, stage=0)], [Pair(candidate=0, stage=1)]]
    """
    offered: list[list[Pair]] = [[] for _ in reference]
    # Equal sentences are compared word by word only.
    for number, stage in enumerate(stages[:1] if candidate == reference else stages):
        if stage == "exact":
            for row, word in zip(offered, reference):
                row += [Pair(place, number) for place, other in enumerate(candidate) if other == word]
        elif stage == "stem":
            stems = [stem(other) for other in candidate]
            for row, word in zip(offered, reference):
                mine = stem(word)
                row += [
                    Pair(place, number)
                    for place, other in enumerate(stems)
                    if other == mine and candidate[place] != word
                ]
        else:
            senses = [lexicon.senses(other) for other in candidate]
            for row, word in zip(offered, reference):
                meant = lexicon.senses(word)
                if meant:
                    row += [
                        Pair(place, number)
                        for place, other in enumerate(senses)
                        if candidate[place] != word and not meant.isdisjoint(other)
                    ]
    return offered


def align(offered: list[list[Pair]], length: int, beam: int = BEAM) -> tuple[list[Pair | None], int]:
    """The best alignment that the search comes to.

    Parameters
    ----------
    offered : list of list of Pair
        From `pairs`.
    length : int
        Words of the candidate.
    beam : int
        Paths kept.

    Returns
    -------
    list of (Pair or None)
        For each word of the reference.
    int
        Number of pieces that it falls into.

    Examples
    --------
    >>> align([[Pair(1, 0)], [Pair(0, 0)]], 2)
    ([Pair(candidate=1, stage=0), Pair(candidate=0, stage=0)], 2)
    """
    cover = [0] * length
    for row in offered:
        for pair in row:
            cover[pair.candidate] += 1
    fixed = [row[0] if len(row) == 1 and cover[row[0].candidate] == 1 else None for row in offered]
    used = sum(1 << pair.candidate for pair in fixed if pair is not None)
    paths = [_Path(0, 0, 0, -1, used, ())]
    for place, (row, settled) in enumerate(zip(offered, fixed)):
        if len(paths) > 1:
            paths.sort(key=_Path.rank)
        following: list[_Path] = []
        for path in paths[:beam]:
            equal, chunks, distance, end, taken, chosen = path
            if settled is not None:
                following.append(
                    _Path(
                        equal + (settled.stage == 0),
                        chunks + (end not in (-1, settled.candidate)),
                        distance + abs(place - settled.candidate),
                        settled.candidate + 1,
                        taken,
                        (*chosen, settled),
                    )
                )
                continue
            for pair in row:
                bit = 1 << pair.candidate
                if taken & bit:
                    continue
                following.append(
                    _Path(
                        equal + (pair.stage == 0),
                        chunks + (end not in (-1, pair.candidate)),
                        distance,
                        pair.candidate + 1,
                        taken | bit,
                        (*chosen, pair),
                    )
                )
                distance += abs(place - pair.candidate)
            following.append(_Path(equal, chunks + (end != -1), distance, -1, taken, (*chosen, None)))
        paths = following
    if len(paths) > 1:
        paths.sort(key=_Path.rank)
        # The last piece is closed in the paths that are still in the beam, and these are ranked again.
        closed = [path._replace(chunks=path.chunks + (path.end != -1)) for path in paths[:beam]]
        closed.sort(key=_Path.rank)
        paths = closed
    best = list(paths[0].chosen)
    return best, pieces(best)


def pieces(chosen: Sequence[Pair | None]) -> int:
    """Runs of an alignment in which both sentences go on word by word.

    Examples
    --------
    >>> pieces([Pair(0, 0), Pair(1, 0), None, Pair(2, 0)])
    2
    """
    count, end = 0, -1
    for pair in chosen:
        if pair is None:
            end = -1
        else:
            count += pair.candidate != end
            end = pair.candidate + 1
    return count
