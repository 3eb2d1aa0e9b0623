"""Units that metrics bring along: a rule may use that of any figure, whoever defined the metric."""

from __future__ import annotations

from collections.abc import Iterable

from benchbed.metrics import FAMILIES
from benchbed.results.record import Result


def units_of_metrics() -> frozenset[str]:
    """Units of all metrics that are registered, here or in another package.

    A family that cannot be made for two classes without further options is passed over: its figures bring their units.

    Examples
    --------
    >>> {"fraction", "degrees"} <= units_of_metrics()
    True
    """
    units: set[str] = set()
    for name in FAMILIES.names():
        try:
            family = FAMILIES.get(name).family(("a", "b"))
        except Exception:  # whatever a family of another package raises, a rule about another figure does not care
            continue
        units |= {info.unit for info in (*family.metrics.values(), *family.class_metrics.values())}
    return frozenset(units - {""})


def units_of_figures(results: Iterable[Result]) -> frozenset[str]:
    """Units of all figures of some records."""
    values = [
        value
        for result in results
        for figures in (result.scores, *(cell.metrics for cell in result.cells))
        for value in figures.values()
    ]
    return frozenset(value.unit for value in values) - {""}
