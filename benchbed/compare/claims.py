"""Claims of the literature as files, and what runs say of each: supported, contradicted, undecided, not run.

A file states the claim in the words of its source, where it stands, what must be run, and the test that decides, before
anything is measured. More kinds of test are more entries of `TESTS`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from benchbed.compare import key_claims
from benchbed.compare.foretelling import foretelling, one_each
from benchbed.errors import ConfigError
from benchbed.results.foretelling import KINDS, Foretelling
from benchbed.results.record import Result, Value

#: Which end of an interval must lie where.
Side = Literal["low_above", "high_below"]
Verdict = Literal["supported", "contradicted", "undecided", "not run"]


class ClaimTest(BaseModel):
    """The test that decides a claim."""

    model_config = ConfigDict(extra="forbid")
    kind: str
    """Kind of test: `association` of two kinds of robustness, `families`, `models` in one figure, `within` a model the
    difference of two figures, `width` of a figure's interval, `costs`, the ratio of two models' costs, `gain`, the mean
    relative gain in `figure` and those of `over`, `recipes` of training that cards name, `code`, the share of lines
    that one adapter has less than the other, or `undefined`, where the source does not say what is measured."""
    one: str
    """A kind of robustness, a family of models, a pattern of models' names, or, of `within` and `width`, a figure."""
    other: str = ""
    """The kind, family, pattern or figure that it is held against; of `costs` nothing, where the cost itself counts."""
    figure: str = ""
    """Of `models`: `CONDITION/METRIC`, `CONDITION/GROUP/METRIC`, or a figure over the run; of `costs` the place in the
    profile, e.g. `macs` or `latency.batch_1.median`."""
    model: str = "*"
    """Of `within` and `width`: a pattern of models' names."""
    over: list[str] = Field(default_factory=list)
    """Of `gain`: further figures of the declared set."""
    guards: dict[str, float] = Field(default_factory=dict)
    """Of `gain`: figure → relative loss that is tolerated; where more is lost, the headline does not count."""
    supported: dict[Side, float]
    """Where the interval must lie for the claim to hold."""
    contradicted: dict[Side, float]
    """Where it must lie for the claim to be refuted."""
    models: int = 2
    """Models that it takes at least."""


class Claim(BaseModel):
    """One claim."""

    model_config = ConfigDict(extra="forbid")
    id: str
    """Short name."""
    text: str
    """What is claimed."""
    source: str
    """Who claims it."""
    where: str
    """Where it stands there."""
    evidence: str = ""
    """What the source shows for it."""
    disputed: str = ""
    """What of that cannot hold, or is damaged."""
    needs: str
    """What must be run."""
    test: ClaimTest
    """What decides."""


@dataclass(frozen=True)
class Judged:
    """A claim and what was found.

    Attributes
    ----------
    claim : Claim
    verdict : str
    told : str
        The figures behind it, or what is missing.
    """

    claim: Claim
    verdict: Verdict
    told: str


def read_claims(folder: str | Path) -> list[Claim]:
    """All claims of a folder, in the order of their files.

    Raises
    ------
    ConfigError
        No such folder, or a file that is no claim.
    """
    place = Path(folder)
    files = sorted(place.glob("*.yaml")) if place.is_dir() else []
    if not files:
        raise ConfigError(f"no claims in {folder}", hint="a folder of YAML files, such as suites/claims")
    found = []
    for file in files:
        try:
            found.append(Claim.model_validate(yaml.safe_load(file.read_text(encoding="utf-8"))))
        except yaml.YAMLError as error:
            raise ConfigError(f"{file.name} is no YAML: {str(error).splitlines()[0]}", where=str(file)) from error
        except ValidationError as error:
            first = error.errors()[0]
            part = ".".join(map(str, first["loc"]))
            raise ConfigError(f"{file.name}: {part}: {first['msg']}", where=str(file)) from error
        if found[-1].test.kind not in (known_tests := {**TESTS, **OF_RECORDS}):
            known = ", ".join(known_tests)
            raise ConfigError(f"{file.name}: no test '{found[-1].test.kind}'", where=str(file), hint=f"tests: {known}")
    return found


def detailed(claim: Claim) -> bool:
    """Whether a claim is about more of a condition than the figure that ranks, which summaries of runs lack."""
    return claim.test.kind in OF_RECORDS and "/" in claim.test.figure and not claim.test.figure.startswith("clean/")


def judge(claims: Sequence[Claim], results: Sequence[Result]) -> list[Judged]:
    """What runs say of claims; runs of several boards are judged on the one with the most models."""
    boards: dict[tuple[object, ...], list[Result]] = {}
    for result in results:
        data, suite = result.dataset, result.suite
        key = (data.synthetic, data.name, data.index_hash, suite.hash, suite.protocol, result.primary)
        boards.setdefault(key, []).append(result)
    return [_best([_judged(claim, one_each(members)) for members in boards.values()], claim) for claim in claims]


