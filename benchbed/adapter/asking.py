"""Asking a model: what it answers is copied, what it is given is its own, and an exit of its code is an error.

A model may return the same buffer at every call, scale its input in place, or leave by `sys.exit`; none of that may
reach a figure, or end the command.
"""

from __future__ import annotations

import traceback

import numpy as np

from benchbed.adapter.pulse import beating
from benchbed.adapter.surroundings import of_its_own
from benchbed.errors import AdapterError
from benchbed.protocols import Answers
from benchbed.types import Batch


def ask(adapter: Answers, batch: Batch, *, lent: bool = False) -> np.ndarray:
    """What `predict` answers to a batch, as an array that nobody else holds.

    Parameters
    ----------
    adapter : Adapter
        Started, or anything else with `predict`.
    batch : Batch
        What it hears.
    lent : bool
        The waveforms are needed afterwards: the model gets a copy, which it may write into.

    Raises
    ------
    AdapterError
        `predict` called `sys.exit`, or returned what is no array of numbers.

    Examples
    --------
    >>> class Same:
    ...     buffer = np.zeros((1, 2), np.float32)
    ...     def predict(self, batch):
    ...         self.buffer += 1
    ...         return self.buffer
    >>> model, batch = Same(), Batch(np.zeros((1, 1, 8), np.float32), np.array([8]), 8000)
    >>> first, second = ask(model, batch), ask(model, batch)
    >>> first.tolist(), second.tolist()
    ([[1.0, 1.0]], [[2.0, 2.0]])
    """
    if lent:
        batch = Batch(batch.waveforms.copy(), np.array(batch.lengths), batch.sample_rate, dict(batch.side))
    with of_its_own(adapter):
        try:
            with beating(f"predict, {_size(batch.waveforms.shape)}"):
                answer = adapter.predict(batch)
        except SystemExit as error:
            last = traceback.extract_tb(error.__traceback__)[-1]
            raise AdapterError(
                f"predict called {said_exit(error)}",
                where=f"{last.filename}:{last.lineno}",
                hint="an adapter answers or raises; take the exit out",
            ) from error
        try:
            return np.asarray(answer).copy()
        except (TypeError, ValueError, RuntimeError) as error:
            raise AdapterError(
                f"predict returned {type(answer).__name__}, which is no array of numbers: {error}",
                hint="return a numpy array, e.g. scores.detach().cpu().numpy()",
            ) from error


def _size(shape: tuple[int, ...]) -> str:
    return f"{shape[0]} input(s) of {shape[-1]:,} samples"


def said_exit(error: SystemExit) -> str:
    """The call that a `SystemExit` came from.

    Examples
    --------
    >>> said_exit(SystemExit(0)), said_exit(SystemExit("no weights"))
    ('sys.exit(0)', "sys.exit('no weights')")
    """
    return f"sys.exit({'' if error.code is None else repr(error.code)})"
