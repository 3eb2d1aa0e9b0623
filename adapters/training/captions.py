"""Train a captioner from scratch, the same way every time.

    nice python adapters/training/captions.py --out adapters/weights/captioner.safetensors

The network is that of `adapters/captioner.py`. Sentences are learnt by teacher forcing, one of a clip's captions drawn
in each epoch; beside it the memory learns which words occur in any of them, by a head that is thrown away. Nothing is
selected on the test split: the weights are those after the last epoch, and the test split is scored once.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import json
import math
import shlex
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from torch import nn

from benchbed import audio
from benchbed import rng as random
from benchbed.adapter.captioner import WORD
from benchbed.data.dataset import Dataset
from benchbed.errors import BenchbedError, DataError
from benchbed.metrics.families.captions import family
from benchbed.registry import Registry
from benchbed.types import Batch

ADAPTER = Path(__file__).resolve().parent.parent / "captioner.py"
SPECIAL = ("<sos>", "<eos>", "<unk>")


def arguments(argv: list[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True, help="safetensors to write; a card .md is put beside it")
    parser.add_argument("--data", default="synthetic", help="'synthetic', or the root folder of a dataset")
    parser.add_argument("--size", default="large", choices=("default", "small", "large"), help="of the synthetic set")
    parser.add_argument("--layout", default="clotho", help="reader: clotho, audiocaps, macs, captions, …")
    parser.add_argument("--train-splits", default="development,validation", help="names of splits, joined by commas")
    parser.add_argument("--test-splits", default="evaluation", help="scored once at the end, for the card")
    parser.add_argument("--least", type=int, default=2, help="a word that occurs less often is unknown")
    parser.add_argument("--width", type=int, default=96)
    parser.add_argument("--layers", type=int, default=2)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--batch", type=int, default=24)
    parser.add_argument("--lr", type=float, default=2e-3, help="peak learning rate")
    parser.add_argument("--warmup", type=float, default=0.1, help="share of all steps until the peak")
    parser.add_argument("--label-smoothing", type=float, default=0.05)
    parser.add_argument("--hints", type=float, default=1.0, help="weight of the words that occur somewhere")
    parser.add_argument("--start-from", type=Path, help="weights to go on from, whose words are kept")
    parser.add_argument("--bits", type=int, default=16, choices=(16, 32), help="width of the stored weights")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args(argv)


def captioner():
    """The adapter's module."""
    spec = importlib.util.spec_from_file_location("trained_captioner", ADAPTER)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def read_data(args: argparse.Namespace) -> tuple[Dataset, str]:
    """The dataset, and its version."""
    reader = Registry("layout", "benchbed.data.layouts").get(args.layout).read
    if args.data == "synthetic":
        from benchbed.data import synthetic

        return reader(synthetic.ensure(args.layout, size=args.size)), synthetic.VERSION
    data = reader(Path(args.data))
    return data, data.version


class Clips:
    """Spectrograms of clips, by length, and their captions as numbers of words."""

    def __init__(self, data: Dataset, splits: str, encoder: nn.Module, rate: int) -> None:
        import pandas as pd

        table = pd.concat([data.select(split) for split in splits.split(",")]).drop_duplicates("clip_id")
        digest = hashlib.blake2b(digest_size=16)
        self.texts = [tuple(texts) for texts in table["captions"]]
        self.spectrograms: list[torch.Tensor] = []
        self.waves: list[np.ndarray] = []
        for row in table.itertuples():
            wave, held = audio.read(data.root / row.path, row.onset, row.duration)
            wave = audio.resample(audio.to_channels(wave, 1), held, rate)
            digest.update(f"{row.clip_id}\t{row.captions}\t".encode() + wave.tobytes())
            self.waves.append(wave)
            with torch.no_grad():
                self.spectrograms.append(encoder.features(torch.from_numpy(np.ascontiguousarray(wave))[None])[0])
        self.hash = digest.hexdigest()

    def __len__(self) -> int:
        return len(self.texts)


def vocabulary(texts: list[tuple[str, ...]], least: int) -> list[str]:
    """Words by how often they occur, after the special ones."""
    counts = Counter(word for clip in texts for text in clip for word in WORD.findall(text.lower()))
    known = [word for word, count in sorted(counts.items(), key=lambda one: (-one[1], one[0])) if count >= least]
    if not known:
        raise DataError("the captions have no words")
    return [*SPECIAL, *known]


