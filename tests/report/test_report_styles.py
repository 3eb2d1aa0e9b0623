"""The style of a page: what neither its markup nor its script can ask for is left out."""

from __future__ import annotations

import pytest

from benchbed.report.styles import needed


@pytest.mark.parametrize(
    ("page", "script", "there"),
    [
        ('<div class="scroll">', "", False),
        ('<div class="scroll" data-more="right">', "", True),
        ('<div class="scroll">', "part.dataset.more = ways", True),
        ("<div>", "part.dataset.more = ways", False),
    ],
)
def test_rules_for_an_attribute_of_our_own_go_with_who_sets_it(page, script, there):
    assert (".scroll[data-more]::before" in needed(page, script)) == there


def test_attributes_of_markup_itself_are_no_condition():
    assert '.scroll > table tbody th[scope="row"]' in needed('<div class="scroll">', "")
