"""Curves kept beside a run: PSD-ROC of detectors, and F1, precision and recall against the threshold.

The runner writes `curves.json`, because only it has the scores at hand; pages draw it as it is.
"""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from benchbed.results.record import Record
from benchbed.results.timelines import read_kept

#: Name of the file in a run folder.
NAME = "curves.json"
#: Version of the file layout.
FORMAT = 1


class RocLine(Record):
    """A rising line of steps."""

    name: str
    """Class, or `all` for the effective ratio over classes."""
    area: float
    """Area below the line as a share of the whole, which is the score; exact, before the line was thinned."""
    rates: list[float]
    """Effective false positives per hour where the line steps; before the first it is 0."""
    ratios: list[float]
    """True-positive ratio from there on."""


class Roc(Record):
    """The PSD-ROC of one score."""

    metric: str
    """Name of the score in the record."""
    rule: str
    """Its rule."""
    max_rate: float
    """End of the axis."""
    alpha_st: float
    """How many standard deviations over classes the effective ratio lies below their mean."""
    lines: list[RocLine]
    """`all` first, then the classes with reference events."""
    left_out: int = 0
    """Classes beyond those."""


class AtThreshold(Record):
    """What the record says at one declared threshold."""

    threshold: float | None
    """The threshold; null for a mean over classes that have their own."""
    f1: float | None
    """F1 there."""
    precision: float | None
    """Precision there."""
    recall: float | None
    """Recall there."""


class ThresholdLine(Record):
    """Figures of one class, or of all, at every drawn threshold; null where undefined."""

    name: str
    """Class; `macro` or `micro`."""
    references: int
    """Reference events, segments or tags."""
    f1: list[float | None]
    """F1."""
    precision: list[float | None]
    """Precision."""
    recall: list[float | None]
    """Recall."""
    at: list[AtThreshold]
    """The same at each declared threshold, exactly; in the order of `ThresholdCurves.declared`."""
    best_threshold: float | None = None
    """Of the drawn thresholds, the highest one with the highest F1."""
    best_f1: float | None = None
    """That F1, chosen with the answers known."""


class Declared(Record):
    """A decision that the suite declares or that was tuned, whose figures are in the record."""

    prefix: str
    """What stands before the names of its metrics in the record: `event_`, or nothing."""
    rule: str
    """Rule of its F1."""
    own: bool
    """Every class has a threshold of its own."""


class ThresholdCurves(Record):
    """One way of counting hits, after one filter."""

    what: str
    """`events`, `events by intersection`, `segments` or `tags`."""
    declared: list[Declared]
    """Decisions that differ in their thresholds only."""
    thresholds: list[float]
    """Drawn thresholds, rising."""
    lines: list[ThresholdLine]
    """`macro`, `micro`, then the classes with references."""
    left_out: int = 0
    """Classes beyond those."""


class CellCurves(Record):
    """Curves of one cell."""

    cell: str
    """Key of the cell."""
    rocs: list[Roc] = Field(default_factory=list)
    """PSD-ROC of each score."""
    thresholds: list[ThresholdCurves] = Field(default_factory=list)
    """Threshold curves of each way of counting."""


class Curves(Record):
    """Everything kept of a run."""

    format: int
    """Version of the file layout."""
    cells: list[CellCurves] = Field(default_factory=list)
    """The clean cells."""


def read_curves(run: Path) -> Curves | None:
    """Curves kept beside a run, or none.

    Raises
    ------
    ConfigError
        The file does not fit.
    """
    return read_kept(run, NAME, Curves, FORMAT)
