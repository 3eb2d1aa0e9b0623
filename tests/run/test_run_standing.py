"""A result that still stands is taken as it is, and only while everything that it was made from is the same."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile

from benchbed.api.asked import AskedModel
from benchbed.api.one import OnDisk, run_one
from benchbed.results.store import read
from benchbed.run import session
from benchbed.run.isolating.offspring import MARKS
from benchbed.run.job.policy import Reuse
from benchbed.run.standing import basis
from benchbed.suite.load import load_suite

SUITE = """
name: twice
version: "1"
task: scene
data:
  layout: folder
  name: twice
  options: {csv: clips.csv, label: label, group: group, split: split, labels: [low, high]}
  splits: [test]
  train_split: train
slices:
  - {column: device, seen_unseen: true}
conditions: [clean, {corruption: high_pass, severities: [1, 5]}]
statistics: {draws: 100}
profile: false
"""


class Twice:
    """A suite on disk that is run several times."""

    def __init__(self, folder: Path, adapter: Path) -> None:
        self.folder, self.adapter, self.suite = folder, adapter, folder / "twice.yaml"
        self.suite.write_text(SUITE)

    def run(self, overrides: dict[str, str] | None = None, **settings: object) -> session.Finished:
        data = {"out": self.folder / "runs", "data": {"twice": self.folder / "data"}, "quiet": True}
        made = session.Settings(**{**data, **settings})
        prepared = session.prepare(load_suite(str(self.suite), overrides), str(self.adapter), {}, made)
        return session.run(prepared, made, {})


@pytest.fixture
def twice(tmp_path: Path, toy_table: pd.DataFrame, adapter_file) -> Twice:
    table = toy_table[["path", "label", "group", "device"]].assign(split="test")
    train = table.iloc[:4].assign(split="train", device="a", path=[f"t{i}.wav" for i in range(4)])
    for name in train["path"]:
        soundfile.write(tmp_path / "data" / name, np.full(4000, 0.1), 8000)
    pd.concat([table, train]).to_csv(tmp_path / "data" / "clips.csv", index=False)
    return Twice(tmp_path, adapter_file())


def figures(path: Path) -> dict[str, object]:
    content = json.loads(path.read_text())
    del content["digest"], content["provenance"]
    return content


def test_nothing_is_scored_where_nothing_has_changed(twice, monkeypatch):
    first = twice.run()
    before, made = figures(first.path), read(first.path).provenance
    monkeypatch.setattr("benchbed.run.session.make_record", lambda *given: pytest.fail("scored again"))
    second = twice.run(command="benchbed run again")
    now = read(second.path).provenance
    assert not first.stands and second.stands and figures(second.path) == before
    assert (now.command, now.reused, now.reused_units) == ("benchbed run again", made.evaluations, made.units)
    assert (now.evaluations, now.cpu_seconds, now.artefacts) == (made.evaluations, made.cpu_seconds, made.artefacts)
    assert twice.run().stands, "and a third time"


def relabel(folder: Path) -> None:
    table = pd.read_csv(folder / "data" / "clips.csv")
    table.loc[table["split"] == "train", "device"] = "b"
    table.to_csv(folder / "data" / "clips.csv", index=False)


CHANGES = {
    "a clip of the training split": lambda folder: soundfile.write(folder / "data" / "t0.wav", np.zeros(4000), 8000),
    "a clip that is gone": lambda folder: (folder / "data" / "t1.wav").unlink(),
    "metadata of the training split": relabel,
    "the sums beside the record": lambda folder: next(folder.rglob("statistics.npz")).write_bytes(b"sums"),
    "no sums": lambda folder: next(folder.rglob("statistics.npz")).unlink(),
    "the record": lambda folder: (path := next(folder.rglob("result.json"))).write_text(path.read_text() + " "),
    "no record": lambda folder: next(folder.rglob("result.json")).unlink(),
    "the diary": lambda folder: next(folder.rglob("log.jsonl")).write_text('{"event": "finished", "failures": 0}\n'),
    "a diary of nonsense": lambda folder: next(folder.rglob("log.jsonl")).write_bytes(b'{"event": "finished", \xff\n'),
    "a unit of predictions": lambda folder: next(folder.rglob("*.parquet")).write_bytes(b"PAR1"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_changed_is_scored_anew(twice, change):
    twice.run()
    CHANGES[change](twice.folder)
    assert not twice.run().stands
    assert twice.run().stands


@pytest.mark.parametrize(
    "settings",
    [{"seed": 1}, {"limit": 8}, {"batch_size": 4}, {"reuse": Reuse.NEVER}, {"reuse": Reuse.ALWAYS}, {"verify": True}],
    ids=str,
)
def test_other_settings_are_scored_anew(twice, settings, monkeypatch):
    monkeypatch.setattr("benchbed.run.recording._agreement", lambda *given: [])
    twice.run()
    assert not twice.run(**settings).stands


def test_another_definition_other_code_and_other_packages_are_scored_anew(twice, monkeypatch):
    twice.run()
    assert not twice.run({"statistics.draws": "120"}).stands
    assert not twice.run().stands
    monkeypatch.setattr("benchbed.run.standing.code_hash", lambda *places: "other")
    assert not twice.run().stands and twice.run().stands
    monkeypatch.setattr("benchbed.run.standing.package_versions", lambda modules: {"sklearn": "0"})
    assert not twice.run().stands


@pytest.mark.parametrize(
    ("instead", "with_"),
    [("profile: false", "profile: {latency: true}"), ("profile: false", "profile: {energy: true}")],
    ids=["latency", "energy"],
)
def test_what_is_measured_each_time_never_stands(twice, instead, with_):
    made = session.Settings(out=twice.folder / "runs", data={"twice": twice.folder / "data"}, quiet=True)

    def told() -> str | None:
        return basis(session.prepare(load_suite(str(twice.suite), None), str(twice.adapter), {}, made), made)

    assert told() == told() is not None
    twice.suite.write_text(SUITE.replace(instead, with_))
    assert told() is None


def test_programs_of_somebody_else_never_stand(twice, monkeypatch):
    twice.run()
    monkeypatch.setenv("BENCHBED_SPICE", str(twice.folder))
    assert not twice.run().stands
    monkeypatch.delenv("BENCHBED_SPICE")
    assert not twice.run().stands and twice.run().stands
    monkeypatch.setenv(MARKS, "of this process")  # which names no program
    assert twice.run().stands


def test_clips_for_listening_are_kept_and_the_page_is_written(twice, monkeypatch):
    import benchbed.run.showing.listening as listening

    monkeypatch.setattr(listening, "may_publish", lambda licence: True)
    kept: list[int] = []
    keep = listening.keep
    monkeypatch.setattr(listening, "keep", lambda *given: kept.append(given[2]) or keep(*given))

    def ask(listen: int | None) -> OnDisk:
        made = session.Settings(out=twice.folder / "runs", data={"twice": twice.folder / "data"}, quiet=True)
        model = AskedModel("toy", str(twice.adapter))
        return list(run_one("0 toy", load_suite(str(twice.suite), None), model, made, True, listen, True))[-1]

    run = ask(None).path.parent
    page, index = run / "report.html", run / "listen"
    assert kept == [6] and list(index.glob("*.mp3"))
    page.unlink()
    ask(None)
    assert kept == [6] and page.exists(), "the clips lie there"
    ask(3)
    assert kept == [6, 3], "another number is asked"
    next(index.glob("*.mp3")).unlink()
    ask(3)
    assert kept == [6, 3, 3], "one is gone"
