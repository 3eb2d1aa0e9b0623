"""Lining up two runs, recording by recording, and saying what was lost on the way."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from benchbed.compare.figure import Figure, Recipe, cells_of, sums_by_group
from benchbed.compare.reused import ReusedParts
from benchbed.compare.runs import OpenRun, condition_mismatch
from benchbed.errors import CannotMeasure
from benchbed.results.statistics import CellStatistics


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
    lean : bool
        A run kept no sums of a cell, so that only draws can be compared.
    plain : bool
        The sums of either run are all that it has, each clip counted once: they are the same in every pair of the run.
    """

    a: list[np.ndarray]
    b: list[np.ndarray]
    splits: list[str]
    clips: int
    groups: int
    dropped: int
    single: bool
    lean: bool = False
    plain: bool = False

    @cached_property
    def differing(self) -> int:
        """Recordings on which the two models' sums differ."""
        return sum(
            int((np.abs(x - y).reshape(len(x), -1).max(axis=1, initial=0.0) > 0).sum()) for x, y in zip(self.a, self.b)
        )


def scored_alike(a: OpenRun, b: OpenRun, conditions: Collection[str] | None = None) -> str | None:
    """Why two runs have not scored the same clips in every cell, or None.

    Parameters
    ----------
    conditions : collection of str, optional
        Conditions that matter, which both have; by default all, and both must have the same.
    """
    if conditions is None and set(a.sums.cells) != set(b.sums.cells):
        odd = sorted(set(a.sums.cells) ^ set(b.sums.cells))
        return f"only one of the runs has {', '.join(odd[:3])}{', …' if len(odd) > 3 else ''}"
    for key, cell in a.sums.cells.items():
        if conditions is not None and key.split("/", 2)[2] not in conditions:
            continue
        if not np.array_equal(cell.marks, b.sums.cells[key].marks):
            return f"the runs have not scored the same clips of {key}"
        why = condition_mismatch(a.result, b.result, key)
        if why is not None:
            return why
    return None


def pair(
    a: OpenRun,
    b: OpenRun,
    figure: Figure,
    recipe: Recipe,
    other: Figure | None = None,
    reused: ReusedParts | None = None,
) -> Paired:
    """Line up the sums of two runs; recordings whose scored clips differ are left out of both.

    `other` is the figure of b where it is another one than a's; sums that are `reused` are not made again.

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
    draws = _draws(a, figure), _draws(b, other or figure)
    lean = any(cell.lean for cells in (mine, theirs) for cell in cells.values())
    for split, cell in mine.items():
        against = theirs[split]
        if a.sums.groups[split] != b.sums.groups[split]:
            raise CannotMeasure(f"the runs have other recordings in split {split}")
        keep = cell.marks == against.marks
        if draws[0] != draws[1]:
            # A clip counts once a draw, so of other numbers of draws multiples are equal, modulo 2**64.
            keep = cell.marks * np.uint64(draws[1]) == against.marks * np.uint64(draws[0])
        dropped += int((~keep).sum())
        if cell.lean and against.lean:
            scored, met = _recorded(a, figure, split, cell.marks)
            clips, groups, single = clips + scored, groups + met, False
            continue
        # The clips are the same, so either run says how many there are.
        full, whose, asked = (b, against, other or figure) if cell.lean else (a, cell, figure)
        sums, count = _sums(full, asked, split, whose, recipe, keep, reused)
        each = draws[1] if cell.lean else draws[0]
        if recipe.label is not None:
            # A class is met in some recordings only, and those are what its figure rests on.
            count = full.family.class_counts(sums)[..., full.family.labels.index(recipe.label)].astype(np.int64)
        count = count // each
        # A recording must weigh the same on both sides to be swapped.
        over = (1, 1) if draws[0] == draws[1] else draws
        first.append(_shared_out(sums, over[0]))
        if not lean:
            others, _ = _sums(b, other or figure, split, against, recipe, keep, reused)
            second.append(_shared_out(others, over[1]))
        else:
            second.append(sums)
        clips += int(count.sum())
        groups += int((count.sum(axis=1) > 0).sum())
        single = single and bool((count.sum(axis=1) <= 1).all())
    plain = not dropped and not lean and draws[0] == draws[1]
    return Paired(first, second, list(mine), clips, groups, dropped, single, lean, plain)


def _sums(
    run: OpenRun,
    figure: Figure,
    split: str,
    cell: CellStatistics,
    recipe: Recipe,
    keep: np.ndarray,
    reused: ReusedParts | None,
) -> tuple[np.ndarray, np.ndarray]:
    """Sums and clips of each recording; those of all recordings are the same in every pair of the run."""

    def made() -> tuple[np.ndarray, np.ndarray]:
        return sums_by_group(run.sums, cell, recipe, keep)

    return made() if reused is None or not keep.all() else reused.ask(run, ("sums", figure, recipe, split), made)


def _shared_out(sums: np.ndarray, draws: int) -> np.ndarray:
    return sums if draws == 1 else sums / draws


def _recorded(run: OpenRun, figure: Figure, split: str, marks: np.ndarray) -> tuple[int, int]:
    """Clips and recordings of a figure without sums, as the record has them."""
    if figure.group is not None:
        raise CannotMeasure(
            f"no run keeps the sums that say how many recordings {figure} rests on",
            hint="set the baseline again with `--sums` for this condition",
        )
    held = [
        c.counts.scored for c in run.result.cells if c.split == split and c.key.split("/", 2)[2] == figure.condition
    ]
    return sum(held), int((marks != 0).sum())


def _draws(run: OpenRun, figure: Figure) -> int:
    held = [c.condition.draws for c in run.result.cells if c.key.split("/", 2)[2] == figure.condition]
    return held[0] if held else 1


def incomplete_cells(*asked: tuple[OpenRun, Figure]) -> str | None:
    """Cells behind a figure that lost clips, in words."""
    lost = []
    for run, figure in asked:
        for cell in run.result.cells:
            asked_for = cell.key.split("/", 2)[2] == figure.condition and figure.split in (None, cell.split)
            if asked_for and (not cell.complete or cell.counts.failed):
                lost.append(f"{run.name}: {cell.counts.failed} of {cell.counts.clips} clips of {cell.key} failed")
    return "; ".join(dict.fromkeys(lost)) or None
