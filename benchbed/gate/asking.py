"""Measuring what a rule asks about: every figure that its patterns stand for, and its guards."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from benchbed.compare.answer import Procedure
from benchbed.compare.drawing import drawn_metrics
from benchbed.compare.figure import Figure
from benchbed.compare.runs import OpenRun
from benchbed.compare.sides import members
from benchbed.errors import CannotMeasure, DataError, did_you_mean
from benchbed.gate.costs import cost_relation, cost_slack
from benchbed.gate.distance import Slack
from benchbed.gate.held import Held
from benchbed.gate.kpi import relation
from benchbed.gate.lookup import condition_of, expand, metric_of, scores_of
from benchbed.gate.quantity import Amount
from benchbed.gate.rules import FigureSelector, Margin, Rule
from benchbed.gate.seeds import of_seeds
from benchbed.gate.slack import lost_clips, of_limit, of_loss, of_relation, of_threshold, over_cells
from benchbed.gate.units import measured, require_units
from benchbed.gate.words import margin_words
from benchbed.results.conditions import settings


@dataclass(frozen=True)
class JudgedFigure:
    """One figure of a rule, measured or not.

    Attributes
    ----------
    subject : str
        Which figure, in words.
    slack : Slack or None
        Distance from breaking the rule.
    allowed : str
        What the rule allows, in words.
    lack : str or None
        Why it could not be measured.
    lost : str or None
        Failed clips behind it that the rule does not tolerate.
    tolerated : str or None
        Failed clips behind it that it does.
    guard : bool
        It is a guard.
    """

    subject: str
    slack: Slack | None
    allowed: str = ""
    lack: str | None = None
    lost: str | None = None
    guard: bool = False
    tolerated: str | None = None


def ask(rule: Rule, evidence: Held) -> list[JudgedFigure]:
    """Measure every figure of a rule and of its guards."""
    try:
        if rule.over:
            asked = [_over(rule, evidence)]
        elif rule.figure is not None:
            asked = [_cost(rule, evidence)]
        elif ":" in str(rule.metric) and rule.group is None:
            names = scores_of([run.result for run in (*evidence.runs, *evidence.bases)], str(rule.metric))
            asked = [one for name in names for one in _metric(rule.model_copy(update={"metric": name}), evidence)]
        else:
            asked = _metric(rule, evidence)
    except DataError:
        raise
    except CannotMeasure as error:
        asked = [JudgedFigure(_subject(rule, rule.condition, rule.group), None, lack=_lack(error))]
    for guard in rule.guards:
        twin = Rule(
            name=f"guard of {rule.name}",
            by=rule.by,
            against=rule.against,
            margin=guard.margin or Margin(absolute=Amount(0.0)),
            allow_failures=rule.allow_failures,
            metric=guard.metric,
            figure=guard.figure,
            condition=guard.condition,
            group=guard.group,
            split=guard.split,
        )
        asked += [replace(one, guard=True) for one in ask(twin, evidence)]
    return asked


def _metric(rule: Rule, evidence: Held) -> list[JudgedFigure]:
    assert rule.metric is not None
    compares = rule.relation is not None or rule.limit[0] is None
    within = rule.against != "baseline"
    others = [rule.against] if isinstance(rule.against, str) else rule.against
    known = [*evidence.runs] if within or not compares else [*evidence.runs, *evidence.bases]
    questions = []
    strengths = settings(run.result for run in known)
    for figure in expand([run.result for run in known], rule.condition, rule.group, rule.split):
        metric = metric_of(evidence.run.result, figure, rule.metric)
        over = over_cells(figure, metric)
        for other in others if compares else [""]:
            against = Figure(other, figure.group, figure.split) if within and compares else None
            subject = (
                metric if over else f"{metric} · {figure.within(strengths)}" + (f" against {other}" if against else "")
            )
            asked: list[tuple[OpenRun, Figure]] = []
            try:
                bases = () if not compares else (evidence.runs if within else evidence.baseline())
                asked = [(run, figure) for run in evidence.runs] + [(base, against or figure) for base in bases]
                if not over:
                    _present(evidence, asked)
                lost, tolerated = _lost(rule, *(_every_cell(asked) if over else asked))
                slack = _slack(rule, evidence, figure, metric, bases, against)
                require_units(rule, slack.facts)
            except DataError:
                raise  # damaged predictions are no figure that could not be measured
            except CannotMeasure as error:
                questions.append(
                    JudgedFigure(subject, None, lack=_lack(error) + ("" if over else _why_lost(asked, metric)))
                )
            else:
                questions.append(
                    JudgedFigure(subject, slack, margin_words(rule, slack), lost=lost, tolerated=tolerated)
                )
        if over:
            break
    return questions


def _slack(
    rule: Rule, evidence: Held, figure: Figure, metric: str, bases: Sequence[OpenRun], against: Figure | None
) -> Slack:
    limit, above, strict = rule.limit
    if len(evidence.runs) > 1 or len(bases) > 1:
        return _of_seeds(rule, evidence, figure, metric, bases, against)
    if not bases:
        assert limit is not None
        return of_limit(evidence.run, figure, metric, limit, above, strict, evidence.how)
    if rule.relation is None:
        return of_loss(evidence.run, bases[0], figure, metric, rule.margin, evidence.how, against)
    assert limit is not None
    point, drawn, facts = of_relation(rule.relation, evidence.run, bases[0], figure, metric, evidence.how, against)
    return of_threshold(point, drawn, limit, above, strict, evidence.run, facts, evidence.how)


def _of_seeds(
    rule: Rule, evidence: Held, figure: Figure, metric: str, bases: Sequence[OpenRun], against: Figure | None
) -> Slack:
    spread = members(evidence.runs, bases, figure, metric, evidence.how, against)
    limit, above, strict = rule.limit
    means = float(np.mean(spread.a)), float(np.mean(spread.b)) if bases else None
    facts = {
        "value": means[0],
        "baseline": means[1],
        "values": list(spread.a),
        "baselines": list(spread.b),
        "unit": spread.info.unit,
        "direction": spread.direction,
    }
    sign = 1.0 if (above if limit is not None else spread.direction == "higher") else -1.0
    absolute, share = (rule.margin.absolute or 0.0, rule.margin.relative or 0.0) if rule.margin else (0.0, 0.0)

    def distance(sides: Sequence[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
        new, base = np.asarray(sides[0][0]), np.asarray(sides[0][1])
        if limit is None:
            return sign * (new - base) + absolute + share * np.abs(base)
        return sign * ((new if rule.relation is None else relation(rule.relation, new, base, spread.direction)) - limit)

    if limit is not None:
        facts["limit"] = limit
    if rule.relation is not None and means[1] is not None:
        facts["relation"] = relation(rule.relation, means[0], means[1], spread.direction)
    slack = of_seeds(
        [spread],
        distance,
        together=against is not None,
        strict=strict,
        level=evidence.how.level,
        alpha=evidence.how.alpha,
        power=evidence.how.power,
        facts=facts,
    )
    if rule.relation is None and bases and "slack_low" in slack.facts and not share:
        ends = sorted(sign * (slack.facts[name] - absolute) for name in ("slack_low", "slack_high"))
        slack.facts.update(low=ends[0], high=ends[1])
    return slack


def _over(rule: Rule, evidence: Held) -> JudgedFigure:
    limit, above, strict = rule.limit
    assert rule.relation is not None and limit is not None
    subject = f"mean {rule.relation.replace('_', ' ')} over {1 + len(rule.over)} figures"
    bases = evidence.baseline()
    if evidence.several:
        raise CannotMeasure("a mean over figures is made of single runs", hint="give one run on either side")
    run, base = evidence.run, bases[0]
    first = FigureSelector(
        metric=rule.metric, figure=rule.figure, condition=rule.condition, group=rule.group, split=rule.split
    )
    points: list[float] = []
    draws: list[np.ndarray | None] = []
    lost, tolerated = None, None
    how = _common_draws(run, [first, *rule.over], evidence.how)
    for where in (first, *rule.over):
        if where.metric is None:
            assert where.figure is not None
            points.append(
                cost_relation(rule.relation, measured(run.result, where.figure), measured(base.result, where.figure))
            )
            draws.append(np.full(how.draws, points[-1]))
            continue
        figure = Figure(where.condition, where.group, where.split)
        metric = metric_of(run.result, figure, where.metric)
        gone, allowed = _lost(rule, (run, figure), (base, figure))
        lost, tolerated = lost or gone, tolerated or allowed
        point, drawn, facts = of_relation(rule.relation, run, base, figure, metric, how)
        require_units(rule, facts)
        points.append(point)
        draws.append(drawn)
    kept = [d for d in draws if d is not None]
    drawn_mean = np.mean(kept, axis=0) if len(kept) == len(draws) else None
    slack = of_threshold(float(np.mean(points)), drawn_mean, limit, above, strict, run, {"relations": points}, how)
    return JudgedFigure(subject, slack, margin_words(rule, slack), lost=lost, tolerated=tolerated)


def _common_draws(run: OpenRun, asked: Sequence[FigureSelector], how: Procedure) -> Procedure:
    """Draws that all figures can be had in: those that the run kept, where one of them is made from no sums."""
    if run.statistics is None:
        return how
    for where in asked:
        if where.metric is not None:
            figure = Figure(where.condition, where.group, where.split)
            metric = metric_of(run.result, figure, where.metric)
            if over_cells(figure, metric) or metric in drawn_metrics(run, figure):
                return replace(how, draws=run.sums.draws, seed=run.sums.seed)
    return how


def _cost(rule: Rule, evidence: Held) -> JudgedFigure:
    subject = f"{rule.figure}" + (f" / {rule.reference}" if rule.reference else "")
    slack = cost_slack(rule, evidence)
    require_units(rule, slack.facts)
    return JudgedFigure(subject, slack, margin_words(rule, slack))


def _present(evidence: Held, asked: Sequence[tuple[OpenRun, Figure]]) -> None:
    """Every run has its condition, or the side that lacks it is named."""
    for run, figure in asked:
        known = list(dict.fromkeys(condition_of(cell) for cell in run.result.cells))
        if figure.condition not in known:
            side = "the run" if any(run is one for one in evidence.runs) else "the baseline"
            hint = did_you_mean(figure.condition, known) or f"it has: {', '.join(known)}"
            raise CannotMeasure(f"there is no condition '{figure.condition}' in {side}, {run.name}", hint=hint)


def _every_cell(asked: Sequence[tuple[OpenRun, Figure]]) -> list[tuple[OpenRun, Figure]]:
    return [(run, Figure(c.key.split("/", 2)[2], None, c.split)) for run, _ in asked for c in run.result.cells]


def _lost(rule: Rule, *cells: tuple[OpenRun, Figure]) -> tuple[str | None, str | None]:
    """Failed clips that the rule does not tolerate, and those that it does."""
    words, _, share = lost_clips(*cells)
    count = max((lost_clips(cell)[1] for cell in cells), default=0)
    within = count <= rule.allow_failures if rule.allow_failures.unit == "clips" else share <= rule.allow_failures
    if not count:
        return None, None
    return (None, words) if rule.allow_failures and within else (words, None)


def _why_lost(asked: Sequence[tuple[OpenRun, Figure]], metric: str) -> str:
    """What failed clips have to do with a figure that could not be measured."""
    words, count, _ = lost_clips(*asked)
    if not count:
        return ""
    told = f"; clips are missing: {words}"
    if any(run.statistics is not None and metric in drawn_metrics(run, figure) for run, figure in asked):
        # A pair of recordings can be left out of sums, but not out of an order of all clips that was drawn from before.
        told += (
            f"; {metric} is made from all clips at once, so `allow_failures` cannot leave recordings out of it: "
            "score the same clips in both runs"
        )
    return told


def _subject(rule: Rule, condition: str, group: str | None) -> str:
    if rule.figure is not None:
        return rule.figure
    return f"{rule.metric} · {Figure(condition, group, rule.split)}"


def _lack(error: CannotMeasure) -> str:
    what = error.what.splitlines()[0]
    return f"{what} ({error.hint})" if error.hint else what
