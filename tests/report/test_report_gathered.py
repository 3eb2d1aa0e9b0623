"""Numbers of a text apart from its words: what comes back is what went in, in Python and in a browser."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchbed.report.gathered import END, HOLE, gathered, scattered
from benchbed.report.island import PLAIN, pack, unpack
from benchbed.report.page import report_html

#: Letters that two bytes do not hold, digits of other scripts, numbers at either end and beside each other.
ODD = "7<td>𝟙𝟙𝟙𝟙𝟙12<td>٣ 0.50.250..5 1.2.3 -4e-05 𝄞8𝄞9 a\n10\n\n11 b" + "é" * 9 + "3" + "𝄞" * 4 + "6" + "𝄞" * 8 + "60"


@given(st.text(alphabet="0123456789.ab <é𝄞\n", max_size=80))
def test_every_text_comes_back(text):
    words, numbers = gathered(text)
    assert scattered(words, numbers) == text
    assert not set("0123456789") & set(words)


def test_numbers_of_one_column_stand_together():
    rows = "".join(f'<tr><td class="n">{index}<td class="v">0.{index}5' for index in range(1, 4))
    assert gathered(rows)[1] == "1 2 3\n0.15 0.25 0.35"


def test_a_long_text_packs_better_with_its_numbers_apart():
    rows = "".join(
        f'<tr><th scope="row">row</th><td class="num">{(index * 7919) % 10_007}</td></tr>' for index in range(900)
    )
    assert len(rows) > PLAIN and unpack(pack(rows)) == rows
    assert len(pack(rows)) < 0.9 * len(pack(rows + HOLE))


@pytest.mark.parametrize("letter", [HOLE, END])
def test_a_text_that_has_the_letters_of_holes_is_packed_whole(letter):
    text = f"12{letter}" * PLAIN
    assert unpack(pack(text)) == text


@pytest.mark.browser
def test_the_script_of_a_page_puts_numbers_back(visit, result, tmp_path):
    address = tmp_path / "report.html"
    address.write_text(report_html(result()), encoding="utf-8")
    page = visit(address.as_uri())
    page.wait_for_selector("html[data-unfolded]")
    text = ODD * (PLAIN // len(ODD) + 2)
    for told in (text, "no numbers " * PLAIN, "short 12"):
        assert page.evaluate("(packed) => window.benchbed.unpack(packed)", str(pack(told))) == told
