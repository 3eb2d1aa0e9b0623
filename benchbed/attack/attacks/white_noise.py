"""White noise at the attack's budget; for L∞, the strongest noise allowed: ±ε with random signs."""

from __future__ import annotations

from benchbed.attack.noise import Noise


class WhiteNoiseFloor(Noise):
    """Options: `draws`."""


ATTACK = WhiteNoiseFloor
