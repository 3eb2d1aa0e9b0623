"""What is counted once and never timed: parameters, memory, multiply-accumulates; a figure, or the reason why there is
none, for every kind of adapter."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchbed.adapter.exported import ExportedAdapter
from benchbed.adapter.surroundings import if_any
from benchbed.errors import BenchbedError, CannotMeasure
from benchbed.profile.network import UNSEEN, network_of
from benchbed.profile.parameters import file_sizes

if TYPE_CHECKING:
    from benchbed.adapter.contract import Adapter

_UNTOLD = "the adapter does not tell what it feeds to the graph"


def count(adapter: Adapter, seconds: float | None = None, *, layers: bool = False) -> dict[str, Any]:
    """Counts of a loaded model.

    Parameters
    ----------
    adapter : Adapter
        Loaded.
    seconds : float, optional
        Length of the clip; by default `clip_seconds`.
    layers : bool
        Add a list with one entry per layer.

    Returns
    -------
    dict
        `parameters`, `macs`, `flops`, `parameter_memory`, `size` and `compute`; each figure has `value`, `unit` and
        `method`, and `reason` where `value` is None.

    Examples
    --------
    >>> from benchbed.adapter import Adapter, Card
    >>> class Foreign(Adapter):
    ...     card = Card(name="foreign", family="other", output="scene", labels=("a", "b"), sample_rate=8000)
    ...     def predict(self, batch):
    ...         return np.zeros((len(batch), 2), np.float32)
    >>> count(Foreign())["macs"]["reason"]
    'the model runs outside this process, and nothing tells its parameters or operations'
    """
    seconds = seconds or clip_seconds(adapter)
    path = adapter.path
    with if_any(adapter):
        if has_network(adapter):
            counted = _torch(adapter, seconds, layers)
        elif isinstance(path, Path) and path.suffix in (".onnx", ".ort", ".tflite"):
            counted = _graph(adapter, path, seconds, layers)
        else:
            counted = _nothing(UNSEEN)
    sizes = file_sizes(adapter.weights())
    if sizes:
        counted["size"]["files"] = {
            name: figure(size, "bytes", "size of the file, with names, buffers and padding")
            for name, size in sizes.items()
        }
    return counted


def clip_seconds(adapter: Adapter) -> float:
    """Length of audio in seconds that counts and times are stated for: the model's own, else one second.

    Examples
    --------
    >>> from benchbed.adapter import Adapter, Card
    >>> class Long(Adapter):
    ...     card = Card(name="l", family="other", output="scene", labels=("a", "b"), sample_rate=8000, min_seconds=3)
    ...     def predict(self, batch): ...
    >>> clip_seconds(Long())
    3
    """
    return adapter.card.clip_seconds or max(1.0, adapter.card.min_seconds)


def has_network(adapter: Adapter) -> bool:
    """Whether a torch network can be seen; the module decides, not the adapter's class."""
    return hasattr(adapter.model, "parameters")


def figure(value: float | None, unit: str, method: str, **more: Any) -> dict[str, Any]:
    """One figure of the profile, as it stands on the record.

    Examples
    --------
    >>> figure(3, "MACs", "counted", seconds=1.0)
    {'value': 3, 'unit': 'MACs', 'method': 'counted', 'seconds': 1.0}
    """
    return {"value": value, "unit": unit, "method": method} | {k: v for k, v in more.items() if v not in (None, "", ())}


def milliseconds(seconds: float, method: str, **more: Any) -> dict[str, Any]:
    """A duration on the record.

    Examples
    --------
    >>> milliseconds(0.002, "timed")
    {'value': 2.0, 'unit': 'ms', 'method': 'timed'}
    """
    return figure(1000 * seconds, "ms", method, **more)


def missing(unit: str, reason: str) -> dict[str, Any]:
    """A figure that there is not, and why.

    Examples
    --------
    >>> missing("J", "no sensor")
    {'value': None, 'unit': 'J', 'reason': 'no sensor'}
    """
    return {"value": None, "unit": unit, "reason": reason}


def _nothing(reason: str) -> dict[str, Any]:
    return {
        "parameters": missing("parameters", reason),
        "macs": missing("MACs", reason),
        "flops": missing("FLOPs", reason),
        "parameter_memory": missing("bytes", reason),
        "size": {},
        "compute": {},
    }


