"""How many threads a process computes with; part of every unit's key, since sums in another order round otherwise."""

from __future__ import annotations

import functools
import sys
import threading
from collections.abc import Callable
from typing import Any, ClassVar, ParamSpec, TypeVar

Asked = ParamSpec("Asked")
Answer = TypeVar("Answer")


def limit_threads(threads: int) -> None:
    """Bound the compute threads of numerical libraries, and of torch where it is loaded."""
    from threadpoolctl import threadpool_limits

    threadpool_limits(threads)
    if "torch" in sys.modules:
        import torch

        torch.set_num_threads(threads)


class _Bound:
    """One thread for as long as anybody asks for it: the number is the process's, and two may ask in turns."""

    lock: ClassVar[threading.Lock] = threading.Lock()
    asking: ClassVar[int] = 0
    before: ClassVar[Any] = None

    def __enter__(self) -> None:
        import numpy  # noqa: F401  # what is not loaded yet could not be bounded
        from threadpoolctl import threadpool_limits

        with _Bound.lock:
            if _Bound.asking == 0:
                _let_any_thread_limit()
                _Bound.before = threadpool_limits(1, user_api="blas")
            _Bound.asking += 1

    def __exit__(self, *raised: object) -> None:
        with _Bound.lock:
            _Bound.asking -= 1
            if _Bound.asking == 0:
                _let_any_thread_limit()
                _Bound.before.restore_original_limits()
                _let_any_thread_limit()


def _let_any_thread_limit() -> None:
    """Since threadpoolctl 3.8 the first thread that limits OpenBLAS is the only one whose limits are heard."""
    import threadpoolctl

    let = getattr(threadpoolctl.OpenBLASController, "clear_controlling_thread", None)
    if let is not None:
        let(force=True)


def one_thread(function: Callable[Asked, Answer]) -> Callable[Asked, Answer]:
    """Have a function compute with one thread of linear algebra, and give the caller back as many as there were.

    OpenBLAS parts a product of 450 recordings by 1,000 draws differently for two threads, and most of its values then
    end in another digit: without this, intervals and p-values of stored sums would depend on the cores of the machine
    that compares them. A product is also too short for several threads, which mostly wait for each other.

    Examples
    --------
    >>> from threadpoolctl import threadpool_info
    >>> @one_thread
    ... def threads():
    ...     return {library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"}
    >>> threads()
    {1}
    """

    @functools.wraps(function)
    def bounded(*args: Asked.args, **kwargs: Asked.kwargs) -> Answer:
        with _Bound():
            return function(*args, **kwargs)

    return bounded
