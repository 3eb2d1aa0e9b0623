"""What a severity can be in each unit: a parameter outside is a slip of the pen, such as Hz where kHz is meant.

The limits are wide: they hold what can be done to audio at all, not what is sensible.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from benchbed.errors import ConfigError

#: Unit → least and greatest value; one pair for each part of a parameter that has several.
LIMITS: Mapping[str, tuple[tuple[float, float], ...]] = {
    "dB SNR, active level": ((-60.0, 120.0),),
    "dB SNR, whole clip": ((-60.0, 120.0),),
    "dB SNR, active level, all channels": ((-60.0, 120.0),),
    "dB SNR, whole clip, all channels": ((-60.0, 120.0),),
    "dB event-to-background": ((-60.0, 120.0),),
    "share of the events": ((0.0, 1.0),),
    "ppm": ((-100_000.0, 100_000.0),),
    "dB": ((-120.0, 60.0),),
    "dB DRR": ((-60.0, 60.0),),
    "dB attenuation": ((0.0, 200.0),),
    "dB standard deviation over 12 bands": ((0.0, 60.0),),
    "dB, µs": ((-120.0, 120.0), (-100_000.0, 100_000.0)),
    "octaves around 1 kHz": ((0.01, 20.0),),
    "bits": ((1.0, 24.0),),
    "threshold / active RMS": ((0.01, 100.0),),
    "ratio": ((1.0, 1000.0),),
    "share of full scale": ((-1.0, 1.0),),
    "share of the response, compression ratio": ((0.0, 10.0), (1.0, 1000.0)),
    "share of the other style": ((0.0, 1.0),),
    "% of the clip": ((0.0, 100.0),),
    "% of the mel scale": ((0.0, 100.0),),
    "% of packets": ((0.0, 100.0),),
    "% change of speed": ((0.0, 300.0),),
    "degrees yaw": ((-360.0, 360.0),),
    "degrees": ((-360.0, 360.0),),
    "codings in tandem": ((1.0, 100.0),),
    "Hz": ((1.0, 500_000.0),),
    "kHz": ((0.02, 500.0),),
    "kHz sample rate": ((0.1, 500.0),),
    "kbit/s": ((8.0, 320.0),),
    "kbit/s per channel": ((2.5, 256.0),),
    "s block": ((0.001, 60.0),),
    "semitones": ((-36.0, 36.0),),
    "T60 in s, DRR in dB": ((0.01, 30.0), (-60.0, 60.0)),
    "ms": ((-60_000.0, 60_000.0),),
    "Vorbis quality (10 best)": ((-1.0, 10.0),),
}


def refuse_impossible(name: str, parameter: Any, unit: str, where: str | None = None) -> None:
    """Refuse a severity that its unit cannot have; units without limits pass.

    Raises
    ------
    ConfigError
        With the limits and the unit.

    Examples
    --------
    >>> refuse_impossible("low_pass", 8.0, "kHz")
    >>> refuse_impossible("low_pass", 8000.0, "kHz")
    Traceback (most recent call last):
    benchbed.errors.ConfigError: low_pass: 8000 is not possible in kHz
      try: from 0.02 to 500 kHz
    """
    parts = parameter if isinstance(parameter, tuple | list) else (parameter,)
    for value, (low, high) in zip(parts, LIMITS.get(unit, ())):
        if isinstance(value, int | float) and not low <= value <= high:
            raise ConfigError(
                f"{name}: {value:g} is not possible in {unit}", where=where, hint=f"from {low:g} to {high:g} {unit}"
            )
