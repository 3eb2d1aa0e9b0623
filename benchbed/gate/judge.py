"""From rules and runs to answers: every figure is measured first, then all tests are corrected together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from benchbed.compare.contrast import Procedure
from benchbed.compare.figure import Figure
from benchbed.compare.runs import Run, mismatches
from benchbed.errors import CannotMeasure, ConfigError
from benchbed.gate.kpi import relation
from benchbed.gate.load import LoadedRules
from benchbed.gate.lookup import Cost, cost_of, expand, metric_of
from benchbed.gate.rules import Margin, Rule, Where
from benchbed.gate.slack import (
    Slack,
    lost_clips,
    of_cost,
    of_costs,
    of_limit,
    of_loss,
    of_relation,
    of_threshold,
)
from benchbed.gate.verdict import Answer, Finding, Outcome, Report
from benchbed.gate.words import margin_words, sentence
from benchbed.stats.paired import holm


@dataclass(frozen=True)
class Asked:
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
    guard : bool
        It is a guard.
    """

    subject: str
    slack: Slack | None
    allowed: str = ""
    lack: str | None = None
    lost: str | None = None
    guard: bool = False


def judge(loaded: LoadedRules, run: Run, baseline: Run | None = None, *, strict: bool = False) -> Report:
    """Hold a run against rules.

    Parameters
    ----------
    loaded : LoadedRules
        The rules.
    run : Run
        The candidate.
    baseline : Run, optional
        What it is compared with.
    strict : bool
        Inconclusive answers are no pass.

    Raises
    ------
    ConfigError
        Rules for another suite, or a rule that needs a baseline without one.
    """
    rules = loaded.rules
    if rules.suite is not None and rules.suite != run.result.suite.name:
        raise ConfigError(f"the rules are for the suite {rules.suite}, the run is of {run.result.suite.name}",
                          where=str(loaded.path) if loaded.path else None)  # fmt: skip
    needing = [rule.name for rule in rules.rules if rule.needs_baseline]
    if baseline is None and needing:
        raise ConfigError(f"the rule '{needing[0]}' needs a baseline", hint="--baseline RUN, or a name made by "
                          "`benchbed baseline set`")  # fmt: skip
    notes, barrier = _comparable(run, baseline)
    how = Procedure(draws=rules.draws, alpha=rules.alpha, seed=rules.seed)
    asked = [_ask(rule, run, baseline, barrier, how) for rule in rules.rules]
    p_values: dict[str, float | None] = {}
    for number, (rule, members) in enumerate(zip(rules.rules, asked)):
        for i, one in enumerate(members):
            sampled = one.slack is not None and one.slack.error != 0.0
            if sampled and rule.by == "interval" and one.slack is not None:
                p_values[f"{number}.{i}"] = one.slack.p_broken
    adjusted = holm(p_values) if rules.correction == "holm" else dict(p_values)
    outcomes = []
    for number, (rule, members) in enumerate(zip(rules.rules, asked)):
        findings = [_answer(rule, one, adjusted.get(f"{number}.{i}"), rules.alpha) for i, one in enumerate(members)]
        outcomes.append(Outcome(rule.name, rule.say, tuple(findings), loaded.line(number), rule.non_inferiority))
    tests = sum(p is not None for p in p_values.values())
    return Report(rules.name, run.name, baseline.name if baseline else "none", tuple(outcomes), rules.alpha,
                  rules.correction, tests, tuple(notes), loaded.path, strict)  # fmt: skip


def _comparable(run: Run, baseline: Run | None) -> tuple[list[str], str | None]:
    """What to note, and why no comparison with the baseline is possible."""
    if baseline is None:
        return [], None
    found = mismatches(run.result, baseline.result)
    blocking = [str(m) for m in found if m.blocking]
    notes = [f"differs from the baseline without harm: {m}" for m in found if not m.blocking]
    for name, one in (("the run", run), ("the baseline", baseline)):
        if one.statistics is None:
            notes.append(f"{name}: {one.lack}; comparisons are unpaired and find less")
    return notes, f"not measured alike: {'; '.join(blocking)}" if blocking else None


