"""Rotation of a first-order Ambisonics scene about the vertical or any other axis; directions turn with it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from benchbed.errors import ConfigError
from benchbed.perturb.contract import Applied, Context
from benchbed.perturb.guarded import Guarded, PreparedClip

#: Axis by the option's word; counter-clockwise seen from its tip: nose down, and left ear up.
AXES = {"yaw": (0.0, 0.0, 1.0), "pitch": (0.0, 1.0, 0.0), "roll": (1.0, 0.0, 0.0)}


class FoaRotation(Guarded):
    """A model that localises must turn with the scene: an equivariance test.

    Option: `axis`, which is `yaw` (the default), `pitch`, `roll`, or `any`, an axis drawn for each clip.
    """

    group = "channel"
    unit = "degrees yaw"
    keywords = ("degrees",)
    parameters = (5.0, 10.0, 20.0, 45.0, 90.0)
    source = "own choice: a badly aimed microphone to a quarter turn; channels W, Y, Z, X (ACN) as in DCASE SELD data"
    preserves_space = False
    option_names = ("axis",)

    def take(self, options: Mapping[str, Any]) -> None:
        """Turns about another axis are other degrees."""
        super().take(options)
        self.unit = f"degrees {options.get('axis', 'yaw')}"

    def configure(self, context: Context) -> Mapping[str, Any]:
        """Check the option `axis`."""
        axis = self.option("axis", context, "yaw")
        if axis not in (*AXES, "any"):
            raise ConfigError(f"option 'axis' must be one of {', '.join(AXES)}, any, not '{axis}'")
        return super().configure(context)

    def begin(self, waveform: np.ndarray, sample_rate: int, rng: np.random.Generator, context: Context) -> int | Any:
        """The direction of the turn about the vertical; about another axis, that axis `[x, y, z]`."""
        sign = 1 - 2 * int(rng.integers(2))
        axis = self.option("axis", context, "yaw")
        if axis == "yaw":
            return sign
        if axis != "any":
            return sign * np.array(AXES[axis])
        drawn = rng.standard_normal(3)
        return drawn / np.linalg.norm(drawn)

    def at(self, state: PreparedClip, parameter: Any) -> Applied:
        """The scene turned by so many degrees (counter-clockwise positive)."""
        if not isinstance(state.data, int):
            made = state.waveform.copy()
            made[[3, 1, 2]] = _turn(state.data, float(parameter)).astype(np.float32) @ state.waveform[[3, 1, 2]]
            return Applied(made, achieved=float(parameter))
        angle = np.deg2rad(state.data * float(parameter))
        cos, sin = np.float32(np.cos(angle)), np.float32(np.sin(angle))
        w, y, z, x = state.waveform
        return Applied(np.stack([w, cos * y + sin * x, z, cos * x - sin * y]), achieved=float(parameter))

    def unavailable(self, parameter: Any, sample_rate: int, channels: int) -> str | None:
        """Clips that are not of four channels."""
        return None if channels == 4 else f"needs the four channels of first-order Ambisonics, not {channels}"

    def move_directions(self, directions: np.ndarray, state: PreparedClip, parameter: Any) -> np.ndarray:
        """Directions turned with the scene: azimuths in −180…180 degrees, elevations in −90…90."""
        if state.skipped is not None:
            return directions
        if not isinstance(state.data, int):
            azimuth, elevation = np.deg2rad(directions).T
            level = np.cos(elevation)
            vectors = np.stack([np.cos(azimuth) * level, np.sin(azimuth) * level, np.sin(elevation)])
            x, y, z = _turn(state.data, float(parameter)) @ vectors
            return np.rad2deg(np.column_stack([np.arctan2(y, x), np.arctan2(z, np.hypot(x, y))]))
        turned = np.mod(directions[:, 0] + state.data * float(parameter) + 180, 360) - 180
        return np.column_stack([turned, directions[:, 1]])


def _turn(axis: np.ndarray, degrees: float) -> np.ndarray:
    """Rotation matrix about an axis of length one (Rodrigues)."""
    angle = np.deg2rad(degrees)
    x, y, z = axis
    cross = np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
    return np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross


CORRUPTION = FoaRotation()
