"""Folders of output files that are wrong in one way each: one clear error, exit code 2, and nothing that looks like a
result; and what may be declared instead."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from benchbed.cli import main
from benchbed.outputs.tracks.files import write
from benchbed.outputs.tracks.recording import tracks

NAMES = [f"fold4_room{room}_mix{number:03}" for room in (2, 3) for number in (1, 2)]
FRAMES = 30


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four recordings of three seconds with their annotations, in the form of 2023."""
    made = tmp_path_factory.mktemp("set")
    for name in NAMES:
        sound = made / "foa_dev" / "dev-test-tau" / f"{name}.wav"
        sound.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(sound, np.zeros((FRAMES * 800, 4)), 8000)
        place = made / "metadata_dev" / "dev-test-tau" / f"{name}.csv"
        place.parent.mkdir(parents=True, exist_ok=True)
        write(place, tracks(range(25), [1] * 25, [30.0] * 25, [10.0] * 25, distance=[2.0] * 25), 2023)
    return made


@pytest.fixture
def system(tmp_path: Path) -> Path:
    """A system that is right, with distances in metres."""
    folder = tmp_path / "system"
    folder.mkdir()
    for name in NAMES:
        made = tracks(range(25), [1] * 25, [32.0] * 25, [10.0] * 25, distance=[2.2] * 25)
        write(folder / f"{name}.csv", made, 2024, form="polar-6", unit="m")
    return folder


@pytest.fixture
def score(root: Path, system: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple]:
    """Scores the system by the rules of 2024: exit code and what was said."""

    def run(*options: str, suite: str = "dcase_task3_2024") -> tuple[int, str, list[Path]]:
        words = ["score", suite, str(system), "--data", f"starss23={root}", "--out", str(tmp_path / "runs")]
        settings = [word for option in ("suite.statistics.draws=0", *options) for word in ("--set", option)]
        with pytest.raises(SystemExit) as left:
            main([*words, *settings])
        shown = capsys.readouterr()
        return int(left.value.code or 0), shown.err + shown.out, list((tmp_path / "runs").rglob("result.json"))

    return run


def rewrite(path: Path, change: Callable[[list[str]], list[str]]) -> None:
    path.write_text("\n".join(change(path.read_text().splitlines())) + "\n")


ROW = "7,1,0,32,10,2.2"
#: What is done to the first file, and what is said.
FAULTS: dict[str, tuple[Callable[[Path], object], tuple[str, ...]]] = {
    "the form of 2022": (
        lambda p: rewrite(p, lambda rows: [row.rpartition(",")[0] for row in rows]),
        ("a file of another year", "2020–2023"),
    ),
    "the form of 2025": (
        lambda p: p.write_text("frame,class,source,azimuth,distance,onscreen\n7,1,0,32,220,1\n"),
        ("a file of another year", "2025"),
    ),
    "the list of 2019": (
        lambda p: p.write_text("sound_event_recording,start_time,end_time,ele,azi,dist\nknock,0.1,0.9,10,30,2\n"),
        ("a file of another year", "2019"),
    ),
    "an azimuth beyond the back": (
        lambda p: rewrite(p, lambda rows: [*rows, "7,2,0,270,10,2.2"]),
        ("an azimuth of 270 degrees in frame 7", "−180…180"),
    ),
    "an elevation beyond the zenith": (
        lambda p: rewrite(p, lambda rows: [*rows, "7,2,0,27,-95,2.2"]),
        ("an elevation of -95 degrees in frame 7", "−90…90"),
    ),
    "frames beyond the audio": (
        lambda p: rewrite(p, lambda rows: [*rows, "30,1,0,32,10,2.2"]),
        ("1 of 26 rows lie beyond the recording, the first in frame 30", "30 frames", "beyond=drop"),
    ),
    "four sources of a class": (
        lambda p: rewrite(p, lambda rows: [*rows, *(f"27,4,{i},{40 * i},0,2" for i in range(4))]),
        ("4 sources of class 4 in frame 27", "at most 3 of one class at a time", "most=0"),
    ),
    "a class of no year": (
        lambda p: rewrite(p, lambda rows: [*rows, "27,13,0,32,10,2.2"]),
        ("class 13 in frame 27", "is the file of another year?"),
    ),
    "a missing file": (lambda p: p.unlink(), (f"there is no file for {NAMES[0]}", "missing=empty")),
    "an empty file": (lambda p: p.write_text(""), ("the file is empty", "empty=empty")),
    "a doubled file": (
        lambda p: ((p.parent / "b").mkdir(), (p.parent / "b" / p.name).write_text(p.read_text())),
        (f"two files are about the recording {NAMES[0]}", "one file for each recording"),
    ),
    "centimetres in one file": (
        lambda p: rewrite(p, lambda rows: [row.rpartition(",")[0] + ",220" for row in rows]),
        ("distances are read in m, and the middle one is 220: are they in cm?",),
    ),
    "a negative distance": (
        lambda p: rewrite(p, lambda rows: [*rows, "27,1,0,32,10,-1"]),
        ("a distance of -1 m in frame 27",),
    ),
    "a word among numbers": (
        lambda p: rewrite(p, lambda rows: [*rows, "27,1,0,left,10,2"]),
        ("a row that does not fit the others: '27,1,0,left,10,2'", ".csv:26"),
    ),
}


