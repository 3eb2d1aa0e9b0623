"""What a loaded model holds: every tensor, module and value, digested."""

from __future__ import annotations

import hashlib
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from benchbed.adapter.contract import Adapter
from benchbed.adapter.watch import place_of

if TYPE_CHECKING:
    import torch

#: How deep the objects that an adapter holds are looked into, and how many of them.
DEPTH, OBJECTS = 6, 20_000


def state_of(adapter: Adapter) -> dict[str, str]:
    """Digests of all parameters, buffers and arrays that an adapter holds, by the attribute that leads to them."""
    torch = sys.modules.get("torch")
    kinds: tuple[type, ...] = (np.ndarray,) if torch is None else (np.ndarray, torch.nn.Module, torch.Tensor)
    found = {}
    for name, value in values_of(adapter, *kinds):
        digest = hashlib.blake2b(digest_size=16)
        if isinstance(value, np.ndarray):
            if value.dtype.hasobject:
                continue
            digest.update(f"{value.dtype}{value.shape}".encode() + np.ascontiguousarray(value).tobytes())
        elif torch is not None and isinstance(value, torch.nn.Module):
            _add_module(digest, value)
        else:
            _add_tensor(digest, value)
        found[name] = digest.hexdigest()
    return found


def values_of(adapter: Adapter, *kinds: type) -> Iterator[tuple[str, Any]]:
    """Values of some types that an adapter holds: in itself, in its class, and in its module."""
    module = sys.modules.get(type(adapter).__module__)
    shared = vars(module) if module is not None and place_of(getattr(module, "__file__", None) or "<") == "own" else {}
    known: set[int] = {id(adapter)}
    waiting: list[tuple[str, Any, int]] = [
        *((name, value, 0) for name, value in vars(adapter).items()),
        *(
            (f"{each.__name__}.{name}", value, DEPTH)
            for each in type(adapter).__mro__
            for name, value in vars(each).items()
        ),
        *((f"{module.__name__ if module else ''}:{name}", value, DEPTH) for name, value in shared.items()),
    ]
    while waiting and len(known) < OBJECTS:
        name, value, depth = waiting.pop(0)
        if value is None or isinstance(value, str | bytes | int | float | complex | bool | type | ModuleType | Path):
            continue
        if id(value) in known:
            continue
        known.add(id(value))
        if isinstance(value, kinds):
            yield re.sub(r"^benchbed_adapter_\w+:", ":", name), value
        elif depth >= DEPTH:
            continue
        elif isinstance(value, Mapping):
            waiting += [(f"{name}[{key!r}]", part, depth + 1) for key, part in list(value.items())[:OBJECTS]]
        elif isinstance(value, list | tuple):
            waiting += [(f"{name}[{index}]", part, depth + 1) for index, part in enumerate(value[:OBJECTS])]
        elif place_of(getattr(sys.modules.get(type(value).__module__), "__file__", None) or "<frozen") != "python":
            waiting += [(f"{name}.{key}", part, depth + 1) for key, part in getattr(value, "__dict__", {}).items()]


def _add_module(digest: Any, module: torch.nn.Module) -> None:
    import torch

    known = set()
    for name, part in module.named_modules():
        digest.update(f"{name} {type(part).__qualname__} {part.training}\n".encode())
    for name, tensor in [
        *module.named_parameters(remove_duplicate=False),
        *module.named_buffers(remove_duplicate=False),
    ]:
        known.add(name)
        digest.update(name.encode())
        _add_tensor(digest, tensor)
    # Quantised layers pack their weights, and layers may keep further state.
    for name, value in module.state_dict().items():
        if name not in known:
            digest.update(name.encode())
            _add_any(digest, value)
    if isinstance(module, torch.jit.ScriptModule):
        digest.update(str(module.graph).encode() if hasattr(module, "graph") else b"")


def _add_any(digest: Any, value: Any) -> None:
    import torch

    if isinstance(value, torch.Tensor):
        _add_tensor(digest, value)
    elif isinstance(value, list | tuple):
        for part in value:
            _add_any(digest, part)
    elif isinstance(value, str | int | float | bool | bytes | None | torch.dtype):
        digest.update(repr(value).encode())


def _add_tensor(digest: Any, tensor: torch.Tensor) -> None:
    import torch

    digest.update(f"{tensor.dtype}{getattr(tensor, 'shape', None) if not _lazy(tensor) else ''}".encode())
    if _lazy(tensor) or tensor.is_meta:
        return
    with torch.no_grad():
        plain = tensor.detach()
        if plain.is_quantized:
            digest.update(f"{plain.qscheme()}".encode())
            for part in _scales(plain):
                _add_tensor(digest, part)
            plain = plain.int_repr()
        elif plain.layout != torch.strided:
            plain = plain.to_dense()
        plain = plain.resolve_conj().resolve_neg().cpu().contiguous().reshape(-1)
        if plain.numel():
            digest.update(plain.view(torch.uint8).numpy().data)


def _lazy(tensor: torch.Tensor) -> bool:
    from torch.nn.parameter import is_lazy

    return is_lazy(tensor)


def _scales(tensor: torch.Tensor) -> list[torch.Tensor]:
    import torch

    if tensor.qscheme() in (torch.per_channel_affine, torch.per_channel_symmetric):
        return [tensor.q_per_channel_scales(), tensor.q_per_channel_zero_points()]
    return [torch.tensor([tensor.q_scale(), tensor.q_zero_point()], dtype=torch.float64)]