def _torch(adapter: Adapter, seconds: float, layers: bool) -> dict[str, Any]:
    from benchbed.profile.biodcase2026 import RULE as BIODCASE
    from benchbed.profile.macs import count_macs
    from benchbed.profile.parameters import count_parameters

    parameters = count_parameters(network_of(adapter))
    figures = _nothing("")
    over = "sum over parameters(), shared ones once"
    if parameters.packed:
        over += f", with {parameters.packed:,} unpacked from quantised layers"
    figures |= _memory(parameters.total, adapter.card.weight_bits, parameters.bytes_by_type, parameters.held_bits, over)
    figures["size"] |= {
        "trainable": figure(parameters.trainable, "parameters", "requires_grad"),
        "nonzero": figure(parameters.nonzero, "parameters", "values other than zero"),
        "buffers": figure(parameters.buffers, "values", "floating-point buffers, e.g. batch-norm statistics"),
        "buffer_memory": figure(parameters.buffer_bytes, "bytes", "buffers as held"),
    }
    try:
        macs = count_macs(adapter, seconds)
    except Exception as error:  # a network that cannot run here at all says so by its own error
        reason = f"the network does not run: {type(error).__name__}: {str(error).strip()[:200]}"
        return figures | {"macs": missing("MACs", reason), "flops": missing("FLOPs", reason)}
    method = f"operations on the {macs.backend} device, without the front end"
    figures |= _macs(macs.total, seconds, method, macs.uncounted, macs.notes)
    compute: dict[str, Any] = {"by_type": {k: figure(v, "MACs", "sum over layers") for k, v in macs.by_type.items()}}
    if macs.on_device is not None:
        device = adapter.device
        compute["on_device"] = figure(macs.on_device, "MACs", f"operations that ran on {device}")
    compute["challenge_tool"] = _challenge(adapter, seconds, macs)
    compute["biodcase2026"] = figure(macs.tiny, "MACs", BIODCASE)
    if macs.front_end is not None:
        compute["front_end"] = front_end_figures(
            macs.front_end.transforms, macs.front_end.dense_macs, macs.front_end.sparse_macs
        )
    if layers:
        compute["layers"] = [
            {"layer": layer or "(outside the layers)", "type": macs.trace.types.get(layer, ""), "macs": value}
            for layer, value in macs.by_layer.items()
        ]
    return figures | {"compute": compute}


def _challenge(adapter: Any, seconds: float, macs: Any) -> dict[str, Any]:
    from benchbed.profile.challenge import RULE, challenge_macs, difference
    from benchbed.profile.macs import meta_twin, network_call, noise

    try:
        if macs.backend == "meta":
            twin = meta_twin(adapter)
            counted = challenge_macs(twin.model, network_call(twin), noise(adapter, seconds).to("meta"))
        else:
            counted = challenge_macs(adapter.model, network_call(adapter), noise(adapter, seconds).to(adapter.device))
    except Exception as error:  # the convention needs outputs with shapes, which a network need not have
        return missing("MACs", f"the convention does not fit: {type(error).__name__}: {error}")
    return figure(counted.macs, "MACs", RULE, difference=difference(macs.total, counted, macs.by_type))


def front_end_figures(transforms: Mapping[int, int], dense: int, sparse: int | None) -> dict[str, Any]:
    """Cost of a front end as it stands on the record; never added to the network's."""
    from benchbed.profile.macs import FrontEndCost

    front = FrontEndCost(transforms=dict(transforms), dense_macs=dense, sparse_macs=sparse)
    shown = ", ".join(f"{number} of {length} samples" for length, number in front.transforms.items())
    found = {
        "total": figure(front.macs, "MACs", "Fourier transforms at half their FLOPs, and the filter bank"),
        "fft": figure(round(front.fft_flops), "FLOPs", "2.5·n·log2(n) per real transform", transforms=shown),
        "filter_bank_dense": figure(dense, "MACs", "every weight multiplied"),
    }
    if sparse is not None:
        found["filter_bank_sparse"] = figure(sparse, "MACs", "non-zero weights only")
    return found


