"""Charts: where things are drawn, in what colours, and that they say it in words."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from importlib.resources import files

import pytest

from benchbed.report.charts.curves import Point, Series, curves
from benchbed.report.charts.draw import Scale, domain, ticks
from benchbed.report.charts.heatmap import STEPS, heatmap
from benchbed.report.charts.reliability import reliability
from benchbed.report.charts.scatter import Dot, scatter
from benchbed.report.charts.strips import strip
from benchbed.results.record import Value

CSS = (files("benchbed.report") / "templates" / "page.css").read_text(encoding="utf-8")


def figure(value, low=None, high=None, unit="fraction"):
    return Value(value=value, low=low, high=high, n=1, direction="higher", unit=unit, rule="r")


def luminance(colour: str) -> float:
    """Relative luminance as WCAG 2.1 defines it."""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(a: str, b: str) -> float:
    low, high = sorted((luminance(a), luminance(b)))
    return (high + 0.05) / (low + 0.05)


def variables(part: str) -> dict[str, str]:
    return dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", part))


LIGHT, DARK = CSS.split("@media screen and (prefers-color-scheme: dark)")


@pytest.mark.parametrize("scheme", [LIGHT, DARK], ids=["light", "dark"])
def test_numbers_can_be_read_on_every_step_of_the_ramp(scheme):
    steps = re.findall(r"\.h(\d+) \{ background: (#\w{6}); color: (#\w{6}); \}", scheme)
    assert [int(step) for step, _, _ in steps] == list(range(STEPS))
    assert min(contrast(back, ink) for _, back, ink in steps) >= 4.5
    # One hue whose lightness only rises or only falls is told apart without seeing colour.
    lightness = [luminance(back) for _, back, _ in steps]
    assert lightness in (sorted(lightness), sorted(lightness, reverse=True))


@pytest.mark.parametrize("scheme", [LIGHT, DARK], ids=["light", "dark"])
def test_text_and_badges_have_contrast(scheme):
    colours = variables(scheme.split("@media")[0] if scheme is LIGHT else scheme)
    for ink in ("ink", "soft", "accent"):
        for back in ("paper", "raised"):
            assert contrast(colours[ink], colours[back]) >= 4.5, (ink, back)
    for kind in ("warn", "fail", "pass", "syn", "note"):
        assert contrast(colours[kind], colours[f"{kind}-bg"]) >= 4.5, kind
    for index in range(8):
        assert contrast(colours[f"s{index}"], colours["paper"]) >= 3, index


def test_a_strip_puts_value_and_interval_to_scale():
    drawn = ET.fromstring(strip(figure(0.5, 0.25, 0.75), (0.0, 1.0), bar=True))
    shapes = {shape.get("class"): shape for shape in drawn}
    assert shapes["bar"].get("width") == "50"
    assert shapes["iv"].get("d") == "M25 8H75"
    assert shapes["dot"].get("d") == "M50 8h0"


def test_a_strip_without_a_value_is_empty():
    assert len(ET.fromstring(strip(figure(None), (0.0, 1.0)))) == 0


def test_scales_clamp_what_lies_outside():
    assert Scale((0, 1), (0, 100))(1.7) == 100 and Scale((0, 1), (0, 100))(-2) == 0


@pytest.mark.parametrize(
    ("values", "unit", "ends"),
    [
        ([0.1, 0.9], "fraction", (0, 1)),
        ([-0.2, 0.3], "fraction", (-0.2, 0.3)),
        ([1.1, 1.9], "nats", (0, 2)),
        ([float("nan"), None, 3.0], "dB", (3, 3)),
    ],
)
def test_axes_end_at_round_numbers(values, unit, ends):
    assert domain(values, unit) == pytest.approx(ends)


def test_ticks_stay_inside_the_axis():
    assert ticks((0.3, 0.75)) == pytest.approx([0.4, 0.6])


def test_curves_break_nothing_when_figures_are_missing():
    lines = [Series("a", [Point(1, None), Point(2, 0.4), Point(3, 0.3)]), Series("b", [Point(1, None), Point(2, None)])]
    text = curves("c", "Noise", lines, x_title="severity", y_title="accuracy", unit="fraction")
    image = ET.fromstring(text.split("<ul")[0])
    description = next(part.text for part in image if part.tag == "desc")
    assert description == "a from 40.0\u202f% at 2 to 30.0\u202f% at 3."


def test_a_band_does_not_bridge_points_without_an_interval():
    points = [Point(0, 0.5, 0.4, 0.6), Point(1, 0.5, 0.4, 0.6), Point(2, 0.1), Point(3, 0.9, 0.8, 1.0)]
    text = curves("c", "Noise", [Series("a", points)], x_title="azimuth", y_title="found", unit="fraction")
    [band] = re.findall(r'class="band s0" d="([^"]+)"', text)
    assert band.count("L") == 3  # the two points side by side; the last one, alone, has an upright stroke
    places = [
        [float(x) for x in re.findall(r"[ML]([\d.]+) ", path)] for path in re.findall(r'"line s0" d="([^"]+)"', text)
    ]
    assert any(len(xs) == 2 and xs[0] == xs[1] for xs in places)


def test_a_reversed_axis_puts_the_mild_end_left():
    line = [Series("a", [Point(0, 0.2), Point(20, 0.8)])]
    texts = [curves("c", "t", line, x_title="x", y_title="y", unit="fraction", reverse=flip) for flip in (False, True)]
    starts = [float(re.search(r'class="line s0" d="M([\d.]+) ', text)[1]) for text in texts]
    assert starts[0] < starts[1]


def test_an_image_is_well_formed_whatever_its_names_are():
    evil = "</title><script>\"&'\u202e"
    dots = [Dot(evil, figure(0.5, 0.4, 0.6), figure(0.6)), Dot("b", figure(0.1), figure(0.2))]
    for text in (
        scatter("s", evil, dots, x_title=evil, y_title=evil),
        reliability("r", [(0.5, 0.4, 10.0), (None, None, 0.0)]),
        curves("c", evil, [Series(evil, [Point(1, 0.4)])], x_title=evil, y_title=evil, unit=evil),
        heatmap("h", evil, [evil], [evil], [[0.5]], unit=evil, row_title=evil, column_title=evil, notes=[[evil]]),
    ):
        root = ET.fromstring(f"<div>{text}</div>")
        assert not list(root.iter("script"))
        assert evil in "".join(root.itertext()) or "Reliability" in text


def test_a_confusion_matrix_is_coloured_by_the_share_of_its_row():
    text = heatmap(
        "h", "c", ["a", "b"], ["a", "b"], [[5, 5], [0, 1000]], unit="clips", row_title="", column_title="", by_row=True
    )
    assert re.findall(r'<td class="(\w+)">', text) == ["h5", "h5", "h0", "h10"]


def test_a_model_that_lacks_clips_is_marked_and_leads_nothing():
    text = heatmap(
        "h",
        "c",
        ["whole", "worse", "cut <i>"],
        ["x"],
        [[0.5], [0.4], [0.9]],
        unit="fraction",
        row_title="",
        column_title="",
        best="higher",
        lacking=[None, None, "2 of 10 clips <failed>"],
    )
    assert re.findall(r"<b>([\d.]+)</b>", text) == ["50.0"]
    assert text.count('<span class="badge fail" title="2 of 10 clips &lt;failed&gt;">incomplete</span></th>') == 1


def test_a_missing_cell_has_no_colour():
    text = heatmap("h", "c", ["a"], ["x", "y"], [[None, 0.2]], unit="fraction", row_title="", column_title="")
    assert 'class="none">–' in text
