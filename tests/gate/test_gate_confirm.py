"""A latency rule that fails is measured again: it fails only where both measurements show it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from made_runs import made_record

import benchbed as bb
from benchbed.cli import main
from benchbed.compare.runs import OpenRun
from benchbed.errors import CannotMeasure
from benchbed.gate.confirm import confirmed
from benchbed.gate.judge import judge
from benchbed.gate.load import LoadedRules
from benchbed.gate.rules import Rule, Rules
from benchbed.gate.verdict import Answer
from benchbed.results.store import read
from benchbed.run.costing.again import timed_again

SLOW = {"name": "slow", "figure": "latency.rounds.model", "reference": "latency.rounds.reference", "at_most": "1.2 x"}
SIZE = {"name": "size", "figure": "parameters", "at_most": "10 parameters"}


def rules(*each: dict) -> LoadedRules:
    return LoadedRules(Rules(rules=[Rule(**rule) for rule in each]))


def run(ratio: float, rounds: int = 15, parameters: int = 5) -> OpenRun:
    jitter = np.linspace(0.98, 1.02, rounds)
    timed = {
        "rounds": {
            "model": {"value": (ratio * jitter).tolist(), "unit": "s"},
            "reference": {"value": jitter[::-1].tolist(), "unit": "s"},
        }
    }
    counted = {"value": parameters, "unit": "parameters"}
    return OpenRun(Path("result.json"), made_record([], profile={"latency": timed, "parameters": counted}))


def test_a_slow_moment_is_no_regression_and_both_measurements_are_said():
    loaded, bad = rules(SLOW, SIZE), run(2.0)
    first = judge(loaded, bad)
    assert first.exit_code == 1
    asked = []
    report = confirmed(first, loaded, [bad], None, lambda one: (asked.append(one), run(1.0))[1])
    assert asked == [bad] and report.exit_code == 0
    [words] = [f.words for f in report.outcomes[0].findings]
    assert words.startswith("measured again, ") and "the first time" in words
    assert report.outcomes[0].answer is Answer.PASSED and not report.outcomes[0].conclusive
    assert report.notes[-1] == "measured again: the times of 1 rule that failed"
    facts = report.as_json()["rules"][0]["findings"][0]
    assert facts["value"] == pytest.approx(1.0, abs=0.05) and facts["first"]["value"] == pytest.approx(2.0, abs=0.05)


def test_what_is_slow_every_time_fails():
    loaded, bad = rules(SLOW), run(2.0)
    report = confirmed(judge(loaded, bad), loaded, [bad], None, lambda one: run(1.9))
    [words] = [f.words for f in report.outcomes[0].findings]
    assert report.exit_code == 1 and "; measured again, " in words and "; measured a third time, " in words
    assert [note.partition(":")[0] for note in report.notes[-2:]] == ["measured again", "measured a third time"]


def test_what_is_slow_twice_and_fast_the_third_time_passes():
    loaded, bad, times = rules(SLOW), run(2.0), iter([run(1.9), run(1.0)])
    report = confirmed(judge(loaded, bad), loaded, [bad], None, lambda one: next(times))
    assert report.exit_code == 0 and next(times, None) is None
    assert report.outcomes[0].findings[0].words.startswith("measured a third time, ")


def test_nothing_is_measured_where_no_time_failed():
    def never(one: OpenRun) -> OpenRun:
        raise AssertionError("measured")

    loaded = rules(SLOW, SIZE)
    passed, large = run(1.0), run(1.0, parameters=11)
    assert confirmed(judge(loaded, passed), loaded, [passed], None, never).exit_code == 0
    # A count has no luck in it.
    report = confirmed(judge(loaded, large), loaded, [large], None, never)
    assert report.exit_code == 1


def test_what_cannot_be_measured_again_stays_a_regression_and_says_why():
    def gone(one: OpenRun) -> OpenRun:
        raise CannotMeasure("the adapter is gone")

    loaded, bad = rules(SLOW), run(2.0)
    report = confirmed(judge(loaded, bad), loaded, [bad], None, gone)
    assert report.exit_code == 1
    assert "could not be measured again: the adapter is gone" in report.outcomes[0].findings[0].words


@pytest.fixture(scope="module")
def timed(tmp_path_factory) -> Path:
    """A run of the shipped network on a few synthetic clips, timed in turns with itself."""
    out = tmp_path_factory.mktemp("timed")
    latency = {"latency": {"reference": "cnn", "seconds": 0.05, "batch_sizes": [1], "cold_start": False, "rounds": 5}}
    made = bb.run("dcase_task1", model="cnn", limit=4, out=out, report=False, overrides={"profile": latency})
    return made.path


def test_the_times_of_a_record_are_taken_again_and_nothing_else(timed):
    record = read(timed / "result.json")
    again = timed_again(record)
    rounds = [one.profile["latency"]["rounds"]["model"] for one in (record, again)]
    assert len(rounds[0]) == len(rounds[1]) == 5 and rounds[0] != rounds[1]
    assert again.cells == record.cells and again.profile["macs"] == record.profile["macs"]


def test_another_model_is_not_timed_in_its_place(timed):
    record = read(timed / "result.json")
    other = record.model_copy(update={"model": record.model.model_copy(update={"adapter_hash": "b2:other"})})
    with pytest.raises(CannotMeasure, match="is not what it was"):
        timed_again(other)
    quiet = {**record.suite.definition, "profile": True}
    untimed = record.model_copy(update={"suite": record.suite.model_copy(update={"definition": quiet})})
    with pytest.raises(CannotMeasure, match="asks for no times"):
        timed_again(untimed)


def test_the_command_line_measures_again(timed, tmp_path, capsys):
    path = tmp_path / "gate.yaml"
    path.write_text(
        "name: t\nrules:\n  - {name: slow, figure: latency.rounds.model, reference: latency.rounds.reference, "
        "at_most: 0.01 x}\n"
    )
    with pytest.raises(SystemExit) as left:
        main(["gate", str(timed), "--rules", str(path), "--confirm", "--json"])
    told = json.loads(capsys.readouterr().out)
    assert left.value.code == 1 and "measured again" in told["rules"][0]["findings"][0]["words"]
