"""Text from `--set` becomes typed arguments, or an error that says what was expected."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchbed.adapter.options import describe_options, parse_value, resolve_options
from benchbed.errors import AdapterError, ConfigError


def model(
    arch: Literal["s", "m"] = "s",
    depth: int = 4,
    rate: float = 0.1,
    frozen: bool = False,
    checkpoint: Path | None = None,
    widths: tuple[int, ...] = (8, 16),
    stages: Literal[1, 2] = 1,
    untyped=5,
):
    """A constructor with every kind of option."""


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("7", int, 7),
        ("1e-3", float, 0.001),
        ("yes", bool, True),
        ("false", bool, False),
        ("0", bool, False),
        ("a/b.pt", Path, Path("a/b.pt")),
        ("~/b.pt", Path, Path.home() / "b.pt"),
        ("none", Path | None, None),
        ("none", str, "none"),
        ("12", str, "12"),
        ("1,2,3", list[int], [1, 2, 3]),
        ("[1, 2]", tuple[int, ...], (1, 2)),
        ("8", tuple[int, ...], (8,)),
        ("", list[str], []),
        ("2", Literal[1, 2], 2),
        ("auto", int | Literal["auto"], "auto"),
        ("5", int | Literal["auto"], 5),
        ('{"a": 1}', dict[str, int], {"a": 1}),
    ],
)
def test_text_is_read_as_the_annotation_says(text, kind, value):
    read = parse_value(text, kind)
    assert read == value
    assert type(read) is type(value)


@pytest.mark.parametrize(
    ("text", "kind"),
    [("x", int), ("1.5", int), ("maybe", bool), ("none", int), ("l", Literal["s"]), ("a,b", list[int])],
)
def test_text_of_the_wrong_type_is_refused(text, kind):
    with pytest.raises(ConfigError, match="option depth="):
        parse_value(text, kind, name="depth")


def test_unannotated_option_takes_the_type_of_its_default():
    assert resolve_options(model, {"untyped": "9"})[0] == {"untyped": 9}


def test_unknown_option_lists_what_there_is():
    with pytest.raises(ConfigError) as caught:
        resolve_options(model, {"arhc": "m"})
    assert "did you mean 'arch'?" in caught.value.hint
    assert "arch: one of 's', 'm' = 's'" in caught.value.hint
    assert "checkpoint: Path or none = None" in caught.value.hint


def test_no_options_at_all():
    class Bare:
        pass

    assert describe_options(Bare) == []
    with pytest.raises(ConfigError) as caught:
        resolve_options(Bare, {"x": "1"})
    assert caught.value.hint == "this adapter takes no options"


def test_required_option_that_is_missing():
    def make(checkpoint: Path, depth: int = 1): ...

    with pytest.raises(ConfigError, match="needs: checkpoint"):
        resolve_options(make, {"depth": "2"})


def test_open_keywords_pass_as_they_are():
    def make(depth: int = 1, **more): ...

    arguments, recorded = resolve_options(make, {"depth": "2", "color": "red"})
    assert arguments == {"depth": 2, "color": "red"} == recorded


def test_annotation_that_cannot_be_resolved():
    def make(depth: NotImported = 1): ...  # noqa: F821

    with pytest.raises(AdapterError, match="NotImported"):
        resolve_options(make, {})


@given(
    depth=st.integers(-(10**6), 10**6),
    rate=st.floats(allow_nan=False, allow_infinity=False),
    frozen=st.booleans(),
    widths=st.lists(st.integers(0, 999), max_size=4),
)
def test_recorded_options_survive_json_and_yield_the_same_arguments(depth, rate, frozen, widths):
    given_ = {"depth": str(depth), "rate": repr(rate), "frozen": str(frozen), "widths": ",".join(map(str, widths))}
    arguments, recorded = resolve_options(model, given_)
    again, recorded_again = resolve_options(model, json.loads(json.dumps(recorded)))
    assert recorded_again == recorded
    assert {name: again[name] for name in arguments} == arguments
    assert arguments == {"depth": depth, "rate": rate, "frozen": frozen, "widths": tuple(widths)}
