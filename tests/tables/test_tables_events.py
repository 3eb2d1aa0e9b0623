"""Lists of events in every form that people write, each read right or refused at its row."""

from __future__ import annotations

import csv
import io
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchbed.errors import DataError
from benchbed.tables.events import read_events, timed_table

EXPECTED = [("a.wav", 0.5, 1.25, "Boat, Water vehicle"), ("b.wav", 2.0, 3.0, "dog")]
#: The same two events as R, pandas, spreadsheets and people write them.
ALIKE = {
    "tsv": "filename\tonset\toffset\tevent_label\na.wav\t0.5\t1.25\tBoat, Water vehicle\nb.wav\t2.0\t3.0\tdog\n",
    "csv": 'filename,onset,offset,event_label\na.wav,0.5,1.25,"Boat, Water vehicle"\nb.wav,2.0,3.0,dog\n',
    "R write.csv": '"","filename","onset","offset","event_label"\n'
    '"1","a.wav",0.5,1.25,"Boat, Water vehicle"\n"2","b.wav",2,3,"dog"\n',
    "R write.csv without row names": '"filename","onset","offset","event_label"\n'
    '"a.wav",0.5,1.25,"Boat, Water vehicle"\n"b.wav",2,3,"dog"\n',
    "R write.table": '"filename" "onset" "offset" "event_label"\n'
    '"1" "a.wav" 0.5 1.25 "Boat, Water vehicle"\n"2" "b.wav" 2 3 "dog"\n',
    "R write.table by tabs": '"filename"\t"onset"\t"offset"\t"event_label"\n'
    '"1"\t"a.wav"\t0.5\t1.25\t"Boat, Water vehicle"\n"2"\t"b.wav"\t2\t3\t"dog"\n',
    "R write.csv2": '"";"filename";"onset";"offset";"event_label"\n'
    '"1";"a.wav";0,5;1,25;"Boat, Water vehicle"\n"2";"b.wav";2;3;"dog"\n',
    "pandas with index": ",filename,onset,offset,event_label\n"
    '0,a.wav,0.5,1.25,"Boat, Water vehicle"\n1,b.wav,2.0,3.0,dog\n',
    "spreadsheet": "\ufefffilename;onset;offset;event_label;;\r\n"
    "a.wav;0,5;1,25;Boat, Water vehicle;;\r\nb.wav;2,0;3,0;dog;;\r\n",
    "quoted decimal commas": "filename,onset,offset,event_label\n"
    '"a.wav","0,5","1,25","Boat, Water vehicle"\nb.wav,"2","3",dog\n',
    "blanks after commas": "filename, onset, offset, event_label\n"
    'a.wav, 0.5, 1.25, "Boat, Water vehicle"\nb.wav, 2.0, 3.0, dog\n',
    "other names and order": "label\tfile\tend\tstart\nBoat, Water vehicle\ta.wav\t1.25\t0.5\ndog\tb.wav\t3\t2\n",
    "durations": "filename\tonset\tduration\tlabel\na.wav\t0.5\t0.75\tBoat, Water vehicle\nb.wav\t2\t1\tdog\n",
    "capitals": "Filename\tOnset\tOffset\tEvent_label\na.wav\t0.5\t1.25\tBoat, Water vehicle\nb.wav\t2.0\t3.0\tdog\n",
    "no header": "a.wav\t0.5\t1.25\tBoat, Water vehicle\nb.wav\t2.0\t3.0\tdog\n",
    "no header, scenes": "a.wav\tstreet\t0.5\t1.25\tBoat, Water vehicle\nb.wav\tpark\t2.0\t3.0\tdog\tm\tb12\n",
    "no header, quotes": '"a.wav",0.5,1.25,"Boat, Water vehicle"\n"b.wav",2,3,"dog"\n',
}


def table(folder: Path, text: str, name: str = "events.csv") -> Path:
    (folder / name).write_bytes(text.encode())
    return folder / name


@pytest.mark.parametrize("text", ALIKE.values(), ids=ALIKE)
def test_one_table_in_many_hands(tmp_path: Path, text: str) -> None:
    rows = read_events(table(tmp_path, text), own=False)
    assert list(rows[["file", "onset", "offset", "label"]].itertuples(index=False, name=None)) == EXPECTED
    assert "confidence" not in rows


@pytest.mark.parametrize(
    ("text", "what", "line"),
    [
        ("l.0\t2.0\tdog\n5.0\t6.0\tdog\n", "`onset, offset, label` or a header", 1),
        ("1.0\t2.0\tdog\n5.O\t6.0\tdog\n", "`onset, offset, label`", 2),
        ("onsett\toffset\tlabel\n1\t2\tdog\n", "no column of the onset", 1),
        ("onset\tend of it\tlabel\n1\t2\tdog\n", "no column of the offset", 1),
        ("onset\toffset\tlabel\n1.0\t\tdog\n", "needs onset and offset", 2),
        ("onset\toffset\tlabel\n1.0\t2.0\n", "without a label", 2),
        ("onset\toffset\tlabel\n1.0\t2.0\tdog\t0.5\n", "4 columns where 3", 2),
        ("onset\toffset\tlabel\n1.5\t2,5\tdog\n\n1.0\t2.5\tdog\n", "'2,5' in column offset is not a number", 2),
        ("onset\toffset\tlabel\n1.5\t2\tdog\n1_0\t20\tdog\n", "'1_0' in column onset", 3),
        ("onset;offset;label\n1,250;2,500;dog\n", "could mean 1.250 or 1250", 2),
        ('1.0\t2.0\t"dog\n3.0\t4.0\tcat\n', "a quote is opened and never closed", 1),
        ('1.0\t2.0\tcat\n3.0\t4.0\t"dog" barks\n', "text follows a closing quote", 2),
        ("1.0\t2.0\tdog\t0.7\n", "`onset, offset, label`", 1),
        ("onset\toffset\tlabel\tconfidence\n1\t2\tdog\t17\n", "not between 0 and 1", 2),
        ("onset\toffset\tlabel\tlabel\n1\t2\tdog\tcat\n", "'label' occurs twice", 1),
        ("file\tonset\toffset\tlabel\nother.wav\t1\t2\tdog\n", "about 'other.wav', and the table about a", 2),
    ],
)
def test_refused_with_its_place(tmp_path: Path, text: str, what: str, line: int) -> None:
    with pytest.raises(DataError) as caught:
        read_events(table(tmp_path, text, "a.txt"), own=True)
    assert what in caught.value.what and caught.value.where == f"{tmp_path / 'a.txt'}:{line}"


