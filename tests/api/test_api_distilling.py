"""A student beside its teacher, from stored runs."""

from __future__ import annotations

import pytest

import benchbed as bb
from benchbed.errors import CannotMeasure


@pytest.fixture(scope="module")
def runs(tmp_path_factory, repository):
    out = tmp_path_factory.mktemp("distilled")
    # So many that the clips of each run lie in shards of their own order.
    models = [str(repository / "adapters" / f"{name}.py") for name in ("passt", "cnn", "vit_asc")]
    return bb.run("dcase_task1", model=models, limit=300, out=out, report=False)


def test_answers_of_stored_runs_are_held_against_each_other(runs):
    found = bb.distillation(runs[0].path, runs[1], runs[2])
    teacher, student = (run.predictions("scene/test/clean").set_index("clip_id")["prediction"] for run in runs[:2])
    assert found["agreement"].value == pytest.approx((teacher == student.loc[teacher.index]).mean())
    right = [run.result.cells[0].metrics["accuracy"].value for run in runs]
    assert found["gap"].value == pytest.approx(right[0] - right[1])
    assert found["recovered"].value == pytest.approx((right[1] - right[2]) / (right[0] - right[2]))


def test_a_run_of_other_clips_is_refused(runs, tmp_path, repository):
    other = bb.run("dcase_task1", model=str(repository / "adapters/cnn.py"), limit=20, out=tmp_path, report=False)
    with pytest.raises(CannotMeasure, match="not measured alike"):
        bb.distillation(runs[0], other)
