"""What a page shows of one record: figures picked, grouped and ordered for the templates, none of them changed."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from benchbed.report import terms
from benchbed.report.charts.draw import domain
from benchbed.report.figures import count, number
from benchbed.results.conditions import curve_of
from benchbed.results.record import Cell, Matrix, Result, Value

#: Failures listed on a page; the record has them all.
FAILURES_SHOWN = 50
#: Rows of a profile that stand unfolded.
PROFILE_SHOWN = 8


@dataclass(frozen=True)
class Badge:
    """A badge or banner: a kind for its look, a short text, and what it means."""

    kind: Literal["synthetic", "warn", "fail", "note", "pass", "skipped"]
    text: str
    says: str = ""


#: Metrics shown beside a drawing; the whole table folds out below it.
METRICS_SHOWN = 3


@dataclass(frozen=True)
class GroupRow:
    """Figures of one group, or of a set of groups."""

    label: str
    metrics: dict[str, Value]
    pooled: bool = False


@dataclass(frozen=True)
class GroupTable:
    """Figures of the members of one family of groups (devices, classes, …), the drawn metric first."""

    family: str
    title: str
    metrics: list[str]
    rows: list[GroupRow]
    summary: list[GroupRow]
    ends: tuple[float, float]

    @property
    def short_summary(self) -> list[GroupRow]:
        """Gaps, worst and spread in the metrics beside the drawing."""
        return [row for row in self.summary if any(name in row.metrics for name in self.shown)]

    @property
    def shown(self) -> list[str]:
        """Metrics with a column beside the drawing."""
        return self.metrics[:METRICS_SHOWN]

    def first(self, name: str) -> Value | None:
        """Any figure of a metric, for its direction and the part of its unit that all rows share."""
        values = [row.metrics[name] for row in self.rows + self.summary if name in row.metrics]
        if len({value.unit for value in values}) < 2:
            return values[0] if values else None
        words = [value.unit.split(", ") for value in values]
        shared = [word for word, *others in zip(*words) if all(other == word for other in others)]
        return values[0].model_copy(update={"unit": ", ".join(shared)})


@dataclass(frozen=True)
class Detail:
    """One cell in full: its groups and matrices."""

    cell: Cell
    anchor: str
    title: str
    devices: GroupTable | None
    classes: GroupTable | None
    others: list[GroupTable]
    matrices: dict[str, Matrix]


@dataclass(frozen=True)
class ProfileRow:
    """One figure of the profile with the way it was made."""

    part: str
    name: str
    text: str
    note: str


@dataclass(frozen=True)
class RunView:
    """Everything that the run page prints."""

    result: Result
    title: str
    banners: list[Badge]
    primary: Value | None
    headline: list[tuple[str, Value]]
    overall: dict[str, Value]
    baselines: dict[str, Value]
    robustness: list[GroupTable]
    details: list[Detail]
    conditions: list[Cell]
    profile: list[ProfileRow]
    failures_hidden: int = 0
    checks: dict[str, int] = field(default_factory=dict)
    alike: dict[str, dict[str, list[str]]] = field(default_factory=dict)


def run_view(result: Result) -> RunView:
    """Arrange a record for its page."""
    shown = focus(result)
    primary = primary_value(result)
    pool = {name: value for name, value in figures(result).items() if name != result.primary}
    # Where a suite perturbs, what is kept under perturbation is asked first; of several folds that is no single one's.
    robust = [n for n in pool if n.startswith(terms.ROBUSTNESS) and "/" not in n and n.count(":") == 1]
    pool = {n: value for n, value in pool.items() if n in robust or not n.startswith(terms.ROBUSTNESS)}
    # What recordings score by their clips, and what is left without some clips, is asked beside the figure itself.
    beside = [name for name, value in pool.items() if _beside(value) and result.primary in name]
    first = [*robust, *beside]
    headline = [(name, pool[name]) for name in [*first, *(name for name in pool if name not in first)]][:6]
    own = shown[0].metrics if len(shown) == 1 else {}
    tallies: dict[str, int] = {}
    for check in result.checks:
        tallies[check.status] = tallies.get(check.status, 0) + 1
    return RunView(
        result=result,
        title=f"{result.model.name} on {result.suite.title or result.suite.name}",
        banners=banners(result),
        primary=primary,
        headline=headline,
        # A single clean cell is the whole run; its figures stand once, under the cell.
        overall={k: v for k, v in figures(result).items() if k in result.scores and (own.get(k) != v or _beside(v))},
        baselines={name: value for name, value in result.scores.items() if terms.baseline(name)},
        robustness=robustness(result),
        details=[_detail(cell, result) for cell in shown],
        conditions=result.cells if len(result.cells) > 1 else [],
        profile=list(_profile(result.profile)),
        failures_hidden=max(0, len(result.failures) - FAILURES_SHOWN),
        checks=tallies,
        alike=_alike(result),
    )


def _beside(value: Value) -> bool:
    """A figure of recordings that their clips decide, or of what is left without some of the clips."""
    return "-of-clips-by-" in value.rule or "-redraws-without-" in value.rule


def _alike(result: Result) -> dict[str, dict[str, list[str]]]:
    """Status → kind of check → what was checked: `perturb:white_noise:monotone` is the monotone one of white noise."""
    tables: dict[str, dict[str, list[str]]] = {}
    for check in result.checks:
        parts = check.name.split(":")
        kind, what = (f"{parts[0]}: {parts[2]}", parts[1]) if len(parts) > 2 else (check.name, check.cell or "")
        tables.setdefault(check.status, {}).setdefault(terms.plain(kind), []).append(
            terms.plain(what) if what else "run"
        )
    return tables


def figures(result: Result) -> dict[str, Value]:
    """The figures of a run as a whole: of its clean cell if it has one only, and its scores, without the baselines."""
    shown = focus(result)
    pool = {**(shown[0].metrics if len(shown) == 1 else {}), **result.scores}
    # What joins the folds stands there as the figure of the run already.
    again = {f"folds_{folds(result)}:{name}" for name in result.scores if ":" not in name}
    return {name: value for name, value in pool.items() if _of_run(name) and name not in again}


# Runs of a board have the same figures, and each is asked for its own several times.
@functools.lru_cache(maxsize=10_000)
def _of_run(name: str) -> bool:
    """Whether a figure is of the run as a whole, and of no baseline."""
    return not terms.baseline(name) and _of_condition(name) is None


def robustness(result: Result) -> list[GroupTable]:
    """Figures of single corruptions, which a record holds in one long list, as tables: a row for each corruption."""
    tables: dict[str, dict[str, dict[str, Value]]] = {}
    words = {cell.key: terms.condition(cell.condition) for cell in result.cells}
    words |= {key.split("/", 2)[-1]: text for key, text in words.items() if "@" in key and ":" in key}
    words |= {
        f"{cell.condition.name}#{cell.key.partition('#')[2]}": terms.series(cell.key, cell.condition)
        for cell in result.cells
        if "#" in cell.key and cell.condition.kind == "corruption"
    }
    # An attack at all its budgets is called like it, and by what its budgets are of.
    words |= {
        curve_of(cell.key): f"{terms.attack(cell.key)}, {cell.condition.unit}"
        for cell in result.cells
        if by_budget(cell) and cell.condition.unit
    }
    for name, value in result.scores.items():
        place = _of_condition(name)
        if place is not None:
            title, row, figure = place
            row = words.get(row, row)
            tables.setdefault(title, {}).setdefault(row, {})[figure] = value
    for title, rows in tables.items():
        if title.startswith(_PUT_IN):  # what fools the model most stands first
            tables[title] = dict(sorted(rows.items(), key=lambda row: -(next(iter(row[1].values())).value or 0.0)))
    return [
        _table(title, [GroupRow(terms.plain(row), metrics) for row, metrics in rows.items()], [], _drawn(title))
        for title, rows in tables.items()
    ]


#: Tables of what the sounds of each class do to a model.
_PUT_IN = "sound that was put in"


def _drawn(title: str) -> str:
    """The figure of a table that is drawn."""
    if title.startswith("condition, on"):
        return terms.WORTH
    if title.startswith("L2 radius"):
        return "accuracy"
    if title.startswith(_PUT_IN):
        return terms.FOOLED
    if not title.startswith("attack"):
        return "mean"
    return "robust_accuracy" if " and budget" in title else "snr50"


def _of_condition(name: str) -> tuple[str, str, str] | None:
    """Table, row and figure of a score about one condition: `robustness:mean/white_noise`, `flip_rate:CELL`."""
    scope, _, inner = name.partition(":")
    if scope == "flip_rate" and inner:
        return "condition, several draws", inner, scope
    if scope == terms.WORTH and inner:
        return "condition, on the axis of white noise", inner, scope
    if scope == terms.CERTIFIED and inner:
        where, _, radius = inner.partition("/")
        split, _, figure = where.rpartition(":")
        row = f"up to {radius}" if radius else "at any radius"
        return f"L2 radius of certificates{f', split {split}' if split else ''}", row, figure
    if scope == terms.FOOLED and inner:
        where, _, sound = inner.partition("/")
        split, _, condition = where.rpartition(":")
        kind, at, strength = condition.partition("@")
        again = strength.partition("#")[2]
        which = f"{terms.plain(kind.partition('#')[0])}{f' #{again}' if again else ''}"
        title = f"{_PUT_IN}, {which}{f', split {split}' if split else ''}: clips that it turned"
        return title, sound, f"{scope}{at}{strength.partition('#')[0]}"
    head, slash, condition = inner.partition("/")
    split, _, figure = head.rpartition(":")
    scopes = (terms.ROBUSTNESS, terms.ADVERSARIAL, terms.BLACK_BOX, terms.UNREALIZABLE)
    if scope not in scopes or not slash or figure == "group":
        return None
    kind = "corruption"
    if scope == terms.UNREALIZABLE:
        kind = f"attack and budget {terms.NO_SOUND}"
    if scope == terms.BLACK_BOX:
        kind = f"attack {terms.NO_GRADIENT}" + (" and budget" if ":" in condition else "")
    if scope == terms.ADVERSARIAL:
        kind = "attack and budget" if ":" in condition else "attack"
    return f"{kind}{', split ' + split if split else ''}", condition, figure


def primary_baselines(view: RunView) -> dict[str, Value]:
    """What models that hear nothing score in the metric that ranks, by kind."""
    named = {name: terms.baseline(name) for name in view.baselines}
    return {kind[0]: view.baselines[name] for name, kind in named.items() if kind and kind[1] == view.result.primary}


def focus(result: Result) -> list[Cell]:
    """The cells shown in full: the clean ones, or the first if none is clean; what no sound need do never heads a
    page, nor ranks a model."""
    clean = [cell for cell in result.cells if cell.condition.kind == "clean"]
    return clean or [cell for cell in result.cells if not terms.on_features(cell.condition)][:1]


def primary_value(result: Result) -> Value | None:
    """The figure that ranks: the score of that name, else the first clean cell's."""
    if result.primary in result.scores:
        return result.scores[result.primary]
    shown = focus(result)
    # One fold of several is not the figure of the run.
    if len({cell.split for cell in result.cells}) > 1:
        return None
    return next((cell.metrics[result.primary] for cell in shown if result.primary in cell.metrics), None)


