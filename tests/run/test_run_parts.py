"""Parts of a run, computed apart and merged: every unit once, any order, the record of a run in one piece."""

from __future__ import annotations

import itertools
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

import benchbed as bb
from benchbed.errors import ConfigError, DamagedError, DataError
from benchbed.run.parts import gather

SUITE = """
name: toy
version: "1"
task: scene
data:
  layout: folder
  name: toy
  options: {csv: clips.csv, path: path, label: label, group: group, split: split, labels: [low, high]}
  splits: [test]
conditions:
  - clean
  - {corruption: white_noise, parameters: [30, 10]}
  - {corruption: gain, parameters: [-6]}
  - {corruption: low_pass, parameters: [2]}
statistics: {draws: 100}
profile: false
"""
WORKER = "import sys; from benchbed.cli import main; main(sys.argv[1:])"


@pytest.fixture
def place(tmp_path: Path, toy_table: pd.DataFrame, adapter_file) -> Path:
    """A suite, its data and an adapter, in a folder."""
    table = toy_table[["path", "label", "group", "device"]].assign(split="test")
    table.to_csv(tmp_path / "data" / "clips.csv", index=False)
    (tmp_path / "toy.yaml").write_text(SUITE)
    adapter_file()
    return tmp_path


def words(place: Path, out: str, *more: str) -> list[str]:
    data = ["--data", f"toy={place / 'data'}"]
    return ["run", str(place / "toy.yaml"), "--model", str(place / "toy.py"), "--out", str(place / out), *data, *more]


def part(place: Path, text: str, out: str = "parts", capture=None) -> Path:
    from benchbed.cli import main

    with pytest.raises(SystemExit) as left:
        main(words(place, out, "--shard", text, "--quiet"))
    assert left.value.code == 0
    number, of = text.split("/")
    (written,) = (place / out / "toy" / "toy.parts").glob(f"{number}-of-{of}-*/part.json")
    return written


def test_parts_of_several_models_in_processes_of_their_own(place, adapter_file, capfd):
    from benchbed.cli import main

    other = adapter_file("batch = batch", "other.py")
    with pytest.raises(SystemExit) as left:
        main(words(place, "parts", "--model", str(other), "--shard", "1/2", "--isolate", "--quiet"))
    said = capfd.readouterr()
    assert left.value.code == 0, said.err
    assert len({Path(line) for line in said.out.splitlines()}) == 2


def record(path: Path) -> dict:
    """A record without its times and what rests on them, and without how much was there already."""
    content = json.loads((path / "result.json").read_text())
    del content["digest"], content["provenance"]["created"], content["provenance"]["cpu_seconds"]
    del content["provenance"]["reused"], content["provenance"]["reused_units"]
    del content["provenance"]["artefacts"]["predictions.json"]
    return content


def test_parts_merged_in_any_order_are_the_run_in_one_piece(place):
    from benchbed.cli import main

    with pytest.raises(SystemExit):
        main(words(place, "one", "--quiet"))
    written = [part(place, f"{number}/3") for number in (1, 2, 3)]
    content = [json.loads(path.read_text()) for path in written]
    assert sum(len(one["units"]["predictions"]) for one in content) == 4
    assert all(one["units"]["predictions"] for one in content)
    whole = record(place / "one" / "toy" / "toy")
    for number, order in enumerate(itertools.permutations(written)):
        (run,) = bb.merge(order, out=place / f"merged{number}", report=False)
        assert record(run.path) == whole
    # Merging changes no part.
    assert content == [json.loads(path.read_text()) for path in written]


def test_parts_are_merged_into_a_folder_at_any_depth(place):
    """As a matrix of CI jobs leaves them: each in a folder of its own, merged in another."""
    from benchbed.cli import main

    listed = [part(place, f"{number}/2", f"jobs/{number}/runs") for number in (1, 2)]
    for out in ("merged", "merged/somewhere/deeper"):
        with pytest.raises(SystemExit) as left:
            main(["merge", *map(str, listed), "--out", str(place / out), "--quiet"])
        assert left.value.code == 0
    assert record(place / "merged/toy/toy")["cells"] == record(place / "merged/somewhere/deeper/toy/toy")["cells"]


def test_a_part_is_continued_and_another_division_fits_as_well(place):
    first = part(place, "1/2")
    units = {path.name: path.stat().st_mtime_ns for path in first.parent.glob("predictions/*")}
    assert part(place, "1/2") == first
    assert units == {path.name: path.stat().st_mtime_ns for path in first.parent.glob("predictions/*")}
    others = [part(place, f"{number}/4", "more") for number in (1, 2, 3, 4)]
    # Units that several parts have are taken once, whoever computed them.
    (run,) = bb.merge([*others, first], out=place / "merged", report=False)
    assert len(list((run.path / "predictions").glob("*.parquet"))) == 4


def test_what_is_missing_is_named(place):
    given = [part(place, "1/3"), part(place, "3/3")]
    with pytest.raises(DataError, match="given 1/3, 3/3; without 2/3"):
        bb.merge(given, out=place / "merged")
    with pytest.raises(ConfigError, match="no part of a run"):
        bb.merge([place / "data"], out=place / "merged")
    assert not (place / "merged").exists()


def test_parts_of_another_model_than_is_here_are_refused(place, adapter_file):
    written = [part(place, "1/1")]
    adapter_file("low = low * 1.0")
    with pytest.raises(DataError, match="of another run than suite, model and data give here: 0 of 4 units"):
        raise bb.merge(written, out=place / "merged").errors["toy"]


def test_two_answers_of_one_unit_are_refused_and_a_damaged_one_too(place, adapter_file):
    mine = part(place, "1/1")
    copy = place / "copy"
    shutil.copytree(mine.parent, copy)
    (unit, *_) = sorted((copy / "predictions").glob("*.parquet"))
    unit.write_bytes(unit.read_bytes()[:-7])
    with pytest.raises(DamagedError, match="not as it was written"):
        gather([copy])
    # Another computation of the same units has other times in its files, and the same answers.
    again = part(place, "1/1", "again")
    assert gather([mine, again])[0].files == gather([again, mine])[0].files


def test_answers_that_differ_between_machines_are_refused(place, adapter_file):
    random = "low = low * (1 + np.random.default_rng().random())"
    adapter_file(random)
    with pytest.raises(DataError, match="different answers of the unit"):
        gather([part(place, "1/1"), part(place, "1/1", "again")])


def test_the_verb_prints_the_part_and_refuses_what_is_none(place):
    command = [sys.executable, "-c", WORKER]
    made = subprocess.run([*command, *words(place, "out", "--shard", "1/1", "--quiet")], capture_output=True, text=True)
    assert made.returncode == 0, made.stderr
    printed = made.stdout.splitlines()[-1]
    assert printed.endswith("part.json")
    merged = subprocess.run(
        [*command, "merge", printed, "--out", str(place / "out"), "--quiet"], capture_output=True, text=True
    )
    assert merged.returncode == 0 and merged.stdout.splitlines()[-1].endswith("toy/toy/result.json"), merged.stderr
    wrong = subprocess.run([*command, *words(place, "out", "--shard", "4/3")], capture_output=True, text=True)
    assert wrong.returncode == 2 and "--shard 4/3: not understood" in wrong.stderr
