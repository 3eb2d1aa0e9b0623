"""How many recordings the classes of a macro average rest on: four of a class carry as much of it as four hundred."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np

from benchbed.metrics.contract import Family
from benchbed.metrics.number import Number
from benchbed.results import record
from benchbed.results.statistics import CellStatistics

#: Below so many recordings of a class a mean over classes says so. With five of each, 95 % intervals of macro averages
#: hold the truth in 92 to 95 % (tests/benchmarks/interval_coverage.py), and one recording moves a class by a fifth.
FEW = 10

#: Metrics that give every class the same weight.
_MACRO = re.compile(r"(^|_)macro(_|$)|^map$|^psds")


def thin_classes(family: Family, sums: CellStatistics, groups: int) -> dict[str, int]:
    """Class → its recordings, for those with few, the fewest first.

    Parameters
    ----------
    family : Family
        The metrics that the sums belong to.
    sums : CellStatistics
        A cell.
    groups : int
        Recordings of its split.
    """
    rows = np.zeros((groups, sums.rows.shape[1]))
    np.add.at(rows, sums.group, sums.rows)
    met = (family.class_counts(rows) > 0).sum(axis=0)
    order = np.argsort(met, kind="stable")
    return {str(family.labels[i]): int(met[i]) for i in order if 0 < met[i] < FEW}


def words(thin: dict[str, int], classes: int) -> str:
    """What is said beside a mean over classes.

    Examples
    --------
    >>> words({"dog": 4, "rain": 7}, 10)
    'a mean over 10 classes, of which 2 rest on fewer than 10 recordings (dog on 4)'
    """
    label, fewest = next(iter(thin.items()))
    return (
        f"a mean over {classes} classes, of which {len(thin)} rest{'s' if len(thin) == 1 else ''} on fewer than {FEW} "
        f"recordings ({label} on {fewest})"
    )


def noted(metrics: dict[str, Number], said: str) -> dict[str, Number]:
    """Figures with that note beside the means over classes."""
    return {
        name: replace(number, note="; ".join(part for part in (number.note, said) if part))
        if _MACRO.search(name)
        else number
        for name, number in metrics.items()
    }


def note_sources(cell: record.Cell, said: str) -> None:
    """The same, of a cell as the record holds it."""
    for name, value in cell.metrics.items():
        if _MACRO.search(name):
            value.note = "; ".join(part for part in (value.note, said) if part)


def check_sources(cell: record.Cell, thin: dict[str, int]) -> record.Check:
    """What is to be said about the run."""
    named = ", ".join(f"{label} {count}" for label, count in list(thin.items())[:5]) + (", …" if len(thin) > 5 else "")
    text = f"{len(thin)} classes rest on fewer than {FEW} recordings, and so do means over classes: {named}"
    return record.Check(name="sources", status="warn", message=text, cell=cell.key)
