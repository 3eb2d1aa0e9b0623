"""Who a model is: what is run again goes where it was, another model never takes its folder, and nothing is lost."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner

from benchbed.cli import verbs
from benchbed.report import board, namesakes
from benchbed.results.find import earlier_records, find_results
from benchbed.results.store import read

ADAPTER = """
from pathlib import Path
import numpy as np
from benchbed.adapter import Adapter, Card

class Mine(Adapter):
    card = Card(name="mine", family="mlp", output="scene", labels=("cat", "dog"), sample_rate=8000,
                scores="probabilities")

    def __init__(self, *, checkpoint: Path = Path(__file__).parent / "w.npy", shift: float = 0.0):
        self.checkpoint, self.shift = checkpoint, shift

    def load(self, device="cpu"):
        self.answer = np.load(self.checkpoint) + self.shift * np.array([1, -1])

    def predict(self, batch):
        {inject}
        return np.tile(self.answer.astype(np.float32), (len(batch), 1))
"""

SUITE = """
name: who
version: "1"
task: scene
data: {layout: folder, name: mine, splits: [all]}
conditions: [clean]
metrics: {family: classification}
statistics: {draws: 50}
profile: false
"""


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder with four clips, a suite and an adapter; the working directory."""
    random = np.random.Generator(np.random.Philox(0))
    for label in ("cat", "dog"):
        (tmp_path / "data" / label).mkdir(parents=True)
        for number in range(2):
            soundfile.write(tmp_path / "data" / label / f"{number}.wav", 0.01 * random.standard_normal(800), 8000)
    (tmp_path / "suite.yaml").write_text(SUITE)
    adapter(tmp_path / "mine.py")
    weights(tmp_path / "w.npy", 0.9)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def adapter(path: Path, inject: str = "pass") -> None:
    path.parent.mkdir(exist_ok=True, parents=True)
    path.write_text(ADAPTER.replace("{inject}", inject))


def weights(path: Path, cat: float) -> None:
    path.parent.mkdir(exist_ok=True, parents=True)
    np.save(path, np.array([cat, 1 - cat]))


def bench(*words: str, code: int = 0, suite: str = "suite.yaml"):
    """Run the command; paths of the records, and what was said."""
    command = ["run", suite, "--data", "mine=data", "--quiet", "--no-report", "--listen", "0", *words]
    done = CliRunner().invoke(verbs, command, standalone_mode=False)
    given = done.return_value if done.exception is None else getattr(done.exception, "exit_code", done.exception)
    assert (given or 0) == code, (given, done.output, done.exception)
    return [Path(line) for line in done.stdout.splitlines() if line.endswith("result.json")], done.stderr


def cat(path: Path) -> float:
    """Accuracy of a model that always answers cat is 0.5 either way; its log loss says what its scores were."""
    return read(path).scores["log_loss"].value


def test_an_unchanged_run_reuses_everything_and_says_how_much(place):
    (first,), said = bench("--model", "mine.py")
    assert "reused" not in said and read(first).provenance.reused_units == 0
    (second,), said = bench("--model", "mine.py")
    assert second == first
    assert "mine: reused 4 of 4 predictions (1 of 1 units): same model, same code" in said
    made = read(second).provenance
    assert (made.reused, made.evaluations, made.reused_units, made.units) == (4, 4, 1, 1)
    assert [path.suffix for path in (first.parent / "history").iterdir()] == [".json"]


def test_a_model_that_was_trained_again_is_computed_anew_in_its_folder_and_the_earlier_result_is_kept_whole(place):
    (first,), _ = bench("--model", "mine.py")
    before = read(first)
    weights(place / "w.npy", 0.2)
    (second,), said = bench("--model", "mine.py")
    assert second == first and cat(second) != pytest.approx(before.scores["log_loss"].value)
    assert "its files and its weights have changed since the last run" in said
    assert "reused" not in said
    (kept,) = (first.parent / "history").iterdir()
    assert f"the earlier result is kept in {kept}" in said
    assert {"record.json", "statistics.npz", "predictions.json", "predictions"} <= {p.name for p in kept.iterdir()}
    old = read(kept / "record.json")
    assert not list(kept.rglob("*.parquet")) and not list(kept.rglob("result.json"))
    assert old.scores == before.scores and old.model.identity == read(second).model.identity
    assert old.model.fingerprint != read(second).model.fingerprint
    assert [path.parent for path, _ in earlier_records(second)] == [kept]
    assert [path.parent for path, _ in find_results([place / "runs"])] == [second.parent.resolve()]
    # And back: what was predicted before is taken from there.
    weights(place / "w.npy", 0.9)
    (third,), said = bench("--model", "mine.py")
    assert "reused 4 of 4" in said and read(third).scores == before.scores
    # The kept result is a run like any other.
    done = CliRunner().invoke(verbs, ["compare", str(kept / "record.json"), str(third)], standalone_mode=False)
    assert done.exception is None, done.exception


