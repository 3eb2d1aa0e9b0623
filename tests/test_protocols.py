"""The page of protocols is kept by those who stand on either side of each seam."""

from __future__ import annotations

import inspect

import pytest

from benchbed import protocols
from benchbed.adapter.check.trial import CheckOutcome
from benchbed.attack.losses import LOSSES, aimed
from benchbed.results.record import Check
from benchbed.suite.load import load_suite


def members(protocol: type) -> set[str]:
    """Names that a protocol asks for."""
    said = {name: value for name, value in vars(protocol).items() if name == "__call__" or not name.startswith("_")}
    return {name for name, value in said.items() if inspect.isfunction(value) or isinstance(value, property)}


@pytest.mark.parametrize("outcome", [CheckOutcome("a", "pass", "fine"), Check(name="a", status="pass", message="b")])
def test_checks_of_adapters_and_of_records_say_what_a_table_shows(outcome):
    assert {"name", "status", "message"} <= members(protocols.Outcome)
    for name in ("name", "status", "message"):
        assert isinstance(getattr(outcome, name), str)


def test_a_suite_says_where_its_values_stand(repository):
    where: protocols.Locates = load_suite(str(repository / "suites" / "esc50.yaml")).where
    assert "esc50.yaml" in str(where("task"))


@pytest.mark.parametrize("kind", LOSSES.names())
def test_losses_are_those_that_attacks_climb(kind):
    module = LOSSES.get(kind)
    assert members(protocols.Losses) == {"LOSSES", "margin"}
    for losses in (module, aimed(kind)):
        every = [losses.margin, *losses.LOSSES.values()]
        assert losses.LOSSES
        for one in every:
            needed = [each for each in inspect.signature(one).parameters.values() if each.default is each.empty]
            assert len(needed) == 2, "scores and target"
