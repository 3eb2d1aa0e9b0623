"""Names that a model's code replaces: its own in its calls, and what they were for everybody else."""

from __future__ import annotations

import builtins
import copy
import io
import math
import os
import pathlib
import random
import sys
import time
from collections.abc import Iterator

import numpy as np
import pytest

from benchbed.adapter import names
from benchbed.adapter.surroundings import adopt, of_its_own, replaces

#: What may be replaced: whose it is, and its name.
REPLACED = {
    "open": (builtins, "open"),
    "len": (builtins, "len"),
    "isinstance": (builtins, "isinstance"),
    "io.open": (io, "open"),
    "os.stat": (os, "stat"),
    "os.environ": (os, "environ"),
    "os.path.isfile": (os.path, "isfile"),
    "Path.open": (pathlib.Path, "open"),
    "sys.path": (sys, "path"),
    "sys.excepthook": (sys, "excepthook"),
    "time.monotonic": (time, "monotonic"),
    "random.Random": (random, "Random"),
    "math.pi": (math, "pi"),
    "np.mean": (np, "mean"),
    "np.asarray": (np, "asarray"),
    "np.fft.rfft": (np.fft, "rfft"),
    "np.random.Philox": (np.random, "Philox"),
    "np.fft": (np, "fft"),
}


class Model:
    """Anything that holds attributes."""


@pytest.fixture(params=[False, True], ids=["among others", "alone"])
def alone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A process in which others replace names, too, and one in which nobody else does."""
    monkeypatch.setattr(names.ModelsAlone, "here", request.param)
    yield


@pytest.mark.usefixtures("alone")
@pytest.mark.parametrize("name", REPLACED)
@pytest.mark.parametrize("value", [None, 3, names.GONE], ids=["nothing", "a number", "deleted"])
def test_what_a_model_replaces_is_so_at_its_next_call_and_nowhere_else(name: str, value: object):
    owner, attribute = REPLACED[name]
    usual, model, other = vars(owner)[attribute], Model(), Model()
    # By dictionaries and what is bound before: the model may have replaced anything else.
    there, put, delete = vars(owner), type.__setattr__, type.__delattr__
    seen = []
    for one in (model, other, model):
        with of_its_own(one):
            seen += [there.get(attribute, names.GONE)]
            if one is model and owner is pathlib.Path and value is not names.GONE:
                put(owner, attribute, value)
            elif one is model and owner is pathlib.Path and attribute in there:
                delete(owner, attribute)
            elif one is model and owner is not pathlib.Path and value is names.GONE:
                there.pop(attribute, None)
            elif one is model and owner is not pathlib.Path:
                there[attribute] = value
        assert there[attribute] is usual
    assert seen == [usual, usual, value] and replaces(model) and not replaces(other)


def test_what_import_replaces_is_there_when_the_model_is_called():
    usual, model = np.load, Model()
    with of_its_own() as left:
        np.load = np.save
    assert np.load is usual
    adopt(model, left)
    with of_its_own(copy.deepcopy(model)):
        assert np.load is np.save
    assert np.load is usual


def test_a_model_that_puts_a_name_back_replaces_it_no_longer():
    usual, model = np.load, Model()
    with of_its_own(model):
        np.load = np.save
    with of_its_own(model):
        np.load = usual
    assert not replaces(model)
    with of_its_own(model):
        assert np.load is usual


def test_an_error_in_the_block_leaves_nothing_replaced():
    usual = np.load
    with pytest.raises(ZeroDivisionError), of_its_own(Model()):
        np.load = None
        raise ZeroDivisionError
    assert np.load is usual


def test_a_call_within_a_call_leaves_to_the_outer_one_what_is_its_own():
    usual, outer = np.load, Model()
    with of_its_own(outer):
        np.load = np.save
        with of_its_own(Model()):
            assert np.load is np.save
        assert np.load is np.save
    assert np.load is usual and replaces(outer)


def test_names_that_are_added_stay_and_are_nobodys():
    model = Model()
    try:
        with of_its_own(model):
            np.of_a_model = 3  # type: ignore[attr-defined]
        assert np.of_a_model == 3 and not replaces(model)  # type: ignore[attr-defined]
    finally:
        del np.of_a_model  # type: ignore[attr-defined]


def test_what_others_replace_between_two_calls_stays(monkeypatch: pytest.MonkeyPatch):
    model = Model()
    with of_its_own(model):
        pass
    monkeypatch.setattr(time, "thread_time", time.monotonic)
    with of_its_own(model):
        assert time.thread_time is time.monotonic
    assert time.thread_time is time.monotonic and not replaces(model)


def test_a_value_that_cannot_be_compared_is_put_back():
    usual = np.pi
    with of_its_own(Model()):
        np.pi = np.zeros(3)  # type: ignore[assignment, misc]
    assert np.pi is usual