def folds(result: Result) -> str:
    """What joins the folds of a run by its suite: their `mean`, or their `pooled` clips."""
    metrics = result.suite.definition.get("metrics")
    return str(metrics.get("folds", "mean")) if isinstance(metrics, dict) else "mean"


def banners(result: Result) -> list[Badge]:
    """What must be known before any figure is read."""
    data, marks = result.dataset, []
    if data.synthetic:
        marks.append(
            Badge(
                "synthetic",
                f"Synthetic data: {data.name}",
                "Made by the embedded generator: not comparable with real recordings or with published figures.",
            )
        )
    if data.limit is not None:
        marks.append(
            Badge("warn", "Limit used", f"Run with --limit {data.limit}: the figures are about a subset of the data.")
        )
    incomplete = [cell for cell in result.cells if not cell.complete]
    if incomplete:
        total = len(result.cells)
        words = (
            f"{count(len(incomplete))} of {count(total)} conditions lack clips" if total > 1 else "Clips are missing"
        )
        marks.append(Badge("fail", "Incomplete", f"{words}; figures are over the clips that were scored."))
    if result.failures:
        marks.append(
            Badge("fail", f"{count(len(result.failures))} failures", "Clips without a prediction, listed below.")
        )
    failed = [check for check in result.checks if check.status == "fail"]
    if failed:
        marks.append(
            Badge("fail", f"{count(len(failed))} checks failed", "; ".join(check.name for check in failed[:5]))
        )
    seen = sorted({cell.condition.name for cell in result.cells if cell.condition.seen_in_training})
    if seen:
        names = ", ".join(terms.plain(name) for name in seen)
        marks.append(Badge("note", "Seen in training", f"The model was trained with: {names}."))
    return marks


