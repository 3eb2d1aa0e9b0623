"""Angles between directions in degrees: exact ones, and those of the official scripts to the last digit."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from benchbed.metrics.seld.flat import FlatTracks
from benchbed.metrics.seld.rules import SeldRule

#: From rows of the reference and of the outputs to the angle of each pair.
Angle = Callable[[np.ndarray, np.ndarray], np.ndarray]


def angle(reference: FlatTracks, output: FlatTracks, rule: SeldRule) -> Angle:
    """How the angle between a reference and a predicted row is computed."""
    if rule.azimuth_only:
        return _folded(reference, output)
    if not rule.official:
        return _great_circle(reference, output)
    return _normalised(reference, output) if rule.year == 2024 else _arccos(reference, output)


def fold(azimuth: np.ndarray) -> np.ndarray:
    """Azimuths with the back mirrored to the front, −90…90, as two channels hear them.

    Examples
    --------
    >>> fold(np.array([30.0, 170.0, -135.0, 180.0])).tolist()
    [30.0, 10.0, -45.0, 0.0]
    """
    turned = (azimuth + 180) % 360 - 180
    made = np.where(turned < -90, -180 - turned, turned)
    return np.where(turned > 90, 180 - turned, made)


def great_circle(
    azimuth: np.ndarray, elevation: np.ndarray, other_azimuth: np.ndarray, other_elevation: np.ndarray
) -> np.ndarray:
    """Angle between directions, by haversines: exact for small angles, where the arc cosine loses half the digits.

    Examples
    --------
    >>> great_circle(np.array([10.0]), np.array([0.0]), np.array([10.0]), np.array([90.0])).round(9).tolist()
    [90.0]
    """
    up, other_up = np.radians(elevation), np.radians(other_elevation)
    turn = np.sin(np.radians(azimuth - other_azimuth) / 2) ** 2
    half = np.sin((up - other_up) / 2) ** 2 + np.cos(up) * np.cos(other_up) * turn
    half = np.minimum(half, 1.0)
    return np.degrees(2 * np.arctan2(np.sqrt(half), np.sqrt(1 - half)))


def _great_circle(reference: FlatTracks, output: FlatTracks) -> Angle:
    def between(ref: np.ndarray, out: np.ndarray) -> np.ndarray:
        return great_circle(
            reference.azimuth[ref], reference.elevation[ref], output.azimuth[out], output.elevation[out]
        )

    return between


def _folded(reference: FlatTracks, output: FlatTracks) -> Angle:
    there, said = fold(reference.azimuth), fold(output.azimuth)
    return lambda ref, out: np.abs(there[ref] - said[out])


def _arccos(reference: FlatTracks, output: FlatTracks) -> Angle:
    parts = []
    for rows in (reference, output):
        azimuth, elevation = rows.azimuth * np.pi / 180.0, rows.elevation * np.pi / 180.0
        parts.append((azimuth, np.sin(elevation), np.cos(elevation)))

    def between(ref: np.ndarray, out: np.ndarray) -> np.ndarray:
        (azimuth, sine, cosine), (other, other_sine, other_cosine) = parts
        turn = np.cos(np.abs(azimuth[ref] - other[out]))
        inner = sine[ref] * other_sine[out] + cosine[ref] * other_cosine[out] * turn
        return np.arccos(np.clip(inner, -1, 1)) * 180 / np.pi

    return between


def _normalised(reference: FlatTracks, output: FlatTracks) -> Angle:
    parts = []
    for rows in (reference, output):
        elevation, azimuth = rows.elevation * np.pi / 180.0, rows.azimuth * np.pi / 180.0
        level = np.cos(elevation)
        x, y, z = np.cos(azimuth) * level, np.sin(azimuth) * level, np.sin(elevation)
        norm = np.sqrt(x**2 + y**2 + z**2 + 1e-10)
        parts.append((x / norm, y / norm, z / norm))

    def between(ref: np.ndarray, out: np.ndarray) -> np.ndarray:
        (x, y, z), (other_x, other_y, other_z) = parts
        inner = x[ref] * other_x[out] + y[ref] * other_y[out] + z[ref] * other_z[out]
        return np.arccos(np.clip(inner, -1, 1)) * 180 / np.pi

    return between
