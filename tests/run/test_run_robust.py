"""Robustness figures of a run, and the reference that mCE divides by."""

from __future__ import annotations

import json

import pytest

from benchbed.errors import ConfigError
from benchbed.run.robust import load_reference
from benchbed.suite.load import load_suite

REFERENCE = {"name": "base", "version": "1", "dataset": "toy", "metric": "accuracy", "clean": 0.2,
             "errors": {"gain": {"1": 0.3, "2": 0.5}}}  # fmt: skip


@pytest.fixture
def suite(tmp_path):
    def make(reference) -> object:
        text = reference if isinstance(reference, str) else json.dumps(reference)
        (tmp_path / "reference.json").write_text(text)
        (tmp_path / "s.yaml").write_text(
            "name: s\nversion: '1'\ntask: scene\ndata: {layout: folder}\nmetrics: {mce_reference: reference.json}\n"
        )
        return load_suite(str(tmp_path / "s.yaml"))

    return make


def test_a_reference_is_read_with_its_name_and_version(suite):
    reference = load_reference(suite(REFERENCE), "toy", "accuracy")
    assert reference.name == "base-1"
    assert reference.clean == 0.2
    assert reference.errors == {"gain": {1: 0.3, 2: 0.5}}


@pytest.mark.parametrize(("dataset", "metric"), [("other", "accuracy"), ("toy", "log_loss")])
def test_a_reference_about_something_else_is_not_used(suite, dataset, metric):
    assert load_reference(suite(REFERENCE), dataset, metric) is None


@pytest.mark.parametrize("broken", ["not json", "[]", "{}", {**REFERENCE, "errors": {"gain": {"mild": 1}}},
                                    {**REFERENCE, "clean": None}])  # fmt: skip
def test_a_broken_reference_points_at_the_suite(suite, broken):
    loaded = suite(broken)
    with pytest.raises(ConfigError, match="is no mCE reference") as caught:
        load_reference(loaded, "toy", "accuracy")
    assert "s.yaml:5:" in str(caught.value)


def test_a_missing_reference_points_at_the_suite(suite, tmp_path):
    loaded = suite(REFERENCE)
    (tmp_path / "reference.json").unlink()
    with pytest.raises(ConfigError, match="cannot be read"):
        load_reference(loaded, "toy", "accuracy")


def test_the_shipped_reference_covers_the_shipped_suite(repository):
    loaded = load_suite(str(repository / "suites" / "robustness_asc.yaml"))
    reference = load_reference(loaded, "tau2022-synthetic", "macro_accuracy")
    wanted = {c.corruption for c in loaded.suite.conditions if hasattr(c, "corruption")}
    assert set(reference.errors) == wanted
    assert all(sorted(errors) == [1, 2, 3, 4, 5] for errors in reference.errors.values())
    assert 0 < reference.clean < 0.9
