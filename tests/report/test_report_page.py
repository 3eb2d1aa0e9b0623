"""The page of one run: what it says, that it says it everywhere, and that hostile text stays text."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser

import pytest

from benchbed.report import terms, view
from benchbed.report.folding import unfolded
from benchbed.report.island import unpack
from benchbed.report.page import report_html, write_report
from benchbed.report.panels import robustness_curves, severity_heatmaps
from benchbed.results.record import Check, Condition, Matrix, RecordedThresholds, Result, Value

HOSTILE = [
    "</script><img src=x onerror=alert(1)>",
    "</title></desc></svg><script>alert(2)</script>",
    "\"'><b onmouseover=alert(3)>",
    "{{ 7 * 7 }}{% raw %}",
    "مترو \u202egnp.exe\u202c עברית",
    "<!-- \u2028 ]]> &amp; &lt;",
    '<!--/fold--></div><script type="text/plain" id="folded">@<!--fold-->',
]


class Reader(HTMLParser):
    """Elements, attributes and text as a browser would take them apart."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        text = unfolded(text)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.raw: dict[str, str] = {}
        self._inside: str | None = None
        self.feed(text)
        # Not \s: the narrow space between a number and its unit is part of what is printed.
        self.words = re.sub(r"[ \n\t]+", " ", " ".join(self.text))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        held = dict(attrs)
        self.tags.append((tag, held))
        self._inside = (held.get("id") or tag) if tag in ("script", "style") else self._inside

    def handle_endtag(self, tag: str) -> None:
        if tag in ("script", "style"):
            self._inside = None

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.raw[self._inside] = self.raw.get(self._inside, "") + data
        else:
            self.text.append(data)

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def test_figures_are_printed_as_the_record_has_them(result):
    page = Reader(report_html(result()))
    assert "57.3\u202f%" in page.words and "[54.3, 60.3]" in page.words
    assert "1.234\u202fnats" in page.words and "[1.180, 1.290]" in page.words
    assert "macro_accuracy:fixed-labels" in page.words
    assert "bootstrap percentile 95 %, 100 groups, 1000 draws" in page.words
    assert "higher is better" in page.words and "lower is better" in page.words


def test_rule_and_method_of_a_headline_figure_reach_hover_and_screen_reader(result):
    page = Reader(report_html(result()))
    says = "57.7\u202f%. interval [54.7, 60.7] (bootstrap percentile 95 %, 100 groups, 1000 draws). 1,000 clips. "
    says += "Higher is better. Rule accuracy:1."
    assert says in [attributes.get("title") for attributes in page.named("li")]
    assert says in page.words


def test_a_null_shows_its_reason(result):
    changed = result()
    changed.cells[0].metrics["log_loss"] = Value(
        value=None, n=1000, direction="lower", unit="nats", rule="log_loss:1", reason="scores are not probabilities"
    )
    assert Reader(report_html(changed)).words.count("scores are not probabilities") >= 2


def test_a_record_without_its_ranking_metric_says_so(result):
    assert "The metric that ranks is not in this record." in Reader(report_html(result(primary="mAP"))).words


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "Synthetic data: tau2022-synthetic"),
        ({"dataset__limit": 40}, "Run with --limit 40"),
        ({"conditions": True}, "5 of 41 conditions lack clips"),
        ({"checks": [Check(name="label order", status="fail", message="chance level")]}, "1 checks failed"),
        ({"conditions": True}, "The model was trained with: Babble."),
    ],
)
def test_banners(result, changes, words):
    assert words in Reader(report_html(result(**changes))).words


def test_real_data_have_no_banner(result):
    page = Reader(report_html(result(dataset__synthetic=False, dataset__name="tau2022")))
    assert not [attributes for attributes in page.named("p") if "banner" in (attributes.get("class") or "")]


def test_failures_are_counted_and_the_first_fifty_listed(result, failure):
    page = Reader(report_html(result(failures=failure(70))))
    assert "70 clips have no prediction" in page.words
    assert "audio/clip49.wav" in page.words and "audio/clip50.wav" not in page.words
    assert "audio/clip69.wav" in unpack(page.raw["data"])


def test_devices_pooled_and_mean_over_devices_are_told_apart(result):
    words = Reader(report_html(result())).words
    for label in (
        "Unseen devices, clips pooled",
        "Unseen devices, mean over devices",
        "Gap seen − unseen, clips pooled",
    ):
        assert label in words
    assert "device s6; interval of that device, not of the choice" in words


def test_trivial_baselines_stand_apart_and_beside_the_figure_that_ranks(result):
    page = Reader(report_html(result()))
    assert "A model that hears nothing: majority 10.0\u202f% (thin lines)." in page.words
    assert "Macro accuracy, majority baseline" in page.words
    cards = [attributes["title"] for attributes in page.named("li") if "title" in attributes]
    assert not any("computed, not measured" in card for card in cards)


def test_a_single_clean_cell_is_not_listed_twice(result):
    record = result()
    record.scores |= record.cells[0].metrics
    assert Reader(report_html(record)).words.count("log_loss:eps1e-15") == Reader(report_html(result())).words.count(
        "log_loss:eps1e-15"
    )