def _graph(adapter: Adapter, path: Path, seconds: float, layers: bool) -> dict[str, Any]:
    try:
        if path.suffix == ".tflite":
            from benchbed.profile.tflite_graph import count_tflite

            counted = count_tflite(path)
        else:
            from benchbed.profile.onnx_graph import count_onnx

            counted = count_onnx(path, _feeds(adapter, seconds))
    except CannotMeasure as error:
        return _nothing(error.what)
    kind = path.suffix[1:]
    figures = _nothing("")
    over = f"constant weights and biases of the {kind} graph"
    # The file decides what the weights are held in; the card's declaration is about training checkpoints.
    bits = counted.held_bits or adapter.card.weight_bits
    figures |= _memory(counted.parameters, bits, counted.bytes_by_type, counted.held_bits, over)
    figures["size"]["nonzero"] = figure(counted.nonzero, "parameters", "values other than zero")
    figures |= _macs(
        counted.macs, seconds, f"nodes of the {kind} graph, formulas on shapes", counted.uncounted, counted.notes
    )
    compute: dict[str, Any] = {"by_type": {k: figure(v, "MACs", "sum over nodes") for k, v in counted.by_type.items()}}
    front = _graph_front_end(adapter, seconds)
    if front is not None:
        compute["front_end"] = front
    if layers:
        compute["layers"] = [{"layer": name, "type": kind, "macs": macs} for name, kind, macs in counted.nodes]
    return figures | {"compute": compute}


def _feeds(adapter: Adapter, seconds: float) -> list[Mapping[str, np.ndarray]]:
    from benchbed.profile.calls import silence_free

    if not isinstance(adapter, ExportedAdapter):
        raise CannotMeasure(_UNTOLD)
    feeds: list[Mapping[str, np.ndarray]] = []
    adapter.observer = feeds.append
    try:
        adapter.predict(silence_free(adapter, seconds))
    except BenchbedError as error:
        raise CannotMeasure(f"the graph does not run: {error.what}") from error
    finally:
        adapter.observer = None
    if not feeds:
        raise CannotMeasure(_UNTOLD)
    return feeds


def _graph_front_end(adapter: Adapter, seconds: float) -> dict[str, Any] | None:
    """Cost of the step before the graph, from its definition."""
    source = adapter.front_end.source if isinstance(adapter, ExportedAdapter) else None
    if source is None:
        return None
    samples = round(seconds * adapter.card.sample_rate)
    if hasattr(source, "parameters"):
        import torch

        from benchbed.profile.macs import front_end_of

        front = front_end_of(source, torch.zeros(1, adapter.card.channels, samples))
        return front_end_figures(front.transforms, front.dense_macs, front.sparse_macs)
    frames = max(0, (samples - source.win_length) // source.hop_length + 1)
    bins = source.n_fft // 2 + 1
    cosines = frames * source.n_mels * source.n_mfcc
    from benchbed.adapter.mfcc import mel_triangles

    weights = mel_triangles(source.n_mels, bins, source.sample_rate, source.f_min, source.f_max)
    sparse = frames * int(np.count_nonzero(weights)) + cosines
    return front_end_figures({source.n_fft: frames}, frames * bins * source.n_mels + cosines, sparse)


def _memory(total: int, bits: float, by_type: Mapping[str, int], held: float | None, method: str) -> dict[str, Any]:
    return {
        "parameters": figure(total, "parameters", method),
        "parameter_memory": figure(round(total * bits / 8), "bytes", f"parameters × {bits:g} bits / 8", bits=bits),
        "size": {
            "held": figure(
                sum(by_type.values()),
                "bytes",
                "parameters as held: " + ", ".join(f"{k} {v:,} bytes" for k, v in by_type.items()),
                bits_per_parameter=None if held is None else round(held, 2),
            )
        },
    }


def _macs(total: int, seconds: float, method: str, uncounted: tuple, notes: tuple) -> dict[str, Any]:
    if uncounted:
        method += "; a lower bound"
    more = {"seconds": seconds, "without_formula": list(uncounted) or None, "notes": list(notes) or None}
    return {
        "macs": figure(total, "MACs", method, **more),
        "flops": figure(2 * total, "FLOPs", "2 × MACs: a multiplication and an addition", seconds=seconds),
    }
