"""A comparison as text for a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from benchbed.compare.answer import BOOTSTRAP, Contrast
from benchbed.compare.figure import Figure
from benchbed.compare.matrix import PairMatrix
from benchbed.compare.pairings import Pairing
from benchbed.compare.printed import difference, figure, interval, p_text
from benchbed.compare.table import Comparison
from benchbed.metrics.contract import MetricInfo

_MARKS = {"win": "better", "loss": "worse", "tie": "", "unmeasured": "could not measure"}


def said_note(note: str) -> str:
    """A note about two runs as a sentence's start: what was left out was no difference.

    Examples
    --------
    >>> said_note("left out, as it is another question: x"), said_note("suite: 1 against 2")
    ('left out, as it is another question: x', 'differs without harm: suite: 1 against 2')
    """
    told = note.startswith("left out") or "so left out" in note
    return note if told else f"differs without harm: {note}"


def lines(comparison: Comparison) -> list[str]:
    """The comparison, line by line; a model's name or a label cannot bring control characters with it."""
    how = comparison.procedure
    text: list[str] = []
    for pairing in comparison.pairings:
        text += ["", f"{pairing.a} − {pairing.b}", *(f"  {line}" for line in comparison.said(pairing))]
        text += [f"  {said_note(str(note))}" for note in pairing.notes]
        if pairing.rows:
            text += _single(pairing, how.alpha, comparison.settings)
        if pairing.mixed:
            text += _several(pairing, how.alpha, comparison.settings)
        if pairing.robustness:
            text += _robust(pairing)
    for matrix in comparison.matrices:
        text += _matrix(matrix, how.alpha)
    if len(comparison.ranks) > 1:
        text += ["", f"Rank on clean audio, {comparison.primary}"]
        rows = [
            [name, str(rank), f"{low}–{high}" if low != high else str(low)]
            for name, (rank, low, high) in sorted(comparison.ranks.items(), key=lambda item: item[1])
        ]
        text += grid(["model", "rank", f"{100 * how.level:g} %"], rows, right=(1, 2))
    if comparison.no_ranks:
        text += ["", comparison.no_ranks]
    tests = []
    if any(pairing.rows for pairing in comparison.pairings):
        tests.append("larger of bootstrap and swap test")
    if any(pairing.mixed for pairing in comparison.pairings):
        tests.append("t-test of means over models and recordings")
    text += [
        "",
        f"p: {', or '.join(tests)}; p adj.: {comparison.corrected}; α = {how.alpha:g}. "
        f"Intervals: {100 * how.level:g} %, each by itself. "
        f"MDE: true difference found with power {how.power:g} before the correction.",
        *_alone(comparison),
    ]
    return [plain(line) for line in text]


def _matrix(matrix: PairMatrix, alpha: float) -> list[str]:
    """Row − column of every pair; what is shown has a mark."""
    entries = {(e.a, e.b): (e, 1) for e in matrix.entries} | {(e.b, e.a): (e, -1) for e in matrix.entries}
    rows = []
    for name in matrix.names:
        row = [name]
        for other in matrix.names:
            entry, sign = entries.get((name, other), (None, 1))
            if entry is None or entry.value is None:
                row.append("" if entry is None else "?")
            else:
                mark = "*" if entry.verdict in ("win", "loss") else ""
                row.append(difference(sign * entry.value, matrix.info) + mark)
        rows.append(row)
    where = "" if matrix.metric == matrix.info.title or ":" in matrix.metric else f", {matrix.figure}"
    title = matrix.info.title or matrix.metric
    points = ", points" if matrix.info.unit == "fraction" else f", {matrix.info.unit}".rstrip(", ")
    told = f"Row − column, {title}{where}{points}; * shown at α = {alpha:g} after Holm over the pairs"
    return ["", told, *grid(["", *matrix.names], rows, right=range(1, len(matrix.names) + 1))]


def _alone(comparison: Comparison) -> list[str]:
    rows = [row.contrast for pairing in comparison.pairings for row in pairing.rows]
    if not any(_by_bootstrap(c) for c in rows):
        return []
    return [
        f"¹ {BOOTSTRAP} alone, from draws kept on disk; --predictions swaps the models in ranked metrics, too, "
        "where both runs have their predictions."
    ]


def _by_bootstrap(found: Contrast) -> bool:
    return found.test == BOOTSTRAP and found.p is not None


def _single(pairing: Pairing, alpha: float, settings: Mapping[str, str]) -> list[str]:
    table = []
    # What most rows are is said once below them, and what is something else beside it.
    usual = most([row.joined for row in pairing.rows])
    for row in pairing.rows:
        c = row.contrast
        name = c.metric if c.figure.group is None else f"{c.metric} · {c.figure.group}"
        other = row.joined if row.joined != usual else ""
        remarks = "; ".join(r for r in (_MARKS[row.verdict], other, apart(c, alpha), remark(c)) if r)
        table.append(
            [
                Figure(c.figure.condition).within(settings),
                name,
                figure(c.a, c.info),
                figure(c.b, c.info),
                difference(c.value, c.info),
                interval(c.low, c.high, c.info),
                p_text(c.p) + ("¹" if _by_bootstrap(c) else ""),
                p_text(row.p),
                difference(c.mde, c.info, sign=False),
                "" if c.effect is None else f"{c.effect:+.2f}",
                remarks,
            ]
        )
    head = ["condition", "metric", pairing.a, pairing.b, "difference", "interval", "p", "p adj.", "MDE", "d_z", ""]
    text = [*grid(head, table, right=range(2, 10)), *([f"  {usual}"] if usual else []), *_counted(pairing, alpha)]
    mcnemar = next((r.contrast for r in pairing.rows if r.contrast.metric == "accuracy"), None)
    if mcnemar is not None:
        text.append(f"  McNemar, accuracy, {mcnemar.figure.condition}: {mcnemar_text(mcnemar, pairing.a, pairing.b)}")
    return text


