"""A model whose mAP hides how it ranks is told apart from one of the same mAP that ranks well."""

from __future__ import annotations

import numpy as np
import pytest

from benchbed.metrics.cell import score_cell
from benchbed.metrics.families import sed_auc, sed_event, tagging
from benchbed.metrics.joint import Joint
from benchbed.results import record
from benchbed.run.scoring.cells import to_value
from benchbed.run.scoring.rank_checks import rank_checks
from benchbed.stats.bootstrap import Bootstrap

CLIPS, CLASSES = 300, 6
LABELS = tuple("abcdef")


def cell(scores, target, *, kind="clean", family=None) -> record.Cell:
    """The cell that a run would record."""
    made = score_cell(
        family or tagging.family(LABELS),
        scores,
        target,
        np.arange(len(scores)),
        [],
        Bootstrap(len(scores), draws=200, name="toy", seed=0),
    )
    return record.Cell(
        key=f"tags/test/{kind}",
        task="tags",
        split="test",
        condition=record.Condition(kind=kind, name=kind),
        counts=record.Counts(clips=len(scores), scored=len(scores), failed=0),
        metrics={name: to_value(number) for name, number in made.metrics.items()},
        groups={key: {name: to_value(n) for name, n in found.items()} for key, found in made.groups.items()},
    )


def clips(apart: float = 2.0, broken: int = 0, share: float = 0.1) -> tuple[np.ndarray, np.ndarray]:
    """Scores of normals so far apart; of `broken` classes four fifths of the positives come last, the others first."""
    generator = np.random.default_rng(3)
    target = (generator.random((CLIPS, CLASSES)) < share).astype(float)
    scores = generator.standard_normal((CLIPS, CLASSES)) + apart * target
    for c in range(broken):
        held = np.flatnonzero(target[:, c])
        lost = len(held) * 4 // 5
        scores[held[:lost], c] -= 8
        scores[held[lost:], c] += 8
    return 1 / (1 + np.exp(-scores)), target


def said(made: record.Cell) -> dict[str, tuple[str, str]]:
    return {check.name: (check.status, check.message) for check in rank_checks([made])}


def test_a_model_that_ranks_well_passes():
    found = said(cell(*clips()))
    assert {name: status for name, (status, _) in found.items()} == {"ranks": "pass", "ranks:classes": "pass"}


def test_classes_below_chance_are_named_with_their_figures():
    found = said(cell(*clips(broken=2)))
    status, text = found["ranks:classes"]
    assert status == "warn" and text.startswith("2 of 6 classes are ranked below chance")
    assert "a (AUC 0.2" in text and "b (AUC 0.2" in text and "c (AUC" not in text


def test_a_mean_auc_that_the_map_does_not_speak_for_is_flagged():
    status, text = said(cell(*clips(broken=6)))["ranks"]
    assert status == "warn" and "the first clips are ranked far better than the rest" in text


def test_chance_is_no_disagreement_and_few_clips_are_no_ground_for_one():
    found = said(cell(*clips(apart=0.0)))
    assert found["ranks"][0] == "pass" and found["ranks:classes"][0] == "pass"
    status, text = said(cell(*clips(share=0.01)))["ranks"]
    assert status == "skipped" and "too few" in text


def test_perfect_figures_cannot_disagree():
    target = np.eye(CLASSES)[np.arange(CLIPS) % CLASSES]
    assert said(cell(target, target))["ranks"] == ("skipped", "mAP against mAUC: a figure is undefined, 0 or 1")


@pytest.mark.parametrize("kind", ["corruption", "attack"])
def test_perturbed_cells_are_left_out(kind):
    assert rank_checks([cell(*clips(broken=6), kind=kind)]) == []


def test_figures_beside_others_are_checked_under_their_name_and_segments_are_not():
    scores, target = clips(broken=6)
    joined = Joint(tagging.family(LABELS), {"tags": tagging.family(LABELS)})
    assert set(said(cell(scores, target, family=joined))) == {
        "ranks",
        "ranks:classes",
        "ranks:tags",
        "ranks:tags_classes",
    }
    for family, outputs, truth in (
        sed_auc.example(np.random.default_rng(0), 20),
        sed_event.example(np.random.default_rng(0), 20),
    ):
        assert rank_checks([cell(outputs, truth, family=family)]) == []
