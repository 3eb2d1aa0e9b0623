"""Which sounds fool a model: counts by hand, intervals against the binomial, and nothing where nothing can be said."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binomtest

from benchbed.metrics.fooled import SoundsPutIn, turned
from benchbed.stats.bootstrap import Bootstrap


def put_in(sounds, right, still):
    """Rows of clips that are recordings of their own."""
    own = np.arange(len(sounds))
    return SoundsPutIn(np.array(sounds), np.array(right, bool), np.array(still, bool), own, own)


def test_shares_are_of_clips_that_were_right():
    rows = put_in(["dog", "dog", "dog", "cat", "cat", "bell"], [1, 1, 0, 1, 1, 0], [0, 1, 0, 1, 1, 0])
    found = turned(rows, Bootstrap(6, draws=100))
    assert found["dog"].value == 0.5 and found["dog"].n == 2
    assert found["cat"].value == 0.0 and found["cat"].info.direction == "lower"
    assert found["bell"].value is None and found["bell"].reason == "no clip with this sound was right without it"


def test_a_clip_that_was_wrong_and_is_right_now_is_none_that_was_turned():
    found = turned(put_in(["dog", "dog"], [0, 1], [1, 1]), None)
    assert found["dog"].value == 0.0 and found["dog"].n == 1


def test_the_interval_is_as_wide_as_that_of_a_share():
    clips, random = 300, np.random.default_rng(0)
    sounds = np.array(["dog", "cat"] * (clips // 2))
    still = random.random(clips) > 0.3
    found = turned(put_in(sounds, np.ones(clips), still), Bootstrap(clips, draws=2000))
    for name, figure in found.items():
        mine = ~still[sounds == name]
        wilson = binomtest(int(mine.sum()), len(mine)).proportion_ci(method="wilson")
        assert figure.value == pytest.approx(mine.mean())
        assert figure.high - figure.low == pytest.approx(wilson.high - wilson.low, rel=0.1)


def test_draws_of_one_clip_are_one_clip_and_one_recording():
    one = np.zeros(4, int)
    rows = SoundsPutIn(np.array(["dog"] * 4), np.ones(4, bool), np.array([0, 1, 1, 1], bool), one, one)
    dog = turned(rows, Bootstrap(2, draws=100))["dog"]
    assert dog.value == 0.25 and dog.n == 1 and (dog.low is None or dog.low == dog.high == 0.25)
    twice = turned(SoundsPutIn.joined([rows, rows]), None)["dog"]
    assert twice.value == 0.25 and twice.n == 1
