"""What scoring costs, by answers of a few clips that stand for all."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from benchbed.predictions.store import Predictions
from benchbed.run.preparing import starting

CLIPS = pd.Series([f"set/{index}.wav" for index in range(7)])


def answers(scores: np.ndarray, references: np.ndarray | None) -> Predictions:
    cells = ["a", "b", "a"]
    table = pd.DataFrame({"clip_id": CLIPS[:3], "cell": cells, "draw": 0})
    return Predictions(("x", "y"), table, scores, [], references=references)


def test_answers_stand_in_turns_for_all_clips_with_their_references():
    scores = np.empty(3, dtype=object)
    scores[:] = [np.zeros(2), np.ones(2), np.full(2, 2.0)]
    truth = np.array(["first", "second", "third"], dtype=object)
    found, rows = starting._for_all(answers(scores, truth), "a", CLIPS)
    assert found.table["clip_id"].tolist() == CLIPS.tolist() and rows.tolist() == list(range(7))
    assert found.references.tolist() == ["first", "third"] * 3 + ["first"]
    assert [one[0] for one in found.scores] == [0.0, 2.0] * 3 + [0.0]


def test_answers_whose_references_lie_elsewhere_are_left_alone():
    scores = np.array(["a dog", "rain", "a bird"], dtype=object)
    found, rows = starting._for_all(answers(scores, None), "a", CLIPS)
    assert len(found.table) == 3 and rows.tolist() == [0, 2]


@pytest.mark.parametrize(("lengths", "scored"), [((1, 5, 0, 3, 4), [5, 4, 3]), ((0, 0), []), ((2,), [2])])
def test_conditions_of_which_most_is_known_are_scored_and_their_mean_counts(monkeypatch, lengths, scored):
    class Cell:
        kind = "corruption"

    class Unit:
        cells = (Cell,)

    seen = []

    def cost(prepared, grounds, unit, held):
        seen.append(len(held))
        return None if len(held) == 4 else float(len(held))

    monkeypatch.setattr(starting, "_scored", cost)
    monkeypatch.setattr("benchbed.run.scoring.grounds.Grounds.of", lambda prepared, draws: None)
    found = starting.scored_seconds(None, [(Unit, [0] * length) for length in lengths])
    assert seen == scored
    told = [length for length in scored if length != 4]
    assert found == ({"corruption": sum(told) / len(told)} if told else {})
