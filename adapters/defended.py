"""A defence in front of any adapter, so that what it costs and what it gives stand in one row of a table.

    benchbed run suites/adversarial_asc.yaml --model cnn --model adapters/defended.py --set defended.defence=codec

A defence is worth what an attacker who knows it leaves of it, so what cannot be differentiated is passed straight
through on the way back, what is random is averaged, and attacks are also made on the model behind it (`undefended`) and
from its answers alone. A refusal counts as an error, attacked or not: who can make a model refuse has broken it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Literal

import numpy as np
import torch

from benchbed.adapter import Adapter, Card
from benchbed.adapter.load import load_adapter, start
from benchbed.errors import ConfigError
from benchbed.perturb import resolve
from benchbed.perturb.contract import Context
from benchbed.types import Batch

Defence = Literal["denoise", "band_limit", "quantise", "codec", "shift", "noise", "smoothing", "squeeze", "detector"]

#: What `strength` is, and its default.
STRENGTHS: dict[str, tuple[str, float]] = {
    "denoise": ("noise floors subtracted from the power of every bin", 1.5),
    "band_limit": ("cut-off in Hz", 4000.0),
    "quantise": ("bits per sample", 8.0),
    "codec": ("kbit/s of an MP3", 64.0),
    "shift": ("greatest shift in ms, circular", 50.0),
    "noise": ("standard deviation of white noise in waveform units", 0.01),
    "smoothing": ("standard deviation of the noise under which answers vote", 0.01),
    "squeeze": ("bits per sample after a median of three samples", 8.0),
    "detector": ("bits per sample after a median of three, which must not change the answer", 8.0),
}


def _denoise(waveforms: torch.Tensor, strength: float, sample_rate: int) -> torch.Tensor:
    flat, window = waveforms.flatten(0, 1), torch.hann_window(512, device=waveforms.device)
    spectrum = torch.stft(flat, 512, 128, window=window, return_complex=True)
    power = spectrum.abs().square()
    floor = power.quantile(0.2, dim=-1, keepdim=True)
    gain = (1 - strength * floor / power.clamp_min(1e-20)).clamp(0.1, 1.0)
    return torch.istft(spectrum * gain, 512, 128, window=window, length=flat.shape[-1]).reshape(waveforms.shape)


def _band_limit(waveforms: torch.Tensor, strength: float, sample_rate: int) -> torch.Tensor:
    spectrum = torch.fft.rfft(waveforms)
    heard = torch.fft.rfftfreq(waveforms.shape[-1], 1 / sample_rate, device=waveforms.device) <= strength
    return torch.fft.irfft(spectrum * heard, waveforms.shape[-1])


def _quantise(waveforms: torch.Tensor, strength: float, sample_rate: int) -> torch.Tensor:
    steps = 2 ** (strength - 1)
    return (waveforms * steps).round() / steps


def _codec(waveforms: torch.Tensor, strength: float, sample_rate: int) -> torch.Tensor:
    mp3, made = resolve("mp3"), []
    for clip in waveforms.detach().cpu().numpy():
        random = np.random.default_rng(0)  # a coder draws nothing
        state = mp3.prepare(clip, sample_rate, random, Context(severities=(strength,)))
        made.append(torch.from_numpy(np.ascontiguousarray(mp3.apply(state, strength).waveform)))
    return torch.stack(made).to(waveforms)


def _shift(waveforms: torch.Tensor, strength: float, sample_rate: int) -> torch.Tensor:
    most = round(strength / 1000 * sample_rate)
    moves = torch.randint(-most, most + 1, (len(waveforms),)).tolist()
    return torch.stack([clip.roll(move, -1) for clip, move in zip(waveforms, moves)])


def _noise(waveforms: torch.Tensor, strength: float, sample_rate: int) -> torch.Tensor:
    return waveforms + strength * torch.randn(waveforms.shape).to(waveforms)


def _squeeze(waveforms: torch.Tensor, strength: float, sample_rate: int) -> torch.Tensor:
    around = torch.nn.functional.pad(waveforms, (1, 1), mode="replicate").unfold(-1, 3, 1)
    return _quantise(around.median(-1).values, strength, sample_rate)


#: What is done to waveforms `[clip, channel, sample]`; of `smoothing` and `detector` before each single answer.
APPLIED: dict[str, Callable[[torch.Tensor, float, int], torch.Tensor]] = {
    "denoise": _denoise,
    "band_limit": _band_limit,
    "quantise": _quantise,
    "codec": _codec,
    "shift": _shift,
    "noise": _noise,
    "smoothing": _noise,
    "squeeze": _squeeze,
    "detector": _squeeze,
}
#: Differentiable as they are; the others are the identity on the way back.
SMOOTH = ("band_limit", "shift", "noise", "smoothing")


class Defended(Adapter):
    """An adapter behind a defence.

    Parameters
    ----------
    model : str
        The adapter that is defended, as `--model` takes it.
    defence : str
        `denoise` (spectral subtraction), `band_limit` (low-pass), `quantise`, `codec` (MP3 there and back), `shift`
        and `noise` (random), `smoothing` (randomized smoothing: a vote under noise, Cohen, Rosenfeld and Kolter, ICML
        2019), `squeeze` (feature squeezing: median and fewer bits, Xu, Evans and Qi, NDSS 2018), `detector` (refuses
        where squeezing changes the answer).
    strength : float, optional
        In the defence's own unit, see `STRENGTHS`.
    votes : int
        Answers of one vote of `smoothing`.
    settings : str
        Options of the model, e.g. `checkpoint=w.safetensors,width=8`.
    """

    def __init__(
        self,
        model: str = "cnn",
        defence: Defence = "quantise",
        strength: float | None = None,
        votes: int = 32,
        settings: str = "",
    ) -> None:
        options = dict(pair.split("=", 1) for pair in settings.split(",") if "=" in pair)
        self.loaded = load_adapter(model, options)
        self.undefended = self.loaded.adapter
        self.defence, self.votes = defence, votes
        self.strength = STRENGTHS[defence][1] if strength is None else strength
        inner: Card = self.undefended.card
        if defence in ("smoothing", "detector") and inner.output != "scene":
            raise ConfigError(
                f"{defence} decides on one class per clip, and {inner.name} answers {inner.output}",
                hint="take another defence",
            )
        if not self.strength > 0 or votes < 1:
            raise ConfigError(f"a strength of {self.strength:g} and {votes} votes", hint=STRENGTHS[defence][0])
        voting = {"scores": "log_probabilities"} if defence == "smoothing" else {}
        about = f"{inner.name} behind {defence} ({STRENGTHS[defence][0]}: {self.strength:g})"
        self.card = dataclasses.replace(inner, name=f"{inner.name}_{defence}", description=about, **voting)
        self.smoothing = self.strength if defence == "smoothing" else None

    def load(self, device: str = "cpu") -> None:
        start(self.loaded, device)
        self.device, self.model = self.undefended.device, self.undefended.model
        if self.undefended.forward is not None:
            paths = {"smoothing": ("surrogate", self._votes_softly), "detector": ("surrogate", self._through)}
            name, path = paths.get(self.defence, ("forward", self._through))
            setattr(self, name, path)

    def weights(self) -> list[object]:
        return self.undefended.weights()

    def close(self) -> None:
        self.undefended.close()

    def applied(self, waveforms: torch.Tensor) -> torch.Tensor:
        """Waveforms as the model behind the defence hears them."""
        return APPLIED[self.defence](waveforms, self.strength, self.card.sample_rate)

    def _through(self, waveforms: torch.Tensor) -> torch.Tensor:
        """Scores, whose gradient passes straight through what has none (BPDA)."""
        made = self.applied(waveforms)
        if self.defence not in SMOOTH:
            made = waveforms + (made - waveforms).detach()
        return self.undefended.forward(made)

    def _votes_softly(self, waveforms: torch.Tensor) -> torch.Tensor:
        """The mean probability under noise, whose gradient is that of the vote smoothed once more."""
        total = torch.stack([self._distribution(self.undefended.forward(self.applied(waveforms))) for _ in range(4)])
        return total.mean(0).clamp_min(1e-12).log()

    def _distribution(self, scores: torch.Tensor) -> torch.Tensor:
        kind = self.undefended.card.scores
        return scores if kind == "probabilities" else scores.softmax(-1)

    def _asked(self, batch: Batch, waveforms: torch.Tensor) -> np.ndarray:
        made = waveforms.float().cpu().numpy()
        return self.undefended.predict(Batch(made, batch.lengths, batch.sample_rate, batch.side))

    def predict(self, batch: Batch) -> np.ndarray:
        with torch.no_grad():
            waveforms = torch.from_numpy(np.ascontiguousarray(batch.waveforms))
            if self.defence == "smoothing":
                return self._vote(batch, waveforms)
            scores = self._asked(batch, self.applied(waveforms))
        if self.defence == "detector":
            plain = self._asked(batch, waveforms)
            refused = plain.argmax(1) != scores.argmax(1)
            # The answer of a refusal is the one that the model holds for the least likely, which is never right.
            least = plain.min(1, keepdims=True) + plain.max(1, keepdims=True) - plain
            return np.where(refused[:, None], least, plain).astype(np.float32)
        return scores

    def _vote(self, batch: Batch, waveforms: torch.Tensor) -> np.ndarray:
        counts = np.zeros((len(waveforms), len(self.card.labels)), np.float32)
        for _ in range(self.votes):
            said = self._asked(batch, self.applied(waveforms)).argmax(1)
            counts[np.arange(len(said)), said] += 1
        return np.log((counts + 0.5) / (self.votes + 0.5 * counts.shape[1]))
