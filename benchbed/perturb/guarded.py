"""What every corruption must do before it starts: leave silent, too short and unsuitable clips alone, and say so."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchbed.perturb.contract import Applied, Context, Corruption
from benchbed.perturb.level import is_silent, too_loud
from benchbed.perturb.ondevice import AppliedOnDevice, Moved


class CannotApply(Exception):
    """Raised by `begin` or `at` with the reason why a clip cannot be perturbed; becomes `Applied.skipped`."""


@dataclass(frozen=True)
class PreparedClip:
    """A clip made ready: audio, rate, the corruption's own work or the reason why there is none, what will be asked."""

    waveform: np.ndarray
    sample_rate: int
    data: Any = None
    skipped: str | None = None
    asked: tuple[Any, ...] = ()


class Guarded(Corruption):
    """A corruption whose `begin` and `at` only see clips they can work on.

    Attributes
    ----------
    shortest : float
        Shortest clip in seconds that can be perturbed.
    """

    shortest: float = 0.0

    def prepare(
        self, waveform: np.ndarray, sample_rate: int, rng: np.random.Generator, context: Context
    ) -> PreparedClip:
        """Severity-independent work, unless the clip has to be left alone."""
        reason = self._reason(waveform, sample_rate)
        if reason is not None:
            return PreparedClip(waveform, sample_rate, skipped=reason)
        try:
            data = self.begin(waveform, sample_rate, rng, context)
            asked = self.parameters if context.severities is None else context.severities
            return PreparedClip(waveform, sample_rate, data=data, asked=asked)
        except CannotApply as why:
            return PreparedClip(waveform, sample_rate, skipped=str(why))

    def apply(self, state: PreparedClip, parameter: Any) -> Applied:
        """The clip at one parameter, or an unchanged copy with the reason."""
        reason = state.skipped or self.unavailable(parameter, state.sample_rate, len(state.waveform))
        if reason is not None:
            return Applied(state.waveform.copy(), skipped=reason)
        try:
            return self.at(state, parameter)
        except CannotApply as why:
            return Applied(state.waveform.copy(), skipped=str(why))

    def apply_on_device(self, state: PreparedClip, parameter: Any, moved: Moved) -> AppliedOnDevice:
        """The clip at one parameter on a device, or the clip itself with the reason."""
        reason = state.skipped or self.unavailable(parameter, state.sample_rate, len(state.waveform))
        if reason is not None:
            return AppliedOnDevice(moved(state.waveform), skipped=reason)
        return self.at_on_device(state, parameter, moved)

    def at_on_device(self, state: PreparedClip, parameter: Any, moved: Moved) -> AppliedOnDevice:
        """The clip at one parameter on a device, where `device_tolerance` says that it can be made there."""
        raise NotImplementedError(f"{type(self).__name__} is made on the host only")

    @abstractmethod
    def begin(self, waveform: np.ndarray, sample_rate: int, rng: np.random.Generator, context: Context) -> Any:
        """Severity-independent work for a clip that is neither silent nor too short."""

    @abstractmethod
    def at(self, state: PreparedClip, parameter: Any) -> Applied:
        """The clip at one parameter."""

    def _reason(self, waveform: np.ndarray, sample_rate: int) -> str | None:
        if waveform.shape[1] == 0 or waveform.shape[1] < self.shortest * sample_rate:
            return f"shorter than {self.shortest:g} s"
        reasons = [self.unavailable(p, sample_rate, len(waveform)) for p in self.parameters]
        if all(reason is not None for reason in reasons):
            return reasons[0]
        if is_silent(waveform):
            return "silent"
        return too_loud(waveform) if self.group == "codec" else None
