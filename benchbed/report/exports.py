"""Tables for papers, pull requests and programs: the figures of runs in Markdown, LaTeX (booktabs), CSV and JSON."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping, Sequence
from typing import Any

from benchbed.errors import ConfigError, did_you_mean
from benchbed.report import carried, terms, view
from benchbed.report.figures import THIN, arrow, with_interval
from benchbed.results.alike import comparable
from benchbed.results.record import Result, Value

#: Names that are listed where a wrong one is given.
LISTED = 80
_LATEX = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "↑": r"$\uparrow$",
    "↓": r"$\downarrow$",
    "−": "$-$",
    "–": "--",
    "′": "$'$",
    "°": r"$^\circ$",
    THIN: r"\,",
}


def markdown_table(results: Sequence[Result], metrics: Sequence[str]) -> str:
    """A Markdown table of comparable runs, with intervals; text from records is escaped.

    Raises
    ------
    ConfigError
        Runs that must not stand in one table.
    """
    header, rows = _cells(results, metrics)
    lines = [header, ["---", *["---:"] * len(metrics)], *rows]
    escaped = [[escape_markdown(cell) if line is not lines[1] else cell for cell in line] for line in lines]
    return "\n".join(f"| {' | '.join(line)} |" for line in escaped) + f"\n\n{escape_markdown(_note(results))}\n"


def latex_table(results: Sequence[Result], metrics: Sequence[str]) -> str:
    """A LaTeX table (package booktabs) of comparable runs, with intervals; text from records is escaped.

    Raises
    ------
    ConfigError
        Runs that must not stand in one table.
    """
    header, rows = _cells(results, metrics)
    lines = [r"\begin{tabular}{l" + "r" * len(metrics) + "}", r"\toprule"]
    lines += [" & ".join(map(escape_latex, header)) + r" \\", r"\midrule"]
    lines += [" & ".join(map(escape_latex, row)) + r" \\" for row in rows]
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}", f"% {' '.join(_note(results).split())}"]) + "\n"


def tables_of(results: Sequence[Result]) -> list[list[Result]]:
    """Runs sorted into sets that may stand in one table, in the order given."""
    held: dict[tuple, list[Result]] = {}
    for result in results:
        held.setdefault((result.suite.name, *comparable(result)), []).append(result)
    return list(held.values())


def flat_rows(results: Sequence[Result]) -> list[dict[str, Any]]:
    """Every figure of every run as a flat row: runs that may not be compared differ in suite, data or protocol."""
    rows = []
    for result in results:
        head = {
            "model": result.model.name,
            "family": result.model.family,
            "suite": result.suite.name,
            "suite_hash": result.suite.hash,
            "protocol": result.suite.protocol,
            "dataset": result.dataset.name,
            "index_hash": result.dataset.index_hash,
            "synthetic": result.dataset.synthetic,
            "limit": result.dataset.limit,
            "incomplete": view.incomplete(result),
        }
        nowhere = dict.fromkeys((_placed(name) for name in carried.PLACE), "")
        rows += [
            {**head, **nowhere, "group": "", "metric": name, **value.model_dump()}
            for name, value in result.scores.items()
        ]
        for cell in result.cells:
            # A curve can be drawn from the file: strengths and their units are columns.
            place = {**head, **{_placed(name): entry for name, entry in carried.where(cell).items()}}
            rows += [
                {**place, "group": group, "metric": name, **value.model_dump()}
                for group, values in (("", cell.metrics), *cell.groups.items())
                for name, value in values.items()
            ]
    return rows


def _placed(name: str) -> str:
    """The column of a condition beside those of its model, which has a family, too."""
    return f"condition_{name}" if name == "family" else name


def csv_table(results: Sequence[Result]) -> str:
    """Every figure of every run as CSV; a text that a spreadsheet would take for a formula is quoted.

    Examples
    --------
    >>> csv_table([])
    ''
    """
    rows = flat_rows(results)
    if not rows:
        return ""
    made = io.StringIO()
    writer = csv.DictWriter(made, fieldnames=list(rows[0]))
    writer.writeheader()
    writer.writerows({name: inert(value) for name, value in row.items()} for row in rows)
    return made.getvalue()


def inert(value: Any) -> Any:
    """A value that no spreadsheet takes for a formula.

    Examples
    --------
    >>> inert("=1+1"), inert(-1.0)
    ("'=1+1", -1.0)
    """
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r") else value


def _cells(results: Sequence[Result], metrics: Sequence[str]) -> tuple[list[str], list[list[str]]]:
    kinds = {(result.suite.name, *comparable(result)[:-1]) for result in results}
    if len(kinds) != 1:
        raise ConfigError(
            "these runs do not belong in one table",
            hint="suite, data and random protocol must be the same, and all real or all synthetic",
        )
    pools = [{**view.figures(result), **result.scores, **_conditions(result)} for result in results]
    header = ["Model"]
    for name in metrics:
        held = next((value for pool in pools if (value := pool.get(name))), None)
        if held is None:
            raise ConfigError(f"no run has the figure '{name}'", hint=_known(name, pools))
        unit = {"fraction": ", %", "": "", "score": "", "severity": ""}.get(held.unit, f", {held.unit}")
        about = _about(results, name)
        header.append(f"{about or terms.metric(name, held)}{unit} {arrow(held)}")
    rows = [[_named(result), *(_figure(pool.get(name)) for name in metrics)] for result, pool in zip(results, pools)]
    return header, rows


def _conditions(result: Result) -> dict[str, Value]:
    """Figures of single conditions: `white_noise@3` is the metric that ranks, `white_noise@3:log_loss` another."""
    figures: dict[str, Value] = {}
    for cell in result.cells:
        for key in (cell.key, cell.key.split("/", 2)[-1]):
            figures |= {
                f"{key}:{name}": value for name, value in cell.metrics.items() if f"{key}:{name}" not in figures
            }
            if result.primary in cell.metrics:
                figures.setdefault(key, cell.metrics[result.primary])
    return figures


def _about(results: Sequence[Result], name: str) -> str:
    """A single condition in words, with its metric; nothing for a figure over the run."""
    for result in results:
        if name in view.figures(result) or name in result.scores:
            return ""
        for cell in result.cells:
            for key in (cell.key, cell.key.split("/", 2)[-1]):
                metric = result.primary if name == key else name.removeprefix(f"{key}:")
                if name in (key, f"{key}:{metric}") and metric in cell.metrics:
                    return (
                        f"{terms.title(metric, cell.metrics[metric])}, {terms.within(terms.condition(cell.condition))}"
                    )
    return ""


def _known(name: str, pools: Sequence[Mapping[str, Value]]) -> str:
    """The figures that can be asked for, the likeliest first."""
    names = list(dict.fromkeys(known for pool in pools for known in pool))
    near = did_you_mean(name, names)
    # A cell's full key is the long form of what is listed already.
    short = [known for known in names if "/" not in known.partition(":")[0]]
    short = [known for known in short if not (":" in known and known.partition(":")[0] in names)]
    more = f" and {len(short) - LISTED} more" if len(short) > LISTED else ""
    listed = f"there are: {', '.join(short[:LISTED])}{more}; a condition's other metrics are CONDITION:METRIC"
    return f"{near}; {listed}" if near else listed


def _named(result: Result) -> str:
    """A run's name with what must be known before its figures are read."""
    limit = result.dataset.limit
    marks = ["incomplete"] if view.incomplete(result) else []
    marks += [f"limit {limit}"] if limit is not None else []
    return f"{result.model.name} ({', '.join(marks)})" if marks else result.model.name


