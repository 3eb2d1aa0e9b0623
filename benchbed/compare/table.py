"""The whole comparison: the first model against the others, over conditions, metrics and groups, all corrected."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

import numpy as np

from benchbed.compare.answer import Contrast, Procedure
from benchbed.compare.contrast import contrast, contrast_score
from benchbed.compare.drawing import meaning, meanings
from benchbed.compare.figure import Figure, matching, recipe, recipes
from benchbed.compare.joining import joining
from benchbed.compare.matched import Robustness, robustness, robustness_of_sides
from benchbed.compare.ranking import rank_alike, unranked
from benchbed.compare.runs import Mismatch, OpenRun, require_comparable, shared
from benchbed.compare.said import said_apart
from benchbed.compare.sides import Mixed, Side, mixed
from benchbed.errors import CannotMeasure, ConfigError, did_you_mean
from benchbed.results.comparison import Spoken
from benchbed.results.conditions import settings
from benchbed.seal import seal
from benchbed.stats.correction import adjust, words


@dataclass(frozen=True)
class Wanted:
    """What to compare.

    Attributes
    ----------
    conditions : tuple of str
        Patterns of conditions.
    metrics : tuple of str
        Metrics; by default the one that ranks everywhere, and all others on clean audio.
    groups : tuple of str
        Groups such as `device=s4`, `devices=unseen`, or `class=*` for all of a kind.
    """

    conditions: tuple[str, ...] = ("*",)
    metrics: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()


@dataclass(frozen=True)
class ComparedRow:
    """One line of the table.

    Attributes
    ----------
    contrast : Contrast
        The difference.
    p : float or None
        Its p-value after the correction over the table.
    verdict : str
        `win`, `loss` or `tie` of a against b, or `unmeasured`.
    joined : str
        How several splits became one figure, e.g. `mean over 5 folds`; empty for one split.
    """

    contrast: Contrast
    p: float | None
    verdict: str
    joined: str = ""


@dataclass(frozen=True)
class Pairing:
    """The first model against one of the others.

    Attributes
    ----------
    a, b : str
        The model that was named first, and the one it is compared with.
    rows : list of ComparedRow
        Differences a − b of single runs.
    mixed : list of Mixed
        Differences of groups of runs, where one side has several.
    mixed_p, mixed_verdicts : list
        Their p-values after the correction, and `win`, `tie`, `loss` or `unmeasured` as in `ComparedRow`.
    robustness : list of Robustness
        At matched clean score.
    notes : list of Mismatch
        In what the runs differ without harm.
    clips : list of Spoken
        What two captioners said of some clips.
    """

    a: str
    b: str
    primary: str
    rows: list[ComparedRow] = field(default_factory=list)
    mixed: list[Mixed] = field(default_factory=list)
    mixed_p: list[float | None] = field(default_factory=list)
    mixed_verdicts: list[str] = field(default_factory=list)
    robustness: list[Robustness] = field(default_factory=list)
    notes: list[Mismatch] = field(default_factory=list)
    clips: list[Spoken] = field(default_factory=list)

    def count(self, verdict: str) -> int:
        """Conditions won, lost or tied: all clips, the metric that ranks."""
        singles = [(row.contrast.figure.group, row.contrast.metric, row.verdict) for row in self.rows]
        several = [(m.figure.group, m.metric, v) for m, v in zip(self.mixed, self.mixed_verdicts)]
        return sum(key == (None, self.primary, verdict) for key in singles + several)


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
    """

    pairings: list[Pairing]
    ranks: dict[str, tuple[int, int, int]]
    sides: list[Side]
    procedure: Procedure
    primary: str
    no_ranks: str | None = None
    corrected: str = ""

    @property
    def settings(self) -> dict[str, str]:
        """What the severities of the conditions are in their units, by the key of the condition."""
        return settings(run.result for side in self.sides for run in side.runs)

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
                        }
                        for r in s.runs
                    ],
                }
                for s in self.sides
            ],
            "ranks": {name: {"rank": r, "low": low, "high": high} for name, (r, low, high) in self.ranks.items()},
            "no_ranks": self.no_ranks,
            "settings": self.settings,
            "pairings": [_pairing(p, self.primary) for p in self.pairings],
        }


