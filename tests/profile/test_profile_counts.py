"""Parameters and memory, graphs in files, and the figures that stand on the record."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from benchbed.adapter.load import load_adapter, start
from benchbed.errors import CannotMeasure
from benchbed.profile.counts import count
from benchbed.profile.parameters import count_parameters, file_sizes
from benchbed.profile.tflite_graph import count_tflite


def test_parameters_by_hand():
    net = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.Linear(4, 2).half())
    net[0].weight.requires_grad_(False)
    with torch.no_grad():
        net[2].weight.zero_()
        net[2].bias.fill_(1.0)
        net[1].bias.fill_(1.0)
    counted = count_parameters(net)
    assert counted.total == 40 + 8 + 10
    assert counted.trainable == 4 + 8 + 10
    assert counted.nonzero == 40 + 8 + 2
    assert counted.bytes_by_type == {"float32": 48 * 4, "float16": 20}
    assert counted.stored_bytes == 212
    assert (counted.buffers, counted.buffer_bytes) == (8, 32)  # running mean and variance; the counter is an integer
    assert counted.bytes_at(8) == 58 and counted.bytes_at(16, nonzero_only=True) == 100


def test_a_shared_parameter_counts_once():
    net = nn.ModuleList([nn.Linear(3, 3, bias=False), nn.Linear(3, 3, bias=False)])
    net[1].weight = net[0].weight
    assert count_parameters(net).total == 9


@pytest.mark.filterwarnings("ignore")
def test_packed_weights_of_quantised_layers_are_counted():
    net = torch.ao.quantization.quantize_dynamic(nn.Sequential(nn.Linear(16, 8), nn.Linear(8, 4)), {nn.Linear})
    assert sum(1 for _ in net.parameters()) == 0
    counted = count_parameters(net)
    assert counted.total == counted.packed == 16 * 8 + 8 + 8 * 4 + 4
    assert counted.bytes_by_type == {"qint8": 160, "float32": 48}


def test_file_sizes(tmp_path: Path):
    (tmp_path / "a.pt").write_bytes(b"12345")
    assert file_sizes([tmp_path / "a.pt", tmp_path / "missing.pt"]) == {"a.pt": 5}


def test_figures_of_a_torch_model():
    found = count(start(load_adapter("cnn", {})), layers=True)
    assert found["parameters"]["unit"] == "parameters" and found["macs"]["unit"] == "MACs"
    assert found["flops"]["value"] == 2 * found["macs"]["value"]
    assert found["parameter_memory"]["value"] == 2 * found["parameters"]["value"]  # declared 16 bits
    assert found["size"]["held"]["value"] == 4 * found["parameters"]["value"]  # held in float32
    assert found["size"]["files"]["cnn.safetensors"]["value"] > found["parameter_memory"]["value"]
    assert sum(part["value"] for part in found["compute"]["by_type"].values()) == found["macs"]["value"]
    assert sum(part["macs"] for part in found["compute"]["layers"]) == found["macs"]["value"]
    assert found["compute"]["challenge_tool"]["difference"].startswith("+474")
    assert found["compute"]["front_end"]["fft"]["transforms"] == "101 of 1024 samples"


def test_counts_are_the_same_twice():
    adapter = start(load_adapter("passt", {}))
    assert count(adapter) == count(adapter)


def test_a_model_without_a_network_says_so(foreign):
    found = count(foreign)
    for name in ("parameters", "macs", "flops", "parameter_memory"):
        assert found[name]["value"] is None and "outside this process" in found[name]["reason"]


def test_a_broken_forward_is_a_reason_not_a_crash(around):
    class Broken(nn.Module):
        def __init__(self):
            super().__init__()
            self.head = nn.Linear(4, 2)

        def forward(self, waveforms):
            return self.head(waveforms)

    found = count(around(Broken()))
    assert found["parameters"]["value"] == 10
    assert found["macs"]["value"] is None and "does not run" in found["macs"]["reason"]


def onnx_model(nodes, constants, inputs, outputs, path: Path) -> Path:
    onnx = pytest.importorskip("onnx")
    helper, numpy_helper = onnx.helper, onnx.numpy_helper
    graph = helper.make_graph(
        nodes,
        "toy",
        [helper.make_tensor_value_info(n, kind, s) for n, kind, s in inputs],
        [helper.make_tensor_value_info(n, onnx.TensorProto.FLOAT, s) for n, s in outputs],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), str(path))
    return path


def test_onnx_nodes_by_hand(tmp_path: Path):
    onnx = pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    from benchbed.profile.onnx_graph import count_onnx

    node, number = onnx.helper.make_node, onnx.TensorProto.FLOAT
    ones = lambda *shape: np.ones(shape, np.float32)  # noqa: E731
    path = onnx_model(
        [
            node("Conv", ["x", "w", "b"], ["c"], group=2, pads=[1, 1], name="conv"),
            node("ConvTranspose", ["c", "t"], ["d"], name="up"),
            node("Transpose", ["d"], ["s"], perm=[2, 0, 1]),
            node("LSTM", ["s", "W", "R"], ["y"], hidden_size=5, name="lstm"),
            node("Squeeze", ["y", "axis"], ["z"]),
            node("MatMul", ["z", "m"], ["p"], name="product"),
            node("ReduceMean", ["p"], ["q"], axes=[0], keepdims=0),
            node("Gemm", ["q", "g"], ["out"], transB=1, name="gemm"),
        ],
        {
            "w": ones(4, 2, 3),
            "b": np.zeros(4, np.float32),
            "t": ones(4, 3, 2),
            "W": ones(1, 20, 3),
            "R": ones(1, 20, 5),
            "axis": np.array([1], np.int64),
            "m": ones(5, 6),
            "g": ones(2, 6),
        },
        [("x", number, ["clips", 4, "samples"])],
        [("out", ["clips", 2])],
        tmp_path / "toy.onnx",
    )
    counted = count_onnx(path, [{"x": np.zeros((1, 4, 10), np.float32)}])
    assert {name: macs for name, _, macs in counted.nodes} == {
        "conv": 4 * 10 * 2 * 3,
        "up": 4 * 10 * 3 * 2,
        "lstm": 11 * 20 * (3 + 5),
        "product": 11 * 5 * 6,
        "gemm": 2 * 6,
    }
    # The axis of Squeeze is no weight.
    assert counted.parameters == 24 + 4 + 24 + 60 + 100 + 30 + 12
    assert counted.nonzero == counted.parameters - 4
    assert counted.uncounted == () and counted.held_bits == 32


def test_onnx_takes_the_branch_that_runs(tmp_path: Path):
    onnx = pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    from benchbed.profile.onnx_graph import count_onnx

    helper, number = onnx.helper, onnx.TensorProto.FLOAT

    def branch(width: int):
        weight = onnx.numpy_helper.from_array(np.ones((4, width), np.float32), "w")
        return helper.make_graph(
            [helper.make_node("MatMul", ["x", "w"], ["h"]), helper.make_node("ReduceSum", ["h"], ["y"])],
            f"width {width}",
            [],
            [helper.make_tensor_value_info("y", number, None)],
            [weight],
        )

    path = onnx_model(
        [helper.make_node("If", ["wide"], ["out"], then_branch=branch(100), else_branch=branch(3))],
        {},
        [("x", number, [1, 4]), ("wide", onnx.TensorProto.BOOL, [])],
        [("out", None)],
        tmp_path / "branch.onnx",
    )
    x = np.zeros((1, 4), np.float32)
    assert count_onnx(path, [{"x": x, "wide": np.array(True)}]).macs == 400
    narrow = count_onnx(path, [{"x": x, "wide": np.array(False)}] * 5)
    assert (narrow.macs, narrow.parameters) == (5 * 12, 12)
    assert narrow.notes == ("5 runs of the graph make one inference",)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_onnx_export_and_torch_agree(around, tmp_path: Path):
    pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    from benchbed.profile.onnx_graph import count_onnx

    net = nn.Sequential(nn.Conv1d(1, 4, 9, stride=4), nn.ReLU(), nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Linear(4, 2))
    torch.onnx.export(net.eval(), (torch.zeros(1, 1, 8000),), str(tmp_path / "n.onnx"), input_names=["x"], dynamo=False)
    counted = count_onnx(tmp_path / "n.onnx", [{"x": np.zeros((1, 1, 8000), np.float32)}])
    torch_found = count(around(net))
    assert counted.macs == torch_found["macs"]["value"]
    assert counted.parameters == torch_found["parameters"]["value"]


def test_unreadable_graphs_are_reasons(tmp_path: Path):
    pytest.importorskip("onnxruntime")
    from benchbed.profile.onnx_graph import count_onnx

    with pytest.raises(CannotMeasure, match="ORT format"):
        count_onnx(tmp_path / "x.ort", [{}])
    pytest.importorskip("ai_edge_litert")
    (tmp_path / "x.tflite").write_bytes(b"nothing")
    with pytest.raises(CannotMeasure, match="cannot open"):
        count_tflite(tmp_path / "x.tflite")


@pytest.mark.realdata
def test_mlperf_tiny_graphs(realdata: Path):
    pytest.importorskip("ai_edge_litert")
    folder = realdata / "mlperf_tiny"
    spotter = count_tflite(folder / "keyword_spotting" / "trained_models" / "kws_ref_model.tflite")
    # 49×10 input; 10×4 convolution, stride 2, to 25×5×64; four depthwise 3×3 and pointwise pairs; linear 64 → 12.
    hand = 125 * 64 * 40 + 4 * (125 * 64 * 9 + 125 * 64 * 64) + 64 * 12
    assert spotter.macs == hand == 2_656_768
    # Convolution, four pairs and linear layer with their biases, batch normalisation folded in.
    assert spotter.parameters == 64 * 41 + 4 * (64 * 10 + 64 * 65) + 12 * 65
    assert spotter.uncounted == ()
    for name in ("ad01_fp32.tflite", "ad01_int8.tflite"):
        detector = count_tflite(folder / "anomaly_detection" / "trained_models" / name)
        # Auto-encoder 640-128-128-128-128-8-128-128-128-128-640.
        widths = [640, 128, 128, 128, 128, 8, 128, 128, 128, 128, 640]
        assert detector.macs == sum(a * b for a, b in pairwise(widths))
        assert detector.parameters == detector.macs + sum(widths[1:])


@pytest.mark.realdata
def test_a_stateful_graph_is_counted_chunk_by_chunk(realdata: Path):
    pytest.importorskip("onnxruntime")
    options = {
        "model": str(realdata / "vad_silero" / "src" / "silero_vad" / "data" / "silero_vad_16k_op15.onnx"),
        "labels": "speech",
        "sample_rate": "16000",
        "output": "frames",
        "state": "stateN=state",
        "chunk": "512",
        "context": "64",
        "constants": "sr=16000",
    }
    found = count(start(load_adapter("onnx", options)), 1.0)
    # 32 chunks of 512 samples; the LSTM alone is 4·128·(128 + 128) per chunk.
    assert found["compute"]["by_type"]["LSTM"]["value"] == 32 * 4 * 128 * 256
    assert found["macs"]["notes"] == ["32 runs of the graph make one inference"]


class Residual(torch.nn.Module):
    """A product of 3 × 3, poolings of every sort, and a shortcut."""

    def __init__(self):
        super().__init__()
        self.convolution = torch.nn.Conv2d(1, 2, 3, padding=1, bias=False)

    def forward(self, image):
        heard = self.convolution(image)
        heard = heard + 0.5 * heard
        pooled = torch.nn.functional.max_pool2d(heard, 2) - torch.nn.functional.avg_pool2d(heard, 2)
        return torch.nn.functional.avg_pool1d(pooled.flatten(2), 4).mean((1, 2))


def test_what_biodcase_tiny_counts_beside_products_by_hand():
    """An image of 4 × 4: 2·16·9 products; a sum and a product of 2·16 elements; two poolings of 2·4 windows of four,
    and their difference of 2·4; 2·1 windows of four over time; the mean over the map counts nothing."""
    from benchbed.profile.trace import trace_forward

    net = Residual()
    trace, _ = trace_forward(net, net, torch.zeros(1, 1, 4, 4))
    assert trace.macs == 288
    assert sum(one.beside for one in trace.operations) == 2 * 32 + 2 * 32 + 8 + 8
