"""The bootstrap against the reference package, its known distribution, and its coverage on grouped data."""

from __future__ import annotations

import numpy as np
import pytest

from benchbed.errors import ConfigError
from benchbed.metrics.families.classification import family
from benchbed.stats.bootstrap import Bootstrap, quantile_levels
from benchbed.stats.jackknife import leave_one_out


def test_a_replicate_from_sums_equals_the_metric_of_the_resampled_clips() -> None:
    # The reference package draws the clips; the same draw as weights on sums must give the same metric.
    from confidence_intervals.confidence_intervals import get_bootstrap_indices
    from sklearn.metrics import balanced_accuracy_score

    generator = np.random.default_rng(0)
    scores, target = generator.dirichlet(np.ones(5), 300), generator.integers(0, 5, 300)
    metrics = family(tuple("abcde"))
    rows = metrics.statistics(scores, target)
    for state in range(20):
        drawn = get_bootstrap_indices(300, random_state=state)
        weights = np.bincount(drawn, minlength=300)
        found = metrics.values(weights @ rows)["macro_accuracy"]
        assert float(found) == pytest.approx(balanced_accuracy_score(target[drawn], scores.argmax(axis=1)[drawn]))


def test_percentile_interval_equals_the_reference_package_up_to_monte_carlo() -> None:
    # Clips of a condition share their value here: the package resamples inside conditions too, which then changes
    # nothing, so both draw the same distribution.
    from confidence_intervals import evaluate_with_conf_int

    group = np.repeat(np.arange(25), 4)
    loss = np.random.default_rng(1).exponential(size=25)[group]
    _, (low, high) = evaluate_with_conf_int(loss, np.mean, conditions=group, num_bootstraps=400, alpha=5)
    bootstrap = Bootstrap(25, 5000, "oracle", method="percentile")
    sums = np.column_stack([np.bincount(group, loss), np.bincount(group)])
    replicates = bootstrap.replicates(sums)
    found = bootstrap.interval(replicates[:, 0] / replicates[:, 1])
    # A 2.5 % quantile of 400 draws is known to √(.025 · .975 / 400) / .0584 = 0.134 standard errors of the mean.
    tolerance = 3 * 0.134 * loss.std() / np.sqrt(25)
    assert found.low == pytest.approx(low, abs=tolerance)
    assert found.high == pytest.approx(high, abs=tolerance)


def test_weights_are_multinomial() -> None:
    weights = np.concatenate(list(Bootstrap(40, 2000, "moments").weights())).astype(float)
    assert weights.shape == (2000, 40)
    assert (weights.sum(axis=1) == 40).all()
    assert weights.var(axis=0).mean() == pytest.approx(1 - 1 / 40, rel=0.02)
    assert np.cov(weights.T)[np.triu_indices(40, 1)].mean() == pytest.approx(-1 / 40, rel=0.1)


def test_draws_depend_on_name_seed_and_groups_and_on_nothing_else() -> None:
    def first(**changes: object) -> list:
        return next(Bootstrap(**{"groups": 30, "draws": 100, "name": "a", "seed": 0, **changes}).weights()).tolist()

    assert first() == first(level=0.9) == first(method="basic")
    assert first() != first(name="b")
    assert first() != first(seed=1)
    assert first() == first(draws=250)[:100]


def test_parts_are_paired_with_the_whole() -> None:
    generator = np.random.default_rng(2)
    sums, group = generator.random((50, 3)), generator.integers(0, 20, 50)
    bootstrap = Bootstrap(20, 130, "parts")
    rows = np.arange(50) < 30
    parts = bootstrap.replicates_of_parts(sums, group, [np.flatnonzero(rows), np.flatnonzero(~rows)])
    np.testing.assert_allclose(parts.sum(axis=0), bootstrap.replicates(sums, group), atol=1e-12)
    direct = np.concatenate(list(bootstrap.weights()))[:, group].astype(float) @ sums
    np.testing.assert_allclose(bootstrap.replicates(sums, group), direct, atol=1e-12)


def test_large_sets_are_drawn_without_being_kept() -> None:
    bootstrap = Bootstrap(60_000, 100, "large")
    replicates = bootstrap.replicates(np.ones((60_000, 1)))
    assert (replicates == 60_000).all()


def test_expanded_quantiles_by_hand() -> None:
    # Ten groups: t(9, .025) = −2.2622; times √(10/9) = −2.3846; Φ = 0.00855.
    assert quantile_levels(0.95, 10)[0] == pytest.approx(0.00855, abs=5e-6)
    # With many groups it is the plain percentile.
    assert quantile_levels(0.95, 10**6)[0] == pytest.approx(0.025, abs=1e-6)


