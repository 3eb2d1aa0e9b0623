"""From what a user types to the sides of a comparison."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from benchbed.compare.grouping import SEED_OPTIONS, families, seeds
from benchbed.compare.runs import OpenRun, open_run
from benchbed.compare.sides import Side
from benchbed.errors import ConfigError
from benchbed.results.baseline import FOLDER, find_run, find_runs


def open_sides(
    places: Sequence[str], seed_options: Sequence[str] = ("seed",), *, by_family: bool = False, folder: Path = FOLDER
) -> list[Side]:
    """Open runs and put them into sides.

    Parameters
    ----------
    places : sequence of str
        Run folders, result files, named baselines, or `NAME=RUN`: runs of one NAME are one side.
    seed_options : sequence of str
        Options that make another draw of the same model.
    by_family : bool
        One side per family.
    folder : Path
        Where named baselines are kept.

    Raises
    ------
    ConfigError
        A place that holds no run, or the same run twice.
    """
    named: dict[str, list[OpenRun]] = {}
    loose: list[OpenRun] = []
    seen: set[Path] = set()
    order: list[str | OpenRun] = []
    for place in places:
        name, separator, rest = place.partition("=")
        if separator and "/" not in name and not Path(place).exists():
            named.setdefault(name, []).append(_open(rest, seen, folder))
            order.append(name)
        else:
            loose.append(_open(place, seen, folder))
            order.append(loose[-1])
    if by_family:
        if named:
            raise ConfigError("--families sorts runs by itself; give runs without NAME=")
        return families(loose)
    grouped = seeds(loose, seed_options)
    sides: dict[str, Side] = {}
    ordered: list[Side] = []
    for item in order:
        if isinstance(item, str):
            side = sides.setdefault(item, Side(item, tuple(named[item]), "seeds" if len(named[item]) > 1 else "model"))
        else:
            side = next(s for s in grouped if any(r is item for r in s.runs))
        if not any(side is other for other in ordered):
            ordered.append(side)
    return told_apart(ordered)


def open_seeds(
    places: Sequence[str], seed_options: Sequence[str] = SEED_OPTIONS, folder: Path = FOLDER
) -> list[OpenRun]:
    """Open the runs of one model: one, or several that differ in their seed.

    Parameters
    ----------
    places : sequence of str
        Run folders, result files, named baselines, or patterns of them.

    Raises
    ------
    ConfigError
        A place that holds no run, the same run twice, or runs of several models.
    """
    seen: set[Path] = set()
    runs = [_open(str(path), seen, folder) for place in places for path in find_runs(place, folder)]
    sides = seeds(runs, seed_options)
    if len(sides) > 1:
        raise ConfigError(
            f"runs of {len(sides)} models on one side of the gate: {', '.join(s.name for s in sides)}",
            hint="give seeds of one model (--seed-option names the option that makes them; the same seed "
            "twice is no second draw), or compare models with `benchbed compare`",
        )
    return runs


def _open(place: str, seen: set[Path], folder: Path) -> OpenRun:
    run = open_run(find_run(place.strip(), folder))
    key = run.path.resolve()
    if key in seen:
        raise ConfigError("the same run is given twice", where=str(run.path))
    seen.add(key)
    return run


def told_apart(sides: list[Side]) -> list[Side]:
    """Sides of one name get the folder of their first run beside it, as far as the folders differ."""
    found = []
    for side in sides:
        alike = [s.runs[0].path.resolve().parent for s in sides if s.name == side.name]
        if len(alike) > 1:
            where = side.runs[0].path.resolve().parent.relative_to(os.path.commonpath(alike))
            side = Side(f"{side.name} ({where.as_posix()})", side.runs, side.kind)
        found.append(side)
    return found
