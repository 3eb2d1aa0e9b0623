"""The verbs `compare`, `gate` and `baseline` as a user calls them."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner
from made_runs import answers, lucky, made_run, recordings, resummed

from benchbed.cli import verbs
from benchbed.errors import BenchbedError
from benchbed.results.store import read

TARGET, GROUP = recordings(40, 4)


@pytest.fixture
def runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    for name, mean in (("good", 0.8), ("bad", 0.4)):
        scores = answers(lucky(40, 4, mean, 0.2, name), TARGET)
        made_run(tmp_path / "runs" / name, {"clean": scores, "white@1": scores}, TARGET, GROUP, name=name)
    return tmp_path


def call(*words):
    """Exit code and output; an error's code is the one that the program leaves with."""
    found = CliRunner().invoke(verbs, words, standalone_mode=False)
    if isinstance(found.exception, BenchbedError):
        return found.exception.exit_code, str(found.exception)
    if found.exception is not None:
        raise found.exception
    return found.return_value or 0, found.output


def test_compare_prints_a_table_and_json(runs):
    code, text = call("compare", "runs/good", "runs/bad/result.json", "--draws", "200")
    assert code == 0 and "good − bad" in text and "good is better than bad" in text
    code, text = call("compare", "runs/good", "runs/bad", "--draws", "200", "--metric", "accuracy", "--json")
    held = json.loads(text)
    assert [row["verdict"] for row in held["pairings"][0]["rows"]] == ["win", "win"]


def test_gate_against_a_named_baseline(runs):
    code, text = call("baseline", "set", "main", "runs/good")
    assert code == 0 and "baselines/main: good, 2 cells" in text
    assert call("gate", "runs/good", "--baseline", "main")[0] == 0
    code, text = call("gate", "runs/bad", "--baseline", "main", "--junit", "out/j.xml", "--json")
    assert code == 1 and json.loads(text)["exit_code"] == 1 and (runs / "out" / "j.xml").is_file()
    assert call("gate", "runs/good", "--baseline", "main", "--strict", "--rules", "regression")[0] == 0
    code, text = call("baseline", "list", "--json")
    assert [row["name"] for row in json.loads(text)] == ["main"]


def test_annotations_go_where_a_runner_reads_them(runs, monkeypatch):
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    _, text = call("gate", "runs/bad", "--baseline", "runs/good", "--rules", "regression")
    assert "::error file=" in text and "line=" in text
    assert "::error" not in call("gate", "runs/bad", "--baseline", "runs/good", "--no-github")[1]


def test_a_baseline_is_small_and_complete(runs):
    call("baseline", "set", "main", "runs/good")
    held = read(runs / "baselines" / "main")
    assert held.cells[0].metrics == read(runs / "runs" / "good").cells[0].metrics and held.failures == []
    size = sum(p.stat().st_size for p in (runs / "baselines" / "main").iterdir())
    assert size < 40_000
    call("baseline", "set", "clean", "runs/good", "--condition", "clean")
    assert [c.key for c in read(runs / "baselines" / "clean").cells] == ["scene/test/clean"]
    code, text = call("gate", "runs/good", "--baseline", "clean")
    assert code == 3 and "white@1" in text


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (("gate", "runs/good"), 2, "needs a baseline"),
        (("gate", "runs/good", "--baseline", "mian"), 2, "did you mean 'main'"),
        (("gate", "runs", "--baseline", "main"), 2, "give one of them: runs/bad"),
        (("gate", "nowhere", "--baseline", "main"), 2, "no run and no baseline 'nowhere'"),
        (("gate", "runs/good", "--baseline", "main", "--rules", "none.yaml"), 2, "no rules 'none.yaml'"),
        (("baseline", "set", "../evil", "runs/good"), 2, "cannot name a baseline"),
        (("baseline", "set", "x", "runs/good", "--condition", "fog*"), 2, "no cell matches fog*"),
        (("compare", "runs/good"), 2, "there must be two"),
        (("compare", "runs/good", "runs/bad", "--metric", "acuracy"), 3, "no metric acuracy"),
        (("compare", "runs/good", "runs/bad", "--group", "device=a"), 3, "no group 'device=a'"),
    ],
)
def test_what_cannot_be_done(runs, words, code, told):
    call("baseline", "set", "main", "runs/good")
    found, text = call(*words)
    assert found == code and told in text


def test_a_baseline_of_another_schema_is_refused(runs):
    call("baseline", "set", "main", "runs/good")
    path = runs / "baselines" / "main" / "result.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"schema_version": 99}))
    code, text = call("gate", "runs/good", "--baseline", "main")
    assert code == 2 and "schema version 99" in text


def test_a_broken_baseline_does_not_hide_the_others(runs):
    for name in ("main", "old"):
        call("baseline", "set", name, "runs/good")
    path = runs / "baselines" / "old" / "result.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"schema_version": 0}))
    code, text = call("baseline", "list")
    assert code == 0 and "main: good on toy" in text
    assert "cannot be read: schema version 0, this benchbed reads 1" in text and "baselines/old/result.json" in text


def test_statistics_of_another_layout_are_refused(runs):
    import numpy as np

    path = runs / "runs" / "good" / "statistics.npz"
    with np.load(path) as stored:
        arrays = dict(stored)
    meta = json.loads(arrays["meta"].tobytes()) | {"format": 99}
    arrays["meta"] = np.frombuffer(json.dumps(meta).encode(), np.uint8)
    np.savez(path, **arrays)
    resummed(path.parent)
    code, text = call("gate", "runs/bad", "--baseline", "runs/good")
    assert code == 2 and "statistics of layout 99" in text


def test_seeds_are_given_several_times_or_as_a_pattern(runs):
    for side, mean in (("new", 0.4), ("old", 0.8)):
        for seed in range(3):
            scores = answers(lucky(40, 4, mean, 0.2, side, seed), TARGET)
            made_run(
                runs / "runs" / f"{side}{seed}",
                {"clean": scores},
                TARGET,
                GROUP,
                name=f"net[seed={seed}]",
                options={"seed": seed},
            )
    code, text = call("gate", "runs/new*", "--baseline", "runs/old0", "--baseline", "runs/old1")
    assert code == 1 and "net[seed=0] and 2 more seeds against net[seed=0] and 1 more seeds" in text
    assert "by t over recordings and seeds" in text
    assert call("gate", "runs/old0", "runs/old1", "--baseline", "runs/old[01]")[0] == 0
    code, text = call("gate", "runs/good", "runs/bad", "--baseline", "runs/old0")
    assert code == 2 and "runs of 2 models on one side" in text
    for seed in range(2):
        call("baseline", "set", f"main-{seed}", f"runs/old{seed}")
    assert call("gate", "runs/new0", "runs/new1", "--baseline", "main-*")[0] == 1


def test_a_baseline_keeps_what_it_is_told_to(runs):
    code, _ = call("baseline", "set", "short", "runs/good", "--sums", "clean", "--parts", "white@*")
    assert code == 0
    code, text = call("gate", "runs/bad", "--baseline", "short", "--json")
    found = {f["subject"]: f["test"] for f in json.loads(text)["rules"][0]["findings"] if "test" in f}
    assert code in (1, 3) and found["accuracy · clean"] == "paired bootstrap and swaps"
