"""The bootstrap against the reference package, its known distribution, and its coverage on grouped data."""

from __future__ import annotations

import numpy as np
import pytest

from benchbed.errors import ConfigError
from benchbed.metrics.families.classification import family
from benchbed.stats import bootstrap
from benchbed.stats.bootstrap import Bootstrap, degrees_of_freedom, quantile_levels
from benchbed.stats.jackknife import leave_one_out
from benchbed.stats.replicates import Replicates


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


def test_the_centred_interval_by_hand() -> None:
    # 999 draws at the quantiles k/1000 of a normal distribution around 0.5, of a value of 0: the share s of the draws
    # is 0.5 + Φ⁻¹(s). Their mean, 0.5, is bias but for two of its standard errors. With the outer draws at ±1.96 their
    # standard deviation is √(0.95 − 2 · 1.96 · φ(1.96) + 0.05 · 1.96²) = √(0.95 − 0.2291 + 0.1921) = 0.9555.
    from scipy.special import ndtri

    replicates = 0.5 + ndtri(np.arange(1, 1000) / 1000)
    chance = 2 * 0.9555 / np.sqrt(999)
    assert Replicates(replicates, 0.0).bias == pytest.approx(0.5 - chance, abs=2e-4)
    found = Bootstrap(400, 999).interval(replicates, value=0.0)
    # With 400 groups the degrees of freedom are 399: t = 1.9659, times √(400/399).
    reach = 1.9659 * np.sqrt(400 / 399)
    assert (found.low, found.high) == pytest.approx((chance - reach, chance + reach), abs=2e-3)


def test_chance_of_the_draws_is_no_bias() -> None:
    sums = np.random.default_rng(7).standard_normal((400, 1))
    value = float(sums.mean())
    replicates = Bootstrap(400, 1000, "fair").replicates(sums)[:, 0] / 400
    centred, expanded = (
        Bootstrap(400, 1000, "fair", method=m).interval(replicates, value=value) for m in ("centred", "expanded")
    )
    assert (centred.low, centred.high) == (expanded.low, expanded.high)


def test_degrees_of_freedom_are_those_of_the_influences() -> None:
    # A mean has the influences (x − x̄)/G, of which Satterthwaite's formula is computed here directly.
    generator = np.random.default_rng(8)
    for sample in (generator.standard_normal(100), generator.standard_t(3, 100), np.repeat([1.0, 0.0], [10, 90])):
        boot = Bootstrap(100, 4000, "freedom")
        drawn = boot.replicates(sample[:, None])[:, 0] / 100
        square, fourth = (np.sum((sample - sample.mean()) ** k) for k in (2, 4))
        expected = min(99.0, 2 * square**2 / (fourth - square**2 / 100))
        assert degrees_of_freedom([boot], drawn, 100) == pytest.approx(expected, rel=0.25)


def test_degrees_of_freedom_of_a_macro_average_near_those_of_welch() -> None:
    # Five recordings of one class and 95 of another, both with variance 1 and the same weight: Welch's formula gives
    # (1/5 + 1/95)² / ((1/5)²/4 + (1/95)²/94) = 4.4 degrees of freedom, not 99.
    generator, found = np.random.default_rng(9), []
    label = np.repeat([0, 1], [5, 95])
    for number in range(60):
        one_hot = np.eye(2)[label]
        sums = np.hstack([one_hot * generator.standard_normal(100)[:, None], one_hot])
        boot = Bootstrap(100, 1000, f"welch {number}")
        drawn = boot.replicates(sums)
        held = (drawn[:, 2:] > 0).all(axis=1)
        means = np.divide(drawn[:, :2], drawn[:, 2:], where=drawn[:, 2:] > 0, out=np.zeros((1000, 2)))
        replicates = np.where(held, means.mean(axis=1), means[:, 1] / 2)
        found.append(degrees_of_freedom([boot], replicates, 100))
    assert 3 < np.median(found) < 9


def test_draws_of_something_else_say_nothing_about_freedom() -> None:
    boot = Bootstrap(50, 1000, "one")
    drawn = Bootstrap(50, 1000, "other").replicates(np.random.default_rng(10).standard_normal((50, 1)))[:, 0]
    assert degrees_of_freedom([boot], drawn, 50) == 49
    assert degrees_of_freedom([boot], np.full(1000, 0.5), 50) == 49
    assert degrees_of_freedom([boot], np.r_[drawn[:-1], np.nan], 50) == 49
    assert degrees_of_freedom([Bootstrap(50, 500, "one")], drawn, 50) == 49


def test_draws_of_several_splits_join() -> None:
    generator = np.random.default_rng(11)
    boots = [Bootstrap(30, 2000, f"split {i}") for i in range(2)]
    sums = [generator.standard_normal(30) * scale for scale in (1.0, 0.01)]
    drawn = sum(boot.replicates(part[:, None])[:, 0] for boot, part in zip(boots, sums))
    # Nearly all of the spread is that of the first split's 30 recordings.
    assert degrees_of_freedom(boots, drawn, 60) < 40


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


def test_columns_that_are_nearly_all_zero_are_drawn_as_dense_ones_are(monkeypatch: pytest.MonkeyPatch) -> None:
    generator = np.random.default_rng(4)
    counts = (generator.random((40, 30)) < np.where(np.arange(30) % 2, 0.02, 0.6)) * 1.0
    draw = Bootstrap(40, name="thin")
    dense = [draw.replicates(counts, counts=exact) for exact in (False, True)]
    monkeypatch.setattr(bootstrap, "LARGE", 1)
    thin = [draw.replicates(counts, counts=exact) for exact in (False, True)]
    assert all(np.array_equal(dense[0], other) for other in (dense[1], *thin))
    # Rows by the few, as those of a large table are looked at.
    monkeypatch.setattr(bootstrap, "ROWS", 7)
    some = np.array([1, 3])
    for exact in (False, True):
        assert np.array_equal(draw.replicates(counts, counts=exact), dense[0])
        assert np.array_equal(draw.replicates(counts, None, some, counts=exact)[:, some], dense[0][:, some])


@pytest.mark.parametrize("most", [0, bootstrap.FEW_COPIES])
@pytest.mark.parametrize("large", [1, 2**24])
def test_replicates_of_counts_are_those_of_any_sums(monkeypatch: pytest.MonkeyPatch, most: int, large: int) -> None:
    monkeypatch.setattr(bootstrap, "FEW_COPIES", most)
    counts = np.random.default_rng(2).integers(0, 9, (30, 4)).astype(np.float64) * large
    boot = Bootstrap(30, draws=250, name=f"counts {most} {large}")
    found = boot.replicates_of_counts(counts)
    assert found.shape == (4, 250) and (found == boot.replicates(counts).T).all()
    with pytest.raises(ConfigError, match="29 rows"):
        boot.replicates_of_counts(counts[1:])
