"""Names in scatter plots: all of them stand there, the best first, and nothing runs through one."""

from __future__ import annotations

import itertools
import math
import re
import xml.etree.ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchbed.report.charts import labels
from benchbed.report.charts.scatter import CROWD, Dot, scatter
from benchbed.results.record import Value

AREA = (50.0, 0.0, 400.0, 240.0)
points = st.lists(st.tuples(st.floats(60, 380), st.floats(10, 230)), min_size=1, max_size=25)
NAME = st.text(alphabet="abcdefgh_0123456789", min_size=1, max_size=34)


def figure(value: float, width: float = 0.02, direction: str = "higher") -> Value:
    bounds = {"low": value - width, "high": value + width}
    return Value(value=value, n=9, direction=direction, unit="fraction", rule="r", **bounds)


def boxes(found: list[labels.PlacedName]) -> list[labels.Box]:
    return [(one.x, one.y - 9, one.x + labels.width(one.text), one.y + 3) for one in found]


@settings(max_examples=40, deadline=None)
@given(points, st.data())
def test_nothing_runs_through_a_name(places, data):
    names = data.draw(st.lists(NAME, min_size=len(places), max_size=len(places)))
    lines = [((x - 15, y), (x + 15, y)) for x, y in places]
    found = labels.place(names, places, lines, AREA)
    if found is None:  # only a crowd has no room
        assert min(math.dist(*two) for two in itertools.combinations(places, 2)) < 30
        return
    assert [one.text for one in found if one.key is None] == [
        name for name, one in zip(names, found, strict=True) if one.key is None
    ]
    keys = [one.key for one in found if one.key is not None]
    assert keys == list(range(1, len(keys) + 1))
    drawn = lines + [one.leader for one in found if one.leader]
    held = boxes(found)
    for index, box in enumerate(held):
        assert box[0] >= AREA[0] and box[1] >= AREA[1] and box[2] <= AREA[2] and box[3] <= AREA[3]
        assert not any(labels.overlap(box, other) for other in held[index + 1 :])
        assert not any(labels.strikes(line, box) for line in drawn)
        assert not any(labels.overlap(box, (x - 4, y - 4, x + 4, y + 4)) for x, y in places)


def test_points_that_nearly_lie_on_each_other_share_a_place_for_their_numbers():
    dots = [Dot(f"model_{index}", figure(0.5 + 2e-4 * index), figure(0.5 + 2e-4 * index)) for index in range(11)]
    dots += [Dot("low", figure(0.1), figure(0.1)), Dot("high", figure(0.9), figure(0.9))]
    drawn = scatter("s", "t", dots, x_title="clean", y_title="retention")
    told = re.findall(r">([^<>]*)</text>", drawn)
    assert {"high", "model_10"} <= set(told) and any("–" in one for one in told)
    assert all(f"model_{index}" in drawn for index in range(11))


def test_the_first_name_gets_the_place_beside_its_point():
    crowd = [(200.0 + 3 * index, 100.0 + 9 * index) for index in range(12)]
    best, *_ = labels.place([f"model_{index}" for index in range(12)], crowd, [], AREA)
    assert best.key is None and best.leader is None


@pytest.mark.parametrize("number", [1, 9, CROWD])
def test_every_model_of_a_crowd_is_named_in_the_drawing_or_by_its_number(number):
    dots = [
        Dot(f"net{index:02d}", figure(0.5 + index % 7 / 90), figure(0.6 + index % 5 / 90)) for index in range(number)
    ]
    root = ET.fromstring(f"<div>{scatter('s', 't', dots, x_title='x', y_title='y')}</div>")
    drawn = [
        part.text
        for part in root.iter("text")
        if (part.get("class") or "").startswith("name") and part.text is not None
    ]
    assert len(drawn) == number
    legend = dict(re.findall(r"(\d+) (net\d\d)", " ".join("".join(item.itertext()) for item in root.iter("li"))))
    named = {legend.get(text, text) for text in drawn}
    assert named == {dot.name for dot in dots}


