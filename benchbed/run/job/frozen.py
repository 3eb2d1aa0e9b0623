"""Thresholds that are chosen on other clips, and those that a run is scored with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from benchbed.results import record
from benchbed.run.job.job import Job, Unit
from benchbed.suite.load import LoadedSuite
from benchbed.suite.model import Tune


@dataclass(frozen=True)
class Tuning:
    """The clips that thresholds are chosen on, and the work that takes.

    Attributes
    ----------
    job : Job
        The run's job about these clips.
    units : list of Unit
        Its units.
    available : int
        Clips in the split, of which `--limit` may take fewer.
    index_hash : str
        Of the clips.
    seconds : float
        Their length.
    """

    job: Job
    units: list[Unit]
    available: int
    index_hash: str
    seconds: float

    @property
    def split(self) -> str:
        """Name of the split."""
        return next(iter(self.job.clips))


@dataclass(frozen=True)
class Frozen:
    """Thresholds that a run is scored with.

    Attributes
    ----------
    facts : record.RecordedThresholds
        The thresholds, for the record.
    checks : list of record.Check
        What is to be said about them.
    failures : list of dict
        Clips that could not be used.
    """

    facts: record.RecordedThresholds
    checks: list[record.Check] = field(default_factory=list)
    failures: list[dict[str, str]] = field(default_factory=list)

    def applied(self, loaded: LoadedSuite) -> LoadedSuite:
        """The suite as if these thresholds stood in it; its hash stays that of what was asked."""
        part = loaded.suite.post_processing
        assert part is not None
        values: dict[str, Mapping[str, float] | None] = {
            "threshold": self.facts.thresholds,
            "tune": None,
            "frozen": None,
        }
        if self.facts.median_seconds is not None:
            some = any(self.facts.median_seconds.values())
            values["median_seconds"] = self.facts.median_seconds if some else None
        suite = loaded.suite.model_copy(update={"post_processing": part.model_copy(update=values)})
        return replace(loaded, suite=suite)


def declared(loaded: LoadedSuite) -> Tune | None:
    """What the suite says about choosing thresholds."""
    part = loaded.suite.post_processing
    return part.tune if part is not None else None
