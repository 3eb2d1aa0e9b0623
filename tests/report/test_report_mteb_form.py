"""Runs as task results of MTEB: what its loader asks of them, read with mteb 2.26.24."""

from __future__ import annotations

import json

import pytest

from benchbed.errors import ConfigError
from benchbed.report.mteb_form import mteb_result
from benchbed.results.record import Value


def test_what_the_loader_of_mteb_asks_for(result):
    """The fields of `TaskResult`, and what its validator wants of every entry: score, subset and languages."""
    run = result(conditions=True)
    told = json.loads(json.dumps(mteb_result(run), allow_nan=False))
    needed = {"dataset_revision", "task_name", "mteb_version", "scores", "evaluation_time"}
    assert needed <= told.keys() <= needed | {"kg_co2_emissions", "date"}
    assert (told["task_name"], told["mteb_version"]) == (run.suite.name, None)
    for split, entries in told["scores"].items():
        assert isinstance(split, str) and entries
        for entry in entries:
            assert isinstance(entry["main_score"], float) and isinstance(entry["hf_subset"], str)
            assert isinstance(entry["languages"], list)
    clean = next(cell for cell in run.cells if cell.condition.kind == "clean")
    entry = next(one for one in told["scores"][clean.split] if one["hf_subset"] == "default")
    figure = clean.metrics[run.primary]
    assert entry["main_score"] == entry[run.primary] == figure.value
    assert entry[f"{run.primary}_low"] == figure.low and entry[f"{run.primary}_high"] == figure.high
    assert len({one["hf_subset"] for one in told["scores"][clean.split]}) == len(told["scores"][clean.split]) > 1


def test_what_mteb_cannot_read_is_refused(result):
    run = result()
    for cell in run.cells:
        cell.metrics[run.primary] = Value(value=1.0, n=3, direction="lower", unit="nats", rule="loss")
    with pytest.raises(ConfigError, match="less is better"):
        mteb_result(run)
    for cell in run.cells:
        cell.metrics[run.primary] = Value(value=None, n=0, direction="higher", unit="fraction", rule="a", reason="no")
    with pytest.raises(ConfigError, match="no cell has a value"):
        mteb_result(run)
