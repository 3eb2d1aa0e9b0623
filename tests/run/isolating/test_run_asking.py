"""Questions of a process of its own to its parent, however the process was started."""

from __future__ import annotations

import contextlib
import io
import os
import pickle
from functools import partial

import pytest

from benchbed.run.isolating import asking
from benchbed.run.isolating.process import Isolated, parts
from benchbed.run.job.limits import Limits


@pytest.mark.parametrize("fork", ["0", "1"])
def test_what_is_asked_within_a_call_comes_as_an_item_and_is_answered(monkeypatch, fork):
    monkeypatch.setenv("BENCHBED_FORK", fork)
    with contextlib.closing(Isolated("a toy", Limits())) as process:
        # The question is the call's only item; its answer is what the call gives.
        items = parts(process, partial(asking.ask, "where to?"))
        assert next(items) == "where to?"
        process.tell({"there": 3})
        assert list(items) == []
        assert process.inbox.empty()


def test_who_asks_hears_that_nobody_answers():
    answers = io.BytesIO()
    asking.opened(io.BytesIO(), answers)
    try:
        with pytest.raises(EOFError):
            asking.ask(7)
    finally:
        asking._pipes = None
    assert pickle.loads(answers.getvalue()) == ("item", 7, "")


def test_what_cannot_be_sent_is_told_and_a_closed_pipe_is_nobody():
    answers = io.BytesIO()
    assert asking.said(answers, ("item", lambda: 1, ""))
    kind, error, _ = pickle.loads(answers.getvalue())
    assert kind == "broken" and "function" in str(error)
    ends = os.pipe()
    reader, writer = open(ends[0], "rb"), open(ends[1], "wb")  # noqa: SIM115 - one is closed before the other
    reader.close()
    assert not asking.said(writer, ("item", 1, ""))
    with contextlib.suppress(OSError):
        writer.close()
