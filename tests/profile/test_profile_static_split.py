"""Splits against a cut that is declared beforehand: times by hand, mean gain, and places that are none."""

from __future__ import annotations

import pytest

from benchbed.cli import main
from benchbed.errors import ConfigError
from benchbed.profile.split import CutPlace, best_split, mean_gain, static_seconds

CUTS = [CutPlace("early", 0.1, 4000), CutPlace("late", 0.6, 500)]
SIZE, TOTAL = 8000, 1.0


def fixed(layer, rate, **more):
    return static_seconds(CUTS, SIZE, TOTAL, layer, bytes_per_second=rate, server_speedup=10, **more)


def test_times_of_a_declared_cut_by_hand():
    assert fixed("early", 10_000) == pytest.approx(0.1 + 0.4 + 0.09)
    assert fixed("late", 10_000, batch=4) == pytest.approx(4 * (0.6 + 0.05 + 0.04))
    assert fixed("input", 10_000) == pytest.approx(0.8 + 0.1) and fixed("output", 10_000) == pytest.approx(1.0)


def test_the_gain_is_the_mean_over_scenarios_of_the_source():
    """G = (1/N) Σ |T(best) − T(static)| / T(static) over pairs of batch and rate (MARVEL D3.1, 7.15)."""
    rates = (1_000, 10_000, 1_000_000)
    best = [best_split(CUTS, SIZE, TOTAL, bytes_per_second=rate, server_speedup=10).seconds for rate in rates]
    static = [fixed("early", rate) for rate in rates]
    # 1 kB/s: nothing is sent (1.0, against 4.19); 10 kB/s and 1 MB/s by hand below.
    assert best == pytest.approx([1.0, 0.59, 0.108]) and static == pytest.approx([4.19, 0.59, 0.194])
    assert mean_gain(best, static) == pytest.approx((3.19 / 4.19 + 0 + 0.086 / 0.194) / 3)
    assert all(one <= other + 1e-12 for one, other in zip(best, static))


def test_a_place_that_is_none_suggests_the_nearest():
    with pytest.raises(ConfigError, match="no place 'erly'") as caught:
        fixed("erly", 1000)
    assert "early" in caught.value.hint


def code(words):
    with pytest.raises(SystemExit) as caught:
        main(words)
    return caught.value.code


def test_at_the_terminal(capsys):
    call = ["profile", "--model", "phinet", "--set", "weights=random", "--set", "arch=1d_m0.07", "--no-latency"]
    assert code([*call, "--no-isolate", "--link", "100000", "--static-cut", "body.1"]) == 0
    said = capsys.readouterr().err
    assert "over the static cut" in said and "ean gain" in said
    assert code([*call, "--no-isolate", "--link", "100000", "--static-cut", "nowhere"]) == 2
    assert "no place 'nowhere'" in capsys.readouterr().err
    assert code([*call, "--static-cut", "body.1"]) == 2
    assert "--static-cut is about a link" in capsys.readouterr().err
