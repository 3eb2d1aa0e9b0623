"""References of clips from their labels: one class, or several."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd


def numbers(labels: Sequence[str]) -> dict[str, int]:
    """Class number of each label."""
    return {label: index for index, label in enumerate(labels)}


def one_each(label: pd.Series, labels: Sequence[str]) -> np.ndarray:
    """Class number of each clip [shape=(clip,)].

    Examples
    --------
    >>> import pandas as pd
    >>> one_each(pd.Series(["b", "a"]), ("a", "b")).tolist()
    [1, 0]
    """
    return label.map(numbers(labels)).to_numpy()


def several(label: Iterable[Sequence[str]], labels: Sequence[str]) -> np.ndarray:
    """1 where a class is present [shape=(clip, class)].

    Examples
    --------
    >>> several([("b",), (), ("a", "b")], ("a", "b")).tolist()
    [[0.0, 1.0], [0.0, 0.0], [1.0, 1.0]]
    """
    number = numbers(labels)
    return np.array([present(names, number) for names in label], np.float64).reshape(-1, len(labels))


def present(names: Sequence[str], number: Mapping[str, int]) -> np.ndarray:
    """1 where a class of one clip is present [shape=(class,)]."""
    found = np.zeros(len(number))
    found[[number[name] for name in names]] = 1.0
    return found
