"""Train a small network of `adapters/seldnet.py` on scenes in first-order Ambisonics and write its weights.

    python adapters/training/train_seld.py --arch crnn --out adapters/weights/seldnet_crnn.safetensors
    python adapters/training/train_seld.py --arch attention --out adapters/weights/seldnet_attention.safetensors
    python adapters/training/train_seld.py --arch crnn --layout starss23 --data STARSS23 --out mine.safetensors
    python adapters/training/train_seld.py --arch crnn --score --out adapters/weights/seldnet_crnn.safetensors

The last trains nothing and writes what the weights reach on their card.

Synthetic scenes are drawn from the same rooms and sounds as the embedded sets of DCASE Task 3, but never from their
recordings, and no source of theirs is in the evaluation split. The loss is that of multi-ACCDOA (Shimada et al. 2022):
of all ways to give a class's sources to its three vectors, the one that fits best. Scenes are turned by quarters and
mirrored as they are learnt, which is exact in this format. One CPU thread; nothing is selected on a test split.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import json
import math
import shlex
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import permutations, product
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from torch import nn

import benchbed as bb
from benchbed import audio
from benchbed import rng as random
from benchbed.adapter.checkpoint import read_metadata
from benchbed.data.synthesis import localised
from benchbed.errors import BenchbedError, ConfigError
from benchbed.outputs.tracks.classes import STARSS
from benchbed.outputs.tracks.recording import Tracks
from benchbed.outputs.tracks.references import references
from benchbed.registry import Registry

RATE, SOURCES = 24000, 3
#: Frames of the front end in a frame of 100 ms, and frames of 100 ms in a sequence.
POOL, SEQUENCE = 4, 50
#: Scenes that share their sources, thirty of each class.
SHARED = 25
#: What a card says.
FIGURES = ("er20", "macro_f20", "macro_le_cd", "macro_lr_cd", "macro_seld", "micro_f20", "micro_le_cd", "micro_lr_cd")


@dataclass(frozen=True)
class Recording:
    """Maps and what they should give.

    Attributes
    ----------
    maps : torch.Tensor [shape=(map, frame, band), float16]
        As the front end makes them.
    places : torch.Tensor [shape=(frame, class, source, 4)]
        x, y, z and metres of up to three sources of each class, every 100 ms.
    count : torch.Tensor [shape=(frame, class)]
        How many there are.
    """

    maps: torch.Tensor
    places: torch.Tensor
    count: torch.Tensor


def arguments(argv: list[str]) -> argparse.Namespace:
    """Options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--arch", choices=("crnn", "attention"), default="crnn")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--data", default="synthetic", help="`synthetic`, or the root of a data set")
    parser.add_argument("--layout", default="starss23", help="its reader")
    parser.add_argument("--train-splits", default="train")
    parser.add_argument("--scenes", type=int, default=800, help="synthetic scenes of 10 s")
    parser.add_argument("--keep", type=Path, help="file that maps are kept in between trainings")
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--lr", type=float, default=2e-3)
    parser.add_argument("--weight-decay", type=float, default=1e-3)
    parser.add_argument("--active", type=float, default=4.0, help="how much more a class counts where it sounds")
    parser.add_argument("--metres", type=float, default=0.2, help="how much a squared metre counts beside a vector")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--bits", type=int, choices=(16, 32), default=16)
    parser.add_argument("--score", action="store_true", help="train nothing: score the weights of --out for their card")
    return parser.parse_args(argv)


def scenes(count: int, seconds: float = 10.0) -> Iterator[tuple[np.ndarray, Tracks]]:
    """Synthetic recordings [shape=(4, sample)] and what sounds in them."""
    for number in range(count):
        sound, plan = localised.scene(0, f"training {number // SHARED}", number, STARSS, seconds, "foa")
        columns = np.array(
            [
                [one.first + i, STARSS.index(one.label), one.source, one.azimuth[i], one.elevation[i], one.distance]
                for one in plan
                for i in range(len(one.azimuth))
            ]
        ).reshape(-1, 6)
        frame, label, source = columns[:, :3].astype(np.int64).T
        yield sound.astype(np.float32) / 32768, Tracks(frame, label, source, *columns[:, 3:].T, None, None)


