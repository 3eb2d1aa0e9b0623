"""Which layers the time goes to, and how much memory activations take at their peak, by torch's profiler.

The share of run time by layer type is what the wake-word study of a thesis on audio event detection measured with hooks
on layers; products written as functions fell into no category there. Here every operation counts: with the type of the
layer it runs in, or by its own name where it runs outside every layer without children.
"""

from __future__ import annotations

import os
import sys
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from benchbed.adapter.surroundings import if_any
from benchbed.profile.calls import silence_free
from benchbed.profile.clock import pinned_threads
from benchbed.profile.counts import clip_seconds, figure, has_network, missing
from benchbed.profile.network import network_of

if TYPE_CHECKING:
    import torch

    from benchbed.adapter.contract import Adapter

_MARK = "benchbed layer type: "


def time_shares(adapter: Adapter, *, seconds: float | None = None, calls: int = 10, threads: int = 1) -> dict[str, Any]:
    """Share of the run time by layer type, on the CPU and, on CUDA, on the device too.

    Returns
    -------
    dict
        `cpu` (and `cuda`): layer type → share in 0…1; `reason` where there is no torch network.
    """
    if not has_network(adapter):
        return {"reason": "the layers of this model cannot be seen from Python"}
    import torch
    from torch.profiler import ProfilerActivity, profile

    batch = silence_free(adapter, seconds or clip_seconds(adapter))
    cuda = str(adapter.device).startswith("cuda")
    activities = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if cuda else [])]
    with if_any(adapter), pinned_threads(threads), _marked(network_of(adapter)):
        for _ in range(3):
            adapter.predict(batch)
        with _quiet(), profile(activities=activities) as profiled:
            for _ in range(calls):
                adapter.predict(batch)
            if cuda:
                torch.cuda.synchronize()
    events = list(profiled.events() or [])
    shares = {"cpu": _shares(events, "self_cpu_time_total")}
    if cuda:
        shares["cuda"] = _shares(events, "self_device_time_total")
    return shares


def peak_activation_memory(adapter: Adapter, *, seconds: float | None = None) -> dict[str, Any]:
    """Largest memory that the activations of one clip take at once, in bytes.

    On a CPU from the allocations that torch's profiler sees, which repeats exactly; the process's own size says
    nothing, as the allocator holds on to memory. On CUDA from the allocator's own peak.
    """
    if not has_network(adapter):
        return missing("bytes", "the allocations of this model cannot be seen from Python")
    import torch

    batch = silence_free(adapter, seconds or clip_seconds(adapter))
    device = str(adapter.device)
    adapter.predict(batch)
    if device.startswith("cuda"):
        before = torch.cuda.memory_allocated(device)
        torch.cuda.reset_peak_memory_stats(device)
        adapter.predict(batch)
        peak = torch.cuda.max_memory_allocated(device) - before
        return figure(peak, "bytes", "peak of torch's CUDA allocator above what the loaded model holds, one clip")
    from torch.profiler import ProfilerActivity, profile

    with _quiet(), profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiled:
        adapter.predict(batch)
    results = getattr(profiled.profiler, "kineto_results", None)
    changes = [
        (event.start_ns(), event.nbytes())
        for event in (results.events() if results else [])
        if event.name() == "[memory]"
    ]
    if not changes:
        return missing("bytes", "this version of torch's profiler tells no allocations")
    live = peak = 0
    for _, size in sorted(changes, key=lambda change: change[0]):
        live += size
        peak = max(peak, live)
    return figure(peak, "bytes", "live allocations seen by torch's profiler, one clip")


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the profiler's own remarks, which it writes to the process's standard error, out of the user's sight."""
    sys.stderr.flush()
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


@contextmanager
def _marked(model: torch.nn.Module) -> Iterator[None]:
    """Name the layer type around every call of a module without children."""
    import torch

    handles, open_marks = [], []

    def enter(module: Any, args: Any) -> None:
        mark = torch.profiler.record_function(_MARK + type(module).__name__)
        mark.__enter__()
        open_marks.append(mark)

    def leave(module: Any, args: Any, out: Any) -> None:
        open_marks.pop().__exit__(None, None, None)

    for module in model.modules():
        if not any(module.children()):
            handles += [module.register_forward_pre_hook(enter), module.register_forward_hook(leave, always_call=True)]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _shares(events: list[Any], what: str) -> dict[str, Any]:
    spent: defaultdict[str, float] = defaultdict(float)
    for event in events:
        if event.name.startswith(_MARK):
            # Time of the mark itself is the hook's and Python's, not the layer's.
            continue
        time = float(getattr(event, what, 0.0) or 0.0)
        if time <= 0:
            continue
        owner = event.cpu_parent
        while owner is not None and not owner.name.startswith(_MARK):
            owner = owner.cpu_parent
        spent[owner.name.removeprefix(_MARK) if owner else f"outside layers: {event.name}"] += time
    total = sum(spent.values())
    ordered = sorted(spent.items(), key=lambda item: -item[1])
    small = sum(time for kind, time in ordered if time < 0.005 * total)
    shares = {
        kind: figure(time / total, "fraction", "share of the operations' own time, torch profiler")
        for kind, time in ordered
        if time >= 0.005 * total
    }
    if small > 0:
        shares["others, below 0.5 % each"] = figure(small / total, "fraction", "sum")
    return shares
