"""What a gate says: one of three answers to every rule, and an exit code."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any


class Answer(StrEnum):
    """The three answers."""

    REGRESSED = "regressed"
    PASSED = "not shown to regress"
    UNMEASURED = "could not measure"


#: Which answer counts when several figures of one rule differ.
ORDER = (Answer.REGRESSED, Answer.UNMEASURED, Answer.PASSED)


@dataclass(frozen=True)
class Finding:
    """The answer about one figure.

    Attributes
    ----------
    subject : str
        Which figure, in words.
    answer : Answer
        The answer.
    words : str
        The answer in a sentence, with its numbers.
    guard : bool
        It is a guard of the rule.
    conclusive : bool
        A regression beyond the margin is either shown or ruled out.
    facts : dict
        Numbers for programs: value, baseline, slack, low, high, p, p_adjusted, p_kept, mde, clips, groups, …
    """

    subject: str
    answer: Answer
    words: str
    guard: bool = False
    conclusive: bool = True
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class RuleOutcome:
    """The answer to one rule.

    Attributes
    ----------
    name, say : str
        As in the rule.
    findings : tuple of Finding
        One per figure, guards last.
    line : int or None
        Line of the rule.
    demands_proof : bool
        The rule asks for non-inferiority.
    """

    name: str
    say: str
    findings: tuple[Finding, ...]
    line: int | None = None
    demands_proof: bool = False

    @property
    def holds(self) -> bool:
        """What the rule forbids is ruled out."""
        return self.answer is Answer.PASSED and self.conclusive

    @property
    def answer(self) -> Answer:
        """The worst answer about any of its figures."""
        given = {finding.answer for finding in self.findings}
        return next((answer for answer in ORDER if answer in given), Answer.UNMEASURED)

    @property
    def conclusive(self) -> bool:
        """Every figure has a conclusive answer."""
        return all(finding.conclusive for finding in self.findings)


@dataclass(frozen=True)
class Report:
    """The answers to all rules.

    Attributes
    ----------
    name : str
        Name of the rules.
    run, baseline : str
        Models, in words.
    outcomes : tuple of RuleOutcome
        One per rule.
    alpha : float
        Level.
    correction : str
        As in the rules.
    over : str
        What the correction is over, in words.
    level : float
        Coverage of the intervals.
    notes : tuple of str
        What must be known beside the answers.
    path : Path or None
        File of the rules.
    strict : bool
        Inconclusive answers are no pass.
    created : str
        When the candidate was run (ISO 8601).
    """

    name: str
    run: str
    baseline: str
    outcomes: tuple[RuleOutcome, ...]
    alpha: float
    correction: str
    over: str
    level: float
    notes: tuple[str, ...] = ()
    path: Path | None = None
    strict: bool = False
    created: str = ""

    def count(self, answer: Answer) -> int:
        """Rules with this answer."""
        return sum(outcome.answer is answer for outcome in self.outcomes)

    @property
    def inconclusive(self) -> list[RuleOutcome]:
        """Rules that pass without a proof where one is asked for, by the rule or by `--strict`."""
        return [
            o
            for o in self.outcomes
            if o.answer is Answer.PASSED and not o.conclusive and (self.strict or o.demands_proof)
        ]

    @property
    def exit_code(self) -> int:
        """1 a regression was shown, 3 something could not be measured, 4 inconclusive, 0 fine."""
        if self.count(Answer.REGRESSED):
            return 1
        if self.count(Answer.UNMEASURED):
            return 3
        return 4 if self.inconclusive else 0

    @property
    def headline(self) -> str:
        """The whole answer in a line."""
        hold = sum(outcome.holds for outcome in self.outcomes)
        parts = [f"{hold} hold{'s' if hold == 1 else ''}"] if hold else []
        for answer in Answer:
            count = self.count(answer) - (hold if answer is Answer.PASSED else 0)
            parts += [f"{count} {answer}"] if count else []
        proof = f", {len(self.inconclusive)} inconclusive" if self.inconclusive else ""
        return f"{'passed' if self.exit_code == 0 else 'not passed'}: {', '.join(parts)}{proof}"

    def as_json(self) -> dict[str, Any]:
        """The report for programs."""
        return {
            "name": self.name,
            "run": self.run,
            "baseline": self.baseline,
            "exit_code": self.exit_code,
            "headline": self.headline,
            "alpha": self.alpha,
            "correction": self.correction,
            "corrected": self.over,
            "level": self.level,
            "strict": self.strict,
            "notes": list(self.notes),
            "rules": [
                {
                    "name": o.name,
                    "say": o.say,
                    "line": o.line,
                    "answer": str(o.answer),
                    "conclusive": o.conclusive,
                    "findings": [
                        {
                            "subject": f.subject,
                            "answer": str(f.answer),
                            "words": f.words,
                            "guard": f.guard,
                            "conclusive": f.conclusive,
                            **f.facts,
                        }
                        for f in o.findings
                    ],
                }
                for o in self.outcomes
            ],
        }
