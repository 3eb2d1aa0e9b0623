"""Tables for papers and pull requests: the figures of comparable runs in Markdown and LaTeX (booktabs)."""

from __future__ import annotations

import re
from collections.abc import Sequence

from benchbed.errors import ConfigError
from benchbed.report import terms, view
from benchbed.report.figures import THIN, arrow, interval, number
from benchbed.results.record import Result, Value

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
    escaped = [[_markdown(cell) if line is not lines[1] else cell for cell in line] for line in lines]
    return "\n".join(f"| {' | '.join(line)} |" for line in escaped) + f"\n\n{_markdown(_note(results))}\n"


def latex_table(results: Sequence[Result], metrics: Sequence[str]) -> str:
    """A LaTeX table (package booktabs) of comparable runs, with intervals; text from records is escaped.

    Raises
    ------
    ConfigError
        Runs that must not stand in one table.
    """
    header, rows = _cells(results, metrics)
    lines = [r"\begin{tabular}{l" + "r" * len(metrics) + "}", r"\toprule"]
    lines += [" & ".join(map(_latex, header)) + r" \\", r"\midrule"]
    lines += [" & ".join(map(_latex, row)) + r" \\" for row in rows]
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}", f"% {' '.join(_note(results).split())}"]) + "\n"


def _cells(results: Sequence[Result], metrics: Sequence[str]) -> tuple[list[str], list[list[str]]]:
    kinds = {(result.suite.name, *view.comparable(result)[:-1]) for result in results}
    if len(kinds) != 1:
        raise ConfigError(
            "these runs do not belong in one table",
            hint="suite, data and random protocol must be the same, and all real or all synthetic",
        )
    header = ["Model"]
    for name in metrics:
        held = next((view.figures(result)[name] for result in results if name in view.figures(result)), None)
        if held is None:
            raise ConfigError(f"no run has the figure '{name}'")
        unit = {"fraction": ", %", "": "", "score": ""}.get(held.unit, f", {held.unit}")
        header.append(f"{terms.metric(name)}{unit} {arrow(held)}")
    rows = [[result.model.name, *(_figure(view.figures(result).get(name)) for name in metrics)] for result in results]
    return header, rows


def _figure(value: Value | None) -> str:
    if value is None or value.value is None:
        return "–"
    return f"{number(value.value, value.unit, with_unit=False)} {interval(value)}".strip()


def _note(results: Sequence[Result]) -> str:
    first = results[0]
    kind = "Synthetic data, not comparable with real recordings: " if first.dataset.synthetic else ""
    return (
        f"{kind}{first.suite.title or first.suite.name} ({first.suite.hash}), {first.dataset.name} "
        f"({first.dataset.index_hash}), random protocol {first.suite.protocol}, benchbed."
    )


def _markdown(text: str) -> str:
    flat = " ".join(text.split(" ")).replace("\n", " ").replace("\r", " ")
    return re.sub(r"([\\`*_{}\[\]<>#|!&~])", r"\\\1", flat)


def _latex(text: str) -> str:
    return "".join(_LATEX.get(character, character) for character in " ".join(text.splitlines()))
