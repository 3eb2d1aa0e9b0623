"""Whether one robustness foretells another over models whose figures are known, and claims that are decided by it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import yaml
from made_runs import answers, made_run, recordings

from benchbed.api.claims import judged
from benchbed.compare.claims import judge, read_claims
from benchbed.compare.foretelling import foretelling, kept, one_each
from benchbed.errors import BenchbedError
from benchbed.report.foretold import foretold_panel
from benchbed.results.foretelling import KINDS
from benchbed.results.record import Cell, Condition, Counts, Result, Value
from benchbed.results.store import read


def value(number: float, direction: str = "higher") -> Value:
    return Value(value=number, n=100, direction=direction, unit="fraction", rule="r", title="t")


@pytest.fixture(scope="module")
def template(tmp_path_factory) -> Result:
    target, group = recordings(30, 1)
    folder = tmp_path_factory.mktemp("runs")
    made_run(folder / "a", {"clean": answers(np.ones(30, bool), target)}, target, group)
    return read(next(folder.rglob("result.json")))


@pytest.fixture
def made(template):
    """A run of a model that keeps so much in noise and under attack."""

    def make(name: str, family: str, noise: float, attack: float, clean: float = 0.8, budget: float = 30.0) -> Result:
        one = template.model_copy(deep=True)
        one.model.name, one.model.family = name, family
        one.cells[0].metrics[one.primary] = value(clean)
        one.scores["robustness:group/noise"] = value(noise * clean)
        one.scores["robustness:group/codec"] = value((1 - noise) * clean)
        condition = Condition(kind="attack", name="apgd", parameter=budget, unit="dB SNR, whole clip")
        one.cells.append(
            Cell(
                key=f"scene/test/apgd@l2:{budget:g}dB",
                task="scene",
                split="test",
                condition=condition,
                counts=Counts(clips=30, scored=30, failed=0),
                metrics={"attack_success_rate": value(1 - attack, "lower"), "robust_accuracy": value(attack)},
            )
        )
        return one

    return make


def test_each_kind_is_a_share_of_the_clean_figure(made):
    shares = kept(made("a", "cnn", 0.5, 0.25, clean=0.4))
    assert {kind: round(share.value, 6) for kind, share in shares.items()} == {
        "noise": 0.5,
        "codec": 0.5,
        "adversarial": 0.25,
    }


def test_folds_are_averaged(made):
    """Clean 0.8 as the mean over folds; noise leaves 0.2 in one fold and 0.6 in the other, so half is kept."""
    one = made("a", "cnn", 0.5, 0.25)
    del one.scores["robustness:group/noise"]
    first, attacked = one.cells[0], one.cells[-1]
    first.split = "fold1"
    second = first.model_copy(deep=True)
    second.split, second.key, attacked.split = "fold2", "scene/fold2/clean", "fold2"
    first.metrics[one.primary], second.metrics[one.primary] = value(0.6), value(1.0)
    one.cells[:] = [first, second, attacked]
    one.scores[one.primary] = value(0.8)
    one.scores["robustness:fold1:group/noise"], one.scores["robustness:fold2:group/noise"] = value(0.2), value(0.6)
    assert kept(one)["noise"].value == pytest.approx(0.5)
    assert kept(one)["noise"].n == 200 and kept(one)["noise"].low is None
    del one.scores["robustness:fold2:group/noise"]
    assert "noise" not in kept(one), "a fold without the figure is no mean over folds"


def test_orders_of_models_are_correlated_kind_by_kind(made):
    models = [made(f"m{i}", "cnn" if i % 2 else "transformer", 0.1 * i, 0.05 * i) for i in range(1, 9)]
    seen = foretelling(models)
    pairs = {(pair.one, pair.other): pair for pair in seen.pairs}
    assert pairs["noise", "adversarial"].value == 1.0 and pairs["noise", "codec"].value == -1.0
    assert pairs["noise", "adversarial"].n == 8 and pairs["noise", "adversarial"].low > 0
    assert ("noise", "device") not in pairs
    noise = next(one for one in seen.families if one.kind == "noise")
    # Transformers have 0.2, 0.4, 0.6, 0.8; CNNs 0.1, 0.3, 0.5, 0.7: Welch's interval of scipy.
    from scipy.stats import ttest_ind

    known = ttest_ind([0.2, 0.4, 0.6, 0.8], [0.1, 0.3, 0.5, 0.7], equal_var=False).confidence_interval(0.95)
    assert (noise.difference, noise.low, noise.high) == pytest.approx((0.1, known.low, known.high))
    panel = foretold_panel("board", seen)
    assert any("m8" in str(chart) for _, chart in panel.charts)


def test_only_budgets_that_all_models_have_count(made):
    one, other = made("a", "cnn", 0.5, 0.9), made("b", "cnn", 0.4, 0.2)
    harder = made("x", "cnn", 0.5, 0.1, budget=10.0).cells[-1]
    one.cells.append(harder)
    shares = {model.name: model.shares["adversarial"].value for model in foretelling([one, other]).models}
    assert shares == pytest.approx({"a": 0.9, "b": 0.2})


def test_cells_with_failed_checks_and_noise_do_not_count(made):
    run = made("a", "cnn", 0.5, 0.9)
    run.cells[-1].ranked = False
    assert "adversarial" not in kept(run)


def test_what_answers_alone_left_is_no_robustness_beside_what_gradients_left(made):
    run = made("a", "cnn", 0.5, 0.9)
    run.cells[-1].condition.facts["attacker"] = "answers alone"
    assert "adversarial" not in kept(run)


def test_of_several_runs_of_a_model_the_newest_counts(made):
    old, new = made("a", "cnn", 0.1, 0.1), made("a", "cnn", 0.9, 0.9)
    old.provenance.created, new.provenance.created = "2020-01-01", "2021-01-01"
    assert one_each([new, old]) == [new]


def test_kinds_that_a_run_may_have_are_those_that_are_told(made):
    assert set(kept(made("a", "cnn", 0.5, 0.5))) < set(KINDS)


def test_one_model_says_nothing(made):
    assert foretelling([made("a", "cnn", 0.5, 0.5)]) is None


def claim(tmp_path: Path, **changes) -> Path:
    made = {
        "id": "c",
        "text": "They do not translate.",
        "source": "s",
        "where": "w",
        "needs": "eight models",
        "test": {
            "kind": "association",
            "one": "noise",
            "other": "adversarial",
            "supported": {"high_below": 0.5},
            "contradicted": {"low_above": 0.0},
            "models": 8,
        },
    }
    made |= changes
    (tmp_path / "c.yaml").write_text(yaml.safe_dump(made))
    return tmp_path


@pytest.mark.parametrize(
    ("attacks", "models", "verdict"),
    [
        ([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12], 12, "contradicted"),
        ([12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1], 12, "supported"),
        ([6, 3, 9, 1, 12, 7, 2, 11, 5, 8, 4, 10], 12, "undecided"),
        ([1, 2, 3, 4], 4, "not run"),
    ],
)
def test_a_claim_is_decided_by_the_interval_that_its_file_declares(tmp_path, made, attacks, models, verdict):
    runs = [made(f"m{i}", "cnn", 0.05 * i, 0.05 * attacks[i - 1]) for i in range(1, models + 1)]
    found = judge(read_claims(claim(tmp_path)), runs)
    assert [one.verdict for one in found] == [verdict]
    assert "Spearman's rho of noise and adversarial robustness" in found[0].told


def test_without_runs_a_claim_is_not_run(tmp_path):
    found = judge(read_claims(claim(tmp_path)), [])
    assert found[0].verdict == "not run" and "eight models" in found[0].told


@pytest.mark.parametrize(
    ("changes", "match"),
    [({"test": {"kind": "vibes"}}, "test.one"), ({"extra": 1}, "extra"), ({"text": None}, "text")],
)
def test_a_file_that_is_no_claim_is_refused(tmp_path, changes, match):
    with pytest.raises(BenchbedError, match=match):
        read_claims(claim(tmp_path, **changes))


def test_a_test_that_nobody_knows_is_refused(tmp_path):
    place = claim(tmp_path)
    text = (place / "c.yaml").read_text().replace("kind: association", "kind: vibes")
    (place / "c.yaml").write_text(text)
    with pytest.raises(BenchbedError, match="no test 'vibes'"):
        read_claims(place)


def test_shipped_claims_are_claims(repository, template, tmp_path):
    assert len(read_claims(repository / "suites" / "claims")) >= 2
    found = judged([], repository / "suites" / "claims")
    assert {one.verdict for one in found} == {"not run"}
