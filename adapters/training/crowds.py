"""Train the counter of crowds, the same way every time.

    python adapters/training/crowds.py --out adapters/weights/audio_csrnet.safetensors
    python adapters/training/crowds.py --data DISCO --width 1 --grid 72x128 --out mine.safetensors

Without `--data` on the synthetic crowds. The loss is the absolute error of the logarithm of the count, so that a crowd
of ten counts as much as one of five hundred; nothing is chosen on the test split, which is scored once.
"""

from __future__ import annotations

import argparse
import json
import shlex
import sys
from pathlib import Path

import numpy as np
import torch
from torch import nn

from benchbed import audio
from benchbed import rng as random
from benchbed.data import LAYOUTS, synthetic
from benchbed.data.dataset import Dataset
from benchbed.errors import BenchbedError

sys.path.insert(0, str(Path(__file__).parent))
import weights_file
from adapter_file import adapter_module


def arguments(argv: list[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True, help="safetensors to write; a card .md is put beside it")
    parser.add_argument("--data", type=Path, help="folder of DISCO")
    parser.add_argument("--width", type=float, default=0.0625)
    parser.add_argument("--grid", default="4x8")
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--lr", type=float, default=2e-3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--size", default="default", choices=("small", "default"), help="of the synthetic set")
    return parser.parse_args(argv)


def clips(data: Dataset, split: str, rate: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Waveforms [clip, 1, sample] of one second, and counts [clip, 1]."""
    waves, counts = [], []
    for row in data.select(split).itertuples():
        waveform, own = audio.read(data.root / row.path)
        mono = audio.resample(np.ascontiguousarray(waveform.mean(0, keepdims=True)), own, rate)[:, :rate]
        waves.append(np.pad(mono, ((0, 0), (0, rate - mono.shape[1]))))
        counts.append([row.count])
    return torch.from_numpy(np.stack(waves).astype(np.float32)), torch.tensor(counts, dtype=torch.float32)


def fit(network: nn.Module, waves: torch.Tensor, counts: torch.Tensor, args: argparse.Namespace) -> None:
    """Train on clips; the level of each is moved a little every time."""
    optimiser = torch.optim.Adam(network.parameters(), lr=args.lr)
    steps = args.epochs * -(-len(waves) // args.batch)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, args.lr, total_steps=steps)
    network.train()
    for epoch in range(args.epochs):
        draw = random.stream("training crowds", args.seed, epoch)
        for rows in np.array_split(draw.permutation(len(waves)), -(-len(waves) // args.batch)):
            gain = torch.from_numpy(10 ** (draw.normal(0, 1, len(rows)) / 20)).float()[:, None, None]
            said = network(waves[rows] * gain)
            # Below nobody the logarithm ends; a straight line goes on from there.
            logged = torch.where(said > 0, said.clamp_min(0).log1p(), said)
            loss = nn.functional.smooth_l1_loss(logged, counts[rows].log1p(), beta=0.3)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
    network.eval()


def error(network: nn.Module, waves: torch.Tensor, counts: torch.Tensor) -> float:
    """Mean absolute error."""
    with torch.inference_mode():
        said = torch.cat([network(part) for part in waves.split(32)])
    return float((said - counts).abs().mean())


def main(argv: list[str]) -> Path:
    """Train, and write weights and card."""
    args = arguments(argv)
    torch.set_num_threads(1)
    module = adapter_module("audio_csrnet")
    grid = module.places(args.grid)
    stand_in = args.data is None
    data = LAYOUTS.get("disco").read(synthetic.ensure("disco", size=args.size) if stand_in else args.data)
    with random.preserved_global_state(args.seed):
        network = module.AudioCsrNet(args.width, grid)
    with torch.no_grad():
        network.black.fill_(1.0)
        # The first answers are the middle of the counts.
        network.density.bias.fill_(30 / (module.SCALE * grid[0] * grid[1]))
    waves, counts = clips(data, "train", module.RATE)
    fit(network, waves, counts, args)
    tested = clips(data, "test", module.RATE)
    kept = {key: value.half() if value.ndim > 1 else value for key, value in network.state_dict().items()}
    network.load_state_dict({key: value.float() if value.is_floating_point() else value for key, value in kept.items()})
    command = [Path(one).name if not stand_in and one == str(args.data) else one for one in argv]
    about = {
        "format": "pt",
        "adapter": "audio_csrnet.py",
        "width": str(args.width),
        "grid": args.grid,
        "trained_on": json.dumps([f"{data.name}/train"]),
        "command": f"python adapters/training/crowds.py {shlex.join(command)}",
        "clips": str(len(waves)),
        "epochs": str(args.epochs),
        "seed": str(args.seed),
        "weight_bits": "16",
        "parameters": str(sum(p.numel() for p in network.parameters())),
        "mae_on_test": f"{error(network, *tested):.2f}",
        "mae_of_the_median": f"{float((tested[1] - counts.median()).abs().mean()):.2f}",
    }
    return weights_file.write(args.out, kept, about)


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except BenchbedError as error_:
        print(error_, file=sys.stderr)
        sys.exit(error_.exit_code)
