"""Numbers out of the cells of a table: decimal points, and decimal commas where they can mean nothing else."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import numpy as np

from benchbed.errors import DataError

#: Cells that say that there is no number.
NOTHING = frozenset(("", "nan", "na", "n/a", "null", "none"))
_POINT = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
_COMMA = re.compile(r"[+-]?\d*,\d+(?:[eE][+-]?\d+)?")
#: What could be a thousand as well as a one with three decimals.
_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2},\d{3}")
_PLAIN = frozenset("0123456789.+-eE\n")


def numbers(texts: Sequence[str], column: str, where: Callable[[int], str]) -> np.ndarray:
    """A column of numbers as float64 [shape=(row,)]; NaN where a cell says that there is none.

    Parameters
    ----------
    texts : sequence of str
        The cells. A comma counts as a decimal point where every broken number of the column has one, and one of them
        at least cannot be a thousand.
    column : str
        Its name, for messages.
    where : callable
        Position of a cell → its place, for messages.

    Raises
    ------
    DataError
        A cell that is no finite number, points and commas in one column, or commas that could part thousands.

    Examples
    --------
    >>> numbers(["0.5", "", "1e1"], "onset", str).tolist()
    [0.5, nan, 10.0]
    >>> numbers(["0,5", "1,250", "2"], "onset", str).tolist()
    [0.5, 1.25, 2.0]
    >>> numbers(["1,250"], "onset", "t.csv:{}".format)
    Traceback (most recent call last):
    ...
    benchbed.errors.DataError: '1,250' in column onset could mean 1.250 or 1250
      at: t.csv:0
      try: write numbers with a decimal point
    """
    if set("\n".join(texts)) <= _PLAIN:
        try:
            plain = np.array([text or "nan" for text in texts], np.float64)
            if not np.isinf(plain).any():
                return plain
        except ValueError:
            pass  # one of them is none; which one is found below
    commas = [row for row, text in enumerate(texts) if _COMMA.fullmatch(text)]
    points = [row for row, text in enumerate(texts) if "." in text and _POINT.fullmatch(text)]
    if commas and not points and all(_THOUSANDS.fullmatch(texts[row]) for row in commas):
        text = texts[commas[0]]
        raise DataError(
            f"'{text}' in column {column} could mean {text.replace(',', '.')} or {text.replace(',', '')}",
            where=where(commas[0]),
            hint="write numbers with a decimal point",
        )
    values = np.full(len(texts), np.nan)
    for row, text in enumerate(texts):
        if text.lower() in NOTHING:
            continue
        mended = text.replace(",", ".") if commas and not points and _COMMA.fullmatch(text) else text
        if not _POINT.fullmatch(mended) or abs(float(mended)) == np.inf:
            mixed = "," in text and bool(points)
            hint = "numbers of one column have points or commas, not both" if mixed else "write a finite number"
            raise DataError(f"'{text}' in column {column} is not a number", where=where(row), hint=hint)
        values[row] = float(mended)
    return values


def is_number(text: str) -> bool:
    """Whether a cell is a number, with a point or a comma.

    Examples
    --------
    >>> [is_number(text) for text in ("1.5", "1,5", "l.0", "nan", "1_0")]
    [True, True, False, False, False]
    """
    return bool(_POINT.fullmatch(text) or _COMMA.fullmatch(text))
