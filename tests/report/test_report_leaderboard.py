"""The leaderboard: what may stand in one table, in which order, and that its links and files hold."""

from __future__ import annotations

import json
import re
import time
from html.parser import HTMLParser
from pathlib import Path

import pytest

from benchbed.errors import CannotMeasure
from benchbed.report import board, threats
from benchbed.report.leaderboard import suite_html, write_leaderboard
from benchbed.report.view import badges
from benchbed.results.record import Check, Condition, Value
from benchbed.results.reference import Reference, read_reference

EVIL = "</script><img src=x onerror=alert(1)>\"'../../x"


class Links(HTMLParser):
    """Links and identifiers of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.ids: list[str] = []
        self.tags: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        held = dict(attrs)
        self.tags.add(tag)
        self.ids += [held["id"]] if "id" in held else []
        self.links += [held["href"]] if tag == "a" else []


def runs(*results):
    return [(Path(f"runs/{index}"), result) for index, result in enumerate(results)]


def suite_page(out: Path) -> str:
    (page,) = (out / "suites").iterdir()
    return page.read_text(encoding="utf-8")


def test_every_link_leads_to_a_page(result, tmp_path):
    written = write_leaderboard(runs(result("a"), result("b", 0.4), result("b", 0.5, suite__name="noise")), tmp_path)
    assert written[0] == tmp_path / "index.html"
    assert len(written) == 1 + 2 + 2 + 3 == len(set(written))
    for page in written:
        for link in Links(page.read_text(encoding="utf-8")).links:
            address, _, part = link.partition("#")
            there = (page.parent / address).resolve() if address else page
            assert there.is_file(), link
            assert not part or part in Links(there.read_text(encoding="utf-8")).ids, link


def test_rows_are_ordered_by_the_metric_that_ranks_in_its_direction(result, tmp_path):
    write_leaderboard(runs(result("low", 0.3), result("high", 0.6), result("mid", 0.5)), tmp_path)
    assert re.findall(r'data-family="\w+"[^>]*>\s*<th[^>]*data-v="(\w+)"', suite_page(tmp_path)) == [
        "high",
        "mid",
        "low",
    ]


def test_lower_is_better_orders_the_other_way(result):
    records = [result(name, primary="log_loss") for name in ("worse", "better")]
    records[1].cells[0].metrics["log_loss"] = Value(value=0.2, n=9, direction="lower", unit="nats", rule="r")
    (page,) = board.arrange(runs(*records))
    assert [row.result.model.name for row in page.boards[0].rows] == ["better", "worse"]


def test_a_run_without_the_figure_comes_last(result):
    records = [result("none"), result("some", 0.1)]
    records[0].cells[0].metrics["macro_accuracy"] = Value(
        value=None, n=0, direction="higher", unit="fraction", rule="r", reason="no clips"
    )
    (page,) = board.arrange(runs(*records))
    assert [row.result.model.name for row in page.boards[0].rows] == ["some", "none"]


@pytest.mark.parametrize(
    "change",
    [
        {"dataset__synthetic": False},
        {"dataset__name": "tau2022"},
        {"dataset__index_hash": "b2:other"},
        {"suite__hash": "b2:other"},
        {"suite__protocol": "2"},
        {"primary": "accuracy"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_runs_that_cannot_be_compared_stand_in_different_tables(result, change):
    (page,) = board.arrange(runs(result("a"), result("b", **change)))
    assert [len(held.rows) for held in page.boards] == [1, 1]


def test_recordings_come_before_synthetic_data(result):
    (page,) = board.arrange(runs(result("a"), result("b", dataset__synthetic=False, dataset__name="zzz")))
    assert [held.example.dataset.synthetic for held in page.boards] == [False, True]


def test_without_ranks_there_are_none(result, tmp_path):
    write_leaderboard(runs(result("a"), result("b", 0.4)), tmp_path)
    page = suite_page(tmp_path)
    assert 'data-key="rank"' not in page and "without ranks" in page


def test_ranks_are_printed_as_given_with_their_interval(result, tmp_path):
    held = runs(result("a"), result("b", 0.56), result("c", 0.3))
    ranks = {held[0][0]: (1, 1, 2), held[1][0]: (1, 1, 2), held[2][0]: (3, 3, 3)}
    write_leaderboard(held, tmp_path, ranks=ranks)
    assert re.findall(r'<td data-v="(\d)">\d <i>(.*?)</i>', suite_page(tmp_path)) == [
        ("1", "[1, 2]"),
        ("1", "[1, 2]"),
        ("3", "[3, 3]"),
    ]


def test_a_run_that_lacks_clips_is_never_ranked_nor_first(result, tmp_path):
    """It lost the clips that were hard, and looks the best for it."""
    held = runs(result("lucky", 0.9), result("honest", 0.5))
    held[0][1].cells[0].complete = False
    held[0][1].cells[0].counts.failed = 300
    ranks = {held[0][0]: (1, 1, 1), held[1][0]: (2, 2, 2)}
    ((page,),) = (board.arrange(held, ranks),)
    rows = page.boards[0].rows
    assert [(row.result.model.name, row.rank) for row in rows] == [("honest", (2, 2, 2)), ("lucky", None)]
    write_leaderboard(held, tmp_path, ranks=ranks)
    text = suite_page(tmp_path)
    assert "incomplete" in text and "lucky (incomplete)" in text


def test_badges(result, failure):
    from benchbed.report.view import badges
    from benchbed.results.record import Check

    record = result(
        conditions=True,
        dataset__limit=9,
        failures=failure(1),
        checks=[Check(name="budget", status="fail", message="m", cell="scene/test/apgd@1")],
        profile={"energy": {"kwh": {"value": 1e-4, "unit": "kWh", "method": "estimated from CPU time"}}},
    )
    assert [mark.text for mark in badges(record)] == [
        "synthetic",
        "incomplete",
        "limit used",
        "attack checks failed",
        "estimated energy",
        "seen in training",
    ]
    assert [mark.text for mark in badges(result(dataset__synthetic=False))] == []


def test_addresses_are_permanent(result):
    first = board.run_slug(result("a"))
    again = board.run_slug(result("a", provenance__created="2027-01-01T00:00:00Z"))
    assert first == again
    assert first != board.run_slug(result("a", model__options={"arch": "other"}))


def test_the_same_measurement_twice_keeps_the_address_of_the_first(result):
    rows = board.make_rows(runs(result("a"), result("a", provenance__created="2027-01-01T00:00:00Z")), {})
    assert rows[0].slug == board.run_slug(result("a")) and rows[1].slug != rows[0].slug


def test_hostile_names_become_neither_markup_nor_paths(result, tmp_path):
    record = result(
        EVIL, suite__name=EVIL, suite__title=EVIL, model__family=EVIL, dataset__name=EVIL, primary="accuracy"
    )
    record.cells[0].metrics |= {EVIL: record.cells[0].metrics["accuracy"]}
    written = write_leaderboard(runs(record, result("b")), tmp_path / "site")
    for page in written:
        assert page.resolve().is_relative_to((tmp_path / "site").resolve())
        assert re.fullmatch(r"[a-z0-9-]+\.html", page.name)
        parsed = Links(page.read_text(encoding="utf-8"))
        assert "img" not in parsed.tags
        assert len(parsed.ids) == len(set(parsed.ids))


def test_the_data_inside_are_the_figures(result, tmp_path):
    write_leaderboard(runs(result("a", 0.4)), tmp_path)
    carried = json.loads(re.search(r'id="data">(.*?)</script>', suite_page(tmp_path), re.S)[1])
    (row,) = carried["rows"]
    assert (row["model"], row["macro_accuracy"], row["synthetic"], row["primary"]) == ("a", 0.4, True, "macro_accuracy")
    assert row["macro_accuracy_low"] == pytest.approx(0.37)


def test_published_figures_stand_on_a_page_of_their_own(result, repository, tmp_path):
    held = [read_reference(path) for path in sorted((repository / "leaderboards/reference").glob("*.yaml"))]
    written = write_leaderboard(runs(result("a")), tmp_path, references=held)
    page = (tmp_path / "reference.html").read_text(encoding="utf-8")
    assert tmp_path / "reference.html" in written
    assert "TALNet max" in page and "does not follow from precision and recall" in page
    assert "TALNet max" not in suite_page(tmp_path)
    parsed = Links(page)
    assert len(parsed.ids) == len(set(parsed.ids))
    assert all(link.removeprefix("#") in parsed.ids for link in parsed.links if link.startswith("#"))


def test_no_runs_is_an_error(tmp_path):
    with pytest.raises(CannotMeasure, match="no runs"):
        write_leaderboard([], tmp_path)


def test_a_thousand_runs_build_in_seconds_and_stay_small(result):
    records = [result(f"model {i}", 0.2 + i / 2000, model__adapter_hash=str(i)) for i in range(1000)]
    start = time.process_time()
    (page,) = board.arrange(runs(*records))
    text = suite_html(page, dict.fromkeys((record.model.name for record in records), "x"), "Leaderboard")
    assert time.process_time() - start < 10
    # The stated size: at most 4 kB for each run, the page's own style and script included.
    assert len(text.encode()) < 4_000_000


def test_tie_groups_are_read_against_their_best_run(result):
    held = runs(result("a", 0.6), result("b", 0.58), result("c", 0.5), result("d", 0.49))
    # c may be second but never first; d reaches c's place.
    ranks = dict(zip((path for path, _ in held), [(1, 1, 2), (2, 1, 3), (3, 2, 4), (4, 3, 4)], strict=True))
    (page,) = board.arrange(held, ranks)
    rows = page.boards[0].rows
    assert [page.boards[0].group[row.slug] for row in rows] == [1, 1, 3, 3]


def test_earlier_records_stand_in_the_history_of_their_model(result, tmp_path):
    now = runs(result("a", 0.6, provenance__created="2027-02-01T00:00:00Z"))
    earlier = [
        (Path("runs/0/history/1.json"), result("a", 0.5, provenance__created="2027-01-01T00:00:00Z")),
        (Path("runs/0/history/0.json"), result("a", 0.4, suite__hash="b2:another")),
    ]
    write_leaderboard(now, tmp_path, earlier=earlier)
    (page,) = (tmp_path / "models").iterdir()
    text = page.read_text(encoding="utf-8")
    assert re.findall(r'<td data-v="([\d.]+)" class="lead-figure"', text) == ["0.5", "0.6"]
    assert "earlier record" in text and "Macro accuracy over 2 runs" in text
    assert len(list((tmp_path / "runs").iterdir())) == 1
    assert "0.5" not in re.findall(r'<td data-v="([\d.]+)" class="lead-figure"', suite_page(tmp_path))


def test_a_pareto_front_is_drawn_on_a_logarithmic_axis(result, tmp_path):
    def cost(parameters):
        return {"parameters": {"value": parameters, "unit": "parameters", "method": "sum"}}

    held = [
        result(name, accuracy, profile=cost(size))
        for name, accuracy, size in (("small", 0.5, 1e4), ("large", 0.6, 1e7), ("waste", 0.4, 1e6))
    ]
    write_leaderboard(runs(*held), tmp_path)
    text = suite_page(tmp_path)
    assert "On the Pareto front: small, large." in text and "Parameters, logarithmic" in text
    assert len(re.findall(r'class="front" d="M[\d. ]+H[\d.]+V[\d.]+H384"', text)) == 1


def published(dataset: str, value: str, system: str = "a") -> Reference:
    protocol = {"id": f"dcase_task1@2024:{dataset}", "task": "scene", "dataset": dataset, "split": "test"}
    row = {"system": system, "values": {"macro_accuracy": value}}
    table = {
        "id": "t",
        "where": "Table 1",
        "title": "T",
        "protocol": protocol,
        "rows": [row],
        "metrics": {"macro_accuracy": {"unit": "%", "direction": "higher"}},
    }
    return Reference.model_validate({"source": {"id": "paper", "citation": "A. Author"}, "tables": [table]})


def test_published_figures_join_a_board_only_under_its_protocol(result, tmp_path):
    real = {"dataset__synthetic": False, "dataset__name": "tau2022"}
    held = runs(result("a", 0.573, **real))
    for name, reference, there in (
        ("same", published("tau2022", "57.0"), True),
        ("other", published("tau2020", "57.0"), False),
    ):
        write_leaderboard(held, tmp_path / name, references=[reference])
        assert ("Published under the same protocol" in suite_page(tmp_path / name)) == there
    write_leaderboard(
        runs(result("a", 0.573)), tmp_path / "synthetic", references=[published("tau2022-synthetic", "57")]
    )
    assert "Published under" not in suite_page(tmp_path / "synthetic")


@pytest.mark.parametrize(
    ("value", "system", "verified"),
    [("57.0", "a", True), ("60.3", "a", True), ("61.0", "a", False), ("57.0", "b", False)],
)
def test_a_run_is_verified_by_a_source_that_names_it_and_agrees(result, value, system, verified):
    record = result("a", 0.573, dataset__synthetic=False, dataset__name="tau2022")
    (row,) = board.make_rows(runs(record), {}, [published("tau2022", value, system)])
    assert ("publication confirmed" in [mark.text for mark in row.badges]) == verified


def test_transfer_of_attacks_is_a_matrix_of_models(result):
    def attacked(name, source, value):
        record = result(name)
        what = Condition(kind="attack", name="transfer", parameter=30.0, unit="dB SNR", facts={"sources": {source: {}}})
        cell = record.cells[0].model_copy(update={"key": "scene/test/transfer@l2:30dB", "condition": what})
        figure = record.cells[0].metrics["macro_accuracy"].model_copy(update={"value": value})
        record.cells.append(cell.model_copy(update={"metrics": {**cell.metrics, "robust_accuracy": figure}}))
        return record

    (page,) = board.arrange(runs(attacked("cnn", "adapters/passt.py", 0.4), attacked("passt", "adapters/cnn.py", 0.2)))
    ((title, matrix),) = threats.transfer(page.boards[0]).items()
    assert title == "30 dB SNR, split test"
    assert (matrix.rows, matrix.columns) == (["cnn", "passt"], ["passt", "cnn"])
    assert matrix.values == [[0.4, None], [None, 0.2]]


def test_attack_against_noise_is_a_scatter_of_models_where_they_lie_furthest_apart(result):
    def attacked(name, kept, half):
        record = result(name)
        value = record.cells[0].metrics["macro_accuracy"]
        for budget, (noise, robust) in kept.items():
            what = Condition(kind="attack", name="standard", parameter=budget, unit="dB SNR", group="attack")
            metrics = {
                "noise_accuracy": value.model_copy(update={"value": noise}),
                "robust_accuracy": value.model_copy(update={"value": robust}),
            }
            key = f"scene/test/standard@l2:{budget:g}dB"
            record.cells.append(record.cells[0].model_copy(update={"key": key, "condition": what, "metrics": metrics}))
        for condition, level in zip(("white_noise@l2", "standard@l2"), half):
            level = value.model_copy(
                update={"value": level, "unit": "dB SNR", "low": None, "high": None, "reason": "-"}
            )
            record.scores[f"adversarial:snr50/{condition}"] = level
        return record

    one = attacked("cnn", {40.0: (0.9, 0.7), 30.0: (0.8, 0.1)}, (2.0, 33.0))
    two = attacked("passt", {40.0: (0.9, 0.2), 30.0: (0.7, 0.0)}, (4.0, 45.0))
    (page,) = board.arrange(runs(one, two))
    budget, half = threats.against_noise(page.boards[0]).items()
    assert budget[0] == "Standard, split test, against noise of equal budget (40 dB SNR)"
    assert {(dot.name, dot.x.value, dot.y.value) for dot in budget[1]} == {("cnn", 0.9, 0.7), ("passt", 0.9, 0.2)}
    assert {(dot.name, dot.x.value, dot.y.value) for dot in half[1]} == {("cnn", 2.0, 33.0), ("passt", 4.0, 45.0)}
    # A cell that failed a check of its attack is not ranked, and not drawn beside others.
    two.cells[-2].ranked = False
    ((title, _), _) = threats.against_noise(board.arrange(runs(one, two))[0].boards[0]).items()
    assert "(30 dB SNR)" in title


def test_one_transfer_from_several_models_fills_a_row_of_the_matrix(result):
    record = result("crnn")
    value = record.cells[0].metrics["macro_accuracy"]
    what = Condition(
        kind="attack",
        name="transfer",
        parameter=30.0,
        unit="dB SNR",
        facts={"sources": {"adapters/cnn.py": {}, "adapters/passt.py": {}}},
    )
    groups = {
        f"source={name}": {"robust_accuracy": value.model_copy(update={"value": kept})}
        for name, kept in (("cnn", 0.2), ("passt", 0.5))
    }
    record.cells.append(
        record.cells[0].model_copy(update={"key": "scene/test/transfer@l2:30dB", "condition": what, "groups": groups})
    )
    (page,) = board.arrange(runs(record))
    ((_, matrix),) = threats.transfer(page.boards[0]).items()
    assert (matrix.rows, matrix.columns, matrix.values) == (["crnn"], ["cnn", "passt"], [[0.2, 0.5]])


def test_a_run_that_reference_packages_agree_with_says_so(result):
    agreed = Check(name="verify:metrics", status="pass", message="sed_eval gives the same figures")
    doubted = Check(name="verify:metrics", status="warn", message="sed_eval gives another figure")
    made = result()
    shown = []
    for checks in ([], [agreed], [agreed, doubted]):
        record = made.model_copy(update={"checks": checks})
        shown.append("reference-verified" in [mark.text for mark in badges(record)])
    assert shown == [False, True, False]