def incomplete(result: Result) -> str | None:
    """What a run lacks, in words; None where every clip has a prediction in every cell.

    A run that lacks clips is never ranked: what failed may well be what was hard.
    """
    lost = [cell for cell in result.cells if not cell.complete]
    if not lost:
        return f"{count(len(result.failures))} failures" if result.failures else None
    worst = max(lost, key=lambda cell: cell.counts.failed / max(cell.counts.clips, 1))
    more = f" and of {count(len(lost) - 1)} more conditions" if len(lost) > 1 else ""
    where = "" if len(result.cells) == 1 else f" of {terms.within(terms.condition(worst.condition))}"
    return f"{count(worst.counts.failed)} of {count(worst.counts.clips)} clips{where}{more} failed"


def badges(result: Result) -> list[Badge]:
    """The same, short enough for a table row."""
    marks = []
    if result.dataset.synthetic:
        marks.append(Badge("synthetic", "synthetic", "Synthetic data"))
    if lack := incomplete(result):
        marks.append(Badge("fail", "incomplete", f"Clips without a prediction, so it is not ranked: {lack}"))
    if result.dataset.limit is not None:
        marks.append(Badge("warn", "limit used", f"--limit {result.dataset.limit}"))
    attacked = {cell.key for cell in result.cells if cell.condition.kind == "attack"}
    failed = [check for check in result.checks if check.status == "fail"]
    # Features are never ranked, whatever their checks say.
    heard = [cell for cell in result.cells if not terms.on_features(cell.condition)]
    lost = any(not cell.ranked for cell in heard if cell.condition.kind == "attack")
    if lost or any("attack" in check.name.lower() or check.cell in attacked for check in failed):
        marks.append(Badge("fail", "attack checks failed", "A sanity check of the attack failed"))
    elif failed:
        marks.append(Badge("fail", "checks failed", "; ".join(check.name for check in failed[:5])))
    if energy_kind(result.profile) == "estimated":
        marks.append(Badge("note", "estimated energy", "Energy is estimated, not measured"))
    if any(cell.condition.seen_in_training for cell in result.cells):
        marks.append(Badge("note", "seen in training", "A perturbation of this suite was seen in training"))
    verified = [check for check in result.checks if check.name.startswith("verify:")]
    if verified and all(check.status == "pass" for check in verified):
        marks.append(Badge("pass", "reference-verified", verified[0].message))
    return marks


