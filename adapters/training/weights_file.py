"""Weights as a safetensors file, and the card beside it that says how they were made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from safetensors.torch import save_file

#: What the file says of itself and the card does not repeat.
UNTOLD = ("format", "adapter", "command", "labels")


def write(
    out: Path, tensors: Mapping[str, torch.Tensor], about: Mapping[str, str], told: Sequence[str] | None = None
) -> Path:
    """Write weights and their card, `OUT` with the ending `.md`.

    Parameters
    ----------
    out : Path
        File to write; its folder is made.
    tensors : mapping of str to Tensor
        Weights by name, as they are kept.
    about : mapping of str to str
        Metadata of the file; `command` is what made it.
    told : sequence of str, optional
        What of it stands on the card; by default all that says how the weights came about.
    """
    out.parent.mkdir(parents=True, exist_ok=True)
    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, out, metadata=dict(about))
    told = [name for name in about if name not in UNTOLD] if told is None else told
    rows = "".join(f"| {name.replace('_', ' ')} | {about[name]} |\n" for name in told)
    out.with_suffix(".md").write_text(f"# {out.stem}\n\nMade by `{about['command']}`.\n\n| | |\n|---|---|\n{rows}")
    print(out)
    return out
