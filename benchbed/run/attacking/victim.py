"""An adapter as attacks see it: differentiable scores in the dataset's classes, and a model left as it was found."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchbed.adapter.align import Alignment
from benchbed.adapter.asking import ask
from benchbed.adapter.contract import Adapter, Card
from benchbed.attack.contract import Victim
from benchbed.run.computing.windows import on_grid
from benchbed.types import Batch

#: Two answers to the same clip that differ by more than this share of their size come from a random model.
SAME_ANSWER = 1e-4
#: Gradients averaged per step for a random model.
EOT_DRAWS = 8


def victim_of(adapter: Adapter, alignment: Alignment, eot: int = 1, grid: Grid | None = None) -> Victim:
    """The victim that an adapter makes.

    `forward` opens it to gradients; without one it only answers. `attack_forward`, where an adapter defines it, is the
    differentiable stand-in for a front end that has no useful gradient.

    Parameters
    ----------
    grid : Grid, optional
        Windows and frames of the recordings of one problem, for a frames task.
    """
    forward = getattr(adapter, "forward", None)
    stand_in = getattr(adapter, "attack_forward", None)

    def seen(through: Callable[[Any], Any]) -> Callable[[Any], Any]:
        if grid is not None:
            return _in_time(through, alignment, grid)
        return _aligned(through, alignment) if alignment.task == "scene" else _independent(through, alignment)

    if callable(forward):
        own, other = seen(_kept(forward)), seen(_kept(stand_in)) if callable(stand_in) else None
        return Victim(own, other, eot=eot, recurrent=_recurrent(adapter))
    if callable(stand_in):
        return Victim(seen(_asked(adapter)), seen(_kept(stand_in)), eot=eot)
    return Victim(seen(_asked(adapter)), differentiable=False, eot=eot)


def _kept(forward: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """A model's path that neither writes into the points it is given, nor into answers that it gave before."""
    return lambda points: forward(points.clone()).clone()


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


def _independent(forward: Callable[[Any], Any], alignment: Alignment) -> Callable[[Any], Any]:
    """Log-odds of the dataset's classes, each on its own: 0 is a probability of one half."""
    import torch

    card, columns = alignment.card, alignment.columns
    single = [column[0] for column in columns] if all(len(column) == 1 for column in columns) else None

    def scores(points: Any) -> Any:
        odds = _log_odds(forward(points), card)
        if single is not None:
            return odds[..., single]
        return torch.stack([odds[..., list(column)].amax(-1) for column in columns], -1)

    return scores


def _log_odds(raw: Any, card: Card) -> Any:
    import torch

    if card.scores == "logits" and card.output != "scene":
        return raw
    if card.scores == "probabilities":
        limits = torch.finfo(raw.dtype)
        raw = raw.clamp(limits.tiny, 1 - limits.eps / 2)
        return raw.log() - torch.log1p(-raw)
    logarithms = raw.log_softmax(-1) if card.scores == "logits" else raw
    logarithms = logarithms.clamp(-80.0, -torch.finfo(raw.dtype).eps / 2)
    return logarithms - torch.log(-torch.expm1(logarithms))


@dataclass(frozen=True)
class Grid:
    """Windows and frames of recordings of one length, which a model hears as `benchbed.run.computing.windows` says.

    Attributes
    ----------
    window : int
        Samples of a window.
    hop : float
        Seconds per frame.
    rate : int
        Samples per second.
    seconds : float
        Length of the recordings.
    tags : bool
        The model tags its window, which is then one frame.
    """

    window: int
    hop: float
    rate: int
    seconds: float
    tags: bool

    def places(self, windows: int, frames: int) -> np.ndarray:
        """Of all frames of all windows in a row, those that cover the recording once [shape=(frame,), int]."""
        every = np.arange(windows * frames).reshape(windows, frames, 1)
        return on_grid(every, self.hop, self.window / self.rate, self.seconds)[:, 0]

    @property
    def moments(self) -> np.ndarray:
        """Centres of the frames in seconds."""
        count = len(self.places(1, 1))  # how many there are does not depend on the model's answer
        return np.minimum((np.arange(count) + 0.5) * self.hop, self.seconds)


def _in_time(forward: Callable[[Any], Any], alignment: Alignment, grid: Grid) -> Callable[[Any], Any]:
    """Log-odds `[recording, frame, class]` of recordings that are heard window by window."""
    heard = _independent(forward, alignment)

    def scores(points: Any) -> Any:
        import torch

        count, channels, samples = points.shape
        windows = samples // grid.window
        pieces = points.reshape(count, channels, windows, grid.window).transpose(1, 2)
        odds = heard(pieces.reshape(count * windows, channels, grid.window))
        if grid.tags:
            odds = odds[:, None]
        frames = odds.shape[1]
        places = torch.from_numpy(grid.places(windows, frames)).to(odds.device)
        return odds.reshape(count, windows * frames, -1)[:, places]

    return scores


def _asked(adapter: Adapter) -> Callable[[Any], Any]:
    def forward(points: Any) -> Any:
        import torch

        waveforms = points.detach().cpu().numpy()
        lengths = np.full(len(waveforms), waveforms.shape[2], dtype=np.int64)
        answer = ask(adapter, Batch(waveforms, lengths, adapter.card.sample_rate), lent=True)
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
