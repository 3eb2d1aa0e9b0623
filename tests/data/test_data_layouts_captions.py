"""Layouts of captioned sets in their official forms, and what is wrong with tables that are refused."""

from __future__ import annotations

import csv
import hashlib
from pathlib import Path

import pytest

from benchbed.data import LAYOUTS, captioned, synthetic
from benchbed.data.layouts import audiocaps, clotho, macs
from benchbed.errors import ConfigError, DataError

HEAD = ("file_name", *(f"caption_{number}" for number in range(1, 6)))


def write(path: Path, rows: list[tuple[str, ...]], encoding: str = "utf-8") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w", newline="", encoding=encoding) as file:
        csv.writer(file).writerows(rows)
    return path


def five(text: str) -> tuple[str, ...]:
    return tuple(f"{text} {word}" for word in ("once", "twice", "softly", "far away", "again"))


def a_clotho(root: Path, splits: tuple[str, ...] = ("development", "evaluation")) -> Path:
    for split in splits:
        write(
            root / f"clotho_captions_{split}.csv", [HEAD, (f"{split} a.wav", *five("Rain")), ("b.wav", *five("Wind"))]
        )
    return root


# Clotho


def test_clotho_keeps_every_caption_and_its_order(tmp_path):
    texts = ('He says "hello", then\nleaves', "Café noise, softly", "a, b and c", "It's raining", "雨が降る")
    write(tmp_path / "clotho_captions_evaluation.csv", [HEAD, ("Rain, (1).wav", *texts), ("b.wav", *five("Wind"))])
    dataset = clotho.read(tmp_path)
    assert dataset.clips["captions"].iat[0] == texts
    assert dataset.clips["path"].iat[0] == "evaluation/Rain, (1).wav"
    assert dataset.kind == "caption" and dataset.labels == () and not dataset.synthetic
    assert dataset.official == {"evaluation": 1045}


def test_clotho_knows_its_versions_by_the_publishers_checksums(tmp_path, monkeypatch):
    root = a_clotho(tmp_path)
    md5 = hashlib.md5((root / "clotho_captions_development.csv").read_bytes()).hexdigest()
    monkeypatch.setitem(clotho.VERSIONS, md5, "1.0")
    dataset = clotho.read(root)
    assert dataset.version == "1.0" and dataset.official == {"development": 2893, "evaluation": 1045}
    assert clotho.read(root, version="1.0").version == "1.0"
    with pytest.raises(ConfigError, match=r"asks for Clotho 2.1, the table of development is that of 1.0"):
        clotho.read(root, version="2.1")
    with pytest.raises(ConfigError, match="unknown version of Clotho"):
        clotho.read(root, version="3")


def test_clotho_tables_of_two_versions_are_refused(tmp_path, monkeypatch):
    root = a_clotho(tmp_path, ("development", "validation"))
    for split, held in (("development", "2.0"), ("validation", "2.1")):
        content = (root / f"clotho_captions_{split}.csv").read_bytes()
        monkeypatch.setitem(clotho.VERSIONS, hashlib.md5(content).hexdigest(), held)
    with pytest.raises(DataError, match=r"different versions: development of 2.0, validation of 2.1"):
        clotho.read(root)


def test_clotho_tables_that_nobody_published_are_said(tmp_path):
    assert clotho.read(a_clotho(tmp_path)).notes == (
        "the tables of development are none that Clotho was published with",
    )


def test_clotho_lies_as_tools_unpack_it_and_has_metadata_in_latin_1(tmp_path):
    a_clotho(tmp_path / "clotho_csv_files", ("evaluation",))
    (tmp_path / "clotho_audio_files" / "evaluation").mkdir(parents=True)
    rows = [
        ("file_name", "keywords", "sound_id", "sound_link", "start_end_samples", "manufacturer", "license"),
        ("evaluation a.wav", "rain;água", "17", "http://…", "[0, 9]", "Peña", "CC0"),
        ("b.wav", "wind", "Not found", "", "[0, 9]", "b", "CC0"),
    ]
    path = tmp_path / "clotho_csv_files" / "clotho_metadata_evaluation.csv"
    write(path, [tuple(cell.replace("…", "x") for cell in row) for row in rows], encoding="latin-1")
    dataset = clotho.read(tmp_path)
    assert dataset.clips["path"].iat[0] == "clotho_audio_files/evaluation/evaluation a.wav"
    assert dataset.clips["keywords"].tolist() == ["rain;água", "wind"]
    write(path, rows[:2])
    with pytest.raises(DataError, match=r"'b.wav' has captions and no metadata"):
        clotho.read(tmp_path)


