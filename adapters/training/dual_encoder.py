"""Train the small dual encoder on captions, and on the moments of longer recordings, the same way every time.

    python adapters/training/dual_encoder.py --data synthetic --out adapters/weights/dual_encoder.safetensors
    python adapters/training/dual_encoder.py --data clotho --root CLOTHO --out mine.safetensors

Contrastive learning (InfoNCE in both directions) of clips and one of their captions each, drawn anew in every epoch. Of
the synthetic set of moments, windows around one sound and its sentence are learnt beside them, so that a single sound
in a few seconds is known by its name. On one CPU thread the default takes about ten minutes.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import shlex
import sys
import time
from pathlib import Path

import numpy as np
import torch
from torch import nn

from benchbed import audio
from benchbed import rng as random
from benchbed.data.dataset import Dataset
from benchbed.data.layouts import captions, castella, clotho
from benchbed.errors import BenchbedError

sys.path.insert(0, str(Path(__file__).parent))
import weights_file
from adapter_file import adapter_module

#: Seconds of a window around one sound, of a clip, and words that occur at least so often have a vector.
WINDOW, CLIP, RARE = 3.0, 10.0, 2


def arguments(argv: list[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True, help="safetensors to write; a card .md is put beside it")
    parser.add_argument("--data", default="synthetic", choices=("synthetic", "clotho", "captions"))
    parser.add_argument("--root", type=Path, help="folder of Clotho, or of a table captions.csv")
    parser.add_argument("--split", default="development", help="split that is learnt")
    parser.add_argument("--epochs", type=int, default=36)
    parser.add_argument("--batch", type=int, default=48)
    parser.add_argument("--lr", type=float, default=2e-3, help="peak learning rate")
    parser.add_argument("--size", default="large", choices=("small", "default", "large"), help="of the synthetic set")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args(argv)


class Examples:
    """Spectrograms and the sentences of each, of one length."""

    def __init__(self, network: nn.Module, rate: int, seconds: float) -> None:
        self.network, self.rate, self.seconds = network, rate, seconds
        self.features: list[torch.Tensor] = []
        self.texts: list[tuple[str, ...]] = []
        self.digest = hashlib.blake2b(digest_size=16)

    def add(self, waveform: np.ndarray, texts: tuple[str, ...]) -> None:
        """Take in one clip."""
        self.digest.update(waveform.tobytes() + "\n".join(texts).encode())
        with torch.inference_mode():
            self.features.append(self.network.features(torch.from_numpy(waveform)[None]).half())
        self.texts.append(texts)

    def batch(self, rows: np.ndarray, draw: np.random.Generator) -> tuple[torch.Tensor, list[str]]:
        """Spectrograms, shifted in time and level, and a sentence for each."""
        made = []
        for row in rows:
            one = self.features[row].float()[0]
            one = one.roll(int(draw.integers(-6, 7)), -1) + float(draw.uniform(-0.7, 0.7))
            made.append(one)
        return torch.stack(made), [str(draw.choice(np.array(self.texts[row], object))) for row in rows]


def clips_of(data: Dataset, split: str, examples: Examples) -> None:
    """All clips of a split, cut or padded to one length."""
    for row in data.select(split).itertuples():
        waveform, rate = audio.read(data.root / row.path)
        waveform = audio.resample(audio.to_channels(waveform, 1), rate, examples.rate)
        examples.add(audio.fit(waveform, round(examples.seconds * examples.rate), "repeat"), tuple(row.captions))


def windows_of(data: Dataset, split: str, examples: Examples, seed: int) -> None:
    """For each moment a window that holds it, or is held by it."""
    size = round(examples.seconds * examples.rate)
    for row in data.select(split).itertuples():
        waveform, _ = audio.read(data.root / row.path)
        for text, windows in zip(row.queries, row.windows):
            for number, (start, end) in enumerate(windows):
                draw = random.stream("training window", seed, row.clip_id, text, number)
                middle = (start + end) / 2 + float(draw.uniform(-0.5, 0.5))
                first = int(np.clip((middle - examples.seconds / 2) * examples.rate, 0, waveform.shape[1] - size))
                examples.add(np.ascontiguousarray(waveform[:, first : first + size]), (text,))


def contrast(network: nn.Module, features: torch.Tensor, texts: list[str]) -> torch.Tensor:
    """InfoNCE in both directions; clips with the same sentence are no wrong answers to each other."""
    sounds = nn.functional.normalize(network.sound(features), dim=-1)
    words = nn.functional.normalize(network.text(network.numbers(texts)), dim=-1)
    logits = network.scale.exp().clamp(max=50) * sounds @ words.T
    same = torch.tensor([[one == other for other in texts] for one in texts])
    wanted = same / same.sum(1, keepdim=True)
    both = nn.functional.cross_entropy(logits, wanted) + nn.functional.cross_entropy(logits.T, wanted)
    return both / 2


def fit(network: nn.Module, sets: list[Examples], args: argparse.Namespace) -> float:
    """Train in place with AdamW, warm-up and cosine decay; the mean loss of the last epoch."""
    network.train()
    optimiser = torch.optim.AdamW(network.parameters(), lr=args.lr, weight_decay=0.02)
    per_epoch = sum(math.ceil(len(one.texts) / args.batch) for one in sets)
    steps, warm = per_epoch * args.epochs, per_epoch

    def factor(step: int) -> float:
        if step < warm:
            return (step + 1) / warm
        return 0.5 * (1 + math.cos(math.pi * (step - warm) / max(1, steps - warm)))

    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, factor)
    mean = math.nan
    for epoch in range(args.epochs):
        draw, total, count, begin = random.stream("training", args.seed, epoch), 0.0, 0, time.perf_counter()
        batches = [
            (one, rows)
            for one in sets
            for rows in np.array_split(draw.permutation(len(one.texts)), max(1, math.ceil(len(one.texts) / args.batch)))
            if len(rows) > 1
        ]
        for number in draw.permutation(len(batches)):
            one, rows = batches[number]
            loss = contrast(network, *one.batch(rows, draw))
            optimiser.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(network.parameters(), 5.0)
            optimiser.step()
            schedule.step()
            total, count = total + loss.item() * len(rows), count + len(rows)
        mean = total / count
        print(f"epoch {epoch + 1}/{args.epochs} loss {mean:.4f} {time.perf_counter() - begin:.1f}s", file=sys.stderr)
    return mean


def vocabulary(texts: list[str], words_of) -> list[str]:
    """Words that occur often enough, in alphabetical order."""
    counts: dict[str, int] = {}
    for text in texts:
        for word in words_of(text):
            counts[word] = counts.get(word, 0) + 1
    return sorted(word for word, count in counts.items() if count >= RARE)


def main(argv: list[str]) -> Path:
    """Train, and write weights and card."""
    args = arguments(argv)
    torch.set_num_threads(1)
    module = adapter_module("dual_encoder")
    moments = None
    if args.data == "synthetic":
        from benchbed.data import synthetic

        data = clotho.read(synthetic.ensure("clotho", size=args.size))
        moments = castella.read(synthetic.ensure("castella", size=args.size))
        version = synthetic.VERSION
    else:
        assert args.root is not None, "--root"
        data = (clotho if args.data == "clotho" else captions).read(args.root)
        version = data.version
    texts = [text for clip in data.select(args.split)["captions"] for text in clip]
    if moments is not None:
        texts += [text for queries in moments.select("train")["queries"] for text in queries for _ in range(RARE)]
    with random.preserved_global_state(args.seed):
        network = module.Towers(vocabulary(texts, module.words_of))
        sets = [Examples(network, module.RATE, CLIP)]
        clips_of(data, args.split, sets[0])
        if moments is not None:
            sets.append(Examples(network, module.RATE, WINDOW))
            windows_of(moments, "train", sets[1], args.seed)
        print(f"{[len(one.texts) for one in sets]} examples, {len(network.place)} words", file=sys.stderr)
        loss = fit(network, sets, args)
    state = {k: v for k, v in network.state_dict().items() if not k.endswith("num_batches_tracked")}
    tensors = {k: (v.half() if v.is_floating_point() else v).contiguous() for k, v in state.items()}
    named = [data.name, *([moments.name] if moments is not None else [])]
    command = [Path(one).name if args.root is not None and one == str(args.root) else one for one in argv]
    about = {
        "format": "pt",
        "adapter": "dual_encoder.py:Small",
        "vocabulary": json.dumps(list(network.place)),
        "dataset": data.name,
        "training_data": json.dumps({"names": named, "version": version, "hash": [o.digest.hexdigest() for o in sets]}),
        "command": f"python adapters/training/dual_encoder.py {shlex.join(command)}",
        "epochs": str(args.epochs),
        "seed": str(args.seed),
        "weight_bits": "16",
        "parameters": str(sum(p.numel() for p in network.parameters())),
        "train_loss": f"{loss:.4f}",
    }
    return weights_file.write(
        args.out,
        tensors,
        about,
        ("dataset", "training_data", "epochs", "seed", "weight_bits", "parameters", "train_loss"),
    )


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except BenchbedError as error:
        print(error, file=sys.stderr)
        sys.exit(error.exit_code)
