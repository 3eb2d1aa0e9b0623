"""Bars, PSD-ROC, threshold curves and timelines: to scale, readable without colour, whole without their files."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from markupsafe import Markup

from benchbed.errors import BenchbedError
from benchbed.report import drawings
from benchbed.report.charts.bars import MOST, bars, ordered
from benchbed.report.charts.roc import roc
from benchbed.report.charts.thresholds import threshold_chart
from benchbed.report.charts.timeline import Picture, event_rows, timeline
from benchbed.report.drawings import KeptDrawings
from benchbed.report.leaderboard import write_leaderboard
from benchbed.report.page import report_html
from benchbed.report.view import run_view
from benchbed.results import curves, timelines
from benchbed.results.curves import AtThreshold, RocLine, ThresholdLine
from benchbed.results.record import Value
from benchbed.results.timelines import Stretch, Timeline, Track, write_kept
from benchbed.seal import seal

EVIL = "</title><script>\"&'\u202e"


def figure(value, low=None, high=None, unit="fraction", direction="higher"):
    return Value(value=value, low=low, high=high, n=1, direction=direction, unit=unit, rule="r")


def elements(text: str, kind: str) -> list[ET.Element]:
    """Elements of a class, of markup that must be well formed."""
    root = ET.fromstring(f"<div>{text}</div>")
    return [part for part in root.iter() if kind in (part.get("class") or "").split()]


def words(text: str, kind: str) -> list[str | None]:
    """Texts of a column of a chart."""
    (column,) = elements(text, kind)
    return [one.text for one in column]


def test_bars_are_sorted_and_to_scale():
    rows = {"cat": figure(0.25, 0.0, 0.5), "a dog": figure(1.0), "emu": figure(None), "fox": figure(0.5, 0.25, 0.75)}
    text = bars("b", "F1 by class", rows)
    drawn = elements(text, "bar")
    start, widths = {float(one.get("x")) for one in drawn}, [float(one.get("width")) for one in drawn]
    assert len(start) == 1 and widths == pytest.approx([widths[0], widths[0] / 2, widths[0] / 4], abs=0.1)
    assert words(text, "names") == ["a dog", "fox", "cat", "emu"]
    left, whole = start.pop(), widths[0]
    low, high = re.match(r"M([\d.]+) [\d.]+H([\d.]+)", elements(text, "iv")[0].get("d")).groups()
    assert [float(low), float(high)] == pytest.approx([left + whole / 4, left + 3 * whole / 4], abs=0.1)
    assert len(elements(text, "iv")) == 2
    assert words(text, "figures") == ["100.0", "50.0", "25.0", "–"]
    assert "the best on top: a dog 100.0\u202f%, last cat 25.0\u202f%" in text and "1 have no figure" in text


def test_where_lower_is_better_the_lowest_is_on_top():
    rows = {name: figure(value, unit="nats", direction="lower") for name, value in (("a", 2.0), ("b", 0.5), ("c", 1.0))}
    assert [name for name, _ in ordered(rows)] == ["b", "c", "a"]


def test_negative_figures_hang_on_zero():
    text = bars("b", "d′", {"a": figure(-1.0, -2.0, 0.0, "d′"), "b": figure(1.0, 0.5, 1.5, "d′")})
    up, down = elements(text, "bar")
    assert float(down.get("x")) + float(down.get("width")) == pytest.approx(float(up.get("x")), abs=0.15)


def test_of_very_many_bars_both_ends_are_drawn():
    text = bars("b", "AP", {f"c{i:03d}": figure(i / 600) for i in range(527)})
    names = words(text, "names")
    assert len(names) == len(elements(text, "bar")) == MOST
    assert names[0] == "c526" and names[-1] == "c000" and "… 487 between …" in text


def test_no_name_runs_out_of_the_chart():
    text = bars("b", "F1", {"x" * 80: figure(0.5), "y": figure(0.4)})
    assert {len(one) for one in words(text, "names")} == {28, 1}


def test_a_roc_steps_where_the_file_says():
    lines = [
        RocLine(name="all", area=0.3, rates=[0.0, 50.0], ratios=[0.2, 0.4]),
        RocLine(name="dog", area=0.0, rates=[], ratios=[]),
    ]
    text = roc("r", "PSDS1", lines, 100.0)
    (whole,) = elements(text, "line")[-1:]
    assert whole.get("class") == "line whole"
    # Up at the very left, level to the middle, up, level to the right edge.
    numbers = [float(n) for n in re.findall(r"[\d.]+", whole.get("d"))]
    left, foot, first, middle, second, right = numbers
    assert middle == pytest.approx((left + right) / 2) and (foot - second) == pytest.approx(2 * (foot - first))
    assert elements(text, "thin")[0].get("d") == f"M{left:g} {foot:g}H{right:g}"
    assert "all classes 30.0\u202f%, dog 0.0\u202f%" in text and "All classes 30.0" in text


def test_names_beside_a_roc_do_not_overlap():
    lines = [RocLine(name=f"class {i}", area=0.9, rates=[0.0], ratios=[0.9]) for i in range(30)]
    text = roc("r", "PSDS2", lines, 100.0)
    height = int(re.search(r'viewBox="0 0 \d+ (\d+)"', text)[1])
    places = sorted(float(one.get("y")) for one in elements(text, "name"))
    assert len(places) == 30 and all(b - a >= 12 for a, b in pairwise(places))
    assert places[0] >= 8 and places[-1] <= height


def test_threshold_curves_break_where_a_figure_is_undefined():
    line = ThresholdLine(
        name="dog",
        references=1,
        f1=[0.0, 1.0, 0.0],
        precision=[0.5, None, None],
        recall=[1.0, 1.0, 0.0],
        at=[AtThreshold(threshold=0.25, f1=0.5, precision=None, recall=1.0)],
        best_threshold=0.5,
        best_f1=1.0,
    )
    text = threshold_chart("t", "dog", line, [0.0, 0.5, 1.0])
    shown = [one.get("class") for one in elements(text, "line")]
    # A single point makes no line.
    assert shown == ["line t-recall", "line t-f1"]
    (spot,), (mark,) = elements(text, "spot"), elements(text, "declared")
    f1 = [float(n) for n in re.findall(r"[\d.]+", elements(text, "t-f1")[0].get("d"))]
    assert float(spot.get("cx")) == pytest.approx((f1[0] + f1[2]) / 2) and f"M{spot.get('cx')} " in mark.get("d")
    assert float(spot.get("cy")) == pytest.approx((f1[1] + f1[3]) / 2)
    assert "At the declared 0.25: F1 50.0\u202f%, Recall 100.0\u202f%." in text
    assert "highest drawn F1 is 100.0\u202f% at 0.5" in text


def test_a_level_stretch_needs_its_ends_only():
    figures = {"precision": [None] * 5, "recall": [1.0, 1.0, 0.0, 0.0, 1.0], "at": []}
    line = ThresholdLine(name="dog", references=1, f1=[0.5, 0.5, 0.5, 0.5, 1.0], **figures)
    text = threshold_chart("t", "dog", line, [0.0, 0.25, 0.5, 0.75, 1.0])
    f1, recall = (elements(text, f"t-{name}")[0].get("d").count("L") for name in ("f1", "recall"))
    assert (f1, recall) == (2, 4)


def test_a_mean_over_own_thresholds_is_a_level_line():
    line = ThresholdLine(
        name="macro",
        references=9,
        f1=[0.0, 0.5],
        precision=[None, None],
        recall=[1.0, 0.0],
        at=[AtThreshold(threshold=None, f1=0.75, precision=None, recall=None)],
    )
    text = threshold_chart("t", "Macro", line, [0.0, 1.0], large=True)
    assert not elements(text, "spot") and "H" in elements(text, "declared")[0].get("d")
    assert "each class's own threshold" in "".join(ET.fromstring(text).itertext())


def told(**changes) -> Timeline:
    part = Stretch(onset=105, offset=110, lost=[(106, 108)])
    track = Track(
        label="dog",
        reference=[Stretch(onset=102, offset=104), part],
        output=[Stretch(onset=101, offset=102, lost=[(101, 102)])],
        missed=2,
        false=1,
        threshold=0.5,
        scores=[0, 100],
    )
    given = {"clip_id": "a.wav", "why": "worst", "f1": 0, "seconds": 300, "start": 100, "stop": 120, "tracks": [track]}
    return Timeline(**(given | changes))


def test_lanes_are_to_scale_and_tell_errors_by_more_than_colour():
    text = timeline("t", "Events of a.wav", told(), "segment")
    whole, part, hole, false = elements(text, "ev")
    assert [one.get("style") for one in (whole, part, hole, false)] == [
        "left:10%;width:10%",
        "left:25%;width:25%",
        "left:30%;width:10%",
        "left:5%;width:5%",
    ]
    assert [one.get("class") for one in (whole, hole, false)] == ["ev", "ev lost", "ev lost"]
    assert [one.get("title").split(",")[0] for one in (whole, part, hole, false)] == [
        "found",
        "found",
        "missed",
        "false alarm",
    ]
    (said,) = [one.text for one in elements(text, "time")[1].iter("span") if one.get("class") == "vh"]
    assert said == (
        "reference: 102.00 to 104.00 s found; 105.00 to 110.00 s missed 106.00–108.00 s. "
        "output: 101.00 to 102.00 s false alarm."
    )
    assert [one.text for one in elements(text, "num")[2:]] == ["2", "1"]
    assert "Missed, s" in text and "Missed, s" not in timeline("t", "c", told(), "event")
    ticks = [one.text for one in elements(text, "axis")[0]]
    assert ticks == ["100", "105", "110", "115", "120 s"]


def test_scores_and_their_threshold_are_drawn_upwards():
    (score,) = elements(timeline("t", "c", told(), "event"), "score")
    area, limit = list(score)
    assert area.get("d") == "M0 100H1V0H2V100Z" and limit.get("d") == "M0 50H2"
    silent = told(tracks=[Track(label="dog", output=[Stretch(onset=101, offset=102)])])
    assert not elements(timeline("t", "c", silent, "event"), "score")


def test_a_spectrogram_lies_on_the_axis_of_the_lanes():
    picture = Picture(Markup("data:image/png;base64,AA"), 10.0, 8000.0)
    (image,) = ET.fromstring(timeline("t", "c", told(), "event", picture)).iter("img")
    assert image.get("style") == "width:50%" and image.get("alt") == "Spectrogram, 0 to 8 kHz, from 100 s"
    longer = timeline("t", "c", told(), "event", replace(picture, seconds=99))
    assert "width:100%" in longer and "<img" not in timeline("t", "c", told(), "event")


def test_every_event_stands_in_the_table_of_times():
    assert event_rows(told()) == [
        ("dog", "reference", "102.00", "104.00", "found"),
        ("dog", "reference", "105.00", "110.00", "missed 106.00–108.00 s"),
        ("dog", "output", "101.00", "102.00", "false alarm"),
    ]


def test_hostile_names_stay_text(drawn, detector):
    rows = {EVIL: figure(0.5, 0.4, 0.6), "b": figure(0.1)}
    line = RocLine(name=EVIL, area=0.5, rates=[0.0], ratios=[0.5])
    sweep = ThresholdLine(
        name=EVIL,
        references=1,
        f1=[0.1, 0.2],
        precision=[None, None],
        recall=[0.1, 0.2],
        at=[AtThreshold(threshold=0.5, f1=0.1, precision=None, recall=0.1)],
    )
    evil = told(clip_id=EVIL, tracks=[Track(label=EVIL, output=[Stretch(onset=101, offset=102)])])
    for text in (
        bars("b", EVIL, rows),
        roc("r", EVIL, [line], 100),
        threshold_chart("t", EVIL, sweep, [0, 1]),
        timeline("t", EVIL, evil, "event"),
    ):
        root = ET.fromstring(f"<div>{text}</div>")
        assert not list(root.iter("script")) and EVIL in "".join(root.itertext())
    page = report_html(detector(EVIL), drawn=drawn(EVIL, (EVIL, "b", "c")))
    assert "</title><script>" not in page.replace("</title>\n<style>", "")


def test_every_metric_of_the_classes_can_be_shown(result, detector):
    (detail,) = run_view(detector()).details
    found = drawings.class_bars(detail.classes, "x")
    assert [one.name for one in found] == ["psds1", "event_f1", "event_error_rate"]
    assert found[0].title == "PSDS1 by class, %" and found[2].title.endswith(", errors per reference")
    assert [len(elements(one.chart, "bar")) for one in found] == [3, 2, 3]
    (scenes,) = run_view(result()).details
    assert [one.name for one in drawings.class_bars(scenes.classes, "x")] == ["accuracy", "log_loss"]


def test_charts_of_very_many_classes_stay_few(detector):
    record = detector()
    record.cells[0].groups = {f"class=c{i}": {f"m{k:02d}": figure(i / 200) for k in range(30)} for i in range(200)}
    (detail,) = run_view(record).details
    found = drawings.class_bars(detail.classes, "x")
    assert len(found) == drawings.BARS // MOST and sum(len(one.chart) for one in found) < 200_000


def test_a_page_shows_what_was_kept(detector, drawn):
    text = report_html(detector(), drawn=drawn())
    assert 'id="timelines"' in text and 'href="#timelines"' in text and 'id="lacking"' not in text
    assert text.count('class="recording"') == 2 and "Times of the 5 events" in text
    assert text.count('class="chart large"') == 2 and text.count("Threshold curves: events") >= 1
    assert "200–320 s of 400 s" in text and "2 more classes with fewer events are left out" in text
    assert "Chosen among 74 recordings" in text and "median 66.7\u202f%" in text
    assert "PSD-ROC of PSDS1: the figures at 3 points" not in text


def test_long_tables_behind_a_chart_are_folded_in(detector, drawn):
    record = detector()
    table = record.cells[0].matrices["psds1_roc"]
    table.rows = [f"{i}" for i in range(101)]
    table.values = [[0.2, 0.3, 0.4, 0.5]] * 101
    assert "<summary>PSD-ROC of PSDS1: the figures at 101 points</summary>" in report_html(record, drawn=drawn())


def test_an_older_run_says_what_it_lacks_and_still_has_its_roc(detector, tmp_path):
    assert drawings.read(tmp_path) == KeptDrawings(None, None)
    text = report_html(detector(), drawn=drawings.read(tmp_path))
    assert "This run kept no event timelines and no curves over thresholds" in text and 'id="timelines"' not in text
    (lines,) = re.findall(r'<svg class="chart broad".*?</svg>', text)
    # From the record's own table: classes with a figure, and the recorded scores beside them.
    assert lines.count('class="line thin') == 3 and "Running_water 25.0" in lines and "All classes 30.0" in lines
    assert text == report_html(detector())


def test_a_table_that_is_no_roc_stays_a_table(detector):
    record = detector()
    record.cells[0].matrices["psds1_roc"].rows = ["low", "middle", "high"]
    assert 'class="chart broad"' not in report_html(record)


def test_scenes_and_tags_say_nothing_that_does_not_concern_them(result, detector):
    assert 'id="lacking"' not in report_html(result())
    tags = detector()
    tags.cells[0].task = "tags"
    text = report_html(tags)
    assert "This run kept no curves over thresholds:" in text


def test_a_site_is_built_from_older_and_newer_runs(detector, drawn, tmp_path):
    runs = []
    for name in ("old", "new"):
        folder = tmp_path / name
        folder.mkdir()
        runs.append((folder, detector(name)))
    write_kept(drawn().timelines, tmp_path / "new", timelines.NAME)
    write_kept(drawn().curves, tmp_path / "new", curves.NAME)
    write_leaderboard(runs, tmp_path / "site")
    pages = {page.name.split("-")[0]: page.read_text() for page in (tmp_path / "site" / "runs").glob("*.html")}
    told = {name: ("This run kept no" in text, 'id="timelines"' in text) for name, text in pages.items()}
    assert told == {"old": (True, False), "new": (False, True)}


def test_what_is_kept_comes_back_as_it_was(drawn, tmp_path):
    kept = drawn()
    write_kept(kept.timelines, tmp_path, timelines.NAME)
    write_kept(kept.curves, tmp_path, curves.NAME)
    assert drawings.read(tmp_path) == kept and drawings.read(tmp_path / "result.json") == kept
    write_kept(None, tmp_path, timelines.NAME)
    assert drawings.read(tmp_path).timelines is None
    assert sorted(path.name for path in tmp_path.iterdir()) == [curves.NAME]


@pytest.mark.parametrize("name", [timelines.NAME, curves.NAME])
@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("{", "not as benchbed wrote it"),
        ("[]", "not as benchbed wrote it"),
        ('{"format": 1, "cells": []}', "does not open with its digest"),
        (seal('{"format": 1, "cells": [{"odd": 1}]}'), "cannot be read"),
        (seal('{"format": 2, "cells": []}'), "layout version 2"),
        (" " * (timelines.LARGEST + 1), "too many for a page"),
    ],
    ids=["broken", "list", "unsealed", "fields", "version", "size"],
)
def test_a_file_that_does_not_fit_is_one_clear_error(tmp_path: Path, name, content, says):
    (tmp_path / name).write_text(content)
    with pytest.raises(BenchbedError, match=says) as caught:
        drawings.read(tmp_path)
    assert name in str(caught.value.where) and "run the suite again" in (caught.value.hint or "")
