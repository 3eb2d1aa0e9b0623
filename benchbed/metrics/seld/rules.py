"""What each year of DCASE Task 3 counts, and what its official script counts instead.

Every year pairs the reference and predicted sources of one class in one frame by the least sum of angles and asks
whether a pair lies within 20 degrees.

========  ==========================================================================================================
2020      Units of 1 s. A class in a second is one thing, however many sources it has. Micro averages.
2021      Units of 1 s, by source; a hit in the wrong place costs half of a false output and half of a miss in F.
2022/23   As 2021, macro averages; a hit in the wrong place counts whole in the denominator of F.
2024      Frames; a pair must also agree in distance. DOA and distance errors leave out classes that were never matched.
2025      Frames, stereo: azimuths alone, front and back folded together; on-screen or not.
========  ==========================================================================================================

By default a figure is what the year's rule means. `official` reproduces the script, with what its users should know:

- 2020 and 2021 read 600 frames of every recording. Later scripts take the largest annotated frame for the number of
  frames: 2024 and 2025 never score the last annotated frame, 2022 and 2023 lose it if its number is a multiple of ten,
  and predictions beyond are free. Here a recording is scored to its end.
- 2021 to 2023: where a class is predicted in the same second but never in the same frame, the script counts as misses
  as many as were *predicted* and no false output. Otherwise it takes the difference of the two numbers of tracks for
  misses or false outputs, which hides a miss behind a false output. Here every reference source without a match is a
  miss, every predicted one beyond the matched ones a false output.
- 2021 to 2023: a "track" is the number of the row within a frame, so the order of the rows of the reference changes the
  score. Here a track is what the source column says, and no order of rows matters.
- 2020 adds up the angles of all sources of a class where it means their average.
- 2024 and 2025: a relative distance error of at most 1 lets every underestimate pass, 0 m included. Here a distance
  passes between half and twice the reference.
- 2024: unit vectors are made with 1e-10 under the root, so equal directions differ by 0.0008 degrees and 20 degrees is
  a miss. Here 20 degrees is within 20 degrees in every year.
- From 2022 on macro means run over every class of the data set; one that does not occur counts as F 0 and, until 2023,
  as 180 degrees. Here they run over the classes that occur in the reference.
- A recording without a prediction file is left out of the script's score, and from 2022 to 2024 a recording in which
  nothing is annotated stops it.
- 2025 keeps ten sources of a class in a frame and overwrites one of them from the eleventh on; it prints distance
  errors in cm, which are metres here.
- From 2022 on its jackknife prints, beside the interval of all recordings, the value of all but the last (but not on
  the branch `eval_scoring` of 2022); that of 2025 stops, and so does any with other than 13 classes. Here value and
  interval are of all recordings.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from benchbed.errors import ConfigError

Unit = Literal["segment", "frame"]

#: Frames of a segment of one second.
SEGMENT = 10

#: Frames that the scripts of 2020 and 2021 read of every recording.
FIXED_FRAMES = 600

#: Angles are compared to this many degrees, so that 20 degrees computed on another machine is still 20 degrees.
ANGLE_TOLERANCE = 1e-9

#: The same for ratios of distances.
RATIO_TOLERANCE = 1e-9


@dataclass(frozen=True)
class SeldRule:
    """How sources are counted.

    Attributes
    ----------
    year : int
        2020, 2021, 2022, 2024 or 2025.
    unit : {"segment", "frame"}
        What one hit or error is counted in.
    official : bool
        As the year's script does it.
    degrees : float
        Largest angle of a hit.
    distance : float or None
        Largest relative distance error of a hit; None where distances are not scored.
    onscreen : bool
        A hit must also be right about being seen.
    decided : str
        How activities of a network became sources, where that is not the baselines' way.
    """

    year: int
    unit: Unit
    official: bool = False
    degrees: float = 20.0
    distance: float | None = None
    onscreen: bool = False
    decided: str = ""

    @property
    def frames(self) -> int:
        """Frames of a unit."""
        return SEGMENT if self.unit == "segment" else 1

    @property
    def azimuth_only(self) -> bool:
        """Stereo: no elevation, and no telling front from back."""
        return self.year == 2025

    @property
    def by_class(self) -> bool:
        """A class in a unit is one thing, however many sources it has."""
        return self.year == 2020

    @property
    def distances(self) -> bool:
        """Distance errors are part of the score."""
        return self.distance is not None

    @property
    def name(self) -> str:
        """Name for the record, e.g. `seld2024:official:frame`."""
        parts = [f"seld{self.year}", *(["official"] if self.official else []), self.unit, f"{self.degrees:g}deg"]
        if self.distance is not None:
            gate = f"relative-{self.distance:g}" if self.official else f"factor-{1 + self.distance:g}"
            parts.append(f"distance-{gate}")
        if self.onscreen:
            parts.append("onscreen")
        if self.decided:
            parts.append(self.decided)
        return ":".join(parts)

    def as_official(self) -> SeldRule | None:
        """The same by the year's script, or None if it has no such unit."""
        if self.unit == "frame" and self.year < 2024:
            return None
        return replace(self, official=True)


def rule(
    year: int,
    unit: Unit,
    *,
    official: bool = False,
    degrees: float = 20.0,
    distance: float | None = None,
    onscreen: bool = False,
) -> SeldRule:
    """A rule, checked.

    Raises
    ------
    ConfigError
        A unit or threshold that does not exist, or an official script that has no such unit.

    Examples
    --------
    >>> rule(2022, "segment").name
    'seld2022:segment:20deg'
    """
    if unit not in ("segment", "frame"):
        raise ConfigError(f"unknown unit '{unit}'", hint="segment or frame")
    if not 0 < degrees <= 180:
        raise ConfigError(f"a largest angle of {degrees} degrees")
    if distance is not None and not distance > 0:
        raise ConfigError(f"a largest relative distance error of {distance}")
    made = SeldRule(year, unit, False, degrees, distance, onscreen)
    if not official:
        return made
    asked = made.as_official()
    if asked is None:
        raise ConfigError(f"the official script of {year} counts in segments, not in frames", hint="unit: segment")
    return asked
