"""Errors that code of the user's raised while nobody called it: what it left behind, such as a hook or a handler.

What a model changes around it is put back after each of its calls (`surroundings`, `names`), but not everything can be:
an audit hook stays as long as its process does, a handler of a signal comes when it likes, and a class that was patched
is another one. Such an error comes out of the middle of our own work, and is no fault of it.
"""

from __future__ import annotations

import traceback

from benchbed.adapter.asking import told
from benchbed.adapter.watch import place_of
from benchbed.errors import AdapterError


def astray(error: BaseException) -> AdapterError | None:
    """What a person is told of an error that code of the user's raised below ours; None of any other one.

    Parameters
    ----------
    error : BaseException
        With its traceback, which begins where it was caught.

    Examples
    --------
    >>> try:
    ...     int("x")
    ... except ValueError as error:
    ...     print(astray(error))
    None
    """
    frames = traceback.extract_tb(error.__traceback__)
    # Python and packages write code themselves, under names that are no files.
    if not isinstance(error, Exception) or not frames or frames[-1].filename.startswith("<"):
        return None
    ours = any(place_of(frame.filename) == "benchbed" for frame in frames[1:-1])
    if not ours or place_of(frames[-1].filename) != "own":
        return None
    return AdapterError(
        f"code that is not benchbed's raised {told(error)} in the middle of a run",
        where=f"{frames[-1].filename}:{frames[-1].lineno}",
        hint="it was called by what it stands in for, or hooked itself into; a model changes its own calls alone",
    )