def recordings(args: argparse.Namespace) -> Iterator[tuple[np.ndarray, Tracks]]:
    """Recordings of a data set and what sounds in them."""
    data = Registry("layout", "benchbed.data.layouts").get(args.layout).read(args.data)
    if tuple(data.labels) != STARSS:
        raise ConfigError(f"classes of {args.layout}", hint="a set with the classes of STARSS22 and STARSS23")
    for split in args.train_splits.split(","):
        clips = data.select(split)
        for row, truth in zip(clips.itertuples(), references(clips, data.events, data.labels)):
            wave, rate = audio.read(data.root / row.path, row.onset, row.duration)
            if wave.shape[0] != 4:
                raise ConfigError(f"{wave.shape[0]} channels, not four", where=str(row.path))
            yield audio.resample(wave, rate, RATE), truth


def placed(truth: Tracks, frames: int, classes: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Places [frame, class, source, 4] and how many [frame, class]."""
    places, count = torch.zeros(frames, classes, SOURCES, 4), torch.zeros(frames, classes, dtype=torch.long)
    azimuth, elevation = np.radians(truth.azimuth), np.radians(truth.elevation)
    x, y, z = np.cos(azimuth) * np.cos(elevation), np.sin(azimuth) * np.cos(elevation), np.sin(elevation)
    metres = np.zeros(len(truth)) if truth.distance is None else np.nan_to_num(truth.distance)
    for at, label, *place in zip(truth.frame, truth.label, x, y, z, metres):
        if at < frames and count[at, label] < SOURCES:
            places[at, label, count[at, label]] = torch.tensor(place)
            count[at, label] += 1
    return places, count


def heard(network: nn.Module, given: Iterator[tuple[np.ndarray, Tracks]]) -> list[Recording]:
    """Maps of recordings, whole sequences of them."""
    made = []
    for sound, truth in given:
        with torch.no_grad():
            maps = network.frontend(torch.from_numpy(np.ascontiguousarray(sound))[None])[0]
        frames = maps.shape[1] // POOL
        if frames < SEQUENCE:
            continue
        made.append(Recording(maps[:, : frames * POOL].half(), *placed(truth, frames, len(STARSS))))
        if len(made) % 50 == 0:
            print(f"{len(made)} recordings", file=sys.stderr)
    return made


def ways() -> torch.Tensor:
    """Source of each vector [number of sources, way, vector], every source having one; unused ways repeat the first."""
    table = torch.zeros(SOURCES + 1, 6, 3, dtype=torch.long)
    for number in range(1, SOURCES + 1):
        every = [way for way in product(range(number), repeat=3) if set(way) == set(range(number))]
        assert set(every) >= set(permutations(range(3))) or number < 3
        table[number] = torch.tensor([every[i % len(every)] for i in range(6)])
    return table


WAYS = ways()


def loss_of(given: torch.Tensor, places: torch.Tensor, count: torch.Tensor, args: argparse.Namespace) -> torch.Tensor:
    """Mean squared difference of vectors [clip, frame, track, class, 4] from the way of sources that fits best."""
    given = given.transpose(2, 3)[:, :, :, None]  # [clip, frame, class, 1, track, 4]
    index = WAYS[count].flatten(3)[..., None].expand(-1, -1, -1, -1, 4)
    wanted = places.gather(3, index).unflatten(3, (6, 3)) * (count > 0)[..., None, None, None]
    squares = (given - wanted).square()
    apart = (squares[..., :3].sum(-1) + args.metres * squares[..., 3]).mean(-1).amin(-1)
    return (apart * torch.where(count > 0, args.active, 1.0)).mean()


def turned(maps: torch.Tensor, places: torch.Tensor, draw: np.random.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    """A scene turned by quarters about the vertical and mirrored: W, Y, Z, X, then intensity along y, z, x."""
    maps, places = maps.clone(), places.clone()
    if draw.random() < 0.5:
        maps = maps[[0, 3, 2, 1, 6, 5, 4]]
        places = places[..., [1, 0, 2, 3]]
    for row, axis in ((4, 1), (5, 2), (6, 0)):
        if draw.random() < 0.5:
            maps[row] *= -1
            places[..., axis] *= -1
    return maps, places


def batches(
    data: list[Recording], args: argparse.Namespace, epoch: int
) -> Iterator[tuple[torch.Tensor, torch.Tensor, torch.Tensor]]:
    """Maps, places and counts of sequences, from random starts: as many of each recording as fit in it."""
    draw = random.stream("seld training", args.seed, epoch)
    cuts = []
    for number, one in enumerate(data):
        starts = draw.integers(0, len(one.places) - SEQUENCE + 1, size=len(one.places) // SEQUENCE)
        cuts += [(number, int(at)) for at in starts]
    order = draw.permutation(len(cuts))
    for rows in np.array_split(order, steps_of(data, args)):
        parts = []
        for row in rows:
            number, at = cuts[row]
            one = data[number]
            maps = one.maps[:, at * POOL : (at + SEQUENCE) * POOL].float()
            maps, places = turned(maps, one.places[at : at + SEQUENCE], draw)
            maps[:4] += float(draw.normal(0, 4))  # louder or softer
            parts.append((maps, places, one.count[at : at + SEQUENCE]))
        maps, places, count = (torch.stack(column) for column in zip(*parts))
        yield maps, places, count


def fit(network: nn.Module, data: list[Recording], args: argparse.Namespace) -> float:
    """Train in place with AdamW, linear warm-up and cosine decay; the mean loss of the last epoch."""
    network.train()
    decayed = [p for p in network.parameters() if p.ndim > 1]
    plain = [p for p in network.parameters() if p.ndim <= 1]
    groups = [{"params": decayed, "weight_decay": args.weight_decay}, {"params": plain, "weight_decay": 0.0}]
    optimiser = torch.optim.AdamW(groups, lr=args.lr)
    total = args.epochs * steps_of(data, args)
    warm = max(1, total // 20)

    def factor(step: int) -> float:
        return (
            (step + 1) / warm if step < warm else 0.5 * (1 + math.cos(math.pi * (step - warm) / max(1, total - warm)))
        )

    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, factor)
    mean = math.nan
    for epoch in range(args.epochs):
        losses, start = [], time.process_time()
        for maps, places, count in batches(data, args, epoch):
            loss = loss_of(network.located(network.scaler(maps)), places, count, args)
            optimiser.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimiser.step()
            schedule.step()
            losses.append(loss.item())
        mean = float(np.mean(losses))
        print(f"epoch {epoch + 1}/{args.epochs} loss {mean:.4f} {time.process_time() - start:.1f}s", file=sys.stderr)
    return mean


def steps_of(data: list[Recording], args: argparse.Namespace) -> int:
    """Batches of an epoch."""
    return max(1, round(sum(len(one.places) // SEQUENCE for one in data) / args.batch))


def standardise(network: nn.Module, data: list[Recording]) -> None:
    """Statistics of the training set into the network's scaler; directions keep their zero."""
    maps = torch.cat([one.maps.float() for one in data[:: max(1, len(data) // 100)]], 1)
    mean, scale = maps.mean(1), maps.std(1) + 1e-6
    mean[4:] = 0
    # A turned scene has the same statistics.
    for rows in ((1, 3), (4, 6)):
        mean[list(rows)], scale[list(rows)] = mean[list(rows)].mean(0), scale[list(rows)].mean(0)
    network.scaler.mean.copy_(mean)
    network.scaler.scale.copy_(scale)


def adapter() -> type:
    """The adapter whose networks are trained."""
    path = Path(__file__).parents[1] / "seldnet.py"
    spec = importlib.util.spec_from_file_location("trained_seldnet", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module.SeldNet


def main(argv: list[str]) -> Path:
    """Train and write weights and card."""
    args = arguments(argv)
    if args.score:
        about = read_metadata(args.out)
        args.out.with_suffix(".md").write_text(card(about, args.out.stem, scored(args.out, args.arch)))
        return args.out
    torch.set_num_threads(1)
    cls = adapter()
    with random.preserved_global_state(args.seed):
        network = cls.training_model(STARSS, arch=args.arch)
        network.net.conv_block_list.to(memory_format=torch.channels_last)
        if args.keep is not None and args.keep.is_file():
            data = [Recording(*one) for one in torch.load(args.keep, weights_only=True)]
        else:
            data = heard(network, scenes(args.scenes) if args.data == "synthetic" else recordings(args))
            if args.keep is not None:
                torch.save([(one.maps, one.places, one.count) for one in data], args.keep)
        if not data:
            raise ConfigError("no recording of five seconds or more")
        standardise(network, data)
        loss = fit(network, data, args)
    state = {k: v for k, v in network.state_dict().items() if not k.endswith("num_batches_tracked")}
    # Statistics stay as they are: decibels of half precision would be steps that an attack's gradient sees.
    tensors = {
        k: (v.half() if args.bits == 16 and not k.startswith("scaler.") else v).contiguous() for k, v in state.items()
    }
    digest = hashlib.blake2b(digest_size=16)
    for one in data:
        digest.update(one.maps.numpy().tobytes() + one.places.numpy().tobytes())
    synthetic = args.data == "synthetic"
    name = "synthetic scenes" if synthetic else args.layout
    shown = {"name": name, "recordings": len(data), "hash": digest.hexdigest()}
    command = [Path(a).name if not synthetic and a == args.data else a for a in strip(argv)]
    trained = [name] if synthetic else [args.layout, *(f"{args.layout}/{s}" for s in args.train_splits.split(","))]
    about = {
        "format": "pt",
        "adapter": "seldnet.py:SeldNet",
        "labels": json.dumps(list(STARSS)),
        "heads": str(network.net.plan.heads),
        "trained_on": json.dumps(trained),
        "trained_with": "[]",
        "training_data": json.dumps(shown),
        "augmentation": "quarter turns, mirrors, level",
        "command": f"python adapters/training/train_seld.py {shlex.join(command)}",
        "seed": str(args.seed),
        "epochs": str(args.epochs),
        "weight_bits": str(args.bits),
        "parameters": str(sum(p.numel() for p in network.parameters())),
        "train_loss": f"{loss:.4f}",
    }
    args.out.parent.mkdir(parents=True, exist_ok=True)
    save_file(tensors, args.out, metadata=about)
    args.out.with_suffix(".md").write_text(card(about, args.out.stem, {}))
    print(args.out)
    return args.out


def strip(argv: list[str]) -> list[str]:
    """The command line without where maps were kept, which changes nothing."""
    made, skip = [], False
    for word in argv:
        if skip or word.startswith("--keep="):
            skip = False
        elif word == "--keep":
            skip = True
        else:
            made.append(word)
    return made


def scored(path: Path, arch: str) -> dict[str, str]:
    """What the weights reach on the embedded evaluation split by the rules of 2023: title → figure and interval."""
    root = Path(__file__).parents[2]
    with tempfile.TemporaryDirectory() as folder:
        options = {"arch": arch, "checkpoint": str(path.resolve())}
        suite, model = root / "suites" / "dcase_task3.yaml", root / "adapters" / "seldnet.py"
        figures = bb.run(suite, model, options=options, out=folder, report=False).figures()
    mine = figures[figures["cell"].isna() & figures["metric"].isin(FIGURES)]
    return {row.title: f"{row.value:.3g} [{row.low:.3g}, {row.high:.3g}] {row.unit}" for row in mine.itertuples()}


def card(about: Mapping[str, str], title: str, figures: Mapping[str, str]) -> str:
    """The Markdown card: what the weights are, how they were made, what they reach."""
    lines = [f"# {title}", "", f"Made by `{about['command']}`.", "", "| | |", "|---|---|"]
    names = ("labels", "trained_on", "training_data", "augmentation", "epochs", "seed", "weight_bits", "parameters")
    lines += [f"| {name.replace('_', ' ')} | {about[name]} |" for name in names]
    if figures:
        lines += [
            "",
            "On the embedded evaluation split of `suites/dcase_task3.yaml`, ten scenes that benchbed makes:",
            "",
        ]
        lines += ["| | |", "|---|---|", *(f"| {name} | {text} |" for name, text in figures.items())]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except BenchbedError as error:
        print(error, file=sys.stderr)
        sys.exit(error.exit_code)
