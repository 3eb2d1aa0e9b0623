"""What several splits of one run are called: folds of one data set, or sets that stand beside each other."""

from __future__ import annotations

import re
from collections.abc import Iterable

from benchbed.checkpoints import last_step, parted


def called(names: Iterable[str]) -> str:
    """`folds` where the splits are numbered parts of one data set, else `splits`.

    A mean over the folds of a cross-validation and a mean over two data sets are different figures, and only the names
    tell which it is: folds are numbered (`fold1` … `fold5`, or plain numbers), sets have names of their own.

    Examples
    --------
    >>> called(["after_D2_on_D1", "after_D2_on_D2"])
    'domains'
    >>> called(["fold1", "fold2"]), called(["1", "2", "10"]), called(["clotho", "audiocaps"])
    ('folds', 'folds', 'splits')
    """
    names = list(names)
    if names and all(map(parted, names)):
        return "domains"
    parts = [re.fullmatch(r"(.*?)(\d+)", name) for name in names]
    stems = {part[1] for part in parts if part}
    return "folds" if parts and all(parts) and len(stems) == 1 else "splits"


def joined(names: Iterable[str], how: str) -> str:
    """How the splits of a figure became one, in words; empty for a single split.

    Parameters
    ----------
    names : iterable of str
        The splits.
    how : str
        `mean` or `pooled`, as `metrics.folds` of the suite says.

    Examples
    --------
    >>> joined(["fold1", "fold2", "fold3"], "mean"), joined(["clotho", "audiocaps"], "pooled"), joined(["test"], "mean")
    ('mean over 3 folds', '2 splits pooled', '')
    """
    known = last_step(names)
    if len(known) < 2:
        return ""
    word = called(known)
    if (both := parted(known[0])) is not None:
        word += f" after step {both[0]}"
    return f"{len(known)} {word} pooled" if how == "pooled" else f"mean over {len(known)} {word}"


def of_split(name: str) -> str:
    """A split in a title; what several folds say together is called so.

    Examples
    --------
    >>> of_split("test"), of_split(joined(["fold1", "fold2"], "mean")), of_split(joined(["1", "2"], "pooled"))
    ('split test', 'mean over 2 folds', '2 folds pooled')
    """
    return name if re.fullmatch(r"mean over \d+ folds|\d+ folds pooled", name) else f"split {name}"