def _ask(rule: Rule, run: Run, baseline: Run | None, barrier: str | None, how: Procedure) -> list[Asked]:
    try:
        if rule.over:
            found = [_over(rule, run, baseline, barrier, how)]
        elif rule.figure is not None:
            found = [_cost(rule, run, baseline, barrier)]
        else:
            found = _metric(rule, run, baseline, barrier, how)
    except CannotMeasure as error:
        found = [Asked(_subject(rule, rule.condition, rule.group), None, lack=_lack(error))]
    for guard in rule.guards:
        made = Rule(name=f"guard of {rule.name}", by=rule.by, against=rule.against, margin=guard.margin or Margin(
            absolute=0.0), allow_failures=rule.allow_failures, metric=guard.metric, figure=guard.figure,
            condition=guard.condition, group=guard.group, split=guard.split)  # fmt: skip
        found += [Asked(a.subject, a.slack, a.allowed, a.lack, a.lost, True)
                  for a in _ask(made, run, baseline, barrier, how)]  # fmt: skip
    return found


def _metric(rule: Rule, run: Run, baseline: Run | None, barrier: str | None, how: Procedure) -> list[Asked]:
    assert rule.metric is not None
    limit, above, strict = _limit(rule)
    compares = rule.relation is not None or limit is None
    within = rule.against != "baseline"
    others = [rule.against] if isinstance(rule.against, str) else rule.against
    known = [run.result] if within or not compares or baseline is None else [run.result, baseline.result]
    found = []
    for figure in expand(known, rule.condition, rule.group, rule.split):
        metric = metric_of(run.result, figure, rule.metric)
        for other in others if compares else [""]:
            against = Figure(other, figure.group, figure.split) if within and compares else None
            base = run if against else baseline
            subject = f"{metric} · {figure}" + (f" against {other}" if against else "")
            cells = [(run, figure)] + ([(base, against or figure)] if compares and base is not None else [])
            try:
                if compares and barrier is not None and not within:
                    raise CannotMeasure(barrier)
                lost = _lost(rule, *cells)
                if not compares:
                    assert limit is not None
                    slack = of_limit(run, figure, metric, limit, above, strict, how)
                elif rule.relation is None:
                    assert base is not None
                    slack = of_loss(run, base, figure, metric, rule.margin, how, against)
                else:
                    assert base is not None and limit is not None
                    parts = of_relation(rule.relation, run, base, figure, metric, how, against)
                    slack = of_threshold(parts[0], parts[1], limit, above, strict, run, parts[2], how)
            except CannotMeasure as error:
                found.append(Asked(subject, None, lack=_lack(error)))
            else:
                found.append(Asked(subject, slack, margin_words(rule, slack), lost=lost))
    return found


def _over(rule: Rule, run: Run, baseline: Run | None, barrier: str | None, how: Procedure) -> Asked:
    limit, above, strict = _limit(rule)
    assert rule.relation is not None and limit is not None
    subject = f"mean {rule.relation.replace('_', ' ')} over {1 + len(rule.over)} figures"
    if barrier is not None or baseline is None:
        raise CannotMeasure(barrier or "no baseline")
    first = Where(metric=rule.metric, figure=rule.figure, condition=rule.condition, group=rule.group, split=rule.split)
    points: list[float] = []
    draws: list[np.ndarray | None] = []
    lost = None
    for where in (first, *rule.over):
        if where.metric is None:
            assert where.figure is not None
            points.append(_cost_relation(rule.relation, cost_of(run.result, where.figure),
                                         cost_of(baseline.result, where.figure)))  # fmt: skip
            draws.append(np.full(how.draws, points[-1]))
            continue
        figure = Figure(where.condition, where.group, where.split)
        metric = metric_of(run.result, figure, where.metric)
        lost = lost or _lost(rule, (run, figure), (baseline, figure))
        point, drawn, _ = of_relation(rule.relation, run, baseline, figure, metric, how)
        points.append(point)
        draws.append(drawn)
    held = [d for d in draws if d is not None]
    drawn_mean = np.mean(held, axis=0) if len(held) == len(draws) else None
    slack = of_threshold(float(np.mean(points)), drawn_mean, limit, above, strict, run, {"relations": points}, how)
    return Asked(subject, slack, margin_words(rule, slack), lost=lost)


