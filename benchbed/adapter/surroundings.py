"""What a model's code may change around it in this process: kept for that model, and never left to anybody else.

An adapter that sets a default type, switches gradients off or changes the working directory finds it so at its next
call, as in a script of its own. Our code, and the next model of the command, find everything as it was.
"""

from __future__ import annotations

import contextlib
import gc
import logging
import os
import signal
import sys
import threading
import warnings
from collections.abc import Callable
from functools import lru_cache, wraps
from typing import Any, ParamSpec, TypeVar

import numpy as np

from benchbed.adapter import names

Given = ParamSpec("Given")
Answer = TypeVar("Answer")

#: One thing that code can change: how it is read, and how it is set.
Setting = tuple[Callable[[], Any], Callable[[Any], None]]

#: What the run decides, whatever a model's code prefers.
_OURS = ("torch threads",)

#: The environment when it was last read, as the system has it and decoded.
_read: tuple[dict[Any, Any], dict[str, str]] = ({}, {})

#: Attribute of an adapter: what its code had set around it when it last ended.
_LEFT = "_benchbed_surroundings"
#: Under which that holds the names that it had replaced.
_REPLACED = "names"


def surroundings() -> dict[str, Any]:
    """What code can change, by name: working directory, search path of modules, environment, warning filters, numpy's
    error state, and what torch has set.

    Examples
    --------
    >>> with np.errstate(divide="raise"):
    ...     surroundings()["numpy errors"]["divide"]
    'raise'
    """
    found = {name: read() for name, (read, _) in _settings().by_name.items()}
    return found | {"environment": dict(found["environment"])}  # whoever asks may write into it


def restore(before: dict[str, Any]) -> list[str]:
    """Put back what differs from `before`; the names of it.

    Examples
    --------
    >>> before = surroundings()
    >>> _ = np.seterr(divide="raise")
    >>> restore(before)
    ['numpy errors']
    """
    if not before:
        return []
    changed = []
    for name, (read, write) in _settings().by_name.items():
        if name in before and read() != before[name]:
            write(before[name])
            changed.append(name)
    return changed


class OfItsOwn:
    """A block of an adapter's code in its own surroundings; outside it, nothing of them is left.

    What the code prints goes to standard error: standard output belongs to the paths and records of the command.
    Entered, it gives a dict that holds after the block what the code had changed; see `adopt`.

    Parameters
    ----------
    adapter : object, optional
        Whose code it is; without one, the code begins in the present surroundings.
    """

    def __init__(self, adapter: Any = None) -> None:
        self._adapter = adapter
        self._changed: dict[str, Any] = {}

    def __enter__(self) -> dict[str, Any]:
        self._settings = _settings()
        self._outside = [read() for read in self._settings.reads]
        self._left = _left_by(self._adapter)
        restore(self._left)
        names.begin(self._left.get(_REPLACED))
        self._streams = sys.stdout, sys.stderr
        # Whatever it closes is a stand-in: the streams are the command's.
        sys.stdout = sys.stderr = _Unclosed(sys.stderr)  # type: ignore[assignment]
        return self._changed

    def __exit__(self, *raised: object) -> None:
        # First the names, by which everything here goes on.
        sys.stdout, sys.stderr = self._streams
        replaced = names.end()
        settings = _settings()
        now = [read() for read in settings.reads]
        if settings is not self._settings or now != self._outside:
            outside = dict(zip(self._settings.by_name, self._outside))
            changed = {n: v for n, v in zip(settings.by_name, now) if n in outside and v != outside[n]}
            restore({name: outside[name] for name in changed})
            self._changed |= changed
        if replaced:
            self._changed[_REPLACED] = replaced
        if self._changed or self._left:
            adopt(self._adapter, self._changed)


def of_its_own(adapter: Any = None) -> OfItsOwn:
    """Run a block of an adapter's code in its own surroundings; see `OfItsOwn`.

    Examples
    --------
    >>> with of_its_own() as changed:
    ...     _ = np.seterr(divide="raise")
    >>> changed["numpy errors"]["divide"], np.geterr()["divide"]
    ('raise', 'warn')
    """
    return OfItsOwn(adapter)


