"""The history of one model: as text for a terminal, and as a page with a chart for every slice."""

from __future__ import annotations

from pathlib import Path

from benchbed.report import island, terms
from benchbed.report.charts.history import history_chart
from benchbed.report.figures import number, p_value, signed
from benchbed.report.page import render, write_page
from benchbed.results.conditions import spoken
from benchbed.results.history import HistoryChange, HistoryRecord, HistorySeries


def called(series: HistorySeries, record: HistoryRecord) -> str:
    """What a series is of, in words.

    Examples
    --------
    >>> about = dict(metric="accuracy", title="Accuracy", unit="fraction", direction="higher", values=[])
    >>> record = HistoryRecord(model="cnn", suite="s", dataset="d", primary="accuracy", alpha=0.05, runs=[], series=[])
    >>> called(HistorySeries(condition="clean", group="device=s4", **about), record)
    'Accuracy, clean, device s4'
    """
    parts = [series.title, spoken(series.condition, record.settings)]
    if series.group is not None:
        family, member = terms.group(series.group)
        parts.append(f"{family} {member}".strip())
    return ", ".join(parts)


def history_lines(record: HistoryRecord) -> list[str]:
    """The history line by line: the figure of all clips run by run, then what changed, slice by slice."""
    text = [f"{record.model} on {record.suite}, {record.dataset}: {len(record.runs)} runs", ""]
    text += [f"  {note}" for note in record.notes]
    whole = next((row for row in record.series if row.group is None), record.series[0])
    text.append(
        f"{called(whole, record)}{', %' if whole.unit == 'fraction' else f', {whole.unit}' if whole.unit else ''}"
    )
    starts = {change.at: change for change in whole.changes}
    for place, run in enumerate(record.runs):
        low, high = whole.lows[place], whole.highs[place]
        ends = "" if low is None or high is None else f"[{_plain(low, whole)}, {_plain(high, whole)}]"
        mark = _mark(starts[place], whole) if place in starts else ""
        text.append(f"  {run.when}  {run.short:9}  {_plain(whole.values[place], whole):>7}  {ends:16}  {mark}".rstrip())
    text.append("")
    shown = [row for row in record.series if row.changes]
    for row in shown:
        for change in row.changes:
            run = record.runs[change.at]
            where = f"{run.when} {run.short}".strip()
            text.append(f"{_mark(change, row)}  {called(row, record)}, from the run of {where} on")
    still = len(record.series) - len(shown)
    tested = [row for row in record.series if row.p is not None]
    if still:
        text.append(f"no change is shown in {still} of {len(record.series)} figures")
    text += [f"  {reason}" for reason in dict.fromkeys(row.reason for row in record.series if row.reason)]
    if tested:
        luck = max((row.luck or 0.0) for row in tested)
        told = f"; between runs that nobody changed, up to {_plain(luck, whole)} {_points(whole)}" if luck else ""
        text.append(f"p: best place of each history, corrected: {record.corrected}; α = {record.alpha:g}{told}")
    return ["".join(c if c.isprintable() else "\ufffd" for c in line) for line in text]


def _plain(value: float | None, row: HistorySeries) -> str:
    return number(value, row.unit, with_unit=False)


def _points(row: HistorySeries) -> str:
    return "points (standard deviation)" if row.unit == "fraction" else f"{row.unit} (standard deviation)".strip()


def _mark(change: HistoryChange, row: HistorySeries) -> str:
    sign = "▲ better" if change.better else "▼ worse"
    ends = f"[{signed(change.low, row.unit)}, {signed(change.high, row.unit)}]"
    points = " points" if row.unit == "fraction" else f" {row.unit}".rstrip()
    return f"{sign} {signed(change.difference, row.unit)}{points} {ends}, p = {p_value(change.p)}"


def write_history(record: HistoryRecord, path: Path) -> Path:
    """Write the page of a history: the figure of all clips first, then the slices that changed, then the rest."""
    first, *rest = sorted(record.series, key=lambda row: (row.group is not None, not row.changes))
    changed = [row for row in rest if row.changes]
    still = [row for row in rest if not row.changes]
    charts = {
        id(row): history_chart(f"h{place}", called(row, record), row, record.runs)
        for place, row in enumerate([first, *rest])
    }
    text = render(
        "history.html.j2",
        record=record,
        first=first,
        changed=changed,
        still=still,
        chart=lambda row: charts[id(row)],
        called=lambda row: called(row, record),
        mark=_mark,
        plain_value=_plain,
        island=island.island(record.model_dump()),
    )
    return write_page(path, text)
