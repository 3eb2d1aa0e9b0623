"""Several processes that take pieces of work in turn."""

from __future__ import annotations

import contextlib
import queue
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Protocol, TypeVar, cast

from benchbed.run.isolating.forking import forked, serving
from benchbed.run.isolating.process import Isolated, Message, receive
from benchbed.run.job.limits import Limits

Piece = TypeVar("Piece")
Piece_contra = TypeVar("Piece_contra", contravariant=True)
Item = TypeVar("Item")


class TakesTurns(Protocol[Piece_contra]):
    """When work may be done that others are to do after or before."""

    def may(self, piece: Piece_contra) -> bool:
        """Whether a piece may be worked on now."""

    def wait(self, piece: Piece_contra) -> None:
        """Come back when it may be."""


def shared_out(
    name: str,
    limits: Limits,
    workers: int,
    begin: Callable[[], object],
    call: Callable[[Piece], Iterator[Item]],
    pieces: Iterable[Piece],
    modules: Sequence[str] = (),
    turns: TakesTurns[Piece] | None = None,
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
    modules : sequence of str
        Modules of benchbed that the work needs, which are then imported once for all processes where that can be.
    turns : TakesTurns, optional
        Which pieces may be handed out now; where the next one may not, it is waited for when nobody is at work.

    Raises
    ------
    BenchbedError
        What a call raised, or why a process ended; all others are ended then.
    """
    left = deque(pieces)
    inbox: queue.Queue[Message] = queue.Queue()
    crew: list[Isolated] = []
    idle: list[Isolated] = []
    stack = contextlib.ExitStack()
    try:
        stack.enter_context(serving())
        if modules and (server := forked()) is not None:
            server.warm(modules)
        for _ in range(min(workers, len(left))):
            process = Isolated(name, limits, inbox, interruptible=False)
            crew.append(process)
            process.send(begin)
        while True:
            while idle and left and (turns is None or turns.may(left[0])):
                idle.pop().send(partial(call, left.popleft()))
            if len(idle) < len(crew):
                message = receive(crew, inbox)
                if message.kind == "item":
                    yield cast("Item", message.value)
                else:
                    idle.append(message.sender)
            elif left:
                assert turns is not None
                turns.wait(left[0])
            else:
                break
    except BaseException:
        for process in crew:
            process.kill()
        raise
    finally:
        for process in crew:
            with contextlib.suppress(OSError):
                process.close()
        stack.close()
