"""Timelines and curves that a run kept, as its page shows them."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from markupsafe import Markup

from benchbed.report import terms
from benchbed.report.charts.bars import MOST, bars
from benchbed.report.charts.roc import roc
from benchbed.report.charts.thresholds import threshold_chart
from benchbed.report.charts.timeline import Picture, timeline
from benchbed.report.figures import number
from benchbed.report.island import anchor
from benchbed.report.listening import Clips, ClipSounds, apart
from benchbed.report.view import GroupTable
from benchbed.results.captions import KeptCaptions, read_captions
from benchbed.results.curves import Curves, Roc, RocLine, ThresholdCurves, read_curves
from benchbed.results.directions import KeptDirections, read_directions
from benchbed.results.rankings import KeptRankings, read_rankings
from benchbed.results.record import Cell, Matrix, Result, Value
from benchbed.results.timelines import CellTimelines, Timeline, Timelines, read_timelines

#: Bars that the charts of one table of classes may have together; metrics beyond are in the table only.
BARS = 400
#: Rows from which on a matrix is folded in.
LONG = 30
#: Outputs that have curves, and those that have timelines.
_CURVED, _TIMED = ("frames", "tags"), ("frames",)


@dataclass(frozen=True)
class KeptDrawings:
    """What a run kept beside its record."""

    timelines: Timelines | None = None
    curves: Curves | None = None
    directions: KeptDirections | None = None
    rankings: KeptRankings | None = None
    captions: KeptCaptions | None = None


@dataclass(frozen=True)
class ChartChoice:
    """One of several charts, shown by its name."""

    name: str
    option: str
    title: str
    chart: Markup


@dataclass(frozen=True)
class Panel:
    """A chart with its heading, and a line below it."""

    title: str
    chart: Markup
    note: str = ""


@dataclass(frozen=True)
class Sweep:
    """The threshold charts of one way of counting."""

    title: str
    declared: list[str]
    curves: ThresholdCurves
    whole: list[Panel]
    classes: list[Panel]


@dataclass(frozen=True)
class CellPictures:
    """Everything drawn of one cell besides its tables."""

    rocs: list[Panel] = field(default_factory=list)
    sweeps: list[Sweep] = field(default_factory=list)


@dataclass(frozen=True)
class DrawnRecording:
    """One timeline."""

    shown: Timeline
    chart: Markup
    identity: str
    sound: ClipSounds | None = None


@dataclass(frozen=True)
class Told:
    """The timelines of one cell."""

    about: CellTimelines
    title: str
    recordings: list[DrawnRecording]


def read(run: Path) -> KeptDrawings:
    """What a run kept; nothing of runs from before it was kept.

    Raises
    ------
    ConfigError
        A file does not fit.
    """
    return KeptDrawings(
        read_timelines(run), read_curves(run), read_directions(run), read_rankings(run), read_captions(run)
    )


def lacking(result: Result, drawn: KeptDrawings) -> str:
    """What a page says about drawings that the run does not have, or an empty text."""
    missing = []
    tasks = {cell.task for cell in result.cells if cell.condition.kind == "clean"}
    if tasks & set(_TIMED) and drawn.timelines is None:
        missing.append("event timelines")
    if tasks & set(_CURVED) and drawn.curves is None:
        missing.append("curves over thresholds")
    if not missing:
        return ""
    return (
        f"This run kept no {' and no '.join(missing)}: it is older than they are, its outputs were lists of events, or "
        "nothing was there to be drawn. The suite, run again, adds them from the stored predictions."
    )


def class_bars(table: GroupTable, identity: str) -> list[ChartChoice]:
    """Sorted bars of every metric of a table of classes, the one that ranks first.

    A table of very many classes has charts of its first metrics only; its text has all.
    """
    found: list[ChartChoice] = []
    drawn = 0
    for name in table.metrics:
        rows = {row.label: row.metrics[name] for row in table.rows if name in row.metrics and not row.pooled}
        if len(rows) < 2 or all(value.value is None for value in rows.values()):
            continue
        drawn += min(len(rows), MOST)
        if found and drawn > BARS:
            break
        value = next(iter(rows.values()))
        named = terms.title(name, value)
        title = f"{named} by {table.title.lower()}{_unit(value)}"
        found.append(ChartChoice(name, named, title, bars(f"bars-{identity}-{anchor(name)}", title, rows)))
    return found


def _unit(value: Value) -> str:
    return ", %" if value.unit == "fraction" else f", {value.unit}" if value.unit not in ("", "score") else ""


def pictures(cell: Cell, curves: Curves | None) -> CellPictures:
    """The curves of a cell; a PSD-ROC that was not kept is read off the record's table, which every run has."""
    held = next((one for one in curves.cells if one.cell == cell.key), None) if curves else None
    identity = anchor(cell.key)
    rocs = {one.metric: one for one in held.rocs} if held else {}
    for name, matrix in cell.matrices.items():
        metric = name.removesuffix("_roc")
        if metric != name and metric not in rocs and (read := _read_off(metric, matrix, cell)) is not None:
            rocs[metric] = read
    return CellPictures(
        rocs=[_roc(one, cell, identity) for one in rocs.values()],
        sweeps=[_sweep(one, identity) for one in held.thresholds] if held else [],
    )


