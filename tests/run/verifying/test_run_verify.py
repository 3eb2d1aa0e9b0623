"""Recomputing a run's figures with the reference packages, and what is said when they differ or cannot be asked."""

from __future__ import annotations

import importlib.util
import sys
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchbed.metrics.cell import score_cell
from benchbed.metrics.contract import Family
from benchbed.metrics.families import classification, psds, sed_auc, sed_best, sed_event, sed_segment, tagging
from benchbed.metrics.joint import Joint
from benchbed.metrics.sed.examples import random_corpus
from benchbed.outputs.frames.recording import FrameScores
from benchbed.predictions.by_cell import PredictionsByCell
from benchbed.results.record import Check
from benchbed.run import session
from benchbed.run.verifying.agreement import Agreement
from benchbed.run.verifying.run import verify_cell, verify_run
from benchbed.run.verifying.sed_scores_eval import _steps
from benchbed.suite.load import load_suite

LABELS = ("dog", "rain", "speech")
pytestmark = pytest.mark.filterwarnings("ignore:pkg_resources")


@pytest.fixture(scope="module", autouse=True)
def sed_eval() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pytest.importorskip("sed_eval")


def checked(family: Family, scores: np.ndarray, target: np.ndarray, **changed: float) -> list[Check]:
    found = score_cell(family, scores, target, np.arange(len(target)))
    recorded: Mapping[str, Any] = {name: number.value for name, number in found.metrics.items()} | changed
    return verify_cell(family, scores, target, recorded, "cell")


def test_scenes_are_confirmed_in_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchbed.run.verifying.sed_eval.BATCH", 7)
    generator = np.random.default_rng(0)
    scores, target = generator.dirichlet(np.ones(3), 60), generator.integers(0, 2, 60)
    [check] = checked(classification.family(LABELS), scores, target)
    assert check.status == "pass" and "the same 2 figures" in check.message
    # The third class has no clips: sed_eval counts it as zero in its mean, and the check says so.
    assert "macro_accuracy: recorded" in check.message and "; accuracy" not in check.message


def test_segments_and_events_are_confirmed_together() -> None:
    outputs, target = random_corpus(np.random.default_rng(1), 25, 3)
    family = Joint(sed_segment.family(LABELS, resolution=0.1), {"event": sed_event.family(LABELS)})
    segment, event = checked(family, outputs, target)
    assert (segment.name, event.name) == ("verify:metrics", "verify:event")
    assert segment.status == event.status == "pass" and event.cell == "cell"
    assert "sed_eval 0.2.1 gives the same 8 figures" in event.message


def test_a_recorded_figure_by_another_rule_is_told_and_a_wrong_computation_fails(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    outputs, target = random_corpus(np.random.default_rng(2), 10, 3)
    [check] = checked(sed_event.family(LABELS), outputs, target, macro_f1=0.123)
    assert check.status == "pass" and "macro_f1: recorded 0.123, by its rule" in check.message
    monkeypatch.setattr(
        "benchbed.metrics.families.sed_event.EventBased.values",
        lambda self, sums: dict.fromkeys(self.metrics, np.array(0.5)),
    )
    [check] = verify_cell(sed_event.family(LABELS), outputs, target, {}, "cell")
    assert check.status == "fail" and "0.5 here" in check.message


def test_what_cannot_be_asked_is_skipped_with_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    outputs, target = random_corpus(np.random.default_rng(3), 5, 3)
    [check] = verify_cell(sed_event.family(LABELS, offset_collar=0.5), outputs, target, {}, "cell")
    assert check.status == "skipped" and "one collar serves" in check.message
    [check] = verify_cell(tagging.family(LABELS), np.zeros((1, 3)), np.zeros((1, 3)), {}, "cell")
    assert check.status == "skipped" and check.message == "no package is asked about Tagging"
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    [check] = verify_cell(psds.family(LABELS), outputs, target, {}, "cell")
    assert check.status == "skipped" and check.message == "sed_scores_eval is not installed"


def test_a_package_that_lacks_something_is_no_internal_error(monkeypatch: pytest.MonkeyPatch) -> None:
    outputs, target = random_corpus(np.random.default_rng(3), 5, 3)
    monkeypatch.setitem(sys.modules, "sed_eval", None)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: object())
    [check] = verify_cell(sed_event.family(LABELS), outputs, target, {}, "cell")
    assert check.status == "skipped" and check.message.startswith("sed_eval 0.2.1 cannot be used: ")


