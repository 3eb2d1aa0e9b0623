"""Figures over all thresholds: against sed_scores_eval 0.0.4, brute force and hand computation."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.ndimage import median_filter

from benchbed.errors import CannotMeasure, ConfigError
from benchbed.metrics import steps
from benchbed.metrics.cell import score_cell
from benchbed.metrics.contract import Family
from benchbed.metrics.families import psds, sed_auc, sed_best, sed_event, sed_intersection
from benchbed.metrics.joint import Joint
from benchbed.metrics.running import Columns
from benchbed.metrics.sed import intersection
from benchbed.metrics.sed import psds as psd_curves
from benchbed.metrics.sed.examples import random_corpus
from benchbed.metrics.sed.flat import FlatEvents, flatten
from benchbed.metrics.sed.floors import Floors
from benchbed.metrics.sed.intersection import joined, references
from benchbed.metrics.sed.levels import LevelEvents, levels
from benchbed.metrics.sed.soft import soft_events
from benchbed.metrics.steps import Steps
from benchbed.outputs.frames.grid import laid_over
from benchbed.outputs.frames.recording import SECOND, Events, FrameScores, frame_scores, recording
from benchbed.stats.bootstrap import Bootstrap

GOLDEN = Path(__file__).parent / "golden"
LABELS = ("c0", "c1", "c2", "c3")
Corpus = tuple[np.ndarray, np.ndarray]


def load(decimals: int) -> Corpus:
    spec = importlib.util.spec_from_file_location("sed_corpus", GOLDEN / "sed_corpus.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    data = module.corpus(decimals)
    outputs, target = np.empty(len(data), object), np.empty(len(data), object)
    for i, (scores, events) in enumerate(data):
        onset, offset, label = zip(*events) if events else ((), (), ())
        outputs[i] = frame_scores(scores, module.HOP)
        names = [f"c{c}" for c in label]
        target[i], _ = recording(onset, offset, names, LABELS, module.FRAMES * module.HOP)
    return outputs, target


@pytest.fixture(scope="module", params=[2, 6])
def golden(request: pytest.FixtureRequest) -> tuple[Corpus, dict[str, Any]]:
    text = (GOLDEN / "sed_scores_eval_0.0.4.json").read_text()
    return load(request.param), json.loads(text)["decimals"][str(request.param)]


def swept(family: Family, corpus: Corpus, weights: np.ndarray | None = None) -> tuple[dict, dict]:
    outputs, target = corpus
    count = len(outputs)
    sample = family.sample(outputs, target, np.arange(count), count)
    assert sample is not None
    return sample.scores(np.ones((1, count)) if weights is None else weights)


FREE = {"dtc": 0.5, "gtc": 0.4, "cttc": 0.2, "alpha_ct": 1.0, "alpha_st": 0.3, "max_efpr": 400.0}


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("psds1", {}),
        ("psds2", {}),
        ("free", {"scenarios": {"free": FREE}}),
        ("pipsds1", {"scenarios": ("psds1",), "median_frames": (3, 7), "independent": True}),
    ],
)
def test_detection_scores_equal_sed_scores_eval(golden: tuple, name: str, options: dict) -> None:
    corpus, expected = golden
    values, each = swept(psds.family(LABELS, **options), corpus)
    key = name.removeprefix("pi")
    assert values[key][0] == pytest.approx(expected[name][0], abs=1e-11)
    np.testing.assert_allclose(each[key][0], expected[name][1], atol=1e-11)


@pytest.mark.parametrize("criterion", ["collar", "intersection", "segment"])
def test_best_thresholds_equal_sed_scores_eval(golden: tuple, criterion: str) -> None:
    corpus, figures = golden
    expected = figures[f"{criterion}_best"]
    made = sed_best.family(LABELS, criterion=criterion, onset_collar=0.25, offset_collar=0.25)
    values, each = swept(made, corpus)
    assert values["best_macro_f1"][0] == pytest.approx(expected["macro_average"], abs=1e-11)
    assert values["best_micro_f1"][0] == pytest.approx(expected["micro_average"], abs=1e-11)
    np.testing.assert_allclose(each["best_f1"][0], [expected[c] for c in LABELS], atol=1e-11)
    if criterion != "segment":
        # Theirs lie half-way down to the next score, and theirs must be exceeded where ours need only be met.
        assert (each["best_threshold"][0] > expected["thresholds"]).all()


def test_a_fixed_threshold_equals_sed_scores_eval(golden: tuple) -> None:
    (outputs, target), figures = golden
    made = {
        "intersection_at": sed_intersection.family(LABELS, threshold=0.555),
        "collar_at": sed_event.family(LABELS, threshold=0.555, onset_collar=0.25, offset_collar=0.25),
    }
    for name, family in made.items():
        sums = family.statistics(outputs, target).sum(axis=0)
        np.testing.assert_allclose(family.per_class(sums)["f1"], [figures[name][c] for c in LABELS], atol=1e-11)
        assert family.values(sums)["macro_f1"] == pytest.approx(figures[name]["macro_average"], abs=1e-11)
        assert family.values(sums)["micro_f1"] == pytest.approx(figures[name]["micro_average"], abs=1e-11)


def test_segment_ranks_equal_sed_scores_eval(golden: tuple) -> None:
    corpus, figures = golden
    values, each = swept(sed_auc.family(LABELS), corpus)
    assert values["mpauc"][0] == pytest.approx(figures["pauroc"]["mean"], abs=1e-11)
    assert values["mauc"][0] == pytest.approx(figures["auroc"]["mean"], abs=1e-11)
    np.testing.assert_allclose(each["best_f1"][0], [figures["segment_best"][c] for c in LABELS], atol=1e-11)


def test_every_level_event_is_what_its_thresholds_detect() -> None:
    generator = np.random.default_rng(0)
    for decimals in (1, 6):
        scores = np.round(generator.random((60, 2)), decimals)
        [block] = levels([FrameScores(scores, np.arange(61)), FrameScores(scores[:7], np.arange(8))])
        for threshold in (0.05, 0.2, 0.3, 0.55, 0.9):
            alive = (block.low < threshold) & (threshold <= block.high)
            for clip, frames in enumerate((scores, scores[:7])):
                for label in range(2):
                    active = np.concatenate([[0], frames[:, label] >= threshold, [0]]).astype(int)
                    expected = list(zip(np.flatnonzero(np.diff(active) > 0), np.flatnonzero(np.diff(active) < 0)))
                    mine = alive & (block.clip == clip) & (block.label == label)
                    assert sorted(zip(block.onset[mine], block.offset[mine])) == expected


def test_counts_at_every_threshold_equal_decisions_one_by_one() -> None:
    outputs, target = random_corpus(np.random.default_rng(2), 15, 3)
    best = {
        "collar": (
            sed_best.family(LABELS[:3], onset_collar=1.0, offset_collar=1.0),
            lambda t: sed_event.family(LABELS[:3], threshold=t, onset_collar=1.0, offset_collar=1.0),
        ),
        "intersection": (
            sed_best.family(LABELS[:3], criterion="intersection"),
            lambda t: sed_intersection.family(LABELS[:3], threshold=t),
        ),
    }
    grid = np.unique(np.concatenate([o.scores.ravel() for o in outputs]))[::40]
    for over, at in best.values():
        sample = over.sample(outputs, target, np.zeros(15, int), 1)
        macro, micro, thresholds = sample.common(np.ones(1))
        for threshold in grid:
            one = at(float(threshold))
            values = one.values(one.statistics(outputs, target).sum(axis=0))
            assert values["macro_f1"] <= macro.max() + 1e-12 and values["micro_f1"] <= micro.max() + 1e-12
        for i in range(0, len(thresholds), max(1, len(thresholds) // 25)):
            one = at(float(thresholds[i]))
            values = one.values(one.statistics(outputs, target).sum(axis=0))
            assert macro[i] == pytest.approx(float(values["macro_f1"]), abs=1e-12)
            assert micro[i] == pytest.approx(float(values["micro_f1"]), abs=1e-12)


@pytest.mark.parametrize(("scenario", "most"), [("psds1", 300.0), ("psds2", 30.0)])
def test_false_alarms_that_are_never_sorted_change_nothing(
    scenario: str, most: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    # With one row the false alarms that may count are found before any is sorted, with one for each recording after.
    monkeypatch.setattr("benchbed.metrics.sed.levels.CELLS", 1000)
    outputs, target = random_corpus(np.random.default_rng(3), 400, 2)
    for i, item in enumerate(outputs):
        outputs[i] = FrameScores(np.tanh(3 * item.scores - i % 3), item.edges)
    family = psds.family(("dog", "rain"), scenarios={"own": {**vars_of(scenario), "max_efpr": most}})
    whole = np.zeros(len(outputs), int)
    one, each = family.sample(outputs, target, whole, 1).scores(np.ones((1, 1)))
    all_of_them, by_class = swept(family, (outputs, target))
    assert 0 < one["own"][0] == pytest.approx(all_of_them["own"][0], abs=1e-12)
    np.testing.assert_allclose(each["own"], by_class["own"], atol=1e-12)
    found = []
    for row in (whole, np.arange(len(outputs))):
        sizes: list[int] = []
        with monkeypatch.context() as patched:
            patched.setattr(intersection, "levels", lambda *given, kept=sizes: _counted(levels(*given), kept))
            family.sample(outputs, target, row, int(row[-1]) + 1)
        found.append(sum(sizes))
    assert found[0] < 0.8 * found[1]


def _counted(blocks: Iterator[LevelEvents], sizes: list[int]) -> Iterator[LevelEvents]:
    for block in blocks:
        sizes.append(len(block))
        yield block


@pytest.mark.parametrize("bins", [3, 1024])
def test_scores_that_are_never_looked_at_change_nothing(bins: int, monkeypatch: pytest.MonkeyPatch) -> None:
    # Blocks of one or two recordings, after which scores that cannot count any more are left out of the others.
    monkeypatch.setattr("benchbed.metrics.sed.levels.CELLS", 150)
    for module in (steps, psd_curves):
        monkeypatch.setattr(module, "BINS", bins)
    for seed in range(30):
        generator = np.random.default_rng(seed)
        outputs, target = random_corpus(generator, 12, 3)
        for i, item in enumerate(outputs):
            outputs[i] = FrameScores(np.round(item.scores + generator.uniform(-0.3, 0.3), 2), item.edges)
        own = {n: {**vars_of(n), "max_efpr": generator.uniform(20, 400)} for n in ("psds1", "psds2")}
        family = psds.family(LABELS[:3], scenarios=own, classes="all")
        one, each = family.sample(outputs, target, np.zeros(12, int), 1).scores(np.ones((1, 1)))
        all_of_them, by_class = swept(family, (outputs, target))
        for name in own:
            assert one[name][0] == pytest.approx(all_of_them[name][0], abs=1e-12)
            np.testing.assert_allclose(each[name], by_class[name], atol=1e-12)


@pytest.mark.parametrize(
    ("amount", "filled", "floor"),
    [([1, 1, 1, -1], True, 0.7), ([1, 1, -1, 0], False, 0.4), ([1, 1, -1, 0], True, -np.inf)],
)
def test_floors_rise_as_false_alarms_are_seen(amount: list[int], filled: bool, floor: float) -> None:
    # One false alarm counts. The first recording has two or three in turn; the others are false alarms as a whole from
    # 0.5, 0.4 and 0.3 down, unless references may fill them. Where the second comes is itself not told apart.
    frames = [FrameScores(np.full((1, 1), score), np.array([0, 10])) for score in (0.6, 0.5, 0.4, 0.3)]
    one = np.array([1])
    floors = Floors(frames, FlatEvents(one, 0 * one, 10 * one, 0 * one, np.full(4, 10)), 1, [1.0])
    assert floors.filled.tolist() == [[0], [10], [0], [0]] and floors.lasting.tolist() == [10] * 4
    changes = np.array([0.9, 0.8, 0.7, 0.6]), *np.zeros((3, 4), np.int64), np.array(amount)
    floors.raised(1, [[changes]], [np.full((4, 1), filled)])
    assert floors.values.tolist() == [floor]
    # They never fall again, and once all was seen nothing is left to be spared.
    floors.raised(4, [[changes]], [np.full((4, 1), filled)])
    assert floors.values.tolist() == [floor]


def test_a_hit_below_the_last_false_alarm_that_counts_is_counted() -> None:
    # Ten false alarms, then a hit, then two thousand more: with the ten the hit is there at a rate that counts.
    many = np.concatenate([np.linspace(1, 0.9, 10), np.linspace(0.3, 0, 2000)])
    zero, one = np.zeros(len(many), np.int64), np.ones(len(many), np.int64)
    false, none = Steps(many, zero, zero, zero, one), Steps.join([])
    hits = Steps(np.array([0.95, 0.4]), *(zero[:2] for _ in range(3)), one[:2])
    curve = psd_curves.PsdCurves(hits, false, none, np.zeros(1, int), 1, most=15.0)
    found, rates = curve.points(Columns(np.ones((1, 1))), np.ones((1, 1)), np.arange(len(curve.thresholds)), 15.0)
    assert found.tolist() == [[1.0, 2.0]] and rates.tolist() == [[5.0, 10.0]]


def test_scores_that_hardly_differ_are_told_apart_as_any_others() -> None:
    # A sigmoid of float64 ends at such numbers: nothing but their order counts.
    outputs, target = random_corpus(np.random.default_rng(3), 60, 2)
    faint = np.empty(len(outputs), object)
    for i, item in enumerate(outputs):
        faint[i] = FrameScores(np.ldexp(item.scores, -1040), item.edges)
        outputs[i] = FrameScores(np.ldexp(faint[i].scores, 1040), item.edges)
    family, whole = psds.family(("dog", "rain")), np.zeros(len(outputs), int)
    found, expected = (family.sample(given, target, whole, 1).scores(np.ones((1, 1)))[0] for given in (faint, outputs))
    assert 0 < found["psds1"][0] == expected["psds1"][0]


def vars_of(scenario: str) -> dict[str, float]:
    made = psd_curves.SCENARIOS[scenario]
    free = {"cttc": made.criteria.cttc, "alpha_ct": made.alpha_ct} if made.alpha_ct else {}
    return {"dtc": made.criteria.dtc, "gtc": made.criteria.gtc, "alpha_st": made.alpha_st, **free}


def test_overlaps_of_all_recordings_are_joined_at_once_as_one_by_one() -> None:
    generator, recordings = np.random.default_rng(1), np.empty(40, object)
    for i in range(40):
        onset = generator.integers(0, 50, i)
        recordings[i] = Events(onset, onset + generator.integers(0, 8, i), generator.integers(0, 3, i), 60 + i)
    expected, found = flatten(references(recordings), 3), joined(flatten(recordings, 3), 3)
    assert 100 < len(found) < sum(len(one) for one in recordings)
    for name in ("clip", "onset", "offset", "label", "duration"):
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))


def test_operating_points_are_a_lower_bound_that_many_of_them_reach() -> None:
    corpus = random_corpus(np.random.default_rng(4), 25, 3)
    exact = swept(psds.family(LABELS[:3]), corpus)[0]
    few = swept(psds.family(LABELS[:3], thresholds=10), corpus)[0]
    every = np.unique(np.concatenate([o.scores.ravel() for o in corpus[0]]))
    listed = swept(psds.family(LABELS[:3], thresholds=every.tolist()), corpus)[0]
    for name in ("psds1", "psds2"):
        assert few[name][0] <= exact[name][0] and listed[name][0] == pytest.approx(exact[name][0], abs=1e-12)
    assert few["psds1"][0] < exact["psds1"][0]


def one(scores: list[list[float]], hop: float, *events: tuple[float, float, int]) -> Corpus:
    outputs, target = np.empty(1, object), np.empty(1, object)
    outputs[0] = frame_scores(np.array(scores), hop)
    times = np.array(events, float).reshape(-1, 3)
    target[0] = Events(*(np.rint(times[:, i] * SECOND).astype(np.int64) for i in (0, 1)), times[:, 2].astype(int))
    return outputs, target


def test_a_detection_score_by_hand() -> None:
    # One hour in frames of six minutes. Class 0: its event is found above everything: ratio 1 from rate 0. Class 1:
    # a false alarm scores higher than its event: ratio 1 from one false alarm per hour. Means ½ then 1, spreads ½
    # then 0; up to two per hour the area is (1 · (½ − ½·α) + 1 · 1) / 2.
    frames = [[0.1, 0.1]] * 10
    frames[2], frames[5], frames[8] = [0.9, 0.1], [0.1, 0.8], [0.1, 0.6]
    corpus = one(frames, 360, (720, 1080, 0), (2880, 3240, 1))
    for alpha, expected in ((0.0, 0.75), (0.5, 0.625), (1.0, 0.5)):
        made = psds.family(LABELS[:2], scenarios={"x": {"dtc": 0.7, "gtc": 0.7, "alpha_st": alpha, "max_efpr": 2.0}})
        assert swept(made, corpus)[0]["x"][0] == pytest.approx(expected, abs=1e-12)


def test_both_means_of_cross_triggers_by_hand() -> None:
    # Class 0 is detected first in class 1's event: one false alarm per hour, and one cross-trigger per 0.1 h of class
    # 1, 10 per hour: rate 1 + α · 10 / (C − 1) or / C.
    frames = [[0.1, 0.1]] * 10
    frames[2], frames[5] = [0.7, 0.1], [0.9, 0.2]
    corpus = one(frames, 360, (720, 1080, 0), (1800, 2160, 1))
    options = {"dtc": 0.7, "gtc": 0.7, "cttc": 0.3, "alpha_ct": 0.5, "max_efpr": 10.0}
    for rule, rate in (("C-1", 1 + 0.5 * 10), ("C", 1 + 0.5 * 10 / 2)):
        made = psds.family(LABELS[:2], scenarios={"x": options}, ct_mean=rule)
        assert swept(made, corpus)[1]["x"][0, 0] == pytest.approx((10 - rate) / 10, abs=1e-12)
        assert f"ct_mean={rule}" in made.metrics["x"].rule


def test_shares_are_met_exactly_on_their_border() -> None:
    # Seven of ten frames of 0.1 s lie in the event: 0.7 of the detection, which binary fractions may miss.
    corpus = one([[0.9]] * 10 + [[0.1]] * 10, 0.1, (0.3, 1.0, 0))
    for dtc, value in ((0.7, 1.0), (0.700001, 0.0)):
        made = sed_best.family(("c0",), criterion="intersection", dtc=dtc, gtc=1.0)
        assert swept(made, corpus)[0]["best_macro_f1"][0] == value


def test_classes_without_references_are_left_out_or_count_as_nothing() -> None:
    corpus = one([[0.9, 0.2]] * 2 + [[0.1, 0.1]] * 2, 1.0, (0, 2, 0))
    for classes, value in (("referenced", 1.0), ("all", 0.5)):
        made = psds.family(LABELS[:2], scenarios={"x": {"dtc": 0.5, "gtc": 0.5}}, classes=classes)
        assert swept(made, corpus)[0]["x"][0] == value


def test_a_median_filter_is_declared_and_applied() -> None:
    outputs, target = random_corpus(np.random.default_rng(5), 12, 3)
    filtered = outputs.copy()
    for i, item in enumerate(outputs):
        filtered[i] = FrameScores(median_filter(item.scores, size=(5, 1)), item.edges)
    made = psds.family(LABELS[:3], median_frames=5)
    assert "median-5-frames" in made.metrics["psds1"].rule
    assert swept(made, (outputs, target))[0] == swept(psds.family(LABELS[:3]), (filtered, target))[0]


def test_intervals_and_curves_come_with_a_cell() -> None:
    outputs, target = random_corpus(np.random.default_rng(6), 20, 3)
    found = score_cell(psds.family(LABELS[:3]), outputs, target, np.arange(20) // 2, [], Bootstrap(10, 30, "psds"))
    assert found.metrics["psds1"].interval and found.groups["class=c0"]["psds1"].value is not None
    curve = found.tables["psds1_roc"].values
    assert (np.diff(curve[:, 1:], axis=0) >= 0).all() and np.nanmax(curve) <= 1
    best = score_cell(sed_best.family(LABELS[:3]), outputs, target, np.arange(20))
    highest = best.tables["thresholds"].values.max(axis=0)
    assert highest[0] <= best.metrics["best_common_macro_f1"].value + 1e-12
    assert highest[1] <= best.metrics["best_common_micro_f1"].value + 1e-12
    at = sed_event.family(LABELS[:3], threshold=0.4)
    values = at.values(at.statistics(outputs, target).sum(axis=0))
    np.testing.assert_allclose(best.tables["thresholds"].values[40], [values["macro_f1"], values["micro_f1"]])


def test_what_a_cell_swept_gives_the_same_tables_and_draws_as_sweeping_again() -> None:
    outputs, target = random_corpus(np.random.default_rng(5), 12, 3)
    labels = ("dog", "rain", "speech")
    detection, collar = psds.family(labels), sed_best.family(labels, onset_collar=0.5, offset_collar=0.5)
    family, boot = Joint(detection, {"collar": collar}), Bootstrap(12, draws=250, name="toy")
    result = score_cell(family, outputs, target, np.arange(12), bootstrap=boot)
    again = family.tables(outputs, target, family.statistics(outputs, target).sum(axis=0))
    assert result.tables.keys() == again.keys() and len(again) == 3
    for name, table in again.items():
        np.testing.assert_array_equal(result.tables[name].values, table.values)
        assert np.nanmax(table.values) > 0
    copies = np.concatenate(list(boot.weights()))
    for name in ("psds1", "psds2", "collar_best_macro_f1", "collar_best_common_micro_f1"):
        alone = [swept(family, (outputs, target), draw[None])[0][name][0] for draw in copies[::25]]
        np.testing.assert_allclose(result.replicates[name][::25], alone, atol=1e-12)


def test_memory_holds_one_change_per_frame_however_many_thresholds() -> None:
    outputs, _ = random_corpus(np.random.default_rng(8), 30, 3)
    sizes = []
    for decimals in (2, 12):
        coarse = outputs.copy()
        for i, item in enumerate(outputs):
            coarse[i] = FrameScores(np.round(item.scores, decimals), item.edges)
        sizes.append(sum(len(block) for block in levels(list(coarse))))
    assert sizes[0] <= sizes[1] <= sum(item.scores.size for item in outputs)


def test_soft_labels_and_overlapping_clips() -> None:
    events = soft_events(np.array([[0.2, 0.6], [0.51, 0.6], [0.5, 0.1]]))
    assert list(zip(events.onset // SECOND, events.offset // SECOND, events.label)) == [(1, 2, 0), (0, 2, 1)]
    clip = frame_scores(np.array([[0.0], [0.2], [0.6], [0.8]]), 0.5)
    over = laid_over([clip, clip], [0.0, 1.0], 3.0, 1)
    np.testing.assert_allclose(over.scores.ravel(), [0.1, (0.7 + 0.1) / 2, 0.7])
    with pytest.raises(CannotMeasure, match="1 seconds of the recording are in no clip"):
        laid_over([clip], [0.0], 3.0, 1)
    with pytest.raises(CannotMeasure, match=r"0…1"):
        soft_events(np.array([[1.2]]))


def test_bad_input_is_one_clear_error() -> None:
    outputs, target = random_corpus(np.random.default_rng(9), 3, 2)
    for family in (psds.family(LABELS[:2]), sed_best.family(LABELS[:2]), sed_auc.family(LABELS[:2])):
        with pytest.raises(CannotMeasure, match="need frame scores, not Events"):
            family.statistics(target, target)
        with pytest.raises(CannotMeasure, match="2 outputs for 3 recordings"):
            family.statistics(outputs[:2], target)
    with pytest.raises(CannotMeasure, match="frame scores of 2 classes for 3 labels"):
        psds.family(LABELS[:3]).statistics(outputs, target)
    for options in (
        {"scenarios": ("psds3",)},
        {"scenarios": {"x": {"dtc": 0.5}}},
        {"ct_mean": "K"},
        {"scenarios": {"x": {"dtc": 0.5, "gtc": 0.5, "alpha_ct": 1.0}}},
        {"independent": True},
        {"scenarios": {"x": {"dtc": 1.5, "gtc": 0.5}}},
    ):
        with pytest.raises(ConfigError):
            psds.family(LABELS[:2], **options)
    for made in (lambda: sed_best.family(LABELS, criterion="x"), lambda: sed_auc.family(LABELS, max_fpr=0)):
        with pytest.raises(ConfigError):
            made()


def test_recordings_without_events_or_frames_are_scored() -> None:
    outputs, target = one([[0.9]] * 4, 1.0, (0, 4, 0))
    empty = Events(*(np.zeros(0, np.int64),) * 3, 10 * SECOND)
    outputs = np.array([outputs[0], FrameScores(np.zeros((0, 1)), np.zeros(1, np.int64)), None], object)
    outputs[2] = frame_scores(np.full((4, 1), 0.5), 1.0)
    target = np.array([target[0], empty, empty, None], object)[:3]
    values = {
        **swept(psds.family(("c0",), scenarios=("psds1",)), (outputs, target))[0],
        **swept(sed_best.family(("c0",)), (outputs, target))[0],
        **swept(sed_auc.family(("c0",)), (outputs, target))[0],
    }
    assert values["psds1"][0] == values["best_macro_f1"][0] == values["mauc"][0] == 1.0
    nothing = np.array([empty, empty], object)
    made = psds.family(("c0",))
    assert np.isnan(swept(made, (outputs[1:], nothing))[0]["psds1"][0])
    assert made.reasons(made.statistics(outputs[1:], nothing).sum(axis=0))["psds1"] == "no reference events"
