"""Which executor computes the units of a run."""

from __future__ import annotations

from benchbed.adapter.contract import Adapter
from benchbed.protocols import Executes
from benchbed.run.executing.local import Done, execute
from benchbed.run.job.job import Job, Unit
from benchbed.run.job.settings import Settings


def executor_of(settings: Settings) -> Executes[Job, Unit, Adapter, Done]:
    """The function that computes units: in this process and local workers, or on a cluster that the settings name."""
    if settings.cluster is None:
        return execute
    from benchbed.run.executing.ray_engine import OnCluster

    return OnCluster(settings.cluster)
