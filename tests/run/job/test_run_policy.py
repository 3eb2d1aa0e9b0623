"""What a run tolerates."""

from __future__ import annotations

import pytest

from benchbed.errors import ConfigError
from benchbed.run.job.policy import ErrorPolicy


@pytest.mark.parametrize(
    ("text", "failed", "total", "exceeded"),
    [
        ("true", 1, 1000, True),
        ("true", 0, 1000, False),
        ("3", 3, 10, False),
        ("3", 4, 10**6, True),
        ("0.01", 10, 1000, False),
        ("0.01", 11, 1000, True),
        ("0", 1, 10, True),
        ("0.0", 1, 10, True),
    ],
)
def test_policy(text, failed, total, exceeded):
    assert ErrorPolicy.parse(text).exceeded(failed, total) is exceeded


@pytest.mark.parametrize("text", ["", "no", "1.0", "-1", "1e9", "nan", "inf"])
def test_misunderstandings_are_errors(text):
    with pytest.raises(ConfigError, match="--fail-on-error"):
        ErrorPolicy.parse(text)
