"""Figures of a profile in the units that rules are read in: seconds, joules, bytes, whatever the record wrote.

A record gives times in milliseconds, a rule's `50 ms` becomes 0.05 s: held against each other as they stand, a model of
1 ms would be fifty times too slow.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from benchbed.gate.lookup import Cost, cost_of
from benchbed.gate.quantity import UNITS
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


def measured(result: Result, path: str) -> Cost:
    """A figure of the profile, or one under `scores`, in the unit that rules are read in.

    Raises
    ------
    CannotMeasure
        As `cost_of`.
    """
    cost = cost_of(result, path)
    return cost if path in result.scores else in_base(replace(cost, unit=cost.unit or _unit_of_part(result, path)))


def in_base(cost: Cost) -> Cost:
    """The figure in its base unit, with the direction of its unit.

    Examples
    --------
    >>> in_base(Cost(1.5, "ms")).value, in_base(Cost(1.5, "ms")).unit
    (0.0015, 's')
    >>> in_base(Cost(900.0, "clips/s")).direction
    'higher'
    """
    direction = "higher" if cost.unit in RATES else cost.direction
    if cost.unit not in BASE:
        return replace(cost, direction=direction)
    factor = UNITS[cost.unit]
    rounds = None if cost.rounds is None else cost.rounds * factor
    return Cost(cost.value * factor, BASE[cost.unit], direction, rounds)


def of_a_machine(cost: Cost, path: str) -> bool:
    """The figure says nothing about another machine."""
    return cost.unit in OF_A_MACHINE or (path.partition(".")[0] in MEASURED and cost.unit in ("", "s"))


def _unit_of_part(result: Result, path: str) -> str:
    """Rounds stand beside the unit of all of them."""
    node: Any = result.profile
    for part in path.split(".")[:-1]:
        node = node.get(part) if isinstance(node, dict) else None
    return str(node.get("unit", "")) if isinstance(node, dict) else ""
