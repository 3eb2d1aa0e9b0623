"""Comparison pages: what `benchbed compare --json` says arrives as figures with intervals, and as text only."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from benchbed.errors import ConfigError, DamagedError
from benchbed.report.leaderboard import write_leaderboard
from benchbed.report.versus import comparison_page, words
from benchbed.results.comparison import ComparisonRecord, read_comparison
from benchbed.seal import seal

EVIL = "<img src=x onerror=alert(1)>"


def row(condition: str, value: float, **fields):
    base = {
        "condition": condition,
        "group": None,
        "metric": "macro_accuracy",
        "unit": "fraction",
        "rule": "r",
        "direction": "higher",
        "a": 0.6,
        "b": 0.6 - value,
        "value": value,
        "low": value - 0.05,
        "high": value + 0.05,
        "p": 0.01,
        "p_adjusted": 0.03,
        "verdict": "win" if value > 0 else "loss",
        "clips": 100,
        "groups": 20,
        "mde": 0.04,
        "effect": 0.8,
    }
    return base | fields


def comparison(*rows, name: str = "passt", **fields) -> ComparisonRecord:
    return ComparisonRecord.model_validate(
        {
            "primary": "macro_accuracy",
            "procedure": {"alpha": 0.05, "draws": 2000},
            "sides": [
                {"name": "cnn", "kind": "model", "runs": [{"model": "cnn", "path": "runs/0"}]},
                {"name": name, "kind": "model", "runs": [{"model": name, "path": "runs/1"}]},
            ],
            "pairings": [{"a": name, "b": "cnn", "wins": 1, "losses": 1, "rows": list(rows), **fields}],
        }
    )


def test_conditions_metrics_and_groups_stand_in_forests_of_their_own():
    made = comparison(
        row("clean", 0.04),
        row("white_noise@3", -0.1),
        row("clean", -0.2, metric="log_loss", unit="nats"),
        row("clean", 0.07, group="device=s4"),
        robustness=[
            {
                "name": "mp3",
                "metric": "macro_accuracy",
                "retention": {"value": 0.1, "low": 0.0, "high": 0.2},
                "matched": None,
                "reason": None,
            }
        ],
    )
    made = made.model_copy(update={"settings": {"white_noise@3": "10 dB SNR"}})
    (versus,) = comparison_page(made, {}).versus
    assert [[b.label for b in forest.branches] for forest in versus.forests] == [
        ["Clean", "White noise, 10 dB SNR"],
        ["Log loss"],
        ["Device s4"],
        ["MP3"],
    ]
    first = versus.forests[0]
    # The axis holds every interval and the line at zero.
    assert first.ends[0] <= -0.15 and first.ends[1] >= 0.09
    assert (first.branches[1].verdict, first.branches[1].value.value) == ("worse", -0.1)


def test_the_page_prints_differences_with_signs_and_links_to_the_runs(result, tmp_path):
    runs = [(Path(f"runs/{i}"), result(name)) for i, name in enumerate(("cnn", "passt"))]
    written = write_leaderboard(runs, tmp_path, comparisons=[comparison(row("clean", 0.0312), row("mp3@5", -0.25))])
    (page,) = [path for path in written if path.parent.name == "comparisons"]
    text = page.read_text(encoding="utf-8")
    assert "+3.1 <i>[−1.9, 8.1]</i>" in text and "−25.0 <i>[−30.0, −20.0]</i>" in text
    assert "Synthetic data" in text
    columns = re.findall(r'<th[^>]*data-key="(?:a|b)"[^>]*>.*?<span>(?:<bdi>)?([^<]+)', text, re.S)
    assert columns == ["passt", "cnn"]
    for link in re.findall(r'href="(\.\./runs/[^"]+)"', text):
        assert (page.parent / link).resolve().is_file()
    assert len(re.findall(r'href="(\.\./runs/[^"]+)"', text)) == 2
    assert f'href="comparisons/{page.name}"' in written[0].read_text(encoding="utf-8")
    carried = json.loads(re.search(r'id="data">(.*?)</script>', text, re.S)[1])
    assert [(r["condition"], r["difference"]) for r in carried["rows"]] == [("clean", 0.0312), ("mp3@5", -0.25)]


def test_runs_are_found_however_they_were_named(result, tmp_path, monkeypatch):
    """`compare` was given relative folders, the leaderboard reads absolute files: the same runs."""
    monkeypatch.chdir(tmp_path)
    runs = [(tmp_path / f"runs/{i}/result.json", result(name)) for i, name in enumerate(("cnn", "passt"))]
    written = write_leaderboard(runs, tmp_path / "out", comparisons=[comparison(row("clean", 0.03))])
    (page,) = [path for path in written if path.parent.name == "comparisons"]
    text = page.read_text(encoding="utf-8")
    assert len(re.findall(r'href="(\.\./runs/[^"]+)"', text)) == 2 and "Synthetic data" in text


def test_a_comparison_marks_synthetic_data_itself():
    """Also where the runs it is of are not on the board."""
    raw = comparison(row("clean", 0.03)).model_dump()
    assert not comparison_page(ComparisonRecord.model_validate(raw), {}).synthetic
    raw["sides"][1]["runs"][0] |= {"synthetic": True, "suite": "toy"}
    page = comparison_page(ComparisonRecord.model_validate(raw), {})
    assert page.synthetic and page.suite == "toy"


def test_a_row_that_rests_on_the_bootstrap_alone_says_so():
    made = comparison(row("clean", 0.04, test="paired bootstrap", metric="psds1"), row("clean", 0.04, metric="psds2"))
    page = comparison_page(made, {})
    remarks = [branch.remark for forest in page.versus[0].forests for branch in forest.branches]
    assert remarks == ["bootstrap alone", ""] and "bootstrap alone" in page.tests and "swap test" in page.tests


def test_units_keep_their_capitals_in_titles():
    made = comparison(row("white_noise@l2:50dB", 0.04, metric="log_loss", unit="nats"))
    assert comparison_page(made, {}).versus[0].forests[0].title == "Other metrics, white noise, l2:50dB, nats"


def test_hostile_names_stay_text(result, tmp_path):
    made = comparison(row(EVIL, 0.1, reason=EVIL), name=EVIL, notes=[EVIL])
    written = write_leaderboard([(Path("runs/0"), result("cnn"))], tmp_path, comparisons=[made])
    for page in written:
        assert page.resolve().is_relative_to(tmp_path.resolve())
        assert "<img" not in page.read_text(encoding="utf-8").lower()


@pytest.mark.parametrize("text", ['{"sides": []}', '{"primary": "x", "sides": 3, "pairings": []}'])
def test_what_is_no_comparison_is_refused(tmp_path, text):
    path = tmp_path / "c.json"
    path.write_text(seal(text), encoding="utf-8")
    with pytest.raises(ConfigError, match="comparison"):
        read_comparison(path)


@pytest.mark.parametrize("text", ["", "[]", '{"primary": "x"}'])
def test_a_file_without_a_digest_is_no_comparison(tmp_path, text):
    path = tmp_path / "c.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DamagedError):
        read_comparison(path)


def test_no_flipped_bit_of_a_comparison_goes_unnoticed(tmp_path):
    path = tmp_path / "c.json"
    whole = bytearray(seal(comparison(row("clean", 0.04)).model_dump_json()).encode())
    path.write_bytes(whole)
    assert read_comparison(path).pairings[0].rows[0].value == 0.04
    for place in range(0, len(whole), 7):
        damaged = bytearray(whole)
        damaged[place] ^= 1 << (place % 8)
        path.write_bytes(damaged)
        with pytest.raises(DamagedError):
            read_comparison(path)


def test_words_of_conditions():
    assert words("apgd@l2:30dB", {}) == "APGD, l2:30dB"
    # A comparison of an older benchbed does not say what its severities are.
    assert words("white_noise@3", {}) == "White noise, step 3"


def test_families_are_compared_as_groups_of_runs(result, tmp_path):
    mixed = {
        "condition": "clean",
        "metric": "macro_accuracy",
        "unit": "fraction",
        "direction": "higher",
        "values_a": [0.6, 0.7],
        "values_b": [0.5, 0.55, 0.6],
        "value": 0.1,
        "low": -0.02,
        "high": 0.22,
        "p_adjusted": 0.09,
        "method": "t with 3.1 degrees of freedom",
        "joined": "mean over 5 folds",
    }
    made = comparison(name="transformer", mixed=[mixed])
    (versus,) = comparison_page(made, {}).versus
    (branch,) = versus.forests[0].branches
    assert (branch.label, branch.value.value, branch.remark) == ("Clean", 0.1, "2 against 3 models; mean over 5 folds")
    written = write_leaderboard([(Path("runs/0"), result("cnn"))], tmp_path, comparisons=[made])
    (page,) = [path for path in written if path.parent.name == "comparisons"]
    text = page.read_text(encoding="utf-8")
    assert "Groups of runs" in text and "+10.0 <i>[−2.0, 22.0]</i>" in text and "0.090" in text
