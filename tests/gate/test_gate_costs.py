"""Budgets and ratios: counts are exact, times are ratios to a reference in the same run and several rounds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from made_runs import made_record

from benchbed.compare.runs import OpenRun
from benchbed.gate.judge import judge
from benchbed.gate.load import LoadedRules, load_rules
from benchbed.gate.rules import Rule, Rules
from benchbed.gate.verdict import Answer
from benchbed.rng import stream


def rules(*each: dict) -> LoadedRules:
    return LoadedRules(Rules(rules=[Rule(**{"name": f"r{i}"} | rule) for i, rule in enumerate(each)]))


def run(profile, machine="x"):
    made = made_record([], profile=profile)
    made.provenance.machine["cpu"] = machine
    return OpenRun(Path("result.json"), made)


def size(bytes_, macs):
    return run({"compute": {"memory": {"value": bytes_, "unit": "bytes"}, "macs": {"value": macs, "unit": "MACs"}}})


def test_budgets_of_the_challenge():
    """128 kB is 128,000 bytes and 30 MMAC is 30,000,000; the limit itself is kept, one more is not."""
    budget = rules({"figure": "compute.memory", "at_most": "128 kB"}, {"figure": "compute.macs", "at_most": "30 MMAC"})
    assert judge(budget, size(128_000, 30_000_000), strict=True).exit_code == 0
    report = judge(budget, size(128_001, 30_000_001))
    assert [o.answer for o in report.outcomes] == [Answer.REGRESSED] * 2
    assert "128,001 bytes (at most 128,000 bytes)" in report.outcomes[0].findings[0].words
    assert "0 tests" in report.over  # a count needs no correction


def test_a_figure_that_was_not_measured_says_why():
    report = judge(rules({"figure": "energy.joules", "at_most": "1 J"}), run({"energy": {"reason": "no meter here"}}))
    assert report.exit_code == 3 and "no meter here" in report.outcomes[0].findings[0].words
    empty = run({"compute": {"macs": {"value": None, "unit": "MACs", "reason": "the graph is opaque"}}})
    report = judge(rules({"figure": "compute.macs", "at_most": "1 MAC"}), empty)
    assert report.exit_code == 3 and "the graph is opaque" in report.outcomes[0].findings[0].words
    report = judge(rules({"figure": "compute.mac", "at_most": "1 MAC"}), size(1, 1))
    assert "did you mean 'macs'" in report.outcomes[0].findings[0].words


def test_growth_against_a_baseline():
    rule = {"figure": "compute.macs", "margin": {"relative": "10 %"}}
    assert judge(rules(rule), size(1, 1099), size(1, 1000)).exit_code == 0
    assert judge(rules(rule), size(1, 1101), size(1, 1000)).exit_code == 1


def test_seconds_of_two_machines_are_not_compared():
    rule = {"figure": "latency", "margin": {"relative": "10 %"}}
    one, other = (run({"latency": {"value": 1.0, "unit": "s"}}, machine) for machine in "xy")
    report = judge(rules(rule), one, other)
    assert report.exit_code == 3 and "another machine" in report.outcomes[0].findings[0].words
    assert judge(rules(rule), one, one).exit_code == 0


def timed(ratio, key, rounds=15, busy=0.0):
    """Rounds of a model and of a reference on a shared machine: common slow-downs, and spikes in some rounds."""
    generator = stream("latency-gate", key)
    slow = np.exp(generator.normal(0, 0.3, rounds))
    spikes = np.where(generator.random((2, rounds)) < busy, generator.uniform(1.5, 4, (2, rounds)), 1.0)
    jitter = np.exp(generator.normal(0, 0.03, (2, rounds)))
    model, reference = ratio * slow * jitter[0] * spikes[0], slow * jitter[1] * spikes[1]
    return run(
        {
            "rounds": {
                "model": {"value": model.tolist(), "unit": "s"},
                "reference": {"value": reference.tolist(), "unit": "s"},
            }
        },
        machine=str(key),
    )


RATIO = {"figure": "rounds.model", "reference": "rounds.reference"}


def test_latency_does_not_cry_wolf_on_a_busy_machine():
    """200 runs each: the model is as fast as before, on machines whose speed varies by 30 % and that are disturbed in
    one round of seven."""
    limit = rules(RATIO | {"at_most": "2.2 x"})
    against = rules(RATIO | {"margin": {"relative": "10 %"}})

    def alarms(loaded, ratio, key, base=None):
        new = [timed(ratio, (key, i), busy=0.15) for i in range(200)]
        old = [timed(base, (key, i, "base"), busy=0.15) if base else None for i in range(200)]
        return sum(judge(loaded, one, other).exit_code == 1 for one, other in zip(new, old))

    assert alarms(limit, 2.0, 1) <= 200 * 0.05
    assert alarms(against, 2.0, 2, 2.0) <= 200 * 0.05
    assert alarms(limit, 3.0, 3) >= 160
    assert alarms(against, 3.0, 4, 2.0) >= 160


def test_raw_seconds_would_cry_wolf():
    """The same runs without the reference: what the ratio is for."""
    raw = rules({"figure": "rounds.model", "at_most": "2.2 s", "by": "value"})
    assert sum(judge(raw, timed(2.0, (1, i), busy=0.15)).exit_code == 1 for i in range(200)) > 20


def test_too_few_rounds_show_nothing():
    report = judge(rules(RATIO | {"at_most": "1 x"}), timed(9.0, 1, rounds=3))
    assert report.exit_code == 0 and not report.outcomes[0].conclusive


def profiled(median=1.07, clips=900.0, machine="x"):
    """Times as a run writes them: in milliseconds."""
    return run(
        {
            "latency": {
                "batch_1": {"median": {"value": median, "unit": "ms"}},
                "throughput": {"batch_1": {"value": clips, "unit": "clips/s"}},
                "rounds": {"model": [median] * 15, "reference": [1.0] * 15, "unit": "ms"},
            },
            "energy": {
                "joules_per_inference": {"value": 0.02, "unit": "J"},
                "kwh": {"value": 2e-6, "unit": "kWh"},
                "reference": {"value": 0.01, "unit": "J"},
            },
        },
        machine,
    )


@pytest.mark.parametrize(
    ("rule", "answer"),
    [
        ({"figure": "latency.batch_1.median", "at_most": "1.1 ms"}, Answer.PASSED),
        ({"figure": "latency.batch_1.median", "at_most": "1 ms"}, Answer.REGRESSED),
        ({"figure": "latency.batch_1.median", "at_most": "0.0011 s"}, Answer.PASSED),
        ({"figure": "latency.rounds.model", "at_most": "1.1 ms"}, Answer.PASSED),
        ({"figure": "latency.rounds.model", "at_most": "1 ms"}, Answer.REGRESSED),
        (
            {"figure": "latency.rounds.model", "reference": "latency.rounds.reference", "at_most": "1.1 x"},
            Answer.PASSED,
        ),
        (
            {"figure": "latency.rounds.model", "reference": "latency.rounds.reference", "at_most": "1.05x"},
            Answer.REGRESSED,
        ),
        ({"figure": "energy.joules_per_inference", "at_most": "25 mJ"}, Answer.PASSED),
        ({"figure": "energy.kwh", "at_most": "7 J"}, Answer.REGRESSED),  # 2e-6 kWh are 7.2 J
        ({"figure": "energy.kwh", "at_most": "7.3 J"}, Answer.PASSED),
        ({"figure": "energy.joules_per_inference", "reference": "energy.reference", "at_most": "2.5 x"}, Answer.PASSED),
        (
            {"figure": "energy.joules_per_inference", "reference": "energy.reference", "at_most": "1.5 x"},
            Answer.REGRESSED,
        ),
    ],
)
def test_limits_are_in_the_units_that_they_name_whatever_the_record_wrote(rule, answer):
    assert judge(rules(rule), profiled()).outcomes[0].answer is answer


def test_a_margin_on_milliseconds_and_on_clips_per_second():
    slower = {"figure": "latency.batch_1.median", "margin": {"absolute": "0.5 ms"}}
    report = judge(rules(slower), profiled(1.57), profiled(1.07))
    assert report.exit_code == 0 and "1.57 ms against 1.07 ms, +0.5 ms" in report.outcomes[0].findings[0].words
    assert judge(rules(slower), profiled(1.58), profiled(1.07)).exit_code == 1
    # More clips a second are better.
    rate = {"figure": "latency.throughput.batch_1", "margin": {"relative": "5 %"}}
    assert judge(rules(rate), profiled(clips=800), profiled(clips=900)).exit_code == 1
    assert judge(rules(rate), profiled(clips=1000), profiled(clips=900)).exit_code == 0


@pytest.mark.parametrize(
    "figure",
    [
        "latency.batch_1.median",
        "latency.throughput.batch_1",
        "latency.rounds.model",
        "energy.joules_per_inference",
        "energy.kwh",
    ],
)
def test_what_a_machine_did_is_not_compared_with_another(figure):
    report = judge(rules({"figure": figure, "margin": {"relative": "50 %"}}), profiled(), profiled(machine="y"))
    assert report.exit_code == 3 and "another machine" in report.outcomes[0].findings[0].words
    assert judge(rules({"figure": figure, "margin": {"relative": "50 %"}}), profiled(), profiled()).exit_code == 0


def test_the_shipped_rules_on_energy_compare_ratios_across_machines():
    def metered(ratio, machine="x"):
        return run({"energy": {"ratio_to_reference": {"value": ratio, "unit": "ratio"}}}, machine)

    shipped = load_rules("energy")
    report = judge(shipped, metered(1.19, "y"), metered(1.0))
    assert report.exit_code == 0, report.outcomes[0].findings[0].words
    assert judge(shipped, metered(1.21, "y"), metered(1.0)).exit_code == 1
    assert judge(shipped, run({"energy": {"reason": "no meter here"}}), metered(1.0)).exit_code == 3


def test_rounds_must_pair():
    broken = run({"rounds": {"model": [1.0, 2.0], "reference": [1.0]}})
    report = judge(rules(RATIO | {"at_most": "1 x"}), broken)
    assert (
        report.exit_code == 3 and "2 rounds of the model and 1 of the reference" in report.outcomes[0].findings[0].words
    )


@pytest.mark.parametrize("bad", [[], [float("nan")], "fast", True])
def test_figures_that_are_no_numbers(bad):
    report = judge(rules({"figure": "latency", "at_most": "1 s"}), run({"latency": bad}))
    assert report.exit_code == 3
