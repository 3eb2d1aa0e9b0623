"""The verb `profile`."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from benchbed.cli import verbs
from benchbed.errors import ConfigError


def run(*words: str):
    done = CliRunner().invoke(verbs, ["profile", *words])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done


def test_counts_as_json():
    told = json.loads(run("--model", "cnn", "--no-latency", "--layers", "--json").stdout)
    (model,) = told["models"]
    assert model["model"] == "cnn" and model["profile"]["macs"]["value"] > 1e6
    assert model["profile"]["compute"]["layers"] and "latency" not in model["profile"]
    assert model["machine"]["cores"] and model["versions"]["torch"]


def test_layers_are_printed_with_their_share():
    told = run("--model", "cnn", "--no-latency", "--layers").stderr
    # The first convolution of the shipped CNN: 979,200 MACs, as the same command counts in JSON.
    (line,) = (line for line in told.splitlines() if "body.0" in line)
    assert "979,200 MACs" in line and "Conv2d" in line
    assert "body.0" not in run("--model", "cnn", "--no-latency").stderr


def test_several_models_with_energy_and_a_cut():
    told = json.loads(
        run(
            "--model",
            "cnn",
            "--model",
            "passt",
            "--no-latency",
            "--energy",
            "--tdp",
            "50",
            "--tdp-threads",
            "2",
            "--windows",
            "1",
            "--window-seconds",
            "0.05",
            "--link",
            "1e6",
            "--json",
        ).stdout
    )
    assert [each["profile"]["split"]["scenarios"][0]["batch"] for each in told["models"]] == [1, 1]
    assert all(each["profile"]["energy"]["method"] in ("estimated", "measured") for each in told["models"])


def test_the_table_names_every_part():
    done = run("--model", "cnn", "--batch-sizes", "1", "--least-seconds", "0.02")
    for words in ("Parameters", "MACs", "Challenge tool", "Parts front end", "Share of time", "Cold start load"):
        assert words.lower() in done.stderr.lower(), words


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "either --model or --trade-offs"),
        (("--model", "cnn", "--tdp", "50"), "--tdp is about energy"),
        (("--model", "cnn", "--batch-sizes", "1;2"), "numbers and commas"),
        (("--model", "cnn", "--batch-sizes", "0"), "at least one clip"),
    ],
)
def test_what_does_not_fit_is_an_error(words, said):
    with pytest.raises(ConfigError, match=said):
        run(*words)


def test_trade_offs_of_finished_runs(tmp_path):
    from benchbed.results.record import (
        Cell,
        Condition,
        Counts,
        Provenance,
        RecordedDataset,
        RecordedModel,
        RecordedSuite,
        Result,
        Value,
    )
    from benchbed.results.store import write

    for name, accuracy, macs in (("a", 0.9, 10), ("b", 0.8, 20)):
        value = Value(value=accuracy, n=10, direction="higher", unit="fraction", rule="r")
        clean = Condition(kind="clean", name="clean")
        result = Result(
            suite=RecordedSuite(name="s", title="s", version="1", hash="h", protocol="1", definition={}),
            model=RecordedModel(
                name=name, family="cnn", adapter="a", adapter_hash="h", output="scene", sample_rate=8000
            ),
            dataset=RecordedDataset(
                name="d",
                layout="folder",
                synthetic=False,
                index_hash="i",
                labels=["a"],
                clips=10,
                groups=2,
                seconds=10.0,
            ),
            provenance=Provenance(
                created="",
                command="",
                code="",
                versions={},
                machine={},
                seed=0,
                device="cpu",
                batch_size=1,
                threads=1,
                workers=1,
                reuse="missing",
                units=1,
                evaluations=10,
                cpu_seconds=1.0,
            ),
            primary="accuracy",
            profile={"macs": {"value": macs, "unit": "MACs", "method": "m"}},
            cells=[
                Cell(
                    key="scene/test/clean",
                    task="scene",
                    split="test",
                    condition=clean,
                    counts=Counts(clips=10, scored=10),
                    metrics={"accuracy": value},
                )
            ],
        )
        (tmp_path / name).mkdir()
        write(result, tmp_path / name / "result.json")
    told = json.loads(run("--trade-offs", str(tmp_path), "--json").stdout)
    assert [(p["model"], p["front"]) for p in told["trade_offs"][0]["points"]] == [("a", True), ("b", False)]
    assert "dominated by a" in run("--trade-offs", str(tmp_path)).stderr


def test_several_models_are_one_table_and_those_without_weights_have_random_ones(repository):
    files = [str(repository / "adapters" / f"{name}.py") for name in ("cnn", "talnet", "onnx")]
    told = run(*files)
    lines = told.stderr.splitlines() or told.stdout.splitlines()
    cnn, talnet, onnx = (next(line for line in lines if name in line) for name in ("cnn ", "talnet", "onnx"))
    assert "50.1" in cnn and "trained" in cnn
    # 9.98 million of 527 classes with linear softmax; the thesis counts attention, too: 10,520,702.
    assert "9.98" in talnet and "untrained" in talnet
    assert "--set" in onnx or "option" in onnx


def test_random_weights_reach_those_of_several_models_that_offer_them():
    told = json.loads(run("cnn", "tflite", "--set", "weights=random", "--json").stdout)["models"]
    assert told[0]["untrained"] is True and "reason" in told[1] and told[1]["hint"]


def test_untrained_is_said_of_one_model():
    told = run("--model", "talnet", "--set", "weights=random", "--set", "pooling=att", "--no-latency")
    assert "untrained: random weights" in told.stderr + told.stdout