def spelled(text: str, numbers: dict[str, int]) -> list[int]:
    """Numbers of a caption's words, the end included."""
    return [*(numbers.get(word, 2) for word in WORD.findall(text.lower())), 1]


def batches(clips: Clips, size: int, draw: np.random.Generator):
    """Rows of clips of about one length, in a random order."""
    lengths = np.array([spectrogram.shape[1] for spectrogram in clips.spectrograms])
    order = np.argsort(lengths + draw.uniform(0, 40, len(lengths)))
    groups = [order[i : i + size] for i in range(0, len(order), size)]
    return [groups[i] for i in draw.permutation(len(groups))]


def fit(network: nn.Module, clips: Clips, words: list[str], args: argparse.Namespace) -> float:
    """Train in place with AdamW, linear warm-up and cosine decay; the mean loss of the last epoch."""
    numbers = {word: number for number, word in enumerate(words)}
    captions = [[spelled(text, numbers) for text in clip] for clip in clips.texts]
    hints = torch.zeros(len(clips), len(words))
    for row, clip in enumerate(captions):
        for text in clip:
            hints[row, text] = 1.0
    head = nn.Linear(network.width, len(words))
    parameters = [*network.parameters(), *head.parameters()]
    decayed, plain = [p for p in parameters if p.ndim > 1], [p for p in parameters if p.ndim <= 1]
    groups = [{"params": decayed, "weight_decay": 0.01}, {"params": plain, "weight_decay": 0.0}]
    optimiser = torch.optim.AdamW(groups, lr=args.lr)
    steps = math.ceil(len(clips) / args.batch) * args.epochs
    warm = max(1, round(args.warmup * steps))
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimiser,
        lambda step: (
            (step + 1) / warm if step < warm else 0.5 * (1 + math.cos(math.pi * (step - warm) / max(1, steps - warm)))
        ),
    )
    mean = math.nan
    network.train()
    for epoch in range(args.epochs):
        draw, total, start = random.stream("captions training", args.seed, epoch), 0.0, time.perf_counter()
        for rows in batches(clips, args.batch, draw):
            # Clips of a batch are brought to the shortest of them: the end of a clip is cut, never a padded one heard.
            frames = min(clips.spectrograms[row].shape[1] for row in rows)
            x = torch.stack([clips.spectrograms[row][:, :frames] for row in rows])
            x = x + torch.from_numpy(draw.normal(0, 1, (len(x), 1, 1))).float()  # loudness
            said = [captions[row][int(draw.integers(len(captions[row])))] for row in rows]
            longest = max(map(len, said))
            given, wanted = torch.ones(len(said), longest).long(), torch.full((len(said), longest), -100)
            for i, text in enumerate(said):
                given[i, 0] = 0
                given[i, 1 : len(text)] = torch.tensor(text[:-1])
                wanted[i, : len(text)] = torch.tensor(text)
            memory = network.encoder.memory(x)
            logits = network.next_words(memory, given)
            loss = nn.functional.cross_entropy(
                logits.flatten(0, 1), wanted.flatten(), label_smoothing=args.label_smoothing
            )
            hinted = nn.functional.binary_cross_entropy_with_logits(head(memory.amax(1)), hints[torch.from_numpy(rows)])
            optimiser.zero_grad()
            (loss + args.hints * hinted).backward()
            nn.utils.clip_grad_norm_(parameters, 1.0)
            optimiser.step()
            schedule.step()
            total += loss.item() * len(rows)
        mean = total / len(clips)
        seconds = time.perf_counter() - start
        print(f"epoch {epoch + 1}/{args.epochs} loss {mean:.4f} {seconds:.1f}s", file=sys.stderr)
    return mean


def stored(network: nn.Module, bits: int) -> dict[str, torch.Tensor]:
    """The network's tensors as they are written."""
    state = {k: v for k, v in network.state_dict().items() if not k.endswith("num_batches_tracked")}
    return {k: (v.half() if bits == 16 and v.is_floating_point() else v).contiguous() for k, v in state.items()}


