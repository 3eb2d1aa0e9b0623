"""From rules and runs to answers: every figure is measured first, then all tests are corrected together."""

from __future__ import annotations

from collections.abc import Sequence

from benchbed.compare.answer import Procedure, Swapper
from benchbed.compare.runs import OpenRun
from benchbed.errors import ConfigError
from benchbed.gate.asking import JudgedFigure, ask
from benchbed.gate.held import Held, held, title
from benchbed.gate.load import LoadedRules
from benchbed.gate.rules import Rule
from benchbed.gate.verdict import Answer, Finding, Report, RuleOutcome
from benchbed.gate.words import sentence
from benchbed.stats.correction import adjust, words


def judge(
    loaded: LoadedRules,
    run: OpenRun | Sequence[OpenRun],
    baseline: OpenRun | Sequence[OpenRun] | None = None,
    *,
    strict: bool = False,
    swapper: Swapper | None = None,
) -> Report:
    """Hold a run against rules.

    Parameters
    ----------
    loaded : LoadedRules
        The rules.
    run : Run or sequence of OpenRun
        The candidate, or several seeds of it.
    baseline : Run or sequence of OpenRun, optional
        What it is compared with, or several seeds of that.
    strict : bool
        Inconclusive answers are no pass.
    swapper : callable, optional
        Swaps the models in metrics that no sum gives, where the predictions of both runs are at hand.

    Raises
    ------
    ConfigError
        Rules for another suite, or a rule that needs a baseline without one.
    """
    rules = loaded.rules
    runs = [run] if isinstance(run, OpenRun) else [*run]
    bases = [] if baseline is None else [baseline] if isinstance(baseline, OpenRun) else [*baseline]
    suite = runs[0].result.suite.name
    if rules.suite is not None and rules.suite != suite:
        raise ConfigError(
            f"the rules are for the suite {rules.suite}, the run is of {suite}",
            where=str(loaded.path) if loaded.path else None,
        )
    needing = [rule.name for rule in rules.rules if rule.needs_baseline]
    if not bases and needing:
        raise ConfigError(
            f"the rule '{needing[0]}' needs a baseline",
            hint="--baseline RUN, or a name made by `benchbed baseline set`",
        )
    # A rule is broken on one side: an interval of this level excludes its margin where the test of one side says so.
    level = 1 - 2 * rules.alpha if rules.alpha < 0.25 else 1 - rules.alpha
    how = Procedure(draws=rules.draws, alpha=rules.alpha, seed=rules.seed, level=level, swapper=swapper)
    sides = held(runs, bases, how)
    asked = [_asked(loaded, number, rule, sides) for number, rule in enumerate(rules.rules)]
    p_values: dict[str, float | None] = {}
    for number, (rule, members) in enumerate(zip(rules.rules, asked)):
        for i, one in enumerate(members):
            sampled = one.slack is not None and one.slack.error != 0.0
            if sampled and rule.by == "interval" and one.slack is not None:
                p_values[f"{number}.{i}"] = one.slack.p_broken
    rule_of = {test: test.partition(".")[0] for test in p_values}
    primary = {test for test, number in rule_of.items() if rules.rules[int(number)].primary}
    adjusted = adjust(p_values, rules.correction, families=rule_of, primary=primary)
    tested = [test for test, p in p_values.items() if p is not None]
    over = words(
        rules.correction, len(tested), len(primary & {*tested}), len({rule_of[test] for test in tested}), "rules"
    )
    outcomes = []
    for number, (rule, members) in enumerate(zip(rules.rules, asked)):
        findings = [
            _answer(rule, one, adjusted.get(f"{number}.{i}"), rules.alpha, rules.correction)
            for i, one in enumerate(members)
        ]
        outcomes.append(RuleOutcome(rule.name, rule.say, tuple(findings), loaded.line(number), rule.non_inferiority))
    return Report(
        rules.name,
        title(runs),
        title(bases),
        tuple(outcomes),
        rules.alpha,
        rules.correction,
        over,
        level,
        sides.notes,
        loaded.path,
        strict,
        runs[0].result.provenance.created,
    )


def _asked(loaded: LoadedRules, number: int, rule: Rule, sides: Held) -> list[JudgedFigure]:
    try:
        return ask(rule, sides)
    except ConfigError as error:
        where = error.where or loaded.where(number)
        raise ConfigError(f"the rule '{rule.name}': {error.what}", where=where, hint=error.hint) from error


def _answer(rule: Rule, one: JudgedFigure, p: float | None, alpha: float, correction: str) -> Finding:
    slack = one.slack
    if slack is None:
        words = one.lack or "could not be measured"
        return Finding(one.subject, Answer.UNMEASURED, words, one.guard, False)
    facts = {
        **slack.facts,
        "slack": slack.point,
        "p": slack.p_broken,
        "p_adjusted": p,
        "p_kept": slack.p_kept,
        "how": slack.how,
        "allowed": one.allowed,
    }
    exact = slack.error == 0.0 and slack.p_broken is not None
    if rule.by == "value" or exact:
        answer, conclusive = (Answer.REGRESSED if slack.broken else Answer.PASSED), True
    elif slack.p_broken is None:
        why = f"{sentence(one.subject, slack, one.allowed, p)}, but there is no test of it: {slack.how}"
        return Finding(one.subject, Answer.UNMEASURED, why, one.guard, False, facts)
    else:
        regressed = slack.broken and (slack.p_broken if p is None else p) < alpha
        answer = Answer.REGRESSED if regressed else Answer.PASSED
        conclusive = regressed or (slack.p_kept is not None and slack.p_kept < alpha)
    words = sentence(
        one.subject, slack, one.allowed, None if rule.by == "value" or exact else p, alpha=alpha, correction=correction
    )
    if one.lost is not None and answer is Answer.PASSED:
        # What is left of an incomplete cell may well be its easy part.
        return Finding(
            one.subject, Answer.UNMEASURED, f"{words}, but clips are missing: {one.lost}", one.guard, False, facts
        )
    if one.lost is not None:
        words = f"{words}; clips are missing: {one.lost}"
    if one.tolerated is not None:
        words = f"{words}; clips are missing, as the rule allows: {one.tolerated}"
    if one.lost is None and answer is Answer.PASSED and not conclusive:
        words = f"{words}; a loss beyond the margin is not ruled out"
    return Finding(one.subject, answer, words, one.guard, conclusive, facts)
