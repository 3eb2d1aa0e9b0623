"""What an attack left in each clip of a cell: the rows that curves over budgets, checks and tables are made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class AttackedRows:
    """Predictions of one attacked cell without its scores.

    Attributes
    ----------
    table : pandas.DataFrame
        A row for each clip, in the order of the files.
    position : np.ndarray [shape=(row,), int]
        The clip of each, as a row of the split's table.

    Examples
    --------
    >>> import pandas as pd
    >>> AttackedRows(pd.DataFrame({"clip_id": ["b"], "robust": [True]}), np.array([1])).table["robust"].tolist()
    [True]
    """

    table: pd.DataFrame
    position: np.ndarray
