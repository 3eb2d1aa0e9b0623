"""What BioDCASE-Tiny 2026 counts beside products: windows of poolings, and sums and products of elements.

Its tool walks the operations of a graph. A convolution and a linear layer count their products, as ours; a pooling
counts every value that its windows take in, an addition, subtraction or multiplication one for each element. A mean
over a whole map (global pooling) is none of these there. The published example has 23,095,712 products and 219,520
values in windows: 23,315,232.
"""

from __future__ import annotations

import math
from typing import Any

#: Name of the convention.
RULE = "biodcase2026: products, values in windows of poolings, sums and products of elements"
_POOLINGS = (
    "max_pool1d",
    "max_pool2d_with_indices",
    "max_pool3d_with_indices",
    "avg_pool1d",
    "avg_pool2d",
    "avg_pool3d",
)
_ELEMENTS = ("add", "add_", "sub", "sub_", "rsub", "mul", "mul_")


def beside_products(name: str, args: tuple, out: Any) -> int:
    """What one operation counts beside its products.

    Parameters
    ----------
    name : str
        torch's name for it, e.g. `aten.add`.
    args : tuple
        What it was called with.
    out : object
        What it returned: a tensor, or tensors of which the first is the result.

    Source
    ------
    birdnet-team/BioDCASE-Tiny-2026 at fc81e1f: 23,315,232 for its example, of which 219,520 are poolings.

    Examples
    --------
    >>> import torch
    >>> image = torch.zeros(1, 2, 4, 4)
    >>> beside_products("aten.avg_pool2d", (image, [2, 2]), torch.zeros(1, 2, 2, 2)), beside_products(
    ...     "aten.add", (image, image), image), beside_products("aten.relu", (image,), image)
    (32, 32, 0)
    """
    import torch

    kind = name.rpartition(".")[2]
    first = out[0] if isinstance(out, (list, tuple)) and out else out
    if not isinstance(first, torch.Tensor):
        return 0
    if kind in _ELEMENTS:
        return first.numel()
    if kind in _POOLINGS:
        window, dimensions = args[1], int(kind.partition("pool")[2][0])
        sides = [window] if isinstance(window, int) else list(window)
        return first.numel() * math.prod(sides * dimensions if len(sides) == 1 else sides)
    return 0
