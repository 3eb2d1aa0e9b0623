"""Which predicted source is which reference source, frame by frame: what pages draw and break errors down by.

Figures of 2020 to 2023 count seconds; a drawing needs to know every frame. Here a pair of one frame is right within the
rule's angle (and distance), and the reference's source changes hands where the output's number of it changes from one
frame to the next, as the script of 2024 counts switches and prints nothing of them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from benchbed.metrics.seld.angles import angle
from benchbed.metrics.seld.chains import chains
from benchbed.metrics.seld.counting import EPS
from benchbed.metrics.seld.flat import CellGrid, FlatTracks, flatten, grid, within
from benchbed.metrics.seld.pairing import Pairs, pairs
from benchbed.metrics.seld.rules import ANGLE_TOLERANCE, RATIO_TOLERANCE, SeldRule


@dataclass(frozen=True)
class FollowedSide:
    """Rows of the references, or of the outputs.

    Attributes
    ----------
    rows : FlatTracks
        By recording, frame and class.
    recording, frame, label, source : np.ndarray [shape=(row,), int64]
        Where each is, and the number of its source within recording and class.
    """

    rows: FlatTracks
    recording: np.ndarray
    frame: np.ndarray
    label: np.ndarray
    source: np.ndarray

    def __len__(self) -> int:
        return len(self.rows)


@dataclass(frozen=True)
class Followed:
    """Both sides with their pairs.

    Attributes
    ----------
    reference, output : FollowedSide
        Rows of all recordings.
    pairs : Pairs
        Rows of both that are one source, with the degrees between them.
    right : np.ndarray [shape=(pair,), bool]
        Near enough.
    distance, relative : np.ndarray [shape=(pair,)]
        Metres between the two distances, and as a share of the reference's; NaN where either has none.
    swapped : np.ndarray [shape=(pair,), bool]
        The reference's source was another of the output in the frame before.
    """

    reference: FollowedSide
    output: FollowedSide
    pairs: Pairs
    right: np.ndarray
    distance: np.ndarray
    relative: np.ndarray
    swapped: np.ndarray


def followed(reference: np.ndarray, output: np.ndarray, classes: int, rule: SeldRule) -> Followed:
    """Pair every frame of some recordings.

    Parameters
    ----------
    reference, output : np.ndarray [shape=(recording,), object]
        `Tracks` of each recording, decided.
    classes : int
        Number of classes.
    rule : SeldRule
        Within how many degrees, and how near in distance, a pair is right. Its unit and its script do not matter.

    Examples
    --------
    >>> from benchbed.metrics.seld.rules import rule
    >>> from benchbed.outputs.tracks.recording import tracks
    >>> there, said = np.empty(1, object), np.empty(1, object)
    >>> there[0] = tracks([0, 1], [0, 0], [30.0, 30.0])
    >>> said[0] = tracks([0, 1], [0, 0], [35.0, 80.0], source=[0, 1])
    >>> made = followed(there, said, 1, rule(2022, "segment"))
    >>> made.pairs.angle.round(9).tolist(), made.right.tolist(), made.swapped.tolist()
    ([5.0, 50.0], [True, False], [False, True])
    """
    plain = replace(rule, unit="frame", official=False)
    output, _ = within(reference, output)
    place = grid(reference, output, classes)
    there, said = (_side(flatten(recordings, place), place) for recordings in (reference, output))
    matches = pairs(there.rows, said.rows, angle(there.rows, said.rows, plain), official=False)
    at, other = matches.reference, matches.output
    distance, away = there.rows.distance[at], said.rows.distance[other]
    error = np.abs(distance - away)
    right = matches.angle <= plain.degrees + ANGLE_TOLERANCE
    if plain.distance is not None:
        most = (1 + plain.distance) * (1 + RATIO_TOLERANCE)
        # A pair without distances cannot be too far off.
        right &= ~((away > most * distance) | (distance > most * away))
    if plain.onscreen:
        right &= there.rows.onscreen[at] == said.rows.onscreen[other]
    return Followed(there, said, matches, right, error, error / (distance + EPS), _swapped(there, said, matches))


def _side(rows: FlatTracks, place: CellGrid) -> FollowedSide:
    label = rows.cell % place.classes
    recording, frame = np.divmod(rows.cell // place.classes, place.frames)
    return FollowedSide(rows, recording, frame, label, chains(rows, recording * place.classes + label))


def _swapped(there: FollowedSide, said: FollowedSide, matches: Pairs) -> np.ndarray:
    at = matches.reference
    key = np.stack([there.frame[at], there.source[at], there.label[at], there.recording[at]])
    order = np.lexsort(key)
    frame, *same = key[:, order]
    ids = said.source[matches.output][order]
    on = np.zeros(len(order), bool)
    on[1:] = (np.diff(frame) == 1) & np.all([np.diff(column) == 0 for column in same], axis=0)
    changed = np.zeros(len(order), bool)
    changed[1:] = on[1:] & (np.diff(ids) != 0)
    swapped = np.empty(len(order), bool)
    swapped[order] = changed
    return swapped
