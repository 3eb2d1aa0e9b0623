"""`benchbed replay`: official intervals beside honest ones, neighbours, packages of systems, and what goes wrong."""

from __future__ import annotations

import json
from math import sqrt
from pathlib import Path

import pandas as pd
import pytest

import benchbed as bb
from benchbed.cli import main
from benchbed.data import synthetic
from benchbed.errors import ConfigError
from benchbed.outputs import output_of
from benchbed.run.deposited import systems_in

LABELS = ("low", "high")


@pytest.fixture
def deposit(tmp_path, toy_data):
    """Writes the outputs of systems that are right on all clips of some recordings and wrong on all of the others."""
    folder = tmp_path / "outputs"
    folder.mkdir()
    clips = pd.read_csv(toy_data / "clips.csv")

    def written(name: str, right: int, place: str = "{name}.csv") -> Path:
        path = folder / place.format(name=name)
        path.parent.mkdir(exist_ok=True)
        other = dict(zip(LABELS, LABELS[::-1]))
        lucky = clips["group"].map(lambda group: int(group[3:]) < right)
        said = clips["label"].where(lucky, clips["label"].map(other))
        pd.DataFrame({"filename": clips["path"], "scene_label": said}).to_csv(path, index=False)
        return folder

    return written


@pytest.fixture
def replayed(tmp_path, toy_data, definition):
    definition["metrics"] = {"family": "classification", "primary": "accuracy"}
    definition["statistics"] = {"draws": 1000}

    def made(folder, **more):
        return bb.replay(definition, folder, data={"toy": toy_data}, out=tmp_path / "replays", **more)

    return made


def test_clips_of_one_recording_are_no_independent_evidence(deposit, replayed, tmp_path):
    """Seven against three of eight recordings, five clips each: far apart by clip, and not told apart by recording."""
    deposit("Low_task1_1", 3, "{name}/{name}.output.csv")
    board = replayed(deposit("High_task1_1", 7))
    high, low = (system.row() for system in board.systems)
    assert (high["system"], low["system"]) == ("High_task1_1", "Low_task1_1")
    assert (high["official"], high["value"], low["value"]) == (0.875, 0.875, 0.375)
    assert (high["clips"], high["recordings"]) == (40, 8)
    # A share p of n independent clips has an interval of about ± 1.96 √(p (1 − p) / n): here ± 0.15 of 40 clips.
    assert low["official_high"] - low["official_low"] == pytest.approx(2 * 1.96 * sqrt(0.375 * 0.625 / 40), rel=0.15)
    # Of eight recordings that are right or wrong as a whole it is at least √5 times as wide.
    assert low["high"] - low["low"] > 2.1 * (low["official_high"] - low["official_low"])
    assert low["official_high"] < high["official_low"]
    (pair,) = board.pairs
    assert pair.value == pytest.approx(0.5) and pair.groups == 8
    # Four recordings differ, all in favour of one: of 2⁴ equally likely swaps two are as extreme.
    assert pair.p_adjusted is not None and pair.p_adjusted >= 2 / 2**4 and not pair.apart
    assert "cannot be told apart, though their intervals by clip do not overlap" in str(board)
    kept = json.loads((tmp_path / "replays" / "toy" / "replay.json").read_text())
    assert kept["neighbours"][0]["published_apart"] is True and kept["neighbours"][0]["apart"] is False
    assert board.frame()["system"].tolist() == ["High_task1_1", "Low_task1_1"]


def test_systems_that_always_differ_are_told_apart(deposit, replayed):
    deposit("bad", 0)
    board = replayed(deposit("good", 8))
    assert board.pairs[0].apart and "differ" in str(board)
    assert [system.rank for system in board.systems] == [(1, 1, 1), (2, 2, 2)]


def test_a_system_that_cannot_be_read_is_told_and_the_others_stand(deposit, replayed):
    folder = deposit("good", 6)
    (folder / "broken.csv").write_text("filename,scene_label\n00.wav,low\n01.wav,high\n")
    board = replayed(folder)
    assert [system.name for system in board.systems] == ["good"] and not board.pairs
    assert "no prediction" in str(board.errors["broken"]) and "not scored: broken" in str(board)


def test_the_first_error_is_raised_where_none_can_be_scored(deposit, replayed):
    folder = deposit("good", 6)
    (folder / "good.csv").write_text("filename,scene_label\n00.wav,nonsense\n")
    with pytest.raises(bb.errors.BenchbedError, match="nonsense"):
        replayed(folder)


def test_the_official_figure_is_that_of_the_published_scorer(tmp_path, monkeypatch):
    """A constant answer: the scorer of DCASE 2026 Task 1 leaves classes that are never named out of its mean."""
    from benchbed.data import synthetic
    from benchbed.data.layouts import bsd10k

    dataset = bsd10k.read(synthetic.ensure("bsd10k"))
    folder = tmp_path / "outputs"
    folder.mkdir()
    names = dataset.clips["path"]
    pd.DataFrame({"filename": names, "scene_label": dataset.labels[0]}).to_csv(folder / "constant.csv", index=False)
    board = bb.replay(
        "dcase2026_task1",
        folder,
        out=tmp_path / "replays",
        options={"labels": ",".join(dataset.labels)},
        overrides={"data.splits": ["fold1"], "statistics.draws": 100},
    )
    (row,) = (system.row() for system in board.systems)
    assert board.synthetic and "official" in board.systems[0].official.info.title
    # It counts as zero for the other 22 classes here, so that the official mean is as many times as large.
    assert row["official"] > 5 * row["value"] > 0


