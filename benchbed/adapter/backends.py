"""Other ways to compute what a torch model computes: compiled by torch, or exported and run by ONNX Runtime.

Both take a function from tensors to scores and give another one; neither is believed before `agree` has held its
answers against those of the first. A way that cannot be gone is one clear error, and never a silent step back.
"""

from __future__ import annotations

import io
import warnings
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, Literal, cast
from unittest import mock

import torch

from benchbed.errors import AdapterError
from benchbed.packages import need

#: How a model is computed: as it is; with batch norms folded; compiled by torch; by ONNX Runtime.
Backend = Literal["eager", "folded", "compiled", "onnx"]
#: From tensors `[clip, …]` to scores `[clip, …]`.
Scoring = Callable[[torch.Tensor], torch.Tensor]
#: Shapes of clips that are kept exported at once, and the version of the operators.
SHAPES, OPSET = 16, 17


def agree(what: str, answers: torch.Tensor, plain: torch.Tensor, tolerance: float) -> float:
    """How far answers lie from those of the plain model, as a share of its largest score, or of 1 if that is larger.

    Parameters
    ----------
    what : str
        What gave the answers, in words.
    answers, plain : torch.Tensor
        Scores of the same clips.
    tolerance : float
        The largest share that is allowed.

    Raises
    ------
    AdapterError
        Another shape, or further away.

    Examples
    --------
    >>> round(agree("a copy", torch.tensor([[2.0, 4.0]]), torch.tensor([[2.0, 5.0]]), 0.5), 3)
    0.2
    """
    if answers.shape != plain.shape:
        raise AdapterError(f"{what} gives scores {list(answers.shape)}, the plain model {list(plain.shape)}")
    apart = float((answers.double() - plain.double()).abs().max() / plain.double().abs().max().clamp_min(1.0))
    if not apart <= tolerance:
        raise AdapterError(
            f"{what} answers otherwise than the plain model: scores differ by {apart:.2g} of the largest, "
            f"{tolerance:g} is allowed",
            hint="backend=eager, or a larger tolerance=… if that is meant",
        )
    return apart


def compiled(plain: Scoring) -> Scoring:
    """A function compiled by `torch.compile`, for any number of clips; compiled at its first call.

    Raises
    ------
    AdapterError
        At a call: there is no compiler, or a part of the model cannot be compiled.
    """
    import torch._dynamo

    # With the whole graph or none, nothing of it falls back to the plain way unseen.
    made = torch.compile(plain, fullgraph=True, dynamic=True)

    def scoring(given: torch.Tensor) -> torch.Tensor:
        try:
            return made(given)
        except Exception as error:
            raise AdapterError(
                f"torch.compile cannot compile the model: {_short(error)}",
                hint="a C++ compiler on PATH (g++, or CXX=…), a network without branches on data, or backend=eager",
            ) from error

    return scoring


def by_onnx(plain: Scoring, network: torch.nn.Module, device: torch.device, tolerance: float) -> Scoring:
    """A function exported to ONNX and run by ONNX Runtime.

    `network` has the parameters. A graph is made for each shape of clips when it is first met, for any number of them
    unless the model holds on to one, and held against the plain function on those clips before its answers are used.

    Raises
    ------
    ModuleNotFoundError
        ONNX Runtime is not installed.
    AdapterError
        It cannot use the device; or at a call: the model cannot be exported, or the graph answers otherwise.
    """
    import onnxruntime

    provider = "CUDAExecutionProvider" if device.type == "cuda" else "CPUExecutionProvider"
    if provider not in onnxruntime.get_available_providers():
        raise AdapterError(f"this onnxruntime cannot use {device}", hint="--device cpu, or install onnxruntime-gpu")
    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads, settings.inter_op_num_threads = torch.get_num_threads(), 1
    settings.log_severity_level = 4  # what fails is raised, too
    sessions: OrderedDict[tuple[int, ...], Scoring] = OrderedDict()

    def opened(given: torch.Tensor, *, any_number: bool) -> Scoring:
        graph = _exported(plain, network, given, any_number)
        session = onnxruntime.InferenceSession(graph, settings, providers=[provider])

        def run(given: torch.Tensor) -> torch.Tensor:
            return torch.from_numpy(session.run(None, {"given": given.cpu().numpy()})[0])

        with torch.inference_mode():
            tried = [given, torch.cat([given, given[:1]])] if any_number else [given]
            for clips in tried:
                agree("the ONNX graph", run(clips), plain(clips).float().cpu(), tolerance)
        return run

    def scoring(given: torch.Tensor) -> torch.Tensor:
        exact, shape = tuple(given.shape), tuple(given.shape[1:])
        known = exact if exact in sessions else shape
        if known not in sessions:
            try:
                sessions[shape] = opened(given, any_number=True)
            except Exception:  # a number of clips that was written into the graph shows in many ways
                known = exact
                sessions[exact] = opened(given, any_number=False)
            while len(sessions) > SHAPES:
                sessions.popitem(last=False)
        sessions.move_to_end(known)
        return sessions[known](given)

    return scoring


class _AsModule(torch.nn.Module):
    def __init__(self, plain: Scoring, network: torch.nn.Module) -> None:
        super().__init__()
        self.plain, self.network = plain, network

    def forward(self, given: torch.Tensor) -> torch.Tensor:
        return self.plain(given).float()


def _exported(plain: Scoring, network: torch.nn.Module, given: torch.Tensor, any_number: bool) -> bytes:
    """An ONNX graph of a function for clips of one shape, in any number or in that of `given`."""
    file = io.BytesIO()
    # The exporter prints a graph that it cannot export, page after page.
    quiet = mock.patch.object(torch._C, "_jit_onnx_log", lambda *_: None, create=True)
    try:
        # Two clips: where there is one, its axis may be taken for one that is always 1.
        with torch.inference_mode(False), torch.no_grad(), warnings.catch_warnings(), quiet:
            warnings.simplefilter("ignore")
            example = given.clone()
            if any_number:
                example = example[:1].expand(2, *given.shape[1:]).clone()
            torch.onnx.export(
                _AsModule(plain, network).eval(),
                (example,),
                cast("Any", file),
                input_names=["given"],
                output_names=["scores"],
                dynamic_axes={"given": {0: "clip"}, "scores": {0: "clip"}} if any_number else None,
                opset_version=OPSET,
                dynamo=False,
            )
    except ModuleNotFoundError:
        raise
    except Exception as error:
        need(("onnx",), "an ONNX graph")  # of whose loss the exporter speaks in its own words
        raise AdapterError(
            f"the model cannot be exported to ONNX: {_short(error)}",
            hint="operations that ONNX has, in the network behind the front end; or backend=eager",
        ) from error
    return file.getvalue()


def _short(error: BaseException) -> str:
    return f"{type(error).__name__}: {(str(error).strip() or 'no reason given').splitlines()[0][:300]}"
