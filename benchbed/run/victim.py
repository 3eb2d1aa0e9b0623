"""An adapter as attacks see it: differentiable scores in the dataset's classes, and a model left as it was found."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from benchbed.adapter.align import Alignment
from benchbed.adapter.contract import Adapter
from benchbed.attack.contract import Victim
from benchbed.types import Batch

#: Two answers to the same clip that differ by more than this share of their size come from a random model.
SAME_ANSWER = 1e-4
#: Gradients averaged per step for a random model.
EOT_DRAWS = 8


def victim_of(adapter: Adapter, alignment: Alignment, eot: int = 1) -> Victim:
    """The victim that an adapter makes.

    `forward` opens it to gradients; without one it only answers. `attack_forward`, where an adapter defines it, is the
    differentiable stand-in for a front end that has no useful gradient.
    """
    forward = getattr(adapter, "forward", None)
    stand_in = getattr(adapter, "attack_forward", None)
    if callable(forward):
        answer, through = _aligned(forward, alignment), _aligned(stand_in, alignment) if callable(stand_in) else None
        return Victim(answer, through, eot=eot, recurrent=_recurrent(adapter))
    if callable(stand_in):
        return Victim(_aligned(_asked(adapter), alignment), _aligned(stand_in, alignment), eot=eot)
    return Victim(_aligned(_asked(adapter), alignment), differentiable=False, eot=eot)


def _aligned(forward: Callable[[Any], Any], alignment: Alignment) -> Callable[[Any], Any]:
    """Scores in the dataset's classes, as logits or logarithms, whose order is that of the aligned probabilities."""
    import torch

    card, columns = alignment.card, alignment.columns
    single = [column[0] for column in columns] if all(len(column) == 1 for column in columns) else None

    def scores(points: Any) -> Any:
        raw = forward(points)
        if card.scores == "probabilities":
            raw = raw.clamp_min(torch.finfo(raw.dtype).tiny).log()
        elif card.scores == "logits" and card.output != "scene":
            raw = torch.nn.functional.logsigmoid(raw)
        if single is not None:
            return raw[..., single]
        return torch.stack([raw[..., list(column)].amax(-1) for column in columns], -1)

    return scores


def _asked(adapter: Adapter) -> Callable[[Any], Any]:
    def forward(points: Any) -> Any:
        import torch

        waveforms = points.detach().cpu().numpy()
        lengths = np.full(len(waveforms), waveforms.shape[2], dtype=np.int64)
        answer = adapter.predict(Batch(waveforms, lengths, adapter.card.sample_rate))
        return torch.from_numpy(np.ascontiguousarray(answer)).to(points.device)

    return forward


def _recurrent(adapter: Adapter) -> bool:
    import torch

    model = getattr(adapter, "model", None)
    return isinstance(model, torch.nn.Module) and any(isinstance(m, torch.nn.RNNBase) for m in model.modules())


@contextlib.contextmanager
def untouched(adapter: Adapter) -> Iterator[Callable[[], list[str]]]:
    """Freeze a torch model's parameters for the attack and put everything back; yields a function that says what moved.

    Yields
    ------
    callable
        `() → list of str`: training flags, gradients, parameters or buffers that are not as they were.
    """
    import torch

    model = getattr(adapter, "model", None)
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
        found = [f"{name}: training" for name, m in model.named_modules() if m.training != flags[name]]
        for name, p in model.named_parameters():
            old = gradients[name]
            same = p.grad is old if p.grad is None or old is None else torch.equal(p.grad, old)
            if not same:
                found.append(f"{name}: gradient")
        after = _digest(model)
        return found + [f"{name}: value" for name in before if before[name] != after.get(name)]

    try:
        yield moved
    finally:
        for name, module in model.named_modules():
            module.training = flags[name]
        for name, p in model.named_parameters():
            p.requires_grad_(wanted[name])
            p.grad = gradients[name]


def _digest(model: Any) -> dict[str, tuple[float, float]]:
    """Two sums of every parameter and buffer: enough to see that a running mean has moved."""
    state = {**dict(model.named_parameters()), **dict(model.named_buffers())}
    return {n: (float(v.detach().double().sum()), float(v.detach().double().abs().sum())) for n, v in state.items()}