def _figure(value: Value | None) -> str:
    if value is None or value.value is None:
        return "–"
    return with_interval(value)


def _note(results: Sequence[Result]) -> str:
    first = results[0]
    kind = "Synthetic data, not comparable with real recordings: " if first.dataset.synthetic else ""
    told = [(result.model.name, view.incomplete(result)) for result in results]
    lacks = [f"{name}: {lack}, its figures are over the others" for name, lack in told if lack]
    some = [r.dataset for r in results if r.dataset.limit is not None]
    if some:
        lacks.append(f"limit: a subset of {some[0].clips} clips of the data")
    marked = f"{'; '.join(lacks)}. " if lacks else ""
    return (
        f"{marked}{kind}{first.suite.title or first.suite.name} ({first.suite.hash}), {first.dataset.name} "
        f"({first.dataset.index_hash}), random protocol {first.suite.protocol}, benchbed."
    )


def escape_markdown(text: str) -> str:
    """Text that stays text in Markdown, in one line."""
    flat = " ".join(text.split(" ")).replace("\n", " ").replace("\r", " ")
    return re.sub(r"([\\`*_{}\[\]<>#|!&~])", r"\\\1", flat)


def escape_latex(text: str) -> str:
    """Text that stays text in LaTeX, in one line.

    Examples
    --------
    >>> print(escape_latex("a_b & 5 %"))
    a\\_b \\& 5 \\%
    """
    return "".join(_LATEX.get(character, character) for character in " ".join(text.splitlines()))
