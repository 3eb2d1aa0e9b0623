"""Deceptive models: one small network of three tones, and copies of it that are each wrong in one way.

Every copy hears as well as the network itself; what is wrong is what an attack is told. `TRAPS` has, by name, what is
put before and after the network, what is added to its adapter, and which checks may give the reason away.
"""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from pathlib import Path

MODEL = '''
import hashlib

import numpy as np
import torch
from benchbed.adapter import Card, TorchAdapter


class Passed(torch.autograd.Function):
    """The identity, whose gradient is changed on its way back."""

    @staticmethod
    def forward(ctx, x, change):
        ctx.change = change
        return x.clone()

    @staticmethod
    def backward(ctx, gradient):
        return ctx.change(gradient), None


def mask(gradient):
    drawn = torch.Generator().manual_seed(0)
    return gradient * (torch.rand(gradient.shape[1:], generator=drawn) < 0.02)


def noise_like(gradient):
    drawn = torch.Generator().manual_seed(int(1e6 * float(gradient.abs().sum())) % 2**31)
    return gradient.abs().mean() * torch.randn(gradient.shape, generator=drawn)


def off_lattice(x):
    return (x * 32768 - (x * 32768).round()).abs().flatten(1).amax(1) > 1e-3


class Bands(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.calls, self.heard = 0, []

    def plain(self, x):
        power = torch.fft.rfft(x[:, 0]).abs().square() + 1e-3
        edges = [0, 150, 500, power.shape[1]]
        tones = torch.stack([power[:, a:b].sum(1).log() for a, b in zip(edges, edges[1:])], 1)
        # What makes it brittle: patterns that no clip has, and that are easily added to one.
        drawn = torch.Generator().manual_seed(0)
        patterns = torch.randn(3, x.shape[-1], generator=drawn) / x.shape[-1] ** 0.5
        return tones + 12 * x[:, 0] @ patterns.T

    def forward(self, x):
        self.calls += 1
        asked = x
        {before}
        scores = {scale} * self.plain(x)
        {after}
        return scores


class Toy(TorchAdapter):
    card = Card(name="{name}", family="other", output="scene", labels=("low", "middle", "high"), sample_rate=8000{card})

    def build(self):
        return Bands()
{extra}
'''


@dataclass(frozen=True)
class Trap:
    """One way to be wrong.

    Attributes
    ----------
    before, after : str
        Lines around the network.
    extra : str
        Methods of the adapter.
    card : str
        What the card says besides.
    told_by : tuple of str
        Checks of which one must fail or warn, if the model is reported more robust than its undefended twin.
    honest : str
        What the twin has before the network: the same function with its own gradient. Empty for the network alone,
        where the trap changes what an attack is told, or what is answered, but not what the network hears.
    scale : float
        What scores are multiplied by.
    """

    before: str = "pass"
    after: str = "pass"
    extra: str = ""
    card: str = ""
    told_by: tuple[str, ...] = ("audit",)
    scale: float = 4.0
    honest: str = ""


def _back(change: str) -> str:
    return f"x = Passed.apply(x, {change})"


