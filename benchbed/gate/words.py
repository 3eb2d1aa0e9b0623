"""Findings in words: the figure, what it is held against, and what the test says."""

from __future__ import annotations

from benchbed.gate.distance import Slack
from benchbed.gate.rules import Rule


def sentence(
    subject: str, slack: Slack, allowed: str, p: float | None, *, alpha: float = 0.05, correction: str = "none"
) -> str:
    """One figure in words; where the interval and the corrected p seem to disagree, why.

    Examples
    --------
    >>> from benchbed.gate.distance import Slack
    >>> facts = {"value": 0.7, "baseline": 0.75, "unit": "fraction", "low": -0.08, "high": -0.02, "mde": 0.04,
    ...          "test": "paired bootstrap"}
    >>> sentence("accuracy", Slack(-0.05, facts=facts), "no loss", 0.01)
    '70.0 % against 75.0 %, −5.0 pt [−8.0, −2.0] (no loss), p = 0.010 by paired bootstrap, would find 4.0 pt'
    """
    facts = slack.facts
    unit = str(facts.get("unit", ""))
    value, base = facts.get("value"), facts.get("baseline")
    parts = [number(value, unit)] if value is not None else []
    if base is not None:
        parts.append(f"against {number(base, unit)}")
    text = " ".join(parts)
    if "relation" in facts:
        text = f"{text}, {facts['relation']:.4g}" if text else f"{facts['relation']:.4g}"
    elif base is not None and value is not None:
        text += f", {change(value - base, unit)}"
        if facts.get("low") is not None and facts.get("high") is not None:
            text += f" [{change(facts['low'], unit, bare=True)}, {change(facts['high'], unit, bare=True)}]"
    text += f" ({allowed})" if allowed else ""
    if p is not None:
        raw = p if slack.p_broken is None else slack.p_broken
        text += f", {p_words(raw)}" + (f" by {facts['test']}" if "test" in facts else "")
        if correction != "none" and p != raw:
            text += f", {p_words(p).removeprefix('p ').removeprefix('= ')} after {CORRECTED[correction]}"
        drawn, swapped = facts.get("p_bootstrap"), facts.get("p_swap")
        if drawn is not None and swapped is not None and drawn < alpha <= swapped:
            text += f" (the interval is of the bootstrap alone, {p_words(drawn)}; swaps give {swapped:.3f})"
        if facts.get("mde"):
            text += f", would find {change(facts['mde'], unit, sign=False)}"
    return text


#: Corrections in words.
CORRECTED = {
    "holm": "Holm",
    "primary": "Holm",
    "hierarchical": "Holm over rules and figures",
    "fdr": "Benjamini and Hochberg",
}


def p_words(p: float) -> str:
    """A p-value.

    Examples
    --------
    >>> p_words(0.021), p_words(1e-5)
    ('p = 0.021', 'p < 0.001')
    """
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}"


def margin_words(rule: Rule, slack: Slack) -> str:
    """What a rule allows."""
    unit = str(slack.facts.get("unit", ""))
    what = f"{rule.relation.replace('_', ' ')} " if rule.relation else ""
    shown = "" if rule.relation else unit
    for name, word in (("at_least", "at least"), ("more_than", "more than"), ("at_most", "at most")):
        limit = getattr(rule, name)
        if limit is not None:
            return f"{what}{word} {number(limit, shown)}"
    margin = rule.margin
    if margin is None or not (margin.absolute or margin.relative):
        return "no loss"
    if margin.relative is not None:
        return f"loss up to {100 * margin.relative:g} %"
    return f"loss up to {change(margin.absolute or 0.0, unit, sign=False)}"


def number(value: float, unit: str) -> str:
    """A figure in its unit.

    Examples
    --------
    >>> number(0.714, "fraction"), number(128000, "bytes"), number(29.42e6, "MACs")
    ('71.4 %', '128,000 bytes', '29,420,000 MACs')
    >>> number(0.00107, "s"), change(-0.0005, "s")
    ('1.07 ms', '−0.5 ms')
    """
    value, unit = _small(value, unit)
    if unit == "fraction":
        return f"{100 * value:.1f} %"
    if unit in ("bytes", "MACs", "parameters", "FLOPs"):
        return f"{value:,.0f} {unit}"
    return f"step {value:.4g}" if unit == "severity" else f"{value:.4g} {unit}".strip()


def change(value: float, unit: str, *, sign: bool = True, bare: bool = False) -> str:
    """A difference in its unit; fractions in points."""
    value, unit = _small(value, unit)
    form = "+" if sign else ""
    if unit == "fraction":
        text = f"{100 * value:{form}.1f}" + ("" if bare else " pt")
    else:
        shown = "steps" if unit == "severity" else unit
        text = f"{value:{form}.3g}" + ("" if bare or not shown else f" {shown}")
    return text.replace("-", "−")


def _small(value: float, unit: str) -> tuple[float, str]:
    """Times below a second in milliseconds."""
    return (1e3 * value, "ms") if unit == "s" and 0 < abs(value) < 1 else (value, unit)


def recordings(count: int) -> str:
    """A number of recordings.

    Examples
    --------
    >>> recordings(1), recordings(12)
    ('1 recording', '12 recordings')
    """
    return f"{count} recording{'' if count == 1 else 's'}"
