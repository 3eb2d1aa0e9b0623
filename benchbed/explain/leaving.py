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
        "70": "an error that benchbed did not foresee, or one of several models failed so; others have their runs",
        "130": "interrupted by Ctrl-C (143 by SIGTERM); the same command continues where it was",
        "141": "whoever read the output has gone",
    }
