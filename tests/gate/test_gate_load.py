"""Rules from YAML: what is refused, where the error points, and what units mean."""

from __future__ import annotations

import pytest

from benchbed.errors import ConfigError
from benchbed.gate.load import load_rules
from benchbed.gate.quantity import quantity

FINE = """\
name: mine
rules:
  - name: clean
    say: It must keep working.
    metric: accuracy
    margin: {absolute: 2 pt}
"""


def load(tmp_path, text):
    path = tmp_path / "gate.yaml"
    path.write_text(text)
    return load_rules(str(path))


def test_a_rule_knows_its_line(tmp_path):
    loaded = load(tmp_path, FINE + "  - {name: noise, metric: accuracy, condition: white_noise@3}\n")
    assert [loaded.line(i) for i in range(2)] == [3, 7]
    assert loaded.rules.rules[0].margin.absolute == pytest.approx(0.02)


@pytest.mark.parametrize(
    ("old", "new", "what", "line", "hint"),
    [
        ("metric: accuracy", "metrc: accuracy", "unknown key 'metrc'", 5, "did you mean 'metric'"),
        ("absolute: 2 pt", "absolut: 2 pt", "unknown key 'absolut'", 6, "did you mean 'absolute'"),
        ("  - name: clean\n    say", "  - say", "the key 'rules.0.name' is missing", 3, "add `name:`"),
        ("2 pt", "2 apples", "unknown unit 'apples'", 6, None),
        ("2 pt", "-0.1 pt", "greater than or equal to 0", 6, None),
        ("2 pt", "1", "1 has no unit", 6, None),
        ("2 pt", "0.02", "0.02 has no unit", 6, None),
        ("2 pt", "100 pt", "all that a fraction can lose", 6, None),
        ("absolute: 2 pt", "relative: 2 pt", "no share", 6, None),
        ("margin: {absolute: 2 pt}", "at_least: 0.7", "0.7 has no unit", 6, None),
        ("margin: {absolute: 2 pt}", "allow_failures: 3", "3 has no unit", 6, None),
        ("margin: {absolute: 2 pt}", "allow_failures: 3 ms", "a number of clips", 6, None),
        ("name: mine", "correction: primary", "belong together", 1, None),
        ("    metric: accuracy", "    primary: true\n    metric: accuracy", "belong together", 1, None),
        ("{absolute: 2 pt}", "{}", "one of the two", 6, None),
        ("    metric: accuracy\n", "", "`metric:` or a `figure:`", 3, None),
        ("margin: {absolute: 2 pt}", "by: eye", "'eye' is not one of", 6, None),
        ("margin: {absolute: 2 pt}", "relation: speedup", "needs a limit", 3, None),
        ("margin: {absolute: 2 pt}", "{at_least: 1}", "not valid YAML", None, None),
        ("margin: {absolute: 2 pt}", "at_least: 1 %\n    at_most: 2 %", "one limit", 3, None),
        ("margin: {absolute: 2 pt}", "margin: {absolute: 1 pt}\n    at_least: 50 %", "not both", 3, None),
        ("margin: {absolute: 2 pt}", "by: value\n    non_inferiority: true", "makes none", 3, None),
        ("margin: {absolute: 2 pt}", "over: [{metric: macro_f1}]", "for rules with a `relation:`", 3, None),
        ("margin: {absolute: 2 pt}", "reference: latency", "about a `figure:`", 3, None),
        ("margin: {absolute: 2 pt}", "metric: macro_f1", "written twice", None, None),
        ("name: mine", "alpha: 2", "alpha", 1, None),
    ],
)
def test_errors_point_at_the_line(tmp_path, old, new, what, line, hint):
    assert old in FINE
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, FINE.replace(old, new))
    assert what in f"{caught.value.what}" and caught.value.exit_code == 2
    if line is not None:
        assert f"gate.yaml:{line}:" in caught.value.where, caught.value
    if hint is not None:
        assert hint in caught.value.hint


def test_two_rules_of_one_name(tmp_path):
    with pytest.raises(ConfigError, match="two rules are called 'clean'"):
        load(tmp_path, FINE + "  - {name: clean, metric: accuracy}\n")


def test_shipped_rules_are_found_by_name_and_valid(repository):
    shipped = sorted((repository / "suites" / "gates").glob("*.yaml"))
    assert shipped
    for path in shipped:
        loaded = load_rules(path.stem)
        assert loaded.path == path and all(rule.say for rule in loaded.rules.rules)
    with pytest.raises(ConfigError, match="no rules 'regresion'") as caught:
        load_rules("regresion")
    assert "did you mean 'regression'" in caught.value.hint


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("128 kB", 128_000),
        ("128 KiB", 131_072),
        ("30 MMAC", 30e6),
        ("50 ms", 0.05),
        ("2 pt", 0.02),
        ("-3 dB", -3),
        (0, 0),
        ("1e3 parameters", 1000),
        ("1_000 k", 1e6),
        ("0.4 score", 0.4),
        ("2 dB SNR", 2),
        ("2.5x", 2.5),
        ("1 Wh", 3600),
    ],
)
def test_quantities(text, value):
    assert quantity(text) == pytest.approx(value)


@pytest.mark.parametrize("bad", ["", "kB", "12 parsec", "1 2", True, "0x10", 4, 0.5, "1e3", "-3"])
def test_what_is_no_quantity(bad):
    with pytest.raises(ValueError):
        quantity(bad)
