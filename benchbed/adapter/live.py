"""Models that are objects of this process instead of files: a network that a notebook holds."""

from __future__ import annotations

import copy
import hashlib
import inspect
import pickle
import textwrap
import uuid
from typing import Any

import numpy as np
import torch

from benchbed.adapter.contract import Adapter, Card
from benchbed.adapter.torch_adapter import TorchAdapter
from benchbed.types import Batch


class Network(TorchAdapter):
    """A `torch.nn.Module` of the caller, with the card that says what it is.

    The module is copied when the adapter is loaded: evaluation mode, device and whatever a run does to it leave the
    caller's own as it was.

    Parameters
    ----------
    module : torch.nn.Module
        Takes waveforms `[clip, channel, sample]` at the card's rate, gives scores as the card says.
    card : Card
        What it is.

    Examples
    --------
    >>> import torch
    >>> from benchbed.adapter import Card
    >>> net = torch.nn.Sequential(torch.nn.AdaptiveAvgPool1d(1), torch.nn.Flatten(), torch.nn.Linear(1, 2))
    >>> adapter = Network(net, Card(name="net", family="mlp", output="scene", labels=("a", "b"), sample_rate=8000))
    >>> adapter.load("cpu")
    >>> adapter.forward(torch.zeros(3, 1, 80)).shape
    torch.Size([3, 2])
    """

    def __init__(self, module: torch.nn.Module, card: Card) -> None:
        self.module, self.card = module, card

    def build(self) -> torch.nn.Module:
        """A copy of the caller's network."""
        return copy.deepcopy(self.module)


class Trained(TorchAdapter):
    """A torch adapter that the caller has loaded, and maybe trained on: its network is taken as it stands.

    Loading it again would build the network anew and lose what was done to it.
    """

    def __init__(self, adapter: TorchAdapter) -> None:
        self.adapter = copy.copy(adapter)
        self.module = adapter.model
        self.card = adapter.card
        # What a model may offer besides is the caller's to say.
        self.exits, self.path = self.adapter.exits, adapter.path
        self.surrogate = self.adapter.surrogate or self.adapter.attack_forward

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or "adapter" not in vars(self):
            raise AttributeError(name)
        return getattr(vars(self)["adapter"], name)

    def load(self, device: str = "cpu") -> None:
        """Copy the network, in evaluation mode, to `device`."""
        super().load(device)
        self.adapter.model, self.adapter.device = self.model, self.device

    def build(self) -> torch.nn.Module:
        """A copy of the caller's network."""
        return copy.deepcopy(self.module)

    def forward(self, waveforms: torch.Tensor) -> torch.Tensor:
        """As the caller's adapter has it."""
        return self.adapter.forward(waveforms)

    def predict(self, batch: Batch) -> np.ndarray:
        """As the caller's adapter has it."""
        return self.adapter.predict(batch)


def ready(adapter: Adapter) -> Adapter:
    """A live adapter as a run may load it: one that is loaded already keeps its network."""
    loaded = isinstance(adapter, TorchAdapter) and isinstance(vars(adapter).get("model"), torch.nn.Module)
    return Trained(adapter) if loaded else adapter  # type: ignore[arg-type]


def identity(adapter: Adapter) -> str:
    """What tells a live adapter from any other: its code and its state.

    State that cannot be written down is never the same twice: such a model's predictions are not reused.
    """
    digest = hashlib.blake2b(source_of(adapter).encode(), digest_size=16)
    digest.update(repr(adapter.card).encode())
    module = getattr(adapter, "module", None)
    if isinstance(module, torch.nn.Module):
        for name, value in module.state_dict().items():
            if isinstance(value, torch.Tensor):
                digest.update(f"{name} {value.dtype} {tuple(value.shape)}".encode())
                digest.update(value.detach().cpu().contiguous().view(torch.uint8).numpy().tobytes())
            else:
                digest.update(f"{name} {value!r}".encode())
        # Attributes besides parameters (a temperature, a flag) change answers, too.
        digest.update(_plain_state(module))
        return digest.hexdigest()
    try:
        digest.update(pickle.dumps(vars(adapter)))
    except Exception:  # whatever an object's own pickling raises
        digest.update(uuid.uuid4().bytes)
    return digest.hexdigest()


def _plain_state(module: torch.nn.Module) -> bytes:
    simple = (str, int, float, bool, tuple, type(None))
    facts = [
        (
            name,
            sorted(
                (key, repr(value))
                for key, value in vars(part).items()
                if isinstance(value, simple) and key != "training"
            ),
        )
        for name, part in module.named_modules()
    ]
    return repr(facts).encode()


def source_of(adapter: Any) -> str:
    """The code of a live adapter or network, as far as Python can show it; part of what identifies the model.

    Examples
    --------
    >>> "class Network" in source_of(Network)
    True
    """
    parts: list[type] = [adapter if isinstance(adapter, type) else type(adapter)]
    inner = getattr(adapter, "adapter", None)
    if inner is not None:
        parts.append(type(inner))
    module = getattr(adapter, "module", None)
    if module is not None:
        parts += sorted(
            {type(part) for part in module.modules()}, key=lambda kind: (kind.__module__, kind.__qualname__)
        )
    texts = []
    for kind in parts:
        try:
            texts.append(textwrap.dedent(inspect.getsource(kind)))  # type: ignore[arg-type]
        except (OSError, TypeError):
            # Typed at a prompt: the parameters still tell such a network apart.
            texts.append(f"{getattr(kind, '__module__', '')}.{getattr(kind, '__qualname__', kind)}")
    return "\n".join(texts)
