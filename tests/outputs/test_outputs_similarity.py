"""Similarities of a gallery: what a model may answer, and files of systems that nobody can run."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from benchbed.card import Card
from benchbed.errors import AdapterError, DataError
from benchbed.outputs import output_of
from benchbed.outputs.contract import Heard
from benchbed.outputs.similarity.files import answers_of, read, unused
from benchbed.outputs.similarity.wanted import QUERIES, numbered
from benchbed.types import Queries

HEARD = Heard(1.0, 8000)


def gallery() -> pd.DataFrame:
    captions = np.empty(3, object)
    captions[:] = [("Rain falls.", "It rains"), ("A dog, barking",), ("A car passes",)]
    clips = pd.DataFrame({"clip_id": ["set/a/x.wav", "set/b.wav", "set/c.wav"], "captions": captions})
    return output_of("similarity").asking(clips)


def text(path, content):
    path.write_text(content)
    return path


MATRIX = """index,x.wav,b.wav,c.wav
Rain falls.,0.9,0.1,0.2
it rains,0.8,0.2,0.1
"A dog, barking",0.1,0.7,0.3
a car passes,0.2,0.3,0.6
"""


def test_every_caption_is_a_query_of_its_own_clip():
    clips = gallery()
    assert clips[QUERIES].iat[0].texts == ("Rain falls.", "It rains", "A dog, barking", "A car passes")
    references = output_of("similarity").references(clips, None, ())
    assert [one.relevant.tolist() for one in references] == [[0, 1], [2], [3]]


def test_annotators_have_the_last_word():
    queries, own, answered = numbered([["rain"], ["dog"], []], [[], ["dog", "rain"], ["rain"]])
    assert (own, answered) == ([(0,), (1,), ()], [(), (0, 1), (0,)])
    assert queries == Queries(["rain", "dog"])


def test_queries_are_a_digest_when_written_out():
    assert str(Queries(["a", "b"])) != str(Queries(["ab"])) and hash(Queries(["a"])) == hash(Queries(["a"]))
    assert Queries(["a"]) != "a" and list(Queries(["a", "b"])) == ["a", "b"]


def test_a_table_of_queries_and_files_is_read_in_the_order_of_the_data(tmp_path):
    path = text(tmp_path / "system.csv", MATRIX)
    clips = gallery()
    found = answers_of(path, clips.iloc[[2, 0]])
    assert found[0].tolist() == pytest.approx([0.2, 0.1, 0.3, 0.6])
    assert found[1].tolist() == pytest.approx([0.9, 0.8, 0.1, 0.2])
    assert unused(path, clips) == []


def test_ranked_lists_leave_what_they_do_not_name_without_a_rank(tmp_path):
    content = "caption,file_name_1,file_name_2\nRain falls.,x.wav,c.wav\nIt rains,b.wav,x.wav\n"
    content += '"A dog, barking",b.wav,c.wav\nA car passes,x.wav,b.wav\n'
    path, clips = text(tmp_path / "system.csv", content), gallery()
    found = answers_of(path, clips)
    assert found[0].tolist() == [2.0, 1.0, -np.inf, 2.0]
    assert found[2].tolist() == [1.0, -np.inf, 1.0, -np.inf]
    assert "ranks and does not score" in unused(path, clips)[0]


def test_pairs_and_archives_say_the_same(tmp_path):
    wanted = answers_of(text(tmp_path / "a.csv", MATRIX), gallery())
    told = read(tmp_path / "a.csv")
    rows = ["query\tfile_name\tscore"]
    rows += [f"{q}\t{f}\t{told.matrix[j, i]}" for i, q in enumerate(told.queries) for j, f in enumerate(told.files)]
    pairs = answers_of(text(tmp_path / "b.tsv", "\n".join(rows) + "\n"), gallery())
    np.savez(tmp_path / "c.npz", queries=told.queries, files=told.files, similarity=told.matrix.T)
    whole = answers_of(tmp_path / "c.npz", gallery())
    for one, other, third in zip(wanted, pairs, whole):
        np.testing.assert_allclose(one, other)
        np.testing.assert_allclose(one, third)


def test_embeddings_become_cosines(tmp_path):
    random = np.random.default_rng(0)
    sound, words = random.normal(size=(3, 5)), random.normal(size=(4, 5))
    queries = gallery()[QUERIES].iat[0].texts
    np.savez(tmp_path / "e.npz", queries=queries, files=["x.wav", "b.wav", "c.wav"], audio=sound, text=words)
    cosine = sound[1] @ words[2] / np.linalg.norm(sound[1]) / np.linalg.norm(words[2])
    assert answers_of(tmp_path / "e.npz", gallery())[1][2] == pytest.approx(cosine)


@pytest.mark.parametrize(
    ("content", "said", "where"),
    [
        (MATRIX.replace("0.7", "nan"), "'nan', no finite number", ":4"),
        (MATRIX.replace("0.7", "much"), "'much', no finite number", ":4"),
        (MATRIX.replace("A dog, barking", "A cat"), "no answers to the query 'A dog, barking'", ""),
        (MATRIX + "Rain falls.,0.9,0.1,0.2\n", "two rows for the query 'Rain falls.'", ":6"),
        (MATRIX.replace(",c.wav", "").replace(",0.2\n", "\n", 1), "fields and the header", ":3"),
        (MATRIX.replace("c.wav", "d.wav"), "no similarities for the clip 'c.wav'", ""),
        (MATRIX.replace("c.wav", "b.wav"), "stands in two columns", ""),
        (MATRIX.replace("index", "what"), "no column of queries", ":1"),
        ("index,x.wav\n", "no rows", ""),
        ("query,file_name,score\nRain falls.,x.wav,1\nRain falls.,x.wav,2\n", "two scores for 'x.wav'", ":3"),
        ("query,file_name,score\nRain falls.,x.wav,1\nIt rains,b.wav,2\n", "no score for 'x.wav'", ":3"),
        ("query,file_name,score\nRain falls.,x.wav,1e300\n", "is inf", ":2"),
        (MATRIX.replace("0.7", "1e300"), "is inf", ":4"),
        ("caption,file_name_1,file_name_2\nRain falls.,x.wav,x.wav\n", "ranks 'x.wav' twice", ":2"),
    ],
)
def test_a_wrong_table_is_one_clear_error(tmp_path, content, said, where):
    path = text(tmp_path / "system.csv", content)
    with pytest.raises(DataError) as caught:
        answers_of(path, gallery())
    assert said in caught.value.what
    assert where in (caught.value.where or "") and "system.csv" in (caught.value.where or "")


def test_a_ranked_file_from_outside_the_gallery_is_an_error(tmp_path):
    path = text(tmp_path / "s.csv", "caption,file_name_1\nRain falls.,x.wav\nIt rains,elsewhere.wav\n")
    with pytest.raises(DataError, match=r"'elsewhere\.wav', which is no clip"):
        unused(path, gallery())


def test_more_files_and_queries_than_the_data_has_are_said(tmp_path):
    content = MATRIX.replace("c.wav\n", "c.wav,d.wav\n").replace("0.2\n", "0.2,0\n", 1)
    content = content.replace("0.2,0.1\n", "0.2,0.1,0\n").replace("0.3\n", "0.3,0\n").replace("0.6\n", "0.6,0\n")
    path = text(tmp_path / "s.csv", content + "something else,0,0,0,0\n")
    said = unused(path, gallery())
    assert len(said) == 2 and "'d.wav'" in said[0] and "'something else'" in said[1]


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        ({"files": ["x.wav"], "similarity": np.eye(1)}, "no 'queries'"),
        ({"files": ["x.wav"], "queries": ["a"]}, "neither 'similarity' nor"),
        ({"files": ["x.wav"], "queries": ["a", "b"], "similarity": np.ones((1, 2))}, "for 2 queries and 1 files"),
        (
            {"files": ["x.wav"], "queries": ["a"], "text": np.ones((1, 4)), "audio": np.ones((1, 5))},
            "no width in common",
        ),
        ({"files": ["x.wav"], "queries": ["a"], "similarity": np.array([[np.nan]])}, "is nan"),
        ({"files": ["x.wav"], "queries": ["a"], "similarity": np.array([[1e300]])}, "is inf"),
        ({"files": ["x.wav"], "queries": ["a"], "similarity": np.array([["x"]])}, "no real numbers"),
        ({"files": ["x.wav"], "queries": ["a"], "similarity": np.array([[1j]])}, "no real numbers"),
        ({"files": ["x.wav"], "queries": ["a"], "similarity": np.array([[None]])}, "cannot be read"),
        ({"files": [], "queries": [], "similarity": np.zeros((0, 0))}, "no similarities"),
    ],
)
def test_a_wrong_archive_is_one_clear_error(tmp_path, arrays, said):
    np.savez(tmp_path / "s.npz", **arrays)
    with pytest.raises(DataError) as caught:
        read(tmp_path / "s.npz")
    assert said in caught.value.what


@pytest.mark.parametrize("damage", ["cut", "empty", "words", "one array"])
def test_a_damaged_archive_is_one_clear_error(tmp_path, damage):
    path = tmp_path / "s.npz"
    np.savez(path, files=["x.wav"], queries=["a"], similarity=np.eye(1))
    whole = path.read_bytes()
    if damage == "one array":
        with path.open("wb") as file:
            np.save(file, np.eye(1))
    else:
        path.write_bytes({"cut": whole[: len(whole) // 2], "empty": b"", "words": b"hello"}[damage])
    with pytest.raises(DataError, match="cannot be read") as caught:
        read(path)
    assert caught.value.where == str(path) and "savez" in (caught.value.hint or "")


def test_no_other_clip_and_no_other_query_is_suggested_for_one_that_is_missing(tmp_path):
    clips = gallery()
    with pytest.raises(DataError) as caught:
        answers_of(text(tmp_path / "s.csv", MATRIX.replace("c.wav", "d.wav")), clips)
    assert "did you mean" not in (caught.value.hint or "") and "like 'x.wav'" in (caught.value.hint or "")
    with pytest.raises(DataError) as caught:
        without = "".join(line.rpartition(",")[0] + "\n" for line in MATRIX.splitlines())
        answers_of(text(tmp_path / "t.csv", without), clips)
    assert "did you mean" not in (caught.value.hint or "")
    captions = np.empty(2, object)
    captions[:] = [("Rain falls on a roof",), ("Rain falls on a road",)]
    similar = output_of("similarity").asking(pd.DataFrame({"clip_id": ["s/x.wav", "s/b.wav"], "captions": captions}))
    with pytest.raises(DataError, match="no answers to the query 'Rain falls on a road'") as caught:
        answers_of(text(tmp_path / "u.csv", "query,x.wav,b.wav\nRain falls on a roof,1,0\n"), similar)
    assert "did you mean" not in (caught.value.hint or "")


def test_a_file_is_read_again_when_it_changes(tmp_path):
    path = text(tmp_path / "s.csv", MATRIX)
    assert answers_of(path, gallery())[0][0] == pytest.approx(0.9)
    text(path, MATRIX.replace("0.9,", "0.95,"))
    assert answers_of(path, gallery())[0][0] == pytest.approx(0.95)


def reading():
    return output_of("similarity").read(Card("net", "other", "similarity", (), 8000), ())


def test_what_a_model_answers_is_held_to_what_was_asked():
    one = reading()
    one.asked({QUERIES: (Queries("abc"),) * 2})
    assert one.check(np.zeros((2, 3), np.float32), 2, HEARD).shape == (2, 3)
    with pytest.raises(AdapterError, match="4 queries, 3 were asked"):
        one.check(np.zeros((2, 4), np.float32), 2, HEARD)


def test_embeddings_of_a_changing_width_are_refused():
    one = reading()
    one.check(np.zeros((2, 3), np.float32), 2, HEARD)
    with pytest.raises(AdapterError, match="5 queries, 3 were asked"):
        one.check(np.zeros((2, 5), np.float32), 2, HEARD)
    rows = np.empty(2, object)
    rows[:] = [np.zeros(3), np.zeros(4)]
    with pytest.raises(AdapterError, match="different shapes"):
        one.check(rows, 2, HEARD)


def test_a_similarity_that_is_no_number_is_a_failed_clip():
    raw = np.array([[0.1, 0.2], [np.nan, 0.1], [np.inf, 0], [-np.inf, 0]], np.float32)
    assert reading().usable(raw).tolist() == [True, False, False, True]


def test_another_kind_of_model_is_refused():
    with pytest.raises(AdapterError, match="retrieval needs a model that gives similarities"):
        output_of("similarity").read(Card("net", "other", "scene", ("a",), 8000), ())
