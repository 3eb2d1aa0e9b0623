"""How far a figure is from breaking its rule, with what is known about the chance in it.

Everything a rule can ask becomes one number that must not be negative: gain + margin, distance from a limit, relation −
threshold, logarithm of a ratio. One way of testing then serves all rules.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from benchbed.compare.answer import Contrast, Procedure
from benchbed.compare.contrast import SIDES, contrast, contrast_score
from benchbed.compare.drawing import boots, replicates, stored_score
from benchbed.compare.figure import Figure
from benchbed.compare.pairing import incomplete_cells
from benchbed.compare.runs import OpenRun
from benchbed.errors import CannotMeasure
from benchbed.gate.distance import Slack
from benchbed.gate.kpi import relation
from benchbed.gate.lookup import CostFigure, value_of
from benchbed.gate.rules import Margin
from benchbed.gate.words import recordings
from benchbed.results.record import Value
from benchbed.stats.bootstrap import degrees_of_freedom
from benchbed.stats.paired import minimum_detectable_effect
from benchbed.stats.swaps import bootstrap_tail, detectable


def of_loss(
    run: OpenRun,
    base: OpenRun,
    figure: Figure,
    metric: str,
    margin: Margin | None,
    how: Procedure,
    against: Figure | None = None,
) -> Slack:
    """Distance of a loss from its margin: paired by recording where both runs have their sums, else unpaired."""
    absolute, share = (margin.absolute or 0.0, margin.relative or 0.0) if margin else (0.0, 0.0)
    why = "a run without statistics, so its clips cannot be lined up"
    if run.statistics is not None and base.statistics is not None:
        try:
            difference = _contrast(run, base, figure, metric, how, against)
        except CannotMeasure as error:
            if "has no paired comparison" not in error.what:
                raise
            why = error.what
        else:
            return _paired(difference, absolute, share, how)
    new, old = value_of(run.result, figure, metric), value_of(base.result, against or figure, metric)
    assert new.value is not None and old.value is not None
    sign = 1.0 if new.direction == "higher" else -1.0
    point = sign * (new.value - old.value) + absolute + share * abs(old.value)
    spread = _joined(_error(new), _error(old))
    facts = {
        "value": new.value,
        "baseline": old.value,
        "unit": new.unit,
        "direction": new.direction,
        "clips": new.n,
        "test": "unpaired intervals of the record",
    }
    return _normal(point, spread, f"unpaired: {why}", facts, how)


def over_cells(figure: Figure, metric: str) -> bool:
    """The metric is a figure over cells, e.g. `robustness:retention`, which stands under `scores`."""
    return ":" in metric and figure.group is None


def _contrast(
    run: OpenRun, base: OpenRun, figure: Figure, metric: str, how: Procedure, against: Figure | None
) -> Contrast:
    if over_cells(figure, metric):
        return contrast_score(run, base, metric, how)
    return contrast(run, base, figure, [metric], how, against=against)[metric]


def _paired(contrast: Contrast, absolute: float, share: float, how: Procedure) -> Slack:
    if contrast.value is None or contrast.gain is None or contrast.b is None:
        raise CannotMeasure(contrast.reason or f"{contrast.metric} is undefined")
    point = contrast.gain + absolute + share * abs(contrast.b)
    facts = {
        "value": contrast.a,
        "baseline": contrast.b,
        "difference": contrast.value,
        "low": contrast.low,
        "high": contrast.high,
        "unit": contrast.info.unit,
        "direction": contrast.direction,
        "clips": contrast.clips,
        "groups": contrast.groups,
        "differing": contrast.differing,
        "dropped": contrast.dropped,
        "mde": contrast.detectable(2 * how.alpha, how.power),
        "interval": contrast.method,
        "test": contrast.test,
    }
    facts["p_bootstrap"], facts["p_swap"] = contrast.worse_by(absolute, share)
    if contrast.p is None:
        return Slack(point, how=contrast.reason or "no test", facts=facts)
    return Slack(
        point,
        contrast.p_worse(absolute, share),
        contrast.p_too_bad(absolute, share),
        contrast.error,
        f"{contrast.test}, {recordings(contrast.groups)}",
        facts=facts,
    )


def of_limit(
    run: OpenRun, figure: Figure, metric: str, limit: float, above: bool, strict: bool, how: Procedure
) -> Slack:
    """Distance of a metric from a limit; `above` says on which side it must be."""
    sign = 1.0 if above else -1.0
    if run.statistics is not None:
        try:
            points, drawn = _replicates(run, figure, metric, how)
        except CannotMeasure as error:
            if "has no paired comparison" not in error.what:
                raise
        else:
            if metric not in points:
                raise CannotMeasure(
                    f"there is no metric '{metric}' for {figure}", hint=f"there are: {', '.join(points)}"
                )
            known = value_of(run.result, figure, metric)
            if not np.isfinite(points[metric]) and metric not in run.family.ranked:
                raise CannotMeasure(f"{metric} is undefined for {figure}")
            if np.isfinite(points[metric]):
                return _drawn(
                    sign * (points[metric] - limit),
                    sign * (drawn[metric] - limit),
                    run,
                    strict,
                    {
                        "value": points[metric],
                        "limit": limit,
                        "unit": known.unit,
                        "test": "bootstrap",
                        "direction": known.direction,
                        "clips": known.n,
                    },
                    how,
                )
    value = value_of(run.result, figure, metric)
    assert value.value is not None
    facts = {
        "value": value.value,
        "limit": limit,
        "unit": value.unit,
        "direction": value.direction,
        "clips": value.n,
        "test": "interval of the record",
    }
    return _normal(sign * (value.value - limit), _error(value), "from the interval on the record", facts, how, strict)


def _replicates(
    run: OpenRun, figure: Figure, metric: str, how: Procedure
) -> tuple[dict[str, float], dict[str, np.ndarray]]:
    if not over_cells(figure, metric):
        return replicates(run, figure, how)
    try:
        value, drawn, _ = stored_score(run, metric)
    except CannotMeasure as error:
        raise CannotMeasure(f"{metric} has no paired comparison: {error.what}") from error
    return {metric: value}, {metric: drawn}


def of_relation(
    name: str, run: OpenRun, base: OpenRun, figure: Figure, metric: str, how: Procedure, against: Figure | None = None
) -> tuple[float, np.ndarray | None, dict[str, Any]]:
    """A relation to the baseline as it is, and in every draw where both runs have their sums."""
    other = against or figure
    if run.statistics is not None and base.statistics is not None:
        difference = _contrast(run, base, figure, metric, how, against)
        if difference.a is None or difference.b is None:
            raise CannotMeasure(difference.reason or f"{metric} is undefined")
        drawn = None
        if difference.drawn_a is not None and difference.drawn_b is not None:
            drawn = relation(name, difference.drawn_a, difference.drawn_b, difference.direction)
        facts = {
            "value": difference.a,
            "baseline": difference.b,
            "unit": difference.info.unit,
            "direction": difference.direction,
            "clips": difference.clips,
            "groups": difference.groups,
            "test": "paired bootstrap",
        }
        return relation(name, difference.a, difference.b, difference.direction), drawn, facts
    new, old = value_of(run.result, figure, metric), value_of(base.result, other, metric)
    assert new.value is not None and old.value is not None
    facts = {"value": new.value, "baseline": old.value, "unit": new.unit, "direction": new.direction, "clips": new.n}
    return relation(name, new.value, old.value, new.direction), None, facts


def of_threshold(
    point: float,
    drawn: np.ndarray | None,
    threshold: float,
    above: bool,
    strict: bool,
    run: OpenRun,
    facts: dict[str, Any],
    how: Procedure,
) -> Slack:
    """Distance of a relation from its threshold."""
    sign = 1.0 if above else -1.0
    if not np.isfinite(point):
        raise CannotMeasure("the relation is undefined, its baseline is zero")
    facts = {**facts, "relation": point, "limit": threshold}
    if drawn is None:
        return Slack(
            sign * (point - threshold), how="no statistics, so chance is not known", strict=strict, facts=facts
        )
    return _drawn(sign * (point - threshold), sign * (drawn - threshold), run, strict, facts, how)


def of_cost(cost: CostFigure, limit: float, above: bool, strict: bool, facts: dict[str, Any]) -> Slack:
    """Distance of a cost from its limit; several rounds are tested by the sign test, which no single spike can move."""
    sign = 1.0 if above else -1.0
    facts = {**facts, "value": cost.value, "limit": limit, "unit": cost.unit, "direction": cost.direction}
    point = sign * (cost.value - limit)
    if cost.rounds is None:
        return Slack(
            point,
            0.0 if point < 0 or (strict and point == 0) else 1.0,
            0.0 if point > 0 else 1.0,
            0.0,
            "a count, not a sample",
            strict,
            facts,
        )
    broken, kept = sign_tests(sign * (cost.rounds - limit))
    return Slack(
        point,
        broken,
        kept,
        None,
        f"sign test over {len(cost.rounds)} rounds",
        strict,
        {**facts, "rounds": len(cost.rounds)},
    )


def of_costs(new: CostFigure, old: CostFigure, margin: Margin | None) -> Slack:
    """Distance of a cost from the baseline's with its margin.

    Rounds of both are compared by the rank-sum test, after the margin was taken off: a round that another process
    disturbed moves no rank by much.
    """
    absolute, share = (margin.absolute or 0.0, margin.relative or 0.0) if margin else (0.0, 0.0)
    sign = 1.0 if new.direction == "higher" else -1.0
    point = sign * (new.value - old.value) + absolute + share * abs(old.value)
    facts = {"value": new.value, "baseline": old.value, "unit": new.unit, "direction": new.direction}
    if new.rounds is None or old.rounds is None:
        return Slack(
            point, 0.0 if point < 0 else 1.0, 0.0 if point > 0 else 1.0, 0.0, "a count, not a sample", facts=facts
        )
    from scipy.stats import mannwhitneyu

    allowed = sign * old.rounds - absolute - share * np.abs(old.rounds)
    seen = sign * new.rounds
    broken = float(mannwhitneyu(seen, allowed, alternative="less").pvalue)
    kept = float(mannwhitneyu(seen, allowed, alternative="greater").pvalue)
    how = f"rank-sum test over {len(new.rounds)} and {len(old.rounds)} rounds"
    return Slack(point, broken, kept, None, how, facts=facts)


def sign_tests(slack: np.ndarray) -> tuple[float, float]:
    """p-values that a median is not below, and not above, zero; rounds at zero count against both.

    Examples
    --------
    >>> broken, kept = sign_tests(np.array([0.1, 0.2, 0.1, 0.3, -9.0]))
    >>> round(broken, 5), round(kept, 5)  # 1 of 5 below zero, 4 of 5 above
    (0.96875, 0.1875)
    """
    from scipy.special import bdtrc

    below, above, count = int((slack < 0).sum()), int((slack > 0).sum()), len(slack)
    return tuple(1.0 if k == 0 else float(bdtrc(k - 1, count, 0.5)) for k in (below, above))  # type: ignore[return-value]


def lost_clips(*asked: tuple[OpenRun, Figure]) -> tuple[str | None, int, float]:
    """Failed clips behind a figure: in words, their number, and their largest share of a cell."""
    failed, share = 0, 0.0
    for run, figure in asked:
        for cell in run.result.cells:
            if cell.key.split("/", 2)[2] == figure.condition and figure.split in (None, cell.split):
                lost = cell.counts.failed or (0 if cell.complete else 1)
                failed, share = failed + lost, max(share, lost / max(cell.counts.clips, 1))
    return incomplete_cells(*asked), failed, share


def _drawn(point: float, drawn: np.ndarray, run: OpenRun, strict: bool, facts: dict[str, Any], how: Procedure) -> Slack:
    groups = _groups(run)
    if not drawn.any():
        return Slack(point, 1.0, 1.0, 0.0, "no spread in any draw", strict, facts)
    defined = drawn[np.isfinite(drawn)]
    error = float(defined.std(ddof=1)) if len(defined) > 1 else None
    # Draws that the run kept have its seed, those made now the procedure's; with the wrong one it stays G − 1.
    known = (
        degrees_of_freedom(boots(run, run.sums.groups, len(drawn), seed), drawn, groups)
        for seed in {how.seed, run.sums.seed}
    )
    freedom = min(known) if groups > 1 else None
    mde = None
    if error and groups > 1:
        # A rule is broken on one side only: one-sided at a level is two-sided at twice this level.
        mde = detectable(error, groups, alpha=2 * how.alpha, power=how.power, freedom=freedom)
    broken, kept = (bootstrap_tail(drawn, 0.0, groups, side, value=point, freedom=freedom) for side in SIDES)
    return Slack(point, broken, kept, error, f"bootstrap, {recordings(groups)}", strict, {**facts, "mde": mde})


def _normal(
    point: float, error: float | None, words: str, facts: dict[str, Any], how: Procedure, strict: bool = False
) -> Slack:
    from scipy.special import ndtr

    if error is None:
        return Slack(point, how=f"{words}; no interval on the record", strict=strict, facts=facts)
    if error == 0:
        return Slack(point, 1.0 if point >= 0 else 0.0, 0.0 if point > 0 else 1.0, 0.0, words, strict, facts)
    facts = {**facts, "mde": minimum_detectable_effect(error, alpha=2 * how.alpha, power=how.power)}
    return Slack(point, float(ndtr(point / error)), float(ndtr(-point / error)), error, words, strict, facts)


def _error(value: Value) -> float | None:
    # Half of a 95 % interval is 1.96 standard errors; the intervals of the record are a little wider than normal ones.
    return None if value.low is None or value.high is None else (value.high - value.low) / (2 * 1.959964)


def _joined(a: float | None, b: float | None) -> float | None:
    return None if a is None or b is None else float(np.hypot(a, b))


def _groups(run: OpenRun) -> int:
    return sum(len(names) for names in run.sums.groups.values())
