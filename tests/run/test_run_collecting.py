import gc

import pytest

from benchbed.run.collecting import SELDOM, OwnProcess, seldom_collected


@pytest.fixture
def threshold():
    """As Python begins, and afterwards as it was."""
    before = gc.get_threshold()
    gc.set_threshold(700, 10, 10)
    yield
    gc.set_threshold(*before)


def collections(make) -> int:
    """How often garbage was looked for while something was made."""
    seen = []
    gc.callbacks.append(lambda phase, _: seen.append(phase))
    try:
        kept = make()
    finally:
        gc.callbacks.pop()
    assert len(kept) > 10_000
    return seen.count("start")


def test_objects_that_stay_are_not_looked_through_again_and_again(threshold):
    def lists() -> list[list[int]]:
        return [[] for _ in range(30_000)]

    often = collections(lists)
    with seldom_collected():
        seldom = collections(lists)
    assert often > 30 and seldom == 0
    assert gc.get_threshold() == (700, 10, 10)


@pytest.mark.parametrize("own", [False, True])
def test_what_is_there_in_the_end_stays_in_a_process_of_its_own(threshold, monkeypatch, own):
    monkeypatch.setattr(OwnProcess, "here", own)
    frozen = gc.get_freeze_count()
    try:
        with seldom_collected():
            kept = [[] for _ in range(30_000)]
        assert (gc.get_freeze_count() - frozen >= len(kept)) == own
    finally:
        gc.unfreeze()


def test_an_error_leaves_it_as_it_was(threshold):
    with pytest.raises(KeyError), seldom_collected():
        raise KeyError
    assert gc.get_threshold() == (700, 10, 10)


def test_what_a_model_sets_and_what_is_off_stays(threshold):
    with seldom_collected():
        gc.set_threshold(5000, 5, 5)
    assert gc.get_threshold() == (5000, 5, 5)
    gc.set_threshold(0)
    with seldom_collected():
        assert gc.get_threshold()[0] == 0
    gc.set_threshold(SELDOM * 2, 10, 10)
    with seldom_collected():
        assert gc.get_threshold()[0] == SELDOM * 2
