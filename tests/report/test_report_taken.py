"""Charts and tables taken from pages: names, tables as numbers and as text, pictures, and the same in the browser."""

from __future__ import annotations

import csv
import io
import struct
import xml.etree.ElementTree as ET
from collections.abc import Callable
from typing import Any

import pytest

from benchbed.errors import ConfigError
from benchbed.report import carried, drawn, tabled
from benchbed.report.folding import unfolded
from benchbed.report.markup import tree, words
from benchbed.report.page import report_html, write_report
from benchbed.report.pieces import Piece, choose, pieces, record_rows

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def record(result: Callable[..., Any]) -> Any:
    return result("cnn", conditions=True)


@pytest.fixture(scope="module")
def held(record: Any) -> dict[str, Piece]:
    return {piece.name: piece for piece in pieces(report_html(record))}


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_markup_is_taken_apart_as_a_browser_would():
    top = tree('<p class="a">one<br>two <b>b</b></p><svg viewBox="0 0 1 1"><path d="M0 0"/></svg><p>t &amp; u')
    assert [words(part) for part in top.iter("p")] == ["one two b", "t & u"]
    assert next(top.iter("svg")).get("viewBox") == "0 0 1 1" and next(top.iter("path")).get("d") == "M0 0"


def test_every_chart_and_table_of_the_page_has_a_name_of_its_own(held, record):
    assert {"what-breaks-it", "noise", "codec", "by-device", "confusion-matrix-clips", "every-condition"} <= set(held)
    top = tree(unfolded(report_html(record)))
    tables = [part for part in top.iter("table") if part.find("tbody") is not None]
    charts = [part for part in top.iter("svg") if part.get("role") == "img"]
    assert len(held) == len(tables) + len(charts)
    assert held["noise"].forms == ("svg", "png", "csv", "tex", "md")
    assert held["every-condition"].forms[-3:] == ("csv", "tex", "md")


def test_a_wrong_name_lists_the_right_ones(held):
    with pytest.raises(ConfigError, match="no chart or table 'nois'") as raised:
        choose(list(held.values()), "nois")
    assert "did you mean 'noise'" in raised.value.hint and "by-device" in raised.value.hint
    assert choose(list(held.values()), "Noise").name == "noise"


def test_noise_curves_can_be_drawn_from_the_table_of_their_chart(held, record):
    rows = rows_of(tabled.csv_of(held["noise"]))
    curve = [row for row in rows if row["condition"] == "white_noise"]
    assert [(row["parameter"], row["parameter_unit"]) for row in curve] == [
        (str(level), "dB SNR") for level in (20, 15, 10, 5, 0)
    ]
    cells = {cell.key: cell.metrics["macro_accuracy"] for cell in record.cells}
    for row in curve:
        value = cells[row["cell"]]
        assert float(row["value"]) == value.value and float(row["low"]) == value.low
    assert {row["condition"] for row in rows} == {"clean", "white_noise", "babble", "hum"}
    assert {row["metric"] for row in rows} == {"macro_accuracy"}


def test_a_table_of_devices_has_plain_numbers_with_ends_and_units(held, record):
    rows = {row["Device"]: row for row in rows_of(tabled.csv_of(held["by-device"]))}
    value = record.cells[0].groups["device=s6"]["macro_accuracy"]
    row = rows["s6"]
    assert float(row["Macro accuracy"]) == value.value and row["Macro accuracy unit"] == "fraction"
    assert (float(row["Macro accuracy low"]), float(row["Macro accuracy high"])) == (0.38, 0.48)
    assert row["Log loss unit"] == "nats" and float(row["Log loss low"]) == 1.18 and row["clips"] == "111"


def test_a_matrix_says_what_its_numbers_are(held, record):
    rows = rows_of(tabled.csv_of(held["confusion-matrix-clips"]))
    matrix = record.cells[0].matrices["confusion"]
    assert [int(row["metro"]) for row in rows] == [int(line[2]) for line in matrix.values]
    assert {row["unit"] for row in rows} == {"clips"}


def test_markdown_and_latex_have_strengths_and_units_as_columns(held):
    lines = tabled.markdown_of(held["noise"]).splitlines()
    assert lines[0] == "| Condition | Step | Parameter | Unit | Macro accuracy, % ↑ |"
    assert lines[1] == "| --- | ---: | ---: | --- | ---: |" and len(lines) == 2 + 16
    assert r"| white\_noise | 5 | 0 | dB SNR | 33.8 \[30.8, 36.8\] |" in lines
    text = tabled.latex_of(held["noise"])
    assert text.startswith("\\begin{tabular}{lrrlr}\n\\toprule\n") and r"white\_noise & 5 & 0 & dB SNR & 33.8" in text
    assert text.count("\\\\") == 17


def test_a_formula_and_a_hostile_name_stay_text(result):
    record = result("=cmd|' /C calc'!A0", conditions=True)
    record.cells[0].groups["device=|x| & \\input{y} <b>"] = record.cells[0].groups["device=a"]
    held = {piece.name: piece for piece in pieces(report_html(record))}
    assert rows_of(tabled.csv_of(held["noise"]))[0]["model"].startswith("'=cmd")
    assert r"\|x\|" in tabled.markdown_of(held["by-device"])
    assert r"\textbackslash{}input\{y\}" in tabled.latex_of(held["by-device"])
    ET.fromstring(drawn.svg(held["by-device"]))


