"""Pink noise at the attack's budget; for L∞, ±ε with the signs of pink noise."""

from __future__ import annotations

from benchbed.attack.noise import Noise


class PinkNoiseFloor(Noise):
    """Options: `draws`."""

    exponent = 1.0


ATTACK = PinkNoiseFloor
