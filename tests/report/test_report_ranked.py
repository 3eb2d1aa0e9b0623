"""Ranked lists on the page: what is marked, escaped, and seen on a phone and in the dark."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchbed.report.drawings import KeptDrawings
from benchbed.report.page import report_html, write_report
from benchbed.report.ranked import lists
from benchbed.results.rankings import KeptRankings

EVIL = "</script><img src=x onerror=\"document.title='owned'\">"


def kept(query: str = "a dog barks", cell: str = "frames/validation/clean") -> KeptRankings:
    def place(
        rank: int, right: bool = False, name: str = "evaluation/some_rather_long_file_name_of_a_clip.wav"
    ) -> dict:
        return {"name": f"{name}{rank}", "rank": rank, "score": 1 / rank, "right": right}

    def ranking(why: str, rank: int) -> dict:
        places = [place(n, n == rank) for n in range(1, 6)] + ([place(rank, True)] if rank > 5 else [])
        return {"query": f"{query} {rank}", "why": why, "rank": rank, "right": 2, "places": places}

    cells = [
        {
            "cell": cell,
            "direction": direction,
            "items": 1045,
            "queries": 5225,
            "median_rank": 7.5,
            "rankings": [ranking("worst", 400), ranking("typical", 7), ranking("best", 1)],
        }
        for direction in ("text to audio", "audio to text")
    ]
    return KeptRankings.model_validate({"format": 1, "cells": cells})


def test_the_page_says_where_the_right_ones_stand(detector) -> None:
    text = report_html(detector(), drawn=KeptDrawings(rankings=kept()))
    assert 'id="lists"' in text and 'href="#lists"' in text
    assert text.count('class="right"') == 6 and "First right one at place 400" in text
    assert "1,045 clips ranked for each of 5,225 texts" in text.replace("\u202f", ",").replace("\u2009", ",")
    assert "at place 7.5 in the middle" in text
    assert 'id="lists"' not in report_html(detector())
    both = lists(kept(), detector())
    assert [len(cell.lists) for cell in both] == [3, 3] and not both[0].heard


def test_texts_and_names_are_escaped(detector) -> None:
    text = report_html(detector(), drawn=KeptDrawings(rankings=kept(EVIL)))
    assert "<img src=x" not in text and "&lt;img" in text


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory, detector) -> str:
    path = Path(tmp_path_factory.mktemp("ranked")) / "report.html"
    return write_report(detector(EVIL), path, drawn=KeptDrawings(rankings=kept(EVIL))).as_uri()


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [400, 1280])
def test_lists_are_in_sight(visit, address, width, scheme) -> None:
    page = visit(address, viewport={"width": width, "height": 800}, color_scheme=scheme)
    assert page.title() != "owned"
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    right = page.locator(".places .right").first
    look = "(line) => [getComputedStyle(line).backgroundColor, getComputedStyle(line).color]"
    ground, ink = right.evaluate(look)
    assert ground not in ("rgba(0, 0, 0, 0)", ink)
    box = right.bounding_box()
    assert box is not None and box["x"] >= 0 and box["x"] + box["width"] <= width