def numbers(text: str) -> list[int]:
    """Every number that a label stands for."""
    ends = [[int(end) for end in part.split("–")] for part in text.split()]
    return [number for span in ends for number in range(span[0], span[-1] + 1)]


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.floats(60, 380), st.floats(10, 230)), min_size=41, max_size=150), st.integers(0, 9))
def test_of_a_crowd_every_number_stands_once_and_nothing_runs_through_it(places, named):
    names = [f"net {index}" for index in range(len(places))]
    keys = list(range(len(places), 0, -1))
    front = [((55.0, 120.0), (390.0, 120.0))]
    found = labels.crowd(names, keys, places, front, AREA, named)
    if found is None:
        # No room: the chart grows then.
        places = [(x, 20 * y) for x, y in places]
        found = labels.crowd(names, keys, places, front, (50.0, 0.0, 400.0, 4800.0), named)
    assert found is not None
    told = [number for one in found if one.key is not None for number in numbers(one.text)]
    by_name = [keys[names.index(one.text)] for one in found if one.key is None]
    assert sorted(told + by_name) == sorted(keys) and len(by_name) <= named
    held = [(one.x, one.y - 9, one.x + labels.width(one.text), one.y + 3 + 12 * one.text.count("\n")) for one in found]
    for index, box in enumerate(held):
        assert not any(labels.overlap(box, other) for other in held[index + 1 :])
        assert not any(labels.strikes(line, box) for line in front)
        others = [one.leader for place, one in enumerate(found) if one.leader and place != index]
        assert not any(labels.strikes(line, box) for line in others)


@pytest.mark.parametrize("number", [CROWD + 1, 200])
@pytest.mark.parametrize("alike", [False, True])
def test_of_more_models_than_fit_every_one_is_named_or_keyed(number, alike):
    at = [0.5 if alike else index * 0.618 % 1.0 for index in range(number)]
    dots = [Dot(f"n{index}", figure(value), figure(value / 2)) for index, value in enumerate(at)]
    root = ET.fromstring(f"<div>{scatter('s', 't', dots, x_title='x', y_title='y', front=[0])}</div>")
    listed = {
        name.text: int(key.text)
        for item in root.iter("li")
        for key, name in [(item.find("b"), item.find("bdi"))]
        if key is not None
    }
    assert listed.keys() == {dot.name for dot in dots} and sorted(listed.values()) == list(range(1, number + 1))
    drawn = [part.text for part in root.iter("text") if (part.get("class") or "").startswith("name")]
    by_name = [listed[text] for text in drawn if text in listed]
    assert sorted(by_name + [n for text in drawn if text not in listed for n in numbers(text)]) == list(
        range(1, number + 1)
    )
    # The front stands there by name.
    assert alike or listed["n0"] in by_name


@pytest.mark.parametrize("number", [60, 200, 400])
def test_a_chart_ends_growing_where_height_makes_no_room(number):
    # Costs that rise evenly and figures of which many are the same: a wall of numbers at one height.
    dots = [
        Dot(f"n{place}", figure(1e6 * (1 + place * 37 % number)), figure(0.5 if place % 3 else place / number))
        for place in range(number)
    ]
    drawing = scatter("s", "t", dots, x_title="x", y_title="y", front=list(range(0, number, 20)))
    root = ET.fromstring(f"<div>{drawing}</div>")
    listed = {item.find("b").text for item in root.iter("li") if item.find("b") is not None}
    assert listed == {str(key) for key in range(1, number + 1)}
    assert float(next(root.iter("svg")).get("viewBox").split()[3]) <= 3 * (290 + 1.6 * number)


def test_a_long_title_of_an_axis_stands_in_two_lines():
    title = "SNR at half of the above-chance accuracy, attack, dB SNR"
    root = ET.fromstring(
        f"<div>{scatter('s', 't', [Dot('a', figure(0.2), figure(0.4))], x_title=title, y_title=title)}</div>"
    )
    told = [part.text for part in root.iter("text") if part.get("class") == "axis"]
    assert len(told) == 4 and all(len(line) < 40 for line in told)
    assert " ".join(told[:2]) == " ".join(told[2:]) == f"{title}, %"


def test_lower_is_better_turns_the_order_of_names():
    dots = [Dot(name, figure(0.5), figure(value, 0.0, "lower")) for name, value in (("bad", 0.9), ("good", 0.1))]
    text = scatter("s", "t", dots, x_title="x", y_title="y")
    assert text.index(">good</text>") < text.index(">bad</text>")
