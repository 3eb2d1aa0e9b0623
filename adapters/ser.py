"""Emotions in speech by functionals of a spectrogram: an SVM, or a network that was adapted to another corpus.

    benchbed run suites/ser_emodb.yaml --model adapters/ser.py --set suite.data.options={target: arousal}
    benchbed run suites/ser_ravdess.yaml --model adapters/ser.py --set checkpoint=mine.safetensors …

600 numbers for an utterance: seven functionals (mean, standard deviation, skewness, kurtosis, least, greatest, range)
of each of 40 log-mel bands, and the first four of these of their first and second differences over time, in windows of
30 ms every 10 ms (MARVEL D3.1, 2.5). They are standardised over the corpus that is learnt, and judged by an SVM with a
radial kernel, its classes weighted by how rare they are, or by a network (600-512-512-256, then 256-256-256 and the
classes) that a critic has trained to hear two corpora alike (Wasserstein distance). Small ones of arousal, learnt on
the synthetic EMO-DB and adapted to the synthetic RAVDESS by `training/emotions.py`, come with it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Literal

import torch
from torch import nn

from benchbed.adapter import Card, TorchAdapter
from benchbed.adapter.checkpoint import fit_state_dict, load_state_dict, read_metadata
from benchbed.adapter.front import NamedFrontEnd
from benchbed.adapter.trained import Weights, seeded
from benchbed.errors import CheckpointError, ConfigError

FOLDER = Path(__file__).parent / "weights"
RATE, MELS, SIZE = 16000, 40, 600
FRONT = NamedFrontEnd(
    "log_mel", {"sample_rate": RATE, "n_mels": MELS, "n_fft": 512, "win_length": 480, "hop_length": 160, "fmin": 0.0}
)
Judge = Literal["svm", "wda"]


def moments(x: torch.Tensor) -> list[torch.Tensor]:
    """Mean, standard deviation, skewness and kurtosis over the last axis."""
    mean = x.mean(-1, keepdim=True)
    apart = x - mean
    spread = apart.square().mean(-1, keepdim=True).clamp_min(1e-10).sqrt()
    scaled = apart / spread
    return [mean[..., 0], spread[..., 0], scaled.pow(3).mean(-1), scaled.pow(4).mean(-1)]


def functionals(bands: torch.Tensor) -> torch.Tensor:
    """600 numbers [clip, 600] of log-mel bands [clip, 40, frame]."""
    low, high = bands.amin(-1), bands.amax(-1)
    first = bands.diff(dim=-1)
    parts = [*moments(bands), low, high, high - low, *moments(first), *moments(first.diff(dim=-1))]
    return torch.cat(parts, 1)


class RadialSvm(nn.Module):
    """Scores [clip, class] of one SVM for each pair of classes, the votes of which are the margins."""

    def __init__(self, classes: int, vectors: int) -> None:
        super().__init__()
        pairs = classes * (classes - 1) // 2
        self.classes = classes
        self.register_buffer("vectors", torch.zeros(vectors, SIZE))
        self.register_buffer("weights", torch.zeros(pairs, vectors))
        self.register_buffer("offsets", torch.zeros(pairs))
        self.register_buffer("gamma", torch.tensor(1.0 / SIZE))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        kernel = torch.exp(-self.gamma * torch.cdist(x, self.vectors).square())
        margins = kernel @ self.weights.T + self.offsets
        scores = x.new_zeros(len(x), self.classes)
        place = 0
        for one in range(self.classes):
            for other in range(one + 1, self.classes):
                said = torch.tanh(margins[:, place])
                # Additions into new tensors keep the gradient of every score.
                scores = scores + _at(said, one, self.classes) - _at(said, other, self.classes)
                place += 1
        return scores


def _at(values: torch.Tensor, place: int, classes: int) -> torch.Tensor:
    return values[:, None] * nn.functional.one_hot(torch.tensor(place), classes).to(values)


def dense(sizes: Sequence[int], drop: float = 0.4) -> nn.Sequential:
    """Dense layers with batch normalisation, leaky rectifiers and dropout between them."""
    layers: list[nn.Module] = []
    for before, after in pairwise(sizes):
        layers += [nn.Linear(before, after), nn.BatchNorm1d(after), nn.LeakyReLU(0.2), nn.Dropout(drop)]
    return nn.Sequential(*layers)


class Extractor(nn.Sequential):
    """What two corpora are to be alike in: 600-512-512-256 at `width=1`."""

    def __init__(self, width: float = 1.0) -> None:
        wide = [max(4, round(size * width)) for size in (512, 512, 256)]
        super().__init__(*dense((SIZE, *wide)))
        self.width = wide[-1]


class Labeller(nn.Sequential):
    """Classes of what was extracted: 256-256-256 and the classes."""

    def __init__(self, width: int, classes: int) -> None:
        super().__init__(*dense((width, width, width)), nn.Linear(width, classes))


class Critic(nn.Sequential):
    """Tells two corpora apart: 256-512-512-256-1, without batch normalisation."""

    def __init__(self, width: int) -> None:
        sizes = (width, 2 * width, 2 * width, width)
        layers: list[nn.Module] = []
        for before, after in pairwise(sizes):
            layers += [nn.Linear(before, after), nn.LeakyReLU(0.2)]
        super().__init__(*layers, nn.Linear(width, 1))


class Speech(nn.Module):
    """Waveforms [clip, channel, sample] to scores [clip, class]."""

    def __init__(self, judge: nn.Module) -> None:
        super().__init__()
        self.front = FRONT.build()
        self.judge = judge
        self.register_buffer("centre", torch.zeros(SIZE))
        self.register_buffer("spread", torch.ones(SIZE))

    def numbers(self, waveforms: torch.Tensor) -> torch.Tensor:
        """Functionals [clip, 600], not standardised."""
        return functionals(self.front(waveforms.mean(1, keepdim=True)))

    def forward(self, waveforms: torch.Tensor) -> torch.Tensor:
        return self.judge((self.numbers(waveforms) - self.centre) / self.spread)


class SpeechEmotion(TorchAdapter):
    """Emotions by functionals.

    Parameters
    ----------
    checkpoint : Path, optional
        Weights from `adapters/training/emotions.py`; the embedded ones of the judge if none is given.
    weights : str
        `random` for costs alone, of the adapted network in its published size.
    judge : str
        `svm`, or `wda`: a network that was adapted.
    """

    def __init__(self, *, checkpoint: Path | None = None, weights: Weights = "trained", judge: Judge = "svm") -> None:
        self.checkpoint, about = None, {}
        if weights == "trained":
            self.checkpoint = Path(checkpoint) if checkpoint is not None else FOLDER / f"ser_{judge}.safetensors"
            about = read_metadata(self.checkpoint)
            if about.get("judge") != judge:
                raise CheckpointError(
                    f"the checkpoint holds no '{judge}'",
                    where=str(self.checkpoint),
                    hint="train it with adapters/training/emotions.py, or choose another judge",
                )
        elif checkpoint is not None:
            raise ConfigError("weights=random takes no checkpoint", hint="leave one of the two out")
        self.judge, self.about = judge, about
        self.card = Card(
            name=f"ser_{judge}" + (f"_{about['corpora'].replace(',', '_')}" if about else ""),
            family="svm" if judge == "svm" else "mlp",
            output="scene",
            labels=tuple(json.loads(about["labels"])) if about else ("low", "high"),
            sample_rate=RATE,
            min_seconds=0.2,
            weight_bits=int(about.get("weight_bits", 32)),
            front_end=FRONT.text,
            licence="Apache-2.0",
            citation="E. Vaaras, S. Ahlqvist-Björkroth, K. Drossos, O. Räsänen: Automatic analysis of the emotional "
            "content of speech in daylong child-centered recordings. Interspeech 2021",
            description="functionals of log-mel bands",
            trained_on=tuple(json.loads(about.get("trained_on", "[]"))),
            untrained=not about,
        )

    def build(self) -> nn.Module:
        classes = len(self.card.labels)
        if self.checkpoint is None or self.judge == "wda":
            width = float(self.about.get("width", 1.0))

            def network() -> nn.Module:
                extractor = Extractor(width)
                return Speech(nn.Sequential(extractor, Labeller(extractor.width, classes)))

            made = seeded(network)
        else:
            made = Speech(RadialSvm(classes, int(self.about["vectors"])))
        if self.checkpoint is not None:
            fit_state_dict(made, load_state_dict(self.checkpoint), where=str(self.checkpoint))
        return made
