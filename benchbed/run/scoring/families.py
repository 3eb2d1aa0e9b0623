"""The metric families of a suite, with its declared post-processing as their options."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from types import MappingProxyType

from benchbed.errors import ConfigError, did_you_mean
from benchbed.metrics import FAMILIES
from benchbed.metrics.contract import Family
from benchbed.metrics.joint import Joint
from benchbed.results.statistics import Further
from benchbed.suite.load import LoadedSuite


def metric_family(
    loaded: LoadedSuite, labels: tuple[str, ...], scope: Mapping[str, int] = MappingProxyType({})
) -> tuple[Family, str]:
    """The metrics of a suite and the one that ranks.

    Parameters
    ----------
    labels : tuple of str
        Classes of the dataset.
    scope : mapping of str to int
        What a model knows beside them, from `Job.scope`, for families that ask.

    Raises
    ------
    ConfigError
        An unknown family, metric or option.
    """
    metrics = loaded.suite.metrics
    main, *further = families_of(loaded, labels, scope)
    family = _family(loaded, labels, main, ("metrics",))
    others: dict[str, Family] = {}
    for index, part in enumerate(further):
        place = ("metrics", "further", index)
        if part.name in others:
            raise ConfigError(f"two further families are called '{part.name}'", where=loaded.where(*place, "name"))
        others[part.name] = _family(loaded, labels, part, place)
    if others:
        family = Joint(family, others)
    primary = metrics.primary or family.primary
    if primary not in family.metrics:
        raise ConfigError(
            f"unknown metric '{primary}'",
            where=loaded.where("metrics", "primary"),
            hint=did_you_mean(primary, family.metrics) or f"known: {', '.join(family.metrics)}",
        )
    return family, primary


def families_of(
    loaded: LoadedSuite, labels: tuple[str, ...], scope: Mapping[str, int] = MappingProxyType({})
) -> list[Further]:
    """Metric families of a suite, the main one first, with their options as they are used.

    Raises
    ------
    ConfigError
        An unknown family.
    """
    metrics = loaded.suite.metrics
    shared = {**post_processing(loaded, labels), **scope}
    asked: list[tuple[str, str, dict[str, object], tuple[str | int, ...]]]
    asked = [("", metrics.family, metrics.options, ("metrics",))]
    asked += [
        (part.name, part.family, part.options, ("metrics", "further", i)) for i, part in enumerate(metrics.further)
    ]
    found = []
    for name, family, options, place in asked:
        # A threshold means nothing to a metric over all thresholds.
        known = inspect.signature(FAMILIES.get(family, where=loaded.where(*place, "family")).family).parameters
        used = {**{key: value for key, value in shared.items() if key in known}, **options}
        found.append(Further(name, family, used))
    return found


def _family(loaded: LoadedSuite, labels: tuple[str, ...], part: Further, place: tuple[str | int, ...]) -> Family:
    try:
        family: Family = FAMILIES.get(part.family).family(labels, **part.options)
    except TypeError as error:
        raise ConfigError(
            f"the metric family {part.family} does not take these options: {error}",
            where=loaded.where(*place, "options"),
        ) from error
    # Sums of a run are read where its files are not; a new run finds out now.
    if (check := getattr(FAMILIES.get(part.family), "check", None)) is not None:
        check(**part.options)
    if family.output != loaded.suite.task:
        what = f"the metric family {part.family} is about {family.output}, the suite's task is {loaded.suite.task}"
        raise ConfigError(what, where=loaded.where(*place, "family"))
    return family


def post_processing(loaded: LoadedSuite, labels: tuple[str, ...]) -> dict[str, object]:
    """The suite's declared thresholds and filters as options of a metric family, per class in the order of `labels`.

    Raises
    ------
    ConfigError
        A class that the dataset does not have, or one without a value.
    """
    part = loaded.suite.post_processing
    found: dict[str, object] = {}
    for name in ("threshold", "median_seconds", "unify_degrees") if part is not None else ():
        given = getattr(part, name)
        if isinstance(given, dict):
            where = loaded.where("post_processing", name)
            strange = sorted(set(given) - set(labels))
            if strange:
                raise ConfigError(
                    f"{name} of a class '{strange[0]}' that the dataset does not have",
                    where=where,
                    hint=did_you_mean(strange[0], labels),
                )
            lacking = [label for label in labels if label not in given]
            if lacking:
                raise ConfigError(f"{name} has no value for the class '{lacking[0]}'", where=where)
            given = [given[label] for label in labels]
        if given is not None:
            found[name] = given
    return found
