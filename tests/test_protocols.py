"""The page of protocols is kept by those who stand on either side of each seam, everything registered among them."""

from __future__ import annotations

import ast
import inspect
from pathlib import Path

import pytest

from benchbed import protocols
from benchbed.adapter.check.trial import CheckOutcome
from benchbed.adapter.contract import Adapter
from benchbed.adapter.load import load_adapter
from benchbed.attack import ATTACKS
from benchbed.attack.contract import Attack
from benchbed.attack.features import OnFeatures
from benchbed.attack.losses import LOSSES, aimed
from benchbed.data import LAYOUTS
from benchbed.metrics import FAMILIES
from benchbed.metrics.contract import Family
from benchbed.outputs import OUTPUTS, output_of
from benchbed.outputs.contract import Output, Reading
from benchbed.perturb import CORRUPTIONS
from benchbed.perturb.contract import Corruption
from benchbed.results.record import Check
from benchbed.run.attacking.goal import ScoreJudge
from benchbed.run.attacking.sources import Furthest
from benchbed.run.computing.at_once import Whole
from benchbed.run.computing.moves import AppliedMoves
from benchbed.run.computing.ways import Hearing
from benchbed.run.computing.windows import InWindows, Joined
from benchbed.run.executing.local import execute
from benchbed.suite.load import load_suite


def members(protocol: type) -> dict[str, object]:
    """What a protocol asks for, by name."""
    said = {
        name: value
        for each in protocol.__mro__
        if each.__module__ == protocols.__name__
        for name, value in vars(each).items()
        if name == "__call__" or not name.startswith("_")
    }
    return {name: value for name, value in said.items() if inspect.isfunction(value) or isinstance(value, property)}


def names(function) -> list[str]:
    """Parameters that a call must or may give, without `self`."""
    return [name for name in inspect.signature(function).parameters if name != "self"]


def keeps(one: object, protocol: type) -> None:
    """Everything that a protocol asks for is there, and functions take what it says, in its order."""
    for name, asked in members(protocol).items():
        assert hasattr(one, name), f"{one} has no {name}"
        if inspect.isfunction(asked):
            given, wanted = names(getattr(one, name)), names(asked)
            assert given[: len(wanted)] == wanted, f"{one}.{name} takes {given}"


@pytest.mark.parametrize(
    ("one", "protocol"),
    [
        (Adapter, protocols.Answers),
        (OnFeatures, protocols.Answers),
        (Corruption, protocols.Perturbs),
        (Attack, protocols.Attacks),
        (Reading, protocols.Reads),
        (Output, protocols.Keeps),
        (Family, protocols.Sums),
        (AppliedMoves, protocols.Moves),
        (ScoreJudge, protocols.Decides),
        (Furthest, protocols.Decides),
        (Hearing, protocols.Hears),
        (Whole, protocols.Hears),
        (InWindows, protocols.Hears),
        (Joined, protocols.Hears),
    ],
    ids=lambda one: one.__name__,
)
def test_base_classes_and_both_ways_of_a_seam_keep_it(one, protocol):
    keeps(one, protocol)


def test_a_seam_that_is_not_kept_is_seen():
    class Half:
        def events(self, seconds, times): ...

    with pytest.raises(AssertionError, match="takes"):
        keeps(Half, protocols.Moves)
    with pytest.raises(AssertionError, match="no directions"):
        keeps(type("Short", (), {"events": AppliedMoves.events}), protocols.Moves)


@pytest.mark.parametrize("name", ATTACKS.names())
def test_every_attack_attacks(name):
    keeps(ATTACKS.get(name).ATTACK, protocols.Attacks)


@pytest.mark.parametrize("name", CORRUPTIONS.names())
def test_every_corruption_perturbs(name):
    keeps(CORRUPTIONS.get(name).CORRUPTION, protocols.Perturbs)


@pytest.mark.parametrize("name", OUTPUTS.names())
def test_every_kind_of_output_keeps_answers(name):
    keeps(type(output_of(name)), protocols.Keeps)


@pytest.mark.parametrize("name", LAYOUTS.names())
def test_every_layout_reads_a_root_and_options_by_name(name):
    keeps(layout := LAYOUTS.get(name), protocols.LayoutModule)
    root, *options = inspect.signature(layout.read).parameters.values()
    assert root.name == "root" and all(each.kind is each.KEYWORD_ONLY for each in options)


@pytest.mark.parametrize("name", FAMILIES.names())
def test_every_metric_family_counts(name):
    made_by = FAMILIES.get(name).family
    keeps(made_by.__globals__[inspect.get_annotations(made_by)["return"]], protocols.Sums)


def test_an_adapter_is_a_model(repository):
    model = load_adapter(str(repository / "adapters" / "cnn.py")).adapter
    for name in members(protocols.Model):
        assert hasattr(model, name)


def test_what_executes_takes_what_the_page_says():
    assert names(execute) == names(protocols.Executes.__call__)


@pytest.mark.parametrize("outcome", [CheckOutcome("a", "pass", "fine"), Check(name="a", status="pass", message="b")])
def test_checks_of_adapters_and_of_records_say_what_a_table_shows(outcome):
    for name in members(protocols.Checked):
        assert isinstance(getattr(outcome, name), str)


def test_a_suite_says_where_its_values_stand(repository):
    where: protocols.Locates = load_suite(str(repository / "suites" / "esc10.yaml")).where
    assert "esc50.yaml" in str(where("task"))


@pytest.mark.parametrize("kind", LOSSES.names())
def test_losses_are_those_that_attacks_climb(kind):
    module = LOSSES.get(kind)
    assert set(members(protocols.Losses)) == {"LOSSES", "margin"}
    for losses in (module, aimed(kind)):
        assert losses.LOSSES
        for one in (losses.margin, *losses.LOSSES.values()):
            needed = [each for each in inspect.signature(one).parameters.values() if each.default is each.empty]
            assert len(needed) == 2, "scores and target"


#: Protocols that stand beside the code, and why: they are about one room and no seam.
INSIDE = {
    "BySecond": "functions of two years of one challenge",
    "EventJudge": "what two metric families share for the timelines of their page",
    "Counter": "what is used of another package, which has no types",
    "Event": "what is used of torch's marks, so that a device of the tests can stand in",
    "Pipe": "what is used of multiprocessing, whose ends have other classes on other systems",
    "RemoteHandle": "what is used of Ray, which has no types and need not be there",
    "TakesTurns": "when a crew may hand out work, which one room of runs decides",
    "Rung": "rows of two kinds that one drawing takes",
}


def test_other_protocols_are_about_one_room(repository: Path):
    """Those of seams are on the page; what a private function takes may stand beside it."""
    elsewhere = set()
    for path in sorted((repository / "benchbed").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_") and path.name != "protocols.py":
                bases = [base.value if isinstance(base, ast.Subscript) else base for base in node.bases]
                elsewhere |= {node.name for base in bases if isinstance(base, ast.Name) and base.id == "Protocol"}
    assert elsewhere <= set(INSIDE)
