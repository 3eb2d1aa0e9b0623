"""An adapter as attacks see it: differentiable scores in the dataset's classes, and a model left as it was found."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from benchbed.adapter.asking import ask
from benchbed.adapter.contract import Adapter
from benchbed.adapter.pulse import beating
from benchbed.adapter.surroundings import if_any
from benchbed.attack.contract import Victim
from benchbed.attack.twin import Forward
from benchbed.protocols import Model
from benchbed.types import Batch, Queries

if TYPE_CHECKING:
    import torch

#: Two answers to the same clip that differ by more than this share of their size come from a random model.
SAME_ANSWER = 1e-4
#: Gradients averaged per step for a random model.
EOT_DRAWS = 8


#: What all clips are asked alike, by column.
Shared = Mapping[str, Queries]


def victim_of(
    adapter: Model,
    seen: Callable[[Forward], Forward],
    eot: int = 1,
    path: str = "forward",
    shared: Shared = MappingProxyType({}),
) -> Victim:
    """The victim that an adapter makes.

    `forward` opens it to gradients; without one it only answers. `surrogate`, where an adapter defines it, is the
    differentiable stand-in for a front end that has no useful gradient.

    Parameters
    ----------
    seen : callable
        From the model's own forward to what the losses climb: the twin of its reading, in `benchbed.attack.losses`.
    path : str
        What the differentiable path is called: `forward`, or that of a part that answers are decoded from.
    shared : mapping of str to Queries
        What all clips are asked alike.
    """
    forward, stand_in = getattr(adapter, path), adapter.surrogate or adapter.attack_forward
    if forward is not None:
        own = seen(_kept(adapter, forward))
        other = seen(_kept(adapter, stand_in)) if stand_in is not None else None
        return Victim(own, other, eot=eot, recurrent=_recurrent(adapter))
    if stand_in is not None:
        return Victim(seen(asked(adapter, shared)), seen(_kept(adapter, stand_in)), eot=eot)
    return Victim(seen(asked(adapter, shared)), differentiable=False, eot=eot)


def shows_gradient(adapter: Model, path: str = "forward") -> bool:
    """Whether attacks get a gradient of a model: its own, or that of a stand-in it states."""
    return any(each is not None for each in (getattr(adapter, path), adapter.surrogate, adapter.attack_forward))


def met_by(adapter: Adapter, task: str) -> tuple[bool, bool]:
    """Whether attacks on a task get a model's gradient, and whether it meets black boxes with thousands of queries, as
    models without a gradient and those behind a defence do."""
    from benchbed.attack.losses import LOSSES

    opened = shows_gradient(adapter, getattr(LOSSES.get(task), "PATH", "forward"))
    return opened, not opened or adapter.undefended is not None


def _kept(adapter: Model, forward: Forward) -> Forward:
    """A model's path that neither writes into the points it is given, nor into answers that it gave before."""

    def kept(points: torch.Tensor) -> torch.Tensor:
        with beating(f"forward, {len(points)} input(s)"), if_any(adapter):
            return forward(points.clone()).clone()

    return kept


def asked(adapter: Model, shared: Shared, samples: int | None = None) -> Forward:
    """A model's plain path as a function of tensors: `predict`, without a gradient; of features of so many samples."""

    def forward(points: torch.Tensor) -> torch.Tensor:
        import torch

        waveforms = points.detach().cpu().numpy()
        lengths = np.full(len(waveforms), samples or waveforms.shape[2], dtype=np.int64)
        side = {name: (queries,) * len(waveforms) for name, queries in shared.items()}
        answer = ask(adapter, Batch(waveforms, lengths, adapter.card.sample_rate, side), lent=True)
        return torch.from_numpy(np.ascontiguousarray(answer)).to(points.device)

    return forward


def _recurrent(adapter: Model) -> bool:
    import torch

    model = adapter.model
    return isinstance(model, torch.nn.Module) and any(isinstance(m, torch.nn.RNNBase) for m in model.modules())


@contextlib.contextmanager
def untouched(adapter: Model) -> Iterator[Callable[[], list[str]]]:
    """Freeze a torch model's parameters for the attack and put everything back; yields a function that says what moved.

    Yields
    ------
    callable
        `() → list of str`: training flags, gradients, parameters or buffers that are not as they were.
    """
    import torch

    model = adapter.model
    if not isinstance(model, torch.nn.Module):
        yield list
        return
    flags = {name: module.training for name, module in model.named_modules()}
    wanted = {name: p.requires_grad for name, p in model.named_parameters()}
    gradients = {name: None if p.grad is None else p.grad.clone() for name, p in model.named_parameters()}
    before = _digest(model)
    for parameter in model.parameters():
        parameter.requires_grad_(False)

    def moved() -> list[str]:
        changed = [f"{name}: training" for name, m in model.named_modules() if m.training != flags[name]]
        for name, p in model.named_parameters():
            old = gradients[name]
            same = p.grad is old if p.grad is None or old is None else torch.equal(p.grad, old)
            if not same:
                changed.append(f"{name}: gradient")
        after = _digest(model)
        return changed + [f"{name}: value" for name in before if before[name] != after.get(name)]

    try:
        yield moved
    finally:
        for name, module in model.named_modules():
            module.training = flags[name]
        for name, p in model.named_parameters():
            p.requires_grad_(wanted[name])
            p.grad = gradients[name]


def _digest(model: torch.nn.Module) -> dict[str, tuple[float, float]]:
    """Two sums of every parameter and buffer: enough to see that a running mean has moved."""
    state = {**dict(model.named_parameters()), **dict(model.named_buffers())}
    return {n: (float(v.detach().double().sum()), float(v.detach().double().abs().sum())) for n, v in state.items()}