def scored(module, checkpoint: Path, clips: Clips) -> dict[str, float]:
    """Figures of the stored weights, and of the one caption of these clips that scores best on all of them."""
    adapter = module.SmallCaptioner(checkpoint=checkpoint)
    adapter.load("cpu")
    said = np.empty(len(clips), object)
    for row, wave in enumerate(clips.waves):
        batch = Batch(wave[None].astype(np.float32), np.array([wave.shape[1]]), adapter.card.sample_rate)
        said[row] = adapter.predict(batch)[0]
    truth = np.empty(len(clips), object)
    truth[:] = clips.texts
    scorer = family().context(said, truth)

    def value(captions: np.ndarray) -> float:
        return float(scorer.values(scorer.statistics(captions, truth).sum(0))["cider_d"])

    candidates = sorted({clip[0] for clip in clips.texts})
    constant = max(value(np.full(len(clips), text, object)) for text in candidates[:: max(1, len(candidates) // 40)])
    figures = scorer.values(scorer.statistics(said, truth).sum(0))
    return {
        "cider_d": float(figures["cider_d"]),
        "rouge_l": float(figures["rouge_l"]),
        "bleu_4": float(figures["bleu_4"]),
        "cider_d_constant": constant,
    }


def main(argv: list[str]) -> dict[str, float]:
    """Train, write weights and card, and return the test scores."""
    args = arguments(argv)
    torch.set_num_threads(1)
    module = captioner()
    data, version = read_data(args)
    options = {"width": args.width, "layers": args.layers}
    with random.preserved_global_state(args.seed):
        probe = module.Encoder(args.width, 64)
        clips = Clips(data, args.train_splits, probe, module.RATE)
        if args.start_from:
            before = module.SmallCaptioner(checkpoint=args.start_from)
            before.load("cpu")
            network, words, options = before.model, list(before.vocabulary), before.options
        else:
            words = vocabulary(clips.texts, args.least)
            network = module.SmallCaptioner.training_model(len(words), **options)
        print(f"{len(clips)} clips of {data.name}, {len(words)} words", file=sys.stderr)
        loss = fit(network, clips, words, args)
    command = [Path(a).name if args.data != "synthetic" and a == args.data else a for a in argv]
    splits = args.train_splits.split(",")
    about = {
        "format": "pt",
        "adapter": "captioner.py:SmallCaptioner",
        "words": json.dumps(words),
        "options": json.dumps(options),
        "trained_on": json.dumps([data.name, *(f"{data.name}/{split}" for split in splits)]),
        "training_data": json.dumps(
            {
                "name": data.name,
                "version": version,
                "splits": args.train_splits,
                "clips": len(clips),
                "hash": clips.hash,
            }
        ),
        "command": f"python adapters/training/captions.py {shlex.join(command)}",
        "seed": str(args.seed),
        "epochs": str(args.epochs),
        "weight_bits": str(args.bits),
        "parameters": str(sum(p.numel() for p in network.parameters())),
        "train_loss": f"{loss:.4f}",
    }
    args.out.parent.mkdir(parents=True, exist_ok=True)
    save_file(stored(network, args.bits), args.out, metadata=about)
    results: dict[str, float] = {}
    if args.test_splits:
        results = scored(module, args.out, Clips(data, args.test_splits, probe, module.RATE))
        about["test"] = json.dumps({name: round(value, 4) for name, value in results.items()})
        save_file(stored(network, args.bits), args.out, metadata=about)
    args.out.with_suffix(".md").write_text(card(about, args.out.stem, results))
    print(" ".join(f"{name} {value:.3f}" for name, value in results.items()), file=sys.stderr)
    print(args.out)
    return results


def card(about: dict[str, str], title: str, results: dict[str, float]) -> str:
    """The Markdown card: what the weights are, how they were made, what they reach."""
    names = ("trained_on", "training_data", "epochs", "seed", "weight_bits", "parameters", "train_loss")
    lines = [f"# {title}", "", f"Made by `{about['command']}`.", "", "| | |", "|---|---|"]
    lines += [f"| {name.replace('_', ' ')} | {about[name]} |" for name in names]
    lines += [f"| words | {len(json.loads(about['words']))} |"]
    if results:
        titles = {"cider_d": "CIDEr-D", "rouge_l": "ROUGE-L", "bleu_4": "BLEU-4"}
        lines += ["", "On the test split, from the stored weights, greedily:", "", "| metric | value |", "|---|---|"]
        lines += [f"| {titles[name]} | {results[name]:.3f} |" for name in titles]
        lines += [f"| CIDEr-D of the best constant caption (of some 40) | {results['cider_d_constant']:.3f} |"]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except BenchbedError as error:
        print(error, file=sys.stderr)
        sys.exit(error.exit_code)
