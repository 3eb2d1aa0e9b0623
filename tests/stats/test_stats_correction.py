"""Corrections over many tests, against published examples and by counting false calls."""

from __future__ import annotations

import numpy as np
import pytest

from benchbed.errors import ConfigError
from benchbed.rng import stream
from benchbed.stats.correction import adjust, false_discovery, hierarchical, words

#: Benjamini and Hochberg (1995), section 4.1: 15 comparisons of two treatments of myocardial infarction.
PUBLISHED = (
    *(0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459),
    *(0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0000),
)


def named(values):
    return {str(i): p for i, p in enumerate(values)}


def test_false_discoveries_of_the_published_example():
    """The paper calls the first four at a rate of 5 %, where Bonferroni and Holm call three."""
    found = adjust(named(PUBLISHED), "fdr")
    assert sum(p <= 0.05 for p in found.values()) == 4
    assert found["3"] == pytest.approx(15 / 4 * 0.0095)
    assert sum(p <= 0.05 for p in adjust(named(PUBLISHED), "holm").values()) == 3


def test_false_discoveries_by_hand_with_a_test_that_could_not_be_made():
    # p.adjust(c(0.01, 0.02, 0.03, 0.04, 0.05), "BH") of R gives 0.05 throughout.
    assert false_discovery(named((0.01, 0.02, 0.03, 0.04, 0.05, None))) == {
        **dict.fromkeys("01234", pytest.approx(0.05)),
        "5": None,
    }


def test_declared_tests_do_not_pay_for_the_others():
    p = {"clean": 0.03, **named((0.02, 0.03, 0.5))}
    assert adjust(p, "holm")["clean"] > 0.05
    found = adjust(p, "primary", primary={"clean"})
    assert found["clean"] == 0.03 and found["0"] == pytest.approx(0.06)
    assert list(found) == list(p)


def test_a_rule_of_one_figure_does_not_pay_for_a_rule_of_many():
    p = {"mean": 0.02, **{f"class{i}": 0.5 for i in range(200)}}
    families = {name: "mean" if name == "mean" else "classes" for name in p}
    assert adjust(p, "holm")["mean"] == 1.0
    found = hierarchical(p, families)
    assert found["mean"] == pytest.approx(0.04) and found["class0"] == 1.0


def test_within_a_family_that_is_called_members_are_corrected_by_themselves():
    found = hierarchical(
        {"a1": 0.001, "a2": 0.02, "a3": 0.9, "b1": 0.5, "c": None},
        {"a1": "a", "a2": "a", "a3": "a", "b1": "b", "c": "c"},
    )
    # Families: 3 · 0.001 = 0.003, times two families; within a: 0.003, 0.04, 0.9.
    assert found == {"a1": pytest.approx(0.006), "a2": pytest.approx(0.04), "a3": 0.9, "b1": 0.5, "c": None}


@pytest.mark.parametrize("correction", ["holm", "hierarchical"])
def test_families_without_any_difference_are_rarely_called(correction):
    """3,000 tables of 56 tests in three families, in which nothing differs: at most 5 % have one that is called."""
    sizes = (1, 5, 50)
    families = {f"{i}.{j}": str(i) for i, size in enumerate(sizes) for j in range(size)}
    draws = stream("families", correction).random((3000, sum(sizes)))
    called = sum(
        min(p for p in adjust(dict(zip(families, row)), correction, families=families).values()) < 0.05 for row in draws
    )
    assert called / 3000 < 0.05 + 3 * np.sqrt(0.05 * 0.95 / 3000)


def test_false_calls_are_a_share_of_all_calls():
    """Half of 40 tests differ; of the calls at 10 %, at most a tenth are false on average."""
    generator, shares = stream("false-discoveries"), []
    for _ in range(500):
        p = np.where(np.arange(40) < 20, generator.beta(0.2, 8, 40), generator.random(40))
        called = [i for i, value in enumerate(adjust(named(p), "fdr").values()) if value < 0.1]
        shares.append(sum(i >= 20 for i in called) / max(len(called), 1))
    assert np.mean(shares) < 0.1


def test_what_is_no_correction():
    with pytest.raises(ConfigError, match="no correction 'home'") as caught:
        adjust({}, "home")
    assert "did you mean 'holm'" in caught.value.hint


def test_every_correction_has_words():
    told = [words(name, 12, 2, 3, "rules") for name in ("holm", "primary", "hierarchical", "fdr", "none")]
    assert len(set(told)) == 5 and "3 rules first" in told[2]
