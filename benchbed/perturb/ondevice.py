"""Corruptions where the model runs: what the host has prepared is moved once, and each severity is made there.

Draws stay on the host, so that no device changes one. Numpy's result is the reference; a corruption that says
`device_tolerance` promises that every sample lies within it, as a share of the clip's largest sample.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch

#: Constant arrays (responses of filters) that are kept on the device.
KEPT = 64
#: One rounding of float32: the same operations in the same order, of which a device may join two.
ROUNDING = 2.0**-23
#: Transforms of other libraries add in another order.
TRANSFORM = 4e-6


@dataclass(frozen=True)
class AppliedOnDevice:
    """One perturbed clip on a device; the fields are those of `Applied`.

    Attributes
    ----------
    waveform : torch.Tensor [shape=(channel, sample), float32]
    """

    waveform: torch.Tensor
    achieved: float | None = None
    skipped: str | None = None
    note: str | None = None
    facts: Mapping[str, object] = field(default_factory=dict)


class Moved:
    """Arrays of a clip on a device: each is moved once, and constant ones stay for the next clips.

    Parameters
    ----------
    move : callable
        Moves a float32 array, e.g. `benchbed.adapter.moving.ToDevice`.

    Examples
    --------
    >>> import torch
    >>> moved, wave = Moved(torch.from_numpy), np.ones((1, 4), np.float32)
    >>> moved(wave) is moved(wave), moved(np.ones(2, np.complex64)).dtype
    (True, torch.complex64)
    """

    def __init__(self, move: Callable[[np.ndarray], torch.Tensor]) -> None:
        self._move = move
        self._clip: dict[int, tuple[np.ndarray, torch.Tensor]] = {}
        self._constant: OrderedDict[int, tuple[np.ndarray, torch.Tensor]] = OrderedDict()

    def forget(self) -> None:
        """Let go what belongs to one clip."""
        self._clip.clear()

    def __call__(self, array: np.ndarray) -> torch.Tensor:
        """An array, float32 or complex64, on the device; nobody writes into it."""
        kept = self._clip if array.flags.writeable else self._constant
        if id(array) not in kept:
            kept[id(array)] = array, self._taken(array)
            while len(self._constant) > KEPT:
                self._constant.popitem(last=False)
        return kept[id(array)][1]

    def _taken(self, array: np.ndarray) -> torch.Tensor:
        import torch

        if array.dtype != np.complex64:
            # Torch warns of arrays that nobody may write into.
            return self._move(np.array(array, np.float32, copy=None if array.flags.writeable else True))
        # Page-locked buffers are of one type.
        parts = np.ascontiguousarray(array).view(np.float32).reshape(*array.shape, 2)
        return torch.view_as_complex(self._move(parts))
