"""What a condition leaves open is settled for its task, and what makes no sense is refused."""

from __future__ import annotations

import pytest
from made_taggers import LABELS

from benchbed.errors import ConfigError
from benchbed.run.attacking.goals import settle
from benchbed.suite.conditions import AttackCondition


@pytest.mark.parametrize(
    ("task", "condition", "match"),
    [
        ("tags", {"goal": "hidden"}, "no goal 'hidden'"),
        ("frames", {"goal": "hide"}, "no goal 'hide'"),
        ("tags", {"success": {"rule": "event_f1"}}, "no rule of success for tags"),
        ("frames", {"success": {"rule": "clip_ap"}}, "no rule of success for frames"),
        ("frames", {"success": {"options": {"collar": 1.0}}}, "no option 'collar'"),
        ("tags", {"success": {"options": {"onset_collar": 1.0}}}, "no option 'onset_collar'"),
        ("tags", {"success": {"rule": "class_decision"}}, "goal 'class'"),
        ("tags", {"goal": "class", "target_class": "d"}, "no class 'd'"),
        ("scene", {"success": {"fraction": 0.2}}, "succeeds where the answer is wrong"),
    ],
)
def test_what_makes_no_sense_is_refused(task, condition, match):
    with pytest.raises(ConfigError, match=match):
        settle(task, AttackCondition(attack="fast", budgets=[20], **condition), LABELS)


@pytest.mark.parametrize("task", ["tags", "frames"])
def test_attacks_that_mean_nothing_for_several_labels_are_refused_with_a_reason(task):
    from benchbed.run.attacking.ensembles import ensemble_of
    from benchbed.run.attacking.sources import attack_facts

    for attack, reason in (("torchattacks:CW", "softmax"), ("apgd_t", "one class each")):
        with pytest.raises(ConfigError, match=reason):
            attack_facts(AttackCondition(attack=attack, budgets=[20]), (), "here", task=task, labels=LABELS)
    assert set(ensemble_of(AttackCondition(attack="full", budgets=[20]), task).skipped) == {"apgd_t"}
    with pytest.raises(ConfigError, match="no loss 'ce'"):
        ensemble_of(AttackCondition(attack="pgd", budgets=[20], options={"loss": "ce"}), task)


def test_a_class_to_aim_at_goes_with_its_goal():
    for wrong in ({"goal": "class"}, {"target_class": "a"}):
        with pytest.raises(ValueError, match="go together"):
            AttackCondition(attack="fast", budgets=[20], **wrong)
