"""The rule by which an attack succeeds: what a suite asks for is there, or one error says what is."""

from __future__ import annotations

import pytest

from benchbed.errors import ConfigError
from benchbed.run.attacking.success_rule import known_rule, require_known_options

RULES = ("event_f1", "segment_f1")


def test_the_default_and_what_is_asked():
    assert known_rule(None, "event_f1", RULES, "frames", None) == "event_f1"
    assert known_rule("segment_f1", "event_f1", RULES, "frames", None) == "segment_f1"


@pytest.mark.parametrize(
    ("asked", "hint"), [("evnt_f1", "did you mean 'event_f1'?"), ("iou", "rules: event_f1, segment_f1")]
)
def test_an_unknown_rule_is_one_error_at_its_place(asked, hint):
    with pytest.raises(ConfigError) as caught:
        known_rule(asked, "event_f1", RULES, "frames", "suite.yaml:3:5")
    assert caught.value.what == f"'{asked}' is no rule of success for frames"
    assert (caught.value.where, caught.value.hint) == ("suite.yaml:3:5", hint)


@pytest.mark.parametrize(
    ("known", "hint"),
    [
        (("onset_collar", "threshold"), "did you mean 'onset_collar'?"),
        (("threshold",), "its options: threshold"),
        ((), "it has no options"),
    ],
)
def test_an_unknown_option_is_one_error_at_its_place(known, hint):
    with pytest.raises(ConfigError) as caught:
        require_known_options("event_f1", ["onset_colar"], known, "suite.yaml:3:5")
    assert caught.value.what == "the rule event_f1 has no option 'onset_colar'"
    assert (caught.value.where, caught.value.hint) == ("suite.yaml:3:5", hint)
    require_known_options("event_f1", known, known, None)