def _cost(rule: Rule, run: Run, baseline: Run | None, barrier: str | None) -> Asked:
    assert rule.figure is not None
    subject = rule.figure + (f" / {rule.reference}" if rule.reference else "")
    limit, above, strict = _limit(rule)
    new = _ratio(cost_of(run.result, rule.figure), run, rule.reference)
    if limit is not None and rule.relation is None:
        slack = of_cost(new, limit, above, strict, {})
        return Asked(subject, slack, margin_words(rule, slack))
    if barrier is not None or baseline is None:
        raise CannotMeasure(barrier or "no baseline")
    if rule.reference is None and new.unit in ("s", "J", "s/s") and not _same_machine(run, baseline):
        raise CannotMeasure("the baseline was measured on another machine, so times and energy cannot be compared",
                            hint="name a `reference:` that runs on both")  # fmt: skip
    old = _ratio(cost_of(baseline.result, rule.figure), baseline, rule.reference)
    if rule.relation is None:
        slack = of_costs(new, old, rule.margin)
    else:
        assert limit is not None
        facts = {"value": new.value, "baseline": old.value, "unit": new.unit, "direction": new.direction}
        point = _cost_relation(rule.relation, new, old)
        made = of_cost(Cost(point, "", "higher"), limit, above, strict, {})
        slack = Slack(made.point, made.p_broken, made.p_kept, 0.0, "medians as they are", strict,
                      {**facts, "relation": point, "limit": limit})  # fmt: skip
    return Asked(subject, slack, margin_words(rule, slack))


def _cost_relation(name: str, new: Cost, old: Cost) -> float:
    return relation(name, new.value, old.value, new.direction)


def _ratio(cost: Cost, run: Run, reference: str | None) -> Cost:
    """Ratio to a reference that ran in the same run, round by round where there are rounds."""
    if reference is None:
        return cost
    other = cost_of(run.result, reference)
    if cost.rounds is not None and other.rounds is not None:
        if len(cost.rounds) != len(other.rounds):
            raise CannotMeasure(f"{len(cost.rounds)} rounds of the model and {len(other.rounds)} of the reference")
        ratios = cost.rounds / other.rounds
        return Cost(float(np.median(ratios)), "ratio", cost.direction, ratios)
    if other.value == 0:
        raise CannotMeasure(f"the reference {reference} is zero")
    return Cost(cost.value / other.value, "ratio", cost.direction)


def _same_machine(run: Run, baseline: Run) -> bool:
    return run.result.provenance.machine == baseline.result.provenance.machine


def _limit(rule: Rule) -> tuple[float | None, bool, bool]:
    """Limit, whether the figure must be above it, and whether the limit itself is too little."""
    if rule.at_least is not None:
        return rule.at_least, True, False
    if rule.more_than is not None:
        return rule.more_than, True, True
    return rule.at_most, False, False


def _lost(rule: Rule, *cells: tuple[Run, Figure]) -> str | None:
    words, count, share = lost_clips(*cells)
    tolerated = share <= rule.allow_failures if rule.allow_failures < 1 else count <= rule.allow_failures
    return None if not count or (rule.allow_failures and tolerated) else words


def _answer(rule: Rule, one: Asked, p: float | None, alpha: float) -> Finding:
    slack = one.slack
    if slack is None:
        words = one.lack or "could not be measured"
        return Finding(one.subject, Answer.UNMEASURED, words, one.guard, False)
    facts = {**slack.facts, "slack": slack.point, "p": slack.p_broken, "p_holm": p, "p_kept": slack.p_kept,
             "how": slack.how, "allowed": one.allowed}  # fmt: skip
    exact = slack.error == 0.0 and slack.p_broken is not None
    if rule.by == "value" or exact:
        answer, conclusive = (Answer.REGRESSED if slack.broken else Answer.PASSED), True
    elif slack.p_broken is None:
        why = f"{sentence(one.subject, slack, one.allowed, p)}, but {slack.how}"
        return Finding(one.subject, Answer.UNMEASURED, why, one.guard, False, facts)
    else:
        regressed = slack.broken and (slack.p_broken if p is None else p) < alpha
        answer = Answer.REGRESSED if regressed else Answer.PASSED
        conclusive = regressed or (slack.p_kept is not None and slack.p_kept < alpha)
    words = sentence(one.subject, slack, one.allowed, None if rule.by == "value" or exact else p)
    if one.lost is not None and answer is Answer.PASSED:
        # What is left of an incomplete cell may well be its easy part.
        return Finding(one.subject, Answer.UNMEASURED, f"{words}, but clips are missing: {one.lost}", one.guard, False,
                       facts)  # fmt: skip
    if one.lost is not None:
        words = f"{words}; clips are missing: {one.lost}"
    elif answer is Answer.PASSED and not conclusive:
        words = f"{words}; a loss beyond the margin is not ruled out"
    return Finding(one.subject, answer, words, one.guard, conclusive, facts)


def _subject(rule: Rule, condition: str, group: str | None) -> str:
    if rule.figure is not None:
        return rule.figure
    return f"{rule.metric} · {Figure(condition, group, rule.split)}"


def _lack(error: CannotMeasure) -> str:
    what = error.what.splitlines()[0]
    return f"{what} ({error.hint})" if error.hint else what
