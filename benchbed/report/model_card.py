"""The evaluation section of a model card in Markdown, and how to cite a run: every figure with its interval."""

from __future__ import annotations

import re

from benchbed.report import terms, view
from benchbed.report.exports import escape_markdown
from benchbed.report.figures import arrow, clips, count, interval, number
from benchbed.results.record import Result, Value


def model_card(result: Result) -> str:
    """The section `## Evaluation` of a model card; text from the record is escaped.

    Parameters
    ----------
    result : Result
        The run.
    """
    suite, data = result.suite, result.dataset
    lines = ["## Evaluation", ""]
    for mark in view.banners(result):
        lines += [f"> **{escape_markdown(mark.text)}.** {escape_markdown(mark.says)}", ""]
    about = f"{escape_markdown(data.name)}, {count(data.clips)} clips in {count(data.groups)} recordings"
    lines += [
        f"Measured with benchbed on {escape_markdown(suite.title or suite.name)} (version "
        f"{escape_markdown(suite.version)}): {about}.",
        "",
        "### Results",
        "",
    ]
    primary = view.primary_value(result)
    pool = {result.primary: primary, **view.figures(result)} if primary else view.figures(result)
    lines += _table("Figure", {terms.metric(name, value): value for name, value in pool.items()})
    shown = view.focus(result)
    # Of several folds no single one stands for the model.
    groups = shown[0].groups if len(shown) == 1 else {}
    named = {terms.group(key)[0] for key in groups}
    rows: dict[str, dict[str, Value]] = {}
    for key, metrics in groups.items():
        family, member = terms.group(key)
        base, kind = terms.kind_of(family, named)
        if kind in ("pooled", "mean", "gap", "worst") and result.primary in metrics:
            rows.setdefault(base, {})[terms.member(base, kind, member)] = metrics[result.primary]
    for base, values in rows.items():
        lines += ["", f"### By {escape_markdown(base.replace('_', ' '))}: {terms.title(result.primary, primary)}", ""]
        lines += _table("Group", values)
    for table in view.robustness(result):
        lines += [
            "",
            f"### By {escape_markdown(table.family)}: {terms.title(table.metrics[0], table.first(table.metrics[0]))}",
            "",
        ]
        lines += _table(
            "Condition",
            {row.label: row.metrics[table.metrics[0]] for row in table.rows if table.metrics[0] in row.metrics},
        )
    model = result.model
    seen = ", ".join(escape_markdown(name) for name in [*model.trained_on, *model.trained_with]) or "not stated"
    lines += [
        "",
        "### Conditions of the measurement",
        "",
        f"- Seen in training: {seen}",
        f"- Suite `{_code(suite.name)}` {_code(suite.hash)}, data {_code(data.index_hash)}, random protocol "
        f"{_code(suite.protocol)}, seed {result.provenance.seed}",
        f"- Adapter {_code(model.adapter_hash)}",
        *(f"- Weights `{_code(name)}` {_code(digest)}" for name, digest in model.weights.items()),
        f"- Reproduce: `{_code(result.provenance.command)}`",
        "",
    ]
    return "\n".join(lines)


def citation(result: Result) -> str:
    """A BibTeX entry of a run, with all that identifies it.

    Parameters
    ----------
    result : Result
        The run.
    """
    suite, data, made = result.suite, result.dataset, result.provenance
    key = re.sub(r"[^a-z0-9]+", "-", f"benchbed {result.model.name} {suite.name}".lower()).strip("-")
    synthetic = "synthetic data, " if data.synthetic else ""
    fields = {
        "title": f"{{{_bib(result.model.name)} on {_bib(suite.title or suite.name)}}}",
        "year": made.created[:4],
        "note": f"benchbed {made.versions.get('benchbed', '')}, suite {_bib(suite.name)} {_bib(suite.version)} "
        f"({_bib(suite.hash)}), {synthetic}{_bib(data.name)} ({_bib(data.index_hash)}), "
        f"random protocol {_bib(suite.protocol)}",
    }
    return f"@misc{{{key},\n" + "".join(f"  {name} = {{{text}}},\n" for name, text in fields.items()) + "}\n"


def _table(title: str, values: dict[str, Value]) -> list[str]:
    lines = [f"| {title} | Value | Interval | Better | Clips |", "| --- | ---: | ---: | --- | ---: |"]
    for name, value in values.items():
        bounds = interval(value) or value.reason or "–"
        cells = [
            name,
            number(value.value, value.unit),
            bounds,
            f"{arrow(value)} {value.direction}",
            clips(value) if value.n or value.of else "–",
        ]
        lines.append(f"| {' | '.join(escape_markdown(cell) for cell in cells)} |")
    return lines


def _code(text: str) -> str:
    """Text that cannot leave a code span."""
    return " ".join(text.replace("`", "'").split())


def _bib(text: str) -> str:
    return re.sub(r"[{}\\\s]+", " ", text).strip()
