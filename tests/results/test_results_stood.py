"""Which clips several attacks together left right."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from benchbed.results.stood import count, stood_of, together

CLIPS = st.lists(st.booleans(), max_size=40)


def of(bits):
    return stood_of({f"c{i:02d}": bit for i, bit in enumerate(bits)})


@given(CLIPS)
def test_clips_are_counted(bits):
    held = of(bits)
    assert count(held) == sum(bits) and held.n == len(bits)


@given(st.lists(st.tuples(st.booleans(), st.booleans(), st.booleans()), min_size=1, max_size=40))
def test_a_clip_stands_where_no_attack_broke_it(rows):
    parts = [of(bits) for bits in zip(*rows)]
    assert count(together(parts)) == sum(all(row) for row in rows)
    assert together(parts).bits == of([all(row) for row in rows]).bits


def test_order_is_that_of_the_names_and_other_clips_are_others():
    assert stood_of({"b": True, "a": False}) == stood_of({"a": False, "b": True})
    assert stood_of({"a": True}).clips != stood_of({"b": True}).clips
    assert stood_of({}).n == 0 and count(stood_of({})) == 0
