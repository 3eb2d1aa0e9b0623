"""Numbers with units as people write them in rules: `128 kB`, `30 MMAC`, `2 pt`, `10 %`, `50 ms`."""

from __future__ import annotations

import re

#: What one of each is in the record's own units (bytes, MACs, seconds, joules, fractions). kB is 1000 bytes, as the
#: DCASE challenge reads it since 2022; KiB is 1024.
UNITS = {
    "": 1.0,
    "B": 1.0,
    "kB": 1e3,
    "MB": 1e6,
    "GB": 1e9,
    "KiB": 1024.0,
    "MiB": 1024.0**2,
    "GiB": 1024.0**3,
    "MAC": 1.0,
    "MACs": 1.0,
    "kMAC": 1e3,
    "MMAC": 1e6,
    "GMAC": 1e9,
    "kMACs": 1e3,
    "MMACs": 1e6,
    "GMACs": 1e9,
    "k": 1e3,
    "M": 1e6,
    "G": 1e9,
    "%": 0.01,
    "pt": 0.01,
    "pts": 0.01,
    "x": 1.0,
    "×": 1.0,
    "s": 1.0,
    "ms": 1e-3,
    "us": 1e-6,
    "µs": 1e-6,
    "J": 1.0,
    "mJ": 1e-3,
    "kJ": 1e3,
    "Wh": 3600.0,
    "kWh": 3.6e6,
    "nats": 1.0,
    "dB": 1.0,
}


def quantity(text: float | int | str) -> float:
    """A number, with its unit if it has one, in the record's own unit.

    Raises
    ------
    ValueError
        No number, or an unknown unit.

    Examples
    --------
    >>> quantity("128 kB"), quantity("30 MMAC"), quantity("2 pt"), quantity(0.5)
    (128000.0, 30000000.0, 0.02, 0.5)
    """
    if isinstance(text, bool):
        raise ValueError(f"{text} is no number")
    if isinstance(text, (int, float)):
        return float(text)
    found = re.fullmatch(r"\s*([-+]?[\d_]*\.?\d+(?:[eE][-+]?\d+)?)\s*([A-Za-z%µ×]*)\s*", text)
    if found is None:
        raise ValueError(f"'{text}' is no number with a unit, such as 128 kB, 30 MMAC, 2 pt, 10 % or 50 ms")
    number, unit = found.groups()
    if unit not in UNITS:
        raise ValueError(f"unknown unit '{unit}'; known: {', '.join(u for u in UNITS if u)}")
    return float(number.replace("_", "")) * UNITS[unit]
