"""The whole comparison: the first model against the others, over conditions, metrics and groups, all corrected."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import partial
from typing import Any

from benchbed.compare.answer import Contrast, Procedure
from benchbed.compare.answered import AnsweredPairs
from benchbed.compare.asked import Wanted, alone
from benchbed.compare.joining import joining
from benchbed.compare.matrix import PairMatrix, judged, matrices
from benchbed.compare.pairings import ComparedRow, Pairing
from benchbed.compare.ranking import rank_alike, unranked
from benchbed.compare.reused import ReusedParts
from benchbed.compare.runs import OpenRun, require_comparable
from benchbed.compare.said import said_apart
from benchbed.compare.sides import Mixed, Side
from benchbed.compare.uncorrected import TableAnswer, ask_table
from benchbed.compare.verdict import sentences
from benchbed.compare.written import pairing_json
from benchbed.errors import ConfigError
from benchbed.results.conditions import settings
from benchbed.seal import seal
from benchbed.stats.correction import adjust, words


@dataclass(frozen=True)
class Comparison:
    """Everything `benchbed compare` says.

    Attributes
    ----------
    pairings : list of Pairing
        The first side against every other.
    ranks : dict of str to (int, int, int)
        Model → rank with the ends of its interval, where several single runs are compared.
    sides : list of Side
        What was compared.
    procedure : Procedure
        How.
    primary : str
        Metric that ranks.
    no_ranks : str or None
        Why there are no ranks, where single runs are compared.
    corrected : str
        What the tests were corrected over, in words.
    matrices : list of PairMatrix
        Every side against every other one, where there are three or more.
    """

    pairings: list[Pairing]
    ranks: dict[str, tuple[int, int, int]]
    sides: list[Side]
    procedure: Procedure
    primary: str
    no_ranks: str | None = None
    corrected: str = ""
    matrices: list[PairMatrix] = field(default_factory=list)

    @property
    def settings(self) -> dict[str, str]:
        """What the severities of the conditions are in their units, by the key of the condition."""
        return settings(run.result for side in self.sides for run in side.runs)

    def said(self, pairing: Pairing) -> list[str]:
        """A pairing in plain sentences."""
        return sentences(pairing, self.settings, self.procedure.power)

    def sealed(self) -> str:
        """The comparison as a file that pages are built from, with the digest that is checked when it is read."""
        return seal(json.dumps(self.as_json(), indent=1, ensure_ascii=False))

    def as_json(self) -> dict[str, Any]:
        """The comparison for programs and pages; NaN and infinity are null."""
        return {
            "procedure": {**self.procedure.as_json(), "corrected": self.corrected},
            "primary": self.primary,
            "sides": [
                {
                    "name": s.name,
                    "kind": s.kind,
                    "runs": [
                        {
                            "model": r.name,
                            "path": str(r.path),
                            "suite": r.result.suite.name,
                            "synthetic": r.result.dataset.synthetic,
                            "family": r.result.model.family,
                        }
                        for r in s.runs
                    ],
                }
                for s in self.sides
            ],
            "ranks": {name: {"rank": r, "low": low, "high": high} for name, (r, low, high) in self.ranks.items()},
            "no_ranks": self.no_ranks,
            "settings": self.settings,
            "pairings": [pairing_json(p, self.primary, self.said(p)) for p in self.pairings],
            "matrices": [one.as_json() for one in self.matrices],
        }


def compare(
    sides: Sequence[Side],
    wanted: Wanted | None = None,
    procedure: Procedure | None = None,
    answered: AnsweredPairs | None = None,
) -> Comparison:
    """Compare the first side with every other one: what is reported is the first minus the other.

    Parameters
    ----------
    sides : sequence of Side
        What is compared.
    wanted : Wanted, optional
        Conditions, metrics and groups.
    procedure : Procedure, optional
        How.
    answered : AnsweredPairs, optional
        Pairs of which all was found before by this procedure, and which are not asked again.

    Raises
    ------
    ConfigError
        Fewer than two sides.
    CannotMeasure
        Runs that were not measured alike, or none of what was asked for exists.
    """
    wanted, procedure = wanted or Wanted(), procedure or Procedure()
    if len(sides) < 2:
        raise ConfigError(
            "one thing to compare, there must be two",
            hint="give several runs; runs that differ in their seed only count as one model",
        )
    first = sides[0]
    primary = first.runs[0].result.primary
    for side in sides:
        for run in side.runs:
            require_comparable(first.runs[0], run)
    pairings: list[tuple[Pairing, Sequence[Contrast], Sequence[Mixed]]] = []
    tables: list[TableAnswer] = []
    answered, reused = answered or AnsweredPairs(), ReusedParts()
    question = f"table {wanted!r} {primary}"
    for side in sides[1:]:
        single = len(first.runs) == len(side.runs) == 1 and side.kind != "family"
        notes = require_comparable(first.runs[0], side.runs[0])
        answer = answered.ask(
            question, first, side, partial(ask_table, first, side, wanted, primary, procedure, reused)
        )
        notes += alone(first.runs[0], side.runs[0], wanted)
        clips = said_apart(first.runs[0], side.runs[0], primary) if single else []
        pairing = Pairing(first.name, side.name, primary, robustness=[*answer.robustness], notes=notes, clips=clips)
        pairings.append((pairing, answer.contrasts, answer.groups))
        tables.append(answer)
    p_values: dict[str, float | None] = {}
    asked: dict[str, Contrast | Mixed] = {}
    for number, (_, contrasts, groups) in enumerate(pairings):
        p_values |= {f"{number} single {i}": c.p for i, c in enumerate(contrasts)}
        p_values |= {f"{number} mixed {i}": m.spread.p if m.spread else None for i, m in enumerate(groups)}
        asked |= {f"{number} single {i}": c for i, c in enumerate(contrasts)}
        asked |= {f"{number} mixed {i}": m for i, m in enumerate(groups)}
    families = {test: _kind(one, primary) for test, one in asked.items()}
    declared = {test for test, one in asked.items() if _declared(one, procedure.primary, primary)}
    if procedure.correction == "primary" and not declared:
        raise ConfigError(
            f"no comparison is {', '.join(procedure.primary)}",
            hint="declare a condition such as clean, or CONDITION/METRIC, that is compared",
        )
    adjusted = adjust(p_values, procedure.correction, families=families, primary=declared)
    tested = {test for test, p in p_values.items() if p is not None}
    corrected = words(
        procedure.correction, len(tested), len(declared & tested), len({families[test] for test in tested}), "kinds"
    )
    for number, (pairing, contrasts, groups) in enumerate(pairings):
        for i, outcome in enumerate(contrasts):
            p = adjusted[f"{number} single {i}"]
            pairing.rows.append(
                ComparedRow(outcome, p, judged(outcome.gain, p, procedure.alpha), _joined(first.runs[0], outcome))
            )
        for i, several in enumerate(groups):
            p = adjusted[f"{number} mixed {i}"]
            pairing.mixed.append(several)
            pairing.mixed_p.append(p)
            pairing.mixed_verdicts.append(judged(several.gain, p, procedure.alpha))
            pairing.mixed_joined.append(_joined(first.runs[0], several))
    singles = [(side.runs[0].path, side.runs[0]) for side in sides if len(side.runs) == 1]
    why = unranked([run for _, run in singles]) if len(singles) == len(sides) else None
    ranked = rank_alike(singles, procedure) if len(singles) == len(sides) and why is None else {}
    ranks = {side.name: ranked[side.runs[0].path] for side in sides if side.runs[0].path in ranked}
    pairs = matrices(sides, primary, procedure, answered, reused, tables)
    return Comparison(
        [pairing for pairing, _, _ in pairings], ranks, list(sides), procedure, primary, why, corrected, pairs
    )


def _joined(run: OpenRun, outcome: Contrast | Mixed) -> str:
    """How the splits of a row became one; a figure over cells says that itself."""
    return "" if ":" in outcome.metric and outcome.figure.group is None else joining(run, outcome.figure)


def _kind(found: Contrast | Mixed, primary: str) -> str:
    """Kind of question, for a hierarchy: the metric that ranks on clean audio, perturbed, other metrics, parts."""
    figure = found.figure
    if figure.group is not None:
        return f"{figure.group.partition('=')[0]}s"
    if found.metric != primary:
        return "other metrics"
    return (
        "the metric that ranks, on clean audio" if figure.condition == "clean" else "the metric that ranks, perturbed"
    )


def _declared(found: Contrast | Mixed, patterns: Sequence[str], primary: str) -> bool:
    figure = found.figure
    if figure.group is not None:
        return False
    names = [figure.condition] if found.metric == primary else []
    return any(fnmatchcase(name, p) for p in patterns for name in (*names, f"{figure.condition}/{found.metric}"))
