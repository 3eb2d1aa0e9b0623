"""The fixed subset of clips with several labels: balanced, nested, and the same whatever the order of the table."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchbed.run.attacking.ensembles import ensemble_of
from benchbed.run.attacking.subset import attack_units, attacked_rows, passes, subset
from benchbed.run.job.job import Job
from benchbed.suite.conditions import AttackCondition


def table(labels):
    return pd.DataFrame({"clip_id": [f"c{i}" for i in range(len(labels))], "label": labels})


def test_rare_classes_are_not_left_out_and_clips_without_labels_keep_their_share():
    labels = [("speech",)] * 500 + [("speech", "dog")] * 60 + [("bell",)] * 6 + [()] * 200
    chosen = [labels[row] for row in attacked_rows(table(labels), 100)]
    counts = Counter(name for clip in chosen for name in clip)
    assert counts["bell"] == 6, "all there are"
    # 26 of 100 are without labels, as 200 of 766; dog brings speech with it, which then needs no clip of its own.
    assert chosen.count(()) == 26
    assert counts["dog"] >= 30 and abs(counts["speech"] - counts["dog"]) <= 8


def test_a_subset_of_single_label_clips_written_as_tuples_is_balanced_too():
    labels = [("a",)] * 40 + [("b",)] * 4 + [("c",)] * 12
    counts = Counter(labels[row][0] for row in attacked_rows(table(labels), 12))
    assert counts == {"a": 4, "b": 4, "c": 4}


@given(
    st.lists(st.frozensets(st.sampled_from("abcdef"), max_size=3), min_size=1, max_size=40),
    st.integers(1, 45),
    st.randoms(use_true_random=False),
)
def test_it_is_nested_complete_and_independent_of_the_order(sets, n, random):
    clips = table([tuple(sorted(one)) for one in sets])
    chosen = attacked_rows(clips, n)
    assert len(chosen) == len(set(chosen)) == min(n, len(clips))
    assert attacked_rows(clips, max(1, n // 2)) == chosen[: max(1, n // 2)]
    order = list(range(len(clips)))
    random.shuffle(order)
    again = clips.iloc[order].reset_index(drop=True)
    assert [again["clip_id"].iat[row] for row in attacked_rows(again, n)] == [f"c{row}" for row in chosen]


def test_recordings_that_have_tags_alone_are_no_target_of_attacks_on_events(tmp_path):
    clips = table([("a",), ("b",), (), ("a", "b")] * 5)
    clips["weak"] = [True, False, False, False] * 5
    condition = AttackCondition(attack="fast", budgets=[20], n=20)
    job = Job(
        ("", {}), "cpu", "d", tmp_path, ("a", "b"), None, {"test": clips}, {"test": clips}, [condition], task="frames"
    )
    assert sorted(subset(job, "test", condition)) == [row for row in range(20) if row % 4]
    assert len(subset(replace(job, task="tags"), "test", condition)) == 20


@pytest.mark.parametrize("labels", [[()] * 5, [("a",)] * 5])
def test_one_kind_of_clip_alone(labels):
    assert sorted(attacked_rows(table(labels), 9)) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(
    ("seconds", "sizes"), [(1.0, [32, 32, 16]), (5.0, [16] * 5), (10.0, [8] * 10), (60.0, [8] * 10)]
)
def test_units_of_long_clips_are_small_so_that_little_is_lost_and_progress_is_seen(seconds, sizes):
    table = pd.DataFrame({"clip_id": [f"c{i}" for i in range(80)], "label": [f"k{i % 4}" for i in range(80)]})
    labels = ("k0", "k1", "k2", "k3")
    job = Job(("", {}), "cpu", "d", Path(), labels, None, {"test": table}, {"test": table}, [])
    units = attack_units(job, "test", AttackCondition(attack="fast", budgets=[20]), 80 * seconds)
    assert [len(unit) for unit in units] == sizes
    assert sorted(row for unit in units for row in unit) == list(range(80))


def test_progress_counts_what_an_attack_costs_not_its_clips():
    condition = AttackCondition(attack="pgd", budgets=[20, 10], steps=10)
    job = Job(("", {}), "cpu", "d", Path(), ("a", "b"), None, {}, {}, ["clean", condition])
    clean, attack = (
        SimpleNamespace(condition=i, evaluations=n, cells=[0] * n, rows=(0, 1, 2)) for i, n in ((0, 7), (1, 2))
    )
    assert passes(job, clean) == 7
    # Noise 6 and PGD 11 forwards with 10 gradients, each worth three: for each of three clips at two budgets.
    assert passes(job, attack) == 2 + 3 * 2 * (6 + 11 + 3 * 10)


def test_progress_of_a_model_without_gradient_counts_the_answers_that_it_is_asked_for():
    condition = AttackCondition(attack="standard", budgets=[20])
    opened = Job(("", {}), "cpu", "d", Path(), ("a", "b"), None, {}, {}, [condition])
    closed, behind = replace(opened, opened=False, powered=True), replace(opened, powered=True)
    unit = SimpleNamespace(condition=0, evaluations=1, cells=[0], rows=(0,))
    priced = ensemble_of(condition, "scene", sources=False, differentiable=False, powered=True).cost(2, 1, 1)
    assert priced.backwards == 0 and passes(closed, unit) == 1 + priced.forwards >= 2900
    assert passes(behind, unit) > passes(opened, unit) > 1


def uneven(count=300, classes=10):
    return pd.DataFrame(
        {"clip_id": [f"c{i}" for i in range(count)], "label": [f"k{(i * i) % classes}" for i in range(count)]}
    )


def test_the_subset_is_fixed_balanced_and_nested():
    clips = uneven()
    chosen = attacked_rows(clips, 60)
    shuffled = clips.sample(frac=1, random_state=1).reset_index(drop=True)
    again = {shuffled["clip_id"].iat[row] for row in attacked_rows(shuffled, 60)}
    assert {clips["clip_id"].iat[row] for row in chosen} == again
    counts = clips["label"].iloc[chosen].value_counts()
    # Six labels occur at all; the balance is as even as the rarest allows.
    assert counts.max() - counts.min() <= 1
    assert attacked_rows(clips, 20) == chosen[:20]
    assert len(attacked_rows(clips, 10_000)) == len(clips)
