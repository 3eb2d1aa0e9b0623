"""A gallery: all clips that are ranked together, with what each of them is asked, and the ranks that follow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from benchbed.errors import DataError
from benchbed.metrics.retrieval.ranks import Ties, ranks
from benchbed.outputs.similarity.wanted import WantedQueries


@dataclass(frozen=True)
class Ranked:
    """What follows from one clip in its gallery.

    Attributes
    ----------
    texts : tuple of np.ndarray
        Ranks of the relevant clips of each of the clip's own queries, among all clips; only of queries that a clip of
        the gallery answers.
    listed : tuple of int
        How many clips each of these queries' lists name.
    sound : np.ndarray or None
        Ranks of the queries that the clip answers, among all queries; None where it answers none, or where lists do not
        name every clip.
    """

    texts: tuple[np.ndarray, ...]
    listed: tuple[int, ...]
    sound: np.ndarray | None


class Gallery:
    """Clips that are ranked together.

    Clips under several random draws of one condition are as many galleries, each with every clip once.

    Parameters
    ----------
    answers : np.ndarray [shape=(clip,), object]
        Similarities of each clip to all queries.
    references : sequence of WantedQueries
        What each of them is asked.
    ties : str
        Where a relevant item stands among others of its score.

    Raises
    ------
    DataError
        Answers to another number of queries than were asked.
    """

    def __init__(self, answers: np.ndarray, references: Sequence[WantedQueries], ties: Ties) -> None:
        self.ties = ties
        queries = references[0].queries if len(references) else ()
        for answer, wanted in zip(answers, references, strict=True):
            if len(answer) != len(wanted.queries) or len(wanted.queries) != len(queries):
                raise DataError(
                    f"similarities to {len(answer)} queries, {len(wanted.queries)} were asked", where=wanted.clip
                )
        turn: dict[str, int] = {}
        self._rows: dict[str, list[tuple[int, int]]] = {}
        draws: list[list[int]] = []
        for row, wanted in enumerate(references):
            draw = turn.get(wanted.clip, 0)
            turn[wanted.clip] = draw + 1
            if draw == len(draws):
                draws.append([])
            self._rows.setdefault(wanted.clip, []).append((draw, len(draws[draw])))
            draws[draw].append(row)
        self._matrices = [np.stack([np.asarray(answers[row], np.float32) for row in rows]) for rows in draws]
        self._columns = [np.ascontiguousarray(matrix.T) for matrix in self._matrices]
        self._partial = any(bool(np.isneginf(matrix).any()) for matrix in self._matrices)
        self._answering: list[dict[int, np.ndarray]] = []
        for rows in draws:
            lists: dict[int, list[int]] = {}
            for place, row in enumerate(rows):
                for query in references[row].relevant.tolist():
                    lists.setdefault(query, []).append(place)
            self._answering.append({query: np.array(places) for query, places in lists.items()})
        self._known: dict[tuple[int, int], tuple[WantedQueries, Ranked]] = {}

    def __len__(self) -> int:
        return len(self._matrices[0]) if self._matrices else 0

    def ranked(self, answer: np.ndarray, wanted: WantedQueries) -> Ranked:
        """Ranks that one clip has in the gallery, with its own answer in the place of the one that it has there."""
        places = self._rows.get(wanted.clip)
        if places is None:
            raise DataError("the clip is not in the gallery that it is ranked in", where=wanted.clip)
        same = (place for place in places if np.array_equal(self._matrices[place[0]][place[1]], answer))
        at = next(same, None)
        if at is None:
            # Another answer of a clip that the gallery knows: all others stay as they are.
            return self._of(*places[0], wanted, np.asarray(answer, np.float32))
        held = self._known.get(at)
        if held is None or held[0] is not wanted:
            held = wanted, self._of(*at, wanted, None)
            self._known[at] = held
        return held[1]

    def _of(self, draw: int, place: int, wanted: WantedQueries, answer: np.ndarray | None) -> Ranked:
        matrix, answering = self._matrices[draw], self._answering[draw]
        texts, listed = [], []
        for query in wanted.own.tolist():
            relevant = answering.get(query)
            if relevant is None:
                continue
            column = self._columns[draw][query]
            if answer is not None:
                column = column.copy()
                column[place] = answer[query]
            texts.append(ranks(column, relevant, self.ties))
            listed.append(len(column) - (int(np.isneginf(column).sum()) if self._partial else 0))
        row = matrix[place] if answer is None else answer
        sound = None
        if len(wanted.relevant) and not self._partial:
            sound = ranks(row, wanted.relevant, self.ties)
        return Ranked(tuple(texts), tuple(listed), sound)
