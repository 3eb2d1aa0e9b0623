"""How many threads a process computes with; part of every unit's key, since sums in another order round otherwise."""

from __future__ import annotations

import sys


def limit_threads(threads: int) -> None:
    """Bound the compute threads of numerical libraries, and of torch where it is loaded."""
    from threadpoolctl import threadpool_limits

    threadpool_limits(threads)
    if "torch" in sys.modules:
        import torch

        torch.set_num_threads(threads)
