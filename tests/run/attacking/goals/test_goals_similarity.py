"""When a clip of a gallery counts as broken: its own rank among all texts."""

from __future__ import annotations

import numpy as np
import pytest

from benchbed.errors import ConfigError
from benchbed.outputs.similarity.wanted import WantedQueries, numbered
from benchbed.run.attacking.goal import AttackedClip
from benchbed.run.attacking.goals import settle
from benchbed.run.attacking.goals.similarity import SimilarityGoal
from benchbed.suite.conditions import AttackCondition


class FakeJob:
    labels = ()


def task(**success):
    condition = AttackCondition(attack="pgd", budgets=[20], success=success)
    return SimilarityGoal(FakeJob(), condition, settle("similarity", condition, ()))


def sample(answer, relevant, made):
    queries, _, _ = numbered([[str(n) for n in range(len(answer))]])
    wanted = WantedQueries("c", queries, np.array(relevant, int), np.array(relevant, int))
    one = AttackedClip(0, None, None, wanted, 1.0, 100)
    one.spared = made.spared(one)
    made.read(one, np.asarray(answer, float), None)
    return one


def ladder(places, own):
    """Similarities of which the query `own` has the given place."""
    answer = np.linspace(1.0, 0.0, places)
    order = [n for n in range(places) if n != 0]
    order.insert(own - 1, 0)
    made = np.empty(places)
    made[order] = answer
    return made


def test_a_clip_is_right_up_to_the_tenth_place_and_broken_at_half_its_score():
    made = task()
    assert made.success == "reciprocal_rank-at-most-0.5-of-clean"
    assert sample(ladder(30, 10), [0], made).right and not sample(ladder(30, 11), [0], made).right
    one = sample(ladder(30, 2), [0], made)
    assert one.score == 0.5
    for place, held in ((2, True), (3, True), (4, False), (9, False)):
        answer = ladder(30, place)
        assert made.verdict(one, [answer], answer, None).correct is held
    facts = made.verdict(one, [ladder(30, 20)], ladder(30, 20), None).facts
    assert (facts["missed"], facts["inserted"], facts["score_attacked"]) == (1, 1, 0.05)


def test_the_best_of_several_captions_counts():
    made = task()
    answer = np.array([0.1, 0.9, 0.5])
    assert sample(answer, [0, 2], made).score == 0.5


def test_rules_of_lists():
    made = task(rule="recall_at_10")
    one = sample(ladder(30, 10), [0], made)
    assert one.right and made.verdict(one, [ladder(30, 10)], ladder(30, 10), None).correct
    assert not made.verdict(one, [ladder(30, 11)], ladder(30, 11), None).correct
    assert not sample(ladder(30, 2), [0], task(rule="recall_at_1")).right


def test_a_clip_that_answers_nothing_is_spared():
    made = task()
    one = sample(ladder(5, 1), [], made)
    assert "answers no query" in one.spared and not one.right


def test_the_share_that_chance_gets_right():
    made = task(rule="recall_at_1")
    queries, own, _ = numbered([["a", "b"], ["c", "d"], [], []])
    truth = [WantedQueries("c", queries, np.array(one, int), np.array(one, int)) for one in own]
    assert made.chance(np.array(truth[:2], object)) == pytest.approx(0.5)
    assert task().chance(np.array(truth[:1], object)) == 1.0
    assert made.chance(np.array(truth[2:3], object)) == 0.0


@pytest.mark.parametrize(
    ("condition", "said"),
    [
        ({"success": {"rule": "clip_ap"}}, "'clip_ap' is no rule of success for retrieval"),
        ({"success": {"options": {"k": 3}}}, "has no option 'k'"),
        ({"goal": "hide"}, "no goal 'hide'"),
    ],
)
def test_what_does_not_fit_is_refused(condition, said):
    with pytest.raises(ConfigError) as caught:
        settle("similarity", AttackCondition(attack="pgd", budgets=[20], **condition), ())
    assert said in caught.value.what