def if_any(adapter: Any) -> contextlib.AbstractContextManager[Any]:
    """The block of `of_its_own` for an adapter whose code has changed anything before, and none for all others.

    For calls that are measured, or that come by the thousand: without anything to set, they are bare.

    Examples
    --------
    >>> class Careful: ...
    >>> model = Careful()
    >>> with if_any(model):
    ...     _ = np.seterr(divide="warn")
    >>> with of_its_own(model):
    ...     _ = np.seterr(divide="raise")
    >>> with if_any(model):
    ...     inside = np.geterr()["divide"]
    >>> inside, np.geterr()["divide"]
    ('raise', 'warn')
    """
    return OfItsOwn(adapter) if _left_by(adapter) else contextlib.nullcontext()


def at_home(adapter: Any, function: Callable[Given, Answer]) -> Callable[Given, Answer]:
    """A function of an adapter's that is called in the adapter's surroundings, if it has any; see `if_any`.

    Examples
    --------
    >>> class Careful: ...
    >>> model = Careful()
    >>> with of_its_own(model):
    ...     _ = np.seterr(divide="raise")
    >>> at_home(model, np.geterr)()["divide"], np.geterr()["divide"]
    ('raise', 'warn')
    """

    @wraps(function)
    def called(*given: Given.args, **words: Given.kwargs) -> Answer:
        with if_any(adapter):
            return function(*given, **words)

    return called


def adopt(adapter: Any, changed: dict[str, Any]) -> None:
    """Let an adapter's later calls find what importing and constructing it had changed.

    Examples
    --------
    >>> class Careful: ...
    >>> model = Careful()
    >>> with of_its_own() as changed:
    ...     _ = np.seterr(divide="raise")
    >>> adopt(model, changed)
    >>> with of_its_own(model):
    ...     inside = np.geterr()["divide"]
    >>> inside, np.geterr()["divide"]
    ('raise', 'warn')
    """
    kept = {name: value for name, value in changed.items() if name not in _OURS}
    if kept or _left_by(adapter):
        with contextlib.suppress(AttributeError, TypeError):  # an object that takes no attributes keeps none
            object.__setattr__(adapter, _LEFT, kept)


def replaces(adapter: Any) -> bool:
    """Whether an adapter's code gives names of Python or numpy another meaning while it is called.

    Examples
    --------
    >>> class Careful: ...
    >>> model = Careful()
    >>> with of_its_own(model):
    ...     usual, np.mean = np.mean, np.median
    >>> replaces(model), np.mean is usual
    (True, True)
    """
    return bool(_left_by(adapter).get(_REPLACED))


def _left_by(adapter: Any) -> dict[str, Any]:
    # Not by its own rules for attributes, which may invent some.
    try:
        left = object.__getattribute__(adapter, _LEFT)
    except AttributeError:
        return {}
    return left if isinstance(left, dict) else {}


