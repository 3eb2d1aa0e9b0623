"""Base class for networks in an exchange format (ONNX, TFLite): the file holds a graph, and no word about labels,
sample rate, front end or what the scores mean. This class asks for what is missing, infers what can be inferred and
writes the inference down; a subclass only runs the graph.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np

from benchbed.adapter.contract import Adapter, Card
from benchbed.adapter.features import FrontEnd, Kind, front_end
from benchbed.adapter.labelmap import read_label_map
from benchbed.adapter.labels import read_labels
from benchbed.adapter.layout import arrange, check_layout, infer_layout, shown
from benchbed.errors import AdapterError, BenchbedError, CheckpointError, ConfigError
from benchbed.rng import stream
from benchbed.types import Batch

Output = Literal["scene", "tags", "frames"]
Scores = Literal["infer", "logits", "probabilities", "log_probabilities"]


def check_file(path: Path, suffixes: Sequence[str]) -> Path:
    """The path of a model file that exists and has one of the endings.

    Raises
    ------
    CheckpointError
        No such file, a folder, or another ending.
    """
    if not path.is_file():
        near = ", ".join(sorted(p.name for p in path.parent.glob("*") if p.suffix in suffixes)[:5])
        raise CheckpointError(
            "there is no model file",
            where=str(path),
            hint=f"in that folder: {near}" if near else f"give a file that ends in {' or '.join(suffixes)}",
        )
    if path.suffix.lower() not in suffixes:
        raise CheckpointError(
            f"a file that ends in {' or '.join(suffixes)} is needed, not {path.suffix or 'one without an ending'}",
            where=str(path),
        )
    return path


def score_kind(rows: np.ndarray, output: str, tolerance: float = 1e-3) -> Scores:
    """What scores are, judged from what a network gave for a few clips.

    For one class per clip, rows in 0…1 that sum to one are probabilities and rows whose exponentials sum to one are log
    probabilities. Independent classes are probabilities if all lie in 0…1. Everything else is logits.

    Parameters
    ----------
    rows : np.ndarray [shape=(…, class)]
        Scores.
    output : str
        `scene`, `tags` or `frames`.
    tolerance : float
        By how much a sum may differ from one.

    Examples
    --------
    >>> score_kind(np.array([[0.2, 0.8]]), "scene"), score_kind(np.array([[0.2, 0.9]]), "scene")
    ('probabilities', 'logits')
    """
    flat = np.asarray(rows, np.float64).reshape(-1, rows.shape[-1])
    in_range = bool((flat >= 0).all() and (flat <= 1 + 1e-6).all())
    if output != "scene":
        return "probabilities" if in_range else "logits"
    if in_range and np.allclose(flat.sum(-1), 1.0, rtol=0, atol=tolerance):
        return "probabilities"
    if (flat <= 1e-6).all() and np.allclose(np.exp(flat).sum(-1), 1.0, rtol=0, atol=tolerance):
        return "log_probabilities"
    return "logits"


class ExportedAdapter(Adapter):
    """A graph in a file, with everything that the file does not say.

    A subclass calls `describe` at the end of its constructor and implements `run`.

    Attributes
    ----------
    path : Path
        The model file.
    inferred : dict
        What was inferred rather than given (layout, kind of scores), also written into the card's description.
    front_end : FrontEnd
        What stands before the graph.
    observer : callable or None
        Told what is fed to the graph, input by input, by adapters that can tell.
    """

    path: Path
    front_end: FrontEnd
    observer: Callable[[dict[str, np.ndarray]], None] | None = None

    @abstractmethod
    def run(self, inputs: np.ndarray) -> np.ndarray:
        """The network's scores, clips first, for inputs in its own layout."""

    def describe(
        self,
        *,
        shape: Sequence[int | None],
        labels: str,
        label_map: Path | None,
        sample_rate: int,
        clip_seconds: float | None,
        input_layout: str,
        output_layout: str,
        channels: int,
        output: Output,
        scores: Scores,
        features: Kind,
        feature_options: str | Mapping[str, Any],
        frame_seconds: float | None = None,
        tolerance: float = 1e-3,
        **card: Any,
    ) -> None:
        """Settle layout, card and kind of scores, by a probe through the network where they are not given.

        Parameters
        ----------
        shape : sequence of int or None
            Shape of the network's input, None for axes of any length.
        labels, label_map, sample_rate, clip_seconds, input_layout, output_layout, channels, output, scores, features,
        feature_options
            The adapter's options of the same names.
        frame_seconds : float, optional
            Hop of the output frames in seconds, if known.
        tolerance : float
            By how much rows of probabilities may miss one (quantised networks round).
        card : dict
            Further fields of the card (family, licence, …).

        Raises
        ------
        ConfigError
            Options that contradict each other or the network.
        AdapterError
            The network cannot be run, or gives another number of classes than there are labels.
        """
        if sample_rate <= 0:
            raise ConfigError(f"sample_rate={sample_rate} is not a sample rate", hint="e.g. sample_rate=16000")
        names = read_labels(labels)
        self.inferred: dict[str, str] = {}
        self._shape, self._output, self._output_layout = tuple(shape), output, output_layout
        self.front_end = front_end(features, sample_rate, feature_options)
        self._layout = self._settle_layout(input_layout, channels, clip_seconds, sample_rate)
        if clip_seconds is None and "sample" in self._layout:
            samples = self._shape[self._layout.index("sample")]
            clip_seconds = samples / sample_rate if samples else None
        card = {"name": self.path.stem, "family": "other"} | {k: v for k, v in card.items() if v}
        self.card = Card(
            output=output,
            labels=names,
            label_map=read_label_map(label_map, names) if label_map else {},
            sample_rate=sample_rate,
            channels=channels,
            clip_seconds=clip_seconds,
            frame_seconds=frame_seconds,
            scores="logits" if scores == "infer" else scores,
            **card,
        )
        # One probe finds a wrong layout, front end or list of labels before hours of audio have been read.
        probed = self.predict(self._probe())
        if scores == "infer":
            self.inferred["scores"] = score_kind(probed, output, tolerance)
        said = ", ".join(f"{what}={value}" for what, value in self.inferred.items())
        fields = dict(vars(self.card)) | {"description": f"inferred from the file: {said}" if said else ""}
        self.card = Card(**(fields | {"scores": self.inferred.get("scores", self.card.scores)}))

    def predict(self, batch: Batch) -> np.ndarray:
        """Scores `[clip, class]`, or `[clip, frame, class]` for frames; clips of one length run together."""
        if batch.waveforms.shape[1] != self.card.channels:
            raise AdapterError(
                f"{batch.waveforms.shape[1]} channels came for a model of {self.card.channels}", where=str(self.path)
            )
        # Quantisation and pooling turn what is no number into one; here it stays what it is.
        broken = ~np.isfinite(batch.waveforms).all(axis=(1, 2))
        waveforms = np.where(broken[:, None, None], 0, batch.waveforms) if broken.any() else batch.waveforms
        answers: list[tuple[np.ndarray, np.ndarray]] = []
        # Zero padding would change what a network without a mask says, so a clip is seen at its own length.
        lengths = batch.lengths if self.card.clip_seconds is None else np.full(len(batch), batch.waveforms.shape[-1])
        for length in np.unique(lengths):
            rows = np.flatnonzero(lengths == length)
            answers.append((rows, self._scores(waveforms[rows, :, : int(length)])))
        first = answers[0][1]
        frames = max(part.shape[1] for _, part in answers)
        scores = np.zeros((len(batch), frames, *first.shape[2:]), np.float32)
        for rows, part in answers:
            scores[rows, : part.shape[1]] = part
        scores[broken] = np.nan
        return scores

    def weights(self) -> list[Path]:
        return [self.path]

    def _scores(self, waveforms: np.ndarray) -> np.ndarray:
        try:
            inputs = arrange(self.front_end(waveforms), self.front_end.axes, self._layout, self._shape)
            raw = self.run(inputs)
        except BenchbedError:
            raise
        except Exception as error:  # whatever the runtime raises, its own type is no help to a reader
            reason = str(error).strip().splitlines()
            raise AdapterError(
                f"{self.path.name} cannot run on {waveforms.shape[-1]} samples: {reason[0] if reason else error!r}",
                where=str(self.path),
                hint=f"its input is {shown(self._shape)}, read as {','.join(self._layout)}; check input_layout, "
                "clip_seconds and features",
            ) from error
        return self._shaped(np.asarray(raw, np.float32), len(waveforms))

    def _shaped(self, raw: np.ndarray, clips: int) -> np.ndarray:
        classes = len(self.card.labels)
        if self._output == "frames":
            squeezed = raw if raw.ndim == 3 else raw.reshape(clips, -1, raw.shape[-1])
            scores = np.swapaxes(squeezed, 1, 2) if self._output_layout == "clip,class,frame" else squeezed
            fits = scores.shape[-1] == classes
        else:
            scores = raw.reshape(clips, -1) if raw.size % max(clips, 1) == 0 else raw
            fits = scores.shape == (clips, classes)
        if not fits:
            raise AdapterError(
                f"the network gives {shown(raw.shape)} for {clips} clips, and there are {classes} labels",
                where=str(self.path),
                hint="the labels must name every class in the network's order; for frames see output_layout",
            )
        return scores

    def _settle_layout(self, given: str, channels: int, seconds: float | None, rate: int) -> tuple[str, ...]:
        axes = self.front_end.axes
        if given == "infer":
            probed = self.front_end(np.zeros((1, channels, round((seconds or 1.0) * rate)), np.float32))
            sizes: dict[str, int | None] = dict(zip(axes[1:], probed.shape[1:]))
            if seconds is None:
                sizes[axes[-1]] = None
            layout = infer_layout(self._shape, sizes)
            self.inferred["input_layout"] = ",".join(layout)
        else:
            layout = tuple(part.strip() for part in given.split(","))
        check_layout(layout, self._shape, axes, channels)
        return layout

    def _probe(self) -> Batch:
        rate = self.card.sample_rate
        samples = round((self.card.clip_seconds or 1.0) * rate)
        noise = stream("exported adapter", "probe").standard_normal((3, self.card.channels, samples))
        waveforms = (noise * np.array([0.01, 0.1, 0.3])[:, None, None]).clip(-1, 1).astype(np.float32)
        return Batch(waveforms, np.full(3, samples), rate)