def test_files_read_only_while_predicting_are_looked_at_before_reuse(place):
    adapter(place / "mine.py", "self.answer = np.load(Path(__file__).parent / 'late.npy')")
    weights(place / "late.npy", 0.9)
    (first,), _ = bench("--model", "mine.py")
    before = cat(first)
    assert "reused 4 of 4" in bench("--model", "mine.py")[1]
    weights(place / "late.npy", 0.3)
    (second,), said = bench("--model", "mine.py")
    assert "reused" not in said and cat(second) != pytest.approx(before)


def test_two_checkpoints_of_one_name_are_two_models(place):
    weights(place / "a" / "best.npy", 0.9)
    weights(place / "b" / "best.npy", 0.2)
    (first,), _ = bench("--model", "mine.py", "--set", "checkpoint=a/best.npy")
    before = first.read_bytes()
    (second,), said = bench("--model", "mine.py", "--set", "checkpoint=b/best.npy")
    assert second != first and first.read_bytes() == before
    assert f"{first.parent.relative_to(place) if first.is_absolute() else first.parent} holds another model" in said
    assert "--name" in said
    names = [read(path).model.name for path in (first, second)]
    assert names[0] == "mine[checkpoint=best.npy]" and names[1].startswith(names[0] + "-")
    assert second.parent.name.endswith(names[1][-6:])
    # Each finds its own folder again, and what it had.
    for path, name in ((first, "a"), (second, "b")):
        (again,), said = bench("--model", "mine.py", "--set", f"checkpoint={name}/best.npy")
        assert again == path and "reused 4 of 4" in said
    pages = board.by_model(board.arrange([(path, read(path)) for path in (first, second)]))
    assert [page.name for page in pages] == sorted(names)


def test_two_adapters_with_one_card_are_two_models_and_a_copy_is_the_same_one(place):
    for name, value in (("v1", 0.9), ("v2", 0.2)):
        adapter(place / name / "net.py", f"pass  # {name}")
        weights(place / name / "w.npy", value)
    (first,), _ = bench("--model", "v1/net.py")
    (second,), said = bench("--model", "v2/net.py")
    assert second.parent != first.parent and "holds another model called mine" in said
    shutil.copytree(place / "v1", place / "copied")
    (third,), said = bench("--model", "copied/net.py")
    assert third == first and "reused 4 of 4" in said


def test_a_name_is_kept_for_one_model(place):
    weights(place / "other.npy", 0.2)
    (first,), _ = bench("--model", "mine.py", "--name", "best one")
    assert first.parent.name == "best_one" and read(first).model.name == "best one"
    assert "--name 'best one'" in read(first).provenance.command
    # The name says that it is the model, whatever file its weights are in by now.
    (second,), said = bench("--model", "mine.py", "--name", "best one", "--set", "checkpoint=other.npy")
    assert second == first and "the earlier result is kept in" in said
    adapter(place / "another.py", "pass  # another")
    _, said = bench("--model", "another.py", "--name", "best one", code=2)
    assert read(first).model.name == "best one"


def test_an_edited_suite_leaves_the_earlier_result_whole(place):
    (first,), _ = bench("--model", "mine.py")
    hash_before = read(first).suite.hash
    (place / "suite.yaml").write_text(SUITE.replace("conditions: [clean]", "conditions: [clean, {corruption: hum}]"))
    (second,), said = bench("--model", "mine.py")
    assert second == first and "the suite has changed since the last run" in said
    assert "reused 4 of 24 predictions (1 of 2 units)" in said
    (kept,) = (first.parent / "history").iterdir()
    assert read(kept / "record.json").suite.hash == hash_before and list((kept / "predictions").glob("*.kept"))


def test_a_limited_run_after_a_whole_one_loses_nothing(place):
    (first,), _ = bench("--model", "mine.py")
    (second,), said = bench("--model", "mine.py", "--limit", "2")
    assert second == first and "the earlier result is kept in" in said
    _, said = bench("--model", "mine.py")
    assert "reused 4 of 4" in said


