"""Multiply-accumulates of one inference: exact, per layer and per layer type, front end apart.

The count is taken on a copy of the network without data (torch's meta device), where nothing is fused and nothing is
computed, and again on the device from the operations that really ran. Both are on the record: they must agree, and a
difference above 0.1 % is said. The front end (Fourier transform and filter bank) is no part of the network's count, as
in the DCASE rule; it has a count of its own.
"""

from __future__ import annotations

import copy
import math
import types
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from benchbed.outputs import output_of
from benchbed.outputs.moments.asked import QUERIES
from benchbed.profile.network import network_of
from benchbed.profile.trace import Operation, Trace, trace_forward
from benchbed.types import Batch

if TYPE_CHECKING:
    import torch

    from benchbed.adapter.contract import Adapter

#: How far the two counts may differ before it is said.
TOLERANCE = 1e-3


@dataclass(frozen=True)
class FrontEndCost:
    """What comes before the network: Fourier transforms and filter banks.

    Attributes
    ----------
    layers : tuple of str
        Modules that belong to it.
    transforms : dict
        Length of a real Fourier transform in samples → how many of them.
    dense_macs : int
        Multiply-accumulates of its matrix products with every weight counted.
    sparse_macs : int or None
        The same with non-zero weights only, where the filter bank is a buffer of the module.
    """

    layers: tuple[str, ...] = ()
    transforms: dict[int, int] = field(default_factory=dict)
    dense_macs: int = 0
    sparse_macs: int | None = None

    @property
    def fft_flops(self) -> float:
        """Floating-point operations of the transforms: 2.5·n·log2(n) for a real transform of length n.

        Source: the operation count by which FFTW and benchFFT state speed for real data.

        Examples
        --------
        >>> FrontEndCost(transforms={1024: 100}).fft_flops
        2560000.0
        """
        return sum(2.5 * n * math.log2(n) * count for n, count in self.transforms.items() if n > 1)

    @property
    def macs(self) -> int:
        """Transforms and filter bank together; FLOPs of the transforms enter halved, as one MAC is two FLOPs."""
        return round(self.fft_flops / 2) + (self.dense_macs if self.sparse_macs is None else self.sparse_macs)


@dataclass(frozen=True)
class Macs:
    """Multiply-accumulates of one clip.

    Attributes
    ----------
    total : int
        The network, without the front end.
    seconds : float
        Length of the clip.
    by_layer : dict
        Path of the innermost module → multiply-accumulates; functional operations belong to the module they run in.
    by_type : dict
        Class of that module → multiply-accumulates.
    tiny : int
        With what BioDCASE-Tiny counts beside products.
    front_end : FrontEndCost or None
        None where no Fourier transform runs inside the network.
    backend : str
        `meta`, or the device on which it was counted because the network cannot run without data.
    on_device : int or None
        The count from the operations that ran on the device.
    uncounted : tuple of str
        Operations that should have had a formula and have none: the count is then a lower bound.
    notes : tuple of str
        Why there is no meta count, or how the two counts differ.
    trace : Trace
        Every operation.
    """

    total: int
    seconds: float
    by_layer: dict[str, int]
    by_type: dict[str, int]
    tiny: int
    front_end: FrontEndCost | None
    backend: str
    on_device: int | None
    uncounted: tuple[str, ...]
    notes: tuple[str, ...]
    trace: Trace


def count_macs(adapter: Adapter, seconds: float, *, on_device: bool = True) -> Macs:
    """Multiply-accumulates of a torch adapter's network for one clip.

    Parameters
    ----------
    adapter : Adapter
        Loaded, with `model` and `forward`.
    seconds : float
        Length of the clip in seconds.
    on_device : bool
        Count from a real forward pass too.

    Examples
    --------
    >>> import torch
    >>> from benchbed.adapter import Card, TorchAdapter
    >>> class Mean(TorchAdapter):
    ...     card = Card(name="mean", family="mlp", output="scene", labels=("a", "b"), sample_rate=8000)
    ...     def build(self):
    ...         return torch.nn.Linear(8000, 2)
    ...     def forward(self, waveforms):
    ...         return self.model(waveforms[:, 0])
    >>> adapter = Mean()
    >>> adapter.load("cpu")
    >>> counted = count_macs(adapter, 1.0)
    >>> counted.total, counted.by_type, counted.backend, counted.on_device
    (16000, {'Linear': 16000}, 'meta', 16000)
    """
    device: Any = adapter.device
    real_waveforms = noise(adapter, seconds)
    # What a model was asked before would be counted, or not, by chance: the questions are the same in every count, and
    # their embeddings, which all clips share, are no part of one clip's cost.
    for queries in output_of(adapter.card.output).probe(1).get(QUERIES, ()):
        adapter.asked(queries)
    traced, reason, notes = None, None, []
    try:
        twin = meta_twin(adapter)
        traced, _ = trace_forward(twin.model, network_call(twin), real_waveforms.to("meta"))
    except Exception as error:  # whatever a network does that needs data, the device can answer
        reason = f"{type(error).__name__}: {str(error).strip().splitlines()[0] if str(error).strip() else ''}"
        notes.append(f"counted on {device}: the network does not run on the meta device ({reason[:200]})")
    real = None
    if traced is None or on_device:
        model = network_of(adapter)
        real, _ = trace_forward(model, network_call(adapter), real_waveforms.to(device))
    trace = traced or real
    assert trace is not None
    owners, network, front = _divided(trace)
    total = round(sum(op.macs for op in network))
    ran = None if real is None else network_macs(real)
    if traced is not None and ran is not None and abs(ran - total) > TOLERANCE * max(total, 1):
        notes.append(f"{total:,} on the meta device and {ran:,} on {device}: they should be equal")
    by_layer: defaultdict[str, float] = defaultdict(float)
    by_type: defaultdict[str, float] = defaultdict(float)
    for op in network:
        if op.macs:
            by_layer[op.layer] += op.macs
            by_type[trace.types.get(op.layer, "outside the modules")] += op.macs
    return Macs(
        total=total,
        seconds=seconds,
        by_layer={layer: round(macs) for layer, macs in by_layer.items()},
        by_type={kind: round(macs) for kind, macs in sorted(by_type.items(), key=lambda item: -item[1])},
        tiny=total + sum(op.beside for op in network),
        front_end=_front_end(front, owners, network_of(adapter)),
        backend="meta" if traced is not None else str(device),
        on_device=ran,
        uncounted=tuple(dict.fromkeys([*trace.uncounted, *(real.uncounted if real else ())])),
        notes=tuple(notes),
        trace=trace,
    )


