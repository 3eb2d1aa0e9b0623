"""Sets of moments, and retrieval sets with judged relevance: their files, and what is wrong with some."""

from __future__ import annotations

import json

import pytest

from benchbed.data import synthetic
from benchbed.data.layouts import castella, clotho_moment, dcase_retrieval
from benchbed.data.moments import with_moments
from benchbed.errors import DataError
from benchbed.outputs import output_of
from benchbed.outputs.moments.asked import IDS, QUERIES, SECONDS, WINDOWS


def line(name="v_1", vid="v", windows=((1, 3),), duration=10, **more):
    made = {"qid": name, "query": "A dog barks", "duration": duration, "vid": vid, "relevant_windows": windows}
    return json.dumps({**made, **more})


def folder(tmp_path, *lines, name="castella_test_release.jsonl"):
    (tmp_path / name).write_text("\n".join(lines) + "\n")
    return tmp_path


def test_queries_of_one_recording_are_one_clip(tmp_path):
    root = folder(tmp_path, line(), line("v_2", windows=[[4, 9], [0, 2]]), line("w_1", "w", duration=59.5), "")
    data = castella.read(root)
    assert data.kind == "moments" and data.splits == {"test": ("castella/audio/v.wav", "castella/audio/w.wav")}
    first = data.clips.iloc[0]
    assert first[IDS] == ("v_1", "v_2") and first[QUERIES] == ("A dog barks",) * 2 and first[SECONDS] == 10.0
    assert first[WINDOWS] == (((1.0, 3.0),), ((4.0, 9.0), (0.0, 2.0)))
    references = output_of("moments").references(data.clips, None, ())
    assert references[0].windows[1].tolist() == [[4.0, 9.0], [0.0, 2.0]]


def test_the_other_set_has_another_name_and_place(tmp_path):
    root = folder(tmp_path, line(vid="Wildlife_0.0_60.0"), name="clotho_moment_test_release.jsonl")
    data = clotho_moment.read(root, folder="wavs", suffix=".flac")
    assert data.clips["path"].tolist() == ["wavs/Wildlife_0.0_60.0.flac"]


@pytest.mark.parametrize(
    ("lines", "said", "place"),
    [
        (["{"], "no JSON", ":1"),
        (["[1, 2]"], "no 'qid'", ":1"),
        ([json.dumps({"qid": 1, "query": "a", "vid": "v", "duration": 3})], "no 'relevant_windows'", ":1"),
        ([line(), line()], "the query 'v_1' stands twice", ":2"),
        ([line(windows=[[3, 1]])], "3–1 s does not end after it starts", ":1"),
        ([line(windows=[[3, 3]])], "does not end after", ":1"),
        ([line(windows=[])], "no moment", ":1"),
        ([line(windows=[[1, 2, 3]])], "start and end", ":1"),
        ([line(windows=[[11, 12]])], "lies outside the recording of 10 s", ":1"),
        ([line(duration="10")], "the duration is '10'", ":1"),
        ([line(query=" ")], "no text", ":1"),
        ([line(), line("v_2", duration=11)], "two lengths: 10 and 11", ":2"),
        ([line(vid="../v")], "leaves the dataset's folder", "../v"),
        ([""], "no queries", ""),
    ],
)
def test_a_line_that_cannot_be_scored_is_one_clear_error(tmp_path, lines, said, place):
    with pytest.raises(DataError) as caught:
        castella.read(folder(tmp_path, *lines))
    assert said in caught.value.what and place in (caught.value.where or "")


def test_a_window_far_behind_the_end_is_an_error_or_cut_with_a_note(tmp_path):
    root = folder(tmp_path, line(windows=[[2, 4], [10, 4800], [8, 12]]))
    data = castella.read(root)
    assert data.clips[WINDOWS].iat[0] == (((2.0, 4.0), (8.0, 10.0)),)
    assert "10–4800 s lies outside" in data.notes[1] and "castella_test_release.jsonl:1" in data.notes[1]
    files = {"test": root / "castella_test_release.jsonl"}
    with pytest.raises(DataError, match="10–4800 s lies outside"):
        with_moments("castella", root, files, castella.FACTS, audio="{vid}.wav")
    # Lengths in whole seconds and rounded windows: two seconds more are none.
    assert len(castella.read(folder(tmp_path, line(windows=[[8, 12]]))).notes) == 1


