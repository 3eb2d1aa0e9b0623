"""Numbers with units as people write them in rules: `128 kB`, `30 MMAC`, `2 pt`, `10 %`, `50 ms`.

A bare number is refused, because `margin: {absolute: 1}` of a fraction is a hundred points and switches its rule off:
every number but zero carries its unit, and the unit must be one of the figure that it is held against.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any

from benchbed.gate.own import units_of_metrics

#: Unit → what one of it is in the record's own unit, and that unit. kB is 1000 bytes, as the DCASE challenge reads it
#: since 2022; KiB is 1024. `k`, `M` and `G` count anything that is counted.
UNITS: dict[str, tuple[float, str]] = {
    "B": (1.0, "bytes"),
    "bytes": (1.0, "bytes"),
    "kB": (1e3, "bytes"),
    "MB": (1e6, "bytes"),
    "GB": (1e9, "bytes"),
    "KiB": (1024.0, "bytes"),
    "MiB": (1024.0**2, "bytes"),
    "GiB": (1024.0**3, "bytes"),
    "MAC": (1.0, "MACs"),
    "MACs": (1.0, "MACs"),
    "kMAC": (1e3, "MACs"),
    "MMAC": (1e6, "MACs"),
    "GMAC": (1e9, "MACs"),
    "kMACs": (1e3, "MACs"),
    "MMACs": (1e6, "MACs"),
    "GMACs": (1e9, "MACs"),
    "FLOPs": (1.0, "FLOPs"),
    "parameters": (1.0, "parameters"),
    "clips": (1.0, "clips"),
    "k": (1e3, "count"),
    "M": (1e6, "count"),
    "G": (1e9, "count"),
    "%": (0.01, "fraction"),
    "pt": (0.01, "fraction"),
    "pts": (0.01, "fraction"),
    "fraction": (1.0, "fraction"),
    "score": (1.0, "score"),
    "x": (1.0, "ratio"),
    "×": (1.0, "ratio"),
    "ratio": (1.0, "ratio"),
    "s": (1.0, "s"),
    "ms": (1e-3, "s"),
    "us": (1e-6, "s"),
    "µs": (1e-6, "s"),
    "J": (1.0, "J"),
    "mJ": (1e-3, "J"),
    "kJ": (1e3, "J"),
    "Wh": (3600.0, "J"),
    "kWh": (3.6e6, "J"),
    "W": (1.0, "W"),
    "J/h": (1.0, "J/h"),
    "kWh/h": (1.0, "kWh/h"),
    "s/s": (1.0, "s/s"),
    "clips/s": (1.0, "clips/s"),
    "nats": (1.0, "nats"),
    "dB": (1.0, "dB"),
    "dB SNR": (1.0, "dB"),
    "d′": (1.0, "d′"),
    "severity": (1.0, "severity"),
    "step": (1.0, "severity"),
    "steps": (1.0, "severity"),
    "degrees": (1.0, "degrees"),
    "m": (1.0, "m"),
    "°": (1.0, "degrees"),
    "errors per reference": (1.0, "errors per reference"),
    "events per hour": (1.0, "events per hour"),
    "words": (1.0, "words"),
}

#: Units of figures, as records have them, that go by another name above or are counted.
_SAME = {"dB SNR": "dB", "°": "degrees"}
_COUNTED = ("MACs", "FLOPs", "parameters", "bytes", "clips")


class Amount(float):
    """A number in the record's own unit, and the unit it was written in.

    Attributes
    ----------
    unit : str
        The record's unit; empty for zero, which has none.
    written : str
        The number as it was written.
    """

    unit: str
    written: str

    def __new__(cls, value: float, unit: str = "", written: str = "") -> Amount:
        made = super().__new__(cls, value)
        made.unit, made.written = unit, written or f"{value:g}"
        return made

    def __reduce__(self) -> tuple[Any, ...]:
        return Amount, (float(self), self.unit, self.written)

    def fits(self, unit: str) -> bool:
        """Whether a figure of this unit can be held against it.

        Examples
        --------
        >>> quantity("2 pt").fits("fraction"), quantity("2 ms").fits("fraction"), quantity("128 k").fits("parameters")
        (True, False, True)
        """
        if not self.unit or self.unit == unit or self.unit == _SAME.get(unit):
            return True
        # Counts of no unit, and ratios, are plain numbers.
        plain = unit == "" and self.unit in ("ratio", "score", "count")
        return plain or (self.unit == "count" and unit in _COUNTED)


def quantity(text: float | int | str, own: Collection[str] = ()) -> Amount:
    """A number with its unit, in the record's own unit.

    Parameters
    ----------
    text : float, int or str
        As it was written.
    own : collection of str
        Units of figures that are at hand. Those of metrics that are registered, here or in another package, are known.

    Raises
    ------
    ValueError
        No number, a number without a unit, or an unknown unit.

    Examples
    --------
    >>> float(quantity("128 kB")), float(quantity("30 MMAC")), float(quantity("2 pt")), float(quantity(0))
    (128000.0, 30000000.0, 0.02, 0.0)
    >>> few = quantity("1.5 speakers", own=["speakers"])
    >>> few.fits("speakers"), few.fits("s")
    (True, False)
    """
    if isinstance(text, Amount):
        return text
    if isinstance(text, bool):
        raise ValueError(f"{text} is no number")
    parts = re.fullmatch(r"\s*([-+]?[\d_]*\.?\d+(?:[eE][-+]?\d+)?)\s*(.*?)\s*", str(text))
    if parts is None:
        raise ValueError(f"'{text}' is no number with a unit, such as 128 kB, 30 MMAC, 2 pt, 10 % or 50 ms")
    number, unit = float(parts[1].replace("_", "")), parts[2]
    if not unit:
        if number == 0:
            return Amount(0.0)
        ways = ", ".join(f"{text} {unit}" for unit in ("kB", "ms", "x", "score"))
        raise ValueError(f"{text} has no unit: write {text} % or {text} pt of a fraction, {ways}, …")
    if unit not in UNITS:
        named = {*own, *units_of_metrics()}
        if unit not in named:
            known = [*UNITS, *sorted(named - UNITS.keys())]
            raise ValueError(f"unknown unit '{unit}'; known: {', '.join(known)}")
        return Amount(number, unit, str(text).strip())
    factor, base = UNITS[unit]
    return Amount(number * factor, base, str(text).strip())