@pytest.mark.parametrize(
    "name", ["noise", "what-breaks-it", "confusion-matrix-clips", "by-device", "reliability-diagram"]
)
def test_a_picture_needs_no_style_sheet(held, name):
    text = drawn.svg(held[name])
    top = ET.fromstring(text)
    assert (
        top.tag == f"{SVG}svg"
        and "var(" not in text
        and "class=" not in text
        and "http" not in text.replace(SVG[1:-1], "")
    )
    assert len(list(top.iter(f"{SVG}text"))) > 5
    # Nothing is drawn in the default black, which a missing look would leave.
    for part in top.iter():
        if part.tag in (f"{SVG}path", f"{SVG}circle"):
            assert part.get("fill") or part.get("stroke"), ET.tostring(part)


def test_a_heat_map_keeps_its_colours(held):
    text = drawn.svg(held["confusion-matrix-clips"])
    assert "#548bc1" in text and "#f4f6f9" in text
    assert text.count("<rect") > 100


def test_a_png_has_twice_the_size_of_its_drawing(held):
    pytest.importorskip("resvg_py", reason="resvg is not installed")
    markup = drawn.svg(held["noise"])
    data = drawn.png(markup)
    wide, high = struct.unpack(">II", data[16:24])
    top = ET.fromstring(markup)
    assert data.startswith(b"\x89PNG") and abs(wide - 2 * float(top.get("width"))) <= 2
    assert abs(high - 2 * float(top.get("height"))) <= 2 and len(data) > 10_000


def test_a_table_without_a_drawing_is_no_picture(held):
    plain = held["compute-and-energy"]
    with pytest.raises(ConfigError, match="is a table, no drawing"):
        drawn.svg(plain)


def test_figures_of_groups_are_in_what_a_run_gives(record):
    rows = record_rows(record)
    assert len(rows) == len(list(carried.flat(record))) and any(row["group"] == "device=s4" for row in rows)
    (noise,) = [piece for piece in pieces(report_html(record), rows) if piece.name == "noise"]
    assert len(noise.rows) == 16


@pytest.mark.browser
def test_the_page_gives_the_same_tables_and_pictures_of_its_own(visit, record, held, tmp_path):
    page = visit(write_report(record, tmp_path / "report.html").as_uri(), color_scheme="dark")
    page.wait_for_selector("html[data-taken]")
    page.evaluate("document.querySelectorAll('details').forEach((part) => { part.open = true; })")

    def saved(title: str, form: str) -> bytes:
        with page.expect_download() as waiting:
            page.get_by_role("button", name=f"Save {title} as {form}", exact=True).first.click()
        waiting.value.save_as(tmp_path / "saved")
        page.wait_for_timeout(200)  # a browser holds back downloads that follow each other at once
        return (tmp_path / "saved").read_bytes()

    for title in ("Noise", "By device", "What breaks it", "Confusion matrix, clips", "By class"):
        piece = next(one for one in held.values() if one.title == title)
        assert rows_of(saved(title, "CSV").decode()) == rows_of(tabled.csv_of(piece)), title
        assert saved(title, "LaTeX").decode() == tabled.latex_of(piece), title
        assert saved(title, "Markdown").decode() == tabled.markdown_of(piece), title
    for title in ("Noise", "What breaks it", "Confusion matrix, clips"):
        markup = saved(title, "SVG").decode()
        top = ET.fromstring(markup)
        texts = "".join(top.itertext())
        assert "var(" not in markup and "class=" not in markup
        assert title.split(",")[0] in texts or title == "What breaks it"
        # Light colours, although the screen is dark.
        assert "rgb(255, 255, 255)" in markup and "rgb(19, 21, 25)" not in markup
        data = saved(title, "PNG")
        assert data.startswith(b"\x89PNG") and struct.unpack(">II", data[16:24])[0] > 400
        assert len(data) > 8000


@pytest.mark.browser
def test_one_condition_can_be_taken_from_the_page(visit, record, tmp_path):
    page = visit(write_report(record, tmp_path / "report.html").as_uri())
    page.wait_for_selector("html[data-taken]")
    page.evaluate("document.querySelectorAll('details').forEach((part) => { part.open = true; })")
    page.locator(".take select").select_option("scene/test/mp3@4")
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Save one condition as CSV").click()
    waiting.value.save_as(tmp_path / "condition.csv")
    rows = rows_of((tmp_path / "condition.csv").read_text(encoding="utf-8"))
    assert {row["cell"] for row in rows} == {"scene/test/mp3@4"} and rows[0]["parameter"] == "48"


@pytest.mark.browser
@pytest.mark.parametrize("width", [400, 1280])
def test_what_can_be_saved_stands_in_the_way_of_nothing(chromium, axe, record, tmp_path, width):
    path = write_report(record, tmp_path / "report.html")
    context = chromium.new_context(viewport={"width": width, "height": 800}, bypass_csp=True)
    page = context.new_page()
    page.goto(path.as_uri())
    page.wait_for_selector("html[data-taken]")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.add_script_tag(content=axe)
    broken = page.evaluate("axe.run()")["violations"]
    context.close()
    assert [(rule["id"], [node["html"][:160] for node in rule["nodes"][:3]]) for rule in broken] == []


def test_a_page_on_disk_gives_the_same_as_its_run(record, tmp_path):
    page = write_report(record, tmp_path / "report.html").read_text(encoding="utf-8")
    from_page = {piece.name: piece for piece in pieces(page)}
    assert rows_of(tabled.csv_of(from_page["codec"]))[1]["condition"] == "mp3"