def _best(found: Sequence[Judged], claim: Claim) -> Judged:
    order = {"supported": 0, "contradicted": 0, "undecided": 1, "not run": 2}
    verdicts = {one.verdict for one in found}
    if {"supported", "contradicted"} <= verdicts:
        told = "; ".join(one.told for one in found if order[one.verdict] == 0)
        return Judged(claim, "undecided", f"boards disagree: {told}")
    return min(found, key=lambda one: order[one.verdict], default=Judged(claim, "not run", f"no runs: {claim.needs}"))


def _judged(claim: Claim, results: Sequence[Result]) -> Judged:
    if claim.test.kind in OF_RECORDS:
        interval = OF_RECORDS[claim.test.kind](claim.test, results)
    else:
        seen = foretelling(results)
        interval = None if seen is None else TESTS[claim.test.kind](claim.test, seen)
    if interval is None:
        return Judged(claim, "not run", claim.needs)
    low, high, models, told = interval
    where = f"{results[0].suite.name} on {results[0].dataset.name}: {told}"
    if models < claim.test.models:
        return Judged(claim, "not run", f"{where}; it takes {claim.test.models} models")
    if low is None or high is None:
        return Judged(claim, "undecided", where)
    if _holds(claim.test.contradicted, low, high):
        return Judged(claim, "contradicted", where)
    return Judged(claim, "supported" if _holds(claim.test.supported, low, high) else "undecided", where)


def _holds(rule: Mapping[Side, float], low: float, high: float) -> bool:
    return all(low > bound if side == "low_above" else high < bound for side, bound in rule.items())


#: Ends of the interval, models behind it, and the figures in words.
Evidence = tuple[float | None, float | None, int, str]


def _association(test: ClaimTest, seen: Foretelling) -> Evidence | None:
    pair = next((p for p in seen.pairs if {p.one, p.other} == {test.one, test.other}), None)
    if pair is None:
        return None
    value = "undefined" if pair.value is None else f"{pair.value:.2f}"
    between = f" [{pair.low:.2f}, {pair.high:.2f}]" if pair.low is not None and pair.high is not None else ""
    told = f"Spearman's rho of {test.one} and {test.other} robustness over {pair.n} models is {value}{between}"
    return pair.low, pair.high, pair.n, f"{told} ({pair.reason})" if pair.reason else told


def _families(test: ClaimTest, seen: Foretelling) -> Evidence | None:
    found = [f for f in seen.families if (f.one, f.other) == (test.one, test.other) and f.difference is not None]
    if not found:
        return None
    # A family is more robust overall if it is so in every kind: the weakest end decides.
    lows, highs = [f.low for f in found], [f.high for f in found]
    told = "; ".join(f"{f.kind}: {test.one} − {test.other} = {f.difference:+.3f}" for f in found)
    known = [low for low in lows if low is not None], [high for high in highs if high is not None]
    models = min(sum(f.sizes) for f in found)
    whole = len(known[0]) == len(found)
    return (min(known[0]) if whole else None), (max(known[1]) if whole else None), models, told


TESTS: dict[str, Callable[[ClaimTest, Foretelling], Evidence | None]] = {
    "association": _association,
    "families": _families,
}


def _models(test: ClaimTest, results: Sequence[Result]) -> Evidence | None:
    """Two groups of models, by name, in one figure: the difference of their means.

    Its interval adds the squares of the half-widths that the records state, as of independent figures. Models that were
    scored on the same clips differ by less than that, so a verdict is never too early; `compare` is sharper.
    """
    sides = []
    for pattern in (test.one, test.other):
        values = [
            v for r in results if fnmatchcase(r.model.name, pattern) and (v := _figure(r, test.figure)) is not None
        ]
        sides.append([v for v in values if v.value is not None])
    if not all(sides):
        return None
    means = [sum(v.value or 0.0 for v in side) / len(side) for side in sides]
    told = f"{test.figure}: {test.one} − {test.other} = {means[0] - means[1]:+.3f}"
    variance = 0.0
    for side in sides:
        for value in side:
            if value.low is None or value.high is None:
                return None, None, sum(map(len, sides)), f"{told} (a figure without an interval)"
            variance += ((value.high - value.low) / 2 / len(side)) ** 2
    reach = variance**0.5
    difference = means[0] - means[1]
    return difference - reach, difference + reach, sum(map(len, sides)), f"{told} ± {reach:.3f}"


def _figure(result: Result, path: str) -> Value | None:
    """A figure of a record by its path; patterns may stand for a condition and a metric's name: the first that fits."""
    if path in result.scores:
        return result.scores[path]
    condition, *middle, metric = path.split("/")
    for cell in result.cells:
        if not fnmatchcase(cell.key.split("/", 2)[-1], condition):
            continue
        values = cell.groups.get("/".join(middle), {}) if middle else cell.metrics
        return next((values[name] for name in values if fnmatchcase(name, metric)), None)
    return None


