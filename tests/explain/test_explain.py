"""Everything that has a name is told at the terminal, from what the code itself says."""

from __future__ import annotations

import json

import pytest

from benchbed.cli import main
from benchbed.errors import ConfigError
from benchbed.explain import explained, listed
from benchbed.explain.keys import keys_of_rules, keys_of_suites
from benchbed.explain.leaving import exit_codes
from benchbed.explain.registered import REGISTERED, lines
from benchbed.gate.rules import Rules
from benchbed.perturb import CORRUPTIONS
from benchbed.suite.model import Suite


def told(capsys, *words: str) -> str:
    with pytest.raises(SystemExit) as left:
        main(list(words))
    out, err = capsys.readouterr()
    assert not left.value.code, err
    return out


@pytest.mark.parametrize("kind", REGISTERED)
def test_everything_that_is_registered_has_a_line_and_a_text(kind):
    for name, line in lines(REGISTERED[kind]).items():
        assert line and "\n" not in line, name
        texts = dict(explained(name))
        assert len(texts[kind]) > len(line) / 2, name


def test_a_corruption_says_its_unit_and_what_each_severity_is():
    for name in CORRUPTIONS.names():
        made = CORRUPTIONS.get(name).CORRUPTION
        said = dict(explained(name))["corruptions"]
        assert made.unit in said and f"severity 1 to {len(made.parameters)}: " in said, name
    assert "T60 in s, DRR in dB" in dict(explained("reverb"))["corruptions"]


def test_a_layout_says_its_options_and_a_family_its_figures():
    folder = dict(explained("folder"))["layouts"]
    assert "option csv" in folder and "option label" in folder
    metrics = dict(explained("classification"))["metrics"]
    assert "macro_accuracy: " in metrics and "higher is better" in metrics


def test_keys_of_suites_and_rules_are_those_of_their_models():
    suite, rules = keys_of_suites(), keys_of_rules()
    assert set(Suite.model_fields) <= set(suite) and set(Rules.model_fields) <= set(rules)
    assert suite["data.layout"].about.startswith("Registered dataset layout")
    assert rules["rules.margin.absolute"].about.startswith("In the metric's own unit")
    silent = [key for key, said in {**suite, **rules}.items() if not said.line]
    assert not silent
    # By the last part of the path all keys of that name are told, by the path one.
    assert [kind for kind, _ in explained("margin")] == ["gate rules", "gate rules"]
    assert len(explained("rules.margin")) == 1


def test_exit_codes_are_those_of_the_errors():
    from benchbed import errors

    known = {str(one.exit_code) for one in vars(errors).values() if hasattr(one, "exit_code")}
    assert known <= set(exit_codes()) and "0" in exit_codes()


def test_a_wrong_name_is_told_the_nearest():
    with pytest.raises(ConfigError, match="nothing is called 'reverbb'") as caught:
        explained("reverbb")
    assert "reverb" in str(caught.value)


def test_at_the_terminal(capsys):
    assert told(capsys, "explain", "clipping").startswith("clipping (corruptions)\n")
    both = json.loads(told(capsys, "explain", "pink_noise", "--json"))
    assert [one["kind"] for one in both] == ["corruptions", "attacks"]
    assert told(capsys, "explain", "exit").splitlines()[1] == "0: fine"
    listing = told(capsys, "list", "corruptions").splitlines()
    assert len(listing) == len(CORRUPTIONS.names()) and all(": " in line for line in listing)
    assert json.loads(told(capsys, "list", "--json"))["attacks"] == list(listed("attacks"))
