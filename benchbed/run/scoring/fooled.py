"""Which sounds fool the model of a run, from the cells into whose clips a sound was put."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from benchbed.metrics.fooled import SoundsPutIn, turned
from benchbed.metrics.number import Number
from benchbed.results import record
from benchbed.results.conditions import amount
from benchbed.run.scoring.aggregate import AnswersOfCell, ScoredCell


def fooled(cells: Sequence[record.Cell], scored: Mapping[str, ScoredCell]) -> dict[str, Number]:
    """Share of the clean-right clips that sounds of each class turn, of outputs that hold one class a clip.

    Returns
    -------
    dict of str to Number
        `fooled:CONDITION/CLASS` over all strengths of a condition, `fooled:CONDITION@STRENGTH/CLASS` at one, with the
        split in front where there are several. A clip weighs once for each strength and draw.
    """
    figures: dict[str, Number] = {}
    splits = list(dict.fromkeys(cell.split for cell in cells))
    for split in splits:
        clean = next((c for c in cells if c.split == split and c.condition.kind == "clean"), None)
        prefix = "fooled:" if len(splits) == 1 else f"fooled:{split}:"
        if clean is None or not any(scored[cell.key].sounds for cell in cells if cell.split == split):
            continue
        base = scored[clean.key].read()
        # Another kind's targets may be one number a clip, too, without scores of classes.
        if base.fold.target.ndim != 1 or base.fold.scores.ndim != 2 or base.fold.scores.dtype == object:
            continue
        known = dict(zip(base.position.tolist(), _right(base).tolist()))
        curves: dict[str, list[tuple[record.Cell, SoundsPutIn]]] = {}
        for cell in cells:
            if cell.split != split or not scored[cell.key].sounds or not scored[cell.key].applied:
                continue
            mine = scored[cell.key].read()
            assert mine.sounds is not None
            # A clip without a clean answer was never right.
            right = np.array([known.get(place, False) for place in mine.position.tolist()], bool)
            rows = SoundsPutIn(mine.sounds, right, _right(mine), mine.position, mine.fold.group)
            kind, _, again = cell.key.split("/", 2)[2].partition("#")
            curves.setdefault(kind.partition("@")[0] + (f"#{again}" if again else ""), []).append((cell, rows))
        for name, members in curves.items():
            pooled = SoundsPutIn.joined([rows for _, rows in members])
            shown = {f"{prefix}{name}/": turned(pooled, base.fold.bootstrap)}
            for cell, rows in members if len(members) > 1 else []:
                title = f"Turned at {amount(cell.condition)} {cell.condition.unit or ''}".rstrip()
                shown[f"{prefix}{cell.key.split('/', 2)[2]}/"] = turned(rows, base.fold.bootstrap, title)
            for place, own in shown.items():
                figures |= {f"{place}{one}": _about(figure, one, split, splits) for one, figure in own.items()}
    return figures


def _right(said: AnswersOfCell) -> np.ndarray:
    answers = np.nan_to_num(said.fold.scores, nan=-np.inf)
    right: np.ndarray = answers.argmax(1) == said.fold.target
    return right


def _about(figure: Number, sound: str, split: str, splits: Sequence[str]) -> Number:
    scope = f"{sound}, {split}" if len(splits) > 1 else sound
    return replace(figure, info=replace(figure.info, scope=scope))
