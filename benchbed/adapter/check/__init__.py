"""`benchbed check`: a hunt for the faults of an adapter that no exception shows."""

from __future__ import annotations

import warnings
from collections.abc import Callable

from benchbed.adapter.check import gradient, inputs, invariance, output, probe
from benchbed.adapter.check.trial import CheckOutcome, Probes, Status, Trial
from benchbed.adapter.load import LoadedAdapter, explain, start
from benchbed.errors import BenchbedError

__all__ = ["CheckOutcome", "Probes", "check", "names"]

_CHECKS: tuple[Callable[[Trial], tuple[Status, str]], ...] = (
    *output.CHECKS,
    *invariance.CHECKS,
    *inputs.CHECKS,
    *gradient.CHECKS,
    *probe.CHECKS,
)


def names() -> list[str]:
    """Names of the checks, in the order they run."""
    return [function.__name__ for function in _CHECKS]


def check(loaded: LoadedAdapter, device: str = "cpu", probes: Probes | tuple | None = None) -> list[CheckOutcome]:
    """Start the adapter on `device` and run every check on it.

    Parameters
    ----------
    loaded : LoadedAdapter
        From `load_adapter`; it is started and, at the end, closed.
    device : str
        Device the adapter is loaded on.
    probes : Probes or (waveforms, labels, sample_rate), optional
        Clips of known class; without them label order and front end cannot be checked.

    Returns
    -------
    list of CheckOutcome
        One per check; a check that raises is a `fail` with the reason. Where loading or the first call fails, the
        remaining checks are `skipped`.
    """
    try:
        start(loaded, device)
    except BenchbedError as error:
        return [CheckOutcome("load", "fail", str(error)), *_skipped(names(), "the adapter could not be loaded")]
    trial = Trial(loaded, None if probes is None else Probes(*probes))
    outcomes = [CheckOutcome("load", "pass", f"{loaded.name} on {device}{_untrained(loaded)}")]
    try:
        for position, function in enumerate(_CHECKS):
            outcomes.append(_run(function, trial))
            if function is output.shape and outcomes[-1].status == "fail":
                outcomes += _skipped(names()[position + 1 :], "the shape of the scores must be right first")
                break
    finally:
        loaded.adapter.close()
    return outcomes


def _run(function: Callable[[Trial], tuple[Status, str]], trial: Trial) -> CheckOutcome:
    try:
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            status, message = function(trial)
    except (Exception, SystemExit) as error:
        return CheckOutcome(function.__name__, "fail", str(explain(error, "it raised", trial.loaded.source)))
    remarks = dict.fromkeys(str(warning.message) for warning in said)
    return CheckOutcome(function.__name__, status, "; it warned: ".join([message, *remarks]))


def _untrained(loaded: LoadedAdapter) -> str:
    said = ", with random weights: shapes and gradients can be checked, and no answer means anything"
    return said if loaded.adapter.card.untrained else ""


def _skipped(missing: list[str], reason: str) -> list[CheckOutcome]:
    return [CheckOutcome(name, "skipped", reason) for name in missing]
