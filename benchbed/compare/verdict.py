"""A comparison in plain sentences: who is better on clean audio, under how many perturbations, and given the start."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from benchbed.compare.answer import Contrast
from benchbed.compare.pairings import Pairing
from benchbed.compare.printed import difference, figure, interval, p_text
from benchbed.compare.sides import Mixed
from benchbed.metrics.contract import MetricInfo
from benchbed.results.conditions import spoken

#: Conditions that are named in a sentence.
NAMED = 3


def sentences(pairing: Pairing, settings: Mapping[str, str], power: float) -> list[str]:
    """What a pairing says in the metric that ranks, in sentences.

    Parameters
    ----------
    pairing : Pairing
        Its verdicts must stand already.
    settings : mapping of str to str
        Condition → its strength in its unit.
    power : float
        Power of the smallest difference that would have been found.
    """
    rows = _rows(pairing)
    clean = [row for row in rows if row[0].figure.condition == "clean"]
    perturbed = [row for row in rows if row[0].figure.condition != "clean"]
    said = [_clean(pairing, *clean[0], power)] if clean else []
    if perturbed:
        said.append(_perturbed(pairing, perturbed, settings))
    whole = next((r for r in pairing.robustness if r.name == "all corruptions" and r.matched is not None), None)
    if whole is not None and whole.matched is not None:
        value, low, high = whole.matched
        info = MetricInfo("", "", "fraction", "higher")
        apart = low is not None and high is not None and (low > 0 or high < 0)
        ahead = pairing.a if value > 0 else pairing.b
        shown = f"{ahead} loses less" if apart else "not shown to differ"
        said.append(
            f"Over all corruptions and from the same clean score, {pairing.a} − {pairing.b} would be "
            f"{difference(value, info)} points {interval(low, high, info)}: {shown}."
        )
    return said


def _rows(pairing: Pairing) -> list[tuple[Contrast | Mixed, float | None, str]]:
    """Differences of all clips in the metric that ranks, with their p-values and verdicts."""
    rows: list[tuple[Contrast | Mixed, float | None, str]] = [
        (row.contrast, row.p, row.verdict) for row in pairing.rows
    ]
    rows += list(zip(pairing.mixed, pairing.mixed_p, pairing.mixed_verdicts))
    return [row for row in rows if row[0].metric == pairing.primary and row[0].figure.group is None]


def _clean(pairing: Pairing, row: Contrast | Mixed, p: float | None, verdict: str, power: float) -> str:
    a, b, title = pairing.a, pairing.b, _lower(row.info.title or row.metric)
    ends = row.spread if isinstance(row, Mixed) else row
    if verdict == "unmeasured" or ends is None or ends.value is None:
        return f"On clean audio {a} and {b} could not be compared in {title}: {row.reason or 'no test'}."
    values = [sum(v) / len(v) for v in (row.values_a, row.values_b)] if isinstance(row, Mixed) else [row.a, row.b]
    unit = " %" if row.info.unit == "fraction" else f" {row.info.unit}".rstrip()
    apart = " points" if row.info.unit == "fraction" else unit
    by = (
        f"{figure(values[0], row.info)} against {figure(values[1], row.info)}{unit}, a difference of "
        f"{difference(ends.value, row.info)}{apart} {interval(ends.low, ends.high, row.info)}".rstrip()
    )
    if verdict == "tie":
        found = difference(row.mde, row.info, sign=False)
        reach = f"; a true difference of {found}{apart} would be found with power {power:g}" if row.mde else ""
        return f"On clean audio {a} and {b} are not shown to differ in {title}: {by}, corrected p = {p_text(p)}{reach}."
    better, worse = (a, b) if verdict == "win" else (b, a)
    return f"On clean audio {better} is better than {worse} in {title}: {by}, corrected p = {p_text(p)}."


def _perturbed(
    pairing: Pairing, rows: Sequence[tuple[Contrast | Mixed, float | None, str]], settings: Mapping[str, str]
) -> str:
    counts = {verdict: sum(row[2] == verdict for row in rows) for verdict in ("win", "loss", "tie", "unmeasured")}
    parts = [f"{pairing.a} is shown better in {counts['win']}{_named(rows, 'win', settings)}"]
    parts.append(f"{pairing.b} in {counts['loss']}{_named(rows, 'loss', settings)}")
    parts.append(f"in {counts['tie']} they are not shown to differ")
    if counts["unmeasured"]:
        parts.append(f"{counts['unmeasured']} could not be measured")
    conditions = "condition" if len(rows) == 1 else "conditions"
    return f"Of {len(rows)} perturbed {conditions} {', '.join(parts)}."


def _named(
    rows: Sequence[tuple[Contrast | Mixed, float | None, str]], verdict: str, settings: Mapping[str, str]
) -> str:
    """The conditions of one verdict with the largest differences, in brackets."""
    shown = sorted((row[0] for row in rows if row[2] == verdict), key=lambda row: -abs(row.gain or 0.0))
    names = "; ".join(spoken(row.figure.condition, settings) for row in shown[:NAMED])
    return f" ({'most in ' if len(shown) > NAMED else ''}{names})" if names else ""


def _lower(title: str) -> str:
    # F1, PSDS1 and ER20° keep their capitals.
    return title if title[:2] != title[:1] + title[1:2].lower() else title[:1].lower() + title[1:]
