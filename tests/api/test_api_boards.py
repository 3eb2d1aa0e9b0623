"""A board collects no garbage among the records it holds, and leaves the collector as it found it."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from benchbed.api.boards import _lasting


@pytest.fixture(autouse=True)
def collector() -> Iterator[None]:
    enabled = gc.isenabled()
    yield
    gc.unfreeze()
    (gc.enable if enabled else gc.disable)()


def test_what_lasts_is_looked_through_by_no_collection_until_the_end():
    gc.enable()
    gc.unfreeze()
    with _lasting() as lasting:
        assert not gc.isenabled()
        held = [[number] for number in range(1000)]
        lasting()
        assert gc.isenabled() and gc.get_freeze_count() >= len(held)
    assert gc.isenabled() and gc.get_freeze_count() == 0


def test_an_error_leaves_the_collector_on():
    gc.enable()
    with pytest.raises(ZeroDivisionError), _lasting():
        raise ZeroDivisionError
    assert gc.isenabled()


def test_a_collector_that_is_off_stays_off():
    gc.disable()
    with _lasting() as lasting:
        lasting()
        assert not gc.isenabled()
    assert not gc.isenabled() and gc.get_freeze_count() == 0


def test_what_others_froze_stays_frozen():
    gc.enable()
    gc.freeze()
    with _lasting() as lasting:
        lasting()
    assert gc.get_freeze_count() > 0
