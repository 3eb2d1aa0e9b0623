"""Checks of `forward`, the differentiable path: it agrees with `predict` and has gradients an attack can use."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from benchbed.adapter.check.trial import Status, Trial
from benchbed.adapter.surroundings import at_home


def forward_agrees(trial: Trial) -> tuple[Status, str]:
    """`forward` and `predict` give the same scores; attacks would otherwise break another model than the one scored."""
    forward = _forward(trial)
    if forward is None and _path(trial) is not None:
        return "skipped", "hear gives what the decoder is told; predict is made of it"
    if forward is None:
        return "skipped", "no forward: white-box attacks and MAC counting are closed"
    import torch

    signals = trial.noise()
    with torch.inference_mode():
        scores = forward(_tensor(trial, signals)).double().cpu().numpy()
    predicted = trial.predict(signals)
    if scores.shape != predicted.shape:
        return "fail", f"forward gives shape {list(scores.shape)}, predict {list(predicted.shape)}"
    gap = float(np.abs(scores - predicted).max())
    scale = max(1.0, float(np.abs(predicted).max()))
    status: Status = "pass" if gap <= 1e-4 * scale else "fail"
    return status, f"forward and predict differ by at most {gap:.3g} (scores up to {scale:.3g})"


def gradients(trial: Trial) -> tuple[Status, str]:
    """The gradient of the scores, or of what a decoder is told, by the waveform exists, is finite and is not zero."""
    forward = _path(trial)
    if forward is None:
        return "skipped", "no forward"
    import torch

    for name, signals in (("noise", trial.noise(2)), ("silence", np.zeros_like(trial.noise(2)))):
        waveforms = _tensor(trial, signals).requires_grad_(True)
        with torch.enable_grad():
            scores = forward(waveforms)
            if not scores.requires_grad:
                return "fail", "forward cuts the gradient (detach, numpy, rounding or no_grad on the way)"
            weights = torch.linspace(1.0, 2.0, scores.shape[-1], device=scores.device)
            (gradient,) = torch.autograd.grad((scores * weights).sum(), waveforms, allow_unused=True)
        if gradient is None:
            return "fail", "the scores do not depend on the waveform"
        if not bool(gradient.isfinite().all()):
            if name == "silence":
                return "warn", "finite for noise, but NaN or infinite for silence; put the floor inside the logarithm"
            return "fail", "the gradient of noise is NaN or infinite"
        if name == "noise":
            size = float(gradient.abs().mean())
            reached = float((gradient != 0).float().mean())
            if size == 0.0:
                return "fail", "the gradient is zero everywhere: an attack would find nothing and call it robust"
    return "pass", f"finite; mean size {size:.3g}, {reached:.0%} of samples reached"


def _forward(trial: Trial) -> Callable[[Any], Any] | None:
    forward = trial.adapter.forward
    return None if forward is None else at_home(trial.adapter, forward)


def _path(trial: Trial) -> Callable[[Any], Any] | None:
    """The differentiable path: `forward`, or the encoder of a model that decodes its answers."""
    hear = trial.adapter.hear
    return _forward(trial) or (None if hear is None else at_home(trial.adapter, hear))


def _tensor(trial: Trial, signals: np.ndarray) -> Any:
    import torch

    return torch.from_numpy(signals.copy()).to(trial.adapter.device)


CHECKS = (forward_agrees, gradients)
