"""The csv files of DCASE Task 3 by year: columns, units, header, and how to tell one form from another.

==========  ==========================================================  ================================================
form        columns                                                     where
==========  ==========================================================  ================================================
polar-4     frame, class, azimuth, elevation                            submissions without source numbers, to 2021
polar-5     frame, class, source, azimuth, elevation                    references 2020–2022, synthetic ones of 2023
cartesian-6 frame, class, source, x, y, z                               outputs of the baselines 2020–2022
polar-6     frame, class, source, azimuth, elevation, distance          references 2023 and 2024 (cm), outputs 2024
cartesian-7 frame, class, source, x, y, z, distance                     outputs of the baselines 2023 and 2024 (m)
stereo-6    frame, class, source, azimuth, distance, onscreen; header   2025 (cm)
events-6    sound_event_recording, start_time, end_time, ele, azi, dist references 2019, one line for each event
==========  ==========================================================  ================================================

Frames last 100 ms and count from 0; angles are degrees.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from benchbed.errors import ConfigError

Unit = Literal["cm", "m"]
Kind = Literal["polar", "cartesian", "stereo", "events"]

#: Distances with a median above this are no metres in any room that was recorded.
MOST_METRES = 15.0

#: Lengths of direction vectors: those of ACCDOA outputs say how sure the model is.
VECTOR_LENGTHS = (0.2, 2.0)


@dataclass(frozen=True)
class Form:
    """One way to write tracks.

    Attributes
    ----------
    name : str
        Name, e.g. `polar-5`.
    kind : {"polar", "cartesian", "stereo", "events"}
        How directions are written.
    columns : int
        Number of columns.
    years : tuple of int
        Years whose files have it.
    distance : bool
        Has a column of distances.
    header : str
        First line, where there is one.
    """

    name: str
    kind: Kind
    columns: int
    years: tuple[int, ...]
    distance: bool = False
    header: str = ""

    @property
    def describe(self) -> str:
        """The form in words, with its years."""
        years = f"{self.years[0]}–{self.years[-1]}" if len(self.years) > 1 else str(self.years[0])
        what = {"polar": "azimuth and elevation", "cartesian": "x, y, z", "stereo": "azimuth, distance, on-screen"}
        made = what.get(self.kind, "one line for each event")
        return f"{self.columns} columns with {made}{', distance' * (self.distance and self.kind != 'stereo')} ({years})"


FORMS = {
    form.name: form
    for form in (
        Form("polar-4", "polar", 4, (2020, 2021, 2022, 2023)),
        Form("polar-5", "polar", 5, (2020, 2021, 2022, 2023)),
        Form("cartesian-6", "cartesian", 6, (2020, 2021, 2022, 2023)),
        Form("polar-6", "polar", 6, (2023, 2024), True),
        Form("cartesian-7", "cartesian", 7, (2023, 2024), True),
        Form("stereo-6", "stereo", 6, (2025,), True, "frame,class,source,azimuth,distance,onscreen"),
        Form("events-6", "events", 6, (2019,), True, "sound_event_recording,start_time,end_time,ele,azi,dist"),
    )
}

#: Unit of the distances in each year's references.
UNITS: dict[int, Unit] = {2023: "cm", 2024: "cm", 2025: "cm"}

#: Form of each year's references, and of the outputs that benchbed writes.
REFERENCE = {2020: "polar-5", 2021: "polar-5", 2022: "polar-5", 2023: "polar-6", 2024: "polar-6", 2025: "stereo-6"}

YEARS = tuple(REFERENCE)


def check_year(year: int) -> None:
    """Raise ConfigError for a year without a form of tracks.

    Examples
    --------
    >>> check_year(2018)
    Traceback (most recent call last):
    benchbed.errors.ConfigError: no tracks of 2018
      try: 2020, 2021, 2022, 2023, 2024, 2025
    """
    if year not in YEARS:
        raise ConfigError(f"no tracks of {year}", hint=", ".join(map(str, YEARS)))


def recognise(values: np.ndarray, header: str | None) -> Form | None:
    """The form of a table, or None if it is none.

    Parameters
    ----------
    values : np.ndarray [shape=(row, column)]
        The numbers; without rows the header alone decides.
    header : str, optional
        The first line, if it is no row.

    Examples
    --------
    >>> recognise(np.array([[0, 3, 0, -50, 30]]), None).name
    'polar-5'
    >>> recognise(np.array([[0, 3, 0, 0.6, 0.0, 0.8]]), None).name
    'cartesian-6'
    >>> recognise(np.array([[0, 3, 0, -50, 187, 1]]), None).name
    'stereo-6'
    """
    if header is not None:
        words = header.replace(" ", "").lower()
        named = [form for form in FORMS.values() if form.header and form.header == words]
        if named:
            return named[0]
        if "onscreen" in words or "on_screen" in words:
            return FORMS["stereo-6"]
        if "start_time" in words:
            return FORMS["events-6"]
    columns = values.shape[1] if values.ndim == 2 else 0
    if columns == 6:
        return FORMS[_six(values)]
    return next((form for form in FORMS.values() if form.columns == columns and not form.header), None)


def unit_of(distances: np.ndarray) -> Unit | None:
    """The unit that distances seem to be in; None without any.

    Examples
    --------
    >>> unit_of(np.array([180.0, 240.0])), unit_of(np.array([1.8, 2.4])), unit_of(np.zeros(0))
    ('cm', 'm', None)
    """
    known = distances[np.isfinite(distances) & (distances > 0)]
    if not len(known):
        return None
    return "cm" if np.median(known) > MOST_METRES else "m"


def _six(values: np.ndarray) -> str:
    if not len(values):
        return "polar-6"
    length = np.linalg.norm(values[:, 3:6], axis=1)
    if ((length >= VECTOR_LENGTHS[0]) & (length <= VECTOR_LENGTHS[1])).all():
        return "cartesian-6"
    flags = np.isin(values[:, 5], (0.0, 1.0)).all()
    # Whole centimetres and 0 or 1: an elevation never leaves ±90, and no distance in a room is 0 or 1 cm.
    if flags and (values[:, 4] >= 0).all() and (values[:, 4] == np.rint(values[:, 4])).all():
        return "stereo-6"
    return "polar-6"
