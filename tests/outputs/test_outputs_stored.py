"""Tags and frames on disk: read back as written, together with the reference that belongs to them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchbed.errors import DataError
from benchbed.outputs.frames.recording import Events, frame_scores
from benchbed.predictions.store import UnitPredictions, read_units, write_unit

LABELS = ("dog", "rain", "speech")


def columns(clips: list[str], label: list) -> dict:
    return {"clip_id": clips, "cell": ["c"] * len(clips), "draw": [0] * len(clips), "label": label}


def frames_unit(name: str, clips: list[tuple[str, int, Events]]) -> UnitPredictions:
    random = np.random.default_rng(len(clips))
    scores = np.empty(len(clips), object)
    scores[:] = [frame_scores(random.random((n, 3)).astype(np.float32), 0.064, n * 0.064) for _, n, _ in clips]
    return UnitPredictions(
        name,
        LABELS,
        columns([c for c, _, _ in clips], [()] * len(clips)),
        scores,
        kind="frames",
        references=[e for _, _, e in clips],
    )


def events(*rows: tuple[float, float, int], length: int = 10_000_000, confidence=None) -> Events:
    table = np.array(rows, float).reshape(-1, 3)
    return Events(
        (table[:, 0] * 1e6).astype(np.int64),
        (table[:, 1] * 1e6).astype(np.int64),
        table[:, 2].astype(np.int64),
        length,
        confidence,
    )


def test_tags_keep_labels_as_lists_and_empty_ones_too(tmp_path):
    scores = np.array([[0.9, 0.2, 0.1], [0.1, 0.1, 0.1]], np.float32)
    one = UnitPredictions("u", LABELS, columns(["a", "b"], [("dog", "rain"), ()]), scores, kind="tags")
    read = read_units([write_unit(one, tmp_path)])
    assert (read.scores == scores).all() and read.kind == "tags" and read.references is None
    assert [list(label) for label in read.table["label"]] == [["dog", "rain"], []]
    assert "prediction" not in read.table, "which tags a model outputs is a question of thresholds"


def test_a_unit_of_clips_without_labels_joins_one_with_labels(tmp_path):
    units = [
        UnitPredictions(n, LABELS, columns([n], [label]), np.zeros((1, 3), np.float32), kind="tags")
        for n, label in (("u", ()), ("v", ("dog",)))
    ]
    read = read_units([write_unit(unit, tmp_path) for unit in units])
    assert [list(label) for label in read.table["label"]] == [[], ["dog"]]


def test_frames_of_different_length_come_back_with_their_references(tmp_path):
    soft = np.array([0.4, 1.0])
    given = [
        ("a", 5, events((0.5, 1.25, 1))),
        ("b", 0, events()),
        ("c", 7, events((0, 1, 0), (2, 3, 2), confidence=soft)),
    ]
    made = frames_unit("u", given)
    read = read_units([write_unit(made, tmp_path), write_unit(frames_unit("v", [("d", 2, events())]), tmp_path)])
    assert [len(score.scores) for score in read.scores] == [5, 0, 7, 2]
    for wrote, found in zip(made.scores, read.scores):
        assert (wrote.scores == found.scores).all() and wrote.seconds == found.seconds and found.hop == 0.064
    assert read.references is not None
    assert read.references[0].onset.tolist() == [500_000] and read.references[0].offset.tolist() == [1_250_000]
    assert read.references[0].label.tolist() == [1] and read.references[0].confidence is None
    assert len(read.references[1]) == 0, "a recording without events is there, with no events"
    assert read.references[2].confidence.tolist() == [0.4, 1.0]
    assert read.references[2].duration == read.scores[2].edges[-1] == 448_000


def test_pandas_reads_frames_without_benchbed(tmp_path):
    made = frames_unit("u", [("a", 4, events((0.5, 1.25, 1)))])
    frame = pd.read_parquet(write_unit(made, tmp_path))
    assert np.allclose(np.stack(frame["scores"][0]), made.scores[0].scores)
    assert frame["event_onset"][0].tolist() == [500_000] and frame["event_label"][0].tolist() == ["rain"]


def test_a_unit_where_every_clip_failed_is_a_unit(tmp_path):
    read = read_units([write_unit(frames_unit("u", []), tmp_path)])
    assert len(read.scores) == 0 and len(read.references) == 0


def test_kinds_do_not_mix(tmp_path):
    tags = UnitPredictions("u", LABELS, columns(["a"], [("dog",)]), np.zeros((1, 3), np.float32), kind="tags")
    with pytest.raises(DataError, match="different kinds of output"):
        read_units([write_unit(tags, tmp_path), write_unit(frames_unit("v", [("b", 1, events())]), tmp_path)])


def test_frames_without_a_reference_are_refused(tmp_path):
    made = frames_unit("u", [("a", 4, events())])
    made.references = None
    with pytest.raises(ValueError, match="timed reference"):
        write_unit(made, tmp_path)


@settings(max_examples=20, deadline=None)
@given(st.lists(st.lists(st.integers(0, 9_000_000), max_size=4), max_size=5))
def test_any_events_survive(tmp_path_factory, onsets):
    clips = [
        (f"c{i}", i, Events(np.array(o, np.int64), np.array(o, np.int64) + 5, np.zeros(len(o), np.int64), 10**7))
        for i, o in enumerate(onsets)
    ]
    read = read_units([write_unit(frames_unit("u", clips), tmp_path_factory.mktemp("u"))])
    assert [r.onset.tolist() for r in read.references] == onsets


def test_scores_that_float32_would_tie_keep_their_ranks_on_disk(tmp_path):
    scores = np.array([[1 - 5e-10, 0.1, 0.7], [1 - 1e-9, 0.2, 0.7]])
    read = read_units(
        [write_unit(UnitPredictions("u", LABELS, columns(["a", "b"], [(), ()]), scores, kind="tags"), tmp_path)]
    )
    assert read.scores.dtype == np.float64 and (read.scores == scores).all()


def test_scores_of_a_network_stay_in_the_type_that_it_gave(tmp_path):
    scores = np.array([[0.7, 0.1, 0.2]], np.float32)
    path = write_unit(UnitPredictions("u", LABELS, columns(["a"], [()]), scores.astype(float), kind="tags"), tmp_path)
    assert pq.read_schema(path).field("scores").type.value_type == pa.float32(), "nothing is lost, half the disk is won"
    assert (read_units([path]).scores == scores).all()


def test_files_of_both_types_join_and_lose_nothing(tmp_path):
    """Files that older versions wrote hold float32; they go on being read, alone and beside new ones."""
    fine = np.array([[0.7, 1 - 1e-9, 0.3]])
    old = np.array([[0.7, 0.1, 0.2]], np.float32)
    paths = [
        write_unit(UnitPredictions(name, LABELS, columns([name], [()]), scores, kind="tags"), tmp_path)
        for name, scores in (("new", fine), ("old", old))
    ]
    read = read_units(paths)
    assert read.scores.dtype == np.float64
    assert (read.scores[0] == fine[0]).all() and (read.scores[1] == old[0].astype(float)).all()


def test_frames_of_both_types_join_and_lose_nothing(tmp_path):
    silence = events(length=1_000_000)
    units = []
    for name, value in (("fine", 1 - 1e-9), ("own", np.float32(0.7))):
        one = np.empty(1, object)
        one[0] = frame_scores(np.full((2, 3), value), 0.5, 1.0)
        units.append(UnitPredictions(name, LABELS, columns([name], [()]), one, kind="frames", references=[silence]))
    read = read_units([write_unit(unit, tmp_path) for unit in units])
    assert (read.scores[0].scores == 1 - 1e-9).all() and (read.scores[1].scores == float(np.float32(0.7))).all()
