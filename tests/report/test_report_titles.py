"""Titles come from the record: what made a figure names it, and no page has a word of its own for it."""

from __future__ import annotations

import io
import re

import pytest
from rich.console import Console

from benchbed.report import exports, terminal, terms
from benchbed.report.every_eval import every_eval_ever
from benchbed.report.model_card import model_card
from benchbed.report.page import report_html
from benchbed.results.record import Value


def values(result):
    """Every figure of a record with its name."""
    for cell in result.cells:
        yield from cell.metrics.items()
        for group in cell.groups.values():
            yield from group.items()
    yield from result.scores.items()


def renamed(result):
    """The record with titles that no one would invent."""
    for number, name in enumerate(dict.fromkeys(name for name, _ in values(result))):
        for own, value in values(result):
            if own == name:
                value.title, value.scope = f"Zz{number}q", f"Ww{number}k" if ":" in name else None
    return result


def shown(result) -> dict[str, str]:
    stream = io.StringIO()
    terminal.print_runs([result], Console(file=stream, width=200))
    return {
        "page": report_html(result),
        "terminal": stream.getvalue(),
        "markdown": exports.markdown_table([result], ["macro_accuracy", "log_loss"]),
        "model card": model_card(result),
        "every eval": str(every_eval_ever(result)["evaluation_results"]),
    }


def test_no_page_invents_a_title(result):
    record = renamed(result(conditions=True))
    # `accuracy` alone is also the word of an axis.
    names = {name for name, _ in values(record) if ":" not in name and "_" in name}
    for place, text in shown(record).items():
        # Keys stand in scripts, anchors and rules, with underscores; in words they would be a title of the page's own.
        words = re.sub(r"<[^>]*>", " ", re.sub(r"<(script|style).*?</\1>", " ", text, flags=re.S))
        for name in names:
            spelled = name.replace("_", "[ _-]")
            found = [m.group() for m in re.finditer(rf"\b{spelled}\b", words, re.I) if "_" not in m.group()]
            found = [word for word in found if word != word.lower()]
            assert not found, f"{place} calls {name} {found[0]}"
    assert "Zz0q" in shown(record)["page"]


@pytest.mark.parametrize("place", ["page", "terminal", "every eval"])
def test_title_and_scope_are_printed(result, place):
    record = result(conditions=True)
    for _, value in values(record):
        value.title = "Plain title"
    record.scores["robustness:retention"] = Value(
        value=0.5, n=9, direction="higher", unit="fraction", rule="r", title="Share retained", scope="worst group"
    )
    assert "Share retained, worst group" in shown(record)[place]


def test_a_record_without_titles_is_shown_by_its_keys(result):
    assert terms.metric("worst_group:log_loss") == "Worst group: log loss"
    assert "Macro accuracy" in shown(result())["page"]