def most(told: Sequence[str]) -> str:
    """What is said most often, or an empty text.

    Examples
    --------
    >>> most(["mean over 5 folds", "mean over 5 folds", "split a alone"]), most([])
    ('mean over 5 folds', '')
    """
    return max(dict.fromkeys(told), key=list(told).count, default="")


def mcnemar_text(found: Contrast, a: str = "a", b: str = "b") -> str:
    """McNemar's test in words, or why there is none."""
    if found.mcnemar is None:
        return f"does not apply, {found.no_mcnemar}"
    m = found.mcnemar
    return f"only {a} right {m['only_a']:.0f}, only {b} right {m['only_b']:.0f} clips, exact p = {p_text(m['p'])}"


def _several(pairing: Pairing, alpha: float, settings: Mapping[str, str]) -> list[str]:
    table, reasons = [], []
    # As for single runs: what most rows are stands once below them, what is something else beside it.
    usual = most(pairing.mixed_joined)
    for m, p, verdict, joined in zip(
        pairing.mixed, pairing.mixed_p, pairing.mixed_verdicts, pairing.mixed_joined, strict=True
    ):
        name = m.metric if m.figure.group is None else f"{m.metric} · {m.figure.group}"
        s = m.spread
        table.append(
            [
                Figure(m.figure.condition).within(settings),
                name,
                _members(m.values_a, m.info),
                _members(m.values_b, m.info),
                difference(s.value if s else None, m.info),
                interval(s.low, s.high, m.info) if s else "",
                p_text(s.p if s else None),
                p_text(p),
                difference(m.mde, m.info, sign=False),
                "" if m.effect is None else f"{m.effect:+.2f}",
                difference(m.error_recordings, m.info, sign=False),
                difference(m.error_members, m.info, sign=False),
                "; ".join(told for told in (_MARKS[verdict], joined if joined != usual else "") if told),
            ]
        )
        reasons += [r for r in (m.reason, m.incomplete) if r]
    head = ["condition", "metric", pairing.a, pairing.b, "difference", "interval", "p", "p adj.", "MDE", "d"]
    text = [*grid([*head, "se recordings", "se models", ""], table, right=range(2, 12)), *_counted(pairing, alpha)]
    method = next((m.method for m in pairing.mixed if m.method), "")
    return text + [f"  {line}" for line in dict.fromkeys([usual, *reasons, method]) if line]


def _counted(pairing: Pairing, alpha: float) -> list[str]:
    won, tied, lost, unmeasured = (pairing.count(v) for v in ("win", "tie", "loss", "unmeasured"))
    if won + tied + lost + unmeasured == 0:
        return []
    told = f"{won} better, {tied} not shown to differ, {lost} worse (α = {alpha:g})"
    lack = f", {unmeasured} could not be measured" if unmeasured else ""
    return [f"  {pairing.primary}, all clips, conditions: {told}{lack}"]


def _members(values: Sequence[float], info: MetricInfo) -> str:
    undefined = sum(value != value for value in values)
    if undefined:
        return f"undefined in {undefined} of {len(values)}"
    mean = sum(values) / len(values)
    if len(values) == 1:
        return figure(mean, info)
    spread = (sum((v - mean) ** 2 for v in values) / (len(values) - 1)) ** 0.5
    return f"{figure(mean, info)} ± {difference(spread, info, sign=False)} (n={len(values)})"


def _robust(pairing: Pairing) -> list[str]:
    rows, info = [], MetricInfo("", "", "fraction", "higher")
    for r in pairing.robustness:
        parts = [
            [difference(t[0], info), interval(t[1], t[2], info)] if t else ["", ""] for t in (r.retention, r.matched)
        ]
        rows.append([r.name, *parts[0], *parts[1], r.reason or r.note or ""])
    head = ["robustness, difference", "retention", "interval", "matched clean", "interval", ""]
    return grid(head, rows, right=range(1, 5))


def apart(found: Contrast, alpha: float) -> str | None:
    """Why an interval without zero stands beside a test that shows nothing, before any correction."""
    if found.p is None or found.low is None or found.high is None or found.p < alpha or found.low <= 0 <= found.high:
        return None
    if found.p_swap is not None and found.p_bootstrap is not None and found.p_swap > found.p_bootstrap:
        return f"the interval is of the bootstrap alone (p = {p_text(found.p_bootstrap)}); swaps do not show it"
    return None


def remark(found: Contrast) -> str:
    """What must be known beside a difference."""
    parts = [
        found.reason if found.value is None or found.p == 1.0 else None,
        found.incomplete,
        f"{found.dropped} recordings left out" if found.dropped else None,
    ]
    return "; ".join(p for p in parts if p)


def grid(head: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[int] = ()) -> list[str]:
    """Columns of text, as wide as they need to be."""
    widths = [max(len(str(row[i])) for row in [head, *rows]) for i in range(len(head))]
    made = []
    for row in [head, *rows]:
        cells = [str(c).rjust(w) if i in right else str(c).ljust(w) for i, (c, w) in enumerate(zip(row, widths))]
        made.append("  " + "  ".join(cells).rstrip())
    return made


def plain(text: str) -> str:
    """Text without characters that could steer a terminal."""
    return "".join(c if c.isprintable() else "�" for c in text)
