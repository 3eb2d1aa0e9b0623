"""Scoring a cell: slices, sets, classes and tables against direct computation."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchbed.errors import CannotMeasure, ConfigError
from benchbed.metrics.cell import CellScores, group_codes, score_cell
from benchbed.metrics.families import tagging
from benchbed.metrics.families.classification import family
from benchbed.metrics.joint import Joint
from benchbed.metrics.slices import Column, pooled_mean_std
from benchbed.stats.bootstrap import Bootstrap

LABELS = ("airport", "bus", "park", "tram")
DEVICES = ("a", "b", "s1", "s4", "s5")
SETS = {"seen": ("a", "b", "s1"), "unseen": ("s4", "s5")}


class Case:
    """Clips of recordings, each made with one device."""

    def __init__(self, seed: int = 0, clips: int = 600, groups: int = 120) -> None:
        generator = np.random.default_rng(seed)
        self.group = generator.integers(0, groups, clips)
        self.device = np.array(DEVICES)[generator.integers(0, len(DEVICES), groups)[self.group]]
        self.target = generator.integers(0, 4, clips)
        logits = generator.standard_normal((clips, 4))
        unseen = np.isin(self.device, SETS["unseen"])
        logits[np.arange(clips), self.target] += np.where(unseen, 0.4, 1.6)
        self.scores = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
        self.groups = groups
        self.right = self.scores.argmax(axis=1) == self.target

    def score(self, draws: int = 200, sets: dict | None = None, order: np.ndarray | None = None) -> CellScores:
        pick = np.arange(len(self.target)) if order is None else order
        column = Column("device", self.device[pick], SETS if sets is None else sets)
        bootstrap = Bootstrap(self.groups, draws, "case") if draws else None
        return score_cell(family(LABELS), self.scores[pick], self.target[pick], self.group[pick], [column], bootstrap)


@pytest.fixture(scope="module")
def case() -> Case:
    return Case()


@pytest.fixture(scope="module")
def found(case: Case) -> CellScores:
    return case.score()


def test_slices_and_sets_equal_accuracy_on_their_clips(case: Case, found: CellScores) -> None:
    for device in DEVICES:
        number = found.groups[f"device={device}"]["accuracy"]
        assert number.value == pytest.approx(case.right[case.device == device].mean(), abs=1e-12)
        assert number.n == (case.device == device).sum()
    unseen = np.isin(case.device, SETS["unseen"])
    assert found.groups["devices=unseen"]["accuracy"].value == pytest.approx(case.right[unseen].mean(), abs=1e-12)
    assert found.metrics["accuracy"].value == pytest.approx(case.right.mean(), abs=1e-12)


def test_pooled_clips_and_mean_over_devices_are_both_there_and_named(case: Case, found: CellScores) -> None:
    pooled, mean = found.groups["devices=unseen"]["accuracy"], found.groups["devices_mean=unseen"]["accuracy"]
    by_device = [case.right[case.device == device].mean() for device in SETS["unseen"]]
    assert mean.value == pytest.approx(np.mean(by_device), abs=1e-12)
    assert pooled.value != mean.value
    assert pooled.info.rule == "accuracy:argmax-first|pooled-clips"
    assert mean.info.rule == "accuracy:argmax-first|mean-over-device"


def test_gap_is_positive_when_unseen_is_worse_in_either_direction(case: Case, found: CellScores) -> None:
    gap = found.groups["devices_gap=seen-unseen"]
    seen, unseen = found.groups["devices=seen"], found.groups["devices=unseen"]
    assert gap["accuracy"].value == pytest.approx(seen["accuracy"].value - unseen["accuracy"].value)
    assert gap["log_loss"].value == pytest.approx(unseen["log_loss"].value - seen["log_loss"].value)
    assert gap["accuracy"].value > 0 and gap["log_loss"].value > 0
    assert gap["accuracy"].low < gap["accuracy"].value < gap["accuracy"].high
    assert gap["accuracy"].info.direction == gap["log_loss"].info.direction == "lower"
    means = found.groups["devices_mean_gap=seen-unseen"]["accuracy"]
    expected = (
        found.groups["devices_mean=seen"]["accuracy"].value - found.groups["devices_mean=unseen"]["accuracy"].value
    )
    assert means.value == pytest.approx(expected)


def test_worst_device_is_named_and_follows_the_direction(found: CellScores) -> None:
    worst = found.groups["devices_worst=all"]
    accuracies = {d: found.groups[f"device={d}"]["accuracy"].value for d in DEVICES}
    losses = {d: found.groups[f"device={d}"]["log_loss"].value for d in DEVICES}
    assert worst["accuracy"].value == min(accuracies.values())
    assert worst["accuracy"].note.startswith(f"device {min(accuracies, key=accuracies.get)};")
    assert worst["log_loss"].value == max(losses.values())


def test_spread_over_devices_and_over_cells_are_two_definitions(case: Case, found: CellScores) -> None:
    by_device = [case.right[case.device == d].mean() for d in DEVICES]
    assert found.groups["devices_std=all"]["accuracy"].value == pytest.approx(np.std(by_device))
    table = found.tables["scene_device"]
    for i, label in enumerate(range(4)):
        for j, device in enumerate(DEVICES):
            chosen = (case.target == label) & (case.device == device)
            assert table.values[i, j] == pytest.approx(case.right[chosen].mean())
    over_cells = found.groups["devices_cell_std=all"]["recall"]
    assert over_cells.value == pytest.approx(np.std(table.values))
    assert over_cells.info.rule == "class_accuracy:recall|population-std-over-class-device-cells"
    assert over_cells.low is None and over_cells.reason == "resampling inflates a spread"


def test_spread_over_all_cells_is_the_pool_of_seen_and_unseen(found: CellScores) -> None:
    table = found.tables["scene_device"].values
    parts = [(table[:, :3].mean(), table[:, :3].std(), 12), (table[:, 3:].mean(), table[:, 3:].std(), 8)]
    mean, std = pooled_mean_std(*zip(*parts))
    assert mean == pytest.approx(table.mean())
    assert std == pytest.approx(found.groups["devices_cell_std=all"]["recall"].value)


@pytest.mark.parametrize(
    ("means", "stds", "counts", "expected"),
    [
        # transformers-asc.md §6: published device-group figures fit 7 seen + 2 unseen devices, not 6 + 3.
        ((0.524, 0.521), (0.176, 0.200), (7, 2), (0.52333, 0.18161)),
        ((0.567, 0.552), (0.151, 0.171), (7, 2), (0.56367, 0.15579)),
        ((0.524, 0.521), (0.176, 0.200), (6, 3), (0.5230, 0.18435)),
        ((0.567, 0.552), (0.151, 0.171), (6, 3), (0.5620, 0.15811)),
    ],
)
def test_pooling_reproduces_the_golden_device_groups(means, stds, counts, expected) -> None:
    assert pooled_mean_std(means, stds, counts) == pytest.approx(expected, abs=6e-6)


def test_class_values_have_intervals_and_counts(case: Case, found: CellScores) -> None:
    for i, label in enumerate(LABELS):
        number = found.groups[f"class={label}"]["recall"]
        assert number.value == pytest.approx(case.right[case.target == i].mean())
        assert number.n == (case.target == i).sum()
        assert number.low < number.value < number.high


def test_the_interval_of_a_slice_equals_resampling_whole_recordings(case: Case, found: CellScores) -> None:
    bootstrap = Bootstrap(case.groups, 200, "case")
    weights = np.concatenate(list(bootstrap.weights())).astype(float)
    copies = weights[:, case.group] * (case.device == "s4")
    replicates = (copies * case.right).sum(axis=1) / copies.sum(axis=1)
    groups = len(np.unique(case.group[case.device == "s4"]))
    expected = bootstrap.interval(replicates, groups=groups, value=case.right[case.device == "s4"].mean())
    number = found.groups["device=s4"]["accuracy"]
    assert (number.low, number.high) == pytest.approx((expected.low, expected.high), abs=1e-12)
    assert number.interval == f"bootstrap centred percentile 95 %, {groups} groups (few, known to be narrow), 200 draws"


def test_a_value_of_a_set_without_clips_says_so() -> None:
    case = Case(seed=3, clips=100)
    found = case.score(sets={"seen": ("a",), "unseen": ("s7",)})
    empty = found.groups["device=s7"]["accuracy"]
    assert empty.value is None and empty.n == 0 and empty.reason == "no clips"
    assert found.groups["devices=unseen"]["accuracy"].reason == "no clips"
    assert found.groups["devices_gap=seen-unseen"]["accuracy"].reason == "undefined for seen or unseen clips"
    assert found.groups["devices_mean=unseen"]["accuracy"].value is None


def test_an_empty_cell_has_reasons_instead_of_numbers() -> None:
    none = np.zeros(0, int)
    column = Column("device", np.array([], str), {"seen": ("a",)})
    found = score_cell(family(LABELS), np.zeros((0, 4)), none, none, [column], Bootstrap(5, 100))
    assert {number.reason for number in found.metrics.values()} == {"no clips"}


def test_one_recording_has_no_interval_and_two_say_few() -> None:
    scores, target = np.eye(4)[[0, 1, 1, 2]], np.array([0, 1, 2, 2])
    one = score_cell(family(LABELS), scores, target, np.zeros(4, int), [], Bootstrap(1, 100))
    assert one.metrics["accuracy"].low is None
    assert one.metrics["accuracy"].reason == "1 recording group: nothing to resample"
    two = score_cell(family(LABELS), scores, target, np.array([0, 0, 1, 1]), [], Bootstrap(2, 100))
    assert "2 groups (few, known to be narrow)" in two.metrics["accuracy"].interval


def test_everything_right_has_no_interval_because_nothing_varies() -> None:
    scores, target = np.eye(4)[np.arange(40) % 4], np.arange(40) % 4
    number = score_cell(family(LABELS), scores, target, np.arange(40), [], Bootstrap(40, 100)).metrics["accuracy"]
    assert (number.value, number.low, number.high) == (1.0, None, None)
    assert number.reason == "every draw gives the same value"


def test_clips_with_an_empty_value_belong_to_no_slice() -> None:
    device = np.array(["a", "", "a", ""])
    scores, target = np.eye(4)[[0, 1, 2, 3]], np.array([0, 1, 3, 3])
    found = score_cell(family(LABELS), scores, target, np.arange(4), [Column("device", device)])
    assert found.groups["device=a"]["accuracy"].n == 2
    assert "device=" not in found.groups
    assert found.metrics["accuracy"].n == 4


def test_two_columns_slice_the_same_clips() -> None:
    case = Case(seed=5)
    city = np.array(["oslo", "paris", "rome"])[case.group % 3]
    columns = [Column("device", case.device, SETS), Column("city", city, {"north": ("oslo",)})]
    found = score_cell(family(LABELS), case.scores, case.target, case.group, columns)
    assert found.groups["city=rome"]["accuracy"].value == pytest.approx(case.right[city == "rome"].mean())
    assert found.groups["cities=north"]["accuracy"].value == pytest.approx(case.right[city == "oslo"].mean())
    assert set(found.tables) >= {"confusion", "reliability", "scene_device", "scene_city"}


@pytest.mark.parametrize(
    ("columns", "error"),
    [
        ([Column("device", np.array(["a", "b"]), {"seen": ("a",), "unseen": ("a", "b")})], ConfigError),
        ([Column("device", np.array(["a", "b"])), Column("device", np.array(["a", "b"]))], ConfigError),
        ([Column("device", np.array(["a"]))], CannotMeasure),
    ],
)
def test_columns_that_cannot_be_sliced_by_are_refused(columns: list[Column], error: type[Exception]) -> None:
    with pytest.raises(error):
        score_cell(family(LABELS), np.eye(4)[:2], np.array([0, 1]), np.array([0, 1]), columns)


def test_an_identifier_is_not_a_column_to_slice_by() -> None:
    with pytest.raises(ConfigError, match="too many to slice by"):
        Column("name", np.arange(501).astype(str)).levels()


def test_group_numbers_outside_the_bootstrap_are_refused() -> None:
    with pytest.raises(CannotMeasure, match="bootstrap over 2 groups"):
        score_cell(family(LABELS), np.eye(4)[:1], np.array([0]), np.array([2]), [], Bootstrap(2, 100))


def test_group_codes_do_not_depend_on_order() -> None:
    codes, names = group_codes(["r2", "r1", "r3", "r1"])
    again, same = group_codes(["r1", "r3", "r1", "r2"])
    assert names == same
    assert codes[[1, 2, 3, 0]].tolist() == again.tolist()


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000), st.integers(20, 120))
def test_slices_sum_to_the_corpus_and_order_does_not_matter(seed: int, clips: int) -> None:
    case = Case(seed=seed, clips=clips, groups=15)
    found = case.score(draws=40)
    slices = [found.groups[f"device={d}"]["accuracy"] for d in DEVICES if f"device={d}" in found.groups]
    assert sum(s.n for s in slices) == clips
    right = sum((s.value or 0) * s.n for s in slices)
    assert right == pytest.approx(found.metrics["accuracy"].value * clips)
    shuffled = case.score(draws=40, order=np.random.default_rng(seed).permutation(clips))
    for name, number in found.metrics.items():
        again = shuffled.metrics[name]
        assert again.value == pytest.approx(number.value, abs=1e-12)
        assert (again.low, again.high) == pytest.approx((number.low, number.high), abs=1e-9)


def _same(some, every, names):
    for name in names:
        a, b = some[name], every[name]
        assert (a.value, a.low, a.high, a.n, a.info, a.reason, a.interval) == (
            b.value,
            b.low,
            b.high,
            b.n,
            b.info,
            b.reason,
            b.interval,
        )


@pytest.mark.parametrize("kind", ["classification", "tagging", "joint"])
def test_slices_that_show_some_metrics_show_the_same(case: Case, kind: str) -> None:
    if kind == "classification":
        metrics, target, sliced = family(LABELS), case.target, {"macro_accuracy", "recall"}
    else:
        made, target = tagging.family(LABELS), np.eye(4)[case.target]
        metrics = made if kind == "tagging" else Joint(made, {"strict": tagging.family(LABELS, threshold=0.9)})
        sliced = {metrics.primary, "strict_macro_f1", "f1"}
    column = Column("device", case.device, SETS)
    every, some = (
        score_cell(metrics, case.scores, target, case.group, [column], Bootstrap(case.groups, 50, "case"), sliced=which)
        for which in (None, sliced)
    )
    _same(some.metrics, every.metrics, metrics.metrics)
    assert set(every.groups) - set(some.groups) <= {key for key in every.groups if "cell_std" in key}
    kept = 0
    for key, shown in some.groups.items():
        assert set(shown) <= sliced
        _same(shown, every.groups[key], shown)
        assert set(every.groups[key]) & sliced == set(shown)
        kept += len(shown)
    assert kept > len(some.groups) / 2


def test_families_give_some_values_as_they_give_all(case: Case) -> None:
    for metrics, target in ((family(LABELS), case.target), (tagging.family(LABELS), np.eye(4)[case.target])):
        sums = metrics.grouped(case.scores, target, case.group, case.groups)
        for every, some, names in (
            (metrics.values(sums), metrics.some_values, metrics.metrics),
            (metrics.per_class(sums), metrics.some_per_class, metrics.class_metrics),
        ):
            for name in names:
                if name in every:
                    [(found, values)] = some(sums, {name}).items()
                    assert found == name and np.array_equal(values, every[name], equal_nan=True)


def test_figures_that_follow_from_counts_are_drawn_from_counts_alone():
    metrics = family(("bus", "park", "tram"))
    generator = np.random.default_rng(3)
    scores, target = generator.dirichlet(np.ones(3), 240), generator.integers(0, 3, 240)
    group, device = np.repeat(np.arange(40), 6), np.array(["a", "b", "c"])[np.arange(240) % 3]
    columns = [Column("device", device, {"seen": ["a"], "unseen": ["b", "c"]})]
    boot = Bootstrap(40, 200, "counts")
    whole = score_cell(metrics, scores, target, group, columns, boot)
    some = score_cell(metrics, scores, target, group, columns, boot, sliced={"macro_accuracy", "recall"})
    wanted = metrics.needed({"macro_accuracy", "recall"})
    assert len(wanted) < metrics.width / 2 and metrics.needed({"macro_accuracy", "log_loss"}) is None
    assert some.metrics == whole.metrics
    for name, figures in some.groups.items():
        assert figures == {metric: whole.groups[name][metric] for metric in figures}
    # One by one and added up in the order of the rows, as every other statistic is.
    sums = metrics.statistics(scores, target)
    drawn = boot.replicates(sums, group)
    assert not set(_fractions(sums)) & set(metrics.whole_numbers)
    assert len(_fractions(sums)) and len(metrics.whole_numbers) > metrics.width / 2
    for name, values in metrics.values(drawn).items():
        assert np.allclose(values, whole.replicates[name], atol=1e-12, equal_nan=True), name


def _fractions(sums: np.ndarray) -> np.ndarray:
    """Columns that hold something other than whole numbers."""
    return np.flatnonzero((sums != np.round(sums)).any(axis=0))
