"""Neighbours on a board: differences by recording, Holm over the pairs, runs that were not measured alike."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from made_runs import answers, made_run, recordings

from benchbed.compare.answer import Procedure
from benchbed.compare.contrast import contrast
from benchbed.compare.figure import Figure
from benchbed.compare.neighbours import neighbours
from benchbed.compare.runs import open_run
from benchbed.errors import CannotMeasure

TARGET, GROUP = recordings(16, 5)
RECORDING = np.arange(len(TARGET)) // 5


@pytest.fixture
def board(tmp_path):
    """Opens runs that are right on all clips of the first so many of sixteen recordings, and wrong on the others."""

    def opened(**right):
        places = [
            made_run(tmp_path / name, {"clean": answers(count > RECORDING, TARGET)}, TARGET, GROUP, name=name)
            for name, count in right.items()
        ]
        return [open_run(place) for place in places]

    return opened


def test_every_run_is_held_against_the_next_alone_and_corrected_over_these_pairs(board):
    runs = board(a=15, b=14, c=3)
    how = Procedure(draws=500)
    first, second = neighbours(runs, how)
    assert (first.above, first.below, second.above, second.below) == ("a", "b", "b", "c")
    assert (first.value, second.value) == pytest.approx((1 / 16, 11 / 16))
    assert first.verdict == "tie" and not first.apart and second.verdict == "win" and second.apart
    # Holm: the smaller of two p-values is doubled, the larger is not, and neither falls below the other.
    alone = [contrast(a, b, Figure("clean"), ["accuracy"], how)["accuracy"].p for a, b in itertools.pairwise(runs)]
    assert [first.p, second.p] == alone
    assert second.p_adjusted == pytest.approx(2 * alone[1]) and first.p_adjusted == pytest.approx(alone[0])


def test_a_lower_one_that_is_better_is_said_to_be(board):
    (pair,) = neighbours(board(below=2, above=15), Procedure(draws=500))
    assert pair.verdict == "loss" and pair.apart and pair.value < 0


def test_a_board_of_one_has_no_neighbours(board):
    assert neighbours(board(alone=3)) == []


def test_runs_on_other_clips_are_refused(board, tmp_path):
    other = made_run(tmp_path / "other", {"clean": answers(RECORDING < 3, TARGET)}, TARGET, GROUP, index="f" * 32)
    with pytest.raises(CannotMeasure, match="were not measured alike"):
        neighbours([*board(a=3), open_run(other)])
