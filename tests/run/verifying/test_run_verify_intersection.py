"""Intersection-based F1 against sed_scores_eval: with the package where it is installed, with its recorded figures."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from benchbed.metrics.cell import score_cell
from benchbed.metrics.families import sed_intersection
from benchbed.metrics.joint import Joint
from benchbed.metrics.sed.examples import random_corpus
from benchbed.outputs.frames.recording import Events, FrameScores, frame_scores, recording
from benchbed.results.record import Check
from benchbed.run.verifying.run import verify_cell

TESTS = Path(__file__).parents[2]
GOLDEN = Path(__file__).parent / "golden"
NAMES = ("macro_f1", "micro_f1", "micro_precision", "micro_recall")
package = pytest.mark.skipif(
    importlib.util.find_spec("sed_scores_eval") is None, reason="sed_scores_eval is not installed"
)


def checked(family: Any, scores: np.ndarray, target: np.ndarray) -> Check:
    found = score_cell(family, scores, target, np.arange(len(target)))
    [check] = verify_cell(family, scores, target, {n: number.value for n, number in found.metrics.items()}, "cell")
    return check


def loaded(path: Path) -> Any:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def golden() -> tuple[sed_intersection.IntersectionBased, np.ndarray, np.ndarray, dict[str, Any]]:
    # Options as in make_intersection_f1.py.
    labels = ("c0", "c1", "c2", "c3")
    family = sed_intersection.family(labels, dtc=0.7, gtc=0.3, threshold=(0.48, 0.52, 0.55, 0.5), median_frames=3)
    module = loaded(TESTS / "metrics" / "golden" / "sed_corpus.py")
    data = module.corpus(2)
    outputs, target = np.empty(len(data), object), np.empty(len(data), object)
    for i, (scores, events) in enumerate(data):
        onset, offset, label = zip(*events) if events else ((), (), ())
        outputs[i] = frame_scores(scores, module.HOP)
        target[i], _ = recording(onset, offset, [labels[c] for c in label], labels, module.FRAMES * module.HOP)
    return (
        family,
        outputs,
        target,
        json.loads((GOLDEN / "intersection_f1.json").read_text()),
    )


@pytest.fixture
def recorded(golden: tuple, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Stands where the package would: answers with what it answered, and keeps what it was asked."""
    _, _, _, figures = golden
    asked: dict[str, Any] = {}

    def fscore(scores: dict, truth: dict, threshold: dict, *, dtc_threshold: float, gtc_threshold: float) -> tuple:
        asked.update(scores=scores, truth=truth, threshold=threshold, dtc=dtc_threshold, gtc=gtc_threshold)
        return (*(dict(figures[name]) for name in ("f1", "precision", "recall")), {})

    top, intersection, scores = (ModuleType(n) for n in ("sed_scores_eval", "intersection_based", "scores"))
    intersection.fscore = fscore  # type: ignore[attr-defined]
    scores.create_score_dataframe = lambda *given: given  # type: ignore[attr-defined]
    top.intersection_based = intersection  # type: ignore[attr-defined]
    base = ModuleType("base_modules")
    for name, module in (("", top), (".base_modules", base), (".base_modules.scores", scores)):
        monkeypatch.setitem(sys.modules, f"sed_scores_eval{name}", module)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: object())
    monkeypatch.setattr(importlib.metadata, "version", lambda name: "0.0.4")
    return asked


