"""Batch norms folded into the layers before them: one layer in the place of two, and the same answers up to rounding.

In evaluation a batch norm is a scale and a shift for each channel, which the weights of a convolution or a linear layer
can take up (`torch.nn.utils.fusion`). Which pairs there are is seen while the network answers once, since most
networks around an audio front end look at lengths and cannot be traced symbolically: a batch norm is folded if it gets
the very tensor that one layer gave, nothing else reads that tensor, and both are called once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval, fuse_linear_bn_eval
from torch.utils._python_dispatch import TorchDispatchMode

from benchbed.errors import AdapterError

NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)
CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
TRANSPOSED = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)


class _Uses(TorchDispatchMode):
    """Counts the operations that read each tensor."""

    def __init__(self) -> None:
        super().__init__()
        self.of: Counter[int] = Counter()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        read = torch.utils._pytree.tree_leaves((args, kwargs or {}))
        self.of.update({id(value) for value in read if isinstance(value, torch.Tensor)})
        return func(*args, **(kwargs or {}))


def fold_batch_norms(network: nn.Module, answer: Callable[[], Any]) -> int:
    """Fold every batch norm that can be folded, in place.

    Parameters
    ----------
    network : torch.nn.Module
        In evaluation mode.
    answer : callable
        Runs it once.

    Returns
    -------
    int
        How many were folded; those that follow no layer of their own stay.

    Raises
    ------
    AdapterError
        There is none that can be folded.

    Examples
    --------
    >>> net = nn.Sequential(nn.Conv1d(1, 2, 3), nn.BatchNorm1d(2), nn.ReLU()).eval()
    >>> fold_batch_norms(net, lambda: net(torch.zeros(1, 1, 8)))
    1
    >>> net
    Sequential(
      (0): Conv1d(1, 2, kernel_size=(3,), stride=(1,))
      (1): Identity()
      (2): ReLU()
    )
    """
    norms = [module for module in network.modules() if type(module) in NORMS]
    pairs = _pairs(network, answer)
    if not pairs:
        has = f"{len(norms)} batch norms, none of which follows a layer of its own" if norms else "no batch norms"
        raise AdapterError(f"nothing can be folded: the network has {has}", hint="leave backend=folded out")
    with torch.no_grad():
        for layer, norm in pairs:
            fused: nn.Module
            if isinstance(layer, nn.Linear):
                fused = fuse_linear_bn_eval(layer, norm)
            else:
                fused = fuse_conv_bn_eval(layer, norm, transpose=type(layer) in TRANSPOSED)  # type: ignore[type-var]
            _put(network, layer, fused.eval())
            _put(network, norm, nn.Identity().eval())
    return len(pairs)


def _pairs(network: nn.Module, answer: Callable[[], Any]) -> list[tuple[Any, Any]]:
    outputs: dict[int, tuple[nn.Module, torch.Tensor]] = {}
    calls: Counter[nn.Module] = Counter()
    pairs: list[tuple[nn.Module, nn.Module, torch.Tensor]] = []

    def gave(layer: nn.Module, given: Any, out: torch.Tensor) -> None:
        calls[layer] += 1
        outputs[id(out)] = layer, out
        uses.of[id(out)] = 0  # a tensor that is gone may have had its number

    def got(norm: nn.Module, given: tuple[torch.Tensor, ...]) -> None:
        calls[norm] += 1
        layer, out = outputs.get(id(given[0]), (None, None))
        if layer is not None and out is given[0]:
            pairs.append((layer, norm, out))

    uses, handles = _Uses(), []
    for module in network.modules():
        # A layer with hooks, such as weight norm or simulated bits, has weights that are not its own.
        hooked = module._forward_hooks or module._forward_pre_hooks
        if type(module) in (*CONVOLUTIONS, *TRANSPOSED, nn.Linear) and not hooked:
            handles.append(module.register_forward_hook(gave))
        elif type(module) in NORMS and not hooked and not module.training and module.running_mean is not None:
            handles.append(module.register_forward_pre_hook(got))
    try:
        with torch.no_grad(), uses:
            answer()
    finally:
        for handle in handles:
            handle.remove()
    # The channels of a norm are those of the layer only where they lie on the axis that the layer makes.
    return [
        (layer, norm)
        for layer, norm, out in pairs
        if calls[layer] == calls[norm] == uses.of[id(out)] == 1 and (not isinstance(layer, nn.Linear) or out.ndim == 2)
    ]


def _put(network: nn.Module, old: nn.Module, new: nn.Module) -> None:
    """One module in the place of another, wherever it stands."""
    for parent in list(network.modules()):
        for name, child in parent.named_children():
            if child is old:
                setattr(parent, name, new)
