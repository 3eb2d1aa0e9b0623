"""Any classifier in an ONNX file: scene, tags or frames; waveform or spectrogram in; with or without recurrent state.

    benchbed run suites/dcase_task1.yaml --model adapters/onnx.py \\
        --set model=net.onnx --set labels=labels.txt --set sample_rate=32000

A network that takes a log-mel spectrogram names its front end, with the parameters of
`benchbed.adapter.frontend.LogMel`:

    --set features=logmel --set feature_options=n_mels=128,hop_length=320 --set input_layout=clip,channel,band,frame

A network that is fed chunk after chunk, and hands its state on, names the output that holds the state and the input it
goes back to. The Silero voice activity detector (16 kHz, 512 new samples after 64 old ones) is

    --set model=silero_vad_16k_op15.onnx --set labels=speech --set sample_rate=16000 --set output=frames \\
        --set state=stateN=state --set chunk=512 --set context=64 --set constants=sr=16000
"""

from pathlib import Path
from typing import Literal

import numpy as np
import onnxruntime

from benchbed.adapter.exported import ExportedAdapter, Output, Scores, check_file
from benchbed.adapter.features import Kind
from benchbed.adapter.watch import with_external_data
from benchbed.errors import AdapterError, CheckpointError, ConfigError, did_you_mean

TYPES = {
    "tensor(float)": np.float32,
    "tensor(float16)": np.float16,
    "tensor(double)": np.float64,
    "tensor(int64)": np.int64,
    "tensor(int32)": np.int32,
}


