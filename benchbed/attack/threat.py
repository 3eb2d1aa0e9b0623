"""Threat models: how much of what an attacker may add.

**L2** is stated as SNR in dB for each clip: the energy of the clip over the energy of the perturbation, both over all
channels and samples of the model's input (`20 log10(‖x‖₂ / ‖δ‖₂)`). It is the plain RMS ratio, because a budget must be
a norm. The SNR of the corruptions counts active frames only (unless `measure: whole` is asked), so in a clip with
pauses an equal number means a stronger noise there; the noise floor of attacks is therefore made by the rule of
attacks, and units say which SNR they are about. **L∞** is in waveform units.
The box −1…1 holds for both; a clip that leaves it already may stay where it is.

Over all channels together, an array can hide its budget: all of it may go into one soft channel, whose own SNR is then
far lower than what is stated. `channels: each` bounds every channel by its own level instead; in a dead channel nothing
may be added at all. L∞ bounds every sample of every channel in any case.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

import torch

from benchbed.errors import ConfigError

Norm = Literal["l2", "linf"]
#: `(rows, perturbation) → perturbation`, weaker.
Limit = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
#: `perturbation → perturbation`, a linear projection.
Subspace = Callable[[torch.Tensor], torch.Tensor]
Channels = Literal["together", "each"]

#: Unit of a budget that every channel keeps by itself.
EVERY_CHANNEL = "dB SNR, every channel"
EACH_OF_LINF = "an L∞ budget bounds every sample of every channel by itself already"

#: Radius per sample, as a share of the greatest sample, below which rounding is taken care of: 60 dB under the peak.
TIGHT = 1e-3
#: Least factor by which a perturbation of a band is made softer, so that it stays in the box.
SOFTEST = 0.1


@dataclass(frozen=True)
class Threat:
    """A norm and a budget in it.

    Examples
    --------
    >>> Threat("l2", 20.0).radius(torch.ones(1, 1, 100)).item()
    1.0
    >>> str(Threat("linf", 0.002)), Threat("linf", 0.002).milder_than(Threat("linf", 0.004))
    ('linf:0.002', True)
    >>> str(Threat("l2", 30.0, "each"))
    'l2-each:30dB'
    """

    norm: Norm
    budget: float
    channels: Channels = "together"

    #: Range of every sample, and whether what is found is sound that can be played.
    box = (-1.0, 1.0)
    realizable = True

    def __post_init__(self) -> None:
        if self.norm not in ("l2", "linf"):
            raise ConfigError(f"unknown threat model '{self.norm}'", hint="l2 or linf")
        if self.norm == "linf" and not 0 < self.budget <= 2:
            raise ConfigError(f"an L∞ budget of {self.budget:g}", hint="in waveform units, above 0, e.g. 0.002")
        if self.norm == "l2" and not -60 <= self.budget <= 120:
            raise ConfigError(f"an SNR budget of {self.budget:g} dB", hint="in dB, e.g. 30")
        if self.channels not in ("together", "each"):
            raise ConfigError(f"channels bounded '{self.channels}'", hint="together or each")
        if self.channels == "each" and self.norm == "linf":
            raise ConfigError(EACH_OF_LINF, hint="leave `channels` out")

    def __str__(self) -> str:
        return f"{named(self.norm, self.channels)}:{self.budget:g}" + ("dB" if self.norm == "l2" else "")

    @property
    def unit(self) -> str:
        """Unit of the budget, for the record."""
        if self.norm == "linf":
            return "Linf"
        return "dB SNR, whole clip" if self.channels == "together" else EVERY_CHANNEL

    def milder_than(self, other: Threat) -> bool:
        """True if everything allowed here is allowed in `other`."""
        return self.budget >= other.budget if self.norm == "l2" else self.budget <= other.budget

    def radius(self, clean: torch.Tensor) -> torch.Tensor:
        """Radius of every clip's ball `[clip]`, in waveform units (L∞) or as Euclidean norm (L2).

        Where each channel is bounded by itself, of every channel `[clip, channel]`.
        """
        if self.norm == "linf":
            return torch.full((len(clean),), self.budget, dtype=clean.dtype, device=clean.device)
        norm = norms(clean.double(), "l2", apart=self.channels == "each")
        return (norm * 10 ** (-self.budget / 20)).to(clean.dtype)

    @property
    def unbounded(self) -> Threat:
        """A budget at which no model can be robust: −20 dB SNR, or the whole box."""
        return Threat("l2", -20.0, self.channels) if self.norm == "l2" else Threat("linf", 1.0)


def named(norm: str, channels: str) -> str:
    """A threat model in one word: its norm, and whether each channel is bounded by itself."""
    return f"{norm}-each" if channels == "each" else norm


@dataclass(frozen=True)
class FeatureThreat:
    """A norm and a budget in units of the features; takes the place of `Threat`.

    L∞ bounds the change of every value, L2 the root mean square of the changes of a clip, so that a budget does not
    depend on the clip's length.

    Examples
    --------
    >>> FeatureThreat("l2", 0.1).radius(torch.zeros(2, 5, 20)).tolist()
    [1.0, 1.0]
    >>> str(FeatureThreat("linf", 0.1)), FeatureThreat("l2", 0.1).milder_than(FeatureThreat("l2", 0.3))
    ('features-linf:0.1', True)
    """

    norm: Norm
    budget: float

    box = None
    realizable = False

    def __post_init__(self) -> None:
        if self.norm not in ("l2", "linf"):
            raise ConfigError(f"unknown threat model '{self.norm}' on features", hint="l2 or linf")
        if not 0 < self.budget <= 1000:
            raise ConfigError(f"a budget of {self.budget:g} on features", hint="in units of the features, e.g. 0.1")

    def __str__(self) -> str:
        return f"features-{self.norm}:{self.budget:g}"

    @property
    def unit(self) -> str:
        """Unit of the budget, for the record."""
        return "RMS in feature units" if self.norm == "l2" else "Linf in feature units"

    def milder_than(self, other: FeatureThreat) -> bool:
        """True if everything allowed here is allowed in `other`."""
        return self.budget <= other.budget

    def radius(self, clean: torch.Tensor) -> torch.Tensor:
        """Radius of every clip's ball `[clip]`, as greatest change (L∞) or as Euclidean norm (L2)."""
        size = self.budget * (clean[0].numel() ** 0.5 if self.norm == "l2" else 1.0)
        return torch.full((len(clean),), size, dtype=clean.dtype, device=clean.device)

    @property
    def unbounded(self) -> FeatureThreat:
        """A budget at which no model can be robust: beyond the range of any logarithm of a 32-bit power."""
        return FeatureThreat(self.norm, 1000.0)


