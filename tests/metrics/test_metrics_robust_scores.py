"""Robustness figures of a run: names, rules, pairing, and reasons where there is no number."""

from __future__ import annotations

import numpy as np
import pytest

from benchbed.errors import CannotMeasure
from benchbed.metrics.contract import MetricInfo
from benchbed.metrics.number import Number
from benchbed.metrics.robust_scores import Corrupted, ReferenceErrors, robustness_scores
from benchbed.stats.bootstrap import Bootstrap

INFO = MetricInfo("Accuracy", "accuracy:argmax-first", "fraction", "higher", 0.1, 0.0, 1.0)


def number(value: float | None, info: MetricInfo = INFO) -> Number:
    return Number(value, None, None, 100, info, reason=None if value is not None else "no clips")


def cells(info: MetricInfo = INFO) -> list[Corrupted]:
    table = {("white", "noise"): [0.7, 0.4], ("pink", "noise"): [0.8, 0.6], ("mp3", "codec"): [0.9, 0.85]}
    snr = {"white": [20.0, 10.0]}
    return [
        Corrupted(name, s + 1, group, number(value, info), snr=snr.get(name, [None, None])[s])
        for (name, group), values in table.items()
        for s, value in enumerate(values)
    ]


def test_every_figure_by_hand() -> None:
    found = {k: n.value for k, n in robustness_scores(number(0.9), None, cells()).items()}
    assert found["mean/white"] == pytest.approx(0.55)
    assert found["aurc/white"] == pytest.approx((0.8 + 0.55) / 2)
    assert found["retention/white"] == pytest.approx(0.45 / 0.8)
    assert found["breakdown/white"] == 2.0  # (0.4 − 0.1) / 0.8 = 0.375
    assert found["breakdown/mp3"] is None
    assert found["snr50/white"] == pytest.approx(20 - 10 * (0.7 - 0.5) / 0.3)
    assert "snr50/mp3" not in found
    assert found["group/noise"] == pytest.approx((0.55 + 0.7) / 2)
    assert found["group/codec"] == pytest.approx(0.875)
    # Groups, not corruptions, have the same weight.
    assert found["corruption_mean"] == pytest.approx((0.625 + 0.875) / 2)
    assert found["retention"] == pytest.approx((0.75 - 0.1) / 0.8)
    assert found["worst_group"] == pytest.approx(0.625)
    assert "mce" not in found


def test_notes_and_rules_say_what_was_joined() -> None:
    found = robustness_scores(number(0.9), None, cells())
    assert found["group/noise"].note == "white, pink"
    assert found["worst_group"].note == "noise; interval of that group, not of the choice"
    assert found["corruption_mean"].info.rule == (
        "accuracy:argmax-first|mean-over-severities|mean-over-corruptions|mean-over-groups"
    )
    assert found["breakdown/mp3"].reason == "at least half is retained at every strength"
    assert found["snr50/white"].info.unit == "dB SNR"
    assert found["mean/white"].info.title == "Accuracy, mean over severities"
    assert found["retention"].info.title == "Accuracy, share retained above chance"
    assert found["worst_group"].info.scope == "worst group"


def test_mce_against_a_reference_and_its_absence() -> None:
    errors = {"white": {1: 0.4, 2: 0.8}, "pink": {1: 0.3, 2: 0.5}, "mp3": {1: 0.004, 2: 0.004}}
    found = robustness_scores(number(0.9), None, cells(), reference=ReferenceErrors("toy-1", 0.2, errors))
    assert found["mce"].value == pytest.approx((0.9 / 1.2 + 0.6 / 0.8) / 2)
    assert found["relative_mce"].value == pytest.approx((0.7 / 0.8 + 0.4 / 0.4) / 2)
    assert found["mce"].note == "left out, near-zero denominator: mp3"
    assert found["mce"].info.rule.endswith("mce:toy-1") and found["mce"].info.direction == "lower"
    del errors["pink"]
    lacking = robustness_scores(number(0.9), None, cells(), reference=ReferenceErrors("toy-1", 0.2, errors))
    assert lacking["mce"].value is None and "lacks pink" in lacking["mce"].reason


def test_intervals_come_from_paired_replicates() -> None:
    generator, groups = np.random.default_rng(0), 80
    bootstrap = Bootstrap(groups, 400, "robust")
    luck = generator.uniform(0.5, 1.0, groups)
    replicates = {shift: bootstrap.replicates((luck * shift)[:, None])[:, 0] / groups for shift in (1.0, 0.8, 0.6)}
    made = {shift: number(float(np.mean(luck * shift))) for shift in replicates}
    curve = [Corrupted("white", s, "noise", made[v], replicates[v]) for s, v in ((1, 0.8), (2, 0.6))]
    found = robustness_scores(made[1.0], replicates[1.0], curve, bootstrap)
    expected = bootstrap.interval((replicates[0.8] + replicates[0.6]) / 2)
    assert (found["mean/white"].low, found["mean/white"].high) == pytest.approx((expected.low, expected.high))
    # The same recordings are hard in every cell, so what is retained is known far better than the mean itself.
    width = found["retention/white"].high - found["retention/white"].low
    assert width < 0.3 * (expected.high - expected.low)


def test_a_metric_without_chance_or_a_model_at_chance_says_so() -> None:
    bare = MetricInfo("ECE", "ece", "fraction", "lower")
    found = robustness_scores(number(0.05, bare), None, cells(bare))
    assert found["retention/white"].reason == "the metric has no chance value"
    assert found["mean/white"].value == pytest.approx(0.55)
    weak = robustness_scores(number(0.105), None, cells())
    assert weak["retention"].reason == "the clean score is not better than chance by 0.01"
    assert weak["snr50/white"].reason == "the clean score is not better than chance by 0.01"


def test_a_cell_without_a_value_undoes_what_rests_on_it_and_nothing_else() -> None:
    table = cells()
    table[0] = Corrupted("white", 1, "noise", number(None), snr=20.0)
    found = robustness_scores(number(0.9), None, table)
    assert found["mean/white"].value is None and found["mean/white"].reason == "undefined in a cell"
    assert found["group/noise"].value is None
    assert found["mean/pink"].value == pytest.approx(0.7)
    assert found["worst_group"].note.startswith("codec")


def test_a_severity_twice_is_refused_and_no_corruptions_give_nothing() -> None:
    with pytest.raises(CannotMeasure):
        robustness_scores(number(0.9), None, [*cells(), cells()[0]])
    assert robustness_scores(number(0.9), None, []) == {}