def test_both_protocols_of_using_references(tmp_path):
    root = a_clotho(tmp_path, ("evaluation",))
    whole, apart = clotho.read(root), clotho.read(root, references="each")
    assert [len(texts) for texts in whole.clips["captions"]] == [5, 5]
    assert len(apart.splits["evaluation"]) == 10 and apart.clips["captions"].iat[1] == ("Rain twice",)
    # Pairs of one clip are no independent evidence, and are about one file.
    assert apart.clips["group"].nunique() == 2 and apart.clips["path"].nunique() == 2
    assert apart.clips["reference"].tolist() == ["1", "2", "3", "4", "5"] * 2
    assert "10 pairs of clip and caption" in apart.notes[0]
    with pytest.raises(ConfigError, match="unknown way to use references"):
        clotho.read(root, references="some")


@pytest.mark.parametrize(
    ("row", "what"),
    [
        (("c.wav", "Rain", "", "a", "b", "c"), "the clip 'c.wav' has no caption 2"),
        (("c.wav", "Rain", " .,! ", "a", "b", "c"), "the caption '.,!' of the clip 'c.wav' has no word"),
        (("b.wav", *five("Snow")), "the clip 'b.wav' is listed twice"),
        (("../c.wav", *five("Snow")), "leaves the dataset's folder"),
    ],
)
def test_a_wrong_row_of_clotho_is_named(tmp_path, row, what):
    write(tmp_path / "clotho_captions_evaluation.csv", [HEAD, ("a.wav", *five("Rain")), ("b.wav", *five("Wind")), row])
    with pytest.raises(DataError) as error:
        clotho.read(tmp_path)
    assert what in error.value.what and str(error.value.where).endswith("clotho_captions_evaluation.csv:4")


def test_a_folder_that_is_not_clotho_says_where_it_comes_from(tmp_path):
    with pytest.raises(DataError, match=r"no clotho_captions_evaluation\.csv"):
        clotho.read(tmp_path)
    write(tmp_path / "clotho_captions_evaluation.csv", [HEAD[:5], ("a.wav", *five("Rain")[:4])])
    with pytest.raises(DataError, match="caption_5"):
        clotho.read(tmp_path)


# AudioCaps

COLUMNS = ("audiocap_id", "youtube_id", "start_time", "caption")


def an_audiocaps(root: Path, small: bool = False) -> Path:
    texts = ["A dog barks", "Dogs are barking", "A car passes, and\nstops"]
    rows = [("1", "aB_-c", "30", texts[0]), ("2", "aB_-c", "30", texts[1]), ("3", "-xyz", "0", texts[2])]
    write(root / "test.csv", [COLUMNS, *((*row[:3], row[3].lower() if small else row[3]) for row in rows)])
    return root


def test_audiocaps_puts_the_captions_of_a_clip_together(tmp_path):
    dataset = audiocaps.read(an_audiocaps(tmp_path))
    assert dataset.version == "1" and dataset.official == {"test": 975}
    assert dataset.clips["captions"].tolist() == [("A dog barks", "Dogs are barking"), ("A car passes, and\nstops",)]
    assert dataset.clips["path"].tolist() == ["test/aB_-c.wav", "test/-xyz.wav"]
    assert dataset.clips["start_time"].tolist() == ["30", "0"]
    assert dataset.notes == ("1 of 2 clips of test have fewer than 2 captions",)


def test_the_version_of_audiocaps_is_in_the_folder_or_in_the_letters(tmp_path):
    an_audiocaps(tmp_path / "dataset2.0"), an_audiocaps(tmp_path / "dataset")
    assert audiocaps.read(tmp_path).version == "1"
    assert audiocaps.read(tmp_path, version="2").version == "2"
    assert audiocaps.read(an_audiocaps(tmp_path / "own", small=True)).version == "2"
    with pytest.raises(ConfigError, match="unknown version of AudioCaps"):
        audiocaps.read(tmp_path, version="2.0")


@pytest.mark.parametrize(
    ("file", "path"),
    [
        ("audio_32000Hz/test/aB_-c_30.flac", "audio_32000Hz/test/aB_-c_30.flac"),
        ("audio/test/YaB_-c.wav", "audio/test/YaB_-c.wav"),
        ("test/1.wav", "test/1.wav"),
    ],
)
def test_names_of_audiocaps_files_follow_the_tool_that_made_them(tmp_path, file, path):
    root = an_audiocaps(tmp_path)
    (root / file).parent.mkdir(parents=True)
    (root / file).touch()
    assert audiocaps.read(root).clips["path"].iat[0] == path


def test_missing_videos_are_kept_or_counted(tmp_path):
    root = an_audiocaps(tmp_path)
    (root / "test").mkdir()
    (root / "test" / "aB_-c.wav").touch()
    assert len(audiocaps.read(root).clips) == 2
    dataset = audiocaps.read(root, missing="drop")
    assert dataset.clips["path"].tolist() == ["test/aB_-c.wav"]
    assert "1 of 2 clips of test are not there: left out" in dataset.notes
    with pytest.raises(DataError, match="no clip of test is there under its name"):
        audiocaps.read(root, missing="drop", files="{audiocap_id}.mp3")
    with pytest.raises(DataError, match="is no form of names"):
        audiocaps.read(root, files="{youtube}.wav")


