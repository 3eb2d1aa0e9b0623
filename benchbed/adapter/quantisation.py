"""Networks in fewer bits, simulated: every number is one that the narrow format can hold, arithmetic is float32.

`int8` is static quantisation after training: weights symmetric for each output channel, the inputs of every layer
affine in 8 bits over the range that calibration clips showed (Jacob et al., CVPR 2018). A product of such numbers,
added up in 32-bit integers and scaled, is the float product of what they stand for, so answers are those of integer
kernels up to the last bit of a sum. `fp16` and `bf16` round weights, and what enters and leaves a layer; sums are
wider, as on accelerators. Gradients pass straight through the rounding, within the range.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import nn

from benchbed.errors import AdapterError, ConfigError

Precision = Literal["int8", "fp16", "bf16"]

#: Bits of a weight, and the format that rounds it.
BITS: dict[Precision, int] = {"int8": 8, "fp16": 16, "bf16": 16}
FORMATS = {"fp16": torch.float16, "bf16": torch.bfloat16}

#: Layers with products, and the axis of their weights' output channels.
LAYERS: dict[type[nn.Module], int] = {
    nn.Linear: 0,
    nn.Conv1d: 0,
    nn.Conv2d: 0,
    nn.ConvTranspose1d: 1,
    nn.ConvTranspose2d: 1,
    nn.GRU: 0,
    nn.LSTM: 0,
}


@dataclass(frozen=True)
class Quantised:
    """What became of a network.

    Attributes
    ----------
    layers : int
        Layers that were quantised.
    weights, parameters : int
        Numbers in the narrow format, and all parameters.
    """

    layers: int
    weights: int
    parameters: int

    def __str__(self) -> str:
        return f"{self.weights:,} of {self.parameters:,} parameters in {self.layers} layers"


def quantise(network: nn.Module, precision: Precision, calibrate: Callable[[], Any] | None = None) -> Quantised:
    """Bring a network to fewer bits, in place.

    Parameters
    ----------
    network : torch.nn.Module
        In evaluation mode.
    precision : str
        `int8`, `fp16` or `bf16`.
    calibrate : callable, optional
        Runs the network on calibration clips; needed for `int8`.

    Raises
    ------
    ConfigError
        An unknown precision, or `int8` without calibration.
    AdapterError
        A network without layers of products, or one of which some were never reached by a calibration clip.

    Examples
    --------
    >>> net = nn.Sequential(nn.Linear(3, 2))
    >>> str(quantise(net, "int8", lambda: net(torch.tensor([[0.0, 1.0, 2.0]]))))
    '6 of 8 parameters in 1 layers'
    """
    if precision not in BITS:
        raise ConfigError(f"unknown precision '{precision}'", hint=f"one of {', '.join(BITS)}")
    layers = {name: module for name, module in network.named_modules() if type(module) in LAYERS}
    if not layers:
        raise AdapterError("the network has no layers to quantise", hint="a torch model with Linear or convolutions")
    parameters = sum(p.numel() for p in network.parameters())
    with torch.no_grad():
        if precision == "int8":
            ranges = _ranges(layers, calibrate)
            weights = sum(_whole(module, *ranges[name]) for name, module in layers.items())
        else:
            weights = sum(_narrow(module, FORMATS[precision]) for module in layers.values())
    return Quantised(len(layers), weights, parameters)


def _ranges(layers: dict[str, nn.Module], calibrate: Callable[[], Any] | None) -> dict[str, tuple[float, float]]:
    """Least and greatest input of each layer over the calibration clips, and always 0."""
    if calibrate is None:
        raise ConfigError(
            "int8 needs clips to calibrate the range of every layer on",
            hint="a suite with data.train_split, or --set calibration=…",
        )
    seen: dict[str, tuple[float, float]] = {}

    def watching(name: str) -> Callable[..., None]:
        def watch(module: nn.Module, given: tuple[torch.Tensor, ...]) -> None:
            low, high = seen.get(name, (0.0, 0.0))
            seen[name] = min(low, float(given[0].min())), max(high, float(given[0].max()))

        return watch

    handles = [module.register_forward_pre_hook(watching(name)) for name, module in layers.items()]
    try:
        calibrate()
    finally:
        for handle in handles:
            handle.remove()
    missed = [name for name in layers if name not in seen]
    if missed:
        raise AdapterError(
            f"no calibration clip reached {len(missed)} of {len(layers)} layers, e.g. {missed[0]}",
            hint="more clips (clips=…), or another precision",
        )
    return seen


def _whole(module: nn.Module, low: float, high: float) -> int:
    """Weights and inputs of a layer in 8 bits; how many weights."""
    count, axis = 0, LAYERS[type(module)]
    for name, value in module.named_parameters(recurse=False):
        if not name.startswith("weight"):
            continue
        rows = value.movedim(axis, 0).flatten(1)
        scale = rows.abs().amax(1).clamp_min(1e-12) / 127
        whole = (rows / scale[:, None]).round().clamp(-127, 127)
        shape = value.movedim(axis, 0).shape
        value.copy_((whole * scale[:, None]).reshape(shape).movedim(0, axis))
        count += value.numel()
    step = max((high - low) / 255, 1e-12)
    zero = round(-low / step)

    def coarse(module: nn.Module, given: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
        return (torch.fake_quantize_per_tensor_affine(given[0], step, zero, 0, 255), *given[1:])

    module.register_forward_pre_hook(coarse)
    return count


def _narrow(module: nn.Module, kind: torch.dtype) -> int:
    """Parameters of a layer, and what enters and leaves it, rounded to a format; how many parameters."""
    for value in module.parameters(recurse=False):
        value.copy_(value.to(kind).to(value.dtype))

    def rounded(value: Any) -> Any:
        return value.to(kind).to(value.dtype) if isinstance(value, torch.Tensor) else value

    def before(module: nn.Module, given: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
        return (rounded(given[0]), *given[1:])

    def after(module: nn.Module, given: tuple[torch.Tensor, ...], out: Any) -> Any:
        return (rounded(out[0]), *out[1:]) if isinstance(out, tuple) else rounded(out)

    module.register_forward_pre_hook(before)
    module.register_forward_hook(after)
    return sum(value.numel() for value in module.parameters(recurse=False))