def by_budget(cell: Cell) -> bool:
    """An attack whose strength is a budget, not a severity."""
    return cell.condition.kind == "attack" and cell.condition.severity is None


def budget(cell: Cell) -> float:
    """The budget of an attacked cell, in the unit of its threat model."""
    return float(cell.condition.parameter or 0.0)


def energy_kind(profile: dict[str, Any]) -> str:
    """How the profile's energy is known.

    Examples
    --------
    >>> energy_kind({"energy": {"kwh": 1e-3, "estimated": True}}), energy_kind({"energy": {"reason": "no meter"}})
    ('estimated', 'none')
    >>> energy_kind({"energy": {"joules_per_inference": {"value": 2.0, "unit": "J"}, "method": "measured"}})
    'measured'
    """
    energy = profile.get("energy")
    if not isinstance(energy, dict):
        return "none"
    stack: list[Any] = [energy]
    known = False
    while stack:
        part = stack.pop()
        if isinstance(part, dict):
            if part.get("estimated") is True or "estimat" in str(part.get("method", "")).lower():
                return "estimated"
            known = known or isinstance(part.get("value"), (int, float)) or "kwh" in part
            stack += part.values()
    return "measured" if known else "none"


def _detail(cell: Cell, result: Result) -> Detail:
    named = {terms.group(key)[0] for key in cell.groups}
    rows: dict[str, list[GroupRow]] = {}
    summaries: dict[str, list[GroupRow]] = {}
    for key, metrics in cell.groups.items():
        if not metrics:
            continue  # a family may have classes and say nothing of each
        family, member = terms.group(key)
        base, kind = terms.kind_of(family, named)
        row = GroupRow(terms.member(base, kind, member), metrics, pooled=bool(kind))
        # A gap or a spread is not on the axis of the figures that it compares.
        side = rows if kind in ("", "pooled", "mean") else summaries
        side.setdefault(base, []).append(row)
    tables = {base: _table(base, rows.get(base, []), summaries.get(base, []), result.primary) for base in rows}
    title = terms.condition(cell.condition)
    return Detail(
        cell=cell,
        anchor=cell.key,
        title=f"{terms.task(cell.task)}, split {cell.split}, {title[:1].lower()}{title[1:]}",
        devices=tables.pop("device", None),
        classes=tables.pop("class", None),
        others=list(tables.values()),
        matrices=cell.matrices,
    )


