"""Names of splits where checkpoints of one model follow each other: what was scored, and after which step.

A model that learns one domain after the other is scored on all of them after every step. The clips of a domain after a
step are a split of the run, whose name says both; the model of a split is the checkpoint of its step.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

_FORM = re.compile(r"after_(.+)_on_(.+)")
#: What a step or domain of a sequence may be called, so that names of splits can be read again.
WORD = re.compile(r"(?!.*_on_)[A-Za-z0-9][A-Za-z0-9_.-]*")


def split_after(step: str, domain: str) -> str:
    """Name of the split that holds the clips of a domain, scored after a step.

    Examples
    --------
    >>> split_after("D1", "D2"), parted("after_D1_on_D2"), parted("test")
    ('after_D1_on_D2', ('D1', 'D2'), None)
    """
    return f"after_{step}_on_{domain}"


def parted(split: str) -> tuple[str, str] | None:
    """Step and domain of such a split; None for any other."""
    seen = _FORM.fullmatch(split)
    return (seen[1], seen[2]) if seen else None


def last_step(splits: Iterable[str]) -> list[str]:
    """Splits that the figures of a run as a whole are of: those of the last step of a sequence, else all.

    Examples
    --------
    >>> last_step(["after_D1_on_D2", "after_D2_on_D2"]), last_step(["fold1", "fold2"])
    (['after_D2_on_D2'], ['fold1', 'fold2'])
    """
    names: Sequence[str] = list(dict.fromkeys(splits))
    seen = [parted(name) for name in names]
    if not seen or seen[-1] is None:
        return list(names)
    last = seen[-1][0]
    return [name for name, both in zip(names, seen) if both is not None and both[0] == last]
