"""Directions on the page: what is drawn where, in words and in a real browser, on a phone, in the dark, by keyboard."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from benchbed.report.charts.directions import direction_chart, stretch_rows
from benchbed.report.charts.sphere import sphere_map
from benchbed.report.drawings import KeptDrawings
from benchbed.report.page import report_html, write_report
from benchbed.report.placed import placed
from benchbed.results.directions import Directions, KeptDirections, Patch

EVIL = "</script><img src=x onerror=\"document.title='owned'\">"
CELL = "frames/validation/clean"


def figure(value: float | None, spread: float = 0.1, unit: str = "fraction", direction: str = "higher") -> dict:
    return {
        "value": value,
        "low": None if value is None else value - spread,
        "high": None if value is None else value + spread,
        "n": 7,
        "direction": direction,
        "unit": unit,
        "rule": "mean-over-frames-of-sources:distance",
        "title": {"degrees": "Localisation error"}.get(unit, "Found"),
        "reason": "no source was found" if value is None else None,
    }


def recording(label: str = "dog", why: str = "worst") -> dict:
    def stretch(state: str, first: float, last: float, azimuth: float) -> dict:
        return {
            "state": state,
            "onset": first,
            "offset": last,
            "azimuth": [[(first, azimuth), (last, azimuth)]],
            "elevation": [(first, 10), (last, 20)],
            "distance": [(first, 1.5), (last, 2.5)],
        }

    source = {
        "label": label,
        "reference": [stretch("found", 0, 2, 90), stretch("missed", 2, 3, 90), stretch("misplaced", 3, 4, 90)],
        "output": [stretch("right", 0, 2, 85), stretch("misplaced", 3, 4, -90), stretch("false", 6, 8, 0)],
        "swaps": [3.5],
        "missed": 1.0,
        "misplaced": 1.0,
        "false": 2.0,
        "error": 35.5,
    }
    return {
        "clip_id": f"audio/{label}.wav",
        "why": why,
        "f20": 0.25,
        "seconds": 30,
        "start": 0,
        "stop": 10,
        "left_out": 1,
        "sources": [source],
    }


def kept(label: str = "dog") -> KeptDirections:
    bins = [
        {
            "name": name,
            "low": low,
            "high": low + 1 if low < 2 else None,
            "frames": 100,
            "figures": {"found": figure(share), "angle": figure(error, 5, "degrees", "lower")},
        }
        for name, low, share, error in (
            ("0 to 1 m", 0, 0.8, 10.0),
            ("1 to 2 m", 1, 0.6, 20.0),
            ("from 2 m", 2, 0.0, None),
        )
    ]
    patch = {"frames": 50, "found": 0.5, "there": (15, 10), "said": (-20, 5)}
    sphere = [
        {"azimuth": (0, 30), "elevation": (0, 30), "error": 36.4, **patch},
        {"azimuth": (-180, -150), "elevation": (-90, -60), "error": None, **patch},
    ]
    cell = {
        "cell": CELL,
        "rule": "pair-of-a-frame:seld2022:frame:20deg",
        "by": "micro_f20:seld2022:segment:20deg",
        "recordings": 12,
        "median_f20": 0.5,
        "swaps": 1,
        "shown": [recording(label), recording(f"{label} again", "typical")],
        "breakdowns": [{"by": "distance", "unit": "m", "bins": bins}],
        "sphere": sphere,
    }
    return KeptDirections.model_validate({"format": 1, "cells": [cell]})


def test_a_recording_is_drawn_and_said(detector) -> None:
    one = Directions.model_validate(recording())
    chart = direction_chart("d", "a.wav", one)
    # Three panels with all six stretches and the change of identity; a cross where an output has no source.
    for side, state in (("there", "found"), ("there", "missed"), ("said", "right"), ("said", "false")):
        assert chart.count(f'class="{side} {state} s0"') == 3, state
    assert chart.count('class="cross s0"') == 3 and chart.count('class="swapped s0"') == 3
    assert "dog: missed 1 s, in another place 1 s, false 2 s, mean error 35.5 degrees, 1 changes of identity." in chart
    rows = stretch_rows(one)
    assert rows[0] == ("dog", "reference", "0.0", "2.0", "90", "10 to 20", "1.50 to 2.50", "found")
    assert [row[-1] for row in rows] == [
        "found",
        "missed",
        "in another place",
        "right",
        "in another place",
        "no such source",
    ]


def test_without_elevation_and_distance_there_is_one_panel() -> None:
    plain = recording()
    for side in ("reference", "output"):
        for stretch in plain["sources"][0][side]:
            del stretch["elevation"], stretch["distance"]
    chart = direction_chart("d", "a.wav", Directions.model_validate(plain))
    assert "Azimuth" in chart and "Elevation" not in chart and "Distance" not in chart


def test_the_farthest_source_is_not_cut_by_the_edge() -> None:
    far = recording()
    for side in ("reference", "output"):
        for stretch in far["sources"][0][side]:
            stretch["distance"] = [(stretch["onset"], 1.75), (stretch["offset"], 1.75)]
    chart = str(direction_chart("d", "a.wav", Directions.model_validate(far)))
    top = max(float(y) for y in re.findall(r'class="grid" d="M[\d.]+ ([\d.]+)V', chart))
    bands = [float(y) for y in re.findall(r'class="there found s0"[^>]*?d="M[\d.]+ ([\d.]+)', chart)]
    assert len(bands) == 3 and bands[-1] > top + 3


def test_the_map_shows_the_left_to_the_left() -> None:
    patch = {"elevation": (0, 30), "frames": 5, "error": 5.0, "found": 1.0, "there": (0, 0), "said": (0, 0)}
    places = {}
    for turn in (-105, -15, 75):
        one = Patch.model_validate({"azimuth": (turn, turn + 30), **patch})
        shape = sphere_map("s", "Errors", [one]).partition('class="field"')[2].partition(' d="M')[2]
        places[turn] = float(shape.partition(" ")[0])
    assert places[75] < places[-15] < places[-105]
    empty = sphere_map("s", "Errors", [])
    assert "None was found" in empty


def test_the_page_says_what_it_draws(detector) -> None:
    text = report_html(detector(), drawn=KeptDrawings(directions=kept()))
    assert 'id="directions"' in text and 'href="#directions"' in text and "Map of errors" in text
    for words in (
        "median 50.0",
        "1 changes of identity",
        "0–10 s of 30 s",
        "1 more classes",
        "from 2 m",
        "no source was",
    ):
        assert words.replace("%", "") in text.replace("\u202f", " "), words
    assert 'id="directions"' not in report_html(detector())
    (cell,) = placed(kept(), detector())
    assert [panel.title for panel in cell.by_place[0].panels] == [
        "Localisation error by distance",
        "Found, and found in its place by distance",
    ]
    # A bin without a figure has no point: two of three.
    assert "from 10.0" in cell.by_place[0].panels[0].chart and "to 20.0" in cell.by_place[0].panels[0].chart


def test_names_are_escaped(detector) -> None:
    text = report_html(detector(), drawn=KeptDrawings(directions=kept(EVIL)))
    assert "<img src=x" not in text and "&lt;img" in text


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory, detector) -> str:
    path = Path(tmp_path_factory.mktemp("placed")) / "report.html"
    return write_report(detector(EVIL), path, drawn=KeptDrawings(directions=kept(EVIL))).as_uri()


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [400, 1280])
def test_it_is_all_in_sight(visit, address, width, scheme) -> None:
    page = visit(address, viewport={"width": width, "height": 800}, color_scheme=scheme)
    assert page.title() != "owned"
    page.evaluate("document.querySelectorAll('details').forEach((part) => { part.open = true; })")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    charts = page.locator("svg.tracks")
    assert charts.count() == 2 and charts.first.bounding_box()["width"] >= 500
    # A stretch stands where its time is: 0…2 s of 10 s, and lines are seen on their ground.
    box, found = charts.first.bounding_box(), page.locator("svg.tracks .said.right").first.bounding_box()
    assert found["width"] == pytest.approx(0.2 * (720 - 46 - 10) / 720 * box["width"], rel=0.02)
    look = "(line) => [getComputedStyle(line).stroke, getComputedStyle(document.body).backgroundColor]"
    line, ground = page.locator("svg.tracks .said.right").first.evaluate(look)
    assert line not in ("none", ground)
    dashes = "(line) => getComputedStyle(line).strokeDasharray"
    assert page.locator("svg.tracks .said.right").first.evaluate(dashes) == "none"
    for state in ("said.misplaced", "said.false", "there.missed"):
        assert page.locator(f"svg.tracks .{state}").first.evaluate(dashes) != "none", state
    fill = "(field) => getComputedStyle(field).fill"
    assert page.locator("svg.globe-map .field").first.evaluate(fill) not in ("rgb(0, 0, 0)", ground)
    assert page.locator("svg.globe-map text.told").all_text_contents() == ["36", "–"]
    assert page.locator(".heat td", has_text="36.4").count() == 1


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_accessibility_rules(chromium, axe, address, scheme) -> None:
    context = chromium.new_context(color_scheme=scheme, bypass_csp=True)
    page = context.new_page()
    page.goto(address)
    page.evaluate("document.querySelectorAll('details').forEach((part) => { part.open = true; })")
    page.add_script_tag(content=axe)
    found = page.evaluate("axe.run()")
    context.close()
    broken = [(rule["id"], [node["html"][:160] for node in rule["nodes"][:3]]) for rule in found["violations"]]
    assert broken == []