def _table(base: str, rows: list[GroupRow], summary: list[GroupRow], primary: str) -> GroupTable:
    names = list(dict.fromkeys(name for row in rows for name in row.metrics))
    # The figure that is drawn: the one that ranks, or the first fraction where a group has no such figure.
    fractions = (name for row in rows for name, value in row.metrics.items() if value.unit == "fraction")
    lead = primary if primary in names else next(fractions, names[0] if names else "")
    names = [lead, *(name for name in names if name != lead)] if names else []
    names += [name for name in dict.fromkeys(n for row in summary for n in row.metrics) if name not in names]
    drawn = [row.metrics[lead] for row in rows if lead in row.metrics]
    unit = drawn[0].unit if drawn else ""
    ends = domain([part for value in drawn for part in (value.value, value.low, value.high)], unit)
    rows = sorted(rows, key=lambda row: row.pooled)
    # What is asked first stands first: gaps, the worst, then spreads.
    summary = sorted(summary, key=lambda row: (not row.label.startswith("Gap"), row.label.startswith("Standard")))
    return GroupTable(base, terms.plain(base) if base else "Group", names, rows, summary, ends)


def _profile(profile: dict[str, Any]) -> Iterator[ProfileRow]:
    for part, content in profile.items():
        if part != "attention":  # drawn in a section of its own
            yield from profile_rows(part, "", content)


def profile_rows(part: str, name: str, content: Any) -> Iterator[ProfileRow]:
    """Rows of a table for a part of a profile, however deep its figures lie."""
    if not isinstance(content, dict):
        yield ProfileRow(terms.plain(part), terms.plain(name), _scalar(content), "")
    elif "value" in content:
        unit = str(content.get("unit") or "")
        known = isinstance(content["value"], (int, float)) and not isinstance(content["value"], bool)
        text = number(content["value"], unit) if known else _scalar(content["value"])
        rest = {
            key: value for key, value in content.items() if key not in ("value", "unit") and value not in (None, "")
        }
        note = "; ".join(f"{terms.plain(key)}: {_scalar(value)}" for key, value in rest.items())
        yield ProfileRow(terms.plain(part), terms.plain(name), text, note)
    elif not content or set(content) == {"reason"}:
        yield ProfileRow(terms.plain(part), terms.plain(name), number(None), str(content.get("reason", "not measured")))
    else:
        for key, value in content.items():
            yield from profile_rows(part, f"{name} {key}".strip(), value)


def _scalar(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return count(value)
    if isinstance(value, float):
        if value.is_integer():
            return count(int(value))
        return number(value) if not math.isfinite(value) or abs(value) >= 0.01 or value == 0 else f"{value:.3g}"
    if isinstance(value, (list, tuple)):
        return ", ".join(_scalar(item) for item in value)
    if isinstance(value, dict):
        return ", ".join(f"{key} {_scalar(item)}" for key, item in value.items())
    return number(None) if value is None else str(value)
