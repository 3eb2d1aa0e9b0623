"""What a suite declares about its metrics: the collars, thresholds and filters by which an attack succeeds."""

from __future__ import annotations

import inspect

from benchbed.metrics import FAMILIES
from benchbed.run.scoring.families import post_processing
from benchbed.suite.load import LoadedSuite

#: Metric families behind the rules of success.
BEHIND = ("tagging", "sed_event", "sed_segment")


def declared(loaded: LoadedSuite, labels: tuple[str, ...]) -> dict[str, dict[str, object]]:
    """Options that a suite gives each metric family behind a rule of success: its post-processing, and where the suite
    has the family among its metrics, the options there.

    Thresholds that a run chooses on a validation split, or reads from a file, are not among them: attacks are planned,
    and named, before. `fixed` says so.

    Raises
    ------
    ConfigError
        Post-processing of a class that the dataset does not have.
    """
    shared = post_processing(loaded, labels)
    metrics = loaded.suite.metrics
    given: dict[str, dict[str, object]] = {}
    for family, options in [(part.family, part.options) for part in reversed(metrics.further)] + [
        (metrics.family, metrics.options)
    ]:
        given[family] = dict(options)
    found = {}
    for name in BEHIND:
        known = inspect.signature(FAMILIES.get(name).family).parameters
        found[name] = {**{k: v for k, v in shared.items() if k in known}, **given.get(name, {})}
    # Rules of a kind whose families say which year's they are: the suite's own.
    own = inspect.signature(FAMILIES.get(metrics.family).family).parameters
    found.setdefault(metrics.family, {**{k: v for k, v in shared.items() if k in own}, **metrics.options})
    part = loaded.suite.post_processing
    if part is not None and (part.tune is not None or part.frozen is not None):
        found["fixed"] = {"thresholds": "fixed at 0.5: those of the suite are chosen in a run, after its attacks are"}
    return found
