"""Figures of a profile in the units that rules are read in: seconds, joules, bytes, whatever the record wrote.

A record gives times in milliseconds, a rule's `50 ms` becomes 0.05 s: held against each other as they stand, a model of
1 ms would be fifty times too slow.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from benchbed.errors import ConfigError
from benchbed.gate.lookup import CostFigure, cost_of
from benchbed.gate.quantity import UNITS, Amount
from benchbed.gate.rules import Rule
from benchbed.results.record import Result

#: Unit → the unit that rules are read in; the factor is that of `benchbed.gate.quantity`.
BASE = {
    "ms": "s",
    "us": "s",
    "µs": "s",
    "mJ": "J",
    "kJ": "J",
    "Wh": "J",
    "kWh": "J",
    "kB": "bytes",
    "MB": "bytes",
    "GB": "bytes",
    "KiB": "bytes",
    "MiB": "bytes",
    "GiB": "bytes",
    "kMACs": "MACs",
    "MMACs": "MACs",
    "GMACs": "MACs",
}

#: Units of what a machine does in a time: more is better.
RATES = ("clips/s",)

#: Units whose figures hold for the machine they were measured on, and parts of a profile that do whatever their unit.
OF_A_MACHINE = ("s", "J", "s/s", "clips/s", "J/h", "W", "kWh/h")
MEASURED = ("latency", "energy")


def measured(result: Result, path: str) -> CostFigure:
    """A figure of the profile, or one under `scores`, in the unit that rules are read in.

    Raises
    ------
    CannotMeasure
        As `cost_of`.
    """
    cost = cost_of(result, path)
    return cost if path in result.scores else in_base(replace(cost, unit=cost.unit or _unit_of_part(result, path)))


def in_base(cost: CostFigure) -> CostFigure:
    """The figure in its base unit, with the direction of its unit.

    Examples
    --------
    >>> in_base(CostFigure(1.5, "ms")).value, in_base(CostFigure(1.5, "ms")).unit
    (0.0015, 's')
    >>> in_base(CostFigure(900.0, "clips/s")).direction
    'higher'
    """
    direction = "higher" if cost.unit in RATES else cost.direction
    if cost.unit not in BASE:
        return replace(cost, direction=direction)
    factor = UNITS[cost.unit][0]
    rounds = None if cost.rounds is None else cost.rounds * factor
    return CostFigure(cost.value * factor, BASE[cost.unit], direction, rounds)


def require_units(rule: Rule, facts: Mapping[str, Any]) -> None:
    """Hold the units of a rule against those of the figure that it is about.

    Parameters
    ----------
    rule : Rule
        With its margin or limit.
    facts : mapping
        `unit` and `direction` of the figure.

    Raises
    ------
    ConfigError
        Seconds against per cent, or a margin that no figure can exceed.
    """
    unit, margin = str(facts.get("unit", "")), rule.margin
    held = [amount for amount in (rule.at_least, rule.more_than, rule.at_most) if amount is not None]
    of = {"relative_gain": "fraction", "time_reduction": "fraction", "speedup": "ratio"}.get(rule.relation or "", unit)
    _require("limit", held, of)
    if margin is None:
        return
    _require("margin", [margin.absolute] if margin.absolute is not None else [], unit)
    if margin.relative is not None and margin.relative >= 1 and facts.get("direction") == "higher":
        raise ConfigError(
            f"a margin of {margin.relative.written} is all that a figure can lose that is better when it is higher, so "
            "that the rule is off",
            hint="a margin below 100 %",
        )


def _require(what: str, amounts: Sequence[Amount], unit: str) -> None:
    for amount in amounts:
        if not amount.fits(unit):
            known = [name for name, (_, base) in UNITS.items() if Amount(1.0, base).fits(unit)]
            shown = "per cent" if unit == "fraction" else unit or "no unit"
            raise ConfigError(
                f"the {what} is {amount.written}, the figure is in {shown}",
                hint=f"a number with one of the units {', '.join(known)}" if known else None,
            )


def of_a_machine(cost: CostFigure, path: str) -> bool:
    """The figure says nothing about another machine."""
    return cost.unit in OF_A_MACHINE or (path.partition(".")[0] in MEASURED and cost.unit in ("", "s"))


def _unit_of_part(result: Result, path: str) -> str:
    """Rounds stand beside the unit of all of them."""
    node: Any = result.profile
    for part in path.split(".")[:-1]:
        node = node.get(part) if isinstance(node, dict) else None
    return str(node.get("unit", "")) if isinstance(node, dict) else ""