class Onnx(ExportedAdapter):
    """An ONNX graph run by onnxruntime.

    Parameters
    ----------
    model : Path
        The `.onnx` file.
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
        Front end and its parameters.
    input_name, output_name : str
        Which input takes the audio and which output holds the scores, where the graph has several.
    state : str
        Stateful graphs: `OUTPUT=INPUT`, several separated by commas. The state starts at zero in every clip.
    chunk, context : int
        Stateful graphs: new samples per step, and how many of the samples before them the graph sees again.
    constants : str
        Further inputs with one value, e.g. `sr=16000`.
    threads : int
        Threads of onnxruntime.
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
        input_name: str = "",
        output_name: str = "",
        state: str = "",
        chunk: int = 0,
        context: int = 0,
        constants: str = "",
        threads: int = 1,
        family: str = "other",
        frame_seconds: float | None = None,
        window_hop: float | None = None,
        window_join: Literal["mean", "max"] = "mean",
        licence: str = "",
        trained_on: tuple[str, ...] = (),
    ) -> None:
        self.path = check_file(Path(model), (".onnx", ".ort"))
        #: Called with the inputs of every run of the graph, for whoever counts what a run costs.
        self._threads = threads
        self._open("cpu")
        self._state = _pairs(state, "state")
        self._chunk, self._context = chunk, context
        if bool(self._state) != bool(chunk):
            raise ConfigError("a stateful graph needs both state and chunk", hint="e.g. state=stateN=state chunk=512")
        if self._state and (output != "frames" or features != "none"):
            raise ConfigError("a stateful graph is fed waveforms and gives frames", hint="output=frames features=none")
        inputs = {node.name: node for node in self._session.get_inputs()}
        outputs = {node.name: node for node in self._session.get_outputs()}
        self._constants = {
            name: np.full([n if isinstance(n, int) else 1 for n in _known(inputs, name).shape], float(value)).astype(
                TYPES[_known(inputs, name).type]
            )
            for name, value in _pairs(constants, "constants").items()
        }
        for source, target in self._state.items():
            _known(outputs, source), _known(inputs, target)
        taken = {*self._state.values(), *self._constants}
        self._input = _only(inputs, input_name, taken, "input")
        self._output_name = _only(outputs, output_name, set(self._state), "output").name
        self._states = {target: inputs[target] for target in self._state.values()}
        if self._input.type not in TYPES or "int" in self._input.type:
            raise AdapterError(
                f"the graph's input takes {self._input.type}, and audio is floating point", where=str(self.path)
            )
        shape = [n if isinstance(n, int) else None for n in self._input.shape]
        self._fixed_clips = shape[0]
        if self._state:
            # What a step sees is the graph's business; a clip may have any length.
            shape[-1] = None
            frame_seconds = frame_seconds or chunk / sample_rate
        self.describe(
            shape=shape,
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
            family=family,
            licence=licence,
            trained_on=trained_on,
        )

    def load(self, device: str = "cpu") -> None:
        if device != "cpu":
            self._open(device)

    def weights(self) -> list[Path]:
        """The file, and those that it says hold its large tensors, such as `net.onnx.data`."""
        return with_external_data(self.path)

    def run(self, inputs: np.ndarray) -> np.ndarray:
        """Scores, in groups of as many clips as the graph takes at once."""
        if "clip" not in self._layout:
            return np.stack([self._step({self._input.name: clip})[0] for clip in inputs])
        size = self._fixed_clips or len(inputs)
        parts = []
        for start in range(0, len(inputs), size):
            group = inputs[start : start + size]
            filled = np.concatenate([group, np.zeros((size - len(group), *group.shape[1:]), group.dtype)])
            answer = self._stepwise(filled) if self._state else self._step({self._input.name: filled})[0]
            parts.append(answer[: len(group)])
        return np.concatenate(parts)

    def _stepwise(self, waveforms: np.ndarray) -> np.ndarray:
        """Chunk after chunk with the state handed on; the last chunk is filled up with zeros."""
        clips, steps = len(waveforms), -(-waveforms.shape[-1] // self._chunk)
        width = [(0, 0)] * (waveforms.ndim - 1) + [(self._context, steps * self._chunk - waveforms.shape[-1])]
        padded = np.pad(waveforms, width)
        state = {
            name: np.zeros([n if isinstance(n, int) else clips for n in node.shape], TYPES[node.type])
            for name, node in self._states.items()
        }
        frames = []
        for start in range(0, steps * self._chunk, self._chunk):
            piece = padded[..., start : start + self._context + self._chunk]
            scores, *carried = self._step({self._input.name: piece, **state})
            state = dict(zip(self._state.values(), carried))
            frames.append(scores.reshape(clips, -1, scores.shape[-1]))
        return np.concatenate(frames, axis=1)

    def _step(self, feed: dict[str, np.ndarray]) -> list[np.ndarray]:
        audio = feed[self._input.name].astype(TYPES[self._input.type], copy=False)
        wanted, given = [self._output_name, *self._state], {**feed, self._input.name: audio, **self._constants}
        if self.observer is not None:
            self.observer(given)
        return self._session.run(wanted, given)

    def _open(self, device: str) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = self._threads, 1
        provider = "CUDAExecutionProvider" if device.startswith("cuda") else "CPUExecutionProvider"
        if provider not in onnxruntime.get_available_providers():
            raise AdapterError(
                f"this onnxruntime cannot use {device}", hint="run with --device cpu, or install onnxruntime-gpu"
            )
        try:
            self._session = onnxruntime.InferenceSession(self.path, options, providers=[provider])
        except Exception as error:  # onnxruntime raises a type per fault, all of them mean the same here
            reason = str(error).strip().splitlines()[0]
            raise CheckpointError(f"onnxruntime cannot read the file: {reason}", where=str(self.path)) from error


def _pairs(text: str, option: str) -> dict[str, str]:
    pairs = {}
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        left, equals, right = part.partition("=")
        if not equals:
            raise ConfigError(f"{option} has '{part}' without a value", hint=f"write {option}=NAME=VALUE,…")
        pairs[left.strip()] = right.strip()
    return pairs


def _known(nodes: dict, name: str):
    if name not in nodes:
        raise ConfigError(f"the graph has no '{name}'", hint=did_you_mean(name, nodes) or f"it has {', '.join(nodes)}")
    return nodes[name]


def _only(nodes: dict, name: str, taken: set[str], what: str):
    if name:
        return _known(nodes, name)
    left = [node for key, node in nodes.items() if key not in taken]
    if len(left) != 1:
        raise ConfigError(
            f"the graph has {len(left)} {what}s to choose from: {', '.join(node.name for node in left)}",
            hint=f"say which with {what}_name; other inputs are state or constants",
        )
    return left[0]
