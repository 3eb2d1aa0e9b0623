"""Event lists and score tables of a system that nobody can run, from a file to the record of a run."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from benchbed.adapter import Batch
from benchbed.adapter.load import load_adapter
from benchbed.cli import main
from benchbed.errors import BenchbedError
from benchbed.results.store import read

RATE, SECONDS = 8000, 3
TRUTH = [("a.wav", 0.25, 1.5, "dog"), ("a.wav", 1.0, 2.0, "rain"), ("b.wav", 0.1, 0.6, "dog")]
SUITE = """
name: toys
version: "1"
task: frames
data: {layout: events, name: toys}
profile: false
statistics: {draws: 20}
metrics: {family: sed_segment, primary: micro_f1, options: {resolution: 0.1},
          further: [{family: sed_event, name: event}]}
"""


def listing(rows, header: str = "filename\tonset\toffset\tevent_label\n") -> str:
    return header + "".join("\t".join(map(str, row)) + "\n" for row in rows)


@pytest.fixture
def toys(tmp_path: Path) -> Path:
    (tmp_path / "toys" / "audio").mkdir(parents=True)
    for name in "abc":
        noise = np.random.default_rng(ord(name)).normal(0, 0.01, RATE * SECONDS)
        soundfile.write(tmp_path / "toys" / "audio" / f"{name}.wav", noise, RATE)
    (tmp_path / "toys" / "events.tsv").write_text(listing(TRUTH))
    (tmp_path / "toys.yaml").write_text(SUITE)
    return tmp_path


@pytest.fixture
def scored(toys: Path, capsys):
    """What a user types; the record, or what was said instead."""

    def run(path: Path, *settings: str):
        command = [
            "score",
            str(toys / "toys.yaml"),
            str(path),
            "--data",
            f"toys={toys / 'toys'}",
            "--quiet",
            "--out",
            str(toys / "runs"),
        ]
        try:
            main(command + [part for one in settings for part in ("--set", one)])
        except SystemExit as ended:
            if ended.code:
                return capsys.readouterr().err
        return read(Path(capsys.readouterr().out.split("\n")[-2]))

    return run


@pytest.fixture
def score(toys: Path, scored):
    """The same of a list of events."""

    def run(text: str, *settings: str):
        (toys / "found.tsv").write_text(text)
        return scored(toys / "found.tsv", *settings)

    return run


@pytest.mark.parametrize("header", ["filename\tonset\toffset\tevent_label\n", ""])
def test_a_perfect_list_is_perfect(score, header):
    result = score(listing([*TRUTH, ("c.wav", "", "", "")], header))
    metrics = result.cells[0].metrics
    assert metrics["micro_f1"].value == 1.0 and metrics["event_micro_f1"].value == 1.0
    assert result.cells[0].counts.scored == 3 and result.model.output == "frames"


def test_an_imperfect_list_scores_what_is_counted_by_hand(score):
    """One onset is 201 ms late, one event is invented: 2 of 3 references hit by 2 of 4 detections."""
    rows = [("a.wav", 0.451, 1.5, "dog"), TRUTH[1], TRUTH[2], ("c.wav", 1.0, 1.2, "rain")]
    assert score(listing(rows)).cells[0].metrics["event_micro_f1"].value == pytest.approx(4 / 7)
    rows[0] = ("a.wav", 0.45, 1.5, "dog")
    assert score(listing(rows)).cells[0].metrics["event_micro_f1"].value == pytest.approx(6 / 7)


def test_a_folder_of_score_tables(toys, scored):
    folder = toys / "scores"
    folder.mkdir()
    for name in "abc":
        rows = ["onset\toffset\train\tdog"]
        for start in np.arange(0, SECONDS, 0.05):
            here = [
                label
                for file, onset, offset, label in TRUTH
                if file == f"{name}.wav" and onset <= start + 0.01 < offset
            ]
            values = "\t".join("0.9" if label in here else "0.2" for label in ("rain", "dog"))
            rows.append(f"{start:.2f}\t{start + 0.05:.2f}\t{values}")
        (folder / f"{name}.tsv").write_text("\n".join(rows) + "\n")
    result = scored(folder, "resolution=0.05")
    assert result.model.labels == ["rain", "dog"]
    assert result.cells[0].metrics["event_micro_f1"].value == 1.0


def test_a_recording_without_a_row_is_an_error_or_empty_as_declared(score):
    said = score(listing(TRUTH))
    assert "c.wav has no row" in said and "--set missing=empty" in " ".join(said.split())
    assert score(listing(TRUTH), "missing=empty").cells[0].metrics["micro_f1"].value == 1.0


def test_a_class_that_is_never_found_is_named_by_the_user(score):
    rows = [row for row in TRUTH if row[3] == "dog"] + [("c.wav", "", "", "")]
    assert "--set labels=FILE" in score(listing(rows))
    result = score(listing(rows), "labels=dog,rain")
    assert result.cells[0].groups["class=rain"]["event_f1"].value == 0.0


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (("a.wav", -0.1, 1.0, "dog"), "a negative onset"),
        (("a.wav", 1.0, 1.0, "dog"), "an event that ends where it begins, or before"),
        (("a.wav", 2.0, 1.0, "dog"), "an event that ends where it begins, or before"),
        (("a.wav", "nan", 1.0, "dog"), "an event needs onset and offset as numbers"),
        (("a.wav", "soon", 1.0, "dog"), "'soon' in column onset is not a number"),
        (("a.wav", 0.5, 1.0, ""), "an event without a label"),
        (("a.wav", 0.5, 1.0, "dgo"), "'dgo' is not one of the labels"),
        (("a.wav", 3.5, 4.0, "dog"), "something is found at 3.5 s"),
        (("a.wav", 0.5, 1.0, "dog", "x"), "5 columns where 4 are expected"),
    ],
)
def test_bad_rows_are_refused_with_their_place(score, row, said):
    text = " ".join(score(listing([row, *TRUTH]), "labels=dog,rain", "missing=empty").split())
    assert said in text and "found.tsv" in text


@pytest.mark.parametrize(("value", "said"), [("nan", "a score is no number"), ("1.5", "a score outside 0…1")])
def test_bad_scores_are_refused(tmp_path, value, said):
    (tmp_path / "s.tsv").write_text(f"filename\tonset\toffset\tdog\na.wav\t0\t1\t{value}\n")
    with pytest.raises(BenchbedError, match=said) as caught:
        load_adapter("detections", {"file": str(tmp_path / "s.tsv")})
    assert caught.value.where.endswith("s.tsv:2")


@pytest.mark.parametrize(("text", "said"), [("", "no rows"), ("onset\toffset\tevent_label\n0\t1\tdog\n", "of file")])
def test_tables_without_what_is_needed(tmp_path, text, said):
    (tmp_path / "s.tsv").write_text(text)
    with pytest.raises(BenchbedError, match=said):
        load_adapter("detections", {"file": str(tmp_path / "s.tsv")})
    with pytest.raises(BenchbedError, match="there is no table"):
        load_adapter("detections", {"file": str(tmp_path / "none.tsv")})


def test_overlapping_events_of_a_class_are_one_and_ends_beyond_the_recording_are_cut(tmp_path):
    rows = [
        ("a.wav", 0.2, 0.5, "dog"),
        ("a.wav", 0.4, 0.7, "dog"),
        ("a.wav", 0.9, 9.0, "dog"),
        ("x/b.wav", 0, 1, "cat"),
    ]
    (tmp_path / "s.tsv").write_text(listing(rows))
    made = load_adapter("detections", {"file": str(tmp_path / "s.tsv"), "resolution": "0.1"}).adapter
    batch = Batch(
        np.zeros((2, 1, RATE), np.float32),
        np.array([RATE] * 2),
        RATE,
        {"clip_id": ("toys/audio/a.wav", "toys/x/b.wav")},
    )
    scores = made.predict(batch)
    assert made.card.labels == ("cat", "dog") and scores.shape == (2, 10, 2)
    assert scores[0, :, 1].tolist() == [0, 0, 1, 1, 1, 1, 1, 0, 0, 1] and not scores[0, :, 0].any()
    assert scores[1, :, 0].all()


def test_two_files_of_one_name_need_their_folders(tmp_path):
    (tmp_path / "s.tsv").write_text(listing([("x/a.wav", 0, 1, "dog"), ("y/a.wav", 0, 1, "dog")]))
    made = load_adapter("detections", {"file": str(tmp_path / "s.tsv")}).adapter
    batch = Batch(np.zeros((1, 1, RATE), np.float32), np.array([RATE]), RATE, {"clip_id": ("toys/z/a.wav",)})
    with pytest.raises(BenchbedError, match="could both mean toys/z/a"):
        made.predict(batch)
    (tmp_path / "s.tsv").write_text(listing([("a.wav", 0, 1, "dog")]))
    made = load_adapter("detections", {"file": str(tmp_path / "s.tsv")}).adapter
    batch.side["clip_id"] = ("toys/x/a.wav",)
    assert made.predict(batch).all() and made.predict(batch).all()
    batch.side["clip_id"] = ("toys/y/a.wav",)
    with pytest.raises(BenchbedError, match=r"would stand for two recordings, toys/x/a\.wav and toys/y"):
        made.predict(batch)
