"""Boards of several models: the first page, the drawings of a suite, the page of families; figures from the records."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

import pytest
from made_records import MODELS, attacked_runs, clean_runs, corrupted_runs, many_models

from benchbed.compare.families import families_of
from benchbed.report import across, board, boardcharts, familypage, landing, namesakes, threats
from benchbed.report.charts.families import style_of
from benchbed.report.charts.rivals import FRONT, Places, Rival, rivals
from benchbed.report.leaderboard import suite_html, write_leaderboard
from benchbed.report.panels import robustness_curves, severity_heatmaps
from benchbed.report.together import side_by_side


def paths(*results):
    return [(Path(f"runs/{index}"), result) for index, result in enumerate(results)]


@pytest.fixture
def clean():
    return clean_runs()


@pytest.fixture
def corrupted():
    return corrupted_runs()


@pytest.fixture
def attacked():
    return attacked_runs()


def test_the_first_page_has_every_model_with_every_answer(clean, corrupted, attacked):
    results = paths(*clean, *corrupted, *attacked)
    pages = board.arrange(results)
    (group,) = landing.groups(pages, {name: name for name in MODELS})
    questions = [column.answer.question for column in group.columns]
    assert questions == ["clean", "unseen", "noise", "attack", "macs", "per_mac"]
    assert [line.name for line in group.lines] == ["beta", "alpha", "gamma"]
    beta = dict(zip(questions, group.lines[0].cells, strict=True))
    assert beta["noise"].value.value == pytest.approx(0.5) and beta["noise"].best
    assert beta["attack"].value.value == pytest.approx(0.35) and beta["attack"].best
    assert not group.lines[1].cells[0].best
    assert re.fullmatch(r"runs/beta-robustness-asc-\w+\.html", beta["noise"].href)
    assert group.columns[2].href.partition("#")[2].startswith("corruptions-")


def test_a_run_that_lacks_clips_is_never_the_best(result):
    low, high = result("low", 0.5), result("high", 0.9)
    high.cells[0].complete = False
    (group,) = landing.groups(board.arrange(paths(low, high)), {"low": "low", "high": "high"})
    by_name = {line.name: line.cells[0] for line in group.lines}
    assert not by_name["high"].best and by_name["high"].incomplete


def test_data_and_tasks_stand_apart_on_the_first_page(result):
    runs = [result("a"), result("b", dataset__synthetic=False, dataset__name="tau2022")]
    groups = landing.groups(board.arrange(paths(*runs)), {"a": "a", "b": "b"})
    assert [(group.dataset, group.synthetic) for group in groups] == [("tau2022", False), ("tau2022-synthetic", True)]


def test_suites_name_their_leading_tie_group(clean):
    results = paths(*clean)
    ranks = {results[0][0]: (2, 1, 2), results[1][0]: (1, 1, 2), results[2][0]: (3, 3, 3)}
    (page,) = board.arrange(results, ranks)
    (lead,) = landing.leads(page)
    assert [row.result.model.name for row in lead.rows] == ["beta", "alpha"]
    assert lead.told == "2 not told apart"
    (page,) = board.arrange(results)
    assert [row.result.model.name for row in landing.leads(page)[0].rows] == ["beta"]


def test_a_corrupting_suite_ranks_by_its_robustness_figure(corrupted):
    (page,) = board.arrange(paths(*corrupted))
    (shown,) = page.boards
    assert shown.primary == "robustness:corruption_mean"
    # The figure is made to run against the clean one.
    assert [row.result.model.name for row in shown.rows] == ["gamma", "alpha", "beta"]
    assert shown.columns[0] == "macro_accuracy" and shown.first("macro_accuracy").title.endswith(", clean")


def test_devices_seen_and_unseen_are_columns(clean):
    (page,) = board.arrange(paths(*clean))
    (shown,) = page.boards
    assert shown.columns[:4] == ["devices=seen", "devices=unseen", "devices_gap=seen-unseen", "devices_worst=all"]
    assert [shown.first(name).title for name in shown.columns[:4]] == [
        "Seen devices",
        "Unseen devices",
        "Gap seen − unseen",
        "Worst device",
    ]
    assert set(shown.columns[:4]) < page.on and "macs" in page.on


def test_devices_and_classes_are_maps_of_models(clean):
    (page,) = board.arrange(paths(*clean))
    sides = side_by_side(page.boards[0])
    assert "<bdi>s4, unseen</bdi>" in sides.devices.image
    assert sides.devices.image.count("<tr>") == 1 + 3
    assert "all unseen" in sides.devices.image
    assert sides.classes.image.count("<tr>") == 1 + 10
    assert (sides.corruptions, sides.curves, sides.facets, sides.attacks) == (None, [], [], [])


def test_strengths_stand_in_their_unit_and_never_as_severities(corrupted):
    (page,) = board.arrange(paths(*corrupted))
    text = suite_html(page, {name: name for name in MODELS}, "t")
    babble = re.search(r'<table class="heat[^>]*id="facet-\w+-babble[^>]*>.*?</table>', text, re.S)[0]
    assert "Babble, dB SNR" in babble
    assert re.findall(r'<th scope="col"><span><bdi>([^<]*)', babble) == ["20", "15", "10", "5", "0"]
    assert "everity" not in re.sub(r"<script.*?</script>|<style.*?</style>|data-\w+=\"[^\"]*\"", "", text, flags=re.S)
    # The best of each strength is bold: beta, which is the second row, at 10 dB.
    rows = re.findall(r"<tr><th.*?</tr>", babble, re.S)[1:]
    bold = [re.findall(r"<td[^>]*>(<b>)?", row) for row in rows]
    names = [re.search(r"<bdi>(\w+)", row)[1] for row in rows]
    assert [names[i] for i, cells in enumerate(bold) if cells[2]] == ["beta"]


def test_curves_are_drawn_to_scale_with_clean_on_the_left():
    chart = rivals(
        "c",
        "Noise",
        [("", [Rival("one", "cnn", [0.6, 0.5, 0.1], 0.7)])],
        Places(["20", "10", "-20"], [20, 10, -20]),
        x_title="dB",
        y_title="Accuracy",
        unit="fraction",
    )
    xs = [float(x) for x in re.findall(r"[ML]([\d.]+) ", re.search(r'class="line f0 d0" d="(M[^"]+)"', chart)[1])]
    # 20 → 10 dB is a quarter of 20 → −20 dB; clean stands left of both.
    assert (xs[2] - xs[1]) / (xs[3] - xs[1]) == pytest.approx(0.25, abs=0.01)
    assert xs[0] < xs[1] and ">clean<" in chart and "70.0" in chart


def test_an_axis_without_numbers_has_places_in_order():
    assert Places(["0.2, 10", "1, 0"]).shares() == [0, 1]
    assert Places(["1", "10", "100"], [1e-4, 1e-3, 1e-2]).shares() == pytest.approx([0, 0.5, 1])
    assert Places(["a", "b"], [3, 3]).shares() == [0, 1]


def test_attack_and_noise_stand_beside_each_other(attacked):
    (page,) = board.arrange(paths(*attacked))
    (shown,) = page.boards
    assert shown.primary == "adversarial:robust_accuracy/standard@l2:40dB"
    (drawing,) = threats.under_attack(shown)
    assert drawing.title == "Standard, dB SNR, whole clip"
    assert drawing.image.count("<table") == 2 and drawing.image.count("In noise of equal budget") >= 2
    assert "35.0" in drawing.image  # 0.7 · 40 / 80 of beta
    assert boardcharts.charts(shown)


def test_an_attack_that_failed_its_checks_is_said(attacked):
    attacked[0].cells[1].ranked = False
    (page,) = board.arrange(paths(*attacked))
    (drawing,) = threats.under_attack(page.boards[0])
    assert drawing.note == "Unranked, a check of the attack failed: alpha."


@pytest.mark.parametrize("number", [FRONT, FRONT + 1, 60])
def test_charts_of_a_board_have_every_model(number):
    models = many_models(number)
    (page,) = board.arrange(paths(*corrupted_runs(models)))
    side = side_by_side(page.boards[0])
    assert [facet.image.count("<tr>") for facet in side.facets] == [number + 1] * len(side.facets)
    many = number > FRONT
    for curve in side.curves:
        lines = re.findall(r'<g data-line="(\d+)"><title>\d+ ([^<]*)', curve.image)
        whole = re.sub(r"</text><text[^>]*>", "", curve.image)
        assert {name for _, name in lines} == (set(models) if many else set())
        assert many or all(name in whole for name in models)
        told = [
            int(n) for row in re.findall(r'name number".*?</text>', curve.image) for n in re.findall(r"> (\d+)<", row)
        ]
        assert sorted(told) == (list(range(1, number + 1)) if many else [])
    listed = re.findall(r"<b>(\d+)</b> <bdi>([^<]*)", side.numbers)
    assert [name for _, name in listed] == ([row.result.model.name for row in page.boards[0].rows] if many else [])


def test_conditions_of_a_board_have_cells_of_every_model(corrupted):
    (page,) = board.arrange(paths(*corrupted))
    conditions = across.series(page.boards[0])
    (babble,) = [one for one in conditions if one.name == "Babble"]
    assert babble.places == ("20", "15", "10", "5", "0") and len(babble.cells) == len(MODELS)
    assert all(set(cells) == set(babble.places) for cells in babble.cells)


def test_long_names_stand_whole_at_the_ends_of_curves():
    name = "a_name_of_more_than_sixteen_letters_and_then_some"
    lines = [Rival(name, "cnn", [0.6, 0.5]), Rival("x" * 50, "cnn", [0.6, 0.5])]
    chart = rivals("c", "t", [("", lines)], Places(["a", "b"]), x_title="", y_title="", unit="fraction")
    assert "…" not in chart
    texts = re.findall(r'<text class="name[^"]*" x="[^"]*" y="([^"]*)">([^<]*)', chart)
    assert "".join(text for _, text in texts) == name + "x" * 50
    ys = [float(y) for y, _ in texts]
    assert all(later - one >= 12.9 for one, later in pairwise(ys))


def test_families_have_one_colour_everywhere():
    assert style_of("cnn") != style_of("transformer")
    assert len({style_of(name) for name in ("cnn", "transformer", "crnn", "raw-cnn", "ssm", "ssl")}) == 6


def test_the_page_of_families(clean, corrupted, attacked, tmp_path):
    results = [*clean, *corrupted, *attacked]
    tables = families_of(results)
    assert familypage.heading(tables) == "CNN against Transformer"
    rows = familypage.rows(tables)
    (mean,) = [r for r in rows if r["kind"] == "mean" and r["of"] == "cnn" and r["question"] == "clean"]
    assert mean["value"] == pytest.approx(0.55)
    write_leaderboard(paths(*results), tmp_path, families=tables)
    text = (tmp_path / "families.html").read_text(encoding="utf-8")
    assert "55.0" in text and "Spearman" in text and "Noise and attack" in text
    assert "families.html" in (tmp_path / "index.html").read_text(encoding="utf-8")


def test_namesakes_get_names_of_their_own(result):
    runs = paths(*(result("x", model__identity=who, model__fingerprint=who) for who in ("aaaaaaaa", "bbbbbbbb")))
    assert [record.model.name for _, record in namesakes.apart(runs)[0]] == ["x-aaaaaa", "x-bbbbbb"]


def test_the_map_of_a_run_says_strengths_in_their_unit(corrupted):
    (chart,) = severity_heatmaps(corrupted[0])
    (babble,) = re.findall(r"<tr><th[^>]*><bdi>Babble.*?</tr>", chart)
    assert "<small>dB SNR</small>" in babble
    assert re.findall(r"<small>([\d.]+)</small></td>", babble) == ["20", "15", "10", "5", "0"]
    assert re.findall(r'<th scope="col"><span><bdi>([^<]*)', chart) == ["mild", "·", "·", "·", "severe"]


def test_curves_of_several_units_share_no_numbers(corrupted):
    for cell in corrupted[0].cells:
        if cell.condition.name == "opus":
            cell.condition.unit = "kbit/s per channel"
    charts = dict(robustness_curves(corrupted[0]))
    assert ">mild<" in charts["Codec"] and ">severe<" in charts["Codec"] and "at mild" in charts["Codec"]
    assert "Severity" not in "".join(charts.values()) and ">10<" in charts["Noise"]