def test_methods_on_a_symmetric_mean_agree_and_basic_mirrors_percentile() -> None:
    generator = np.random.default_rng(3)
    sums = generator.standard_normal((200, 1))
    value = float(sums.mean())
    replicates = Bootstrap(200, 2000, "m").replicates(sums)[:, 0] / 200

    def ends(method: str) -> tuple[float, float]:
        without = leave_one_out(sums, lambda s: s[..., 0] / 199)
        found = Bootstrap(200, 2000, "m", method=method).interval(replicates, value=value, jackknife=without)
        return found.low, found.high

    low, high = ends("percentile")
    assert ends("basic") == pytest.approx((2 * value - high, 2 * value - low))
    error = float(sums.std()) / np.sqrt(200)
    for method in ("bca", "expanded"):
        assert ends(method) == pytest.approx((low, high), abs=0.25 * error)


def test_bca_equals_scipy() -> None:
    from scipy.stats import bootstrap as oracle

    sample = np.random.default_rng(4).exponential(size=40)
    found = Bootstrap(40, 20_000, "bca", method="bca")
    replicates = found.replicates(sample[:, None])[:, 0] / 40
    without = (sample.sum() - sample) / 39
    interval = found.interval(replicates, value=float(sample.mean()), jackknife=without)
    expected = oracle((sample,), np.mean, method="BCa", n_resamples=20_000, rng=0).confidence_interval
    assert (interval.low, interval.high) == pytest.approx((expected.low, expected.high), abs=0.02)


@pytest.mark.parametrize(
    ("replicates", "groups", "reason"),
    [
        (np.linspace(0, 1, 100), 1, "1 recording group: nothing to resample"),
        (np.full(100, 0.5), 10, "every draw gives the same value"),
        (np.r_[np.full(15, np.nan), np.linspace(0, 1, 85)], 10, "undefined in 15 of 100 draws"),
        (np.full(100, np.inf), 10, "every draw gives the same value"),
    ],
)
def test_no_interval_without_a_reason(replicates: np.ndarray, groups: int, reason: str) -> None:
    found = Bootstrap(10, 100).interval(replicates, groups=groups)
    assert (found.low, found.high, found.reason) == (None, None, reason)


def test_an_end_beyond_what_was_measured_is_open() -> None:
    replicates = np.r_[np.linspace(1, 3, 90), np.full(10, np.inf)]
    found = Bootstrap(50, 100).interval(replicates)
    assert found.low == pytest.approx(1.03, abs=0.05)
    assert found.high is None
    assert found.reason == "the upper end lies beyond what was measured"


def test_percentiles_equal_numpy() -> None:
    values = np.random.default_rng(6).standard_normal(997)
    found = Bootstrap(30, 997, method="percentile").interval(values)
    assert (found.low, found.high) == pytest.approx(
        tuple(np.quantile(values, [0.025, 0.975], method="weibull")), abs=1e-15
    )


def test_no_draws_turn_intervals_off() -> None:
    assert Bootstrap(10, 0).interval(np.array([])).reason == "intervals are turned off"


@pytest.mark.parametrize("wrong", [{"level": 1.0}, {"level": 0.3}, {"draws": 5}, {"draws": -1}, {"groups": -1}])
def test_impossible_settings_are_refused(wrong: dict) -> None:
    with pytest.raises(ConfigError):
        Bootstrap(**{"groups": 10, **wrong})


def test_rows_that_do_not_fit_the_groups_are_refused() -> None:
    with pytest.raises(ConfigError, match="3 rows of statistics for 2 groups"):
        Bootstrap(2, 100).replicates(np.ones((3, 1)))


def test_intervals_cover_on_grouped_data_and_ignoring_groups_does_not() -> None:
    # 400 data sets of 60 recordings × 10 clips; the share of right clips differs between recordings (Beta(2, 2), true
    # mean 0.5, correlation 0.2). Standard error of a coverage of 95 %: 1.1 points.
    generator, clips, groups, held, naive = np.random.default_rng(5), 10, 60, 0, 0
    for number in range(400):
        right = generator.binomial(clips, generator.beta(2, 2, groups))
        bootstrap = Bootstrap(groups, 400, f"coverage {number}")
        interval = bootstrap.interval(bootstrap.replicates(right[:, None].astype(float))[:, 0] / (clips * groups))
        held += interval.low <= 0.5 <= interval.high
        mean = right.sum() / (clips * groups)
        naive += abs(mean - 0.5) <= 1.96 * np.sqrt(mean * (1 - mean) / (clips * groups))
    assert 0.92 <= held / 400 <= 0.98
    assert naive / 400 < 0.85


def test_infinite_draws_are_spread_and_not_one_value():
    replicates = np.array([-np.inf] * 10 + [5.0] * 95 + [np.inf] * 95)
    found = Bootstrap(50, draws=200).interval(replicates)
    assert found.reason != "every draw gives the same value"
    assert "beyond what was measured" in found.reason
