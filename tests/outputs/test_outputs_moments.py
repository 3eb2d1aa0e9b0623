"""Moments: what a model may answer, what perturbations do to references, and jsonl files."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from benchbed.card import Card
from benchbed.errors import AdapterError, DataError
from benchbed.outputs import output_of
from benchbed.outputs.contract import Heard
from benchbed.outputs.moments.asked import IDS, QUERIES, SECONDS, WINDOWS
from benchbed.outputs.moments.files import answers_of, unused


def table() -> pd.DataFrame:
    columns = {QUERIES: [("rain", "a dog"), ("wind",)], IDS: [("r_1", "r_2"), ("s_1",)]}
    columns[WINDOWS] = [(((0.0, 5.0),), ((2.0, 3.0), (8.0, 9.0))), (((1.0, 2.0),),)]
    made = {name: np.empty(2, object) for name in columns}
    for name, values in columns.items():
        made[name][:] = values
    return pd.DataFrame({"clip_id": ["set/r.wav", "set/s.wav"], SECONDS: [10.0, 4.0], **made})


def lines(path, *rows):
    path.write_text("\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows) + "\n")
    return path


def row(name, *windows):
    return {"qid": name, "query": "?", "vid": "v", "pred_relevant_windows": [list(one) for one in windows]}


def test_lines_are_found_by_the_id_of_the_query(tmp_path):
    path = lines(tmp_path / "s.jsonl", row("s_1"), row("r_2", (2, 3, 0.5), (0, 9, 0.7)), row("r_1", (0, 4, 1)), "")
    found = answers_of(path, table())
    assert [len(one) for one in found[0]] == [1, 2] and found[0][1][0].tolist() == [2.0, 3.0, 0.5]
    assert found[1][0].shape == (0, 3)
    assert unused(path, table()) == []
    assert "1 of 4 queries" in unused(lines(tmp_path / "t.jsonl", *path.read_text().split("\n"), row("x")), table())[0]


@pytest.mark.parametrize(
    ("rows", "said", "where"),
    [
        (["{"], "no JSON", ":1"),
        (["[1]"], "a JSON list", ":1"),
        ([{"qid": 1}], "no 'pred_relevant_windows'", ":1"),
        ([{"id": 1, "windows": []}], "no 'qid'", ":1"),
        ([row("r_1"), row("r_1")], "two lines for the query 'r_1'", ":2"),
        ([row("r_1", (5, 2, 0.1))], "5–2 s does not end after it starts", ":1"),
        ([row("r_1", (1, 2))], "start, end and score", ":1"),
        ([row("r_1", (1, 2, "x"))], "in numbers", ":1"),
        ([row("r_1", (1, 2, float("nan")))], "no finite number", ":1"),
        ([row("r_1", (1, 10**400, 1))], "in numbers", ":1"),
        ([row("r_1", (-1, 2, 1))], "before the recording", ":1"),
        ([{"qid": "r_1", "pred_relevant_windows": 3}], "is no list", ":1"),
        ([row("r_1"), row("s_1")], "no moments for the query 'r_2'", ""),
        ([""], "no lines", ""),
    ],
)
def test_a_wrong_file_is_one_clear_error(tmp_path, rows, said, where):
    path = lines(tmp_path / "s.jsonl", *rows)
    with pytest.raises(DataError) as caught:
        answers_of(path, table())
    assert said in caught.value.what and f"s.jsonl{where}" in (caught.value.where or "")


def test_no_query_that_is_asked_is_suggested_for_one_that_is_missing(tmp_path):
    with pytest.raises(DataError, match="no moments for the query 'r_2'") as caught:
        answers_of(lines(tmp_path / "s.jsonl", row("r_1"), row("s_1")), table())
    assert "did you mean" not in (caught.value.hint or "")


def test_a_moment_outside_its_recording_is_an_error(tmp_path):
    good = [row("r_1", (9, 11.5, 1)), row("r_2"), row("s_1")]
    assert unused(lines(tmp_path / "a.jsonl", *good), table()) == []
    path = lines(tmp_path / "s.jsonl", *good[:2], row("s_1", (5, 6, 1)))
    with pytest.raises(DataError, match=r"5–6 s lies outside the recording of 4 s \(query 's_1'\)"):
        unused(path, table())


def reading():
    return output_of("moments").read(Card("net", "other", "moments", (), 8000), ())


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (None, "NoneType for 1 recordings"),
        ([[], []], "moments of 2 recordings"),
        ([[[[0, 1, 1]]]], "1 queries of a recording, 2 were asked"),
        ([[[[0, 1, 1]], [[3, 2, 1]]]], "does not end after it starts"),
        ([[[[0, 1, 1]], [[1, 2]]]], "start, end and score"),
        ([[[[0, 1, np.nan]], []]], "no finite number"),
        ([[3, 4]], "in numbers"),
    ],
)
def test_what_a_model_answers_is_held_to_what_was_asked(raw, said):
    one = reading()
    one.asked({QUERIES: (("a", "b"),)})
    with pytest.raises(AdapterError) as caught:
        one.check(raw, 1, Heard(10.0, 80000))
    assert said in caught.value.what


def test_a_model_cannot_find_moments_behind_the_end():
    one = reading()
    raw = one.check([[[[0, 1, 1.0]], [[20, 30, 0.5]]]], 1, Heard(10.0, 80000))
    with pytest.raises(AdapterError, match="20–30 s lies outside the recording of 10 s"):
        one.answers(raw, [Heard(10.0, 80000)])
    assert one.answers(raw, [Heard(29.0, 232000)]) is raw


class Later:
    """A perturbation that moves everything by three seconds in a circle of ten."""

    def events(self, times, seconds):
        moved = times + 3.0
        parts = [((a, min(b, seconds)), i) for i, (a, b) in enumerate(moved) if a < seconds]
        parts += [((max(a, seconds) - seconds, b - seconds), i) for i, (a, b) in enumerate(moved) if b > seconds]
        return np.array([p for p, _ in parts]), np.array([i for _, i in parts])

    def directions(self, degrees):
        return degrees


def test_references_move_with_the_sound():
    output = output_of("moments")
    references = output.references(table(), None, ())
    placed = output.placed(references, 0, 10.0, Later())
    assert placed.windows[0].tolist() == [[3.0, 8.0]]
    assert placed.windows[1].tolist() == [[1.0, 2.0], [5.0, 6.0]]
    assert output.placed(references, 0, 10.0, None).windows[1].tolist() == [[2.0, 3.0], [8.0, 9.0]]
