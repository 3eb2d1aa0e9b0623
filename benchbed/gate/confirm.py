"""A rule about a time that fails is measured again before it fails a pull request.

A test at a level of one in twenty fails one clean pull request in twenty, and a time has causes that no test knows: an
update that starts in the middle, a neighbour on the same machine. What was measured again and does not fail again was
no property of the model. Every measurement must show the regression, each by its own test.

It is measured again up to twice. Once was not enough: the baseline's own luck is in every measurement, so that with 25
rounds and a model exactly at what is tolerated 1.7 % of the runs still failed (`tests/benchmarks/latency_gate.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from benchbed.compare.runs import OpenRun
from benchbed.errors import BenchbedError
from benchbed.gate.judge import judge
from benchbed.gate.load import LoadedRules
from benchbed.gate.verdict import Answer, Report, RuleOutcome

#: Part of a profile whose figures are times.
TIMED = "latency"
#: How often what still fails is measured again, and how a report says so.
AGAIN = ("measured again", "measured a third time")


def confirmed(
    report: Report,
    loaded: LoadedRules,
    runs: Sequence[OpenRun],
    baseline: Sequence[OpenRun] | None,
    measure: Callable[[OpenRun], OpenRun],
) -> Report:
    """The report after every rule about a time that failed was measured again.

    Parameters
    ----------
    report : Report
        What the first measurement says.
    loaded : LoadedRules
        The rules.
    runs, baseline : sequence of OpenRun
        The candidate's seeds, and the baseline's.
    measure : callable
        Measures the times of a run's model again.

    Returns
    -------
    Report
        The same one where no such rule failed. A rule of which one measurement does not fail is no regression, and says
        what each found; one that could not be measured again stays as it was, and says why.
    """
    for turn in AGAIN:
        report, lost = _once_more(report, loaded, runs, baseline, measure, turn)
        if lost:
            break
    return report


def _once_more(
    report: Report,
    loaded: LoadedRules,
    runs: Sequence[OpenRun],
    baseline: Sequence[OpenRun] | None,
    measure: Callable[[OpenRun], OpenRun],
    turn: str,
) -> tuple[Report, bool]:
    """The report after one more measurement of what fails in it, and whether there was none to take."""
    numbers = [
        number
        for number, (rule, outcome) in enumerate(zip(loaded.rules.rules, report.outcomes))
        if outcome.answer is Answer.REGRESSED and (rule.figure or "").partition(".")[0] == TIMED
    ]
    if not numbers:
        return report, True
    asked = replace(loaded, rules=loaded.rules.model_copy(update={"rules": [loaded.rules.rules[n] for n in numbers]}))
    try:
        second = judge(asked, [measure(run) for run in runs], None if baseline is None else list(baseline))
    except BenchbedError as error:
        outcomes = [
            _kept(outcome, f"could not be {turn}: {error.what}") if number in numbers else outcome
            for number, outcome in enumerate(report.outcomes)
        ]
        return replace(report, outcomes=tuple(outcomes)), True
    again = dict(zip(numbers, second.outcomes))
    outcomes = [
        _both(outcome, again[number], turn) if number in again else outcome
        for number, outcome in enumerate(report.outcomes)
    ]
    note = f"{turn}: the times of {len(numbers)} {'rule' if len(numbers) == 1 else 'rules'} that failed"
    return replace(report, outcomes=tuple(outcomes), notes=(*report.notes, note)), False


def _kept(outcome: RuleOutcome, why: str) -> RuleOutcome:
    return replace(outcome, findings=tuple(replace(f, words=f"{f.words}; {why}") for f in outcome.findings))


def _both(first: RuleOutcome, second: RuleOutcome, turn: str) -> RuleOutcome:
    """The answer of both measurements: a regression only where both show it."""
    findings = []
    for one, other in zip(first.findings, second.findings):
        if one.answer is not Answer.REGRESSED:
            findings.append(one)
        elif other.answer is Answer.PASSED:
            words = f"{turn}, {other.words}; the first time {one.words}"
            facts = {**other.facts, "first": one.facts}
            findings.append(replace(one, answer=Answer.PASSED, words=words, conclusive=False, facts=facts))
        else:
            words = f"{one.words}; {turn}, {other.words}"
            findings.append(replace(one, words=words, facts={**one.facts, "again": other.facts}))
    return replace(first, findings=tuple(findings))