def test_a_folder_that_is_right_is_scored(score: Callable[..., tuple]) -> None:
    code, said, results = score()
    assert code == 0 and len(results) == 1, said


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_is_one_clear_error(fault: str, score: Callable[..., tuple], system: Path) -> None:
    change, words = FAULTS[fault]
    change(system / f"{NAMES[0]}.csv")
    code, said, results = score()
    assert code == 2 and not results, said
    assert said.count("error:") == 1 and "Traceback" not in said, said
    where = str(system) if fault in ("a missing file",) else f"{NAMES[0]}.csv"
    for word in (*words, where):
        assert word in said, (word, said)


def test_a_whole_folder_in_centimetres_is_told_by_its_range_unless_metres_are_declared(
    score: Callable[..., tuple], system: Path
) -> None:
    for name in NAMES:
        rewrite(system / f"{name}.csv", lambda rows: [row.rpartition(",")[0] + ",220" for row in rows])
    code, said, _ = score()
    assert code == 0, said
    code, said, _ = score("unit=m")
    assert code == 2 and "distances are read in m, and the middle one is 220: are they in cm?" in said


@pytest.mark.parametrize(
    "fault, option, note",
    [
        ("a missing file", "missing=empty", "1 recordings without an answer count as empty"),
        ("an empty file", "empty=empty", ""),
        ("frames beyond the audio", "beyond=drop", "1 rows of outputs after the end"),
        ("four sources of a class", "most=4", ""),
    ],
)
def test_what_is_declared_is_scored_and_never_skipped(
    fault: str, option: str, note: str, score: Callable[..., tuple], system: Path
) -> None:
    FAULTS[fault][0](system / f"{NAMES[0]}.csv")
    code, said, results = score(option)
    assert code == 0, said
    record = results[0].read_text()
    assert note in record and '"scored":4' in record.replace(" ", "")


def test_angles_in_radians_are_scored_with_a_word(score: Callable[..., tuple], system: Path) -> None:
    for at, name in enumerate(NAMES):
        (system / f"{name}.csv").write_text("".join(f"{i},1,0,{at - 1.52},0.17,2.2\n" for i in range(25)))
    code, said, results = score()
    assert code == 0, said
    assert "are they radians?" in results[0].read_text()


def test_a_suite_may_say_what_a_missing_file_is(
    root: Path, system: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (system / f"{NAMES[0]}.csv").unlink()
    suite = tmp_path / "own.yaml"
    suite.write_text("extends: dcase_task3_2024\nname: own\nversion: '1'\nfiles: {year: 2024, missing: empty}\n")
    with pytest.raises(SystemExit) as left:
        main(["score", str(suite), str(system), "--data", f"starss23={root}", "--out", str(tmp_path / "runs")])
    assert not left.value.code, capsys.readouterr().err
    assert "count as empty" in next((tmp_path / "runs").rglob("result.json")).read_text()