def per_clip(values: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
    """`[clip]`, or `[clip, channel]`, shaped so that it multiplies `[clip, channel, …]`."""
    return values.reshape(*values.shape, *[1] * (like.dim() - values.dim()))


def norms(difference: torch.Tensor, norm: Norm, *, apart: bool = False) -> torch.Tensor:
    """L2 or L∞ norm of each clip `[clip]`, or of each of its channels `[clip, channel]`."""
    flat = difference.flatten(2 if apart else 1)
    return flat.norm(dim=-1) if norm == "l2" else flat.abs().amax(-1)


@dataclass(frozen=True)
class Ball:
    """Everything an attacker may turn a batch of clips into.

    Attributes
    ----------
    norm : str
        `l2` or `linf`.
    clean : Tensor [shape=(clip, …)]
        Centres.
    radius : Tensor [shape=(clip,) or (clip, channel)]
        Radius of each, or of each of its channels.
    box : tuple of float or None
        Range of every sample; None for spaces without one.
    limit : callable, optional
        `limit(rows, perturbation)` weakens perturbations further, e.g. below the masking threshold of each clip.
    rows : Tensor [shape=(clip,), int64], optional
        Numbers of the clips, for `limit`.
    within : callable, optional
        Linear projection of perturbations onto what is allowed at all, e.g. a band of frequencies. Directions are
        projected before they are scaled, so that the whole budget is spent there.
    """

    norm: Norm
    clean: torch.Tensor
    radius: torch.Tensor
    box: tuple[float, float] | None = (-1.0, 1.0)
    limit: Limit | None = None
    rows: torch.Tensor | None = None
    within: Subspace | None = None

    @classmethod
    def of(
        cls,
        threat: Threat | FeatureThreat,
        clean: torch.Tensor,
        limit: Limit | None = None,
        within: Subspace | None = None,
    ) -> Ball:
        """The ball of a threat model around clips."""
        rows = torch.arange(len(clean), device=clean.device)
        return cls(threat.norm, clean, threat.radius(clean), threat.box, limit, rows, within)

    def __len__(self) -> int:
        return len(self.clean)

    def sizes(self, difference: torch.Tensor) -> torch.Tensor:
        """Norm of each difference, as `radius` is: of the clip, or of each of its channels."""
        return norms(difference, self.norm, apart=self.radius.dim() > 1)

    def select(self, rows: torch.Tensor) -> Ball:
        """The ball of some of the clips."""
        kept = None if self.rows is None else self.rows[rows]
        return replace(self, clean=self.clean[rows], radius=self.radius[rows], rows=kept)

    @cached_property
    def bounds(self) -> tuple[torch.Tensor, torch.Tensor] | None:
        """Least and greatest value of every sample: the box, and for L∞ the ball too; None where nothing bounds one.

        Both hold the clean clip, so one clamp to their intersection is the projection on the one and then on the other.
        """
        low = high = self.clean
        if self.box is not None:
            low, high = self.clean.clamp(max=self.box[0]), self.clean.clamp(min=self.box[1])
        if self.norm == "l2":
            return None if self.box is None else (low, high)
        eps = per_clip(self.radius, self.clean)
        near = self._inward(self.clean - eps, -eps), self._inward(self.clean + eps, eps)
        if self.box is None:
            return near
        return torch.maximum(near[0], low), torch.minimum(near[1], high)

    @cached_property
    def tight(self) -> bool:
        """Whether the radius is so small beside the samples that their rounding alone can lead out of the ball."""
        flat = self.clean.flatten(self.radius.dim())
        share = self.radius / max(flat.shape[-1], 1) ** 0.5 if self.norm == "l2" else self.radius
        return bool((share < TIGHT * flat.abs().amax(-1)).any())

    def _inward(self, points: torch.Tensor, difference: torch.Tensor) -> torch.Tensor:
        """Points that rounding has not led further from the clean ones than they were to be."""
        over = (points.double() - self.clean.double()).abs() > difference.double().abs()
        return torch.where(over, torch.nextafter(points, self.clean), points)

    def _on_sphere(self, points: torch.Tensor) -> torch.Tensor:
        # In double precision, then rounded towards the clean clip: for budgets that float32 rounds away.
        difference = points.double() - self.clean.double()
        size = self.sizes(difference).clamp_min(1e-300)
        difference = difference * per_clip((self.radius.double() / size).clamp(max=1.0), difference)
        return self._inward((self.clean.double() + difference).to(points.dtype), difference)

    def project(self, points: torch.Tensor) -> torch.Tensor:
        """Points brought into the ball and the box.

        The norm is restored first; the box then only moves points towards the clean clip, so it cannot undo it.
        """
        if self.within is not None:
            points = self.clean + self.within(points - self.clean)
        if self.limit is not None:
            assert self.rows is not None
            points = self.clean + self.limit(self.rows, points - self.clean)
        if self.norm == "l2" and self.tight:
            points = self._on_sphere(points)
        elif self.norm == "l2":
            difference = points - self.clean
            size = self.sizes(difference).clamp_min(1e-30)
            points = self.clean + difference * per_clip((self.radius / size).clamp(max=1.0), points)
        if self.within is not None and self.bounds is not None:
            points = self._softened(points, *self.bounds)
        return points if self.bounds is None else points.clamp(*self.bounds)

    def _softened(self, points: torch.Tensor, low: torch.Tensor, high: torch.Tensor) -> torch.Tensor:
        """Points whose perturbation is softer as a whole, by up to `SOFTEST`, where it would leave the box.

        What is cut off sample by sample sounds at all frequencies; a softer sound stays in its band.
        """
        added = points - self.clean
        room = torch.where(added > 0, high - self.clean, self.clean - low)
        share = (room / added.abs().clamp_min(1e-30)).flatten(1).amin(1).clamp(SOFTEST, 1.0)
        return self.clean + added * per_clip(share, added)

    def into(self, points: torch.Tensor) -> torch.Tensor:
        """`project` in the memory of `points`, which must be the caller's own and part of no graph."""
        if self.limit is not None or self.within is not None or (self.norm == "l2" and self.tight):
            return self.project(points)
        if self.norm == "l2":
            points.sub_(self.clean)
            size = self.sizes(points).clamp_min(1e-30)
            points.mul_(per_clip((self.radius / size).clamp(max=1.0), points)).add_(self.clean)
        return points if self.bounds is None else torch.clamp(points, *self.bounds, out=points)

    def climbed(self, points: torch.Tensor, gradient: torch.Tensor, step: torch.Tensor) -> torch.Tensor:
        """Where a step of `step`, shaped as `radius`, along the steepest direction leads, brought into the ball."""
        if self.within is not None:
            gradient = self.within(gradient)
        if self.norm == "linf":
            return self.into(gradient.sign().mul_(per_clip(step, gradient)).add_(points))
        share = step / self.sizes(gradient).clamp_min(1e-30)
        return self.into(torch.addcmul(points, gradient, per_clip(share, gradient)))

    def steepest(self, gradient: torch.Tensor) -> torch.Tensor:
        """Unit step that a linear loss grows fastest along."""
        if self.within is not None:
            gradient = self.within(gradient)
        if self.norm == "linf":
            return gradient.sign()
        return gradient / per_clip(self.sizes(gradient).clamp_min(1e-30), gradient)

    def spread(self, directions: torch.Tensor) -> torch.Tensor:
        """Points on the ball's edge in given directions: scaled to the L2 radius, or ±ε by sign for L∞."""
        return self.project(self.clean + per_clip(self.radius, directions) * self.steepest(directions))
