"""Odd events: each is an error at its row, or mended and counted."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from benchbed.data.events import checked_events, tags_of
from benchbed.data.layouts import desed, events
from benchbed.errors import DataError

LABELS = ("cat", "dog")


def check(*rows: tuple, **options):
    table = pd.DataFrame(list(rows), columns=["row", "onset", "offset", "label"])
    return checked_events(table, LABELS, np.array([10.0, np.nan]), lambda i: f"t.tsv:{i + 2}", **options)


ODD = [
    ((0, 3.0, 3.0, "dog"), "does not end after it starts", "that do not end after they start"),
    ((0, 3.0, 2.0, "dog"), "does not end after it starts", "that do not end after they start"),
    ((0, -0.5, 2.0, "dog"), "before its recording", "that start before their recording"),
    ((0, 10.0, 12.0, "dog"), "its recording ends at 10 s", "that start after their recording has ended"),
    ((0, 1.0, 2.0, "cow"), "unknown label 'cow'", "of unknown classes"),
    ((0, 1.0, 2.0, ""), "the label is empty", "of unknown classes"),
]


@pytest.mark.parametrize(("row", "error", "note"), ODD)
def test_an_odd_event_is_an_error_at_its_row_or_left_out_and_counted(row, error, note):
    with pytest.raises(DataError, match=error) as caught:
        check((0, 0.0, 1.0, "cat"), row)
    assert caught.value.where == "t.tsv:3"
    kept, notes = check((0, 0.0, 1.0, "cat"), row, odd="drop")
    assert len(kept) == 1 and notes == [f"1 event {note} was left out"]


@pytest.mark.parametrize("time", [np.nan, np.inf])
def test_a_time_that_is_no_number_is_always_an_error(time):
    with pytest.raises(DataError, match="as numbers"):
        check((0, time, 1.0, "cat"), odd="drop")


def test_events_past_the_end_are_cut_and_counted():
    kept, notes = check((0, 9.0, 11.0, "dog"), (0, 9.0, 10.001, "cat"), (1, 9.0, 11.0, "dog"))
    assert kept["offset"].tolist() == [10.0, 10.0, 11.0]
    assert notes == ["1 event was cut at the end of its recording"], "a rounded time is no event past the end"


def test_overlaps_of_one_class_are_one_event():
    rows = [
        (0, 1.0, 3.0, "dog"),
        (0, 2.0, 2.5, "dog"),
        (0, 2.9, 4.0, "dog"),
        (0, 4.0, 5.0, "dog"),
        (0, 1.0, 3.0, "cat"),
    ]
    kept, notes = check(*rows)
    found = sorted(zip(kept["label"], kept["onset"], kept["offset"]))
    assert found == [("cat", 1.0, 3.0), ("dog", 1.0, 4.0), ("dog", 4.0, 5.0)], "events that only touch stay apart"
    assert notes == ["2 events were merged with an overlapping one of their class"]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 1), st.integers(0, 80), st.integers(1, 30), st.sampled_from(LABELS)), max_size=12)
)
def test_merging_keeps_what_sounds_when(rows):
    def active(table) -> np.ndarray:
        on = np.zeros((2, 2, 120), bool)
        for row in table.itertuples():
            on[int(row.row), LABELS.index(row.label), round(row.onset * 10) : round(row.offset * 10)] = True
        return on

    table = pd.DataFrame(
        [(r, o / 10, (o + n) / 10, name) for r, o, n, name in rows], columns=["row", "onset", "offset", "label"]
    )
    kept, _ = checked_events(table, LABELS, np.array([np.nan, np.nan]), str)
    assert (active(kept) == active(table)).all()
    for _, part in kept.groupby(["row", "label"]):
        assert (part["onset"].to_numpy()[1:] >= part["offset"].to_numpy()[:-1] - 1e-9).all()


def test_tags_are_in_the_order_of_the_labels():
    assert tags_of(pd.DataFrame({"row": [0, 0, 2], "label": ["dog", "cat", "dog"]}), 3, LABELS).tolist() == [
        ("cat", "dog"),
        (),
        ("dog",),
    ]


def wave(path: Path, seconds: float) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, np.full(round(seconds * 8000), 0.1), 8000)


@pytest.fixture
def domestic(tmp_path: Path) -> Path:
    """DESED in miniature: a validation set with an empty row, a recording without any row, and a public set."""
    folder = tmp_path / "audio/validation/validation"
    for name in ("Yabc_0.000_10.000.wav", "Yabc_30.000_40.000.wav", "Yx-y_z_1.000_11.000.wav", "quiet.wav"):
        wave(folder / name, 1.0)
    meta = tmp_path / "metadata"
    (meta / "validation").mkdir(parents=True)
    (meta / "eval").mkdir()
    (meta / "validation/validation.tsv").write_text(
        "filename\tonset\toffset\tevent_label\n"
        "Yabc_0.000_10.000.wav\t0.1\t0.5\tDog\nYabc_0.000_10.000.wav\t0.4\t1.2\tDog\n"
        "Yabc_30.000_40.000.wav\t\t\t\nYx-y_z_1.000_11.000.wav\t0\t0.25\tSpeech\n"
    )
    (meta / "validation/validation_durations.tsv").write_text(
        "filename\tduration\nYabc_0.000_10.000.wav\t1.0\nYabc_30.000_40.000.wav\t1.0\n"
        "Yx-y_z_1.000_11.000.wav\t1.0\nquiet.wav\t1.0\n"
    )
    wave(tmp_path / "audio/eval/public/Yq_0.000_10.000.wav", 1.0)
    (meta / "eval/public.tsv").write_text("filename\tonset\toffset\tevent_label\nYq_0.000_10.000.wav\t0.5\t0.6\tCat\n")
    return tmp_path


def test_desed(domestic: Path):
    data = desed.read(domestic)
    assert {name: len(ids) for name, ids in data.splits.items()} == {"validation": 4, "public_eval": 1}
    clips = data.clips.set_index("clip_id")
    base = "desed/audio/validation/validation/"
    assert clips.loc[base + "quiet.wav", "label"] == () and clips.loc[base + "Yabc_30.000_40.000.wav", "label"] == ()
    assert clips.loc[base + "Yabc_0.000_10.000.wav", "group"] == clips.loc[base + "Yabc_30.000_40.000.wav", "group"]
    assert clips.loc[base + "Yx-y_z_1.000_11.000.wav", "group"] == "Yx-y_z"
    dog = data.events[data.events["label"] == "Dog"]
    assert dog[["onset", "offset"]].values.tolist() == [[0.1, 1.0]]
    assert data.notes == (
        "1 event was cut at the end of its recording",
        "1 event was merged with an overlapping one of its class",
        "2 of 5 recordings hold no event",
    )
    assert data.kind == "frames" and data.official["validation"] == 1168
    moved = data.renamed("mine")
    assert set(moved.events["clip_id"]) <= set(moved.clips["clip_id"])


def test_desed_places_its_errors(domestic: Path):
    table = domestic / "metadata/validation/validation.tsv"
    table.write_text(table.read_text() + "Yabc_0.000_10.000.wav\t0.1\t0.5\tDogg\n")
    with pytest.raises(DataError, match="unknown label 'Dogg'") as caught:
        desed.read(domestic)
    assert caught.value.where == f"{table}:6" and "Dog" in caught.value.hint
    with pytest.raises(DataError, match="not the folder of dataset desed"):
        desed.read(domestic / "audio")


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """Two recordings of a street and one of a yard."""
    for name in ("street_1", "street_2", "yard_1"):
        wave(tmp_path / f"audio/{name}.wav", 2.0)
    return tmp_path


def test_one_table_for_all(own: Path):
    (own / "events.csv").write_text(
        "file,onset,offset,label\nstreet_1,0.5,1.0,dog\n".replace("street_1", "street_1.wav")
    )
    data = events.read(own, name="mine", table="events.csv", group_parts=1)
    assert data.clips["label"].tolist() == [("dog",), (), ()] and data.labels == ("dog",)
    assert data.clips["group"].tolist() == ["street", "street", "yard"]
    assert data.splits["test"] == tuple(data.clips["clip_id"])
    assert events.read(own, name="mine", table="events.csv", listed_only=True).clips["path"].tolist() == [
        "audio/street_1.wav"
    ]


def test_one_table_per_recording(own: Path):
    folder = own / "meta"
    folder.mkdir()
    (folder / "street_1.txt").write_text("0.5\t1.0\tdog\n0.75\t1.5\tcat\n")
    (folder / "street_2.ann").write_text("")
    (folder / "yard_1.csv").write_text("onset,offset,label\n0.0,2.5,dog barks\n")
    (own / "fold1.txt").write_text("audio/street_2.wav\nyard_1.wav\n")
    data = events.read(own, name="mine", table="meta", splits={"fold1": "fold1.txt"})
    assert data.labels == ("cat", "dog", "dog barks")
    assert data.events["offset"].tolist() == [1.0, 1.5, 2.0]
    assert data.splits["fold1"] == ("mine/audio/street_2.wav", "mine/audio/yard_1.wav")


def test_jams_of_scaper(own: Path):
    folder = own / "jams"
    folder.mkdir()

    def item(start, length, label, role):
        value = {"label": label, "role": role, "snr": 3.0}
        return {"time": start, "duration": length, "value": value, "confidence": 1.0}

    data = [item(0, 2, "park", "background"), item(0.5, 0.25, "dog", "foreground")]
    (folder / "street_1.jams").write_text(json.dumps({"annotations": [{"namespace": "scaper", "data": data}]}))
    made = events.read(own, name="mine", table="jams")
    assert made.events[["onset", "offset", "label"]].values.tolist() == [[0.5, 0.75, "dog"]]
    (folder / "street_2.jams").write_text('{"annotations": [{"namespace": "beat", "data": []}]}')
    with pytest.raises(DataError, match="no annotation of events"):
        events.read(own, name="mine", table="jams")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("file\tonset\toffset\tlabel\nnowhere.wav\t0\t1\tdog\n", "'nowhere.wav' is not there"),
        ("file\tonset\toffset\tlabel\nyard_1.wav\tzero\t1\tdog\n", "'zero' in column onset is not a number"),
        ("onset\toffset\tlabel\n0\t1\tdog\n", "no column of the file"),
        ("file\tonset\toffset\tlabel\nyard_1.wav\t1\t0.5\tdog\n", "does not end after it starts"),
    ],
)
def test_wrong_tables(own: Path, text: str, words: str):
    (own / "events.tsv").write_text(text)
    with pytest.raises(DataError, match=words):
        events.read(own, name="mine")


def test_a_folder_says_what_it_did_not_use(own: Path):
    folder = own / "meta"
    folder.mkdir()
    (folder / "street_1.txt").write_text("0.5\t1.0\tdog\n")
    (folder / "street_1.TextGrid").write_text("")
    (folder / "street_2.csv").write_text("")
    notes = events.read(own, name="mine", table="meta").notes
    assert "1 file of meta are no lists of events and were not read: street_1.TextGrid" in notes
    assert "1 of 3 recordings have no table and count as recordings without events: audio/yard_1.wav" in notes
    (folder / "street_1.jams").write_text('{"annotations": [{"namespace": "segment_open", "data": []}]}')
    with pytest.raises(DataError, match=r"two tables are about audio/street_1\.wav"):
        events.read(own, name="mine", table="meta")


def test_several_annotations_of_one_recording_are_said(own: Path):
    folder = own / "jams"
    folder.mkdir()
    data = [{"time": 0.5, "duration": 0.5, "value": "dog", "confidence": 1}]
    held = [{"namespace": "tag_open", "data": data}, *[{"namespace": "segment_open", "data": data}] * 2]
    (folder / "yard_1.jams").write_text(json.dumps({"annotations": held}))
    made = events.read(own, name="mine", table="jams")
    assert "events of several annotations of one JAMS file were taken together, in 1 file" in made.notes
    assert "1 tags beside the events of JAMS files were left out" in made.notes
    assert "1 event was merged with an overlapping one of its class" in made.notes and len(made.events) == 1


def test_a_table_with_confidences_beside_one_without(own: Path):
    folder = own / "meta"
    folder.mkdir()
    (folder / "street_1.csv").write_text("onset,offset,label,confidence\n0.5,1.0,dog,0.5\n")
    (folder / "street_2.csv").write_text("onset,offset,label\n0.5,1.0,dog\n")
    with pytest.raises(DataError, match="some tables have a confidence") as caught:
        events.read(own, name="mine", table="meta")
    assert caught.value.where.endswith("street_2.csv")


def test_names_in_tables_meet_recordings_in_folders(own: Path):
    wave(own / "audio/far/street_1.wav", 1.0)
    header = "filename\tonset\toffset\tevent_label\n"
    (own / "events.tsv").write_text(header + "/data/audio/far/street_1.wav\t0\t0.5\tdog\nyard_1\t0\t1\tcat\n")
    made = events.read(own, name="mine")
    assert made.events["clip_id"].tolist() == ["mine/audio/far/street_1.wav", "mine/audio/yard_1.wav"]
    (own / "events.tsv").write_text(header + "street_1.wav\t0\t0.5\tdog\n")
    assert events.read(own, name="mine").events["clip_id"].tolist() == ["mine/audio/street_1.wav"]
    wave(own / "audio/near/street_1.wav", 1.0)
    (own / "audio/street_1.wav").unlink()
    with pytest.raises(DataError, match=r"'street_1\.wav' could mean audio/far/street_1\.wav or audio/near"):
        events.read(own, name="mine")


def test_weak_labels_by_recording_or_by_class(own: Path, domestic: Path):
    (own / "events.tsv").write_text("filename\tonset\toffset\tevent_label\nyard_1.wav\t0\t1\tBoat, Water vehicle\n")
    for text in (
        'filename\tevent_labels\nstreet_1.wav\t"Boat, Water vehicle,cat"\n',
        "filename\tevent_labels\nstreet_1.wav\tcat\nstreet_1.wav\tBoat, Water vehicle\n",
    ):
        (own / "weak.tsv").write_text(text)
        made = events.read(own, name="mine", weak="weak.tsv")
        assert made.clips.set_index("path").loc["audio/street_1.wav", "label"] == ("Boat, Water vehicle", "cat")
    (domestic / "metadata/train").mkdir()
    (domestic / "metadata/train/weak.tsv").write_text("filename\tevent_labels\nx.wav\tDog\nx.wav\tCat, Speech\n")
    clips = desed.read(domestic).clips.set_index("clip_id")
    assert clips.loc["desed/audio/train/weak/x.wav", "label"] == ("Cat", "Dog", "Speech")
