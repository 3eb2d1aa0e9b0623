"""Any classifier in a TFLite file, in float32 or quantised to 8 bits; waveform, log-mel or MFCC in.

    benchbed run suites/kws.yaml --model adapters/tflite.py \\
        --set model=kws_ref_model.tflite --set sample_rate=16000 --set clip_seconds=1 --set features=mfcc \\
        --set labels=down,go,left,no,off,on,right,stop,up,yes,silence,unknown

This is the keyword spotter of MLPerf Tiny; its front end is the default of `benchbed.adapter.mfcc.Mfcc`. Quantised
inputs and outputs are converted with the scale and zero point that the file carries.
"""

from pathlib import Path
from typing import Literal

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from benchbed.adapter.exported import ExportedAdapter, Output, Scores, check_file
from benchbed.adapter.features import Kind
from benchbed.errors import AdapterError, CheckpointError
from benchbed.types import Batch


class TFLite(ExportedAdapter):
    """A TFLite graph run by LiteRT, one clip at a time.

    Parameters
    ----------
    model : Path
        The `.tflite` file.
    labels : str
        Class names in the order of the scores: a file (`.txt`, `.csv`, `.yaml`, `.json`) or names separated by commas.
    label_map : Path, optional
        File that says which of the network's classes mean which label of the dataset.
    sample_rate : int
        Samples per second the network was trained at.
    clip_seconds : float, optional
        Length the network wants in seconds; read from the graph where it fixes the number of samples.
    channels : int
        Audio channels.
    input_layout : str
        Names of the input's axes out of clip, channel, sample, band, frame; inferred from its shape where possible.
    output_layout : str
        Order of the scores' axes, for frames.
    scores : str
        What the scores are. Say it: the inference looks at a few clips of noise, and is recorded.
    output : str
        `scene`, `tags` or `frames`.
    features, feature_options : str
        Front end (`none`, `logmel`, `mfcc`) and its parameters.
    threads : int
        Threads of LiteRT.
    family, frame_seconds, window_hop, window_join, licence, trained_on : card
        Fields of the card.
    """

    def __init__(
        self,
        *,
        model: Path,
        labels: str,
        label_map: Path | None = None,
        sample_rate: int,
        clip_seconds: float | None = None,
        channels: int = 1,
        input_layout: str = "infer",
        output_layout: Literal["clip,frame,class", "clip,class,frame"] = "clip,frame,class",
        scores: Scores = "infer",
        output: Output = "scene",
        features: Kind = "none",
        feature_options: str | dict = "",
        threads: int = 1,
        family: str = "other",
        frame_seconds: float | None = None,
        window_hop: float | None = None,
        window_join: Literal["mean", "max"] = "mean",
        licence: str = "",
        trained_on: tuple[str, ...] = (),
    ) -> None:
        self.path = check_file(Path(model), (".tflite",))
        try:
            self._interpreter = Interpreter(str(self.path), num_threads=threads)
            self._interpreter.allocate_tensors()
        except (ValueError, RuntimeError) as error:
            reason = str(error).strip().splitlines()[0]
            raise CheckpointError(f"LiteRT cannot read the file: {reason}", where=str(self.path)) from error
        inputs, outputs = self._interpreter.get_input_details(), self._interpreter.get_output_details()
        if len(inputs) != 1 or len(outputs) != 1:
            raise AdapterError(
                f"the graph has {len(inputs)} inputs and {len(outputs)} outputs; one of each is needed",
                where=str(self.path),
                hint="state held in inputs and outputs is supported by adapters/onnx.py",
            )
        self._in, self._out = inputs[0], outputs[0]
        signature = self._in.get("shape_signature", self._in["shape"])
        self.describe(
            shape=[int(n) if n > 0 else None for n in signature],
            labels=labels,
            label_map=label_map,
            sample_rate=sample_rate,
            clip_seconds=clip_seconds,
            input_layout=input_layout,
            output_layout=output_layout,
            channels=channels,
            output=output,
            scores=scores,
            features=features,
            feature_options=feature_options,
            frame_seconds=frame_seconds,
            window_hop=window_hop,
            window_join=window_join,
            # Every class may be off by half a step of the output's scale.
            tolerance=1e-3 + self._out["quantization"][0] * int(np.prod(self._out["shape"])) / 2,
            weight_bits=8 if self._in["dtype"] in (np.int8, np.uint8) else 32,
            family=family,
            licence=licence,
            trained_on=trained_on,
        )

    def predict(self, batch: Batch) -> np.ndarray:
        """Scores as `ExportedAdapter` gives them; rows of quantised probabilities are brought back to a sum of one."""
        scores = super().predict(batch)
        quantised = np.dtype(self._out["dtype"]).kind != "f"
        if quantised and self.card.output == "scene" and self.card.scores == "probabilities":
            # Each class is rounded on its own; by how much the sum misses one says nothing about the clip.
            scores /= np.maximum(scores.sum(axis=1, keepdims=True), 1e-6)
        return scores

    def run(self, inputs: np.ndarray) -> np.ndarray:
        """Scores clip by clip: graphs with a reshape to one clip inside cannot take more."""
        answers = []
        for clip in inputs:
            fed = clip[None] if "clip" in self._layout else clip
            if tuple(self._interpreter.get_input_details()[0]["shape"]) != fed.shape:
                self._interpreter.resize_tensor_input(self._in["index"], fed.shape)
                self._interpreter.allocate_tensors()
            self._interpreter.set_tensor(self._in["index"], _quantised(fed, self._in))
            self._interpreter.invoke()
            answers.append(_dequantised(self._interpreter.get_tensor(self._out["index"]), self._out))
        return np.concatenate(answers) if "clip" in self._layout else np.stack(answers)


def _quantised(array: np.ndarray, details: dict) -> np.ndarray:
    kind, (scale, zero) = np.dtype(details["dtype"]), details["quantization"]
    if kind.kind == "f":
        return array.astype(kind)
    if not scale:
        raise AdapterError(f"the graph's input takes {kind} and the file gives no scale for it")
    limits = np.iinfo(kind)
    return np.clip(np.round(array / scale) + zero, limits.min, limits.max).astype(kind)


def _dequantised(array: np.ndarray, details: dict) -> np.ndarray:
    scale, zero = details["quantization"]
    if array.dtype.kind == "f" or not scale:
        return array.astype(np.float32)
    return ((array.astype(np.float32) - zero) * scale).astype(np.float32)
