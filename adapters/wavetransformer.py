"""WaveTransformer: temporal and time-frequency patterns are learnt apart (Tran, Drossos and Virtanen, EUSIPCO 2021).

    benchbed run suites/dcase_task6_captioning.yaml --model adapters/wavetransformer.py \\
        --set checkpoint=best_model.pt --set words=WT_words_list.p --set decode=beam

`arch=wt` has both encoders and merges them by a convolution, `wt_avg` by their mean, `wt_temp` has the WaveNet-like one
alone, `wt_tf` the depthwise-separable one. Layers have the names of the published code, whose checkpoints load. Two
things of it are kept because published weights were trained with them, and can be said otherwise:

- Its sines of places run over the clips of a batch, and not over the words of a sentence, so that a caption depends on
  where in a batch its clip is. Here every clip is the first of its batch (`places=clip`), as in its own beam search;
  networks that are trained anew may have them over the words (`places=words`).
- Its beam search follows the best sentence first, whatever its length, and stops at the first one that ends.
"""

from __future__ import annotations

import io
import json
import math
import pickle
from itertools import pairwise
from pathlib import Path
from typing import Literal

import torch
from torch import nn

from benchbed.adapter import Card
from benchbed.adapter.captioner import Captioner
from benchbed.adapter.checkpoint import fit_state_dict, load_state_dict
from benchbed.adapter.decoding import best_first
from benchbed.adapter.frontend import LogMel
from benchbed.adapter.trained import Weights, numbered, seeded
from benchbed.errors import CheckpointError, ConfigError

RATE, WIDTH = 44100, 128
#: Words of Clotho's training captions, the start and the end among them.
WORDS = 4367
#: Words of a greedy caption, and by what power of its length a beam divides a sentence's odds, in the published code.
LONGEST, POWER = 21, 0.1
Arch = Literal["wt", "wt_avg", "wt_temp", "wt_tf"]
Places = Literal["clip", "words"]


