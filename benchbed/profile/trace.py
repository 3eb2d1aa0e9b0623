"""One forward pass, operation by operation: which layer ran it, what it multiplied, and which tensors it needed later.

Counting from the operations that run, not from the modules that are declared, sees attention written by hand,
functional convolutions and layers that are called twice. Knowing which tensors are still needed at the end of every
layer says how much would have to be sent if the network were cut there, whatever its skip connections.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from benchbed.profile.biodcase2026 import beside_products
from benchbed.profile.formulas import expected, macs_of, transform_of

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Operation:
    """One operation that ran.

    Attributes
    ----------
    layer : str
        Path of the innermost module it ran in; empty outside every module and directly in the outermost one.
    name : str
        torch's name for it, e.g. `aten.convolution`.
    macs : float
        Multiply-accumulates; 0 for what multiplies nothing.
    transform : tuple of int, optional
        Length and number of Fourier transforms, if it is one.
    beside : int
        What a challenge counts beside products (`benchbed.profile.biodcase2026`).
    """

    layer: str
    name: str
    macs: float
    transform: tuple[int, int] | None = None
    beside: int = 0


@dataclass(frozen=True)
class CallEnd:
    """The end of one call of a module: a place where the network can be cut in two.

    Attributes
    ----------
    layer : str
        Path of the module that has just ended.
    after : int
        Number of operations before the cut.
    send_bytes : int
        Bytes of activations made before the cut and needed after it.
    """

    layer: str
    after: int
    send_bytes: int


@dataclass
class Trace:
    """What a forward pass did.

    Attributes
    ----------
    operations : list of Operation
        In order.
    types : dict
        Path of every module that ran → name of its class.
    cuts : list of CallEnd
        Ends of module calls, in order.
    uncounted : list of str
        Operations that should have had a formula and have none.
    input_bytes, output_bytes : int
        Size of the waveforms, and of the scores.
    peak_bytes : int
        Most bytes of waveforms and activations that are alive at once, as an operation runs.
    """

    operations: list[Operation] = field(default_factory=list)
    types: dict[str, str] = field(default_factory=dict)
    cuts: list[CallEnd] = field(default_factory=list)
    uncounted: list[str] = field(default_factory=list)
    input_bytes: int = 0
    output_bytes: int = 0
    peak_bytes: int = 0

    @property
    def macs(self) -> float:
        """Multiply-accumulates of the whole pass, front end included."""
        return sum(operation.macs for operation in self.operations)


def trace_forward(
    model: torch.nn.Module, forward: Callable[[torch.Tensor], Any], waveforms: torch.Tensor
) -> tuple[Trace, Any]:
    """Run a forward pass without gradients and note everything it does.

    Parameters
    ----------
    model : torch.nn.Module
        Its modules name the layers.
    forward : callable
        What is run; usually `adapter.forward`.
    waveforms : torch.Tensor [shape=(clip, channel, sample)]
        On the same device as the model; the meta device works, and takes no time.

    Returns
    -------
    trace : Trace
    output
        What `forward` returned.

    Examples
    --------
    >>> import torch
    >>> net = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.ReLU(), torch.nn.Linear(3, 2))
    >>> trace, _ = trace_forward(net, net, torch.zeros(1, 4))
    >>> trace.macs, [(cut.layer, cut.send_bytes) for cut in trace.cuts][:2]
    (18.0, [('0', 12), ('1', 12)])
    """
    import torch

    watch = _watcher(model, waveforms)
    with counting(), torch.no_grad(), _scopes(model, watch), watch.mode():
        output = forward(waveforms)
    watch.needed(output, float("inf"))
    return watch.finish(waveforms, output), output


@contextmanager
def counting() -> Iterator[None]:
    """Switch the fused encoder layer off: it would hide every product inside it from a counter."""
    import torch

    fast = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        yield
    finally:
        torch.backends.mha.set_fastpath_enabled(fast)


@dataclass
class _Storage:
    """One block of memory that holds activations; `keep` holds it, so that its address is not given out again."""

    keep: Any
    first: float
    last: float
    bytes: int


class _Watcher:
    def __init__(self, model: torch.nn.Module, waveforms: torch.Tensor) -> None:
        self.trace = Trace()
        self.stack: list[str] = []
        self.ends: list[tuple[str, int]] = []
        self.fixed = {_key(value) for value in (*model.parameters(), *model.buffers())}
        self.storages: dict[int, _Storage] = {}
        self.made(waveforms, -1)

    def mode(self) -> Any:
        from torch.utils._python_dispatch import TorchDispatchMode

        watch = self

        class Mode(TorchDispatchMode):
            def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
                return watch.run(self, func, args, kwargs or {})

        return Mode()

    def run(self, mode: Any, func: Any, args: tuple, kwargs: dict) -> Any:
        import torch
        from torch.utils.flop_counter import flop_registry

        if func._overloadpacket not in flop_registry and func is not torch.ops.prim.device.default:
            # Composite operations are counted by what they are made of.
            with mode:
                made = func.decompose(*args, **kwargs)
                if made is not NotImplemented:
                    return made
        out = func(*args, **kwargs)
        macs, transform = macs_of(func, args, kwargs, out), transform_of(func, args, out)
        name = str(func._overloadpacket)
        if macs is None and transform is None and expected(func) and name not in self.trace.uncounted:
            self.trace.uncounted.append(name)
        layer = self.stack[-1] if self.stack else ""
        self.trace.operations.append(Operation(layer, name, macs or 0.0, transform, beside_products(name, args, out)))
        now = len(self.trace.operations)
        self.needed((args, kwargs), now)
        self.made(out, now)
        return out

    def made(self, values: Any, now: float) -> None:
        for tensor in _tensors(values):
            key = _key(tensor)
            if key not in self.fixed:
                known = self.storages.setdefault(key, _Storage(_keep(tensor), now, now, 0))
                known.bytes = max(known.bytes, tensor.numel() * tensor.element_size())

    def needed(self, values: Any, now: float) -> None:
        for tensor in _tensors(values):
            known = self.storages.get(_key(tensor))
            if known is not None:
                known.last = now

    def finish(self, waveforms: torch.Tensor, output: Any) -> Trace:
        for layer, after in self.ends:
            alive = (s.bytes for s in self.storages.values() if s.first <= after < s.last)
            self.trace.cuts.append(CallEnd(layer, after, sum(alive)))
        self.trace.peak_bytes = self._peak()
        self.trace.input_bytes = waveforms.numel() * waveforms.element_size()
        self.trace.output_bytes = sum(t.numel() * t.element_size() for t in _tensors(output))
        return self.trace

    def _peak(self) -> int:
        """What is alive at once: a storage from the operation that makes it to the last one that needs it."""
        changes = [(storage.first, 1, storage.bytes) for storage in self.storages.values()]
        changes += [(storage.last, 2, -storage.bytes) for storage in self.storages.values()]
        alive = peak = 0
        for _, _, change in sorted(changes, key=lambda one: one[:2]):
            alive += change
            peak = max(peak, alive)
        return peak


def _watcher(model: torch.nn.Module, waveforms: torch.Tensor) -> _Watcher:
    return _Watcher(model, waveforms)


@contextmanager
def _scopes(model: torch.nn.Module, watch: _Watcher) -> Iterator[None]:
    handles = []
    for path, module in model.named_modules():
        kind = type(module).__name__

        def enter(module: Any, args: Any, path: str = path, kind: str = kind) -> None:
            watch.stack.append(path)
            watch.trace.types[path] = kind

        def leave(module: Any, args: Any, out: Any, path: str = path) -> None:
            if watch.stack and watch.stack[-1] == path:
                watch.stack.pop()
            watch.ends.append((path, len(watch.trace.operations)))

        handles += [module.register_forward_pre_hook(enter), module.register_forward_hook(leave, always_call=True)]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _tensors(values: Any) -> Iterator[Any]:
    import torch

    if isinstance(values, torch.Tensor):
        yield values
    elif isinstance(values, (list, tuple)):
        for value in values:
            yield from _tensors(value)
    elif isinstance(values, dict):
        for value in values.values():
            yield from _tensors(value)
    elif hasattr(values, "__dataclass_fields__"):
        for name in values.__dataclass_fields__:
            yield from _tensors(getattr(values, name))


def _keep(tensor: Any) -> Any:
    import torch

    return tensor.untyped_storage() if tensor.layout is torch.strided else tensor


def _key(tensor: Any) -> int:
    """What two tensors share that share memory; meta tensors have no address, but storages of their own."""
    import torch

    if tensor.layout is not torch.strided:
        return id(tensor)
    return tensor.untyped_storage()._cdata
