"""How long the model takes: a run of its own with fixed threads, a warm-up and a clock that waits for the device.

Times never come from predictions that a suite made or stored. They are split into decoding, front end, network and
what comes after, because an accelerator or a smaller network speeds up only one of them.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchbed.adapter.exported import ExportedAdapter
from benchbed.adapter.surroundings import if_any
from benchbed.profile.calls import silence_free
from benchbed.profile.clock import Clock, Times, clock_for, pinned_threads, repeat
from benchbed.profile.counts import clip_seconds, figure, has_network, milliseconds, missing

if TYPE_CHECKING:
    from benchbed.adapter.contract import Adapter
    from benchbed.types import Batch

_METHOD = "wall clock of predict, {device}, {threads}, after a warm-up"


def latency(
    adapter: Adapter,
    *,
    seconds: float | None = None,
    batch_sizes: Sequence[int] = (1, 4, 16),
    least_seconds: float = 2.0,
    warmup: int = 10,
    threads: int = 1,
    decode: Callable[[], Any] | None = None,
    clock: Clock | None = None,
) -> dict[str, Any]:
    """Latency, throughput and their parts.

    Parameters
    ----------
    adapter : Adapter
        Loaded.
    seconds : float, optional
        Length of the clip; by default the model's own.
    batch_sizes : sequence of int
        Clips per call; 1 is always among them.
    least_seconds : float
        Shortest time for each batch size.
    warmup : int
        Calls before the first that counts.
    threads : int
        Compute threads.
    decode : callable, optional
        Reads one clip and brings it to the model's rate; by default a 16-bit wav at that rate, made for it.
    clock : Clock, optional
        By default the clock of the adapter's device.

    Returns
    -------
    dict
        `batch_1`, `best_batch`, `batches`, `parts`, and how it was measured.
    """
    device, length = str(adapter.device), seconds or clip_seconds(adapter)
    clock = clock or clock_for(device)
    method = _METHOD.format(device=device, threads="1 thread" if threads == 1 else f"{threads} threads")
    if adapter.replays:
        return {"reason": "stored predictions are replayed, which says nothing about the time of the model"}
    with pinned_threads(threads):
        timed: dict[int, Times] = {}
        for size in sorted({1, *batch_sizes}):
            batch = silence_free(adapter, length, size)
            with if_any(adapter):  # around all calls, of which each is bare
                timed[size] = repeat(_call(adapter, batch), clock, seconds=least_seconds, warmup=warmup)
        parts = _parts(adapter, silence_free(adapter, length), clock, min(least_seconds, 1.0), decode)
    throughput = {size: size / times.percentile(50) for size, times in timed.items()}
    best = max(throughput, key=lambda size: throughput[size])
    figures: dict[str, Any] = {
        "batch_1": _figures(timed[1], 1, length, method),
        "best_batch": {"clips": best} | _figures(timed[best], best, length, method),
        "throughput": {
            f"batch_{size}": figure(value, "clips/s", "clips per call / median time")
            for size, value in throughput.items()
        },
        "parts": parts,
        "threads": threads,
        "device": device,
        "clip_seconds": length,
        "warm_up_calls": warmup,
    }
    if timed[1].disturbed and device == "cpu":
        figures["disturbed"] = "wall time exceeds CPU time by more than a tenth: the machine was busy, do not rank this"
    return figures


def _call(adapter: Adapter, batch: Batch) -> Callable[[], Any]:
    """`predict` of a batch; of its copies where the model writes into its input, which would fade from call to call."""
    heard = batch.waveforms.copy()
    adapter.predict(replace(batch, waveforms=heard))
    if np.array_equal(heard, batch.waveforms, equal_nan=True):
        return partial(adapter.predict, batch)
    return lambda: adapter.predict(replace(batch, waveforms=batch.waveforms.copy()))


def _figures(times: Times, size: int, length: float, method: str) -> dict[str, Any]:
    median = times.percentile(50)
    return {
        "median": milliseconds(median, method, calls=len(times.wall)),
        "p95": milliseconds(times.percentile(95), method),
        "p99": milliseconds(times.percentile(99), method),
        "cpu_median": milliseconds(float(np.median(times.cpu)), "CPU time of the process, all threads"),
        "real_time_factor": figure(median / (size * length), "s/s", "median time / seconds of audio"),
    }


def _parts(
    adapter: Any, batch: Batch, clock: Clock, seconds: float, decode: Callable[[], Any] | None
) -> dict[str, Any]:
    with _clip_reader(adapter, batch, decode) as (read, what):
        # Reading runs on the CPU whatever the model does.
        decoding = repeat(read, Clock(), seconds=min(seconds, 0.5), warmup=3)
    figures = {"decode": milliseconds(decoding.percentile(50), what)}
    with if_any(adapter):
        return figures | _parts_of_calls(adapter, batch, clock, seconds)


def _parts_of_calls(adapter: Any, batch: Batch, clock: Clock, seconds: float) -> dict[str, Any]:
    if not has_network(adapter) or adapter.forward is None:
        return _parts_around(adapter, batch, clock, seconds)
    figures: dict[str, Any] = {}
    whole: list[float] = []
    network: list[float] = []
    front: list[float] = []
    with _stopwatches(adapter, clock) as (spent, modules):
        calls = repeat(
            lambda: _watched(adapter, batch, clock, spent, whole, network, front), Clock(), seconds=seconds, warmup=3
        )
    count = len(calls.wall)
    if not any(network[-count:]):
        figures["model"] = milliseconds(
            float(np.median(whole[-count:])), "predict as a whole: it does not call forward"
        )
        return figures
    whole_array, network_array, front_array = (np.array(values[-count:]) for values in (whole, network, front))
    figures["front_end"] = (
        milliseconds(float(np.median(front_array)), f"time inside {', '.join(modules)}")
        if modules
        else missing("ms", "no module of the network computes a Fourier transform")
    )
    figures["model"] = milliseconds(float(np.median(network_array - front_array)), "forward without the front end")
    figures["after"] = milliseconds(
        float(np.median(whole_array - network_array)), "predict around forward: conversions"
    )
    return figures


def _parts_around(adapter: Adapter, batch: Batch, clock: Clock, seconds: float) -> dict[str, Any]:
    """Front end and rest of a graph in a file, whose front end is a callable of its own."""
    whole = repeat(lambda: adapter.predict(batch), clock, seconds=seconds, warmup=3).percentile(50)
    front = adapter.front_end if isinstance(adapter, ExportedAdapter) else None
    if front is None or front.source is None:
        return {"model": milliseconds(whole, "predict as a whole")}
    before = repeat(lambda: front(batch.waveforms), Clock(), seconds=seconds, warmup=3).percentile(50)
    return {
        "front_end": milliseconds(before, "the front end on its own"),
        "model": milliseconds(max(whole - before, 0.0), "predict less the front end"),
    }


def _watched(
    adapter: Any, batch: Batch, clock: Clock, spent: dict[str, float], whole: list, network: list, front: list
) -> None:
    spent.update(network=0.0, front=0.0)
    clock.wait()
    begun = time.perf_counter()
    adapter.predict(batch)
    clock.wait()
    whole.append(time.perf_counter() - begun)
    network.append(spent["network"])
    front.append(spent["front"])


@contextmanager
def _stopwatches(adapter: Any, clock: Clock) -> Iterator[tuple[dict[str, float], tuple[str, ...]]]:
    """Time spent in `forward` and in the front end's modules, for as long as the block lasts."""
    from benchbed.profile.macs import count_macs, front_end_layers

    modules = front_end_layers(count_macs(adapter, clip_seconds(adapter), on_device=False).trace)
    spent = {"network": 0.0, "front": 0.0}
    started: list[float] = []

    def enter(module: Any, args: Any) -> None:
        clock.wait()
        started.append(time.perf_counter())

    def leave(module: Any, args: Any, out: Any) -> None:
        clock.wait()
        spent["front"] += time.perf_counter() - started.pop()

    named = dict(adapter.model.named_modules())
    handles = []
    for path in modules:
        handles += [named[path].register_forward_pre_hook(enter), named[path].register_forward_hook(leave)]
    original, own = adapter.forward, "forward" in vars(adapter)

    def forward(waveforms: Any) -> Any:
        clock.wait()
        begun = time.perf_counter()
        answer = original(waveforms)
        clock.wait()
        spent["network"] += time.perf_counter() - begun
        return answer

    adapter.forward = forward
    try:
        yield spent, modules
    finally:
        for handle in handles:
            handle.remove()
        if own:
            adapter.forward = original
        else:
            del adapter.forward


@contextmanager
def _clip_reader(
    adapter: Adapter, batch: Batch, decode: Callable[[], Any] | None
) -> Iterator[tuple[Callable[[], Any], str]]:
    if decode is not None:
        yield decode, "reading a clip of the dataset and bringing it to the model's rate"
        return
    from benchbed import audio

    with tempfile.TemporaryDirectory(prefix="benchbed_") as folder:
        path = Path(folder) / "clip.wav"
        audio.write(path, batch.waveforms[0], batch.sample_rate)
        yield lambda: audio.read(path), "reading a 16-bit wav at the model's rate"