def noise(adapter: Adapter, seconds: float, clips: int = 1) -> torch.Tensor:
    """Waveforms [shape=(clip, channel, sample)] on the CPU: noise, as a front end may take shortcuts on zeros."""
    import torch

    card = adapter.card
    samples = math.ceil(seconds * card.sample_rate)
    generator = torch.Generator().manual_seed(0)
    return torch.randn(clips, card.channels, samples, generator=generator).mul_(0.1).clamp_(-1, 1)


def meta_twin(adapter: Adapter) -> Any:
    """A copy of an adapter whose network has shapes and no data."""
    import torch

    model = network_of(adapter)
    memo: dict[int, Any] = {}
    for parameter in model.parameters():
        memo[id(parameter)] = torch.nn.Parameter(parameter.detach().to("meta"), requires_grad=False)
    for buffer in model.buffers():
        memo[id(buffer)] = buffer.detach().to("meta")
    twin = copy.copy(adapter)
    twin.model = copy.deepcopy(model, memo)
    twin.device = torch.device("meta")
    own = vars(adapter).get("forward")
    if isinstance(own, types.MethodType) and own.__self__ is adapter:
        twin.forward = types.MethodType(own.__func__, twin)
    return twin


def network_call(adapter: Any) -> Callable[[torch.Tensor], Any]:
    """What is counted: `forward`, or `predict` of an adapter that has a network and no differentiable path."""
    if adapter.forward is not None:
        return adapter.forward

    def predict(waveforms: torch.Tensor) -> Any:
        array = waveforms.cpu().numpy()
        lengths = np.full(len(array), array.shape[-1], np.int64)
        side = {name: ("unknown",) * len(array) for name in adapter.card.side_information}
        side |= output_of(adapter.card.output).probe(len(array))
        return adapter.predict(Batch(array, lengths, adapter.card.sample_rate, side))

    return predict


def front_end_of(module: torch.nn.Module, waveforms: torch.Tensor) -> FrontEndCost:
    """Cost of a front end that stands alone.

    Examples
    --------
    >>> import torch
    >>> from benchbed.adapter.frontend import LogMel
    >>> front_end_of(LogMel(32000, 64, n_fft=1024, hop_length=320), torch.zeros(1, 1, 32000)).transforms
    {1024: 101}
    """
    twin = copy.deepcopy(module).to("meta")
    trace, _ = trace_forward(twin, twin, waveforms.to("meta"))
    found = _front_end(trace.operations, {""}, module)
    assert found is not None
    return found


def network_macs(trace: Trace) -> int:
    """Multiply-accumulates of a pass without its front end."""
    return round(sum(op.macs for op in _divided(trace)[1]))


def front_end_layers(trace: Trace) -> tuple[str, ...]:
    """Modules in which a Fourier transform runs."""
    return tuple(sorted(_divided(trace)[0] - {""}))


def _divided(trace: Trace) -> tuple[set[str], list[Operation], list[Operation]]:
    """Modules of the front end (an empty path: outside the layers), operations of the network, and of the front end."""
    owners = {op.layer for op in trace.operations if op.transform is not None}
    modules = owners - {""}
    network: list[Operation] = []
    front: list[Operation] = []
    # Outside every layer, only what runs before the first layer can belong to the front end.
    before = "" in owners
    for op in trace.operations:
        inside = any(op.layer == owner or op.layer.startswith(f"{owner}.") for owner in modules)
        before = before and (inside or op.layer == "")
        (front if inside or (before and op.layer == "") or op.transform else network).append(op)
    return owners, network, front


def _front_end(front: list[Operation], owners: set[str], model: torch.nn.Module) -> FrontEndCost | None:
    if not owners:
        return None
    transforms: defaultdict[int, int] = defaultdict(int)
    for op in front:
        if op.transform is not None:
            transforms[op.transform[0]] += op.transform[1]
    dense = sum(op.macs for op in front)
    share = _nonzero_share(model, owners)
    return FrontEndCost(
        layers=tuple(sorted(owners)),
        transforms=dict(transforms),
        dense_macs=round(dense),
        sparse_macs=None if share is None else round(dense * share),
    )


def _nonzero_share(model: torch.nn.Module, owners: set[str]) -> float | None:
    """Share of non-zero weights in the filter bank, if the front end holds exactly one matrix."""
    modules = dict(model.named_modules())
    banks = [
        value
        for owner in owners
        if owner in modules
        for value in (*modules[owner].buffers(), *modules[owner].parameters())
        if value.dim() == 2
    ]
    if len(banks) != 1:
        return None
    return int(banks[0].count_nonzero()) / banks[0].numel()
