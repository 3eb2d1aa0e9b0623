"""Retrieval: lists of the worst, of typical and of the best queries in both directions, and the sound of what stands in
them."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal

import numpy as np

from benchbed.metrics.retrieval.ranks import ranks
from benchbed.outputs.similarity.wanted import WantedQueries
from benchbed.predictions.by_cell import PredictionsByCell
from benchbed.results.rankings import CellLists, RankedItem, RankedList, read_rankings
from benchbed.results.record import Result
from benchbed.run.job.prepared import Prepared
from benchbed.run.showing.picks import Pick, broken, once

#: Lists of each reason, and how much of a list is shown: the first, and right ones behind them.
COUNTS: dict[Literal["worst", "typical", "best"], int] = {"worst": 3, "typical": 3, "best": 2}
TOP, BEHIND = 5, 2
#: Places of a list whose sound is kept.
HEARD = 3


def rankings(scores: np.ndarray, target: np.ndarray, clip_ids: np.ndarray, cell: str) -> list[CellLists]:
    """Lists of a cell in both directions; where files rank some clips alone, in one.

    Parameters
    ----------
    scores : np.ndarray [shape=(clip,), object]
        Similarities of each clip to all queries.
    target : np.ndarray [shape=(clip,), object]
        `WantedQueries`.
    clip_ids : np.ndarray [shape=(clip,)]
        Names of the clips.
    cell : str
        Key of the cell.
    """
    if not len(scores):
        return []
    references: list[WantedQueries] = list(target)
    matrix = np.stack(list(scores))
    names, texts = [str(name) for name in clip_ids], list(references[0].queries)
    answering: dict[int, list[int]] = {}
    for row, wanted in enumerate(references):
        for query in wanted.relevant.tolist():
            answering.setdefault(query, []).append(row)
    own = [query for wanted in references for query in wanted.own.tolist() if query in answering]
    lists = [(texts[query], matrix[:, query], np.array(answering[query])) for query in own]
    found = [_cell(lists, names, cell, "text to audio")] if lists else []
    sounds = [
        (name, row, wanted.relevant) for name, row, wanted in zip(names, matrix, references) if len(wanted.relevant)
    ]
    if sounds and not np.isneginf(matrix).any():
        found.append(_cell(sounds, texts, cell, "audio to text"))
    return found


def _cell(
    lists: Sequence[tuple[str, np.ndarray, np.ndarray]],
    items: Sequence[str],
    cell: str,
    direction: Literal["text to audio", "audio to text"],
) -> CellLists:
    first = np.array([ranks(scores, relevant)[0] for _, scores, relevant in lists])
    known = np.where(np.isfinite(first), first, len(items) + 1)
    median = float(np.median(known))
    left = list(range(len(lists)))
    shown: list[RankedList] = []
    # Among many of one place those are taken that their names happen to put first, not five of one clip.
    chance = [zlib.crc32(query.encode()) for query, _, _ in lists]
    order = {
        "worst": sorted(left, key=lambda n: (-known[n], chance[n], n)),
        "typical": sorted(left, key=lambda n: (abs(known[n] - median), chance[n], n)),
        "best": sorted(left, key=lambda n: (known[n], chance[n], n)),
    }
    taken: set[int] = set()
    for why, count in COUNTS.items():
        for number in [n for n in order[why] if n not in taken][:count]:
            taken.add(number)
            shown.append(_ranking(*lists[number], items, why))
    return CellLists(
        cell=cell, direction=direction, items=len(items), queries=len(lists), median_rank=median, rankings=shown
    )


def _ranking(
    query: str,
    scores: np.ndarray,
    relevant: np.ndarray,
    items: Sequence[str],
    why: Literal["worst", "typical", "best"],
) -> RankedList:
    right = np.zeros(len(scores), bool)
    right[relevant] = True
    # A right one stands behind others of its score, as it does in the figures.
    order = np.lexsort((right, -scores))
    listed = [(rank, item) for rank, item in enumerate(order.tolist(), start=1) if np.isfinite(scores[item])]
    chosen = listed[:TOP] + [(rank, item) for rank, item in listed[TOP:] if right[item]][:BEHIND]
    first = next((rank for rank, item in listed if right[item]), len(items) + 1)
    return RankedList(
        query=query,
        why=why,
        rank=first,
        right=len(relevant),
        places=[
            RankedItem(name=items[item], rank=rank, score=round(float(scores[item]), 4), right=bool(right[item]))
            for rank, item in chosen
        ],
    )


def queues(
    prepared: Prepared,
    result: Result,
    count: int,
    others: Sequence[tuple[str, Path]],
    stored: PredictionsByCell | None = None,
) -> list[Iterable[Pick]]:
    """Clips of the lists, and what an attack broke."""
    return [
        _listed(prepared.folder, result, count),
        once(broken(prepared.folder, result, prepared.adapter.card.sample_rate)),
    ]


def _listed(folder: Path, result: Result, count: int) -> list[Pick]:
    """Of every list of the clean cells the first places and the right ones, each clip once."""
    kept = read_rankings(folder)
    clean = {cell.key for cell in result.cells if cell.condition.kind == "clean"}
    picks: dict[tuple[str, str], Pick] = {}
    for cell in kept.cells if kept else []:
        if cell.cell not in clean:
            continue
        for one in cell.rankings:
            sounds = [place.name for place in one.places if place.rank <= HEARD or place.right]
            for name in sounds if cell.direction == "text to audio" else [one.query]:
                nothing = ("", 0.0)
                picks.setdefault((cell.cell, name), Pick("ranked", name, cell.cell, 0, one.query, nothing, nothing))
    return list(picks.values())[:count]
