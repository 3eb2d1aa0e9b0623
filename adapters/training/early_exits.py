"""Train the early exits of the shipped CNN, which stays as it is, the same way every time.

    python adapters/training/early_exits.py --branch vit --out adapters/weights/early_exits_vit.safetensors
    python adapters/training/early_exits.py --branch cnn --out adapters/weights/early_exits_cnn.safetensors

Branches learn from the training split of the synthetic scenes, each by itself on what the frozen network hears there;
both sorts take the same clips in the same order. The test split is scored once, exit by exit.
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
from benchbed.adapter.checkpoint import fit_state_dict, load_state_dict, read_metadata
from benchbed.data import LAYOUTS, synthetic
from benchbed.errors import BenchbedError

sys.path.insert(0, str(Path(__file__).parent))
import weights_file
from adapter_file import ADAPTERS, adapter_module


def arguments(argv: list[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True, help="safetensors to write; a card .md is put beside it")
    parser.add_argument("--branch", choices=("vit", "cnn"), required=True)
    parser.add_argument("--network", type=Path, default=ADAPTERS / "weights" / "cnn.safetensors")
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--lr", type=float, default=1e-3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--size", default="default", choices=("small", "default"), help="of the synthetic set")
    return parser.parse_args(argv)


def heard(exits: nn.Module, data, split: str, labels: tuple[str, ...]) -> tuple[list[torch.Tensor], torch.Tensor]:
    """What the frozen network hears at each branch, and classes."""
    parts: list[list[torch.Tensor]] = [[] for _ in exits.branches]
    classes = []
    rows = data.select(split)
    for first in range(0, len(rows), 64):
        some = rows.iloc[first : first + 64]
        waves = np.stack([audio.read(data.root / path)[0][:1] for path in some["path"]])
        with torch.inference_mode():
            for kept, site in zip(parts, exits.sites(exits.network.features(torch.from_numpy(waves)))):
                kept.append(site.half())
        classes += [labels.index(label) for label in some["label"]]
    return [torch.cat(kept) for kept in parts], torch.tensor(classes)


def fit(branch: nn.Module, sounds: torch.Tensor, classes: torch.Tensor, args: argparse.Namespace) -> None:
    """Train one branch."""
    optimiser = torch.optim.Adam(branch.parameters(), lr=args.lr, weight_decay=1e-4)
    for epoch in range(args.epochs):
        order = random.stream("training exits", args.seed, epoch).permutation(len(sounds))
        for rows in np.array_split(order, max(1, len(order) // args.batch)):
            loss = nn.functional.cross_entropy(branch(sounds[rows].float()), classes[rows], label_smoothing=0.1)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()


def main(argv: list[str]) -> Path:
    """Train, and write weights and card."""
    args = arguments(argv)
    torch.set_num_threads(1)
    module = adapter_module("early_exits")
    labels = tuple(json.loads(read_metadata(args.network)["labels"]))
    with random.preserved_global_state(args.seed):
        exits = module.Exits(len(labels), args.branch)
    fit_state_dict(exits.network, load_state_dict(args.network), where=str(args.network))
    exits.eval()
    data = LAYOUTS.get("tau2022").read(synthetic.ensure("tau2022", size=args.size))
    sites, classes = heard(exits, data, "train", labels)
    for branch, sounds in zip(exits.branches, sites):
        fit(branch, sounds, classes, args)
    tensors = {
        key: (value.half() if value.is_floating_point() and value.ndim > 1 else value).contiguous()
        for key, value in exits.state_dict().items()
    }
    exits.load_state_dict(
        {key: value.float() if value.is_floating_point() else value for key, value in tensors.items()}
    )
    tested, truth = heard(exits, data, "test", labels)
    with torch.inference_mode():
        right = [
            float((branch(sounds.float()).argmax(1) == truth).float().mean())
            for branch, sounds in zip(exits.branches, tested)
        ]
    about = {
        "format": "pt",
        "adapter": "early_exits.py",
        "branch": args.branch,
        "labels": json.dumps(list(labels)),
        "trained_on": json.dumps([f"{data.name}/train"]),
        "command": f"python adapters/training/early_exits.py {shlex.join(argv)}",
        "clips": str(len(classes)),
        "epochs": str(args.epochs),
        "seed": str(args.seed),
        "weight_bits": "16",
        "parameters_of_branches": json.dumps([sum(p.numel() for p in b.parameters()) for b in exits.branches]),
        "accuracy_of_branches_on_test": json.dumps([round(value, 4) for value in right]),
    }
    return weights_file.write(args.out, tensors, about)


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except BenchbedError as error:
        print(error, file=sys.stderr)
        sys.exit(error.exit_code)