def _roc(one: Roc, cell: Cell, identity: str) -> Panel:
    title = f"PSD-ROC of {terms.title(one.metric, cell.metrics.get(one.metric))}"
    spread = f" less {one.alpha_st:g} × their standard deviation" if one.alpha_st else ""
    note = f"Rule {one.rule}. All classes: mean of the ratios{spread}."
    if one.left_out:
        note += f" {one.left_out} more classes, with fewer events, have no line."
    return Panel(title, roc(f"roc-{identity}-{anchor(one.metric)}", title, one.lines, one.max_rate), note)


def _read_off(metric: str, matrix: Matrix, cell: Cell) -> Roc | None:
    """A PSD-ROC from the record's table of evenly spaced rates, with the recorded scores as areas."""
    value = cell.metrics.get(metric)
    rates = [_float(text) for text in matrix.rows]
    if value is None or value.value is None or len(rates) < 2 or None in rates:
        return None
    known = [rate for rate in rates if rate is not None]
    lines = []
    for column, name in enumerate(matrix.columns):
        of = value if name == "all" else cell.groups.get(f"class={name}", {}).get(metric)
        if of is None or of.value is None:
            continue
        steps: list[tuple[float, float]] = []
        for rate, row in zip(known, matrix.values, strict=True):
            ratio = row[column]
            if ratio is not None and (not steps or ratio != steps[-1][1]):
                steps.append((rate, ratio))
        lines.append(
            RocLine(name=name, area=of.value, rates=[at for at, _ in steps], ratios=[ratio for _, ratio in steps])
        )
    alpha = _float(value.rule.partition("alpha_st-")[2].partition(":")[0]) or 0.0
    return Roc(metric=metric, rule=value.rule, max_rate=known[-1], alpha_st=alpha, lines=lines)


def _float(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _sweep(one: ThresholdCurves, identity: str) -> Sweep:
    name = anchor(one.what + "".join(f"{declared.prefix}{declared.rule}" for declared in one.declared))
    names = [terms.plain(declared.prefix.strip("_")) or "Declared" for declared in one.declared]
    whole: list[Panel] = []
    classes: list[Panel] = []
    for line in one.lines:
        mean = line.name in ("macro", "micro")
        title = {"macro": "Macro mean over classes", "micro": "All classes pooled (micro)"}.get(line.name, line.name)
        said = []
        for mark in line.at:
            if mark.f1 is not None:
                where = "own thresholds" if mark.threshold is None else f"{mark.threshold:.3g}"
                said.append(f"{number(mark.f1, 'fraction')} at {where}")
        if line.best_f1 is not None and line.best_threshold is not None:
            said.append(f"highest {number(line.best_f1, 'fraction')} at {line.best_threshold:.3g}")
        chart = threshold_chart(
            f"sweep-{identity}-{name}-{anchor(line.name)}",
            f"{title}: F1, precision and recall of {one.what} against the threshold",
            line,
            one.thresholds,
            large=mean,
        )
        (whole if mean else classes).append(Panel(title, chart, f"F1 {'; '.join(said)}." if said else ""))
    return Sweep(f"Threshold curves: {one.what}", names, one, whole, classes)


def told(drawn: KeptDrawings, result: Result, heard: Clips | None = None) -> list[Told]:
    """The timelines of a run, cell by cell, with what was kept of their sounds."""
    sounds = apart(heard)[1]
    frequency = heard.about.frequency if heard else 0.0
    titles = {cell.key: f"{terms.condition(cell.condition)}, split {cell.split}" for cell in result.cells}
    return [
        Told(
            about=cell,
            title=titles.get(cell.cell, cell.cell),
            recordings=[
                _recording(one, cell, sounds.get((cell.cell, one.clip_id)), frequency) for one in cell.timelines
            ],
        )
        for cell in (drawn.timelines.cells if drawn.timelines else [])
        if cell.timelines
    ]


def _recording(one: Timeline, cell: CellTimelines, sound: ClipSounds | None, frequency: float) -> DrawnRecording:
    identity = anchor(f"timeline/{cell.cell}/{one.clip_id}")
    picture = None
    if sound is not None:
        picture = Picture(sound.sounds[0].picture, sound.clip.seconds, min(frequency, sound.clip.sample_rate / 2))
    events = cell.measure == "F1"
    caption = f"{'Events' if events else 'Moments'} of {one.clip_id}"
    chart = timeline(f"lanes-{identity}", caption, one, cell.per, picture, "Class" if events else "Query")
    return DrawnRecording(one, chart, identity, sound)
