"""Where to cut a network in two, the head on a device and the tail on a server, for a link and a batch size.

The time of a cut after layer l is T(l) = head(l) + bytes(l)·batch / rate + tail(l): the head on the device, what must
be sent over the link, the tail on the server. Cutting before everything sends the waveform (full offload, which privacy
may forbid), cutting after everything sends nothing (no offload). What must be sent is every activation made before the
cut and needed after it, skip connections included. A layer is a natural bottleneck if less must be sent after it than
the waveform itself, and compressive if less than after every layer before it: the others need not be considered, as an
earlier cut sends no more and runs less on the device.

Source: dynamic split computing (Bakhtiarnia et al., 2022; MARVEL D3.1, 7.15).
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from benchbed.errors import CannotMeasure, ConfigError, did_you_mean
from benchbed.profile.network import network_of

if TYPE_CHECKING:
    from benchbed.adapter.contract import Adapter


@dataclass(frozen=True)
class CutPlace:
    """A place to cut.

    Attributes
    ----------
    layer : str
        The last layer of the head; `input` for full offload.
    seconds : float
        Time of the head for one clip where it was measured.
    send_bytes : int
        Bytes to send for one clip.
    compressive : bool
        Less to send than after every earlier cut, and than the waveform.
    """

    layer: str
    seconds: float
    send_bytes: int
    compressive: bool = False


@dataclass(frozen=True)
class BestCut:
    """The best cut of one scenario.

    Attributes
    ----------
    layer : str
        Where to cut; `input` is full offload, `output` none.
    seconds : float
        End-to-end time.
    no_offload, full_offload : float
        The same without a cut.
    gain : float
        Saving against the better of the two, in 0…1.
    """

    layer: str
    seconds: float
    no_offload: float
    full_offload: float
    gain: float


def mark_compressive(cuts: Sequence[CutPlace], input_bytes: int) -> list[CutPlace]:
    """Mark the cuts worth considering.

    Examples
    --------
    >>> cuts = [CutPlace("a", 0.1, 90), CutPlace("b", 0.2, 120), CutPlace("c", 0.3, 90), CutPlace("d", 0.4, 10)]
    >>> [cut.layer for cut in mark_compressive(cuts, 100) if cut.compressive]
    ['a', 'd']
    """
    least, found = input_bytes, []
    for cut in cuts:
        found.append(CutPlace(cut.layer, cut.seconds, cut.send_bytes, cut.send_bytes < least))
        least = min(least, cut.send_bytes)
    return found


def best_split(
    cuts: Sequence[CutPlace],
    input_bytes: int,
    total_seconds: float,
    *,
    bytes_per_second: float,
    batch: int = 1,
    server_speedup: float = 1.0,
    private: bool = False,
) -> BestCut:
    """The fastest way to run a batch over a link.

    Parameters
    ----------
    cuts : sequence of CutPlace
        In order; times on the device.
    input_bytes : int
        Bytes of one waveform.
    total_seconds : float
        Time of the whole network for one clip on the device.
    bytes_per_second : float
        Rate of the link.
    batch : int
        Clips at once; times are taken to grow with their number.
    server_speedup : float
        How many times faster the server is than the device.
    private : bool
        The waveform must not leave the device.

    Examples
    --------
    >>> cuts = [CutPlace("a", 0.1, 1000)]
    >>> best_split(cuts, 8000, 1.0, bytes_per_second=10_000, server_speedup=10).layer
    'a'
    """
    if bytes_per_second <= 0 or server_speedup <= 0 or batch < 1:
        raise ConfigError("a split needs a rate and a speed-up above zero and at least one clip")

    def end_to_end(head: float, sent: int) -> float:
        return batch * (head + sent / bytes_per_second + (total_seconds - head) / server_speedup)

    local, remote = batch * total_seconds, end_to_end(0.0, input_bytes)
    options = [(local, "output")] + ([] if private else [(remote, "input")])
    options += [(end_to_end(cut.seconds, cut.send_bytes), cut.layer) for cut in cuts]
    seconds, layer = min(options, key=lambda option: option[0])
    without = local if private else min(local, remote)
    return BestCut(layer, seconds, local, remote, (without - seconds) / without)


def static_seconds(
    cuts: Sequence[CutPlace],
    input_bytes: int,
    total_seconds: float,
    layer: str,
    *,
    bytes_per_second: float,
    batch: int = 1,
    server_speedup: float = 1.0,
) -> float:
    """Time of a batch with the cut behind one declared layer, whatever the link; arguments as for `best_split`.

    `input` offloads everything and `output` nothing.

    Raises
    ------
    ConfigError
        No such place.

    Examples
    --------
    >>> cuts = [CutPlace("a", 0.1, 1000)]
    >>> round(static_seconds(cuts, 8000, 1.0, "a", bytes_per_second=10_000, server_speedup=10), 3)
    0.29
    """
    places = {"input": (0.0, input_bytes), "output": (total_seconds, 0)}
    places |= {cut.layer: (cut.seconds, cut.send_bytes) for cut in cuts}
    if layer not in places:
        hint = did_you_mean(layer, places) or f"places: {', '.join(places)}"
        raise ConfigError(f"there is no place '{layer}' to cut at", hint=hint)
    head, sent = places[layer]
    return batch * (head + sent / bytes_per_second + (total_seconds - head) / server_speedup)


def mean_gain(best: Sequence[float], static: Sequence[float]) -> float:
    """Mean over scenarios of the time that is saved over a static cut, as a share of the latter's.

    Examples
    --------
    >>> mean_gain([1.0, 3.0], [2.0, 4.0])
    0.375
    """
    return float(np.mean([abs(one - fixed) / fixed for one, fixed in zip(best, static, strict=True)]))


def measure_cuts(adapter: Adapter, seconds: float, *, repeats: int = 7) -> tuple[list[CutPlace], int, float]:
    """Places to cut an adapter's network, with the time of each head and the bytes to send.

    Returns
    -------
    cuts : list of CutPlace
        One per end of a module; of several at the same place the innermost.
    input_bytes : int
        Bytes of one waveform.
    total_seconds : float
        Time of the whole network.

    Raises
    ------
    CannotMeasure
        No torch network, or one that runs other modules on data than on shapes.
    """
    from benchbed.profile.clock import clock_for
    from benchbed.profile.counts import has_network
    from benchbed.profile.macs import count_macs, network_call, noise

    if not has_network(adapter) or adapter.forward is None:
        raise CannotMeasure("only a network that torch can see can be cut")
    import torch

    trace = count_macs(adapter, seconds, on_device=False).trace
    device = str(adapter.device)
    clock, call = clock_for(device), network_call(adapter)
    waveforms = noise(adapter, seconds).to(device)
    ends: list[tuple[str, float]] = []
    begun = 0.0

    def left(path: str) -> Any:
        def hook(module: Any, args: Any, out: Any) -> None:
            clock.wait()
            ends.append((path, time.perf_counter() - begun))

        return hook

    model = network_of(adapter)
    handles = [module.register_forward_hook(left(path)) for path, module in model.named_modules()]
    runs, totals = [], []
    try:
        with torch.inference_mode():
            for number in range(repeats + 3):
                ends.clear()
                clock.wait()
                begun = time.perf_counter()
                call(waveforms)
                clock.wait()
                if number >= 3:
                    totals.append(time.perf_counter() - begun)
                    runs.append([when for _, when in ends])
    finally:
        for handle in handles:
            handle.remove()
    if [path for path, _ in ends] != [cut.layer for cut in trace.cuts]:
        raise CannotMeasure("the network runs other modules on data than on shapes, so their cuts cannot be matched")
    times = np.median(np.array(runs), axis=0)
    cuts: dict[int, CutPlace] = {}
    for cut, when in zip(trace.cuts, times):
        # The end of a container is the end of its last layer.
        cuts.setdefault(cut.after, CutPlace(cut.layer, float(when), cut.send_bytes))
    inside = [cut for after, cut in sorted(cuts.items()) if after < len(trace.operations)]
    return mark_compressive(inside, trace.input_bytes), trace.input_bytes, float(np.median(totals))


def split_report(
    adapter: Adapter,
    seconds: float,
    *,
    bytes_per_second: Sequence[float],
    batches: Sequence[int] = (1,),
    server_speedup: float = 10.0,
    private: bool = False,
    static: str = "",
) -> dict[str, Any]:
    """Best cut for every link rate and batch size, with the cuts they were chosen from.

    With `static`, a layer, each scenario has the time of a cut that always lies behind it, and the gain over it; the
    mean gain over all scenarios is the source's G.
    """
    from benchbed.profile.counts import figure, milliseconds

    try:
        cuts, size, total = measure_cuts(adapter, seconds)
    except CannotMeasure as error:
        return {"reason": error.what}
    scenarios: list[dict[str, Any]] = []
    for rate in bytes_per_second:
        for batch in batches:
            best = best_split(
                cuts, size, total, bytes_per_second=rate, batch=batch, server_speedup=server_speedup, private=private
            )
            scenarios.append(
                {
                    "bytes_per_second": rate,
                    "batch": batch,
                    "cut_after": best.layer,
                    "seconds": best.seconds,
                    "no_offload_seconds": best.no_offload,
                    "full_offload_seconds": best.full_offload,
                    "gain": best.gain,
                }
            )
            if static:
                fixed = static_seconds(
                    cuts, size, total, static, bytes_per_second=rate, batch=batch, server_speedup=server_speedup
                )
                scenarios[-1] |= {"static_seconds": fixed, "static_gain": (fixed - best.seconds) / fixed}
    beside: dict[str, Any] = {}
    if static:
        if private and static == "input":
            raise ConfigError("a static cut before everything sends the audio, which is private", hint="another layer")
        gains = mean_gain([one["seconds"] for one in scenarios], [one["static_seconds"] for one in scenarios])
        beside = {"static_cut": static, "mean_gain": figure(gains, "fraction", f"over a static cut after {static}")}
    return {
        **beside,
        "input": figure(size, "bytes", "one clip as float32"),
        "network": milliseconds(total, "median of forward, one clip"),
        "server_speedup": server_speedup,
        "private": private,
        "natural_bottlenecks": figure(sum(cut.send_bytes < size for cut in cuts), "cuts", "sends less than the input"),
        "compressive": [cut.layer for cut in cuts if cut.compressive],
        "cuts": [
            {
                "layer": cut.layer,
                "head_seconds": cut.seconds,
                "send_bytes": cut.send_bytes,
                "compressive": cut.compressive,
            }
            for cut in cuts
        ],
        "scenarios": scenarios,
    }
