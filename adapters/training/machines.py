"""Train the detectors of anomalous machine sounds on normal clips, the same way every time.

    python adapters/training/machines.py --model autoencoder --out adapters/weights/anomaly_autoencoder.safetensors
    python adapters/training/machines.py --model knn --out adapters/weights/anomaly_knn.safetensors
    python adapters/training/machines.py --model knn --layout dcase2023_task2 --data DCASE2023 --out mine.safetensors

Without `--data` on the synthetic machines of 2022 and 2023. A threshold for decisions is the 90th percentile of a gamma
distribution fitted to the scores of the training clips, as in the baselines of the challenge; a clip of a bank does not
count as its own neighbour there.
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
from benchbed.errors import BenchbedError, ConfigError

sys.path.insert(0, str(Path(__file__).parent))
import weights_file
from adapter_file import adapter_module

#: Synthetic sets that are learnt where no other is named.
STAND_INS = ("dcase2022_task2", "dcase2023_task2")


def arguments(argv: list[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True, help="safetensors to write; a card .md is put beside it")
    parser.add_argument("--model", choices=("autoencoder", "knn"), required=True)
    parser.add_argument("--layout", default="", help="layout of --data, e.g. dcase2023_task2")
    parser.add_argument("--data", type=Path, help="folder of the data set")
    parser.add_argument("--split", default="train")
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--lr", type=float, default=1e-3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--size", default="default", choices=("small", "default"), help="of the synthetic sets")
    return parser.parse_args(argv)


def datasets(args: argparse.Namespace) -> list[Dataset]:
    """What is learnt."""
    if args.data is not None:
        if not args.layout:
            raise ConfigError("--data needs --layout", hint="--layout dcase2023_task2")
        return [LAYOUTS.get(args.layout).read(args.data)]
    return [LAYOUTS.get(name).read(synthetic.ensure(name, size=args.size)) for name in STAND_INS]


def spectrograms(sets: list[Dataset], split: str, front: nn.Module, rate: int) -> dict[str, list[torch.Tensor]]:
    """Machine → log-mel spectrograms [band, frame] of its normal clips, each clip once."""
    kept: dict[str, dict[bytes, torch.Tensor]] = {}
    for data in sets:
        for row in data.select(split).itertuples():
            waveform, own = audio.read(data.root / row.path)
            mono = audio.resample(np.ascontiguousarray(waveform[:1]), own, rate)
            with torch.inference_mode():
                kept.setdefault(row.machine, {})[mono.tobytes()] = front(torch.from_numpy(mono)[None])[0]
    return {machine: list(clips.values()) for machine, clips in sorted(kept.items())}


def percentile(scores: np.ndarray) -> float:
    """The 90th percentile of a gamma distribution fitted to scores."""
    from scipy.stats import gamma

    return float(gamma.ppf(0.9, *gamma.fit(scores, floc=0)))


def autoencoder(module, clips: list[torch.Tensor], name: str, args: argparse.Namespace) -> nn.Module:
    """The autoencoder of a machine."""
    network = module.Rebuilder()
    every = torch.cat(clips, 1)
    network.centre.copy_(every.mean(1))
    network.spread.copy_(every.std(1).clamp_min(1e-3))
    windows = torch.cat([network.windows(one[None])[0] for one in clips])
    optimiser = torch.optim.Adam(network.parameters(), lr=args.lr)
    for epoch in range(args.epochs):
        order = random.stream("training machines", args.seed, name, epoch).permutation(len(windows))
        for rows in np.array_split(order, max(1, len(order) // args.batch)):
            given = windows[rows]
            loss = (network.layers(given) - given).square().mean()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
    with torch.inference_mode():
        scores = np.array([float(network(one[None])[0]) for one in clips])
    network.threshold.fill_(percentile(scores))
    return network


def knn(module, clips: list[torch.Tensor], name: str, args: argparse.Namespace) -> nn.Module:
    """The bank of a machine."""
    network = module.Bank(len(clips))
    plain = torch.cat([network.embedding(one[None]) for one in clips])
    network.centre.copy_(plain.mean(0))
    network.spread.copy_(plain.std(0).clamp_min(1e-3))
    network.bank.copy_((plain - network.centre) / network.spread)
    apart = torch.cdist(network.bank, network.bank).fill_diagonal_(float("inf"))
    scores = apart.topk(network.neighbours, largest=False).values.mean(1).numpy()
    network.threshold.fill_(percentile(scores))
    return network


def main(argv: list[str]) -> Path:
    """Train, and write weights and card."""
    args = arguments(argv)
    torch.set_num_threads(1)
    module, shared = adapter_module(f"anomaly_{args.model}"), adapter_module("anomaly_autoencoder")
    sets = datasets(args)
    clips = spectrograms(sets, args.split, shared.FRONT.build(), shared.RATE)
    fit = {"autoencoder": autoencoder, "knn": knn}[args.model]
    with random.preserved_global_state(args.seed):
        networks = nn.ModuleDict({name: fit(module, each, name, args) for name, each in clips.items()})
    tensors = {
        key: (value.half() if value.ndim > 1 else value).contiguous() for key, value in networks.state_dict().items()
    }
    stand_in = args.data is None
    named = [f"{data.name}{'' if data.name.endswith('-synthetic') or not stand_in else '-synthetic'}" for data in sets]
    command = [Path(one).name if args.data is not None and one == str(args.data) else one for one in argv]
    about = {
        "format": "pt",
        "adapter": f"anomaly_{args.model}.py",
        "machines": json.dumps(list(clips)),
        "trained_on": json.dumps([f"{name}/{args.split}" for name in named]),
        "clips": json.dumps({name: len(each) for name, each in clips.items()}),
        "command": f"python adapters/training/machines.py {shlex.join(command)}",
        "epochs": str(args.epochs) if args.model == "autoencoder" else "0",
        "seed": str(args.seed),
        "weight_bits": "16",
        "parameters": str(sum(p.numel() for p in networks.parameters())),
    }
    return weights_file.write(
        args.out,
        tensors,
        about,
        ("machines", "trained_on", "clips", "epochs", "seed", "weight_bits", "parameters"),
    )


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except BenchbedError as error:
        print(error, file=sys.stderr)
        sys.exit(error.exit_code)