def test_the_recorded_figures_of_the_package_are_confirmed(golden: tuple, recorded: dict[str, Any]) -> None:
    family, outputs, target, figures = golden
    check = checked(family, outputs, target)
    assert check.status == "pass"
    assert check.message == "sed_scores_eval 0.0.4 gives the same 4 figures by its own rule, within 1e-09"
    values = family.values(family.statistics(outputs, target).sum(axis=0))
    theirs = [figures["f1"]["macro_average"], *(figures[n]["micro_average"] for n in ("f1", "precision", "recall"))]
    assert [float(values[n]) for n in NAMES] == pytest.approx(theirs, abs=1e-12)
    # Scores after the filter, and thresholds that a score of the same value exceeds.
    assert (recorded["dtc"], recorded["gtc"]) == (0.7, 0.3)
    for name, limit in zip(family.labels, (0.48, 0.52, 0.55, 0.5)):
        assert recorded["threshold"][name] < limit and np.nextafter(recorded["threshold"][name], 1) == limit
    scores, times, labels = recorded["scores"]["0"]
    column = np.pad(outputs[0].scores, ((1, 1), (0, 0)), mode="edge")
    assert np.array_equal(scores, np.median([column[:-2], column[1:-1], column[2:]], axis=0))
    assert times[-1] == 10.0 and labels == list(family.labels)


def test_a_wrong_count_fails(golden: tuple, recorded: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    family, outputs, target, _ = golden
    sums = family.counted(outputs, target)
    sums[0, 4] += 1
    monkeypatch.setattr(family, "counted", lambda scores, target: sums)
    check = checked(family, outputs, target)
    assert check.status == "fail" and check.message.count(" here, ") == 3, "one more false alarm leaves recall alone"
    assert "micro_recall" not in check.message


def test_lists_of_events_and_cells_without_references_have_a_reason(recorded: dict[str, Any]) -> None:
    outputs, target = random_corpus(np.random.default_rng(0), 5, 2)
    family = sed_intersection.family(("a", "b"))
    check = checked(family, target, target)
    assert check.status == "skipped" and check.message.endswith("takes frame scores, not lists of events")
    empty, none = np.empty(5, object), np.zeros(0, np.int64)
    for i in range(5):
        empty[i] = Events(none, none, none, 10_000_000)
    check = checked(family, outputs, empty)
    assert check.status == "skipped" and check.message.endswith("has no F1 without reference events")
    assert not recorded


@package
@pytest.mark.parametrize("seed", range(6))
def test_the_package_confirms_any_options(seed: int) -> None:
    generator = np.random.default_rng(seed)
    outputs, target = random_corpus(generator, 20, 3, hop=(11_610, 64_000)[seed % 2], frames=150)
    for i, item in enumerate(outputs):
        outputs[i] = FrameScores(np.round(item.scores, 1).astype((np.float32, np.float64)[seed % 2]), item.edges)
    filters = ({}, {"median_frames": [1, 3, 5]}, {"median_seconds": 0.448})[seed % 3]
    dtc, gtc = generator.choice([0.1, 0.5, 0.7, 1.0], 2)
    family = sed_intersection.family(
        ("a", "b", "c"), dtc=float(dtc), gtc=float(gtc), threshold=(0.3, 0.4, 0.6), **filters
    )
    check = checked(Joint(family, {}), outputs, target)
    assert check.status == "pass" and check.message.endswith("within 1e-09")


@package
def test_the_package_gives_the_recorded_figures(golden: tuple) -> None:
    *_, figures = golden
    assert loaded(GOLDEN / "make_intersection_f1.py").figures() == {
        name: pytest.approx(figures[name], abs=1e-12) for name in ("f1", "precision", "recall")
    }


@package
def test_where_its_rule_differs_the_reason_is_told() -> None:
    outputs, target = random_corpus(np.random.default_rng(1), 20, 3)
    wider = np.empty(len(outputs), object)
    for i, item in enumerate(outputs):
        wider[i] = FrameScores(np.column_stack([item.scores, item.scores[:, 0]]), item.edges)
    check = checked(sed_intersection.family(("a", "b", "c", "never")), wider, target)
    assert check.status == "pass" and "macro_f1" not in check.message and "micro_recall" not in check.message
    assert check.message.count("(classes without references are left out)") == 2, "F1 and precision over all classes"
    check = checked(sed_intersection.family(("a", "b", "c"), threshold=2.0), outputs, target)
    assert check.status == "pass" and "recorded undefined, by its rule 0 (precision without detections" in check.message
