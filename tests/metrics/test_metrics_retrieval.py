"""Ranks in a gallery against plain sorting, the published evaluators' rules, and what lists leave unknown."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchbed.errors import ConfigError, DataError
from benchbed.metrics.families.retrieval import family
from benchbed.metrics.retrieval.gallery import Gallery
from benchbed.metrics.retrieval.ranks import ranks
from benchbed.outputs.similarity import vectors
from benchbed.outputs.similarity.wanted import WantedQueries, numbered


def world(matrix, captions, relevant=None):
    """Similarities `[clip, query]` with references."""
    queries, own, answered = numbered(captions, relevant)
    truth = np.empty(len(captions), object)
    truth[:] = [
        WantedQueries(f"c{n}", queries, np.array(own[n], int), np.array(answered[n], int)) for n in range(len(captions))
    ]
    return vectors(np.asarray(matrix, np.float32)), truth


def figures(said, truth, **options):
    made = family(**options).context(said, truth)
    values = made.values(made.statistics(said, truth).sum(axis=0))
    sample = made.sample(said, truth, np.arange(len(said)), len(said))
    values |= {name: drawn[0] for name, drawn in sample.scores(np.ones((1, len(said))))[0].items()}
    return {name: float(value) for name, value in values.items()}


@given(st.integers(0, 10_000))
@settings(max_examples=60, deadline=None)
def test_ranks_are_those_of_sorting(seed):
    random = np.random.default_rng(seed)
    scores = random.permutation(40)[:20] / 40
    relevant = random.choice(20, int(random.integers(1, 6)), replace=False)
    order = np.argsort(-scores)
    wanted = [float(np.flatnonzero(order == item)[0]) + 1 for item in relevant]
    for ties in ("behind", "ahead", "order"):
        assert ranks(scores, relevant, ties).tolist() == sorted(wanted)


def test_a_system_that_says_the_same_of_everything_gains_nothing():
    said, truth = world(np.zeros((20, 20)), [[str(n)] for n in range(20)])
    assert figures(said, truth)["t2a_map_at_16"] == 0.0
    assert figures(said, truth)["t2a_median_rank"] == 20.0
    assert figures(said, truth, ties="ahead")["t2a_map_at_16"] == 1.0
    # In the order of the gallery clip n stands at place n + 1.
    assert figures(said, truth, ties="order")["t2a_mrr"] == pytest.approx(np.mean(1 / np.arange(1, 21)))


def trec(scores, relevant, k):
    """Average precision at k, written down from its definition."""
    order = np.argsort(-scores, kind="stable")[:k]
    hits = np.isin(order, relevant)
    return sum(hits[: i + 1].mean() for i in range(len(order)) if hits[i])


@pytest.mark.parametrize("several", [False, True])
def test_figures_are_those_of_the_definitions(several):
    random = np.random.default_rng(3 + several)
    captions = [[f"{clip} {n}" for n in range(5)] for clip in range(40)]
    relevant = None
    if several:
        relevant = [[*texts, *captions[random.integers(40)][:1]] for texts in captions]
    said, truth = world(random.random((40, 200)), captions, relevant)
    matrix = np.stack(said)
    wanted = np.zeros((40, 200), bool)
    for row, one in enumerate(truth):
        wanted[row, one.relevant] = True
    found = figures(said, truth)
    each = [trec(matrix[:, q], np.flatnonzero(wanted[:, q]), 16) / wanted[:, q].sum() for q in range(200)]
    assert found["t2a_map_at_16"] == pytest.approx(np.mean(each), abs=1e-12)
    each = [trec(matrix[c], np.flatnonzero(wanted[c]), 10) / wanted[c].sum() for c in range(40)]
    assert found["a2t_map_at_10"] == pytest.approx(np.mean(each), abs=1e-12)
    cut = [trec(matrix[c], np.flatnonzero(wanted[c]), 10) / min(10, wanted[c].sum()) for c in range(40)]
    assert figures(said, truth, divisor="cut")["a2t_map_at_10"] == pytest.approx(np.mean(cut), abs=1e-12)
    first = [min(np.flatnonzero(np.isin(np.argsort(-matrix[:, q]), np.flatnonzero(wanted[:, q])))) for q in range(200)]
    assert found["t2a_median_rank"] == np.median(first) + 1
    assert found["t2a_recall_at_5"] == pytest.approx(np.mean(np.array(first) < 5))
    share = [np.isin(np.argsort(-matrix[c])[:5], np.flatnonzero(wanted[c])).sum() / wanted[c].sum() for c in range(40)]
    assert figures(said, truth, recall_rule="share")["a2t_recall_at_5"] == pytest.approx(np.mean(share))
    reciprocal = figures(said, truth, official="dcase2025")["a2t_map_at_10"]
    rank = np.array([np.flatnonzero(wanted[c][np.argsort(-matrix[c])])[0] + 1 for c in range(40)])
    assert reciprocal == pytest.approx(np.mean(np.where(rank <= 10, 1 / rank, 0)))


def test_lists_leave_open_what_they_do_not_name():
    matrix = np.full((30, 30), -np.inf)
    for query in range(30):
        for place in range(10):
            # The right clip is third, or in no list.
            matrix[(query + place - 2 + 15 * (query % 2)) % 30, query] = 10 - place
    said, truth = world(matrix, [[str(n)] for n in range(30)])
    found = figures(said, truth)
    assert found["t2a_map_at_10"] == pytest.approx(1 / 6) and found["t2a_recall_at_10"] == 0.5
    assert all(np.isnan(found[name]) for name in ("t2a_map_at_16", "t2a_mrr", "a2t_recall_at_1", "a2t_map_at_10"))
    made = family().context(said, truth)
    reasons = made.reasons(made.statistics(said, truth).sum(axis=0))
    assert reasons["t2a_map_at_16"] == "some lists are shorter than 16"
    assert "beyond their ends" in reasons["t2a_mrr"] and "not texts for a clip" in reasons["a2t_map_at_10"]
    assert "t2a_map_at_10" not in reasons


def test_a_changed_clip_is_ranked_among_the_others_as_they_were():
    said, truth = world(np.eye(4), [[str(n)] for n in range(4)])
    made = family().context(said, truth)
    worse = vectors(np.array([[0.0, 0.5, 0.0, 0.0]]))
    found = made.values(made.statistics(worse, truth[:1]).sum(axis=0))
    assert found["t2a_recall_at_1"] == 0.0 and found["a2t_recall_at_1"] == 0.0
    again = made.values(made.statistics(said[1:2], truth[1:2]).sum(axis=0))
    assert again["t2a_recall_at_1"] == 1.0


def test_several_draws_of_a_clip_are_several_galleries():
    said, truth = world(np.eye(3), [[str(n)] for n in range(3)])
    other = vectors(np.roll(np.eye(3), 1, axis=0))
    both, twice = np.concatenate([said, other]), np.concatenate([truth, truth])
    made = family().context(both, twice)
    rows = made.statistics(both, twice)
    assert made.values(rows[:3].sum(0))["t2a_recall_at_1"] == 1.0
    assert made.values(rows[3:].sum(0))["t2a_recall_at_1"] == 0.0


def test_a_query_that_no_clip_of_a_part_answers_is_left_out_and_said():
    said, truth = world(np.eye(3), [["a"], ["b"], ["c"]], [["a"], ["a"], ["b"]])
    made = family().context(said, truth)
    sums = made.statistics(said, truth).sum(axis=0)
    assert made.notes(sums)["t2a_map_at_10"].startswith("1 queries that no clip")
    assert made.values(sums)["t2a_recall_at_1"] == 0.5


def test_answers_to_other_queries_are_refused():
    said, truth = world(np.eye(3), [["a"], ["b"], ["c"]])
    said[1] = np.zeros(2, np.float32)
    with pytest.raises(DataError, match="similarities to 2 queries, 3 were asked"):
        Gallery(said, truth, "behind")
    with pytest.raises(DataError, match="not in the gallery"):
        family().context(said[:1], truth[:1]).statistics(said[2:], truth[2:])


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"ties": "random"}, "ties is 'random'"),
        ({"divisor": "k"}, "divisor is 'k'"),
        ({"recall_rule": "hit"}, "recall_rule is 'hit'"),
        ({"official": "dcase2024"}, "no official rule 'dcase2024'"),
    ],
)
def test_unknown_rules_are_refused(options, said):
    with pytest.raises(ConfigError) as caught:
        family(**options)
    assert said in caught.value.what
