"""Paired differences: the same figure as the record's, sign and exactness of the tests, lost clips, slices."""

from __future__ import annotations

import numpy as np
import pytest
from made_runs import answers, lucky, made_run, recordings

from benchbed.compare.contrast import Procedure, contrast
from benchbed.compare.figure import Figure
from benchbed.compare.runs import open_run
from benchbed.errors import CannotMeasure
from benchbed.stats.swaps import bootstrap_critical, detectable, swap_models

QUICK = Procedure(draws=400, swaps=399)


def pair(tmp_path, right_a, right_b, each=4, **facts):
    target, group = recordings(len(right_a) // each, each)
    places = []
    for name, right in (("a", right_a), ("b", right_b)):
        own = {k: v[name] if isinstance(v, dict) and set(v) == {"a", "b"} else v for k, v in facts.items()}
        places.append(made_run(tmp_path / name, {"clean": answers(right, target)}, target, group, name=name, **own))
    return [open_run(place) for place in places]


def test_the_figures_are_those_of_the_record(tmp_path):
    a, b = pair(tmp_path, lucky(60, 4, 0.7, 0.3, "a"), lucky(60, 4, 0.6, 0.3, "b"))
    found = contrast(a, b, Figure("clean"), procedure=QUICK)
    for name, value in a.result.cells[0].metrics.items():
        # The sums are rounded to float32 on disk.
        assert found[name].a == pytest.approx(value.value, rel=1e-6)
        assert found[name].b == pytest.approx(b.result.cells[0].metrics[name].value, rel=1e-6)


def test_a_real_difference_is_found_and_turned_round_when_the_runs_are(tmp_path):
    a, b = pair(tmp_path, lucky(80, 4, 0.8, 0.2, 1), lucky(80, 4, 0.5, 0.2, 2))
    one, other = (contrast(x, y, Figure("clean"), ["accuracy"], QUICK)["accuracy"] for x, y in ((a, b), (b, a)))
    assert one.p < 0.01 and one.low > 0 and one.gain > 0
    assert other.value == -one.value and other.high < 0
    assert one.p_worse() > 0.9 and other.p_worse() < 0.01


def test_a_lower_log_loss_is_a_gain(tmp_path):
    a, b = pair(tmp_path, lucky(80, 4, 0.8, 0.2, 1), lucky(80, 4, 0.5, 0.2, 2))
    found = contrast(a, b, Figure("clean"), ["log_loss"], QUICK)["log_loss"]
    assert found.value < 0 < found.gain and found.p_worse() > 0.9


def test_few_recordings_are_swapped_exactly(tmp_path):
    """Six recordings of two clips; a is right on everything, b on nothing: both unanimous swaps of 2⁶."""
    a, b = pair(tmp_path, np.ones(12, bool), np.zeros(12, bool), each=2)
    found = contrast(a, b, Figure("clean"), ["accuracy"], QUICK)["accuracy"]
    assert found.exact and found.p_swap == pytest.approx(2 / 64)
    # The bootstrap alone would have called it with any p: the swaps bound it.
    assert found.p >= 2 / 64


def test_few_disagreements_do_not_make_a_regression(tmp_path):
    """Four recordings of 100 differ, all one way: the bootstrap's 2 % is not enough, exact is 1/16 one-sided."""
    right = np.ones(100, bool)
    worse = right.copy()
    worse[[3, 31, 55, 78]] = False
    a, b = pair(tmp_path, worse, right, each=1)
    found = contrast(a, b, Figure("clean"), ["accuracy"], Procedure())["accuracy"]
    assert found.exact and found.p_worse() == pytest.approx(1 / 16)


def test_the_detectable_difference_is_that_of_the_stricter_test(tmp_path):
    a, b = pair(tmp_path, lucky(60, 4, 0.7, 0.3, "a"), lucky(60, 4, 0.6, 0.3, "b"))
    for metric, one in contrast(a, b, Figure("clean"), ["accuracy", "macro_f1"], Procedure()).items():
        bootstrap = bootstrap_critical(one.drawn_a - one.drawn_b, one.value, 60, freedom=one.freedom)
        stricter = max(bootstrap, one.swaps.critical(metric, 60))
        assert one.mde == pytest.approx(detectable(one.error, 60, freedom=one.freedom, critical=stricter))
        assert one.mde >= detectable(one.error, 60, freedom=one.freedom, critical=bootstrap)
        # A gate asks on one side only, which finds smaller losses: (1.67 + 0.85) / (2.00 + 0.85).
        assert one.detectable(0.1, 0.8) == pytest.approx(0.885 * one.mde, rel=0.05)


def test_five_recordings_can_show_no_difference_of_any_size(tmp_path):
    """The rarest of 2⁵ swaps and its mirror are 6 % of them."""
    a, b = pair(tmp_path, np.ones(20, bool), np.tile([True, True, True, False], 5) & (np.arange(20) != 2))
    found = contrast(a, b, Figure("clean"), ["accuracy"], QUICK)["accuracy"]
    assert found.error > 0 and found.p >= 1 / 16 and found.mde is None and found.detectable(0.1, 0.8) > 0


def test_ties_everywhere(tmp_path):
    right = lucky(30, 4, 0.6, 0.2, 3)
    a, b = pair(tmp_path, right, right)
    found = contrast(a, b, Figure("clean"), procedure=QUICK)
    assert all(c.value == 0 and c.p == 1.0 and c.error == 0.0 and c.mde is None for c in found.values())
    assert found["accuracy"].reason == "no difference in any draw"
    assert found["accuracy"].p_worse() == 1.0


def test_mcnemar_only_where_clips_are_independent(tmp_path):
    right_a = np.array([True] * 9 + [False] + [True] * 10)
    right_b = np.array([False] * 9 + [True] + [True] * 10)
    a, b = pair(tmp_path / "single", right_a, right_b, each=1)
    found = contrast(a, b, Figure("clean"), ["accuracy", "brier"], QUICK)
    # 2 · (1 + 10) / 2**10, by hand.
    assert found["accuracy"].mcnemar["p"] == pytest.approx(22 / 1024)
    assert (found["accuracy"].mcnemar["only_a"], found["accuracy"].mcnemar["only_b"]) == (9, 1)
    assert found["brier"].mcnemar is None and "right and wrong" in found["brier"].no_mcnemar
    a, b = pair(tmp_path / "cut", right_a, right_b, each=2)
    found = contrast(a, b, Figure("clean"), ["accuracy"], QUICK)["accuracy"]
    assert found.mcnemar is None and "20 clips of 10 recordings" in found.no_mcnemar


def test_recordings_with_lost_clips_leave_both_runs(tmp_path):
    lost = np.zeros(120, bool)
    lost[[1, 50]] = True
    right = lucky(30, 4, 0.6, 0.2, 3)
    a, b = pair(tmp_path, right, right, lost={"a": {"clean": lost}, "b": None})
    found = contrast(a, b, Figure("clean"), ["accuracy"], QUICK)["accuracy"]
    assert found.dropped == 2 and found.groups == 28 and found.clips == 112
    assert found.value == 0  # the same clips remain
    assert "2 of 120 clips of scene/test/clean failed" in found.incomplete


def test_slices_sets_gaps_and_classes_are_the_records(tmp_path):
    device = np.tile(["s1", "s2", "s4", "s5"], 40)
    sets = {"seen": ["s1", "s2"], "unseen": ["s4", "s5"]}
    a, b = pair(tmp_path, lucky(40, 4, 0.7, 0.2, 1), lucky(40, 4, 0.6, 0.2, 2), device=device, sets=sets)
    for group in (
        "device=s4",
        "devices=unseen",
        "devices_mean=unseen",
        "devices_gap=seen-unseen",
        "devices_mean_gap=seen-unseen",
        "class=tram",
    ):
        metric = "recall" if group.startswith("class") else "log_loss"
        found = contrast(a, b, Figure("clean", group), [metric], QUICK)[metric]
        assert found.a == pytest.approx(a.result.cells[0].groups[group][metric].value, rel=1e-5), group
        assert found.direction == "lower" if metric == "log_loss" else "higher"
    with pytest.raises(CannotMeasure, match="no paired comparison"):
        contrast(a, b, Figure("clean", "devices_worst=all"), ["log_loss"], QUICK)
    with pytest.raises(CannotMeasure, match="no group 'device=s9'"):
        contrast(a, b, Figure("clean", "device=s9"), ["log_loss"], QUICK)


@pytest.mark.parametrize("metrics", [["accuracy"], ["macro_f1", "log_loss"]])
@pytest.mark.parametrize("group", [None, "device=s4", "devices_mean=unseen", "devices_mean_gap=seen-unseen"])
def test_swaps_take_over_the_differences_that_they_would_find(tmp_path, monkeypatch, group, metrics):
    device = np.tile(["s1", "s2", "s4", "s5", "s6"], 32)
    sets = {"seen": ["s1", "s2"], "unseen": ["s4", "s5", "s6"]}
    splits = np.repeat(["fold1", "fold2"], [40, 120])
    known = {"device": device, "sets": sets, "splits": splits}
    a, b = pair(tmp_path, lucky(40, 4, 0.7, 0.2, 1), lucky(40, 4, 0.6, 0.2, 2), **known)
    given = []

    def both(*sums, seen, **more):
        given.append(seen)
        assert swap_models(*sums, **more).seen == seen
        return swap_models(*sums, seen=seen, **more)

    monkeypatch.setattr("benchbed.compare.contrast.swap_models", both)
    found = contrast(a, b, Figure("clean", group), metrics, QUICK)
    assert given == [{metric: found[metric].value for metric in metrics}]


def test_a_class_rests_on_its_own_recordings(tmp_path):
    a, b = pair(tmp_path, lucky(30, 4, 0.7, 0.2, 1), lucky(30, 4, 0.6, 0.2, 2))
    found = contrast(a, b, Figure("clean", "class=bus"), ["recall"], QUICK)["recall"]
    assert (found.clips, found.groups) == (40, 10)


def test_folds_are_averaged_as_the_suite_says(tmp_path):
    splits = np.repeat(["fold1", "fold2"], [40, 80])
    a, b = pair(tmp_path, lucky(30, 4, 0.7, 0.2, 1), lucky(30, 4, 0.6, 0.2, 2), splits=splits)
    found = contrast(a, b, Figure("clean"), ["accuracy"], QUICK)["accuracy"]
    both = [c.metrics["accuracy"].value for c in a.result.cells]
    assert found.a == pytest.approx(np.mean(both)) and found.groups == 30
    one = contrast(a, b, Figure("clean", split="fold2"), ["accuracy"], QUICK)["accuracy"]
    assert one.a == pytest.approx(both[1]) and one.groups == 20


def test_an_undefined_figure_says_why(tmp_path):
    target, group = recordings(10, 2)
    improper = answers(np.ones(20, bool), target) * 2
    runs = [open_run(made_run(tmp_path / n, {"clean": improper}, target, group, name=n)) for n in "ab"]
    found = contrast(*runs, Figure("clean"), procedure=QUICK)
    assert found["log_loss"].value is None and "undefined" in found["log_loss"].reason
    assert found["accuracy"].value == 0


def test_no_common_clip(tmp_path):
    first = np.arange(20) % 2 == 0
    right = np.ones(20, bool)
    a, b = pair(tmp_path, right, right, each=2, lost={"a": {"clean": first}, "b": {"clean": ~first}})
    found = contrast(a, b, Figure("clean"), ["accuracy"], QUICK)["accuracy"]
    assert found.value is None and found.reason == "no recording whose clips both models scored"


def test_the_tail_goes_beyond_the_draws(tmp_path):
    """A correction over a hundred tests must still find what is plain: p is not stopped at one draw in 400."""
    a, b = pair(tmp_path, lucky(300, 2, 0.9, 0.1, 1), lucky(300, 2, 0.3, 0.1, 2), each=2)
    found = contrast(a, b, Figure("clean"), ["accuracy"], QUICK)["accuracy"]
    assert found.p * 100 < 0.001
