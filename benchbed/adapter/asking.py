"""Asking a model: what it answers is copied, what it is given is its own, and an exit of its code is an error.

A model may return the same buffer at every call, scale its input in place, or leave by `sys.exit`; none of that may
reach a figure, or end the command.
"""

from __future__ import annotations

import contextlib
import traceback
from collections.abc import Iterator

import numpy as np

from benchbed.adapter.pulse import beating
from benchbed.adapter.room import make_room, most_inputs, out_of_memory
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
    most = most_inputs(adapter) if lent else None
    if most is not None and len(batch.waveforms) > most:
        return np.concatenate([ask(adapter, part, lent=True) for part in _parts(batch, most)])
    try:
        return _asked(adapter, _copied(batch) if lent else batch)
    except Exception as error:
        # What was lent is still as it was, and can be asked about again in smaller parts.
        if not lent or len(batch.waveforms) == 1 or not out_of_memory(error):
            raise
        most = make_room(adapter, len(batch.waveforms))
        return np.concatenate([ask(adapter, part, lent=True) for part in _parts(batch, most)])


def _copied(batch: Batch) -> Batch:
    return Batch(batch.waveforms.copy(), np.array(batch.lengths), batch.sample_rate, dict(batch.side))


def _parts(batch: Batch, size: int) -> Iterator[Batch]:
    for start in range(0, len(batch.waveforms), size):
        part = slice(start, start + size)
        side = {name: values[part] for name, values in batch.side.items()}
        yield Batch(batch.waveforms[part], batch.lengths[part], batch.sample_rate, side)


def _asked(adapter: Answers, batch: Batch) -> np.ndarray:
    card, inputs = _card(adapter), len(batch.waveforms)
    try:
        with beating(f"predict, {_size(batch.waveforms.shape)}"), of_its_own(adapter):
            answer = adapter.predict(batch)
            _same_card(card, adapter)
            return _array(answer, inputs)
    except SystemExit as error:
        raise AdapterError(
            f"predict called {said_exit(error)}",
            where=_line(error),
            hint="an adapter answers or raises; take the exit out",
        ) from error
    except (Exception, KeyboardInterrupt):
        raise
    except BaseException as error:  # what means to end more than the call, such as a cancelled task
        raise AdapterError(f"predict raised {told(error)}", where=_line(error), hint=_RAISES) from error


_RAISES = "an adapter raises what is an Exception"
#: Answers become arrays among names that the model may have replaced.
_asarray = np.asarray


def _card(adapter: Answers) -> object:
    with contextlib.suppress(AttributeError):  # what only predicts needs none
        return object.__getattribute__(adapter, "card")
    return None


def _same_card(card: object, adapter: Answers) -> None:
    """Refuse a card that became another: answers are read by what it said."""
    now = _card(adapter)
    if now is not card and now != card:
        raise AdapterError(
            "the card of the model is another one since it predicted",
            hint="a card says what the model is, and stays as it was when the model was loaded",
        )


def _array(answer: object, inputs: int) -> np.ndarray:
    try:
        if not hasattr(answer, "__array__") and isinstance(count := _length(answer), int) and count != inputs:
            raise AdapterError(
                f"predict returned {count:,} rows for {inputs} input(s)", hint="one row of scores for each input"
            )
        if isinstance(answer, np.ma.MaskedArray):
            # Below a mask lies anything.
            answer = np.ma.filled(answer.astype(np.float64), np.nan)
        return _asarray(answer).copy()
    except AdapterError:
        raise
    except Exception as error:  # whatever an object of a model's own does when it is made an array
        raise AdapterError(
            f"predict returned {type(answer).__name__}, which is no array of numbers: {told(error)}",
            hint="return a numpy array, e.g. scores.detach().cpu().numpy()",
        ) from error


def _length(answer: object) -> int | None:
    return len(answer) if hasattr(answer, "__len__") else None  # type: ignore[arg-type]


def _line(error: BaseException) -> str:
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"{last.filename}:{last.lineno}"


#: Characters of an error of a model's that are told.
_TOLD = 500


def told(error: BaseException) -> str:
    """An error of somebody else's code in one line that every terminal and file can hold.

    Examples
    --------
    >>> told(ValueError("no\\x1b[31m weights\\nhere")), told(KeyError())
    ('ValueError: no?[31m weights here', 'KeyError')
    """
    try:
        text = str(error)
    except Exception:
        text = "it cannot be told"
    text = " ".join(text[: 4 * _TOLD].split())
    text = "".join(each if each.isprintable() else "?" for each in text)
    text = f"{text[:_TOLD]} …" if len(text) > _TOLD else text
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


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
