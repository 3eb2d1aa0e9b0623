"""Whether this process is the command's: nobody else's code runs in it, and what it has imported may be forked.

A Python user's process may have threads, open files and a model in it, and is left as it is.
"""

from __future__ import annotations

import threading
from typing import ClassVar


class Command:
    """The command, as far as its process is one.

    Attributes
    ----------
    here : bool
        The command line has begun this process, and calls everything in it.
    """

    here: ClassVar[bool] = False


def forkable() -> bool:
    """Whether a fork of this process would lack nothing.

    Examples
    --------
    >>> forkable()
    False
    """
    return Command.here and threading.active_count() == 1 and threading.current_thread() is threading.main_thread()