def _within(test: ClaimTest, results: Sequence[Result]) -> Evidence | None:
    """Two figures of one model, the mean over models of their difference; intervals add as in `models`.

    Figures on the same clips are not independent, and differ by less than that.
    """
    pairs = [
        (one, other)
        for result in results
        if fnmatchcase(result.model.name, test.model)
        and (one := _figure(result, test.one)) is not None
        and (other := _figure(result, test.other)) is not None
        and one.value is not None
        and other.value is not None
    ]
    if not pairs:
        return None
    difference = sum((one.value or 0.0) - (other.value or 0.0) for one, other in pairs) / len(pairs)
    told = f"{test.one} − {test.other} = {difference:+.3f} over {len(pairs)} models"
    reaches = [
        (value.high - value.low) / 2
        for pair in pairs
        for value in pair
        if value.low is not None and value.high is not None
    ]
    if len(reaches) < 2 * len(pairs):
        return None, None, len(pairs), f"{told} (a figure without an interval)"
    reach = sum(part**2 for part in reaches) ** 0.5 / len(pairs)
    return difference - reach, difference + reach, len(pairs), f"{told} ± {reach:.3f}"


def _width(test: ClaimTest, results: Sequence[Result]) -> Evidence | None:
    """How far the ends of a figure lie apart: the least and the greatest over models."""
    found = [
        value.high - value.low
        for result in results
        if fnmatchcase(result.model.name, test.model)
        and (value := _figure(result, test.one)) is not None
        and value.low is not None
        and value.high is not None
    ]
    if not found:
        return None
    told = f"the ends of {test.one} lie {min(found):.3f} to {max(found):.3f} apart over {len(found)} models"
    return min(found), max(found), len(found), told


def _costs(test: ClaimTest, results: Sequence[Result]) -> Evidence | None:
    """Cost of one group of models over that of another, the least and the greatest ratio; or the cost itself."""
    sides = [
        [cost for r in results if fnmatchcase(r.model.name, pattern) and (cost := _cost(r, test.figure)) is not None]
        for pattern in (test.one, test.other)
        if pattern
    ]
    if not all(sides) or any(min(side) <= 0 for side in sides):
        return None
    under = sides[1] if len(sides) > 1 else [1.0]
    low, high = min(sides[0]) / max(under), max(sides[0]) / min(under)
    over = f" / {test.other}" if test.other else ""
    told = f"{test.figure}: {test.one}{over} = {low:.3g}" + (f" to {high:.3g}" if high > low else "")
    return low, high, sum(map(len, sides)), told


def _cost(result: Result, path: str) -> float | None:
    node: object = result.profile
    for key in path.split("."):
        node = node.get(key) if isinstance(node, dict) else None
    value = node.get("value") if isinstance(node, dict) else None
    return float(value) if isinstance(value, int | float) else None


def _gain(test: ClaimTest, results: Sequence[Result]) -> Evidence | None:
    """Mean relative gain of one group of models over another, in a declared set of figures."""
    sides = [[r for r in results if fnmatchcase(r.model.name, pattern)] for pattern in (test.one, test.other)]
    found: dict[str, tuple[key_claims.Measure, key_claims.Measure]] = {}
    for path in dict.fromkeys((test.figure, *test.over, *test.guards)):
        values = [[v for r in side if (v := _figure(r, path)) is not None] for side in sides]
        new, base = (key_claims.mean_measure(each) for each in values)
        if new is None or base is None:
            return None
        found[path] = new, base
    guards = {path: (*found[path], tolerated) for path, tolerated in test.guards.items()}
    headline = {path: found[path] for path in dict.fromkeys((test.figure, *test.over))}
    low, high, told = key_claims.guarded_gain(headline, guards)
    return low, high, sum(map(len, sides)), told


def _recipes(test: ClaimTest, results: Sequence[Result]) -> Evidence | None:
    """Approaches to training that cards name."""
    models = sum(fnmatchcase(one.model.name, test.one) for one in results)
    if not models:
        return None
    many, told = key_claims.recipes(results, test.one)
    return float(many), float(many), models, told


def _code(test: ClaimTest, results: Sequence[Result]) -> Evidence | None:
    """Share of lines that the adapters of one side have less than those of the other: least and greatest."""
    sides = [
        [lines for r in results if fnmatchcase(r.model.name, p) and (lines := key_claims.code_lines(r)) is not None]
        for p in (test.one, test.other)
    ]
    if not all(sides):
        return None
    low, high = 1 - max(sides[0]) / min(sides[1]), 1 - min(sides[0]) / max(sides[1])
    return low, high, sum(map(len, sides)), f"{test.one} has {low:.0%} to {high:.0%} fewer lines than {test.other}"


def _undefined(test: ClaimTest, results: Sequence[Result]) -> Evidence | None:
    """Nothing can be measured."""
    return None


OF_RECORDS: dict[str, Callable[[ClaimTest, Sequence[Result]], Evidence | None]] = {
    "models": _models,
    "within": _within,
    "width": _width,
    "costs": _costs,
    "gain": _gain,
    "recipes": _recipes,
    "code": _code,
    "undefined": _undefined,
}
#: Kinds of robustness that a test may name.
NAMED = tuple(KINDS)
