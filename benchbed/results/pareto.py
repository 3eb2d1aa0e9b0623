"""Trade-offs between models: which are on the Pareto front of a score and a cost, and what a score costs in joules.

Pure functions over records. A model is dominated if another one is at least as good in both and better in one. Times
and joules are compared on one machine and by one method only: a measurement never stands beside an estimate. Runs on
different data or by different suites are refused.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from benchbed.errors import ConfigError, did_you_mean
from benchbed.results.record import Result

#: Costs by name → path in a record's profile; all are better when lower.
COSTS: Mapping[str, tuple[str, ...]] = {
    "parameters": ("parameters",),
    "parameter_memory": ("parameter_memory",),
    "macs": ("macs",),
    "latency": ("latency", "batch_1", "median"),
    "joules": ("energy", "joules_per_inference"),
    "energy_ratio": ("energy", "ratio_to_reference"),
}


@dataclass(frozen=True)
class TradePoint:
    """One model with a score and a cost.

    Attributes
    ----------
    model : str
    score, cost : float
    front : bool
        Not dominated.
    dominated_by : tuple of str
        Models that are at least as good in both and better in one.
    """

    model: str
    score: float
    cost: float
    front: bool
    dominated_by: tuple[str, ...] = ()


@dataclass(frozen=True)
class TradeOff:
    """A score against a cost over several models.

    Attributes
    ----------
    score, cost : str
        Names.
    score_unit, cost_unit : str
        Units.
    score_direction : str
        `higher` or `lower` is better; a cost is always better when lower.
    points : list of TradePoint
        By cost, the lowest first.
    left_out : dict
        Model → why it has no point.
    method : str or None
        Where and how the cost was found, for times and energy: what the points have in common.
    """

    score: str
    cost: str
    score_unit: str
    cost_unit: str
    score_direction: str
    points: list[TradePoint]
    left_out: dict[str, str] = field(default_factory=dict)
    method: str | None = None


def pareto_front(points: Sequence[tuple[float, float]], *, higher: bool = True) -> list[tuple[int, ...]]:
    """For every (score, cost), the places of the points that dominate it; none for those on the front.

    Examples
    --------
    >>> pareto_front([(0.9, 10), (0.8, 5), (0.7, 6), (0.9, 10)])
    [(), (), (1,), ()]
    """
    scores, costs = np.asarray(points, np.float64).reshape(-1, 2).T * [[1.0 if higher else -1.0], [1.0]]
    found: list[tuple[int, ...]] = []
    for score, cost in zip(scores, costs):
        as_good = (scores >= score) & (costs <= cost)
        found.append(tuple(np.flatnonzero(as_good & ((scores > score) | (costs < cost))).tolist()))
    return found


def on_front(points: Sequence[tuple[float, float]], *, higher: bool = True) -> list[bool]:
    """Whether each (score, cost) is dominated by none, without looking at every pair.

    Examples
    --------
    >>> on_front([(0.9, 10), (0.8, 5), (0.7, 6), (0.9, 10)])
    [True, True, False, True]
    """
    scores, costs = np.asarray(points, np.float64).reshape(-1, 2).T * [[1.0 if higher else -1.0], [1.0]]
    levels, place = np.unique(costs, return_inverse=True)
    best = np.full(len(levels), np.nan)
    np.fmax.at(best, place, scores)
    cheaper = np.concatenate([[np.nan], np.fmax.accumulate(best)])[place]
    dominated = (cheaper >= scores) | (best[place] > scores)
    return [not one for one in dominated.tolist()]


def trade_offs(results: Sequence[Result], score: str | None = None, *, named: bool = True) -> list[TradeOff]:
    """Pareto fronts of a score against every cost that at least two models have.

    Parameters
    ----------
    results : sequence of Result
        Runs of one suite on one dataset.
    score : str, optional
        A figure of `scores`, or a metric of the clean cells; by default the metric that ranks.
    named : bool
        Say by which models each point is dominated; of a thousand models that is half a million names.

    Raises
    ------
    ConfigError
        Runs that cannot be compared, a score that none of them has, or one of an attack on features.
    """
    if not results:
        return []
    _comparable(results)
    name = score or results[0].primary
    values = {index: _score(result, name) for index, result in enumerate(results)}
    # What a run lost may well be what was hard, so that its score is no point of a front.
    lost = {index for index, result in enumerate(results) if not result.whole}
    known = {index: value for index, value in values.items() if value is not None and index not in lost}
    if not known and lost:
        return []
    if not known:
        there = {key for result in results for key in result.scores}
        there |= {key for result in results for cell in result.cells for key in cell.metrics}
        raise ConfigError(f"no run has the score '{name}'", hint=did_you_mean(name, there))
    unit, direction = next(iter(known.values()))[1:]
    names = _names(results)
    pareto = []
    for cost, path in COSTS.items():
        figures = {index: _figure(result.profile, path) for index, result in enumerate(results)}
        setups = {i: _setup(results[i], cost) for i in known if figures[i]}
        for setup in sorted(set(setups.values()), key=str):
            chosen = [i for i in setups if setups[i] == setup]
            if len(chosen) < 2:
                continue
            pairs = [(known[i][0], figures[i]["value"]) for i in chosen]  # type: ignore[index]
            better = direction == "higher"
            dominated = pareto_front(pairs, higher=better) if named else [()] * len(pairs)
            front = [not by for by in dominated] if named else on_front(pairs, higher=better)
            points = [
                TradePoint(
                    names[i],
                    *pairs[place],
                    front=front[place],
                    dominated_by=tuple(names[chosen[other]] for other in dominated[place]),
                )
                for place, i in enumerate(chosen)
            ]
            left_out = {name: _why(i, known, lost, figures, setup) for i, name in enumerate(names) if i not in chosen}
            cost_unit = figures[chosen[0]]["unit"]  # type: ignore[index]
            pareto.append(
                TradeOff(name, cost, unit, cost_unit, direction, sorted(points, key=lambda p: p.cost), left_out, setup)
            )
    return pareto


def _why(
    index: int, known: Collection[int], lost: Collection[int], figures: Mapping[int, object], setup: str | None
) -> str:
    """Why a run has no point."""
    if index in lost:
        return "clips are missing"
    if index not in known:
        return "no score"
    return f"not on {setup}" if figures[index] else "no such figure"


def per_joule(result: Result, score: str | None = None) -> tuple[float, str] | None:
    """A score per joule of one inference, and how the energy was found; None without either.

    Give a robustness score's name for robustness per joule. Scores that are better when lower have no such ratio.
    """
    value, joules = _score(result, score or result.primary), _figure(result.profile, COSTS["joules"])
    if value is None or joules is None or value[2] != "higher" or joules["value"] <= 0:
        return None
    return value[0] / joules["value"], _energy_method(result) or ""


def _comparable(results: Sequence[Result]) -> None:
    def key(result: Result) -> tuple:
        data = result.dataset
        return result.suite.hash, result.suite.protocol, data.name, data.index_hash, data.synthetic

    if len({key(result) for result in results}) > 1:
        raise ConfigError(
            "trade-offs need runs of one suite on the same data",
            hint="give runs with the same suite, dataset and --limit",
        )


def _names(results: Sequence[Result]) -> list[str]:
    plain = [result.model.name for result in results]
    seen: dict[str, int] = {}
    names = []
    for name in plain:
        seen[name] = seen.get(name, 0) + 1
        names.append(name if plain.count(name) == 1 else f"{name} ({seen[name]})")
    return names


def _score(result: Result, name: str) -> tuple[float, str, str] | None:
    if name.startswith("unrealizable:"):
        raise ConfigError(
            f"'{name}' is of an attack on features: not realizable as audio, so no model is ranked by it",
            hint="take a figure of an attack on waveforms, `adversarial:…`",
        )
    value = result.scores.get(name)
    if value is None:
        cells = [cell for cell in result.cells if cell.condition.kind == "clean" and name in cell.metrics]
        if len(cells) != 1:
            return None
        value = cells[0].metrics[name]
    return None if value.value is None else (value.value, value.unit, value.direction)


def _figure(profile: Mapping[str, Any], path: Sequence[str]) -> dict[str, Any] | None:
    part: Any = profile
    for key in path:
        part = part.get(key) if isinstance(part, Mapping) else None
    return dict(part) if isinstance(part, Mapping) and isinstance(part.get("value"), (int, float)) else None


def _energy_method(result: Result) -> str | None:
    energy = result.profile.get("energy")
    if not isinstance(energy, Mapping) or not energy.get("method"):
        return None
    return f"{energy['method']} by {energy.get('source', 'nothing')} on {energy.get('device', 'cpu')}"


def _setup(result: Result, cost: str) -> str | None:
    """What two figures must share to be compared; None for counts, which are the same everywhere."""
    if cost in ("parameters", "parameter_memory", "macs"):
        return None
    machine = result.provenance.machine
    place = str(machine.get("gpu") or machine.get("processor") or "unknown machine")
    if cost == "latency":
        timed = result.profile.get("latency", {})
        return f"{timed.get('device', 'cpu')}, {timed.get('threads', 1)} threads, {place}"
    reference = result.profile["energy"].get("reference", {}).get("model") if cost == "energy_ratio" else None
    return f"{_energy_method(result)}, {place}" + (f", against {reference}" if reference else "")