def compare(sides: Sequence[Side], wanted: Wanted | None = None, procedure: Procedure | None = None) -> Comparison:
    """Compare the first side with every other one: what is reported is the first minus the other.

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
    pairings: list[tuple[Pairing, list[Contrast], list[Mixed]]] = []
    for side in sides[1:]:
        single = len(first.runs) == len(side.runs) == 1 and side.kind != "family"
        notes = require_comparable(first.runs[0], side.runs[0])
        contrasts: list[Contrast] = []
        groups: list[Mixed] = []
        for figure, metrics in _questions(first.runs[0], side.runs[0], wanted, primary):
            if single:
                contrasts += contrast(first.runs[0], side.runs[0], figure, metrics, procedure).values()
            else:
                groups += [mixed(first, side, figure, metric, procedure) for metric in metrics]
        for name in _scores(first.runs[0], side.runs[0], wanted):
            if single:
                contrasts.append(_over_cells(first.runs[0], side.runs[0], name, procedure))
            else:
                groups.append(mixed(first, side, Figure(name.partition(":")[0]), name, procedure))
        known = {c.figure.condition: c for c in contrasts if c.metric == primary and c.figure.group is None}
        if single:
            robust = robustness(first.runs[0], side.runs[0], primary, procedure, known)
        else:
            robust = robustness_of_sides(first.runs, side.runs, primary, procedure)
        notes += _alone(first.runs[0], side.runs[0], wanted)
        clips = said_apart(first.runs[0], side.runs[0], primary) if single else []
        pairing = Pairing(first.name, side.name, primary, robustness=robust, notes=notes, clips=clips)
        pairings.append((pairing, contrasts, groups))
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
                ComparedRow(outcome, p, _verdict(outcome, p, procedure.alpha), _joined(first.runs[0], outcome))
            )
        for i, several in enumerate(groups):
            p = adjusted[f"{number} mixed {i}"]
            pairing.mixed.append(several)
            pairing.mixed_p.append(p)
            pairing.mixed_verdicts.append(_verdict(several, p, procedure.alpha))
    singles = [(side.runs[0].path, side.runs[0]) for side in sides if len(side.runs) == 1]
    why = unranked([run for _, run in singles]) if len(singles) == len(sides) else None
    ranked = rank_alike(singles, procedure) if len(singles) == len(sides) and why is None else {}
    ranks = {side.name: ranked[side.runs[0].path] for side in sides if side.runs[0].path in ranked}
    return Comparison([pairing for pairing, _, _ in pairings], ranks, list(sides), procedure, primary, why, corrected)


def _joined(run: OpenRun, outcome: Contrast) -> str:
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


def _verdict(found: Contrast | Mixed, p: float | None, alpha: float) -> str:
    if found.gain is None or p is None:
        return "unmeasured"
    if p >= alpha:
        return "tie"
    return "win" if found.gain > 0 else "loss"


def _questions(a: OpenRun, b: OpenRun, wanted: Wanted, primary: str) -> list[tuple[Figure, list[str]]]:
    """Figures to compare and the metrics to compare them in."""
    both = [c for pattern in wanted.conditions for c in matching(a.sums, pattern) if c in matching(b.sums, pattern)]
    if not both:
        raise CannotMeasure(f"the runs share no condition like {', '.join(wanted.conditions)}")
    groups = _groups(a, wanted.groups)
    scores = _scores(a, b, wanted)
    a, b, _ = shared(a, b)
    questions: list[tuple[Figure, list[str]]] = []
    for condition in dict.fromkeys(both):
        for group in groups:
            figure = Figure(condition, group)
            known = meanings(a, figure)
            if wanted.metrics:
                metrics = [m for m in wanted.metrics if m in known]
            elif group is not None:
                metrics = [primary if primary in known else next(iter(known))]
            else:
                metrics = [primary, *(m for m in known if condition == "clean" and m != primary)]
            if metrics:
                questions.append((figure, metrics))
    if not questions and not scores:
        names = [*a.family.metrics, *_held(a, b)]
        kinds = [*a.family.metrics, *dict.fromkeys(f"{name.partition(':')[0]}:*" for name in _held(a, b))]
        hint = did_you_mean(wanted.metrics[0], names) or f"there are: {', '.join(kinds)}"
        raise CannotMeasure(f"no metric {', '.join(wanted.metrics)} in both runs", hint=hint)
    return questions


def _held(a: OpenRun, b: OpenRun) -> list[str]:
    """Figures over cells that both runs have."""
    return [name for name in a.result.scores if name in b.result.scores and ":" in name]


def _scores(a: OpenRun, b: OpenRun, wanted: Wanted) -> list[str]:
    """Figures over cells that were asked for by name or pattern, e.g. `robustness:*`."""
    patterns = [pattern for pattern in wanted.metrics if ":" in pattern]
    return [name for name in _held(a, b) if any(name == p or fnmatchcase(name, p) for p in patterns)]


def _over_cells(a: OpenRun, b: OpenRun, name: str, procedure: Procedure) -> Contrast:
    """A figure over cells; one that is undefined, or of which no draws were kept, is a row with the reason."""
    try:
        return contrast_score(a, b, name, procedure)
    except CannotMeasure as error:
        held = [run.result.scores[name] for run in (a, b)]
        why = error.what.removeprefix(f"{name} has no paired comparison: ")
        info = meaning(name, held[0])
        return Contrast(
            Figure(name.partition(":")[0]),
            name,
            info,
            info.direction,
            held[0].value,
            held[1].value,
            reason=why,
            no_mcnemar="it is about right and wrong clips",
        )


def _alone(a: OpenRun, b: OpenRun, wanted: Wanted) -> list[Mismatch]:
    """Conditions that were asked for and only one of the two runs has."""
    mine, theirs = ([c for pattern in wanted.conditions for c in matching(run.sums, pattern)] for run in (a, b))
    only = [[c for c in one if c not in other] for one, other in ((mine, theirs), (theirs, mine))]
    found = []
    if any(only):
        one, other = (f"{', '.join(some[:4])}{', …' if len(some) > 4 else ''}" if some else "none" for some in only)
        found.append(Mismatch("conditions that only one run has, so left out", one, other, False))
    return found


def _groups(run: OpenRun, wanted: Sequence[str]) -> list[str | None]:
    found: list[str | None] = [None]
    known = list(recipes(run.sums))
    for name in wanted:
        hits = [g for g in known if g == name or (name.endswith("=*") and g.startswith(name[:-1]))]
        if not hits:
            recipe(run.sums, Figure("clean", name))
        found += hits
    return found


def _pairing(pairing: Pairing, primary: str) -> dict[str, Any]:
    return {
        "a": pairing.a,
        "b": pairing.b,
        "wins": pairing.count("win"),
        "ties": pairing.count("tie"),
        "losses": pairing.count("loss"),
        "rows": [
            {**row_json(row.contrast), "p_adjusted": row.p, "verdict": row.verdict, "joined": row.joined}
            for row in pairing.rows
        ],
        "mixed": [
            {
                "condition": m.figure.condition,
                "group": m.figure.group,
                "metric": m.metric,
                "title": m.info.title,
                "unit": m.info.unit,
                "direction": m.direction,
                "values_a": _known(m.values_a),
                "values_b": _known(m.values_b),
                "std_a": _std(m.values_a),
                "std_b": _std(m.values_b),
                **(
                    {}
                    if m.spread is None
                    else {"value": m.spread.value, "low": m.spread.low, "high": m.spread.high, "p": m.spread.p}
                ),
                "p_adjusted": p,
                "verdict": verdict,
                "mde": m.mde,
                "effect": m.effect,
                "error_recordings": m.error_recordings,
                "error_members": m.error_members,
                "groups": m.groups,
                "method": m.method,
                "incomplete": m.incomplete,
                "reason": m.reason,
            }
            for m, p, verdict in zip(pairing.mixed, pairing.mixed_p, pairing.mixed_verdicts)
        ],
        "robustness": [
            {
                "name": r.name,
                "metric": primary,
                "reason": r.reason,
                "note": r.note,
                "retention": None if r.retention is None else dict(zip(("value", "low", "high"), r.retention)),
                "matched": None if r.matched is None else dict(zip(("value", "low", "high"), r.matched)),
            }
            for r in pairing.robustness
        ],
        "clips": [one.model_dump() for one in pairing.clips],
        "notes": [str(note) for note in pairing.notes],
    }


def row_json(contrast: Contrast) -> dict[str, Any]:
    """A contrast for programs and pages."""
    names = (
        "metric",
        "direction",
        "a",
        "b",
        "value",
        "low",
        "high",
        "p",
        "p_bootstrap",
        "p_swap",
        "exact",
        "error",
        "mde",
        "effect",
        "relative",
        "clips",
        "groups",
        "differing",
        "dropped",
        "incomplete",
        "mcnemar",
        "no_mcnemar",
        "method",
        "test",
        "reason",
    )
    figure = {"condition": contrast.figure.condition, "group": contrast.figure.group, "split": contrast.figure.split}
    info = contrast.info
    meant = {"title": info.title, "unit": info.unit, "rule": info.rule}
    fields = {**figure, **meant, **{n: getattr(contrast, n) for n in names}}
    if contrast.mcnemar is not None:
        fields["mcnemar"] = {k: (v if np.isfinite(v) else None) for k, v in contrast.mcnemar.items()}
    return fields


def _known(values: Sequence[float]) -> list[float | None]:
    return [value if np.isfinite(value) else None for value in values]


def _std(values: Sequence[float]) -> float | None:
    return float(np.std(values, ddof=1)) if len(values) > 1 and np.isfinite(values).all() else None