def test_a_fourth_column_is_a_confidence_by_its_name_alone(tmp_path: Path) -> None:
    text = "onset\toffset\tlabel\t{}\n1\t2\tdog\t0.25\n"
    for name in ("confidence", "score", "Probability", "conf"):
        assert read_events(table(tmp_path, text.format(name), "a.txt"), own=True)["confidence"].tolist() == [0.25]
    for name in ("snr", "pitch", "annotator"):
        assert "confidence" not in read_events(table(tmp_path, text.format(name), "a.txt"), own=True)
    soft = table(tmp_path, "1\t2\tdog\t0.25\n", "a.txt")
    assert read_events(soft, own=True, soft=True)["confidence"].tolist() == [0.25]
    with pytest.raises(DataError) as caught:
        read_events(soft, own=True)
    assert "needs a name" in caught.value.hint


def test_rows_of_a_file_name_alone_say_that_nothing_is_there(tmp_path: Path) -> None:
    for text in (
        "a.wav\nb.wav\t\t\t\nc.wav\t0\t1\tdog\n",
        "filename,onset,offset,label\na.wav\nb.wav,NA,NA,NA\nc.wav,0,1,dog\n",
    ):
        rows = read_events(table(tmp_path, text), own=False)
        assert rows["label"].tolist() == ["", "", "dog"] and rows["file"].tolist() == ["a.wav", "b.wav", "c.wav"]


def test_an_empty_list_of_one_recording_holds_nothing(tmp_path: Path) -> None:
    for text in ("", "\n", "onset\toffset\tlabel\n"):
        assert not len(read_events(table(tmp_path, text, "a.txt"), own=True))
    with pytest.raises(DataError, match="no rows"):
        read_events(table(tmp_path, ""), own=False)


def test_blanks_may_part_and_stand_in_labels(tmp_path: Path) -> None:
    rows = read_events(table(tmp_path, "0.5  1.0 dog barks\n1 2 cat\n", "a.txt"), own=True)
    assert rows["label"].tolist() == ["dog barks", "cat"] and rows["offset"].tolist() == [1.0, 2.0]


def test_a_header_of_classes_is_a_table_of_scores(tmp_path: Path) -> None:
    made = timed_table(table(tmp_path, "Onset,Offset,Cat,Score\n0,1,0.5,0.25\n", "a.csv"), own=True)
    assert list(made.frame.columns) == ["onset", "offset", "Cat", "Score"]


LABEL = st.text(st.characters(exclude_categories=("C", "Z")), min_size=1, max_size=6)


@settings(max_examples=60, deadline=None)
@given(
    rows=st.lists(
        st.tuples(st.integers(0, 9999), st.integers(1, 9999), LABEL, st.sampled_from(["", ", b", "; b", "\tb", '"b"'])),
        min_size=1,
        max_size=6,
    ),
    delimiter=st.sampled_from("\t,;"),
    header=st.booleans(),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_NONNUMERIC, csv.QUOTE_ALL]),
    mark=st.booleans(),
)
def test_what_a_csv_writer_writes_comes_back(rows, delimiter, header, quoting, mark) -> None:
    events = [("a.wav", start / 1000, (start + length) / 1000, name + more) for start, length, name, more in rows]
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, quoting=quoting)
    if header:
        writer.writerow(["filename", "onset", "offset", "event_label"])
    writer.writerows(events)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "events.txt"
        file.write_bytes((b"\xef\xbb\xbf" if mark else b"") + text.getvalue().encode())
        found = read_events(file, own=False)
    assert list(found[["file", "onset", "offset", "label"]].itertuples(index=False, name=None)) == events


@pytest.mark.parametrize(
    ("name", "own"),
    [
        ("office_snr0_high_v2.txt", True),
        ("street_fold1_reference.txt", False),
        ("street_fold1_detected.txt", False),
        ("binary2.txt", True),
        ("binary5.txt", False),
        ("audioset1.txt", False),
    ],
)
def test_lists_of_sed_eval(realdata: Path, name: str, own: bool) -> None:
    """Counted in the files by their lines: those of one cell name a recording without events."""
    file = realdata / "sed_eval_tests" / "sound_event" / name
    lines = [line for line in file.read_text().splitlines() if line.strip()]
    rows = read_events(file, own=own)
    assert int((rows["label"] != "").sum()) == sum(len(line.split("\t")) > 2 for line in lines)
    assert np.isfinite(rows.loc[rows["label"] != "", ["onset", "offset"]].to_numpy()).all()
