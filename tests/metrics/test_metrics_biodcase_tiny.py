"""The composite score of BioDCASE-Tiny 2026 against the challenge's formula, by hand, from its files and from runs.

The verb is `benchbed.cli.composing`."""

from __future__ import annotations

import json

import pytest
from made_runs import made_record, printed

import benchbed as bb
from benchbed.api.composing import composite
from benchbed.cli import main
from benchbed.errors import ConfigError, DataError
from benchbed.metrics.biodcase_tiny import TERMS, composite_score
from benchbed.results.store import write

NAMES = (
    *("accuracy_inference", "accuracy_tflite", "roc_auc_inference", "roc_auc_tflite", "model_size_tflite_bytes"),
    *("macs_inference", "macs_tflite", "embedded_time_ms_preprocessing", "embedded_time_ms_model"),
    *("embedded_time_ms_total", "embedded_ram_usage_bytes"),
)
#: Measures, and what the expression in `rank_formula.txt` (birdnet-team/BioDCASE-Tiny-2026 at fc81e1f) gives for them,
#: read by Python with MAX as `max`; it gave the same as this function for 2,000 random submissions, to 1e-9.
OFFICIAL = [
    ((0.82, 0.81, 0.97, 0.96, 111408, 23315232, 600000000, 241.12, 3000, 1500, 95900), 4.403435899709345),
    ((0.40, 0.30, 0.70, 0.65, 9000000, 10**9, 10**9, 900, 3000, 3000, 2 * 10**6), -4.683320357710532),
]


@pytest.mark.parametrize(("values", "official"), OFFICIAL)
def test_the_score_is_that_of_the_published_formula(values, official):
    assert composite_score(dict(zip(NAMES, values))).value == pytest.approx(official, abs=1e-12)


def test_the_constants_give_nothing_and_the_weights():
    assert [term.measure for term in TERMS] == list(NAMES)
    assert composite_score({term.measure: term.zero for term in TERMS}).value == 0
    best = composite_score({term.measure: term.one for term in TERMS})
    # 1 + 2 + 0.5 + 0.5 + 0.5 + 0.3 + 0.5 + 0.3 + 0.4 + 0.5 + 0.5
    assert best.value == pytest.approx(7.0) and not best.lacking


def test_costs_on_the_board_never_count_below_zero_and_the_others_do():
    made = composite_score({"embedded_time_ms_model": 9000, "macs_tflite": 10**9, "accuracy_tflite": 0.34})
    assert made.terms["embedded_time_ms_model"] == made.terms["macs_tflite"] == 0
    assert made.terms["accuracy_tflite"] == pytest.approx(-1.0) and len(made.lacking) == 8


def test_what_the_challenges_script_writes_is_read(tmp_path, capsys):
    file = tmp_path / "submission_results.yaml"
    rows = {**dict(zip(NAMES, OFFICIAL[0][0])), "num_params_tflite": 97163, "embedded_ram_usage_bytes": "N/A"}
    file.write_text("submission_results:\n" + "".join(f"  {name}: {value}\n" for name, value in rows.items()))
    made = composite(file)
    assert made.lacking == ("embedded_ram_usage_bytes",) and made.value == pytest.approx(OFFICIAL[0][1] - 0.5)
    with pytest.raises(SystemExit) as left:
        main(["composite", str(file), "--json"])
    assert left.value.code in (0, None) and json.loads(capsys.readouterr().out)["value"] == pytest.approx(made.value)
    with pytest.raises(SystemExit):
        main(["composite", str(file)])
    assert "not stated" in capsys.readouterr().out


def test_runs_say_accuracy_and_macs(tmp_path):
    figures = {"accuracy": printed(9 / 11), "ranking_mauc": printed(0.95)}
    profile = {"compute": {"biodcase2026": {"value": 23315232, "unit": "MACs"}}}
    folder = tmp_path / "tiny"
    folder.mkdir()
    write(made_record([], name="tiny", profile=profile, scores=figures), folder / "result.json")
    made = bb.composite(network=folder)
    by_hand = (
        (9 / 11 - 0.56) / 0.44 + 0.5 * (0.95 - 0.89) / 0.08 + 0.3 * (267313754 - 23315232) / (267313754 - 23326923)
    )
    assert made.value == pytest.approx(by_hand)
    assert made.lacking == tuple(
        n for n in NAMES if n not in ("accuracy_inference", "roc_auc_inference", "macs_inference")
    )


@pytest.mark.parametrize(
    ("measures", "said"),
    [
        ({"accuracy_inference": 82.0}, "accuracy_inference is 82"),
        ({"macs_inference": -1}, "macs_inference is -1"),
        ({"macs_inference": float("nan")}, "macs_inference is nan"),
        ({"accuracy_tflite": "good"}, "accuracy_tflite is 'good'"),
        ({"acuracy_inference": 0.8}, "no measure of the composite score"),
        ({}, "no measure of the composite score"),
    ],
)
def test_measures_that_cannot_be_are_one_clear_error(measures, said):
    with pytest.raises(DataError, match=said):
        composite(measures)


def test_a_file_that_is_not_there_is_told(tmp_path):
    with pytest.raises(ConfigError, match="no file of measures"):
        composite(tmp_path / "none.yaml")


@pytest.mark.parametrize("text", ["accuracy_inference: 90\n", "accuracy_tflite: abc\n", "other: 1\n"])
def test_what_a_file_of_measures_has_wrong_names_the_file(tmp_path, text):
    place = tmp_path / "submission_results.yaml"
    place.write_text(text)
    with pytest.raises(DataError) as caught:
        composite(place)
    assert caught.value.where == str(place) and caught.value.hint
