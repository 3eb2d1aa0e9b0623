"""Rules about figures of the profile: budgets, and times or energy over those of a reference in the same run."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from benchbed.compare.runs import OpenRun
from benchbed.errors import CannotMeasure
from benchbed.gate.distance import Slack
from benchbed.gate.held import Held
from benchbed.gate.kpi import relation
from benchbed.gate.lookup import CostFigure
from benchbed.gate.rules import Rule
from benchbed.gate.slack import of_cost, of_costs
from benchbed.gate.units import measured, of_a_machine


def cost_slack(rule: Rule, evidence: Held) -> Slack:
    """Distance of a rule about a cost from being broken.

    Of several seeds, rounds of a timing are put together, and of counts the candidate's worst is held against the
    baseline's best: a count has no chance in it that could excuse one of them.

    Raises
    ------
    CannotMeasure
        A figure is not there, or was measured where it cannot be compared.
    """
    assert rule.figure is not None
    limit, above, strict = rule.limit
    new = _over_runs(evidence.runs, rule.figure, rule.reference, worst=True)
    if limit is not None and rule.relation is None:
        return of_cost(new, limit, above, strict, {})
    bases = evidence.baseline()
    if rule.reference is None and of_a_machine(new, rule.figure) and not _same_machine([*evidence.runs, *bases]):
        raise CannotMeasure(
            "the baseline was measured on another machine, so times and energy cannot be compared",
            hint="name a `reference:` that runs on both",
        )
    old = _over_runs(bases, rule.figure, rule.reference, worst=False)
    if rule.relation is None:
        return of_costs(new, old, rule.margin)
    assert limit is not None
    facts = {"value": new.value, "baseline": old.value, "unit": new.unit, "direction": new.direction}
    point = cost_relation(rule.relation, new, old)
    slack = of_cost(CostFigure(point, "", "higher"), limit, above, strict, {})
    return Slack(
        slack.point,
        slack.p_broken,
        slack.p_kept,
        0.0,
        "medians as they are",
        strict,
        {**facts, "relation": point, "limit": limit},
    )


def cost_relation(name: str, new: CostFigure, old: CostFigure) -> float:
    """Relation of two costs."""
    return relation(name, new.value, old.value, new.direction)


def _over_runs(runs: Sequence[OpenRun], path: str, reference: str | None, *, worst: bool) -> CostFigure:
    costs = [_ratio(measured(run.result, path), run, reference) for run in runs]
    first = costs[0]
    if len(costs) == 1:
        return first
    rounds = [cost.rounds for cost in costs if cost.rounds is not None]
    if len(rounds) == len(costs):
        together = np.concatenate(rounds)
        return CostFigure(float(np.median(together)), first.unit, first.direction, together)
    highest = (first.direction == "lower") == worst
    return CostFigure((max if highest else min)(cost.value for cost in costs), first.unit, first.direction)


def _ratio(cost: CostFigure, run: OpenRun, reference: str | None) -> CostFigure:
    """Ratio to a reference that ran in the same run, round by round where there are rounds."""
    if reference is None:
        return cost
    other = measured(run.result, reference)
    if cost.rounds is not None and other.rounds is not None:
        if len(cost.rounds) != len(other.rounds):
            raise CannotMeasure(f"{len(cost.rounds)} rounds of the model and {len(other.rounds)} of the reference")
        ratios = cost.rounds / other.rounds
        return CostFigure(float(np.median(ratios)), "ratio", cost.direction, ratios)
    if other.value == 0:
        raise CannotMeasure(f"the reference {reference} is zero")
    return CostFigure(cost.value / other.value, "ratio", cost.direction)


def _same_machine(runs: Sequence[OpenRun]) -> bool:
    return all(run.result.provenance.machine == runs[0].result.provenance.machine for run in runs)
