"""The sign test against scipy's binomial test."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from benchbed.stats.sign import sign_test


@given(st.integers(0, 300), st.integers(0, 300))
def test_it_is_the_binomial_test_of_a_half(gains, losses):
    whole = gains + losses
    expected = binomtest(gains, whole, alternative="greater").pvalue if whole else 1.0
    assert sign_test(gains, losses) == pytest.approx(expected, rel=1e-9)
