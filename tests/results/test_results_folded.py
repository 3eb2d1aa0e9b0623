"""A run of folds as a run of one, from records written by hand."""

from __future__ import annotations

import pytest
from made_records import figure, make_result

from benchbed.results.folded import folded
from benchbed.results.record import Condition, Counts, Matrix, Result


def in_folds(kept: list[float], *, names: str = "fold", ranked: bool = True) -> Result:
    """A run of as many folds as there are figures under one attack; on clean audio each keeps 0.2 more."""
    run = make_result("a")
    fast = Condition(kind="attack", name="fast", parameter=40, unit="dB SNR, whole clip")
    clean, cells = run.cells[0], []
    for place, value in enumerate(kept, 1):
        split = f"{names}{place}"
        told = {"split": split, "counts": Counts(clips=10, scored=10), "groups": {}, "matrices": {}}
        metrics = {run.primary: figure(value + 0.2)}
        cells.append(clean.model_copy(update={**told, "key": f"scene/{split}/clean", "metrics": metrics}))
        breaks = Matrix(
            rows=["a room"],
            columns=["broken", "left"],
            values=[[place, 1]],
            row_title="",
            column_title="",
            unit="clips",
        )
        attacked = {
            "key": f"scene/{split}/fast@l2:40dB",
            "condition": fast,
            "metrics": {"robust_accuracy": figure(value)},
        }
        alike = {"matrices": {"breaks": breaks}, "ranked": ranked or place != 2}
        cells.append(clean.model_copy(update={**told, **attacked, **alike}))
        about = {"scope": f"white noise, {split}"}
        run.scores[f"robustness:{split}:mean/white_noise"] = figure(value).model_copy(update=about)
    return run.model_copy(update={"cells": cells})


def test_every_condition_has_one_cell_with_the_mean_over_folds() -> None:
    run = in_folds([0.1, 0.3, 0.8])
    one = folded(run)
    assert [cell.key for cell in one.cells] == ["scene/mean over 3 folds/clean", "scene/mean over 3 folds/fast@l2:40dB"]
    assert one.cells[0].metrics[run.primary].value == pytest.approx(0.6)
    robust = one.cells[1].metrics["robust_accuracy"]
    assert (robust.value, robust.scope) == (pytest.approx(0.4), "mean over 3 folds")
    assert one.cells[1].counts.clips == 30
    assert one.cells[1].matrices["breaks"].values == [[6, 3]]
    assert one.scores["robustness:mean/white_noise"].value == pytest.approx(0.4)
    assert one.scores["robustness:mean/white_noise"].scope == "white noise, mean over 3 folds"
    assert not [name for name in one.scores if ":fold" in name]
    assert len(run.cells) == 6


def test_what_joins_the_folds_in_the_record_stands_before_the_mean() -> None:
    run = in_folds([0.1, 0.3])
    run.scores[f"folds_mean:{run.primary}"] = figure(0.44)
    run.scores["folds_mean:fast@l2:40dB:robust_accuracy"] = figure(0.22)
    clean, fast = folded(run).cells
    assert (clean.metrics[run.primary].value, fast.metrics["robust_accuracy"].value) == (0.44, 0.22)


def test_a_figure_that_one_fold_lacks_is_no_mean_and_one_failed_check_ranks_nothing() -> None:
    run = in_folds([0.1, 0.3], ranked=False)
    del run.cells[3].metrics["robust_accuracy"]
    clean, fast = folded(run).cells
    assert (clean.ranked, fast.ranked) == (True, False)
    assert "robust_accuracy" not in fast.metrics
    del run.cells[3]
    assert [cell.condition.name for cell in folded(run).cells] == ["clean"]


@pytest.mark.parametrize(
    "run", [make_result("a"), in_folds([0.1]), in_folds([0.1, 0.3]).model_copy(update={"cells": []})]
)
def test_a_run_of_one_split_stays_as_it_is(run: Result) -> None:
    assert folded(run) is run


def test_sets_beside_each_other_stay_apart() -> None:
    run = in_folds([0.1, 0.3])
    named = [
        cell.model_copy(update={"split": {"fold1": "clotho", "fold2": "audiocaps"}[cell.split]}) for cell in run.cells
    ]
    sets = run.model_copy(update={"cells": named})
    assert folded(sets) is sets
