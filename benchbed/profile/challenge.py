"""The number that challenge tools print, beside the exact one, with the reason where they differ.

DCASE Task 1 states complexity with NeSsi, whose PyTorch count is that of torchinfo. Its convention goes through
modules without children, and through no operation: a convolution costs its parameters (bias included) times clips and
output positions; a recurrent layer its parameters times the first two axes of its output; everything else its
parameters times the first axis of its output only, so that a linear layer over many frames counts once. Batch and
layer normalisation count, products written as functions do not: a transformer shows a few per cent of its true cost.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

#: Name and version of the convention.
RULE = "torchinfo 1.8.0 (NeSsi), mult-adds"


@dataclass(frozen=True)
class ChallengeCount:
    """What torchinfo would print.

    Attributes
    ----------
    macs : int
        `total_mult_adds`.
    by_type : dict
        Class of the module → its part.
    """

    macs: int
    by_type: dict[str, int]


def challenge_macs(
    model: torch.nn.Module, forward: Callable[[torch.Tensor], Any], inputs: torch.Tensor
) -> ChallengeCount:
    """Multiply-adds by the challenge tool's convention.

    Parameters
    ----------
    model : torch.nn.Module
        The network.
    forward : callable
        What is run on `inputs`; the batch dimension multiplies the result.
    inputs : torch.Tensor
        On the model's device; the meta device works.

    Source
    ------
    torchinfo 1.8.0 (MIT), whose `total_mult_adds` NeSsi reports; agreement is tested where it is installed.

    Examples
    --------
    >>> import torch
    >>> net = torch.nn.Sequential(torch.nn.Conv1d(1, 4, 3), torch.nn.ReLU(), torch.nn.Conv1d(4, 2, 3))
    >>> challenge_macs(net, net, torch.zeros(1, 1, 10)).macs
    284
    """
    import torch

    found: dict[str, int] = {}

    def add(module: torch.nn.Module, args: Any, output: Any) -> None:
        kind = type(module).__name__
        found[kind] = found.get(kind, 0) + _cost(module, kind, _shape(output))

    # A network of one layer has no layers in torchinfo's sense unless it is wrapped; the layer is meant all the same.
    leaves = [module for module in model.modules() if not any(module.children())]
    handles = [module.register_forward_hook(add) for module in leaves]
    try:
        with torch.no_grad():
            forward(inputs)
    finally:
        for handle in handles:
            handle.remove()
    return ChallengeCount(sum(found.values()), {kind: macs for kind, macs in found.items() if macs})


def difference(exact: int, counted: ChallengeCount, exact_by_type: dict[str, int]) -> str:
    """Why the challenge tool's number differs from the exact one, in words.

    Examples
    --------
    >>> difference(100, ChallengeCount(105, {"Conv2d": 100, "BatchNorm2d": 5}), {"Conv2d": 100})
    '+5 in total: BatchNorm2d +5 (its parameters are counted, which are no multiply-accumulates of a product)'
    """
    if exact == counted.macs:
        return "equal"
    parts = []
    for kind in sorted({*counted.by_type, *exact_by_type}):
        theirs, ours = counted.by_type.get(kind, 0), exact_by_type.get(kind, 0)
        if theirs == ours:
            continue
        if ours == 0:
            why = "its parameters are counted, which are no multiply-accumulates of a product"
        elif theirs == 0:
            why = "products that are no module are not seen"
        elif theirs < ours:
            why = "positions beyond the first axis are not multiplied, or products are no modules"
        else:
            why = "biases are counted"
        parts.append(f"{kind} {theirs - ours:+,} ({why})")
    return f"{counted.macs - exact:+,} in total: " + "; ".join(parts)


def _cost(module: torch.nn.Module, kind: str, shape: list[int]) -> int:
    total = 0
    for name, parameter in module.named_parameters():
        if name in ("weight", "bias"):
            if "Conv" in kind:
                total += int(parameter.numel() * math.prod(shape[:1] + shape[2:]))
            else:
                total += shape[0] * parameter.numel() if shape else 0
        elif "weight" in name or "bias" in name:
            total += math.prod(shape[:2]) * parameter.numel()
    return total


def _shape(output: Any) -> list[int]:
    if isinstance(output, (list, tuple)):
        return _shape(output[0]) if output else []
    if isinstance(output, dict):
        return _shape(list(output.values())[-1]) if output else []
    return list(output.shape) if hasattr(output, "shape") else []
