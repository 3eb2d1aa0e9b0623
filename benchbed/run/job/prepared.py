"""A run that is ready to start."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from benchbed.adapter.contract import Adapter
from benchbed.adapter.load import LoadedAdapter
from benchbed.run.job.frozen import Frozen, Tuning
from benchbed.run.job.job import Job, Unit
from benchbed.run.job.place import RunPlace
from benchbed.run.job.source import Source
from benchbed.suite.load import LoadedSuite
from benchbed.suite.plan import CellPlan


@dataclass(frozen=True)
class Prepared:
    """A run that is ready to start: everything checked, nothing computed."""

    loaded_suite: LoadedSuite
    source: Source
    loaded_adapter: LoadedAdapter
    adapters: Mapping[str, Adapter]
    job: Job
    cells: list[CellPlan]
    units: list[Unit]
    index_hash: str
    seconds: float
    weights: dict[str, str]
    place: RunPlace
    tuning: Tuning | None = None
    """Clips on which thresholds are chosen first."""
    frozen: Frozen | None = None
    """Thresholds that were chosen; `loaded_suite` then has them in the place of what was declared."""
    declared: LoadedSuite | None = None
    """The suite as it was given, where thresholds have been put into `loaded_suite`."""
    remarks: tuple[str, ...] = ()
    """What of stored answers was not used, or is to be known of them."""

    def with_thresholds(self, frozen: Frozen) -> Prepared:
        """The run with its thresholds."""
        return replace(self, frozen=frozen, declared=self.loaded_suite, loaded_suite=frozen.applied(self.loaded_suite))

    @property
    def folder(self) -> Path:
        """The folder of the run."""
        return self.place.folder

    @property
    def name(self) -> str:
        """Name of the model in tables."""
        return self.place.name

    @property
    def adapter(self) -> Adapter:
        """The model; of several folds' models, the first."""
        return next(iter(self.adapters.values()))
