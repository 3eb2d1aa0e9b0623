"""How many threads numerical libraries compute with."""

from __future__ import annotations

import inspect
import threading

import numpy as np
import pytest
from made_runs import answers, made_run
from threadpoolctl import threadpool_info, threadpool_limits

import benchbed as bb
from benchbed.compare.runs import OpenRun
from benchbed.results.statistics import Statistics
from benchbed.stats.bootstrap import Bootstrap
from benchbed.threads import limit_threads, one_thread


def threads() -> set[int]:
    """Threads of the libraries of linear algebra that are loaded."""
    return {library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"}


@pytest.fixture(autouse=True)
def two_threads():
    """Two threads, whatever the machine has, and as many as before afterwards."""
    with threadpool_limits(2):
        yield


def test_one_thread_is_for_the_time_of_a_call_even_of_one_that_fails():
    @one_thread
    def fail(text: str) -> None:
        """Why."""
        assert threads() == {1}
        raise ValueError(text)

    assert threads() == {2}
    with pytest.raises(ValueError, match="mine"):
        fail(text="mine")
    assert threads() == {2}
    assert fail.__doc__ == "Why." and list(inspect.signature(fail).parameters) == ["text"]


def test_whoever_ends_last_gives_the_threads_back_where_two_ask_in_turns():
    begun, ended = threading.Event(), threading.Event()
    found: list[set[int]] = []

    @one_thread
    def wait(mine: threading.Event, other: threading.Event) -> None:
        mine.set()
        other.wait(60)
        found.append(threads())

    @one_thread
    def first() -> None:
        late.start()
        begun.wait(60)

    late = threading.Thread(target=wait, args=(begun, ended))
    first()
    ended.set()
    late.join()
    assert found == [{1}] and threads() == {2}


def test_a_limit_that_another_thread_has_set_is_no_hindrance():
    found: list[set[int]] = []
    limit_threads(2)
    asking = threading.Thread(target=one_thread(lambda: found.append(threads())))
    asking.start()
    asking.join()
    assert found == [{1}] and threads() == {2}


def test_a_limit_stays():
    limit_threads(1)
    assert threads() == {1}


def test_replicates_do_not_depend_on_the_threads_that_the_caller_has():
    sums = np.random.default_rng(5).normal(size=(450, 12))
    draws = one_thread(Bootstrap(450, 1000, "threads").replicates)
    found = []
    for count in (1, 2):
        with threadpool_limits(count):
            found.append(draws(sums))
    assert np.array_equal(*found)


@pytest.mark.parametrize("verb", ["compare", "gate", "leaderboard"])
def test_verbs_that_compare_stored_sums_compute_with_one_thread(verb, tmp_path, monkeypatch):
    target, group = np.arange(60) % 3, np.repeat(np.arange(20), 3)
    first, second = (
        made_run(tmp_path / name, {"clean": answers(np.arange(60) % every > 0, target)}, target, group, name=name)
        for name, every in (("a", 4), ("b", 3))
    )
    seen: list[set[int]] = []

    def watched(run: OpenRun) -> Statistics:
        seen.append(threads())
        return sums.fget(run)

    sums = OpenRun.sums
    monkeypatch.setattr(OpenRun, "sums", property(watched))
    calls = {
        "compare": lambda: bb.compare(first, second),
        "gate": lambda: bb.gate(first, second),
        "leaderboard": lambda: bb.leaderboard([first, second], tmp_path / "site"),
    }
    calls[verb]()
    assert seen and all(found == {1} for found in seen) and threads() == {2}