def test_no_folder_says_where_the_files_are(tmp_path):
    with pytest.raises(DataError) as caught:
        castella.read(tmp_path)
    assert "castella_test_release.jsonl" in caught.value.what and "lighthouse" in caught.value.hint
    with pytest.raises(DataError):
        clotho_moment.read(tmp_path)


def test_the_synthetic_set_asks_for_what_is_in_its_recordings(tmp_path):
    root = synthetic.make(tmp_path / "made", layout="castella", size="small")
    data = castella.read(root)
    assert {split: len(ids) for split, ids in data.splits.items()} == {"train": 2, "val": 2, "test": 5}
    assert all(len(texts) == len(set(texts)) > 0 for texts in data.clips[QUERIES])
    assert all(0 <= start < end <= 20 for clip in data.clips[WINDOWS] for one in clip for start, end in one)


CAPTIONS = "file_name,caption_1,caption_2\nx.wav,Rain falls.,It rains\ny.wav,A dog barks,A dog\n"


def judged(tmp_path, content):
    (tmp_path / "clotho_captions_evaluation.csv").write_text(CAPTIONS)
    (tmp_path / "metadata_eval.csv").write_text(content)
    return tmp_path


def test_without_judgement_every_caption_is_a_query(tmp_path):
    (tmp_path / "clotho_captions_evaluation.csv").write_text(CAPTIONS)
    data = dcase_retrieval.read(tmp_path)
    assert data.clips["captions"].tolist() == [("Rain falls.", "It rains"), ("A dog barks", "A dog")]
    assert data.clips["path"].tolist() == ["evaluation/x.wav", "evaluation/y.wav"] and "relevant" not in data.clips


def test_one_caption_a_row_is_the_table_of_the_baseline_of_2023(tmp_path):
    (tmp_path / "clotho_captions_evaluation.csv").write_text(
        "fname,raw_text,text\nx.wav,Rain.,rain\nx.wav,Drops.,drops\n"
    )
    assert dcase_retrieval.read(tmp_path).clips["captions"].tolist() == [("Rain.", "Drops.")]


def test_annotators_say_which_recordings_answer_a_query(tmp_path):
    content = "query,audio_filenames\nrain falls,\"['y.wav', 'x.wav']\"\nA dog barks,['x.wav']\nwind,y.wav\n"
    data = dcase_retrieval.read(judged(tmp_path, content))
    # A query counts with the clip that it was written about, also where that does not answer it.
    assert data.clips["captions"].tolist() == [("rain falls",), ("A dog barks", "wind")]
    assert data.clips["relevant"].tolist() == [("rain falls", "A dog barks"), ("rain falls", "wind")]
    references = output_of("similarity").references(data.clips, None, ())
    assert [one.own.tolist() for one in references] == [[0], [1, 2]]
    assert [one.relevant.tolist() for one in references] == [[0, 1], [0, 2]]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("query,audio_filenames\nrain,['z.wav']\n", "'z.wav' is no clip of the gallery"),
        ("query,audio_filenames\nrain,['x.wav']\nrain,['y.wav']\n", "the query 'rain' stands twice"),
        ("query,audio_filenames\nrain,[]\n", "no recording answers the query"),
        ("query,audio_filenames\nrain,['x.wav'\n", "cannot be read"),
        ("query,files\nrain,x.wav\n", "no column of lists of files"),
    ],
)
def test_a_judgement_that_cannot_be_used_is_one_clear_error(tmp_path, content, said):
    with pytest.raises(DataError) as caught:
        dcase_retrieval.read(judged(tmp_path, content))
    assert said in caught.value.what and "metadata_eval.csv" in caught.value.where
