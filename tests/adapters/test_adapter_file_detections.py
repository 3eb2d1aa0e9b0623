"""Event lists and score tables of a system that nobody can run, from a file to the record of a run."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile

from benchbed.adapter.load import load_adapter
from benchbed.cli import main
from benchbed.errors import BenchbedError
from benchbed.outputs.frames import Frames
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
        (("a.wav", 2.0, 1.0, "dog"), "an event that ends before it begins"),
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


def answered(path: Path, clips, needed=None, **options):
    """Answers that an adapter has for clips, in its own classes."""
    made = load_adapter("detections", {"file": str(path), **options}).adapter
    table = pd.DataFrame({"clip_id": list(clips)})
    means = {label: (label,) for label in made.card.labels}
    found = made.answers(Frames(), table, made.card.labels, means, list(clips if needed is None else needed))
    return made.card.labels, found


def rows(events) -> list[tuple[int, int, int]]:
    return list(zip(events.onset.tolist(), events.offset.tolist(), events.label.tolist()))


def test_a_list_keeps_every_event_as_it_is(tmp_path):
    """Touching, nested, doubled, of no length and beyond any recording: all of them, in their order."""
    given = [
        ("a.wav", 0.5, 1.0, "dog"),
        ("a.wav", 0.2, 0.5, "dog"),
        ("a.wav", 0.3, 0.4, "dog"),
        ("a.wav", 0.3, 0.4, "dog"),
        ("a.wav", 0.7, 0.7, "cat"),
        ("a.wav", 0.9, 9000.0000004, "dog"),
    ]
    (tmp_path / "s.tsv").write_text(listing(given))
    labels, found = answered(tmp_path / "s.tsv", ["toys/audio/a.wav"])
    assert labels == ("cat", "dog") and not found.remarks
    assert rows(found.answers[0]) == [
        (500_000, 1_000_000, 1),
        (200_000, 500_000, 1),
        (300_000, 400_000, 1),
        (300_000, 400_000, 1),
        (700_000, 700_000, 0),
        (900_000, 9_000_000_000, 1),
    ]


def test_two_files_of_one_name_need_their_folders(tmp_path):
    (tmp_path / "s.tsv").write_text(listing([("x/a.wav", 0, 1, "dog"), ("y/a.wav", 0, 1, "dog")]))
    with pytest.raises(BenchbedError, match=r"x/a\.wav and y/a\.wav could both mean z/a\.wav"):
        answered(tmp_path / "s.tsv", ["toys/z/a.wav"])
    (tmp_path / "s.tsv").write_text(listing([("a.wav", 0, 1, "dog")]))
    assert len(answered(tmp_path / "s.tsv", ["toys/x/a.wav"])[1].answers[0]) == 1
    with pytest.raises(BenchbedError, match=r"'a\.wav' could mean x/a\.wav or y/a\.wav") as caught:
        answered(tmp_path / "s.tsv", ["toys/x/a.wav", "toys/y/a.wav"])
    assert caught.value.where.endswith("s.tsv:2")


def test_rows_that_are_about_nothing_here_are_counted(toys, score):
    given = [*TRUTH, ("c.wav", "", "", ""), ("z.wav", 0, 1, "dog"), ("z.wav", 1, 2, "rain")]
    result = score(listing(given))
    said = [check.message for check in result.checks if check.name == "answers"]
    assert len(said) == 1 and said[0].startswith("2 of 6 rows of found.tsv are about no recording of the data set")
    assert "z.wav" in said[0] and "found.tsv:6" in said[0] and result.cells[0].metrics["micro_f1"].value == 1.0
    assert "no row is about a recording" in score(listing([("z.wav", 0, 1, "dog")]), "missing=empty", "labels=dog,rain")
    said = score(listing(TRUTH), "missing=empty").checks
    assert any("1 of 3 recordings have no row and count as empty" in check.message for check in said)


def test_classes_that_the_data_set_lacks_are_counted(score):
    result = score(listing([*TRUTH, ("c.wav", 0, 1, "siren")]))
    assert any(
        "1 events of classes that the data set does not have were left out: siren" in c.message for c in result.checks
    )
    assert result.cells[0].metrics["event_micro_f1"].value == 1.0


def test_confidences_meet_the_threshold_and_rank_tags(score, toys):
    header = "filename\tonset\toffset\tevent_label\tconfidence\n"
    given = [(*row, 0.5) for row in TRUTH] + [("c.wav", 0.5, 1.0, "dog", 0.4999999)]
    metrics = score(listing(given, header)).cells[0].metrics
    assert metrics["event_micro_f1"].value == 1.0
    assert metrics["event_micro_f1"].rule.endswith("listed-confidence-at-least-0.5")
    assert score(listing(given, header), "suite.post_processing.threshold=0.4").cells[0].metrics[
        "event_micro_f1"
    ].value == pytest.approx(6 / 7)


def test_metrics_over_all_thresholds_say_why_they_have_no_figure(toys, score):
    more = "further: [{family: psds, name: p}, {family: sed_auc, name: a}, {family: sed_best, name: b}, "
    more += "{family: sed_tagging, name: t}, {family: sed_intersection, name: i}, {family: sed_event, name: event}]}"
    suite = SUITE.replace("further: [{family: sed_event, name: event}]}", more)
    (toys / "toys.yaml").write_text(suite)
    cell = score(listing([*TRUTH, ("c.wav", "", "", "")])).cells[0]
    for name in ("p_psds1", "a_mauc", "b_best_macro_f1"):
        assert cell.metrics[name].value is None and "lists of events" in cell.metrics[name].reason
    assert cell.metrics["t_micro_f1"].value == 1.0 and cell.metrics["i_micro_f1"].value == 1.0
    assert "listed" in cell.metrics["t_map"].rule and cell.metrics["t_ece"].value is None


def test_no_filter_or_threshold_touches_a_list(toys, score):
    (toys / "toys.yaml").write_text(
        SUITE + "post_processing: {median_seconds: 1.1, tune: {split: elsewhere, metric: segment_f1}}\n"
    )
    result = score(listing([*TRUTH, ("c.wav", "", "", "")]))
    assert not isinstance(result, str), result
    assert result.cells[0].metrics["event_micro_f1"].value == 1.0
    assert result.cells[0].metrics["event_micro_f1"].rule.endswith(":as-listed")
    assert any("no thresholds were chosen" in check.message for check in result.checks)


def test_an_end_past_the_recording_counts_as_it_is_listed(score):
    """The offset of the last event is three seconds late: a hit on onsets, none on offsets."""
    given = [TRUTH[0], TRUTH[1], ("b.wav", 0.1, 3.6, "dog"), ("c.wav", "", "", "")]
    result = score(listing(given))
    assert result.cells[0].metrics["event_micro_f1"].value == pytest.approx(4 / 6)
    assert any("1 listed event ends past the end" in check.message for check in result.checks)
    # Of 0.1 s: 13 + 10 + 5 reference segments, of which all are hit, and 30 more said, six of them past the end.
    assert result.cells[0].metrics["micro_f1"].value == pytest.approx(2 * 28 / (28 + 28 + 30))


def test_scores_in_even_steps_keep_their_own_frames(tmp_path):
    table = "filename\tonset\toffset\train\tdog\n"
    table += "".join(f"a.wav\t{0.064 * i:.3f}\t{0.064 * (i + 1):.3f}\t0.{i}\t0.5\n" for i in range(5))
    table += "b.wav\t0\t1.5\t0.2\t0.1\nb.wav\t1.5\t2\t0.3\t0.1\nc.wav\n"
    (tmp_path / "s.tsv").write_text(table)
    _, found = answered(tmp_path / "s.tsv", ["t/a.wav", "t/b.wav", "t/c.wav"], resolution="0.1")
    first, second, third = found.answers
    assert first.hop == pytest.approx(0.064) and first.scores[:, 0].tolist() == [0.0, 0.1, 0.2, 0.3, 0.4]
    assert second.hop == 1.5 and Frames().within(second, 2.0)[0].edges.tolist() == [0, 1_500_000, 2_000_000]
    longer = Frames().within(second, 2.5)[0]
    assert longer.scores[:, 0].tolist() == [0.2] * 1500 + [0.3] * 500 + [0.0] * 500
    assert not third.scores.any()


def test_audio_is_not_needed_where_lengths_are_given(toys, score):
    (toys / "toys" / "durations.tsv").write_text("filename\tduration\na.wav\t3.0\nb.wav\t3.0\nc.wav\t3.0\n")
    for file in (toys / "toys" / "audio").iterdir():
        file.unlink()
    (toys / "toys" / "audio").rmdir()
    (toys / "toys.yaml").write_text(SUITE.replace("name: toys}", "name: toys, options: {durations: durations.tsv}}"))
    result = score(listing([*TRUTH, ("c.wav", "", "", "")]))
    assert result.cells[0].metrics["event_micro_f1"].value == 1.0 and result.cells[0].counts.scored == 3