class _Unclosed:
    """A stream that a model's code may write to, and not close."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def close(self) -> None:
        """Leave it open."""

    def detach(self) -> Any:
        """Keep it whole."""
        raise ValueError("this stream belongs to the command")


class _Settings:
    """Everything that is looked at, by name, and how each is read."""

    def __init__(self, by_name: dict[str, Setting]) -> None:
        self.by_name = by_name
        self.reads = tuple(read for read, _ in by_name.values())


def _settings() -> _Settings:
    torch = sys.modules.get("torch")
    # A package that is only half imported has nothing to restore yet.
    there = torch is not None and hasattr(torch, "are_deterministic_algorithms_enabled")
    main = threading.current_thread() is threading.main_thread()
    return _settings_of(torch if there else None, sys.modules.get("decimal"), main)


@lru_cache(maxsize=8)
def _settings_of(torch: Any, decimal: Any, main_thread: bool) -> _Settings:
    settings: dict[str, Setting] = {
        "working directory": (_folder, _set_folder),
        "search path": (lambda: list(sys.path), lambda value: sys.path.__setitem__(slice(None), value)),
        "environment": (_environment, _set_environment),
        "warning filters": (lambda: list(warnings.filters), _set_filters),
        "file mask": (_mask, lambda value: _drop(os.umask(value))),
        "recursion limit": (sys.getrecursionlimit, sys.setrecursionlimit),
        "collection": (gc.isenabled, lambda value: gc.enable() if value else gc.disable()),
        "trace": (sys.gettrace, sys.settrace),
        "profile": (sys.getprofile, sys.setprofile),
        "trace of threads": (threading.gettrace, threading.settrace),
        "profile of threads": (threading.getprofile, threading.setprofile),
        "logging": (lambda: logging.root.manager.disable, logging.disable),
        "numpy errors": (np.geterr, lambda value: _drop(np.seterr(**value))),
    }
    if main_thread:  # nobody else may set them
        # What the module around it adds is a search for the handler's name, which ends in an error that is swallowed.
        handler = getattr(sys.modules.get("_signal"), "getsignal", signal.getsignal)
        settings["interrupts"] = lambda: handler(signal.SIGINT), _set_interrupts
    if decimal is not None:
        settings["decimals"] = (
            lambda: decimal.getcontext().prec,
            lambda value: setattr(decimal.getcontext(), "prec", value),
        )
    return _Settings(settings if torch is None else settings | _of_torch(torch))


def _of_torch(torch: Any) -> dict[str, Setting]:
    def flag(owner: Any, name: str) -> Setting:
        # Torch's modules of flags ask a function of their own for each; where it can be had, it is asked itself.
        asked = getattr(vars(type(owner)).get(name), "getter", None)
        read = asked if callable(asked) else lambda: getattr(owner, name)
        return read, lambda value: setattr(owner, name, value)

    settings: dict[str, Setting] = {
        "torch default type": (torch.get_default_dtype, torch.set_default_dtype),
        "torch default device": (_default_device(torch), lambda value: torch.set_default_device(_unless_cpu(value))),
        "torch gradients": (torch.is_grad_enabled, lambda value: _drop(torch.set_grad_enabled(value))),
        "torch threads": (torch.get_num_threads, torch.set_num_threads),
        "torch anomaly mode": (torch.is_anomaly_enabled, lambda value: _drop(torch.set_anomaly_enabled(value))),
        "torch deterministic": (
            lambda: (
                torch.are_deterministic_algorithms_enabled(),
                torch.is_deterministic_algorithms_warn_only_enabled(),
            ),
            lambda value: torch.use_deterministic_algorithms(value[0], warn_only=value[1]),
        ),
        "torch matmul precision": (torch.get_float32_matmul_precision, torch.set_float32_matmul_precision),
        "cudnn benchmark": flag(torch.backends.cudnn, "benchmark"),
        "cudnn deterministic": flag(torch.backends.cudnn, "deterministic"),
        "cudnn enabled": flag(torch.backends.cudnn, "enabled"),
        "mkldnn enabled": flag(torch.backends.mkldnn, "enabled"),
    }
    return settings


def _default_device(torch: Any) -> Callable[[], Any]:
    # A device that is set waits on torch's stack of modes; looking it up costs more than all other settings together.
    waiting, cpu = getattr(torch._C, "_len_torch_function_stack", None), torch.device("cpu")
    return lambda: cpu if waiting is not None and waiting() == 0 else torch.get_default_device()


def _unless_cpu(device: Any) -> Any:
    # A default device of its own costs a look-up at every call; without one, it is the CPU.
    return None if str(device) == "cpu" else device


def _mask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def _set_interrupts(handler: Any) -> None:
    if handler is not None:  # one that is not Python's cannot be put back
        signal.signal(signal.SIGINT, handler)


def _folder() -> str | None:
    try:
        return os.getcwd()
    except FileNotFoundError:
        return None  # somebody removed it; nothing leads back to it


def _set_folder(wanted: str | None) -> None:
    # One that was removed meanwhile, such as a scratch folder of the model's, cannot be gone back to.
    if wanted is not None and os.path.isdir(wanted):
        os.chdir(wanted)


def _environment() -> dict[str, str]:
    global _read
    raw = getattr(os.environ, "_data", None)  # of CPython; decoding it all takes longer than a small model does
    if raw is None or raw != _read[0]:
        _read = (dict(raw or {}), dict(os.environ))
    return _read[1]


def _set_environment(wanted: dict[str, str]) -> None:
    for name in os.environ.keys() - wanted.keys():
        del os.environ[name]
    os.environ.update(wanted)


def _set_filters(filters: list[Any]) -> None:
    warnings.filters[:] = filters  # type: ignore[index]
    with contextlib.suppress(AttributeError):  # tells the interpreter's cache of warnings that the filters are others
        warnings._filters_mutated()  # type: ignore[attr-defined]


def _drop(value: object) -> None:
    """Where setting returns the old value."""
