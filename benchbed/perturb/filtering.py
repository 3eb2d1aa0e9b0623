"""Corruptions that are one linear filter per severity: the severities of a clip go through one transform together.

Rows of one transform share its vector instructions, so five rows cost about two thirds of five transforms (half where
the transform is long), and each comes out with the same bits as alone.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from benchbed.perturb.filters import Spectrum, filtered
from benchbed.perturb.guarded import Guarded, PreparedClip
from benchbed.perturb.ondevice import AppliedOnDevice, Moved
from benchbed.perturb.scratch import KEPT_BYTES


class Filtering(Guarded):
    """Base of filters: a corruption gives `response`, or `responses` where several cost less together."""

    def spectrum_of(self, state: PreparedClip) -> Spectrum:
        """The clip's spectrum in what `begin` returned."""
        return state.data

    def response(self, state: PreparedClip, parameter: Any) -> np.ndarray:
        """The filter of a parameter at the bins of the clip's spectrum, `[bin]` or `[channel, bin]`."""
        raise NotImplementedError(f"{type(self).__name__} must give response() or responses()")

    def responses(self, state: PreparedClip, parameters: Sequence[Any]) -> Iterable[np.ndarray]:
        """The filters of several parameters."""
        return (self.response(state, parameter) for parameter in parameters)

    def heard(self, state: PreparedClip, parameter: Any) -> np.ndarray:
        """The clip `[channel, sample]` through the filter of a parameter.

        The first call makes the clip at every parameter that will be asked for; the next ones find it in the working
        memory, unless another clip has come between.
        """
        clip = self.spectrum_of(state)
        made = _held.waves if _held.clip() is clip else {}
        if parameter not in made:
            parameters = [parameter] if clip.together else self._together(state, clip, parameter)
            _held.clip, clip.together = weakref.ref(clip), True
            made = _held.waves = dict(
                zip(parameters, filtered(clip, self.responses(state, parameters), len(parameters)))
            )
        return made[parameter].astype(np.float32)

    def at_on_device(self, state: PreparedClip, parameter: Any, moved: Moved) -> AppliedOnDevice:
        """The clip through one filter on a device, of a corruption that is no more than that filter."""
        import torch

        clip = self.spectrum_of(state)
        product = moved(clip.values) * moved(self.response(state, parameter))
        return AppliedOnDevice(
            torch.fft.irfft(product, clip.size)[..., : clip.samples].contiguous(), achieved=float(parameter)
        )

    def _together(self, state: PreparedClip, clip: Spectrum, parameter: Any) -> list[Any]:
        """`parameter`, and those others that will be asked for, apply, and have room in the working memory."""
        rate, channels, room = state.sample_rate, len(state.waveform), KEPT_BYTES // max(1, clip.values.nbytes)
        others = [p for p in dict.fromkeys(state.asked) if p != parameter]
        return [parameter, *[p for p in others if self.unavailable(p, rate, channels) is None][: max(0, room - 1)]]


class _Held(threading.local):
    """The clip of this thread whose severities lie in the working memory, and where."""

    def __init__(self) -> None:
        self.clip: Callable[[], Spectrum | None] = lambda: None
        self.waves: dict[Any, np.ndarray] = {}


_held = _Held()
