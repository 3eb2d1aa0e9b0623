"""How many threads a process computes with; part of every unit's key, since sums in another order round otherwise."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from typing import ParamSpec, TypeVar

Asked = ParamSpec("Asked")
Answer = TypeVar("Answer")


def limit_threads(threads: int) -> None:
    """Bound the compute threads of numerical libraries, and of torch where it is loaded."""
    from threadpoolctl import threadpool_limits

    threadpool_limits(threads)
    if "torch" in sys.modules:
        import torch

        torch.set_num_threads(threads)


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
        import numpy  # noqa: F401  # what is not loaded yet could not be bounded
        from threadpoolctl import threadpool_limits

        with threadpool_limits(1, user_api="blas"):
            return function(*args, **kwargs)

    return bounded
