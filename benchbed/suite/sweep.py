"""Options of adapters that a suite goes through: each combination of values is a row of its own."""

from __future__ import annotations

import itertools
import keyword
from collections.abc import Mapping, Sequence
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field


def _plain(value: object) -> object:
    if not isinstance(value, bool | int | float | str):
        raise ValueError("an option is set to a text, a number, true or false")
    return value


def _once(values: list[Setting]) -> list[Setting]:
    if len({str(value) for value in values}) < len(values):
        raise ValueError(f"the values {values} repeat")
    return values


#: What an option may be set to.
Setting = bool | int | float | str
#: What an option is set to, one after the other.
Settings = Annotated[list[Annotated[Setting, BeforeValidator(_plain)]], Field(min_length=1), AfterValidator(_once)]

#: More rows than this from one model were hardly meant.
MOST_ROWS = 200


def refuse_sweep(sweep: Mapping[str, Sequence[Setting]]) -> None:
    """Refuse a sweep that names no option, or makes more rows than anybody means.

    Raises
    ------
    ValueError
        What is wrong with it.
    """
    rows = 1
    for name, values in sweep.items():
        if not name.isidentifier() or keyword.iskeyword(name):
            raise ValueError(f"'{name}' is no name of an option")
        rows *= len(values)
    if rows > MOST_ROWS:
        raise ValueError(f"{rows} rows of each model, more than {MOST_ROWS}")


def rows_of(sweep: Mapping[str, Sequence[Setting]], fixed: Mapping[str, object]) -> list[dict[str, Setting]]:
    """Options of each row: every combination of the values, the last option changing first.

    Parameters
    ----------
    sweep : mapping of str to sequence
        Option → its values.
    fixed : mapping
        Options that are given already; one of them is not gone through.

    Examples
    --------
    >>> rows_of({"patchout": [0, 4], "stride": [10, 16]}, {"stride": 16})
    [{'patchout': 0}, {'patchout': 4}]
    >>> rows_of({}, {})
    [{}]
    """
    open_ = {name: values for name, values in sweep.items() if name not in fixed}
    return [dict(zip(open_, values)) for values in itertools.product(*open_.values())]
