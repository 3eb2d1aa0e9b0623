"""Metrics that no sum gives, over chosen rows of a cell and over every bootstrap draw of them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from benchbed.metrics.sample import Sample
from benchbed.stats.bootstrap import Bootstrap

#: Up to so many rows, draws are scored so many at a time, and of more rows so many: a call costs more than some draws.
SMALL, MOST, FEWEST = 500, 1000, 200

#: Values and per-class values, by metric.
Scores = tuple[dict[str, np.ndarray], dict[str, np.ndarray]]


def chosen(sample: Sample | None, rows: np.ndarray) -> Scores:
    """Values of the chosen rows, scalars, and per-class values `[class]`.

    Parameters
    ----------
    sample : Sample or None
        The clips; None for a family without such metrics, which gives empty answers.
    rows : np.ndarray [shape=(row,), bool]
        Rows to score.
    """
    if sample is None:
        return {}, {}
    values, each = sample.scores(np.asarray(rows, np.uint8)[None])
    return {name: value[0] for name, value in values.items()}, {name: value[0] for name, value in each.items()}


def drawn(sample: Sample | None, bootstrap: Bootstrap | None, group: np.ndarray, rows: np.ndarray) -> Scores:
    """Values `[draw]` and per-class values `[draw, class]` of the chosen rows in every draw.

    Parameters
    ----------
    sample : Sample or None
        The clips.
    bootstrap : Bootstrap or None
        The draws; empty answers without them.
    group : np.ndarray [shape=(row,), int]
        Recording group of each row.
    rows : np.ndarray [shape=(row,), bool]
        Rows to score.
    """
    if sample is None or bootstrap is None or bootstrap.draws == 0:
        return {}, {}
    copies = (np.where(rows, block[:, group], np.uint8(0)) for block in bootstrap.weights())
    parts = [sample.scores(block) for block in _together(copies, MOST if len(rows) <= SMALL else FEWEST)]
    values, each = ({k: np.concatenate([part[i][k] for part in parts]) for k in parts[0][i]} for i in (0, 1))
    return values, each


def _together(blocks: Iterator[np.ndarray], draws: int) -> Iterator[np.ndarray]:
    # Blocks joined until they have so many draws.
    held: list[np.ndarray] = []
    for block in blocks:
        held.append(block)
        if sum(map(len, held)) >= draws:
            yield np.concatenate(held)
            held = []
    if held:
        yield np.concatenate(held)
