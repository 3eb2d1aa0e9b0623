"""Lining up two runs, recording by recording, and saying what was lost on the way."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from benchbed.compare.figure import Figure, Recipe, cells_of, sums_by_group
from benchbed.compare.runs import Run, condition_mismatch
from benchbed.errors import CannotMeasure


@dataclass(frozen=True)
class Paired:
    """The sums of two runs for one figure, recording by recording.

    Attributes
    ----------
    a, b : list of np.ndarray [shape=(group, part, statistic)]
        One array per split.
    splits : list of str
        The splits.
    clips : int
        Clips of the figure.
    groups : int
        Recordings with clips.
    dropped : int
        Recordings left out.
    single : bool
        Every recording holds one clip.
    """

    a: list[np.ndarray]
    b: list[np.ndarray]
    splits: list[str]
    clips: int
    groups: int
    dropped: int
    single: bool

    @property
    def differing(self) -> int:
        """Recordings on which the two models' sums differ."""
        return sum(int((np.abs(x - y).reshape(len(x), -1).max(axis=1, initial=0.0) > 0).sum())
                   for x, y in zip(self.a, self.b))  # fmt: skip


def scored_alike(a: Run, b: Run) -> str | None:
    """Why two runs have not scored the same clips in every cell, or None."""
    if set(a.sums.cells) != set(b.sums.cells):
        odd = sorted(set(a.sums.cells) ^ set(b.sums.cells))
        return f"only one of the runs has {', '.join(odd[:3])}{', …' if len(odd) > 3 else ''}"
    for key, cell in a.sums.cells.items():
        if not np.array_equal(cell.marks, b.sums.cells[key].marks):
            return f"the runs have not scored the same clips of {key}"
        why = condition_mismatch(a.result, b.result, key)
        if why is not None:
            return why
    return None


def pair(a: Run, b: Run, figure: Figure, made: Recipe, other: Figure | None = None) -> Paired:
    """Line up the sums of two runs; recordings whose scored clips differ are left out of both.

    `other` is the figure of b where it is another one than a's.

    Raises
    ------
    CannotMeasure
        A run has no such condition, or the condition is not the same in both.
    """
    mine, theirs = cells_of(a.sums, figure), cells_of(b.sums, other or figure)
    if other is None:
        for split in mine:
            key = next(k for k, cell in a.sums.cells.items() if cell is mine[split])
            why = condition_mismatch(a.result, b.result, key)
            if why is not None:
                raise CannotMeasure(why)
    if set(mine) != set(theirs):
        raise CannotMeasure(f"the runs have other splits: {sorted(mine)} and {sorted(theirs)}")
    first, second, clips, groups, dropped, single = [], [], 0, 0, 0, True
    for split, cell in mine.items():
        against = theirs[split]
        if a.sums.groups[split] != b.sums.groups[split]:
            raise CannotMeasure(f"the runs have other recordings in split {split}")
        keep = cell.marks == against.marks
        dropped += int((~keep).sum())
        sums, count = sums_by_group(a.sums, cell, made, keep)
        first.append(sums)
        second.append(sums_by_group(b.sums, against, made, keep)[0])
        count = count // _draws(a, figure)
        if made.label is not None:
            # A class is met in some recordings only, and those are what its figure rests on.
            count = a.family.class_counts(sums)[..., a.family.labels.index(made.label)].astype(np.int64)
        clips += int(count.sum())
        groups += int((count.sum(axis=1) > 0).sum())
        single = single and bool((count.sum(axis=1) <= 1).all())
    return Paired(first, second, list(mine), clips, groups, dropped, single)


def _draws(run: Run, figure: Figure) -> int:
    held = [c.condition.draws for c in run.result.cells if c.key.split("/", 2)[2] == figure.condition]
    return held[0] if held else 1


def incomplete_cells(*asked: tuple[Run, Figure]) -> str | None:
    """Cells behind a figure that lost clips, in words."""
    lost = []
    for run, figure in asked:
        for cell in run.result.cells:
            asked_for = cell.key.split("/", 2)[2] == figure.condition and figure.split in (None, cell.split)
            if asked_for and (not cell.complete or cell.counts.failed):
                lost.append(f"{run.name}: {cell.counts.failed} of {cell.counts.clips} clips of {cell.key} failed")
    return "; ".join(dict.fromkeys(lost)) or None
