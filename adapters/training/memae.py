"""Train MemAE on normal sounds of machines, and prune it, the same way every time.

    python adapters/training/memae.py --out adapters/weights/memae.safetensors
    python adapters/training/memae.py --prune adapters/weights/memae.safetensors \
        --out adapters/weights/memae_pruned.safetensors

Pruning takes filters by the L1 norm of their weights, the smallest first, layer by layer from the second to the one
before the last, and trains five epochs after each (MARVEL D3.1, 3.2, there in steps of 5 %). The loss is
the mean squared error.
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
from benchbed.errors import BenchbedError, ConfigError

sys.path.insert(0, str(Path(__file__).parent))
import weights_file
from adapter_file import adapter_module


def arguments(argv: list[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True, help="safetensors to write; a card .md is put beside it")
    parser.add_argument("--prune", type=Path, help="weights to prune, in the place of training from scratch")
    parser.add_argument("--width", type=float, default=0.125)
    parser.add_argument("--items", type=int, default=64)
    parser.add_argument("--layout", default="dcase2023_task2")
    parser.add_argument("--data", type=Path, help="folder of the data set; the synthetic machines by default")
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--again", type=int, default=5, help="epochs after each layer that was pruned")
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--lr", type=float, default=2e-3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--size", default="default", choices=("small", "default"), help="of the synthetic set")
    return parser.parse_args(argv)


def fit(whole: nn.Module, stacks: torch.Tensor, epochs: int, args: argparse.Namespace, stage: str) -> None:
    """Train on stacks."""
    optimiser = torch.optim.Adam(whole.network.parameters(), lr=args.lr)
    whole.train()
    for epoch in range(epochs):
        order = random.stream("training memae", args.seed, stage, epoch).permutation(len(stacks))
        for rows in np.array_split(order, max(1, len(order) // args.batch)):
            given = stacks[rows]
            loss = (whole.network(given) - given).square().mean()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
    whole.eval()


def prune(module, whole: nn.Module, layer: int, keep: int) -> nn.Module:
    """The network without the filters of one layer (1 to 6) whose weights are smallest; `keep` are left."""
    network = whole.network
    convolutions = [one for part in (network.encoder, network.decoder) for one in part if hasattr(one, "kernel_size")]
    norms = [one for part in (network.encoder, network.decoder) for one in part if isinstance(one, nn.BatchNorm3d)]
    own, behind = convolutions[layer], convolutions[layer + 1]
    # Filters are the first axis of a convolution's weights, and the second of a transposed one's.
    axis = 1 if isinstance(own, nn.ConvTranspose3d) else 0
    size = own.weight.abs().sum([a for a in range(5) if a != axis])
    kept = torch.sort(torch.topk(size, keep).indices).values
    filters = [one.out_channels for one in convolutions[:-1]]
    filters[layer] = keep
    made = module.Rebuilt(filters, len(network.memory.items))
    state = {key: value.clone() for key, value in whole.state_dict().items()}
    named = {id(one): name for name, one in whole.named_modules()}
    first, norm, second = named[id(own)], named[id(norms[layer])], named[id(behind)]
    state[f"{first}.weight"] = own.weight.index_select(axis, kept)
    state[f"{first}.bias"] = own.bias[kept]
    for part in ("weight", "bias", "running_mean", "running_var"):
        state[f"{norm}.{part}"] = state[f"{norm}.{part}"][kept]
    other = 0 if isinstance(behind, nn.ConvTranspose3d) else 1
    state[f"{second}.weight"] = behind.weight.index_select(other, kept)
    if layer == 3:
        state["network.memory.items"] = network.memory.items[:, kept]
    made.load_state_dict({key: value.detach() for key, value in state.items()})
    return made


def main(argv: list[str]) -> Path:
    """Train or prune, and write weights and card."""
    args = arguments(argv)
    torch.set_num_threads(1)
    module = adapter_module("memae")
    if args.data is None:
        root = synthetic.ensure(args.layout, size=args.size)
    else:
        root = args.data
    data = LAYOUTS.get(args.layout).read(root)
    if args.prune is not None:
        about = read_metadata(args.prune)
        if "filters" not in about:
            raise ConfigError("these are no weights of MemAE", where=str(args.prune))
        start, items = tuple(json.loads(about["filters"])), int(about["items"])
    else:
        start, items = module.widths(args.width), args.items
    with random.preserved_global_state(args.seed):
        whole = module.Rebuilt(start, items)
    if args.prune is not None:
        fit_state_dict(whole, load_state_dict(args.prune), where=str(args.prune))
    waves = []
    for row in data.select("train").itertuples():
        waveform, own = audio.read(data.root / row.path)
        waves.append(torch.from_numpy(audio.resample(np.ascontiguousarray(waveform[:1]), own, module.RATE)))
    with torch.inference_mode():
        if args.prune is None:
            bands = torch.cat([whole.front(one[None])[0] for one in waves], 1)
            whole.centre.copy_(bands.mean(1))
            whole.spread.copy_(bands.std(1).clamp_min(1e-3))
        stacks = torch.cat([whole.stacks(one[None]) for one in waves])
    stacks = stacks.clone()
    if args.prune is None:
        fit(whole, stacks, args.epochs, args, "whole")
    else:
        for layer, share in enumerate(module.PRUNED, start=1):
            have = start[layer]
            whole = prune(module, whole, layer, max(1, int(have * (1 - share) + 1e-9)))
            fit(whole, stacks, args.again, args, f"layer {layer}")
    tensors = {
        key: (value.half() if value.is_floating_point() and value.ndim > 1 else value).contiguous()
        for key, value in whole.state_dict().items()
    }
    every = (*whole.network.encoder, *whole.network.decoder)
    filters = [one.out_channels for one in every if hasattr(one, "kernel_size")]
    command = [Path(one).name if args.data is not None and one == str(args.data) else one for one in argv]
    about = {
        "format": "pt",
        "adapter": "memae.py",
        "filters": json.dumps(filters[:-1]),
        "items": str(len(whole.network.memory.items)),
        "trained_on": json.dumps([f"{data.name}/train"]),
        "command": f"python adapters/training/memae.py {shlex.join(command)}",
        "clips": str(len(waves)),
        "epochs": str(args.epochs if args.prune is None else args.again * len(module.PRUNED)),
        "seed": str(args.seed),
        "weight_bits": "16",
        "parameters": str(sum(p.numel() for p in whole.network.parameters())),
    }
    return weights_file.write(args.out, tensors, about)


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except BenchbedError as error:
        print(error, file=sys.stderr)
        sys.exit(error.exit_code)
