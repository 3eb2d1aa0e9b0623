"""Multiply-accumulates of a TFLite graph.

LiteRT has no public view of a graph's operations. Its interpreter tells them all the same
(`_get_ops_details`, present in tflite-runtime, TensorFlow and LiteRT); where a version does not, that is the answer.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from benchbed.errors import CannotMeasure
from benchbed.packages import imported_for
from benchbed.profile.graph import GraphCount, summed

_HEAVY = re.compile(r"CONV|FULLY|MATMUL|LSTM|RNN|SVDF|WHILE|CALL|FFT|IF$")


def count_tflite(path: Path) -> GraphCount:
    """Parameters and multiply-accumulates of one inference of a TFLite graph.

    Parameters
    ----------
    path : Path
        The `.tflite` file; its input must have a fixed length.

    Raises
    ------
    CannotMeasure
        The graph's input has no fixed shape, or this LiteRT does not tell operations.
    """
    with imported_for("a TFLite graph needs LiteRT to be read", CannotMeasure):
        from ai_edge_litert.interpreter import Interpreter, OpResolverType
    # Without the delegate, whose one node would stand for all it took over.
    kernels = OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    try:
        interpreter = Interpreter(str(path), experimental_op_resolver_type=kernels)
        interpreter.allocate_tensors()
    except (ValueError, RuntimeError) as error:
        reason = str(error).strip().splitlines()[0]
        raise CannotMeasure(f"LiteRT cannot open the graph: {reason}", where=str(path)) from error
    for details in interpreter.get_input_details():
        signature = details.get("shape_signature", details["shape"])
        if any(int(size) < 0 for size in signature[1:]):
            raise CannotMeasure(
                "the graph's input has no fixed length, so its operations have no size", where=str(path)
            )
    told = getattr(interpreter, "_get_ops_details", None)
    if told is None:
        raise CannotMeasure("this version of LiteRT does not tell a graph's operations", where=str(path))
    operations = told()
    tensors = {details["index"]: details for details in interpreter.get_tensor_details()}
    written = {int(index) for operation in operations for index in operation["outputs"]}
    given = {details["index"] for details in interpreter.get_input_details()}
    nodes, uncounted, weights = [], set(), {}
    for number, operation in enumerate(operations):
        kind = operation["op_name"]
        inputs = [int(index) for index in operation["inputs"]]
        shapes = [_shape(tensors, index) for index in inputs]
        out = _shape(tensors, int(operation["outputs"][0]))
        if kind in _FORMULAS:
            nodes.append((f"{number}:{kind}", kind, int(_FORMULAS[kind](shapes, out))))
        elif _HEAVY.search(kind):
            uncounted.add(kind)
        for place, index in enumerate(inputs):
            if index in tensors and index not in written | given and _is_weight(kind, place, tensors[index]):
                weights[index] = _constant(interpreter, tensors[index])
    by_type: dict[str, int] = {}
    for value, _ in weights.values():
        by_type[str(value.dtype)] = by_type.get(str(value.dtype), 0) + value.nbytes
    return GraphCount(
        parameters=sum(value.size for value, _ in weights.values()),
        nonzero=sum(int((value != zero).sum()) for value, zero in weights.values()),
        bytes_by_type=by_type,
        macs=sum(macs for _, _, macs in nodes),
        by_type=summed(nodes),
        nodes=nodes,
        uncounted=tuple(sorted(uncounted)),
    )


def _shape(tensors: Mapping[int, Any], index: int) -> tuple[int, ...]:
    return tuple(int(size) for size in tensors[index]["shape"]) if index in tensors else ()


def _is_weight(kind: str, place: int, details: Mapping[str, Any]) -> bool:
    """Whether a constant is a weight or a bias, and no shape, axis or index."""
    dtype = np.dtype(details["dtype"])
    if dtype.kind == "f" or dtype in (np.dtype(np.int8), np.dtype(np.uint8), np.dtype(np.int16)):
        return True
    return dtype.kind == "i" and kind in _BIASED and place == 2


def _constant(interpreter: Any, details: Mapping[str, Any]) -> tuple[np.ndarray, Any]:
    value, points = interpreter.get_tensor(details["index"]), details["quantization_parameters"]["zero_points"]
    # Quantised weights are symmetric (zero point 0) by TFLite's specification; older ones need not be.
    return value, points[0] if len(points) == 1 else 0


def _batch_matmul(shapes: list, out: tuple) -> int:
    # Either side may be stored transposed, so the common axis follows from the sizes: |A|·|B| = batch²·M·N·K².
    a, b = math.prod(shapes[0]), math.prod(shapes[1])
    common = math.isqrt(a * b // max(math.prod(out) * math.prod(out[:-2]), 1))
    return math.prod(out) * common


def _sequence_lstm(shapes: list, out: tuple) -> int:
    # Inputs 1 to 8 are the weights of four gates on the input and on the hidden state; an absent gate has no shape.
    steps = math.prod(shapes[0][:-1])
    return steps * sum(math.prod(shape) for shape in shapes[1:9] if len(shape) == 2)


_BIASED = {"CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "CONV_3D", "TRANSPOSE_CONV"}

_FORMULAS: dict[str, Any] = {
    # Weights are [output, height, width, input].
    "CONV_2D": lambda shapes, out: math.prod(out) * math.prod(shapes[1][1:]),
    "CONV_3D": lambda shapes, out: math.prod(out) * math.prod(shapes[1][:-1]),
    # One filter per output channel: [1, height, width, channel].
    "DEPTHWISE_CONV_2D": lambda shapes, out: math.prod(out) * math.prod(shapes[1][1:3]),
    "FULLY_CONNECTED": lambda shapes, out: math.prod(out) * shapes[1][-1],
    "TRANSPOSE_CONV": lambda shapes, out: math.prod(shapes[2]) * math.prod(shapes[1][:-1]),
    "BATCH_MATMUL": _batch_matmul,
    "UNIDIRECTIONAL_SEQUENCE_LSTM": _sequence_lstm,
    # Rank-one filters: over the input, then over the memory.
    "SVDF": lambda shapes, out: shapes[0][0] * (math.prod(shapes[1]) + math.prod(shapes[2])),
}
