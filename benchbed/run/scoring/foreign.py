"""What became of adversarial sounds that others made: within their budget, over it, or not there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from benchbed.attack.attacks.from_folder import COLUMN
from benchbed.results import record
from benchbed.suite.plan import CellPlan

if TYPE_CHECKING:
    import pandas as pd


def foreign_checks(curve: Sequence[CellPlan], rows: Mapping[str, pd.DataFrame]) -> list[record.Check]:
    """`attack:foreign` of every budget: how many clips have a sound that keeps it; nothing for attacks of our own.

    Examples
    --------
    >>> import pandas as pd
    >>> cell = CellPlan("scene/test/from_folder@l2:30dB", "scene", "test", "attack", "from_folder", None, 0)
    >>> table = pd.DataFrame({"foreign": ["within", "over", "missing", None]})
    >>> foreign_checks([cell], {cell.key: table})[0].message
    '1 of 3 clips have a sound within this budget; over it: 1, without a file: 1; these count as not broken'
    """
    checks = []
    for cell in curve:
        table = rows[cell.key]
        if COLUMN not in table or not table[COLUMN].notna().any():
            continue
        told = table[COLUMN].dropna().astype(str).value_counts()
        lost = [
            f"{words}: {int(told[what])}"
            for what, words in (("over", "over it"), ("unfit", "of another length"), ("missing", "without a file"))
            if what in told
        ]
        message = f"{int(told.get('within', 0))} of {int(told.sum())} clips have a sound within this budget"
        message += f"; {', '.join(lost)}; these count as not broken" if lost else ""
        checks.append(
            record.Check(name="attack:foreign", status="warn" if lost else "pass", message=message, cell=cell.key)
        )
    return checks
