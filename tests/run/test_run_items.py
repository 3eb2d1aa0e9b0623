"""Tasks that are scored elsewhere: their scores per item are compared, gated and shown like any other figure."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import benchbed as bb
from benchbed.data.layouts import items
from benchbed.errors import BenchbedError, ConfigError, DataError
from benchbed.outputs.item_score import OUTPUT

SUITE = {
    "name": "s5",
    "version": "1",
    "title": "Separation, scored by the challenge's own script",
    "task": "item_score",
    "data": {"layout": "items", "name": "s5", "options": {"group": "recording"}, "splits": ["all"]},
    "slices": [{"column": "sources"}],
    "metrics": {"family": "item_scores", "options": {"title": "CAPI-SDRi", "rule": "capi-sdri:2026", "unit": "dB"}},
    "statistics": {"draws": 400},
    "profile": False,
}


@pytest.fixture
def place(tmp_path):
    """Sixty mixtures of twenty recordings, and the scores of three systems: one 2 dB better, one like the first."""
    generator = np.random.default_rng(0)
    names = [f"mix{number:03d}" for number in range(60)]
    recordings = [f"rec{number // 3}" for number in range(60)]
    pd.DataFrame({"item": names, "recording": recordings, "sources": [1 + n % 3 for n in range(60)]}).to_csv(
        tmp_path / "items.csv", index=False
    )
    base = generator.normal(8, 3, 60)
    for name, scores in (
        ("baseline", base),
        ("better", base + 2 + generator.normal(0, 0.3, 60)),
        ("alike", base + generator.normal(0, 1.0, 60)),
    ):
        pd.DataFrame({"item": names[::-1], "score": scores[::-1]}).to_csv(tmp_path / f"{name}.csv", index=False)
    return tmp_path


@pytest.fixture
def scored(place):
    def run(name):
        return bb.score(SUITE, place / f"{name}.csv", name=name, data={"s5": place}, out=place / "runs")

    return run


def test_scores_of_items_are_compared_gated_and_shown(place, scored):
    baseline, better, alike = scored("baseline"), scored("better"), scored("alike")
    value = better.result.scores["mean_score"]
    assert value.value == pytest.approx(pd.read_csv(place / "better.csv")["score"].mean()) and value.unit == "dB"
    assert value.low is not None and value.low < value.value < value.high and "20 groups" in (value.interval or "")
    one = better.result.cells[0].groups["sources=1"]["mean_score"].value
    assert one == pytest.approx(pd.read_csv(place / "better.csv")["score"][::-1].to_numpy()[0::3].mean())
    rows = bb.compare(better, baseline).frame().query("condition == 'clean' and metric == 'mean_score'")
    assert rows["verdict"].tolist() == ["win"] and rows["difference"].iloc[0] == pytest.approx(2.0, abs=0.2)
    assert bb.compare(alike, baseline).frame()["verdict"].iloc[0] == "tie"
    assert bb.gate(better, baseline).passed and bb.gate(baseline, better).exit_code == 1
    page = better.page()
    assert "CAPI-SDRi" in page and "Separation, scored by the challenge" in page
    board = bb.leaderboard([baseline, better, alike], place / "site").read_text(encoding="utf-8")
    assert "better" in board and "alike" in board


def test_a_replay_takes_them_too(place):
    outputs = place / "outputs"
    outputs.mkdir()
    for name in ("baseline", "better"):
        (place / f"{name}.csv").rename(outputs / f"{name}.csv")
    board = bb.replay(SUITE, outputs, data={"s5": place}, out=place / "replays")
    assert [system.name for system in board.systems] == ["better", "baseline"] and board.pairs[0].apart


def test_questions_are_items_that_are_right_or_wrong():
    answered = bb.evaluate("item_scores", None, [1.0, 0.0, 1.0, 1.0], title="Accuracy", unit="fraction", draws=200)
    assert answered["mean_score"] == 0.75
    with pytest.raises(ConfigError, match="have no references"):
        bb.evaluate("item_scores", [1.0], [1.0])
    with pytest.raises(ConfigError, match="score 1 is nan"):
        bb.evaluate("item_scores", None, [1.0, float("nan")])
    with pytest.raises(ConfigError, match="direction is 'up'"):
        bb.evaluate("item_scores", None, [1.0], direction="up")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("item,score\nmix000,nan\n", "the score is nan"),
        ("item,score\nmix000,1\nmix000,2\n", "two scores for 'mix000'"),
        ("item,score\nmix000,1\n", "59 of 60 items have no score, the first is 'mix001'"),
        ("item,sdr\nmix000,1\n", "no column of scores"),
        ("mixture,score\nmix000,1\n", "no column of items"),
        ("item,score\nmix000,good\n", "good"),
    ],
)
def test_a_table_that_cannot_be_right_is_one_clear_error(place, text, said):
    (place / "bad.csv").write_text(text)
    with pytest.raises(DataError, match=said):
        OUTPUT.foreign(place / "bad.csv", items.read(place).select("all"), ())


def test_such_an_error_ends_the_command(place, scored):
    (place / "bad.csv").write_text("item,sdr\nmix000,1\n")
    with pytest.raises(BenchbedError, match="no column of scores"):
        scored("bad")


def test_scores_of_no_item_are_said(place):
    (place / "more.csv").write_text((place / "better.csv").read_text() + "mix999,3\n")
    clips = items.read(place).select("all")
    assert OUTPUT.unused(place / "more.csv", clips)[0].startswith("1 of 61 scores of more.csv are about no item")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"csv": "none.csv"}, "no table of items"),
        ({"item": "itm"}, "no column 'itm'"),
        ({"group": "session"}, "no column 'session'"),
    ],
)
def test_items_that_cannot_be_read_are_told(place, options, said):
    with pytest.raises(DataError, match=said):
        items.read(place, **options)


def test_splits_come_from_a_column(place):
    assert list(items.read(place, split="sources").splits) == ["1", "2", "3"]
