"""Clips worth hearing of any kind of output: what an attack broke, in turns with what the kind itself has to show."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchbed.predictions.by_cell import PredictionsByCell
from benchbed.predictions.index import indexed
from benchbed.results.listening import Reason
from benchbed.results.record import Result


@dataclass(frozen=True)
class Pick:
    """One clip under one condition, and what the model said; at most `longest` seconds of it are kept."""

    why: Reason
    clip_id: str
    cell: str
    draw: int
    label: str
    before: tuple[str, float]
    after: tuple[str, float]
    other: tuple[str, str, float] | None = None
    sounds: tuple[np.ndarray, np.ndarray | None, int] | None = None
    start: float = 0.0
    scores: tuple[float, float] | None = None
    longest: float = 10.0


def in_turns(queues: Sequence[Iterable[Pick]], count: int) -> list[Pick]:
    """So many picks, one from each reason in turns."""
    turns = itertools.zip_longest(*queues)
    return list(itertools.islice((pick for turn in turns for pick in turn if pick is not None), count))


def condition_of(key: str) -> str:
    """The condition of a cell without its severity.

    Examples
    --------
    >>> condition_of("scene/test/gain@3#2")
    'scene/test/gain'
    """
    return key.partition("@")[0]


def once(picks: Iterator[Pick]) -> Iterator[Pick]:
    """No clip and no corruption twice, so that a few clips show many kinds of failure."""
    clips, conditions = set(), set()
    for pick in picks:
        # Of a corruption one severity is enough; every budget of an attack may be heard.
        condition = {"disagreement": pick.clip_id, "attacked": pick.cell}.get(pick.why, condition_of(pick.cell))
        if pick.clip_id not in clips and condition not in conditions:
            clips.add(pick.clip_id)
            conditions.add(condition)
            yield pick


def broken(folder: Path, result: Result, rate: int) -> Iterator[Pick]:
    """Clips of tags and of events that an attack broke, of which the sound was kept."""
    paths = indexed(folder)
    attacked = [cell.key for cell in result.cells if cell.condition.kind == "attack"]
    table = PredictionsByCell(paths).of(*attacked).table if paths and attacked else None
    if table is None or "audio_attacked" not in table:
        return
    rows = table[table["cell"].astype(str).isin(attacked) & table["audio_attacked"].notna()]
    rows = rows[rows["clean_correct"].astype(bool) & ~rows["robust"].astype(bool)]
    rows = rows.astype({"cell": str, "clip_id": str}).sort_values(["cell", "clip_id", "draw"])
    for row in rows.to_dict("records"):
        said = row.get("label")
        label = ", ".join(said) if isinstance(said, (list, tuple, np.ndarray)) else str(said or "")
        clean, attack = (np.frombuffer(row[f"audio_{name}"], "<f4")[None] for name in ("clean", "attacked"))
        scores = float(row["score_clean"]), float(row["score_attacked"])
        yield Pick(
            "attacked",
            str(row["clip_id"]),
            str(row["cell"]),
            int(row["draw"]),
            label,
            ("", 0.0),
            ("", 0.0),
            sounds=(clean, attack, rate),
            scores=scores,
        )