def test_heat_maps_carry_their_numbers_and_headers(result):
    text = report_html(result())
    page = Reader(text)
    assert {"Confusion matrix, clips", "Class × device, %"} <= {data.strip() for data in page.text}
    assert 'scope="row"><bdi>metro_station</bdi></th>' in text
    assert "54.3" in page.words


def test_every_chart_has_a_name_and_a_description(result):
    page = Reader(report_html(result(conditions=True)))
    charts = [attributes for attributes in page.named("svg") if attributes.get("role") == "img"]
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    # Two of them are the bars of the classes, one for each of their metrics.
    assert len(charts) == 9
    for chart in charts:
        assert all(part in ids for part in chart["aria-labelledby"].split())
    others = [attributes for attributes in page.named("svg") if attributes.get("role") != "img"]
    assert all(attributes.get("aria-hidden") == "true" for attributes in others)


def test_the_bins_of_tags_are_a_diagram_too(result):
    record = result()
    record.cells[0].matrices = {
        "reliability": Matrix(
            rows=["0.0…0.5", "0.5…1.0"],
            columns=["tags", "score", "present"],
            values=[[100, 0.2, 0.1], [40, 0.8, 0.9]],
            row_title="score bin",
            column_title="mean in bin",
            unit="tags, fraction",
        )
    }
    text = report_html(record)
    assert "In bin 1 score 20.0\u202f%, present 10.0\u202f%" in text and ">Score, %</text>" in text
    assert re.findall(r'<td class="none">([^<]*)</td>', text)[:3] == ["100\u202ftags", "20.0\u202f%", "10.0\u202f%"]


def test_ids_are_unique(result, failure):
    page = Reader(report_html(result(conditions=True, failures=failure(3))))
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids))


def test_noise_and_attack_share_one_panel_against_snr(result):
    text = report_html(result(conditions=True))
    assert "Noise and attack against SNR" in text
    assert re.search(r"<desc[^>]*>White noise from .*APGD from 1\.8.* at 20 to .* at 60", text)


def test_what_is_certified_is_a_curve_beside_what_attacks_left(result):
    record, unit = result(), "dB SNR, whole clip"
    some = record.cells[0].metrics["macro_accuracy"]
    for budget, left, certain in ((30.0, 0.75, 0.5), (50.0, 1.0, 0.875)):
        cell = record.cells[0].model_copy(deep=True)
        cell.key = f"{cell.task}/{cell.split}/standard@l2:{budget:g}dB"
        cell.condition = Condition(kind="attack", name="standard", parameter=budget, unit=unit)
        shares = {"robust_accuracy": left, "clean_accuracy": 1.0, "certified_accuracy": certain}
        cell.metrics = {
            name: some.model_copy(update={"value": share, "low": None, "high": None}) for name, share in shares.items()
        }
        record.cells.append(cell)
    (chart,) = [chart for title, chart in robustness_curves(record) if "under attack" in title]
    assert re.search(
        r"Certified from .*50.* at 30 to .*87\.5.* at 50|Certified from .*87\.5.* at 50 to .*50.* at 30", chart
    )
    for cell in record.cells:
        cell.metrics.pop("certified_accuracy", None)
    assert not any("Certified" in chart for _, chart in robustness_curves(record))


def test_the_page_asks_for_nothing(result):
    text = report_html(result(conditions=True))
    page = Reader(text)
    for tag, attributes in page.tags:
        for name in ("src", "href", "action", "srcset", "data", "poster", "xlink:href"):
            value = attributes.get(name)
            assert value is None or value.startswith("#") or value == "data:,", (tag, name, value)
    assert "url(" not in page.raw["style"] and "@import" not in page.raw["style"]
    assert "default-src 'none'" in page.named("meta")[1]["content"]


def test_the_data_inside_is_the_record(result):
    record = result(conditions=True)
    carried = Reader(report_html(record)).raw["data"]
    assert Result.model_validate(json.loads(unpack(carried))) == record


def test_the_command_can_be_given(result):
    assert "benchbed run mine.yaml" in report_html(result(), command="benchbed run mine.yaml")
    assert "benchbed run suites/dcase_task1.yaml" in report_html(result())


