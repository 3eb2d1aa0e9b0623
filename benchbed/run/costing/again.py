"""The times of a run's model, measured once more from what its record says: adapter, options, reference, settings."""

from __future__ import annotations

from pathlib import Path

from benchbed.adapter.contract import Adapter
from benchbed.adapter.load import load_adapter, shipped_adapters, start
from benchbed.errors import CannotMeasure
from benchbed.profile.session import LatencySettings, ProfileSettings, profile
from benchbed.provenance import machine
from benchbed.results.record import Result
from benchbed.run.job.job import options_for
from benchbed.suite.model import Latency, Profile, Suite


def timed_again(result: Result) -> Result:
    """The record with times that were taken now, on this machine; everything else stays.

    Parameters
    ----------
    result : Result
        A run whose suite asks for times (`profile: {latency: …}`).

    Raises
    ------
    CannotMeasure
        The run has no times, its model is another one by now, or its reference cannot be found from here.
    BenchbedError
        The adapter cannot be loaded.
    """
    suite = Suite.model_validate(result.suite.definition)
    asked = suite.profile.latency if isinstance(suite.profile, Profile) else False
    if not asked:
        raise CannotMeasure("the suite of the run asks for no times", hint="`profile: {latency: …}` of the suite")
    wanted = Latency() if asked is True else asked
    loaded = load_adapter(result.model.adapter, options_for(result.model.options, suite.data.splits[0]))
    if loaded.source_hash != result.model.adapter_hash:
        raise CannotMeasure(
            f"{result.model.adapter} is not what it was when {result.model.name} was run",
            hint="check out the version of the run, or run the suite again",
        )
    device = result.provenance.device
    adapter, reference = start(loaded, device), _reference(wanted, device)
    settings = LatencySettings(**wanted.model_dump(exclude={"reference"}))
    try:
        figures = profile(adapter, ProfileSettings(latency=settings), timed_beside=reference)
    finally:
        adapter.close()
    provenance = result.provenance.model_copy(update={"machine": machine()})
    times = {**result.profile, "latency": figures["latency"]}
    return result.model_copy(update={"profile": times, "provenance": provenance})


def _reference(wanted: Latency, device: str) -> Adapter | None:
    if wanted.reference is None:
        return None
    shipped = shipped_adapters()
    place = shipped.get(wanted.reference, Path(wanted.reference))
    if not Path(place).is_file():
        raise CannotMeasure(
            f"the reference {wanted.reference} of the suite is not found from here",
            hint="name a shipped adapter, or run the gate in the folder of the suite",
        )
    return start(load_adapter(str(place), {}), device)
