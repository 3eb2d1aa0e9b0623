"""Which devices training had not, found from the figures of sets alone."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchbed.results.columns import Shared, columns_of, figures_of
from benchbed.results.later import Later
from benchbed.results.record import Cell, Condition, Counts, Value
from benchbed.results.seen import fits, unseen


def figures(accuracy: float, loss: float, n: int) -> dict[str, Value]:
    made = {"n": n, "unit": "", "rule": "r"}
    return {
        "accuracy": Value(value=accuracy, direction="higher", **made),
        "log_loss": Value(value=loss, direction="lower", **made),
    }


def cell(devices: dict[str, tuple[float, float, int]], new: set[str]) -> Cell:
    groups = {f"device={name}": figures(*held) for name, held in devices.items()}
    for name, members in (("unseen", new), ("seen", set(devices) - new)):
        held = np.array([devices[member] for member in sorted(members)])
        groups[f"devices_mean={name}"] = figures(*held[:, :2].mean(axis=0), int(held[:, 2].sum()))
    clean = Condition(kind="clean", name="clean")
    counts = Counts(clips=9, scored=9)
    return Cell(
        key="scene/test/clean", task="scene", split="test", condition=clean, metrics={}, groups=groups, counts=counts
    )


@settings(max_examples=30, deadline=None)
@given(st.integers(2, 10), st.integers(0, 2**32 - 1), st.data())
def test_the_devices_of_a_mean_are_found(many, seed, data):
    draw = np.random.default_rng(seed)
    names = [f"s{i}" for i in range(many)]
    devices = {name: (draw.random(), draw.exponential(), int(draw.integers(1, 30))) for name in names}
    new = set(data.draw(st.lists(st.sampled_from(names), min_size=1, max_size=many - 1, unique=True)))
    assert set(unseen(cell(devices, new))) == new


def test_where_two_choices_fit_nothing_is_said():
    same = (0.5, 1.0, 10)
    assert unseen(cell({"a": same, "b": same, "c": (0.9, 0.2, 10)}, {"a"})) == ()


@pytest.mark.parametrize("lost", ["devices_mean=seen", "devices_mean=unseen"])
def test_without_both_means_nothing_is_said(lost):
    made = cell({"a": (0.7, 0.5, 10), "s4": (0.3, 1.5, 10)}, {"s4"})
    assert unseen(made) == ("s4",)
    del made.groups[lost]
    assert unseen(made) == ()


def test_figures_that_agree_with_no_choice_say_nothing():
    made = cell({"a": (0.7, 0.5, 10), "s4": (0.3, 1.5, 10)}, {"s4"})
    made.groups["devices_mean=unseen"] = figures(0.31, 1.5, 10)
    assert unseen(made) == ()


def test_figures_that_were_not_made_yet_say_the_same():
    made = cell({"a": (0.7, 0.5, 10), "b": (0.9, 0.2, 4), "s4": (0.3, 1.5, 10)}, {"s4"})
    made.groups["devices_mean=unseen"]["accuracy"] = made.groups["devices_mean=unseen"]["accuracy"].model_copy(
        update={"value": None}
    )
    _, [later] = figures_of(columns_of({}, [made]), Shared(later=True))
    assert isinstance(later.groups["device=a"], Later)
    assert unseen(later) == unseen(made) == ("s4",)
    assert fits(later, ("s4",)) and not fits(later, ("a",)) and not fits(later, ("s9",))
    assert all(type(number) is int for number in dict.values(later.groups["device=a"]))