def test_undefined_figures_agree_when_both_are() -> None:
    assert Agreement("x", None, float("nan"), float("nan")).equal
    assert not Agreement("x", None, float("nan"), float("nan")).recorded_differs
    assert Agreement("x", None, 0.5, 0.5).recorded_differs and not Agreement("x", 0.5, 0.5, 0.6).equal


@pytest.mark.skipif(importlib.util.find_spec("sed_scores_eval") is None, reason="sed_scores_eval is not installed")
def test_figures_over_all_thresholds_are_confirmed() -> None:
    outputs, target = random_corpus(np.random.default_rng(4), 20, 3)
    for family in (
        psds.family(LABELS, median_frames=3),
        sed_auc.family(LABELS),
        *(sed_best.family(LABELS, criterion=name) for name in ("collar", "intersection", "segment")),
    ):
        [check] = checked(family, outputs, target)
        assert check.status == "pass" and "other numbers" not in check.message
    more = sed_auc.family((*LABELS, "never"))
    wider = np.empty(len(outputs), object)
    for i, item in enumerate(outputs):
        wider[i] = FrameScores(np.column_stack([item.scores, item.scores[:, 0]]), item.edges)
    [check] = checked(more, wider, target)
    assert check.status == "pass" and "other numbers" not in check.message, "classes without references have no area"
    [check] = checked(psds.family((*LABELS, "never")), wider, target)
    assert check.status in ("pass", "skipped")


@pytest.mark.skipif(importlib.util.find_spec("sed_scores_eval") is None, reason="sed_scores_eval is not installed")
def test_areas_are_those_below_the_curves_of_the_package_in_whatever_order_it_sums_them(monkeypatch: Any) -> None:
    outputs, target = random_corpus(np.random.default_rng(4), 20, 3)
    from sed_scores_eval.base_modules.roc import staircase_auc as own

    told = "sed_scores_eval.base_modules.roc.staircase_auc"
    monkeypatch.setattr(told, lambda *curve, **limit: 0.9 * own(*curve, **limit))
    [check] = checked(sed_auc.family(LABELS), outputs, target)
    assert check.status == "pass" and "other numbers" not in check.message


def test_steps_are_held_until_the_next_point() -> None:
    height, rate = np.array([0.0, 0.5, 0.8, 1.0]), np.array([0.0, 0.0, 0.5, 1.0])
    assert _steps(height, rate, None) == 0.5 * 0.5 + 0.5 * 0.8
    assert _steps(height, rate, 0.6) == pytest.approx((0.5 * 0.5 + 0.1 * 0.8) / 0.6, rel=1e-15)


def test_a_run_is_confirmed_from_its_stored_predictions(tmp_path: Path, toy_table: Any, adapter_file: Any) -> None:
    toy_table[["path", "label", "group"]].assign(split="test").to_csv(tmp_path / "data" / "clips.csv", index=False)
    suite = tmp_path / "toy.yaml"
    suite.write_text(
        "{name: toy, version: '1', task: scene, conditions: [clean], statistics: {draws: 0}, profile: false, "
        "data: {layout: folder, name: toy, splits: [test], options: {csv: clips.csv, path: path, label: label, "
        "group: group, split: split, labels: [low, high]}}}"
    )
    settings = session.Settings(out=tmp_path / "runs", data={"toy": tmp_path / "data"}, quiet=True)
    prepared = session.prepare(load_suite(str(suite)), str(adapter_file()), {}, settings)
    result = session.run(prepared, settings, {}).result
    stored = PredictionsByCell(sorted((prepared.folder / "predictions").glob("*.parquet")))
    [check] = verify_run(prepared, stored, result.cells)
    assert check.status == "pass" and check.cell == result.cells[0].key
    assert check.message.endswith("within 1e-09")
