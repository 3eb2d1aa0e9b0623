"""What a run tolerates."""

from __future__ import annotations

import pytest

from benchbed.errors import ConfigError
from benchbed.run.job.policy import ErrorPolicy, Tally


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
    assert bool(ErrorPolicy.parse(text).exceeded([Tally("cell", failed, total)])) is exceeded


def test_a_share_holds_for_every_cell_by_itself():
    tallies = [Tally(f"cell{i}", 0, 100) for i in range(19)] + [Tally("one", 14, 100), Tally("two", 1, 100)]
    assert [t.cell for t in ErrorPolicy.parse("0.01").exceeded(tallies)] == ["one"]  # 15 of 2100 are 0.7 % of all
    assert [t.cell for t in ErrorPolicy.parse("14").exceeded(tallies)] == ["one", "two"]
    assert ErrorPolicy.parse("15").exceeded(tallies) == []


@pytest.mark.parametrize("text", ["", "no", "1.0", "-1", "1e9", "nan", "inf"])
def test_misunderstandings_are_errors(text):
    with pytest.raises(ConfigError, match="--fail-on-error"):
        ErrorPolicy.parse(text)