def test_thresholds_of_other_clips_are_not_asked_for(tmp_path):
    """A suite that tunes on its validation split, and outputs of the test split alone."""
    from benchbed.data import LAYOUTS, synthetic

    dataset = LAYOUTS.get("fsd50k").read(synthetic.make(tmp_path / "data", layout="fsd50k", size="small"))
    clips = dataset.select("test")
    said = [[0.9 if name in tags else 0.2 for name in dataset.labels] for tags in clips["label"]]
    (tmp_path / "outputs").mkdir()
    table = pd.DataFrame(said, columns=list(dataset.labels)).assign(filename=clips["path"].to_numpy())
    table.to_csv(tmp_path / "outputs" / "all.csv", index=False)
    board = bb.replay(
        "fsd50k",
        tmp_path / "outputs",
        data={"fsd50k": tmp_path / "data"},
        out=tmp_path / "replays",
        options={"output": "tags"},
        overrides={"statistics.draws": 50},
    )
    assert not board.errors and board.systems[0].official.value == 1.0


@pytest.mark.parametrize(
    ("kind", "files", "names"),
    [
        ("scene", ["a.csv", "b/x.output.csv", "b/x.meta.yaml", "b/notes.csv", "README.md", ".hidden.csv"], ["a", "b"]),
        ("tracks", ["a/mix001.csv", "a/mix002.csv", "notes.csv"], ["a"]),
        ("anomaly", ["a/anomaly_score_fan_section_00_test.csv"], ["a"]),
        ("frames", ["a/x.tsv", "a/y.tsv", "b.tsv"], ["a", "b"]),
    ],
)
def test_systems_are_files_or_folders_as_their_kind_has_them(tmp_path, kind, files, names):
    for file in files:
        (tmp_path / file).parent.mkdir(exist_ok=True)
        (tmp_path / file).write_text("x")
    assert list(systems_in(tmp_path, output_of(kind))) == names


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ([], "no outputs of any system are here; a system of the task scene is one file"),
        (["a.csv", "a/x.csv"], "two systems are called 'a'"),
        (["a/x.csv", "a/y.csv"], "2 files that may be the outputs: x.csv, y.csv"),
        (["a/x.md"], "0 files that may be the outputs"),
    ],
)
def test_a_folder_of_which_it_cannot_be_told_what_is_in_it(tmp_path, files, said):
    for file in files:
        (tmp_path / file).parent.mkdir(exist_ok=True)
        (tmp_path / file).write_text("x")
    with pytest.raises(ConfigError, match=said):
        systems_in(tmp_path, output_of("scene"))


def test_a_system_of_a_sequence_has_a_file_for_each_step(tmp_path):
    """After the last step one is right on all clips and one on half of each class; over all steps it would be less."""
    data = synthetic.make(tmp_path / "data", layout="dcase2026_task7", size="small")
    clips = pd.read_csv(
        data / "evaluation_setup" / "development_test.txt", sep="\t", names=["path", "label", "domain", "fold"]
    )
    place = clips.groupby(["label", "domain"]).cumcount()
    each = clips.groupby(["label", "domain"])["path"].transform("size")
    names = sorted(set(clips["label"]))
    wrong = clips["label"].map(dict(zip(names, names[1:] + names[:1])))
    folder = tmp_path / "outputs"
    for system, shares in {"best": (0.0, 0.5, 1.0), "worse": (1.0, 1.0, 0.5)}.items():
        (folder / system).mkdir(parents=True)
        for step, share in zip(("D1", "D2", "D3"), shares):
            said = clips["label"].where(place < share * each, wrong)
            pd.DataFrame({"filename": clips["path"], "label": said}).to_csv(
                folder / system / f"{step}.csv", index=False
            )
    kept = {"dcase2026_task7": data}
    board = bb.replay("dcase2026_task7", folder, data=kept, out=tmp_path / "replays", draws=100)
    rows = [system.row() for system in board.systems]
    assert [row["system"] for row in rows] == ["best", "worse"]
    last = float((place < 0.5 * each).groupby([clips["domain"], clips["label"]]).mean().mean())
    assert [row["official"] for row in rows] == [row["value"] for row in rows] == pytest.approx([1.0, last])
    assert rows[0]["clips"] == len(clips)
    (folder / "worse" / "D2.csv").unlink()
    with pytest.raises(ConfigError, match="no outputs after the step D2") as caught:
        bb.replay("dcase2026_task7", folder, data=kept, out=tmp_path / "replays")
    assert "D1.csv, D2.csv, D3.csv" in (caught.value.hint or "")


@pytest.fixture
def called(capsys):
    """Calls the verb of `benchbed.cli.replaying`: its exit code, and what it printed."""

    def made(*words):
        with pytest.raises(SystemExit) as left:
            main(["replay", *map(str, words)])
        return left.value.code, capsys.readouterr()

    return made


def test_the_verb_prints_the_board_and_leaves_with_the_error_of_a_system(
    deposit, toy_data, definition, tmp_path, called
):
    folder = deposit("good", 6)
    (folder / "broken.csv").write_text("filename,scene_label\n00.wav,low\n01.wav,high\n")
    (tmp_path / "toy.yaml").write_text(json.dumps(definition))
    code, printed = called(tmp_path / "toy.yaml", folder, "--data", f"toy={toy_data}", "--out", tmp_path, "--json")
    assert code == 2 and "broken was not scored" in printed.err
    assert json.loads(printed.out)["systems"][0]["system"] == "good"


def test_a_wrong_suite_and_a_wrong_folder_are_told(tmp_path, called):
    code, printed = called("dcase2025_tusk1", tmp_path)
    assert code == 2 and "dcase2025_task1" in printed.err
    code, printed = called("dcase2025_task1", tmp_path / "nowhere")
    assert code == 2 and "there is no folder of outputs" in printed.err