@pytest.mark.parametrize("evil", HOSTILE)
def test_hostile_text_stays_text_everywhere(result, failure, evil):
    record = result(
        evil,
        conditions=True,
        suite__title=evil,
        suite__name=evil,
        suite__definition={evil: [evil]},
        dataset__name=evil,
        dataset__notes=[evil],
        dataset__citation=evil,
        model__family=evil,
        model__description=evil,
        model__options={evil: evil},
        model__weights={evil: evil},
        provenance__command=evil,
        provenance__machine={evil: {evil: evil}},
        checks=[Check(name=evil, status="fail", message=evil, cell=evil)],
        profile={evil: {"value": 3, "unit": evil, "method": evil}, "x": {evil: evil}},
        failures=failure(2, evil),
        scores={evil: Value(value=None, n=1, direction="lower", unit=evil, rule=evil, reason=evil, note=evil)},
    )
    cell = record.cells[0]
    cell.groups |= {f"device={evil}": cell.groups["device=a"], f"{evil}={evil}": cell.groups["device=a"]}
    cell.matrices |= {
        "scene_device": Matrix(
            rows=[evil], columns=[evil], values=[[0.5]], row_title=evil, column_title=evil, unit=evil
        ),
        evil: Matrix(rows=[evil], columns=[evil], values=[[None]], row_title=evil, column_title=evil, unit=evil),
    }
    for perturbed in record.cells[1:]:
        perturbed.condition.name = perturbed.condition.group = evil
        perturbed.condition.unit = f"{evil} SNR"
        perturbed.key = f"{perturbed.key} {evil}"
    harmless = Reader(report_html(result(conditions=True)))
    page = Reader(report_html(record))
    assert {tag for tag, _ in page.tags} <= {tag for tag, _ in harmless.tags} | {"span", "bdi"}
    # The data, the page's own script, and what of it travels packed.
    assert len(page.named("script")) == 3 and not page.named("img")
    handlers = [name for _, attributes in page.tags for name in attributes if name.startswith("on")]
    assert not handlers
    assert evil in page.words
    assert json.loads(unpack(page.raw["data"]))["model"]["name"] == evil


def test_a_corruption_with_two_settings_of_its_options_has_two_rows_and_two_curves(result):
    record = result(conditions=True)
    some = [cell for cell in record.cells if cell.condition.kind == "corruption"]
    name, mine = some[0].condition.name, []
    for cell in [cell for cell in some if cell.condition.name == name]:
        again = cell.model_copy(deep=True)
        again.key, again.condition.unit = f"{cell.key}#2", "dB, whole clip"
        mine.append(again)
    record.cells += mine
    called = f"{terms.plain(name)}, dB, whole clip (no. 2)"
    [table] = [chart for chart in severity_heatmaps(record) if terms.plain(name) in chart]
    assert called in table
    panels = "".join(chart for _, chart in robustness_curves(record))
    assert called in panels and f"<bdi>{terms.plain(name)}</bdi>" in panels
    record.scores[f"robustness:mean/{name}#2"] = record.cells[0].metrics["macro_accuracy"]
    assert called in [row.label for table in view.robustness(record) for row in table.rows]


def test_attacks_of_two_kinds_of_budget_share_no_unit_in_a_heading(result):
    record = result(conditions=True)
    clean = record.cells[0]
    for threat, unit in (("l2", "dB SNR, whole clip"), ("l2-each", "dB SNR, every channel")):
        cell = clean.model_copy(deep=True)
        cell.key = f"{cell.task}/{cell.split}/fast@{threat}:40dB"
        cell.condition = Condition(kind="attack", name="fast", parameter=40.0, unit=unit)
        record.cells.append(cell)
        smallest = clean.metrics["macro_accuracy"].model_copy(update={"unit": unit, "value": 40.0})
        record.scores[f"adversarial:minimal_snr/fast@{threat}"] = smallest
    [table] = [table for table in view.robustness(record) if {"minimal_snr"} & set(table.metrics)]
    assert [row.label for row in table.rows] == ["Fast, dB SNR, whole clip", "Fast, dB SNR, every channel"]
    assert table.first("minimal_snr").unit == "dB SNR"


def test_thresholds_that_were_chosen_elsewhere_stand_among_the_facts(result):
    chosen = RecordedThresholds(
        thresholds={"bus": 0.25, "<tram>": 0.5},
        tuned_on="tau/val",
        rule="best-f1",
        reached=0.625,
        class_f1={"bus": 0.625, "<tram>": None},
        untuned=["<tram>"],
        fallback=0.5,
        clips=1200,
        available=1300,
        failed=100,
        median_seconds={"bus": 0.4, "<tram>": 0.0},
    )
    page = report_html(result(thresholds=chosen))
    assert (
        "<dt>Chosen on</dt><dd><bdi>tau/val</bdi></dd>" in page and "62.5 %" in page and "<dd><bdi>1,300</bdi>" in page
    )
    assert "<td>0.25</td><td>0.4</td><td>62.5</td>" in page and "<td>0.5</td><td>none</td><td>–</td>" in page
    assert "<bdi>&lt;tram&gt;</bdi>" in page and "Threshold of each class" not in report_html(result())
    # What does not apply has no line, rather than an empty one.
    whole = report_html(result(thresholds=chosen.model_copy(update={"untuned": [], "failed": 0})))
    assert "Their threshold" in page and "Their threshold" not in whole and "<dd><bdi></bdi></dd>" not in whole


def test_control_characters_become_visible(result):
    text = report_html(result("a\x00b\x1b[31m", suite__title="t\x07"))
    assert "a\ufffdb\ufffd[31m" in text
    assert not re.search(r"[\x00-\x08\x0b-\x1f]", text.replace("\n", ""))


def test_the_file_is_written_whole(result, tmp_path):
    path = write_report(result(), tmp_path / "new" / "report.html")
    assert path.read_text(encoding="utf-8").rstrip().endswith("</html>")
    assert [part.name for part in path.parent.iterdir()] == ["report.html"]
