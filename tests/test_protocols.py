"""The page of protocols is kept by those who stand on either side of each seam."""

from __future__ import annotations

import inspect

import pytest

from benchbed import protocols
from benchbed.adapter.check.trial import CheckOutcome
from benchbed.results.record import Check
from benchbed.suite.load import load_suite


def members(protocol: type) -> set[str]:
    """Names that a protocol asks for."""
    return {name for name, value in vars(protocol).items() if inspect.isfunction(value) or isinstance(value, property)}


@pytest.mark.parametrize("outcome", [CheckOutcome("a", "pass", "fine"), Check(name="a", status="pass", message="b")])
def test_checks_of_adapters_and_of_records_say_what_a_table_shows(outcome):
    assert {"name", "status", "message"} <= members(protocols.Outcome)
    for name in ("name", "status", "message"):
        assert isinstance(getattr(outcome, name), str)


def test_a_suite_says_where_its_values_stand(repository):
    where: protocols.Where = load_suite(str(repository / "suites" / "esc50.yaml")).where
    assert "esc50.yaml" in str(where("task"))