def test_audiocaps_rows_that_are_wrong_are_named(tmp_path):
    write(tmp_path / "test.csv", [COLUMNS, ("1", "abc", "0", "A dog"), ("2", "abc", "0", "")])
    with pytest.raises(DataError, match=r"the clip 'abc.wav' has no caption") as error:
        audiocaps.read(tmp_path)
    assert str(error.value.where).endswith("test.csv:3")
    with pytest.raises(DataError, match=r"it has no test.csv"):
        audiocaps.read(tmp_path / "other")


# MACS

MACS = """files:
- filename: airport-barcelona-0-0-a.wav
  annotations:
  - sentence: people are talking, quietly
    tags: [adults_talking, footsteps]
    annotator_id: 12
  - sentence: 'it''s an airport: busy'
    tags: [adults_talking]
    annotator_id: 7
- filename: airport-barcelona-0-1-a.wav
  annotations:
  - sentence: no
    tags: []
    annotator_id: 7
"""


def test_macs_groups_clips_of_one_recording(tmp_path):
    (tmp_path / "MACS.yaml").write_text(MACS)
    dataset = macs.read(tmp_path)
    assert dataset.clips["captions"].tolist() == [("people are talking, quietly", "it's an airport: busy"), ("no",)]
    assert dataset.clips["path"].iat[0] == "audio/airport-barcelona-0-0-a.wav"
    assert set(dataset.clips["group"]) == {"airport-barcelona-0"}
    assert dataset.clips[["place", "city", "location", "keywords"]].iloc[0].tolist() == [
        "airport",
        "barcelona",
        "barcelona-0",
        "adults_talking;footsteps",
    ]
    assert dataset.official == {"all": 3930}
    assert len(macs.read(tmp_path, references="each").clips) == 3


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ("- filename: airport-barcelona-0-1-a.wav", "- file: x.wav", "an entry has no filename"),
        ("airport-barcelona-0-1-a", "airport-barcelona-0-0-a", "'airport-barcelona-0-0-a.wav' is listed twice"),
        ("  - sentence: no\n", "  - text: no\n", "an entry has no sentence"),
        ("files:", "clips:", "the file has no list of files"),
        ("sentence: no", "sentence: '?!'", "has no word"),
    ],
)
def test_a_wrong_entry_of_macs_is_named(tmp_path, old, new, what):
    (tmp_path / "MACS.yaml").write_text(MACS.replace(old, new))
    with pytest.raises(DataError, match=what.replace("?", r"\?")):
        macs.read(tmp_path)


def test_a_folder_without_macs(tmp_path):
    with pytest.raises(DataError, match=r"it has no MACS.yaml"):
        macs.read(tmp_path)


# Any table


def test_a_table_of_ones_own_may_be_ragged_and_grouped(tmp_path):
    rows = [
        ("file", "caption_1", "caption_2", "street"),
        ("a.wav", "Rain", "It rains", "x"),
        ("b.wav", "Wind", "", "x"),
    ]
    write(tmp_path / "captions.csv", rows)
    dataset = LAYOUTS.get("captions").read(tmp_path, group="street")
    assert dataset.clips["captions"].tolist() == [("Rain", "It rains"), ("Wind",)]
    assert set(dataset.clips["group"]) == {"x"}
    assert dataset.notes == ("1 of 2 clips of all have fewer than 2 captions",)
    with pytest.raises(DataError, match="no column 'road'"):
        LAYOUTS.get("captions").read(tmp_path, group="road")
    write(tmp_path / "captions.csv", [*rows, ("c.wav", "", "", "y")])
    with pytest.raises(DataError, match=r"'c.wav' has no caption"):
        LAYOUTS.get("captions").read(tmp_path)
    write(tmp_path / "captions.csv", [("file", "text"), ("a.wav", "Rain")])
    with pytest.raises(DataError, match="the table has no captions"):
        LAYOUTS.get("captions").read(tmp_path)
    write(tmp_path / "captions.csv", [("file", "caption")])
    with pytest.raises(DataError):
        LAYOUTS.get("captions").read(tmp_path)


def test_one_caption_each_is_said(tmp_path):
    write(tmp_path / "captions.csv", [("file", "caption"), ("a.wav", "Rain"), ("b.wav", "Wind")])
    notes = LAYOUTS.get("captions").read(tmp_path).notes
    assert notes == ("clips of all have one caption each: scores are lower than with several",)


def test_synthetic_sets_are_marked_by_every_reader_of_captions(tmp_path):
    root = synthetic.make(tmp_path / "set", layout="clotho", size="small")
    for references, count in (("all", 8), ("each", 40)):
        dataset = clotho.read(root, references=references)
        assert dataset.synthetic and dataset.name == "clotho-synthetic" and not dataset.official
        assert len(dataset.splits["evaluation"]) == count
    assert captioned.PROTOCOLS == ("all", "each")
