"""Multiply-accumulates of an ONNX graph, from the shapes that really occur when it runs.

Shape inference stops at branches and at data-dependent shapes; a run does not. The graph is run once with every
intermediate result exposed; branches are replaced by the side that the condition takes.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchbed.errors import CannotMeasure
from benchbed.profile.graph import GraphCount, summed

Shapes = Mapping[str, tuple[int, ...]]

_HEAVY = re.compile(r"conv|matmul|gemm|lstm|gru|rnn|attention|einsum|loop|scan|^dft$|^stft$", re.IGNORECASE)


def count_onnx(path: Path, feeds: Sequence[Mapping[str, np.ndarray]]) -> GraphCount:
    """Parameters and multiply-accumulates of a graph.

    Parameters
    ----------
    path : Path
        The `.onnx` file.
    feeds : sequence of mapping
        Inputs of every run that one inference takes: one for most graphs, one per chunk for graphs with state.

    Raises
    ------
    CannotMeasure
        The file holds no ONNX graph (the `.ort` format has none), or cannot be run with these inputs.
    """
    import onnx

    if path.suffix != ".onnx":
        raise CannotMeasure("a graph in ORT format cannot be inspected", where=str(path), hint="give the .onnx file")
    model = onnx.load(str(path))
    try:
        while _take_branch(model, feeds[0]):
            pass
        constants = _constants(model.graph)
        nodes: dict[str, tuple[str, str, int]] = {}
        known: dict[str, Any] = {}
        for feed in feeds:
            key = repr([(name, array.shape) for name, array in sorted(feed.items())])
            if key not in known:
                shapes = _run_shapes(model, feed) | {name: value.shape for name, value in constants.items()}
                known[key] = [_node_macs(node, shapes) for node in model.graph.node]
            for index, (node, macs) in enumerate(zip(model.graph.node, known[key])):
                if macs:
                    before = nodes.get(str(index), ("", "", 0))[2]
                    nodes[str(index)] = (node.name or node.output[0], node.op_type, before + macs)
    except CannotMeasure:
        raise
    except Exception as error:  # onnx and onnxruntime raise a type per fault
        reason = str(error).strip().splitlines()
        raise CannotMeasure(
            f"the graph cannot be counted: {reason[0] if reason else error!r}", where=str(path)
        ) from error
    weights = _weights(model.graph, constants)
    by_type: dict[str, int] = {}
    for value in weights:
        by_type[str(value.dtype)] = by_type.get(str(value.dtype), 0) + value.nbytes
    kinds = {node.op_type for node in model.graph.node if _HEAVY.search(node.op_type)}
    notes = () if len(feeds) == 1 else (f"{len(feeds)} runs of the graph make one inference",)
    return GraphCount(
        parameters=sum(value.size for value in weights),
        nonzero=sum(int(np.count_nonzero(value)) for value in weights),
        bytes_by_type=by_type,
        macs=sum(macs for _, _, macs in nodes.values()),
        by_type=summed(nodes.values()),
        nodes=list(nodes.values()),
        uncounted=tuple(sorted(kind for kind in kinds if kind not in _FORMULAS)),
        notes=notes,
    )


def _take_branch(model: Any, feed: Mapping[str, np.ndarray]) -> bool:
    """Replace the first `If` by the side its condition takes; False if there is none left."""
    graph = model.graph
    for index, node in enumerate(graph.node):
        if node.op_type != "If":
            continue
        condition = _values(model, feed, [node.input[0]])[0]
        wanted = "then_branch" if bool(np.asarray(condition).reshape(-1)[0]) else "else_branch"
        branch = next(attribute.g for attribute in node.attribute if attribute.name == wanted)
        outputs = {inner.name: outer for inner, outer in zip(branch.output, node.output)}
        inside = {name for each in branch.node for name in each.output} | {c.name for c in branch.initializer}
        renamed = {name: outputs.get(name, f"{node.name or index}/{name}") for name in inside}
        moved = []
        for each in branch.node:
            copied = type(each)()
            copied.CopyFrom(each)
            _rename(copied, renamed)
            moved.append(copied)
        for constant in branch.initializer:
            copied = graph.initializer.add()
            copied.CopyFrom(constant)
            copied.name = renamed[constant.name]
        # A branch may hand on what it did not make.
        import onnx

        moved += [
            onnx.helper.make_node("Identity", [inner], [outer])
            for inner, outer in outputs.items()
            if inner not in inside
        ]
        rest = list(graph.node)
        del graph.node[:]
        graph.node.extend([*rest[:index], *moved, *rest[index + 1 :]])
        return True
    return False


def _rename(node: Any, names: Mapping[str, str]) -> None:
    """Rename what a node, and the graphs inside it, read and write."""
    for values in (node.input, node.output):
        for index, name in enumerate(values):
            values[index] = names.get(name, name)
    for attribute in node.attribute:
        for inner in [attribute.g] if attribute.HasField("g") else attribute.graphs:
            hidden = {name for each in inner.node for name in each.output} | {c.name for c in inner.initializer}
            visible = {name: new for name, new in names.items() if name not in hidden}
            for each in inner.node:
                _rename(each, visible)
            for output in inner.output:
                output.name = visible.get(output.name, output.name)


def _values(model: Any, feed: Mapping[str, np.ndarray], names: Sequence[str]) -> list[Any]:
    import onnx
    import onnxruntime

    constants = {c.name: onnx.numpy_helper.to_array(c) for c in model.graph.initializer}
    wanted = [name for name in dict.fromkeys(names) if name not in constants and name not in feed]
    # Optional or absent inputs have the empty name.
    wanted = [name for name in wanted if name]
    exposed = onnx.ModelProto()
    exposed.CopyFrom(model)
    present = {output.name for output in exposed.graph.output}
    exposed.graph.output.extend(onnx.ValueInfoProto(name=name) for name in wanted if name not in present)
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 3
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(exposed.SerializeToString(), options, providers=["CPUExecutionProvider"])
    given = {node.name: feed[node.name] for node in session.get_inputs()}
    found = dict(zip(wanted, session.run(wanted, given))) if wanted else {}
    return [constants.get(name, feed.get(name, found.get(name))) for name in names]


def _run_shapes(model: Any, feed: Mapping[str, np.ndarray]) -> dict[str, tuple[int, ...]]:
    names = list(dict.fromkeys(name for node in model.graph.node for name in (*node.input, *node.output) if name))
    values = _values(model, feed, names)
    return {name: np.shape(value) for name, value in zip(names, values) if value is not None}


def _constants(graph: Any) -> dict[str, np.ndarray]:
    import onnx

    found = {constant.name: onnx.numpy_helper.to_array(constant) for constant in graph.initializer}
    for node in graph.node:
        if node.op_type == "Constant":
            for attribute in node.attribute:
                if attribute.name == "value":
                    found[node.output[0]] = onnx.numpy_helper.to_array(attribute.t)
    return found


def _weights(graph: Any, constants: Mapping[str, np.ndarray]) -> list[np.ndarray]:
    """Constants that are weights: used, and neither shapes and indices nor scales and zero points."""
    scales = set()
    for node in graph.node:
        places = _QUANTISERS.get(node.op_type, ())
        scales |= {node.input[place] for place in places if place < len(node.input)}
    used = {name for node in graph.node for name in node.input} - scales
    found = []
    for name, value in constants.items():
        if name not in used:
            continue
        integer_weight = value.dtype in (np.int8, np.uint8, np.int32) and _multiplied(graph, name)
        if value.dtype.kind == "f" or integer_weight:
            found.append(value)
    return found


def _multiplied(graph: Any, name: str) -> bool:
    kinds = {"QLinearConv", "ConvInteger", "MatMulInteger", "QLinearMatMul", "QGemm", "DequantizeLinear"}
    return any(name in node.input and node.op_type in kinds for node in graph.node)


#: Inputs that are scales and zero points.
_QUANTISERS = {
    "QLinearConv": (1, 2, 4, 5, 6, 7),
    "QLinearMatMul": (1, 2, 4, 5, 6, 7),
    "ConvInteger": (2, 3),
    "MatMulInteger": (2, 3),
    "QuantizeLinear": (1, 2),
    "DequantizeLinear": (1, 2),
    "QGemm": (1, 2, 4, 5, 7, 8),
}


def _node_macs(node: Any, shapes: Shapes) -> int:
    formula = _FORMULAS.get(node.op_type)
    if formula is None:
        return 0
    inputs = [shapes.get(name, ()) for name in node.input]
    out = shapes.get(node.output[0], ()) or next((shapes[name] for name in node.output if name in shapes), ())
    return int(formula(node, inputs, out))


def _attribute(node: Any, name: str, default: Any) -> Any:
    import onnx

    for attribute in node.attribute:
        if attribute.name == name:
            return onnx.helper.get_attribute_value(attribute)
    return default


def _conv(weight: int) -> Any:
    # Weights are [output channel, input channel of the group, kernel…].
    return lambda node, inputs, out: math.prod(out) * math.prod(inputs[weight][1:])


def _conv_transpose(node: Any, inputs: list, out: tuple) -> int:
    # Every input value meets every output channel of its group and every place of the kernel.
    return math.prod(inputs[0]) * math.prod(inputs[1][1:])


def _gemm(node: Any, inputs: list, out: tuple) -> int:
    return math.prod(out) * inputs[0][0 if _attribute(node, "transA", 0) else 1]


def _matmul(node: Any, inputs: list, out: tuple) -> int:
    return math.prod(out) * inputs[0][-2 if _attribute(node, "transA", 0) else -1]


def _recurrent(node: Any, inputs: list, out: tuple) -> int:
    # X is [step, clip, input]; W and R are [direction, gates, …] and act in every step.
    steps, clips = inputs[0][:2]
    return steps * clips * (math.prod(inputs[1]) + math.prod(inputs[2]))


def _einsum(node: Any, inputs: list, out: tuple) -> int:
    equation = _attribute(node, "equation", b"").decode().replace(" ", "")
    sizes: dict[str, int] = {}
    for labels, shape in zip(equation.split("->")[0].split(","), inputs):
        sizes |= dict(zip(labels, shape))
    return math.prod(sizes.values())


def _attention(node: Any, inputs: list, out: tuple) -> int:
    query, key, value = inputs[:3]
    # [clip, head, step, width], or [clip, step, all widths] where the heads are side by side.
    heads = math.prod(query[:-2])
    return heads * query[-2] * key[-2] * (query[-1] + value[-1])


_FORMULAS: dict[str, Any] = {
    "Conv": _conv(1),
    "FusedConv": _conv(1),
    "ConvInteger": _conv(1),
    "QLinearConv": _conv(3),
    "ConvTranspose": _conv_transpose,
    "Gemm": _gemm,
    "QGemm": _gemm,
    "MatMul": _matmul,
    "FusedMatMul": _matmul,
    "MatMulInteger": _matmul,
    "QLinearMatMul": _matmul,
    "LSTM": _recurrent,
    "GRU": _recurrent,
    "RNN": _recurrent,
    "Einsum": _einsum,
    "Attention": _attention,
    "MultiHeadAttention": _attention,
}
