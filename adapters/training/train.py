"""Train an adapter's network from scratch, the same way every time.

    python adapters/training/train.py --model adapters/cnn.py --data synthetic --out adapters/weights/cnn.safetensors

See README.md beside this file for what an adapter must offer, what is written, and further examples.
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
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from benchbed import audio
from benchbed import rng as random
from benchbed.adapter import TorchAdapter
from benchbed.adapter.labelmap import read_label_map
from benchbed.adapter.options import resolve_options
from benchbed.data.dataset import Dataset
from benchbed.errors import AdapterError, BenchbedError, ConfigError
from benchbed.registry import Registry


def arguments(argv: list[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, required=True, help="adapter file whose class has training_model()")
    parser.add_argument("--out", type=Path, required=True, help="safetensors to write; a card .md is put beside it")
    parser.add_argument("--data", default="synthetic", help="'synthetic', or the root folder of a dataset")
    parser.add_argument("--size", default="default", choices=("default", "small", "large"), help="of the synthetic set")
    parser.add_argument("--task", default="scene", choices=("scene", "tags", "frames"), help="what is learnt")
    parser.add_argument("--rate", type=int, default=32000, help="samples per second that the network takes")
    parser.add_argument(
        "--label-map", type=Path, help="YAML: names of the classes in other sets → classes, for the card"
    )
    parser.add_argument("--layout", default="tau2022", help="reader: tau2022, esc50, folder, …")
    parser.add_argument("--layout-set", action="append", default=[], metavar="KEY=VALUE", help="option of the reader")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="option of training_model()")
    parser.add_argument("--train-splits", default="train", help="names of splits, joined by commas")
    parser.add_argument("--test-splits", default="", help="scored once at the end, for the card")
    parser.add_argument("--seconds", type=float, default=1.0, help="clips are cut or padded to this length")
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--lr", type=float, default=3e-3, help="peak learning rate")
    parser.add_argument("--warmup", type=float, default=0.1, help="share of all steps until the peak")
    parser.add_argument("--weight-decay", type=float, default=0.01)
    parser.add_argument("--label-smoothing", type=float, default=0.0)
    parser.add_argument("--mixup", type=float, default=0.2, help="alpha of the Beta distribution; 0 for none")
    parser.add_argument("--roll", type=float, default=1.0, help="largest circular shift in time, share of the clip")
    parser.add_argument("--mixstyle", type=float, default=0.0, help="probability of Freq-MixStyle per batch")
    parser.add_argument("--bits", type=int, default=16, choices=(16, 32), help="width of the stored weights")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args(argv)


def adapter_class(path: Path) -> type[TorchAdapter]:
    """The class in an adapter file that says how to train it."""
    spec = importlib.util.spec_from_file_location(f"trained_{path.stem}", path)
    if spec is None or spec.loader is None or not path.is_file():
        raise AdapterError("no such adapter file", where=str(path))
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    found = [v for v in vars(module).values() if isinstance(v, type) and v.__module__ == spec.name]
    found = [v for v in found if issubclass(v, TorchAdapter) and hasattr(v, "training_model")]
    if len(found) != 1:
        hint = "give its TorchAdapter a classmethod training_model(labels, **options)"
        raise AdapterError(f"{path.name} has {len(found)} classes that can be trained", where=str(path), hint=hint)
    return found[0]


def pairs(texts: list[str]) -> dict[str, str]:
    """`key=value` texts as a dict."""
    broken = [t for t in texts if "=" not in t]
    if broken:
        raise ConfigError(f"'{broken[0]}' is not KEY=VALUE")
    return dict(text.split("=", 1) for text in texts)


def read_data(args: argparse.Namespace) -> tuple[Dataset, str]:
    """The dataset and a version or nothing."""
    reader = Registry("layout", "benchbed.data.layouts").get(args.layout).read
    options, _ = resolve_options(reader, {"root": args.data, **pairs(args.layout_set)})
    if args.data == "synthetic":
        from benchbed.data import synthetic

        options["root"] = synthetic.ensure(args.layout, size=args.size)
        return reader(**options), synthetic.VERSION
    data = reader(**options)
    return data, data.version


class Clips:
    """Clips of some splits in memory: network input, class numbers, devices, and a hash of all of it.

    Where the network separates a fixed front end (`features`) from what is trained (`classify`), the input kept is
    the front end's output, which saves computing it in every epoch.
    """

    def __init__(self, data: Dataset, splits: str, network: nn.Module, args: argparse.Namespace) -> None:
        import pandas as pd

        table = pd.concat([data.select(s) for s in splits.split(",")]).drop_duplicates("clip_id")
        digest, inputs = hashlib.blake2b(digest_size=16), []
        for row in table.itertuples():
            wave, rate = audio.read(data.root / row.path, row.onset, row.duration)
            wave = audio.resample(audio.to_channels(wave, 1), rate, args.rate)
            wave = audio.fit(wave, round(args.seconds * args.rate))
            digest.update(f"{row.clip_id}\t{row.label}\t".encode() + wave.tobytes())
            one = torch.from_numpy(np.ascontiguousarray(wave))[None]
            with torch.no_grad():
                inputs.append(network.features(one) if hasattr(network, "features") else one)
        self.inputs = torch.cat(inputs)
        self.devices = list(table.device) if "device" in table else None
        if args.task == "scene":
            self.targets = torch.tensor([data.labels.index(label) for label in table.label])
            self.wanted = nn.functional.one_hot(self.targets, len(data.labels)).float()
        elif args.task == "tags":
            self.wanted = torch.tensor([[float(name in label) for name in data.labels] for label in table.label])
        else:
            with torch.no_grad():
                frames = getattr(network, "classify", network)(self.inputs[:2]).shape[1]
            self.wanted = activity(data, list(table.clip_id), frames, args.seconds)
            digest.update(self.wanted.numpy().tobytes())
        self.hash = digest.hexdigest()

    def __len__(self) -> int:
        return len(self.inputs)


def activity(data: Dataset, clip_ids: list[str], frames: int, seconds: float) -> torch.Tensor:
    """Which classes sound at the centre of each frame [shape=(clip, frame, class)], frames lying evenly in the clip."""
    centres = (np.arange(frames) + 0.5) * seconds / frames
    on = torch.zeros(len(clip_ids), frames, len(data.labels))
    assert data.events is not None
    place = {clip: row for row, clip in enumerate(clip_ids)}
    for event in data.events[data.events["clip_id"].isin(place)].itertuples():
        inside = torch.from_numpy((centres >= event.onset) & (centres < event.offset))
        on[place[event.clip_id], inside, data.labels.index(event.label)] = 1.0
    return on


def mixstyle(x: torch.Tensor, order: torch.Tensor, share: torch.Tensor) -> torch.Tensor:
    """Freq-MixStyle (Kim et al. 2022): mean and deviation per frequency band mixed with those of another clip."""
    mean, std = x.mean(-1, keepdim=True), x.std(-1, keepdim=True) + 1e-5
    new_mean = share * mean + (1 - share) * mean[order]
    return (x - mean) / std * (share * std + (1 - share) * std[order]) + new_mean


def augmented(
    x: torch.Tensor, y: torch.Tensor, args: argparse.Namespace, draw: np.random.Generator
) -> tuple[torch.Tensor, torch.Tensor]:
    """A batch and its targets after circular shift, Freq-MixStyle and mixup (Zhang et al. 2018)."""
    if args.roll > 0:
        # Where frames are learnt, targets move along: by whole frames of the output.
        steps = y.shape[1] if args.task == "frames" else x.shape[-1]
        shifts = draw.integers(0, max(1, int(args.roll * steps)), size=len(x))
        wide = x.shape[-1] // steps
        x = torch.stack([clip.roll(int(shift) * wide, -1) for clip, shift in zip(x, shifts)])
        if args.task == "frames":
            y = torch.stack([clip.roll(int(shift), 0) for clip, shift in zip(y, shifts)])
    if draw.random() < args.mixstyle:
        share = torch.from_numpy(draw.beta(0.3, 0.3, size=(len(x),) + (1,) * (x.ndim - 1))).float()
        x = mixstyle(x, torch.from_numpy(draw.permutation(len(x))), share)
    if args.mixup > 0:
        share = torch.from_numpy(draw.beta(args.mixup, args.mixup, size=len(x))).float()
        order = torch.from_numpy(draw.permutation(len(x)))
        wide = share.view((-1,) + (1,) * (x.ndim - 1))
        also = share.view((-1,) + (1,) * (y.ndim - 1))
        x, y = wide * x + (1 - wide) * x[order], also * y + (1 - also) * y[order]
    return x, y


def loss_of(logits: torch.Tensor, y: torch.Tensor, args: argparse.Namespace) -> torch.Tensor:
    """Cross-entropy over scenes; over independent tags or frames, binary cross-entropy."""
    if args.task == "scene":
        return nn.functional.cross_entropy(logits, y, label_smoothing=args.label_smoothing)
    return nn.functional.binary_cross_entropy_with_logits(logits, y)


def fit(network: nn.Module, clips: Clips, args: argparse.Namespace) -> float:
    """Train in place with AdamW, linear warm-up and cosine decay; the mean loss of the last epoch."""
    network.train()
    logits_of = getattr(network, "classify", network)
    decayed = [p for p in network.parameters() if p.ndim > 1]
    plain = [p for p in network.parameters() if p.ndim <= 1]
    groups = [{"params": decayed, "weight_decay": args.weight_decay}, {"params": plain, "weight_decay": 0.0}]
    optimiser = torch.optim.AdamW(groups, lr=args.lr)
    steps = max(1, math.ceil(len(clips) / args.batch) * args.epochs)
    warm = max(1, round(args.warmup * steps))

    def factor(step: int) -> float:
        if step < warm:
            return (step + 1) / warm
        return 0.5 * (1 + math.cos(math.pi * (step - warm) / max(1, steps - warm)))

    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, factor)
    mean_loss = math.nan
    for epoch in range(args.epochs):
        draw, total = random.stream("training", args.seed, epoch), 0.0
        start = time.perf_counter()
        for rows in torch.from_numpy(draw.permutation(len(clips))).split(args.batch):
            if len(rows) < 2:
                continue  # batch normalisation needs two
            x, y = augmented(clips.inputs[rows], clips.wanted[rows], args, draw)
            loss = loss_of(logits_of(x), y, args)
            optimiser.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(network.parameters(), 5.0)
            optimiser.step()
            schedule.step()
            total += loss.item() * len(rows)
        mean_loss = total / len(clips)
        print(
            f"epoch {epoch + 1}/{args.epochs} loss {mean_loss:.4f} {time.perf_counter() - start:.1f}s", file=sys.stderr
        )
    return mean_loss


def predicted(network: nn.Module, clips: Clips) -> torch.Tensor:
    """Class number per clip."""
    network.eval()
    logits_of = getattr(network, "classify", network)
    with torch.inference_mode():
        return torch.cat([logits_of(x).argmax(-1) for x in clips.inputs.split(32)])


def macro_accuracy(found: torch.Tensor, targets: torch.Tensor) -> float:
    """Mean over the classes present of the share of their clips that was found."""
    hits = (found == targets).double()
    return float(torch.stack([hits[targets == c].mean() for c in targets.unique()]).mean())


def macro_f1(network: nn.Module, clips: Clips) -> float:
    """Mean over the classes present of F1 at 0.5, over clips or frames."""
    network.eval()
    logits_of = getattr(network, "classify", network)
    with torch.inference_mode():
        on = torch.cat([logits_of(x) > 0 for x in clips.inputs.split(32)]).flatten(0, -2)
    wanted = clips.wanted.flatten(0, -2) > 0.5
    hit, either = (on & wanted).sum(0).double(), (on.sum(0) + wanted.sum(0)).double()
    present = wanted.any(0)
    return float((2 * hit / either.clamp_min(1))[present].mean())


def scores(network: nn.Module, clips: Clips, seen: set[str]) -> dict[str, float]:
    """Macro accuracy over all clips, over devices seen and unseen in training, and per device."""
    found = predicted(network, clips)
    groups = {"all": torch.ones(len(clips), dtype=torch.bool)}
    if clips.devices is not None:
        groups["seen devices"] = torch.tensor([d in seen for d in clips.devices])
        groups["unseen devices"] = ~groups["seen devices"]
        groups |= {f"device {d}": torch.tensor([e == d for e in clips.devices]) for d in sorted(set(clips.devices))}
    return {name: macro_accuracy(found[g], clips.targets[g]) for name, g in groups.items() if g.any()}


def stored(network: nn.Module, bits: int) -> dict[str, torch.Tensor]:
    """The network's tensors as they are written; batch counters are left out, nothing uses them after training."""
    state = {k: v for k, v in network.state_dict().items() if not k.endswith("num_batches_tracked")}
    return {k: (v.half() if bits == 16 and v.is_floating_point() else v).contiguous() for k, v in state.items()}


