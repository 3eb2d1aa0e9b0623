"""Several processes that take pieces of work in turn."""

from __future__ import annotations

import contextlib
import queue
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import TypeVar, cast

from benchbed.run.isolating.process import Isolated, Message, receive
from benchbed.run.job.limits import Limits

Piece = TypeVar("Piece")
Item = TypeVar("Item")


def shared_out(
    name: str,
    limits: Limits,
    workers: int,
    begin: Callable[[], object],
    call: Callable[[Piece], Iterator[Item]],
    pieces: Iterable[Piece],
) -> Iterator[Item]:
    """Items that a call yields for each of many pieces of work, as they come.

    Parameters
    ----------
    name : str
        Whose work it is, for errors.
    limits : Limits
        Of each process.
    workers : int
        Processes.
    begin : callable
        What each process does first; this and `call` must be what pickle can send.
    call : callable
        A generator, made once for each piece.
    pieces : iterable
        Pieces of work.

    Raises
    ------
    BenchbedError
        What a call raised, or why a process ended; all others are ended then.
    """
    left = deque(pieces)
    inbox: queue.Queue[Message] = queue.Queue()
    crew: list[Isolated] = []
    busy = 0
    try:
        for _ in range(min(workers, len(left))):
            process = Isolated(name, limits, inbox, interruptible=False)
            crew.append(process)
            process.send(begin)
            busy += 1
        while busy:
            message = receive(crew, inbox)
            if message.kind == "item":
                yield cast("Item", message.value)
            elif left:
                message.sender.send(partial(call, left.popleft()))
            else:
                busy -= 1
    except BaseException:
        for process in crew:
            process.kill()
        raise
    finally:
        for process in crew:
            with contextlib.suppress(OSError):
                process.close()
