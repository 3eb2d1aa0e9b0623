"""A rule about a time that fails is measured again before it fails a pull request.

A test at a level of one in twenty fails one clean pull request in twenty, and a time has causes that no test knows: an
update that starts in the middle, a neighbour on the same machine. What was measured again and does not fail again was
no property of the model. Both measurements must show the regression, each by its own test.
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
        The same one where no such rule failed. A rule whose second measurement does not fail is no regression, and says
        both; one that could not be measured again stays as it was, and says why.
    """
    numbers = [
        number
        for number, (rule, outcome) in enumerate(zip(loaded.rules.rules, report.outcomes))
        if outcome.answer is Answer.REGRESSED and (rule.figure or "").partition(".")[0] == TIMED
    ]
    if not numbers:
        return report
    asked = replace(loaded, rules=loaded.rules.model_copy(update={"rules": [loaded.rules.rules[n] for n in numbers]}))
    try:
        second = judge(asked, [measure(run) for run in runs], None if baseline is None else list(baseline))
    except BenchbedError as error:
        outcomes = [
            _kept(outcome, f"could not be measured again: {error.what}") if number in numbers else outcome
            for number, outcome in enumerate(report.outcomes)
        ]
        return replace(report, outcomes=tuple(outcomes))
    again = dict(zip(numbers, second.outcomes))
    outcomes = [
        _both(outcome, again[number]) if number in again else outcome for number, outcome in enumerate(report.outcomes)
    ]
    note = f"measured again: the times of {len(numbers)} {'rule' if len(numbers) == 1 else 'rules'} that failed"
    return replace(report, outcomes=tuple(outcomes), notes=(*report.notes, note))


def _kept(outcome: RuleOutcome, why: str) -> RuleOutcome:
    return replace(outcome, findings=tuple(replace(f, words=f"{f.words}; {why}") for f in outcome.findings))


def _both(first: RuleOutcome, second: RuleOutcome) -> RuleOutcome:
    """The answer of both measurements: a regression only where both show it."""
    findings = []
    for one, other in zip(first.findings, second.findings):
        if one.answer is not Answer.REGRESSED:
            findings.append(one)
        elif other.answer is Answer.PASSED:
            words = f"measured again, {other.words}; the first time {one.words}"
            facts = {**other.facts, "first": one.facts}
            findings.append(replace(one, answer=Answer.PASSED, words=words, conclusive=False, facts=facts))
        else:
            words = f"{one.words}; measured again, {other.words}"
            findings.append(replace(one, words=words, facts={**one.facts, "again": other.facts}))
    return replace(first, findings=tuple(findings))