class WaveBlock(nn.Module):
    """Gated convolutions, the second twice as wide, added to what comes in."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.convs = nn.ModuleList(
            [nn.Conv1d(before, after, 1), nn.Conv1d(after, after, 1), nn.Conv1d(after, after, 1)]
        )
        wide = [1, 2]
        self.filter_convs = nn.ModuleList([nn.Conv1d(after, after, 3, padding=d, dilation=d) for d in wide])
        self.gate_convs = nn.ModuleList([nn.Conv1d(after, after, 3, padding=d, dilation=d) for d in wide])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = total = self.convs[0](x)
        for filtered, gate, conv in zip(self.filter_convs, self.gate_convs, self.convs[1:]):
            x = conv(torch.tanh(filtered(x)) * torch.sigmoid(gate(x)))
            total = total + x
        return total


class Separable(nn.Module):
    """A depthwise convolution and one over all channels."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.depth_wise_conv = nn.Conv2d(before, after, 5, padding=2, groups=before)
        self.batch_norm = nn.BatchNorm2d(after)
        self.point_wise = nn.Conv2d(after, after, 5, padding=2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.point_wise(self.batch_norm(nn.functional.leaky_relu(self.depth_wise_conv(x))))


class Grid(nn.Module):
    """Three separable convolutions, which pool 40 bands into one: 64 become one."""

    def __init__(self) -> None:
        super().__init__()
        for number, (before, pool) in enumerate(((1, 5), (WIDTH, 4), (WIDTH, 2)), start=1):
            layer = nn.Sequential(Separable(before, WIDTH), nn.ReLU(), nn.BatchNorm2d(WIDTH), nn.MaxPool2d((1, pool)))
            setattr(self, f"layer_{number}", layer)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layer_3(self.layer_2(self.layer_1(x.unsqueeze(1))))


class Encoder(nn.Module):
    """One encoder or both, from spectrograms `[clip, frame, band]` to a memory `[clip, frame, 128]`."""

    def __init__(self, arch: Arch) -> None:
        super().__init__()
        self.arch = arch
        if arch != "wt_tf":
            sizes = (64, 16, 32, 64, WIDTH)
            self.wave_blocks = nn.ModuleList([WaveBlock(a, b) for a, b in pairwise(sizes)])
            self.bn_relu = nn.ModuleList([nn.Sequential(nn.BatchNorm1d(size), nn.ReLU()) for size in sizes[1:]])
        if arch != "wt_temp":
            self.dnn = Grid()
        if arch == "wt":
            self.point_wise = nn.Conv2d(2, 1, 5, padding=2)
        setattr(self, "fc" if arch == "wt_temp" else "fc_audioset", nn.Linear(WIDTH, WIDTH))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        heard = []
        if self.arch != "wt_temp":
            heard.append(self.dnn(x).transpose(1, 3)[:, 0])
        if self.arch != "wt_tf":
            wave = x.transpose(1, 2)
            for block, norm in zip(self.wave_blocks, self.bn_relu):
                wave = norm(block(wave))
            heard.append(wave.transpose(1, 2))
        if self.arch == "wt_temp":
            return self.fc(heard[0])
        both = self.point_wise(torch.stack(heard, 1))[:, 0] if self.arch == "wt" else torch.stack(heard).mean(0)
        return torch.relu(self.fc_audioset(both))


class Sublayer(nn.Module):
    """The normalisation before one part of a block."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(WIDTH)


class Block(nn.Module):
    """Attention to the words before, to what was heard, and two linear layers."""

    def __init__(self) -> None:
        super().__init__()
        self.mha_1, self.mha_2 = nn.MultiheadAttention(WIDTH, 4), nn.MultiheadAttention(WIDTH, 4)
        self.sublayers = nn.ModuleList([Sublayer() for _ in range(3)])
        self.feed_forward = nn.Sequential(nn.Linear(WIDTH, WIDTH), nn.ReLU(), nn.Dropout(0.25), nn.Linear(WIDTH, WIDTH))

    def forward(self, x: torch.Tensor, memory: torch.Tensor, later: torch.Tensor) -> torch.Tensor:
        normed = self.sublayers[0].norm(x)
        x = x + self.mha_1(normed, normed, normed, attn_mask=later, need_weights=False)[0]
        x = x + self.mha_2(self.sublayers[1].norm(x), memory, memory, need_weights=False)[0]
        return x + self.feed_forward(self.sublayers[2].norm(x))


class Decoder(nn.Module):
    """Three blocks over words `[word, clip, 128]`."""

    def __init__(self, places: Places) -> None:
        super().__init__()
        self.places = places
        self.layers = nn.ModuleList([Block() for _ in range(3)])
        self.norm = nn.LayerNorm(WIDTH)

    def forward(self, words: torch.Tensor, memory: torch.Tensor) -> torch.Tensor:
        count = len(words)
        later = torch.full((count, count), -math.inf, device=words.device).triu(1)
        rates = torch.exp(torch.arange(0, WIDTH, 2, device=words.device) * (-math.log(10000.0) / WIDTH))
        turns = torch.arange(count if self.places == "words" else 1, device=words.device)[:, None] * rates
        x = words + torch.stack([turns.sin(), turns.cos()], -1).flatten(1)[:, None]
        for layer in self.layers:
            x = layer(x, memory, later)
        return self.norm(x)


class WaveTransformer(nn.Module):
    """The published network, from waveforms to what its decoder is told, and from that to words."""

    def __init__(self, words: int, arch: Arch = "wt", places: Places = "clip", window: str = "hann") -> None:
        super().__init__()
        self.frontend = LogMel(
            RATE,
            64,
            n_fft=1024,
            hop_length=512,
            mel_scale="slaney",
            norm="slaney",
            window=window,
            power=1,
            offset=2.220446049250313e-16,
        )
        self.encoder, self.decoder = Encoder(arch), Decoder(places)
        self.embeddings = nn.Embedding(words, WIDTH)
        self.classifier = nn.Linear(WIDTH, words)

    def hear(self, waveforms: torch.Tensor) -> torch.Tensor:
        """A memory [clip, frame, 128] of waveforms [clip, channel, sample], each brought to full scale first."""
        mono = waveforms.mean(1)
        # Silence has no scale to be brought to.
        loudest = mono.abs().amax(1, keepdim=True)
        mono = mono / torch.where(loudest > 0, loudest, torch.ones_like(loudest))
        return self.encoder(self.frontend(mono).transpose(1, 2))

    def next_words(self, memory: torch.Tensor, words: torch.Tensor) -> torch.Tensor:
        """Logits [clip, place, word]."""
        said = self.decoder(self.embeddings(words.T), memory.transpose(0, 1))
        return self.classifier(said).transpose(0, 1)


class WaveTransformerCaptioner(Captioner):
    """WaveTransformer or one of its ablations.

    Parameters
    ----------
    checkpoint : Path
        A state dict of the published form (`best_model_….pt`), or safetensors.
    words : Path
        Words in the order of their numbers: the published pickled list (read as data: nothing in it may run), a JSON
        list, or a text file with one a line; `<sos>` and `<eos>` among them.
    arch : str
        `wt`, `wt_avg`, `wt_temp` or `wt_tf`.
    decode : str
        `greedy`, with at most 22 words, the start among them, or `beam`.
    beam : int
        Sentences that each step of a beam adds.
    places : str
        What the sines of places run over: `clip` as published, or `words`.
    window : str
        Of the spectrogram: `hann` as in the published extraction, or `hamming` as in the paper.
    weights : str
        `random` for costs alone, with as many words as Clotho's training has unless words are given.
    licence, trained_on : card
        Fields of the card.
    """

    def __init__(
        self,
        checkpoint: Path | None = None,
        words: Path | None = None,
        arch: Arch = "wt",
        decode: Literal["greedy", "beam"] = "greedy",
        beam: int = 2,
        places: Places = "clip",
        window: Literal["hann", "hamming"] = "hann",
        licence: str = "",
        trained_on: tuple[str, ...] = (),
        weights: Weights = "trained",
    ) -> None:
        untrained = weights == "random"
        if not untrained and (checkpoint is None or words is None):
            raise CheckpointError(
                "wavetransformer has no weights of its own",
                hint="get best_model_….pt and WT_words_list.p by github.com/haantran96/wavetransformer, then "
                "--set checkpoint=FILE --set words=FILE",
            )
        self.checkpoint = None if checkpoint is None or untrained else Path(checkpoint)
        self.arch, self.places, self.window = arch, places, window
        self.vocabulary = read_words(Path(words)) if words is not None else ["<sos>", "<eos>", *numbered(WORDS - 2)]
        self.start, self.end = self.vocabulary.index("<sos>"), self.vocabulary.index("<eos>")
        self.search(decode, beam, LONGEST)
        self.card = Card(
            name="wavetransformer" if arch == "wt" else arch,
            family="cnn_transformer",
            output="caption",
            labels=(),
            sample_rate=RATE,
            min_seconds=0.1,
            licence=licence,
            citation="A. Tran, K. Drossos, T. Virtanen: WaveTransformer. EUSIPCO 2021",
            description=f"{arch}, {len(self.vocabulary)} words, {'greedy' if self.width == 1 else f'beam of {beam}'}, "
            f"places of {places}",
            trained_on=trained_on,
            untrained=untrained,
        )

    def build(self) -> nn.Module:
        model = seeded(lambda: WaveTransformer(len(self.vocabulary), self.arch, self.places, self.window))
        if self.checkpoint is None:
            return model
        # The published model holds a block that it never uses, and its sines.
        ignored = ("*sublayer_decoder.*", "*decoder.positional_encoding.pe")
        fit_state_dict(model, load_state_dict(self.checkpoint), ignore=ignored, where=str(self.checkpoint))
        return model

    def hear(self, waveforms: torch.Tensor) -> torch.Tensor:
        return self.model.hear(waveforms)

    def next_words(self, memory: torch.Tensor, words: torch.Tensor) -> torch.Tensor:
        return self.model.next_words(memory, words)

    def texts(self, memory: torch.Tensor, drafts=None) -> list[str]:
        """Captions from a memory, by the published searches."""
        if self.width == 1:
            return super().texts(memory, drafts)

        def following(rows: torch.Tensor, words: torch.Tensor) -> torch.Tensor:
            given = self.next_words(memory[rows.to(memory.device)], words.to(memory.device))
            return given[:, -1].float().log_softmax(-1)

        with torch.inference_mode():
            limits = {"start": self.start, "end": self.end, "width": self.width, "power": POWER}
            return [self.say(best_first(following, clip, **limits)) for clip in range(len(memory))]


class _Data(pickle.Unpickler):
    """Reads lists and texts, and refuses whatever would run."""

    def find_class(self, module: str, name: str):
        raise pickle.UnpicklingError(f"it asks for {module}.{name}")


def read_words(path: Path) -> tuple[str, ...]:
    """The words of a vocabulary in the order of their numbers.

    Raises
    ------
    ConfigError
        No such file, not a list of words, a word twice, or without `<sos>` and `<eos>`.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"the list of words cannot be read: {error.strerror}", where=str(path)) from error
    try:
        if content[:1] == b"\x80":
            words = _Data(io.BytesIO(content)).load()
        elif path.suffix.lower() == ".json":
            words = json.loads(content)
        else:
            words = content.decode("utf-8").split()
    except (pickle.UnpicklingError, EOFError, ValueError, IndexError, KeyError) as error:
        raise ConfigError(f"this is no list of words: {error}", where=str(path)) from error
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        raise ConfigError("this is no list of words", where=str(path), hint="a JSON list, or one word a line")
    twice = next((word for word in words if words.count(word) > 1), None) if len(set(words)) < len(words) else None
    if twice is not None:
        raise ConfigError(f"the word '{twice}' is listed twice", where=str(path))
    for mark in ("<sos>", "<eos>"):
        if mark not in words:
            raise ConfigError(f"the list of words has no {mark}", where=str(path))
    return tuple(words)
