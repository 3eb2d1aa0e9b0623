"""What the exit codes say."""

from __future__ import annotations


def exit_codes() -> dict[str, str]:
    """Exit code → what it says.

    Examples
    --------
    >>> exit_codes()["3"]
    'could not measure: failures over policy, too few clips, a figure that a rule asks about is not there'
    """
    return {
        "0": "fine",
        "1": "a regression was shown (gate)",
        "2": "usage or configuration error, wrong or missing data, a damaged file",
        "3": "could not measure: failures over policy, too few clips, a figure that a rule asks about is not there",
        "4": "inconclusive, under --strict or where a rule asks for non-inferiority",
    }
