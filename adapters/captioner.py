"""A small captioner: convolutions and a recurrent layer hear, a Transformer decoder says.

    benchbed run suites/dcase_task6_captioning.yaml --model adapters/captioner.py

The embedded weights were trained on synthetic captions and know their 130 words. Copy this file to start a captioner of
your own: a card, a vocabulary, `build`, `hear` and `next_words` make it one.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Literal

import torch
from torch import nn

from benchbed.adapter import Card
from benchbed.adapter.captioner import Captioner
from benchbed.adapter.checkpoint import fit_state_dict, load_state_dict, read_metadata
from benchbed.adapter.frontend import LogMel
from benchbed.errors import CheckpointError

EMBEDDED = Path(__file__).parent / "weights" / "captioner.safetensors"
RATE = 16000


def places(count: int, width: int, device: torch.device) -> torch.Tensor:
    """Sines and cosines that tell places apart [shape=(place, width)] (Vaswani et al. 2017)."""
    rates = torch.exp(torch.arange(0, width, 2, device=device) * (-math.log(10000.0) / width))
    turns = torch.arange(count, device=device)[:, None] * rates
    return torch.stack([turns.sin(), turns.cos()], -1).flatten(1)


class Encoder(nn.Module):
    """Log-mel spectrogram, four convolutions, a recurrent layer: a memory of one place every 0.16 s."""

    def __init__(self, width: int, mels: int) -> None:
        super().__init__()
        self.frontend = LogMel(RATE, mels, n_fft=512, hop_length=320, mel_scale="slaney", norm="slaney")
        self.bands = nn.BatchNorm1d(mels)
        layers: list[nn.Module] = [nn.Conv2d(1, 24, 5, 2, 2, bias=False), nn.BatchNorm2d(24), nn.ReLU()]
        for before, after, pool in ((24, 40, (2, 2)), (40, 64, (2, 2)), (64, width, (2, 1))):
            layers += [nn.Conv2d(before, after, 3, 1, 1, bias=False), nn.BatchNorm2d(after), nn.ReLU()]
            layers += [nn.MaxPool2d(pool, ceil_mode=True)]
        self.body = nn.Sequential(*layers)
        self.recurrent = nn.GRU(width, width // 2, batch_first=True, bidirectional=True)
        self.norm = nn.LayerNorm(width)
        self.dropout = nn.Dropout(0.1)

    def features(self, waveforms: torch.Tensor) -> torch.Tensor:
        """Spectrograms [shape=(clip, mel, frame)], which hold nothing that is trained."""
        return self.frontend(waveforms)

    def memory(self, features: torch.Tensor) -> torch.Tensor:
        """What is heard [shape=(clip, place, width)]."""
        image = self.body(self.bands(features).unsqueeze(1))
        heard = (image.mean(2) + image.amax(2)).transpose(1, 2)
        heard = heard + self.recurrent(self.dropout(heard))[0]
        return self.norm(heard) + places(heard.shape[1], heard.shape[2], heard.device)


class Network(nn.Module):
    """Encoder and decoder; words are read and said by the same embedding."""

    def __init__(self, words: int, width: int = 96, layers: int = 2, heads: int = 4, mels: int = 64) -> None:
        super().__init__()
        self.width = width
        self.encoder = Encoder(width, mels)
        self.words = nn.Embedding(words, width)
        nn.init.normal_(self.words.weight, std=width**-0.5)
        layer = nn.TransformerDecoderLayer(width, heads, 2 * width, 0.1, batch_first=True, norm_first=True)
        self.decoder = nn.TransformerDecoder(layer, layers, nn.LayerNorm(width))
        self.bias = nn.Parameter(torch.zeros(words))

    def next_words(self, memory: torch.Tensor, words: torch.Tensor) -> torch.Tensor:
        """Logits [shape=(clip, place, word)] of what follows at every place of words [shape=(clip, place)]."""
        count = words.shape[1]
        given = self.words(words) * math.sqrt(self.width) + places(count, self.width, words.device)
        later = torch.ones(count, count, dtype=torch.bool, device=words.device).triu(1)
        return self.decoder(given, memory, tgt_mask=later) @ self.words.weight.T + self.bias


class SmallCaptioner(Captioner):
    """A captioner whose words and shape come with its weights.

    Parameters
    ----------
    checkpoint : Path, optional
        Safetensors written by `training/captions.py`; the embedded weights if none is given.
    decode : str
        `greedy`, or `beam` search.
    beam : int
        Sentences that a beam follows.
    longest : int
        Most words of a caption.
    """

    def __init__(
        self,
        checkpoint: Path | None = None,
        decode: Literal["greedy", "beam"] = "greedy",
        beam: int = 3,
        longest: int = 30,
    ) -> None:
        self.checkpoint = Path(checkpoint or EMBEDDED)
        about = read_metadata(self.checkpoint)
        if "words" not in about:
            raise CheckpointError(
                "the checkpoint does not say which words it knows",
                where=str(self.checkpoint),
                hint="this captioner reads safetensors written by adapters/training/captions.py",
            )
        self.vocabulary = tuple(json.loads(about["words"]))
        self.start, self.end = self.vocabulary.index("<sos>"), self.vocabulary.index("<eos>")
        self.unknown = self.vocabulary.index("<unk>") if "<unk>" in self.vocabulary else None
        self.options = json.loads(about.get("options", "{}"))
        self.search(decode, beam, longest)
        self.card = Card(
            name="captioner",
            family="crnn",
            output="caption",
            labels=(),
            sample_rate=RATE,
            min_seconds=0.5,
            weight_bits=int(about.get("weight_bits", 32)),
            licence="Apache-2.0",
            description=f"convolutional recurrent encoder, Transformer decoder, {len(self.vocabulary)} words, "
            + (f"beam of {beam}" if decode == "beam" else "greedy"),
            trained_on=tuple(json.loads(about.get("trained_on", "[]"))),
        )

    @classmethod
    def training_model(cls, words: int, *, width: int = 96, layers: int = 2, mels: int = 64) -> nn.Module:
        """A fresh network for `training/captions.py`."""
        return Network(words, width, layers, mels=mels)

    def build(self) -> nn.Module:
        model = self.training_model(len(self.vocabulary), **self.options)
        fit_state_dict(model, load_state_dict(self.checkpoint), where=str(self.checkpoint))
        return model

    def hear(self, waveforms: torch.Tensor) -> torch.Tensor:
        return self.model.encoder.memory(self.model.encoder.features(waveforms))

    def next_words(self, memory: torch.Tensor, words: torch.Tensor) -> torch.Tensor:
        return self.model.next_words(memory, words)
