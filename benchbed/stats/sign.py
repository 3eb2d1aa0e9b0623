"""The sign test: whether gains outnumber losses by more than chance."""

from __future__ import annotations


def sign_test(gains: int, losses: int) -> float:
    """Probability of at least so many gains among all that changed, if either is as likely (one-sided).

    `scipy.stats.binomtest` says the same, but takes a second to import.

    Examples
    --------
    >>> sign_test(3, 2), sign_test(5, 0), sign_test(0, 0)
    (0.5, 0.03125, 1.0)
    """
    from scipy.special import bdtrc

    return float(bdtrc(gains - 1, gains + losses, 0.5)) if gains else 1.0
