"""What a process of its own says to its parent, and asks it within a call.

The pipes are kept here and not where calls are served: that module is `__main__` in a process that was started anew.
"""

from __future__ import annotations

from pickle import dumps, load  # before a model's code could replace them: half an answer would be waited for
from typing import BinaryIO

#: Over what this process is called and answers, if it is one of its own.
_pipes: tuple[BinaryIO, BinaryIO] | None = None


def opened(calls: BinaryIO, answers: BinaryIO) -> None:
    """Note over what this process is called, and over what it answers."""
    global _pipes
    _pipes = calls, answers


def said(answers: BinaryIO, word: tuple[str, object, str]) -> bool:
    """Say something to the parent; False where there is nobody to hear it."""
    try:
        data = dumps(word)
    except Exception as error:  # a result or an error that holds what cannot be sent
        _, value, told = word
        data = dumps(("broken", RuntimeError(f"{type(value).__name__}: {value} ({error})"), told))
    try:
        answers.write(data)
        answers.flush()
    except OSError:
        return False
    return True


def ask(question: object) -> object:
    """Hand a question to the parent, as an item of the call that is being answered, and wait for what it sends back.

    Parameters
    ----------
    question : object
        What pickle can send.

    Raises
    ------
    EOFError
        The parent wants nothing more.
    """
    assert _pipes is not None
    calls, answers = _pipes
    said(answers, ("item", question, ""))
    answer: object = load(calls)
    return answer
