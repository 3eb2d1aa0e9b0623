"""Robustness figures of a run, and the reference that mCE divides by."""

from __future__ import annotations

import json

import pytest

from benchbed.errors import ConfigError
from benchbed.perturb import resolve
from benchbed.run.scoring.robust import load_reference
from benchbed.suite.load import load_suite

REFERENCE = {
    "name": "base",
    "version": "1",
    "dataset": "toy",
    "metric": "accuracy",
    "index_hash": "abc",
    "clean": 0.2,
    "errors": {"gain": {"1": 0.3, "2": 0.5}},
}


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
    reference, checks = load_reference(suite(REFERENCE), "toy", "accuracy", "abc")
    assert checks == []
    assert reference.name == "base-1"
    assert reference.clean == 0.2
    assert reference.errors == {"gain": {1: 0.3, 2: 0.5}}


@pytest.mark.parametrize(
    ("dataset", "metric", "clips", "named"),
    [("other", "accuracy", "abc", "dataset"), ("toy", "log_loss", "abc", "metric"), ("toy", "accuracy", "ab", "clips")],
)
def test_a_reference_about_something_else_is_not_used_and_says_so(suite, dataset, metric, clips, named):
    reference, checks = load_reference(suite(REFERENCE), dataset, metric, clips)
    assert reference is None
    assert [(check.name, check.status) for check in checks] == [("mce_reference", "skipped")]
    assert checks[0].message.endswith(f"another {named}")


def test_corruptions_that_changed_since_the_reference_are_named(suite):
    now = resolve("mp3").version
    words = f"mp3 (version 1, now {now})"
    for versions, told in (({}, []), ({"gain": 1, "mp3": now}, []), ({"gain": 1, "mp3": 1}, [words])):
        reference, checks = load_reference(suite({**REFERENCE, "corruptions": versions}), "toy", "accuracy", "abc")
        assert reference.name == "base-1" and [check.status for check in checks] == ["warn"] * len(told)
        assert all(check.message.endswith(what) for check, what in zip(checks, told, strict=True))


@pytest.mark.parametrize(
    "broken", ["not json", "[]", "{}", {**REFERENCE, "errors": {"gain": {"mild": 1}}}, {**REFERENCE, "clean": None}]
)
def test_a_broken_reference_points_at_the_suite(suite, broken):
    loaded = suite(broken)
    with pytest.raises(ConfigError, match="is no mCE reference") as caught:
        load_reference(loaded, "toy", "accuracy", "abc")
    assert "s.yaml:5:" in str(caught.value)


def test_a_missing_reference_points_at_the_suite(suite, tmp_path):
    loaded = suite(REFERENCE)
    (tmp_path / "reference.json").unlink()
    with pytest.raises(ConfigError, match="cannot be read"):
        load_reference(loaded, "toy", "accuracy", "abc")


def test_the_shipped_reference_covers_the_shipped_suite(repository):
    loaded = load_suite(str(repository / "suites" / "robustness_asc.yaml"))
    stored = json.loads((repository / "suites" / loaded.suite.metrics.mce_reference).read_text())
    reference, checks = load_reference(loaded, "tau2022-synthetic", "macro_accuracy", stored["index_hash"])
    assert checks == [] and stored["corruptions"].keys() == stored["errors"].keys()
    wanted = {c.corruption for c in loaded.suite.conditions if hasattr(c, "corruption")}
    assert set(reference.errors) == wanted
    assert all(sorted(errors) == [1, 2, 3, 4, 5] for errors in reference.errors.values())
    assert 0 < reference.clean < 0.9
