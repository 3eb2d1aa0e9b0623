"""Rotation of a first-order Ambisonics scene about the vertical axis; directions turn with it."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchbed.perturb.contract import Applied, Context
from benchbed.perturb.guarded import Guarded, Prepared


class FoaRotation(Guarded):
    """A model that localises must turn with the scene: an equivariance test."""

    group = "channel"
    unit = "degrees yaw"
    keywords = ("degrees",)
    parameters = (5.0, 10.0, 20.0, 45.0, 90.0)
    source = "own choice: a badly aimed microphone to a quarter turn; channels W, Y, Z, X (ACN) as in DCASE SELD data"
    preserves_space = False

    def begin(self, waveform: np.ndarray, sample_rate: int, rng: np.random.Generator, context: Context) -> int:
        """The direction of the turn."""
        return 1 - 2 * int(rng.integers(2))

    def at(self, state: Prepared, parameter: Any) -> Applied:
        """The scene turned by so many degrees (counter-clockwise positive)."""
        angle = np.deg2rad(state.data * float(parameter))
        cos, sin = np.float32(np.cos(angle)), np.float32(np.sin(angle))
        w, y, z, x = state.waveform
        return Applied(np.stack([w, cos * y + sin * x, z, cos * x - sin * y]), achieved=float(parameter))

    def unavailable(self, parameter: Any, sample_rate: int, channels: int) -> str | None:
        """Clips that are not of four channels."""
        return None if channels == 4 else f"needs the four channels of first-order Ambisonics, not {channels}"

    def move_directions(self, directions: np.ndarray, state: Prepared, parameter: Any) -> np.ndarray:
        """Azimuths turned with the scene, in −180…180 degrees; elevations stay."""
        if state.skipped is not None:
            return directions
        turned = np.mod(directions[:, 0] + state.data * float(parameter) + 180, 360) - 180
        return np.column_stack([turned, directions[:, 1]])


CORRUPTION = FoaRotation()
