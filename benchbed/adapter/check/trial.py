"""What every check of an adapter shares: the started model, test signals, and calls that read its scores as numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, NamedTuple

import numpy as np

from benchbed import audio
from benchbed.adapter.asking import ask
from benchbed.adapter.contract import Adapter, Card
from benchbed.adapter.load import LoadedAdapter
from benchbed.errors import AdapterError
from benchbed.outputs import output_of
from benchbed.outputs.contract import Heard, Reading
from benchbed.rng import stream
from benchbed.types import Batch

Status = Literal["pass", "warn", "fail", "skipped"]

#: Length of the test signals of models that take any length, in seconds.
SECONDS = 2.0


@dataclass(frozen=True)
class CheckOutcome:
    """What one check found.

    Attributes
    ----------
    name : str
        Name of the check.
    status : str
        `pass`; `warn` for what may be meant but often is not; `fail` for a broken contract; `skipped`.
    message : str
        What was seen, with figures; for `skipped` the reason.
    """

    name: str
    status: Status
    message: str


class Probes(NamedTuple):
    """Clips of known class, for the check of label order and front end.

    Attributes
    ----------
    waveforms : sequence of np.ndarray [shape=(channel, sample), float32]
    labels : sequence of str
        Label of each.
    sample_rate : int
        In Hz.
    """

    waveforms: Sequence[np.ndarray]
    labels: Sequence[str]
    sample_rate: int


class Trial:
    """A started adapter under test.

    Parameters
    ----------
    loaded : LoadedAdapter
        Whose adapter has been started.
    probes : Probes, optional
        Clips of known class.
    """

    def __init__(self, loaded: LoadedAdapter, probes: Probes | None = None) -> None:
        self.loaded = loaded
        self.adapter: Adapter = loaded.adapter
        self.card: Card = loaded.adapter.card
        self.output = output_of(self.card.output)
        self.probes = probes

    def noise(self, clips: int = 3, seconds: float | None = None, name: str = "signal") -> np.ndarray:
        """Test signals `[clip, channel, sample]`: coloured noise with a tone each, at a tenth of full scale."""
        seconds = (self.card.clip_seconds or max(SECONDS, self.card.min_seconds)) if seconds is None else seconds
        samples = max(1, round(seconds * self.card.sample_rate))
        made = np.empty((clips, self.card.channels, samples), np.float32)
        time = np.arange(samples) / self.card.sample_rate
        for index in range(clips):
            random = stream("check", name, index)
            tone = np.sin(2 * np.pi * random.uniform(200, 2000) * time)
            hiss = random.standard_normal((self.card.channels, samples + 1))
            made[index] = 0.05 * tone + 0.05 * (hiss[:, 1:] + random.uniform(-0.9, 0.9) * hiss[:, :-1])
        return made

    def as_input(self, waveform: np.ndarray, sample_rate: int | None = None) -> np.ndarray:
        """A waveform `[channel, sample]` at the card's rate, channels and clip length, as a run would hand it over."""
        waveform = audio.to_channels(np.asarray(waveform, np.float32), self.card.channels)
        if sample_rate is not None and sample_rate != self.card.sample_rate:
            waveform = audio.resample(waveform, sample_rate, self.card.sample_rate)
        wanted = waveform.shape[1]
        if self.card.clip_seconds is not None:
            wanted = round(self.card.clip_seconds * self.card.sample_rate)
        elif wanted < self.card.min_seconds * self.card.sample_rate:
            wanted = math.ceil(self.card.min_seconds * self.card.sample_rate)
        return audio.fit(waveform, wanted, self.card.pad, self.card.crop)

    def batch(self, waveforms: np.ndarray, lengths: Sequence[int] | None = None) -> Batch:
        """A batch as a run makes it; side information is a text `a` for each clip, queries are some."""
        count = waveforms.shape[2] if lengths is None else lengths
        side = {name: ("a",) * len(waveforms) for name in self.card.side_information}
        side |= self.output.probe(len(waveforms))
        return Batch(
            waveforms, np.broadcast_to(np.asarray(count, np.int64), len(waveforms)), self.card.sample_rate, side
        )

    def predict(self, waveforms: np.ndarray, lengths: Sequence[int] | None = None) -> np.ndarray:
        """Scores as float64; answers that are no numbers as the reading of their kind checks them.

        Raises
        ------
        AdapterError
            `predict` returned something else than its kind of answer with one row per clip.
        """
        scores = ask(self.adapter, self.batch(waveforms, lengths))
        if scores.dtype.kind not in "fiu" and not self.output.class_scores:
            samples = waveforms.shape[2]
            return self.reading.check(scores, len(waveforms), Heard(samples / self.card.sample_rate, samples))
        if scores.dtype.kind not in "fiu" or scores.ndim < 1 or len(scores) != len(waveforms):
            what = f"{scores.dtype} {list(scores.shape)}"
            raise AdapterError(f"predict returned {what}, for {len(waveforms)} clips")
        return scores.astype(np.float64)

    @cached_property
    def reading(self) -> Reading:
        """How the model's own answers are read."""
        return self.output.read(self.card, self.card.labels)

    def usable(self, answers: np.ndarray) -> np.ndarray:
        """Which scores are finite `[clip, …]`; which answers that are no numbers mean something `[clip]`."""
        return self.reading.usable(answers) if answers.dtype.kind == "O" else np.isfinite(answers)

    def confidence(self, scores: np.ndarray) -> np.ndarray:
        """Scores as probabilities, for comparisons that must not depend on whether a model returns logits."""
        with np.errstate(invalid="ignore", over="ignore"):
            if self.card.scores == "log_probabilities":
                return np.exp(scores)
            if self.card.scores == "probabilities":
                return scores
            if not self.output.class_scores:
                return scores
            if self.output.exclusive:
                shifted = np.exp(scores - scores.max(-1, keepdims=True))
                return shifted / shifted.sum(-1, keepdims=True)
            return 0.5 * (1 + np.tanh(0.5 * scores))

    def difference(self, one: np.ndarray, other: np.ndarray) -> float:
        """Largest difference of two score arrays as probabilities; infinite where only one of them is finite.

        Of answers that are no numbers, the largest gap between two of one clip.
        """
        if one.shape != other.shape:
            return math.inf
        if one.dtype.kind == "O":
            return float(np.max(self.output.gap(one, other), initial=0.0))
        one, other = self.confidence(one), self.confidence(other)
        if not (np.isfinite(one) == np.isfinite(other)).all():
            return math.inf
        finite = np.isfinite(one)
        if self.output.by_gap:
            whole = finite.reshape(len(one), -1).all(1)
            return float(np.max(self.output.gap(one[whole], other[whole]), initial=0.0))
        return float(np.abs(one[finite] - other[finite]).max(initial=0.0))