def test_several_models_from_one_file_have_names_and_options_of_their_own(place):
    words = ["--model", "low=mine.py", "--model", "high=mine.py"]
    words += ["--set", "low.shift=0.05", "--set", "high.shift=-0.05"]
    paths, _ = bench(*words)
    assert [path.parent.name for path in paths] == ["low", "high"]
    assert [read(path).model.options["shift"] for path in paths] == [0.05, -0.05]
    _, said = bench(*words)
    assert said.count("reused 4 of 4") == 2
    bench("--model", "mine.py", "--model", "mine.py", code=2)
    bench("--model", "a=mine.py", "--model", "a=mine.py", code=2)
    bench("--model", "a=mine.py", "--model", "b=mine.py", "--name", "c", code=2)
    bench("--model", "a=mine.py", "--set", "b.shift=1", code=2)


def test_a_model_that_fails_is_named_and_the_others_finish(place):
    adapter(place / "bad.py", "pass")
    text, head = (place / "bad.py").read_text(), 'device="cpu"):'
    (place / "bad.py").write_text(text.replace(head, f'{head}\n        raise OSError("no weights here")'))
    paths, said = bench("--model", "bad.py", "--model", "one=mine.py", "--model", "two=mine.py", code=2)
    assert [path.parent.name for path in paths] == ["one", "two"]
    assert "bad.py" in said and "no weights here" in said


def test_records_of_older_versions_are_computed_anew_in_their_place(place):
    (first,), _ = bench("--model", "mine.py")
    # As an older version left it: no identity anywhere, and units under other names.
    raw = json.loads(first.read_text())
    del raw["digest"], raw["model"]["identity"], raw["model"]["fingerprint"]
    first.write_text(json.dumps(raw))
    (first.parent / "log.jsonl").write_text('{"event": "started", "reused": 0}\n')
    (unit,) = (first.parent / "predictions").glob("*.parquet")
    unit.rename(unit.with_name("0" * 32 + ".parquet"))
    (second,), said = bench("--model", "mine.py")
    assert second == first and "reused" not in said and "holds another model" not in said


def test_on_a_board_one_name_of_two_models_becomes_two_names(place):
    (first,), _ = bench("--model", "mine.py")
    one = read(first)

    def other(**facts):
        return one.model_copy(update={"model": one.model.model_copy(update=facts)})

    retrained = other(fingerprint="f" * 32)
    stranger = other(fingerprint="e" * 32, identity="d" * 32)
    old = other(fingerprint="", identity="")
    named, _ = namesakes.apart([(Path("a"), one), (Path("b"), retrained), (Path("c"), old)])
    assert {result.model.name for _, result in named} == {"mine"}
    named, earlier = namesakes.apart([(Path("a"), one), (Path("b"), stranger)], [(Path("c"), retrained)])
    assert named[0][1].model.name == earlier[0][1].model.name == f"mine-{one.model.identity[:6]}"
    assert named[1][1].model.name == "mine-dddddd"


def test_workers_that_load_another_model_are_refused(place):
    load = "np.load(self.checkpoint) + np.random.default_rng().random()"
    text = (place / "mine.py").read_text().replace("np.load(self.checkpoint)", load)
    (place / "mine.py").write_text(text)
    (place / "suite.yaml").write_text(SUITE.replace("[clean]", "[clean, {corruption: hum}]"))
    from benchbed.errors import AdapterError
    from benchbed.run.computing.engine import Engine
    from benchbed.run.session import Settings, prepare
    from benchbed.suite.load import load_suite

    prepared = prepare(load_suite("suite.yaml"), "mine.py", {}, Settings(data={"mine": place / "data"}, quiet=True))
    Engine(prepared.job, prepared.adapters).load(prepared.units[0])
    with pytest.raises(AdapterError, match="other weights than the run began with"):
        Engine(prepared.job).load(prepared.units[0])


def test_an_unchanged_run_reuses_everything_with_workers_and_in_another_process(place):
    import subprocess
    import sys

    (place / "suite.yaml").write_text(SUITE.replace("[clean]", "[clean, {corruption: hum, severities: [1]}]"))
    bench("--model", "mine.py", "--workers", "2")
    command = [sys.executable, "-m", "benchbed", "run", "suite.yaml", "--model", "mine.py", "--data", "mine=data"]
    done = subprocess.run(
        [*command, "--quiet", "--no-report", "--listen", "0"], capture_output=True, text=True, cwd=place
    )
    assert done.returncode == 0 and "reused 8 of 8 predictions (2 of 2 units)" in done.stderr, done.stderr