def card(about: dict[str, str], title: str, results: dict[str, float], measure: str) -> str:
    """The Markdown card: what the weights are, how they were made, what they reach."""
    lines = [f"# {title}", "", f"Made by `{about['command']}`.", "", "| | |", "|---|---|"]
    names = (
        "labels",
        "options",
        "trained_on",
        "training_data",
        "augmentation",
        "epochs",
        "seed",
        "weight_bits",
        "parameters",
        "train_accuracy",
        "train_macro_f1",
    )
    lines += [f"| {name.replace('_', ' ')} | {about[name]} |" for name in names if name in about]
    if results:
        said = measure[0].upper() + measure[1:]
        lines += ["", f"{said} on the test split, from the stored weights:", "", f"| clips | {measure} |"]
        lines += ["|---|---|"] + [f"| {name} | {value:.3f} |" for name, value in results.items()]
    return "\n".join(lines) + "\n"


def main(
    argv: list[str],
    learn: Callable[[nn.Module, Clips, argparse.Namespace], float] = fit,
    script: str = "train.py",
) -> dict[str, float]:
    """Train by `learn`, which returns a loss, write weights and card, and return the test scores."""
    from safetensors.torch import save_file

    args = arguments(argv)
    torch.set_num_threads(1)
    cls = adapter_class(args.model)
    data, version = read_data(args)
    options, recorded = resolve_options(cls.training_model, {"labels": data.labels, **pairs(args.set)})
    recorded = {k: v for k, v in recorded.items() if k != "labels"}
    with random.preserved_global_state(args.seed):
        network = cls.training_model(**options).to(memory_format=torch.channels_last)
        clips = Clips(data, args.train_splits, network, args)
        print(f"{len(clips)} clips of {data.name}", file=sys.stderr)
        loss = learn(network, clips, args)
    tensors = stored(network, args.bits)
    network.load_state_dict({k: v.float() if v.is_floating_point() else v for k, v in tensors.items()}, strict=False)
    scene = args.task == "scene"
    measure = "macro accuracy" if scene else f"macro F1 of {args.task} at 0.5"
    reached = macro_accuracy(predicted(network, clips), clips.targets) if scene else macro_f1(network, clips)
    results: dict[str, float] = {}
    if args.test_splits:
        test = Clips(data, args.test_splits, network, args)
        results = scores(network, test, set(clips.devices or ())) if scene else {"all": macro_f1(network, test)}
    used = ("mixup", "roll", "mixstyle", "label_smoothing")
    shown: dict[str, Any] = {
        "name": data.name,
        "version": version,
        "splits": args.train_splits,
        "clips": len(clips),
        "hash": clips.hash,
    }
    # A dataset's place on this machine is nobody's business; its name, version and hash identify it.
    command = [Path(a).name if args.data != "synthetic" and a == args.data else a for a in argv]
    about = {
        "format": "pt",
        "adapter": f"{args.model.name}:{cls.__name__}",
        "labels": json.dumps(list(data.labels)),
        "options": json.dumps(recorded),
        "clip_seconds": str(args.seconds),
        "trained_on": json.dumps([data.name, *(f"{data.name}/{split}" for split in args.train_splits.split(","))]),
        "trained_with": "[]",
        "training_data": json.dumps(shown),
        "augmentation": json.dumps({name: getattr(args, name) for name in used}),
        "command": f"python adapters/training/{script} {shlex.join(command)}",
        "seed": str(args.seed),
        "epochs": str(args.epochs),
        "weight_bits": str(args.bits),
        "parameters": str(sum(p.numel() for p in network.parameters())),
        "train_loss": f"{loss:.4f}",
        ("train_accuracy" if scene else "train_macro_f1"): f"{reached:.4f}",
        ("test_accuracy" if scene else "test_macro_f1"): json.dumps(
            {name: round(value, 4) for name, value in results.items()}
        ),
    }
    if args.label_map is not None:
        about["label_map"] = json.dumps(read_label_map(args.label_map, data.labels))
    args.out.parent.mkdir(parents=True, exist_ok=True)
    save_file(tensors, args.out, metadata=about)
    args.out.with_suffix(".md").write_text(card(about, args.out.stem, results, measure))
    print(f"train {reached:.3f} " + " ".join(f"{k} {v:.3f}" for k, v in results.items()), file=sys.stderr)
    print(args.out)
    return results


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except BenchbedError as error:
        print(error, file=sys.stderr)
        sys.exit(error.exit_code)