TRAPS = {
    "rounding": Trap("x = (x * 64).round() / 64", told_by=("gradient_zero", "audit")),
    "shattered": Trap("x = x + 2e-4 * torch.sin(2e5 * x)"),
    "random_gradient": Trap(_back("noise_like")),
    "reversed_gradient": Trap(_back("lambda g: -g")),
    "sparse_gradient": Trap(_back("mask")),
    "gated_gradient": Trap(_back("lambda g: g * (torch.arange(g.shape[-1]) < 40)")),
    "saturated_outputs": Trap(after="scores = (4e4 * scores).softmax(1)", told_by=("saturation", "audit")),
    "rounded_outputs": Trap(after="scores = scores.round()", told_by=("gradient_zero", "audit")),
    "numpy_front_end": Trap(
        "x = torch.from_numpy(np.tanh(x.detach().numpy()))", told_by=("closed", "gradient_zero", "black_box")
    ),
    "quantised_mel": Trap(after="scores = 4 * (scores / 6).round()", told_by=("gradient_zero", "audit")),
    "dropout": Trap("x = torch.nn.functional.dropout(x, 0.5)", told_by=("randomness",)),
    "input_noise": Trap("x = x + 0.1 * torch.randn_like(x)", told_by=("randomness",)),
    # The look of honest noise, with a gradient that leads down: the greatest of many noisy answers rises all the same.
    "reversed_noise": Trap(
        "x = Passed.apply(x + 0.02 * torch.randn_like(x), lambda g: -g)", told_by=("audit", "progress")
    ),
    "random_shift": Trap("x = x.roll(int(torch.randint(0, 2000, ())), -1)", told_by=("randomness",)),
    "hash_noise": Trap(
        "drawn = [int(hashlib.md5(one.numpy().tobytes()).hexdigest()[:8], 16) for one in x.detach()]; "
        "made = [torch.randn(x.shape[1:], generator=torch.Generator().manual_seed(d)) for d in drawn]; "
        "x = x + 0.1 * torch.stack(made)"
    ),
    "batch_statistics": Trap(
        after="scores = scores - scores.mean(0) if len(x) > 1 else scores",
        told_by=("agreement", "batch", "fresh", "audit"),
    ),
    # A quieter clip moves what is linear in it less: the robustness of another level is the function's own.
    "peak_normalisation": Trap(
        "x = 0.2 * x / x.detach().abs().amax((1, 2), keepdim=True)",
        honest="x = 0.2 * x / x.abs().amax((1, 2), keepdim=True)",
    ),
    "lattice_detector": Trap(
        "off = off_lattice(x)[:, None, None]; x = torch.where(off, ((x * 16).round() / 16).detach(), x)",
        told_by=("audit", "black_box"),
    ),
    "memory": Trap(
        after="""
        kept = []
        for i, one in enumerate(asked.detach()):
            near = [s for w, s in self.heard if float((w - one).norm()) < 0.2 * float(w.norm())]
            if not near and not torch.is_grad_enabled():
                self.heard.append((one.clone(), scores[i].detach().clone()))
            kept.append(near[0] + scores[i] - scores[i].detach() if near else scores[i])
        scores = torch.stack(kept)""",
        told_by=("fresh", "audit", "agreement"),
    ),
    "spectral_gate": Trap(
        "spectrum = torch.fft.rfft(x); loud = spectrum.abs().detach() > 0.03 * spectrum.abs().detach().amax(-1, True); "
        "x = torch.fft.irfft(spectrum * loud, x.shape[-1])",
        told_by=("audit", "black_box", "progress", "jumps"),
    ),
    "codec": Trap(
        "x = torch.sign(x) * (256 ** ((torch.log1p(255 * x.abs()) / np.log(256) * 15).round() / 15) - 1) / 255",
        told_by=("gradient_zero", "audit"),
    ),
    "biased_forward": Trap(
        extra="""
    def forward(self, x):
        return self.model(x) - torch.tensor([0.0, 12.0, 24.0])

    def predict(self, batch):
        with torch.inference_mode():
            return self.model(torch.from_numpy(batch.waveforms)).numpy()
""",
        told_by=("agreement", "audit"),
    ),
    "foreign_forward": Trap(
        extra="""
    def forward(self, x):
        return 1e3 * torch.stack([x.mean((1, 2)), x.square().mean((1, 2)), x[:, 0, ::7].sum(1) / 100], 1)

    def predict(self, batch):
        with torch.inference_mode():
            return self.model(torch.from_numpy(batch.waveforms)).numpy()
""",
        told_by=("agreement", "audit"),
    ),
    "small_scores": Trap(
        extra="""
    def forward(self, x):
        return self.model(x) - 1e-4 * torch.tensor([0.0, 0.5, 1.0])

    def predict(self, batch):
        with torch.inference_mode():
            return self.model(torch.from_numpy(batch.waveforms)).numpy()
""",
        scale=1e-4,
        told_by=("agreement",),
    ),
    "switch": Trap(
        "far = (x.detach().abs().mean((1, 2)) * 1e4).frac() < 0.9; x = torch.where(far[:, None, None], x.detach(), x)",
        told_by=("gradient_zero", "audit"),
    ),
    "sleeper": Trap(
        "part = torch.fft.rfft(x); "
        "x = x if self.calls > 40 else torch.fft.irfft(part * (part.abs() > 40), x.shape[-1])",
        told_by=("fresh", "audit", "agreement", "gradient_zero"),
    ),
}


def write(folder: Path, name: str, trap: Trap) -> Path:
    """The adapter's file."""
    text = MODEL
    parts = {"before": trap.before, "after": trap.after, "extra": trap.extra, "card": trap.card, "name": name}
    for key, value in {**parts, "scale": str(trap.scale)}.items():
        text = text.replace("{" + key + "}", textwrap.dedent(value) if key == "x" else value)
    path = folder / f"{name}.py"
    path.write_text(text)
    return path
