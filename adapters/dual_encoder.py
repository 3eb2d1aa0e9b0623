"""A small pair of encoders, one for sounds and one for sentences, with weights trained on the synthetic captions.

    benchbed run suites/dcase_task6_retrieval.yaml --model adapters/dual_encoder.py
    benchbed run suites/dcase2026_task6_moments.yaml --model adapters/dual_encoder.py --set output=moments

Convolutions over a log-mel spectrogram and a mean over time on one side, word vectors and a recurrent layer on the
other, projected into one space in which a sound lies near the sentences that describe it.
`adapters/training/dual_encoder.py` makes the weights again, and trains the same networks on captions of your own.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import torch
from torch import nn

from benchbed.adapter import Card
from benchbed.adapter.checkpoint import fit_state_dict, load_state_dict, read_metadata
from benchbed.adapter.dual import DualEncoder
from benchbed.adapter.frontend import LogMel
from benchbed.errors import CheckpointError

EMBEDDED = Path(__file__).parent / "weights" / "dual_encoder.safetensors"
RATE, MELS, HOP = 16000, 64, 512
#: Channels of the convolutions, width of word vectors, cells of the recurrent layer, width of the common space.
CHANNELS, WORDS, CELLS, WIDTH = (24, 48, 80, 112), 64, 96, 128
#: Words of a sentence that are read.
LONGEST = 40


def words_of(text: str) -> list[str]:
    """Lower-case words of a sentence.

    Examples
    --------
    >>> words_of("A dog barks, then it's quiet.")
    ['a', 'dog', 'barks', 'then', "it's", 'quiet']
    """
    return re.findall(r"[a-z0-9']+", text.lower())[:LONGEST]


class Towers(nn.Module):
    """Both encoders.

    Parameters
    ----------
    vocabulary : sequence of str
        Words that have a vector of their own; all others share one.
    """

    def __init__(self, vocabulary: Sequence[str]) -> None:
        super().__init__()
        self.place = {word: number for number, word in enumerate(vocabulary, start=2)}
        self.frontend = LogMel(RATE, MELS, n_fft=1024, hop_length=HOP, mel_scale="slaney", norm="slaney")
        self.bands = nn.BatchNorm1d(MELS)
        layers: list[nn.Module] = []
        for number, (before, after) in enumerate(zip((1, *CHANNELS), CHANNELS)):
            # Half of the places in time and frequency from the start: the rest costs a fourth.
            layers += [nn.Conv2d(before, after, 3, stride=2 if number == 0 else 1, padding=1, bias=False)]
            layers += [nn.BatchNorm2d(after), nn.ReLU(), nn.AvgPool2d((2, 2) if number < 2 else (2, 1))]
        self.convolutions = nn.Sequential(*layers)
        self.mixing = nn.Sequential(nn.Linear(CHANNELS[-1] * (MELS // 32), WIDTH), nn.ReLU(), nn.Dropout(0.2))
        self.sound_head = nn.Linear(2 * WIDTH, WIDTH)
        self.vectors = nn.Embedding(len(self.place) + 2, WORDS, padding_idx=0)
        self.reader = nn.GRU(WORDS, CELLS, bidirectional=True, batch_first=True)
        self.text_head = nn.Linear(4 * CELLS, WIDTH)
        self.scale = nn.Parameter(torch.tensor(2.6))

    def features(self, waveforms: torch.Tensor) -> torch.Tensor:
        """Spectrograms [clip, mel, frame]."""
        return self.frontend(waveforms.mean(1))

    def sound(self, features: torch.Tensor) -> torch.Tensor:
        """Embeddings [clip, width] of spectrograms."""
        maps = self.convolutions(self.bands(features).unsqueeze(1))
        frames = self.mixing(maps.flatten(1, 2).transpose(1, 2))
        return self.sound_head(torch.cat([frames.mean(1), frames.amax(1)], -1))

    def numbers(self, texts: Sequence[str]) -> torch.Tensor:
        """Numbers of words [text, word]: 0 behind the end, 1 for a word that is not known."""
        rows = [[self.place.get(word, 1) for word in words_of(text)] or [1] for text in texts]
        longest = max(map(len, rows))
        return torch.tensor([row + [0] * (longest - len(row)) for row in rows])

    def text(self, numbers: torch.Tensor) -> torch.Tensor:
        """Embeddings [text, width] of sentences."""
        there = numbers > 0
        packed = nn.utils.rnn.pack_padded_sequence(
            self.vectors(numbers), there.sum(1).cpu(), batch_first=True, enforce_sorted=False
        )
        read, _ = nn.utils.rnn.pad_packed_sequence(self.reader(packed)[0], batch_first=True)
        mean = (read * there.unsqueeze(-1)).sum(1) / there.sum(1, keepdim=True)
        top = read.masked_fill(~there.unsqueeze(-1), -1.0).amax(1)
        return self.text_head(torch.cat([mean, top], -1))


class Small(DualEncoder):
    """The small dual encoder.

    Parameters
    ----------
    checkpoint : Path, optional
        Weights from `adapters/training/dual_encoder.py`; the embedded ones if none is given.
    output : str
        `similarity` for retrieval in both directions, `moments` for stretches of long recordings.
    window_seconds, hop_seconds : float
        For moments: windows that slide over a recording.
    """

    def __init__(
        self,
        *,
        checkpoint: Path | None = None,
        output: Literal["similarity", "moments"] = "similarity",
        window_seconds: float = 3.0,
        hop_seconds: float = 0.5,
    ) -> None:
        self.checkpoint = Path(checkpoint) if checkpoint is not None else EMBEDDED
        self.slides = output == "moments"
        self.window_seconds, self.hop_seconds = window_seconds, hop_seconds
        told = read_metadata(self.checkpoint)
        if "vocabulary" not in told:
            raise CheckpointError(
                "the checkpoint names no vocabulary",
                where=str(self.checkpoint),
                hint="train it with adapters/training/dual_encoder.py",
            )
        self.vocabulary = tuple(json.loads(told["vocabulary"]))
        self.card = Card(
            name="dual_encoder",
            family="cnn",
            output=output,
            labels=(),
            sample_rate=RATE,
            min_seconds=0.6,
            licence="Apache-2.0",
            description=f"convolutions and a GRU over words, trained on {told.get('dataset', 'captions')}",
            trained_on=(told["dataset"],) if "dataset" in told else (),
        )

    def build(self) -> Towers:
        network = Towers(self.vocabulary)
        fit_state_dict(network, load_state_dict(self.checkpoint), where=str(self.checkpoint))
        return network

    def sound(self, waveforms: torch.Tensor) -> torch.Tensor:
        return self.model.sound(self.model.features(waveforms))

    def text(self, texts: Sequence[str]) -> torch.Tensor:
        return self.model.text(self.model.numbers(texts).to(self.device))

    @classmethod
    def training_model(cls, vocabulary: Sequence[str]) -> Towers:
        """A freshly initialised network."""
        return Towers(vocabulary)
