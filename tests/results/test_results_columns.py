"""Figures as columns come back as they were, and what records share is held once among all of them."""

from __future__ import annotations

import pytest
from made_records import make_result

from benchbed.results.columns import FigureColumns, Shared, columns_of, figures_of, pack_layout, unpack_layout, words_of
from benchbed.results.later import Later
from benchbed.results.record import Cell, Result, Value


@pytest.fixture
def record() -> Result:
    """A record whose figures use every field, some of them without a value."""
    made = make_result(conditions=True)
    full = Value(
        value=0.1 + 0.2,
        low=-1e-300,
        high=5e300,
        n=7,
        of=9,
        direction="lower",
        unit="nats",
        rule="log_loss:1",
        title="Log loss",
        scope="fold 1",
        interval="bootstrap 95 %",
        reason="none",
        note="a note",
    )
    bare = Value(value=None, n=0, direction="higher", unit="fraction", rule="log_loss:1", reason="no clips")
    made.scores["full"], made.cells[1].metrics["bare"] = full, bare
    made.cells[0].groups["device=a"] = {"full": full, "bare": bare}
    made.cells[0].groups["nothing"] = {}
    return made


def opened(record: Result, shared: Shared) -> tuple[dict[str, Value], list[Cell]]:
    stored = FigureColumns.model_validate_json(columns_of(record.scores, record.cells).model_dump_json())
    return figures_of(stored, shared)


def test_figures_come_back_to_the_last_digit_in_their_order(record: Result):
    scores, cells = opened(record, Shared())
    assert scores == record.scores and [*scores] == [*record.scores]
    for made, cell in zip(cells, record.cells, strict=True):
        assert made == cell.model_copy(update={"matrices": {}})
        assert [*made.groups] == [*cell.groups] and [*made.metrics] == [*cell.metrics]
        assert made.model_dump_json() == cell.model_copy(update={"matrices": {}}).model_dump_json()


def test_records_that_are_read_together_share_conditions_and_texts_but_no_figures(record: Result):
    shared = Shared()
    (mine, ours), (theirs, others) = opened(record, shared), opened(record, shared)
    assert mine["full"].rule is theirs["full"].rule
    for one, other in zip(ours, others, strict=True):
        assert one.condition is other.condition and one.counts is other.counts
        assert one is not other and one.metrics is not other.metrics and one.groups is not other.groups
    ours[0].metrics.clear()
    assert others[0].metrics


def test_what_was_read_is_copied_and_changed_like_any_record(record: Result):
    scores, _ = opened(record, Shared())
    changed = scores["full"].model_copy(update={"value": 1.0})
    assert changed.value == 1.0 and scores["full"].value == 0.1 + 0.2
    assert Value.model_validate(scores["full"].model_dump()) == scores["full"]


def test_a_layout_that_cannot_be_opened_is_an_error(record: Result):
    stored = columns_of(record.scores, record.cells)
    for layout in ("", "?", stored.layout[:-8], "AAAA" + stored.layout[4:]):
        with pytest.raises(ValueError):
            figures_of(stored.model_copy(update={"layout": layout}), Shared())


@pytest.mark.parametrize("column", ["names", "told", "texts", "frames", "places", "numbers"])
def test_columns_that_are_too_short_are_an_error(record: Result, column: str):
    stored = columns_of(record.scores, record.cells)
    if column == "numbers":
        short = stored.model_copy(update={"numbers": stored.numbers[:-32]})
    else:
        layout = unpack_layout(stored.layout)
        less = layout.model_copy(update={column: getattr(layout, column)[:-1]})
        short = stored.model_copy(update={"layout": pack_layout(less)})
    for shared in (Shared(), Shared(later=True)):
        with pytest.raises((ValueError, IndexError)):
            figures_of(short, shared)


def test_figures_that_are_made_later_are_those_that_are_made_at_once(record: Result):
    stored = columns_of(record.scores, record.cells)
    (scores, cells), (theirs, others) = figures_of(stored, Shared(later=True)), figures_of(stored, Shared())
    assert scores == theirs and [cell.key for cell in cells] == [cell.key for cell in others]
    assert cells == others and others == cells
    group = cells[0].groups["device=a"]
    assert isinstance(group, Later) and group["full"] is group["full"]
    assert group == record.cells[0].groups["device=a"]
    assert words_of(stored, Shared()) == tuple(text for text in words_of(stored, Shared()) if "/" in text) != ()
