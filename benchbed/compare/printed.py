"""Figures and differences as text: fractions as per cent, their differences in points."""

from __future__ import annotations

from benchbed.metrics.contract import MetricInfo


def figure(value: float | None, info: MetricInfo) -> str:
    """A value in its unit; fractions as per cent."""
    if value is None:
        return "–"
    return f"{100 * value:.1f}" if info.unit == "fraction" else f"{value:.4g}"


def difference(value: float | None, info: MetricInfo, *, sign: bool = True) -> str:
    """A difference in the unit of its metric; fractions in points.

    Examples
    --------
    >>> accuracy = MetricInfo("Accuracy", "accuracy", "fraction", "higher")
    >>> difference(-0.0312, accuracy), difference(0.0312, accuracy, sign=False), difference(None, accuracy)
    ('−3.1', '3.1', '–')
    """
    if value is None:
        return "–"
    scaled, form = (100 * value, ".1f") if info.unit == "fraction" else (value, ".3g")
    text = f"{scaled:{'+' if sign else ''}{form}}"
    return text.replace("-", "−")


def interval(low: float | None, high: float | None, info: MetricInfo) -> str:
    """The ends of an interval."""
    return "" if low is None and high is None else f"[{difference(low, info)}, {difference(high, info)}]"


def p_text(p: float | None) -> str:
    """A p-value."""
    return "–" if p is None else ("<0.001" if p < 0.001 else f"{p:.3f}")
