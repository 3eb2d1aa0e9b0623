"""Figures of attacks against values worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from benchbed.metrics.adversarial import Flags, adversarial_gap, cell_figures, half_level, smallest_attack
from benchbed.stats.bootstrap import Bootstrap

#: Ten clips of ten recordings, of which eight are right when clean.
CLIPS, RIGHT, CHANCE = 10, 8, 0.1


def flags(kept: int, draws: int = 0) -> Flags:
    """The first `kept` clips hold."""
    first = np.arange(CLIPS)
    values = {"clean": first < RIGHT, "noise": first < kept, "robust": first < kept}
    return Flags(first, values, Bootstrap(CLIPS, draws=draws))


def levels(draws: int = 0, **kept: int) -> dict[float, Flags]:
    """`dB40=5`: at 40 dB five clips hold."""
    return {float(name.removeprefix("dB")): flags(count, draws) for name, count in kept.items()}


def test_the_gap_is_the_distance_of_the_two_half_levels():
    # Half of what lies above chance: 0.1 + (0.8 − 0.1) / 2 = 0.45.
    noise, noisy = half_level(levels(dB20=8, dB10=6, dB0=3), "robust", CHANCE)
    attack, attacked = half_level(levels(dB50=8, dB40=5, dB30=3), "robust", CHANCE)
    # Noise: from 0.6 at 10 dB to 0.3 at 0 dB, half way. Attack: from 0.5 at 40 dB to 0.3 at 30 dB, a quarter of it.
    assert (noise.value, attack.value) == (pytest.approx(5.0), pytest.approx(37.5))
    gap = adversarial_gap(attack, attacked, noise, noisy, flags(RIGHT))
    assert gap.value == pytest.approx(32.5) and gap.info.unit == "dB"


@pytest.mark.parametrize(
    ("kept", "reason"),
    [
        ({"dB50": 4, "dB40": 2}, "half is lost at 50 dB already"),
        ({"dB50": 8, "dB40": 7}, "half is still there at 40 dB"),
    ],
)
def test_a_half_level_beyond_what_was_tried_is_a_bound_and_no_number(kept, reason):
    noise, noisy = half_level(levels(dB20=8, dB0=1), "robust", CHANCE)
    attack, attacked = half_level(levels(**kept), "robust", CHANCE)
    gap = adversarial_gap(attack, attacked, noise, noisy, flags(RIGHT))
    assert attack.value is None and attack.reason == reason
    assert gap.value is None and reason in gap.reason


def test_the_gap_pairs_the_draws_of_attack_and_noise():
    noise, noisy = half_level(levels(200, dB20=8, dB10=6, dB0=0), "robust", CHANCE)
    same = adversarial_gap(noise, noisy, noise, noisy, flags(RIGHT, 200))
    # Of an attack no better than noise the gap is nothing in every draw, however wide the levels scatter.
    assert same.value == 0.0
    assert np.nanstd(noisy[np.isfinite(noisy)]) > 0.0


def test_the_success_rate_counts_clips_that_were_right_and_the_accuracy_counts_all():
    found = cell_figures(flags(2))
    assert found["robust_accuracy"].value == pytest.approx(2 / 10)
    assert found["clean_accuracy"].value == pytest.approx(8 / 10)
    assert found["attack_success_rate"].value == pytest.approx(6 / 8) and found["attack_success_rate"].n == 8


def test_the_smallest_attack_is_a_median_that_counts_unbroken_clips_below_all():
    assert smallest_attack(np.array([40.0, 30.0, 20.0, -np.inf, -np.inf])).value == 20.0
    nothing = smallest_attack(np.array([40.0, -np.inf, -np.inf]))
    assert nothing.value is None and "fewer than half" in nothing.reason and nothing.note == "1 of 3 clips were broken"
    assert smallest_attack(np.array([])).value is None
