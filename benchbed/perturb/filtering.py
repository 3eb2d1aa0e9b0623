"""Corruptions that are one linear filter per severity: the severities of a clip, or of a few clips in turn, go through
one transform together.

Rows of one transform share its vector instructions four by four, so five rows cost about two thirds of five transforms
and twenty half of twenty, and each comes out with the same bits as alone.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from benchbed.perturb.filters import Spectrum, filtered, transform
from benchbed.perturb.guarded import Guarded, PreparedClip
from benchbed.perturb.ondevice import AppliedOnDevice, Moved
from benchbed.perturb.scratch import KEPT_BYTES


class Filtering(Guarded):
    """Base of filters: a corruption gives `response`, or `responses` where several cost less together."""

    together = 4

    def spectrum_of(self, state: PreparedClip) -> Spectrum:
        """The clip's spectrum in what `begin` returned."""
        return state.data

    def response(self, state: PreparedClip, parameter: Any) -> np.ndarray:
        """The filter of a parameter at the bins of the clip's spectrum, `[bin]` or `[channel, bin]`."""
        raise NotImplementedError(f"{type(self).__name__} must give response() or responses()")

    def responses(self, state: PreparedClip, parameters: Sequence[Any]) -> Iterable[np.ndarray]:
        """The filters of several parameters."""
        return (self.response(state, parameter) for parameter in parameters)

    def side_by_side(self, states: Sequence[PreparedClip]) -> None:
        """Clips that will be asked for in turn are made together where there is room for them."""
        _held.coming = [weakref.ref(state) for state in states if state.skipped is None]

    def heard(self, state: PreparedClip, parameter: Any) -> np.ndarray:
        """The clip `[channel, sample]` through the filter of a parameter.

        The first call makes the clip, and those beside it, at every parameter that will be asked for; the next ones
        find it in the working memory, unless another clip has come between.
        """
        clip = self.spectrum_of(state)
        if parameter not in _held.waves.get(clip, {}):
            self._make(state, clip, parameter)
        return _held.waves[clip][parameter].astype(np.float32)

    def _make(self, state: PreparedClip, clip: Spectrum, parameter: Any) -> None:
        """Fill the working memory."""
        wanted = {clip: [parameter] if clip.together else self._together(state, clip, parameter)}
        of = {clip: state}
        for other in [] if clip.together else self._beside(state):
            beside = self.spectrum_of(other)
            rows = self._together(other, beside)
            taken = sum(map(len, wanted.values())) + len(rows)
            # Beyond one of another form, which takes over the working memory, all would be made in vain.
            if not beside.like(clip) or beside.together or 2 * taken * clip.nbytes > KEPT_BYTES:
                break
            wanted[beside], of[beside] = rows, other
        try:
            self._fill(wanted, of)
        except Exception:
            if len(wanted) == 1:
                raise
            # Whatever a clip beside it does to its filter comes again when it is that clip's turn.
            self._fill({clip: wanted[clip]}, of)

    def _fill(self, wanted: Mapping[Spectrum, Sequence[Any]], of: Mapping[Spectrum, PreparedClip]) -> None:
        transform(list(wanted))
        _held.waves = weakref.WeakKeyDictionary()
        waves = iter(
            filtered(
                [each for each, rows in wanted.items() for _ in rows],
                (one for each, rows in wanted.items() for one in self.responses(of[each], rows)),
            )
        )
        for each, rows in wanted.items():
            each.together = True
            _held.waves[each] = {row: next(waves) for row in rows}

    def at_on_device(self, state: PreparedClip, parameter: Any, moved: Moved) -> AppliedOnDevice:
        """The clip through one filter on a device, of a corruption that is no more than that filter."""
        import torch

        clip = self.spectrum_of(state)
        product = moved(clip.values) * moved(self.response(state, parameter))
        return AppliedOnDevice(
            torch.fft.irfft(product, clip.size)[..., : clip.samples].contiguous(), achieved=float(parameter)
        )

    def _beside(self, state: PreparedClip) -> list[PreparedClip]:
        """The clips that will be asked for after this one, as far as they are still to be."""
        coming = [found for one in _held.coming if (found := one()) is not None]
        place = next((number for number, one in enumerate(coming) if one is state), len(coming))
        return coming[place + 1 :]

    def _together(self, state: PreparedClip, clip: Spectrum, *first: Any) -> list[Any]:
        """`first`, and those others that will be asked for, apply, and have room in the working memory."""
        rate, channels, room = state.sample_rate, len(state.waveform), KEPT_BYTES // max(1, clip.nbytes)
        others = [p for p in dict.fromkeys(state.asked) if p not in first]
        able = [p for p in others if self.unavailable(p, rate, channels) is None]
        return [*first, *able[: max(0, room - len(first))]]


class _Held(threading.local):
    """The clips of this thread whose severities lie in the working memory, and where; those that will be asked for."""

    def __init__(self) -> None:
        self.waves: weakref.WeakKeyDictionary[Spectrum, dict[Any, np.ndarray]] = weakref.WeakKeyDictionary()
        self.coming: list[weakref.ref[PreparedClip]] = []


_held = _Held()
