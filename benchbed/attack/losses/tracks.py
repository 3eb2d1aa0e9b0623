"""Sounds and where they are: hide sources, insert some, or move their directions.

Scores are vectors as `benchbed.outputs.tracks.vectors` has them, `[clip, frame, track, class, part]`: ACCDOA with one
track, multi-ACCDOA with several, or two branches with an activity beside the direction. The reference is `[clip, frame,
source, class, 5]`: 1 where there is a source, its direction as a unit vector, and its distance in metres (0 where none
is annotated), the sources of a cell first. Thresholds, unification and the 20 degrees of a hit stay outside the loss;
success is defined with them.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import permutations, product

import torch
from torch.nn.functional import pad, softplus

from benchbed.attack.twin import Forward
from benchbed.outputs.contract import Heard
from benchbed.outputs.tracks.reading import TracksReading
from benchbed.outputs.tracks.recording import FRAME_SECONDS
from benchbed.outputs.tracks.vectors import THRESHOLD

#: Steepness of a curved loss around the threshold of activity, and around a hit's angle.
STEEP = 8.0
#: Chord of 20 degrees on the unit sphere: where a hit ends.
HIT = 0.3473
#: A moved source is kept this active, so that it is found in the wrong place and not merely lost.
KEPT = THRESHOLD + 0.05
#: Under roots, so that vectors of length 0 have a gradient of 0.
TINY = 1e-12


def scores(forward: Forward, reading: TracksReading, heard: Heard) -> Forward:
    """Vectors `[recording, frame, track, class, part]` of recordings of one length, laid out as the reading's."""
    layout, hop = reading.layout(heard), reading.card.frame_seconds or FRAME_SECONDS
    length = round((heard.window or heard.seconds) * reading.card.sample_rate)
    together = max(1, round(FRAME_SECONDS / hop))

    def climbed(points: torch.Tensor) -> torch.Tensor:
        count, channels, samples = points.shape
        windows = max(1, samples // length)
        pieces = points.reshape(count, channels, windows, -1).transpose(1, 2)
        raw = forward(pieces.reshape(count * windows, channels, -1))
        apart = raw if raw.dim() == 5 else raw[:, :, None]
        if apart.shape[-1] > 3:  # a distance may be untold; the other parts may not
            apart = torch.cat([apart[..., :-1], apart[..., -1:].nan_to_num()], -1)
        lacking = -apart.shape[1] % together
        if lacking:
            apart = torch.cat([apart, apart[:, -1:].expand(-1, lacking, -1, -1, -1)], 1)
        at = apart.unflatten(1, (-1, together)).mean(2)[:, : layout.step]
        joined = _lengthened(at, layout.step).reshape(count, windows * layout.step, *at.shape[2:])
        joined = _lengthened(joined[:, : layout.frames], layout.frames)
        ways = [
            torch.stack(
                [
                    joined[:, :, :, c[way]] if way < len(c) else torch.zeros_like(joined[:, :, :, 0])
                    for c in layout.columns
                ],
                3,
            )
            for way in range(layout.ways)
        ]
        return torch.cat(ways, 2)

    return climbed


def margin(scores: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Mean over the sources of how far the nearest vector reaches in their direction, less the threshold of activity:
    negative when most are lost or moved; of a clip without sources, when any sounds.

    Examples
    --------
    >>> there = torch.tensor([[[[[1.0, 1.0, 0.0, 0.0, 0.0]]]]])
    >>> round(margin(torch.tensor([[[[[0.9, 0.0, 0.0]]]]]), there).item(), 6)
    0.4
    """
    activity, units = _read(scores)
    there, directions = target[..., 0], target[..., 1:4]
    reach = torch.einsum("bftcx,bfscx->bftsc", activity[..., None] * units, directions).amax(2)
    found = (reach * there).flatten(1).sum(1) / there.flatten(1).sum(1).clamp_min(1) - THRESHOLD
    return torch.where(there.flatten(1).any(1), found, THRESHOLD - activity.flatten(1).amax(1))


def adpit(scores: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """The loss that localisers are trained with, climbed: the least squared error over all ways to give tracks sources.

    Class-wise auxiliary duplicating permutation invariant training, Shimada et al., Multi-ACCDOA: localizing and
    detecting overlapping sounds from the same class with auxiliary duplicating permutation invariant training, ICASSP
    2022: in each frame and class every source is given one track at least and every track one source, and where there
    is none, nothing. With one track this is the loss of ACCDOA. Where both sides tell distances, their relative errors
    count as a further part.

    Examples
    --------
    >>> there = torch.zeros(1, 1, 1, 2, 5)
    >>> there[..., 0, :2] = 1.0
    >>> said = torch.tensor([[[[[1.0, 0.0, 0.0], [0.0, 0.6, 0.0]]]]])
    >>> round(adpit(said, there).item(), 6)
    0.18
    """
    activity, units = _read(scores)
    vectors, tracks = activity[..., None] * units, scores.shape[2]
    there, directions, metres = target[..., 0], target[..., 1:4], target[..., 4]
    sources = there.sum(2)
    error = vectors.square().sum(-1).mean(2)
    for count in [int(number) for number in sources.unique().tolist() if number > 0]:
        ways = []
        for way in _ways(tracks, count):
            own = (vectors - directions[:, :, list(way)]).square().sum(-1)
            if scores.shape[-1] > 3:
                known = metres[:, :, list(way)]
                far = (scores[..., -1] - known) / known.clamp_min(0.1)
                own = own + torch.where(known > 0, far.square(), torch.zeros_like(far))
            ways.append(own.mean(2))
        error = torch.where(sources == count, torch.stack(ways).amin(0), error)
    return error.flatten(1).mean(1)


def hide(scores: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Grows as sources fall silent; of a clip without any as something sounds, as do the losses that move sources."""
    hidden = _over_sources(softplus(STEEP * (THRESHOLD - _read(scores)[0])).mean(2), target)
    return _or_else(hidden, insert(scores, target), target)


def hide_margin(scores: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Minus the mean activity of the sources: hiding them, with a gradient that does not vanish.

    Of a clip without sources, where nothing can be hidden, the greatest activity.
    """
    activity = _read(scores)[0]
    return _or_else(_over_sources(-activity.mean(2), target), activity.flatten(1).amax(1), target)


def insert(scores: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Grows as classes sound in frames where they do not."""
    raised = softplus(STEEP * (_read(scores)[0] - THRESHOLD)).mean(2)
    silent = ~_sounding(target)
    return (raised * silent).flatten(1).sum(1) / silent.flatten(1).sum(1).clamp_min(1)


def insert_margin(scores: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Mean over frames of the greatest activity where nothing is: inserting the cheapest class, with a gradient that
    does not vanish.
    """
    silent = ~_sounding(target)
    top = _read(scores)[0].amax(2).masked_fill(~silent, float("-inf")).amax(2)
    some = silent.any(2)
    return torch.where(some, top, torch.zeros_like(top)).mean(1)


def move(scores: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Grows as the vectors of a source leave the 20 degrees in which it is a hit, and go on sounding."""
    chord, kept = _moved(scores, target)
    moved = _over_sources(softplus(STEEP * (chord - HIT)) / STEEP - kept, target)
    return _or_else(moved, insert(scores, target), target)


def move_margin(scores: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """The same with a gradient that does not vanish: chords on the unit sphere from vectors to the nearest source."""
    chord, kept = _moved(scores, target)
    return _or_else(_over_sources(chord - kept, target), insert_margin(scores, target), target)


def _read(scores: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Activity `[clip, frame, track, class]` and unit vectors."""
    parts = scores.shape[-1]
    vectors = scores[..., 1:4] if parts == 5 else scores[..., :3]
    length = (vectors.square().sum(-1) + TINY).sqrt()
    return scores[..., 0] if parts == 5 else length, vectors / length[..., None]


def _moved(scores: torch.Tensor, target: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean chord from active vectors to their nearest source `[clip, frame, class]`, and what a lost source costs."""
    activity, units = _read(scores)
    there, directions = target[..., 0], target[..., 1:4]
    cosine = torch.einsum("bftcx,bfscx->bftsc", units, directions)
    nearest = cosine.masked_fill(there[:, :, None] < 0.5, -1.0).amax(3)
    chord = (2 - 2 * nearest + 1e-6).clamp_min(1e-6).sqrt()
    active = activity.detach() > THRESHOLD
    weight = torch.where(active.any(2, keepdim=True), active, torch.ones_like(active)).to(chord)
    lost = 2 * (KEPT - activity.amax(2)).clamp_min(0)
    return (chord * weight).sum(2) / weight.sum(2), lost


def _sounding(target: torch.Tensor) -> torch.Tensor:
    return target[..., 0].amax(2) > 0.5


def _over_sources(values: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    chosen = _sounding(target)
    return (values * chosen).flatten(1).sum(1) / chosen.flatten(1).sum(1).clamp_min(1)


def _or_else(values: torch.Tensor, otherwise: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Values of clips with sources, and others of those without."""
    return torch.where(_sounding(target).flatten(1).any(1), values, otherwise)


@lru_cache(maxsize=32)
def _ways(tracks: int, sources: int) -> tuple[tuple[int, ...], ...]:
    """All ways to give each track a source so that every source has one; with more sources than tracks, no source two.

    Examples
    --------
    >>> len(_ways(3, 1)), len(_ways(3, 2)), len(_ways(3, 3)), _ways(1, 2)
    (1, 6, 6, ((0,), (1,)))
    """
    if sources > tracks:
        return tuple(permutations(range(sources), tracks))
    return tuple(way for way in product(range(sources), repeat=tracks) if len(set(way)) == sources)


def _lengthened(values: torch.Tensor, frames: int) -> torch.Tensor:
    """Frames of silence behind what is too short."""
    return (
        pad(values, (0, 0) * (values.dim() - 2) + (0, frames - values.shape[1])) if values.shape[1] < frames else values
    )


LOSSES = {
    "adpit": adpit,
    "hide": hide,
    "hide_margin": hide_margin,
    "insert": insert,
    "insert_margin": insert_margin,
    "move": move,
    "move_margin": move_margin,
}
#: The training loss grows by all three errors; which of them is the cheapest depends on the clip, so they are climbed
#: alone too.
GOALS = {
    "everything": ("adpit", "insert", "move_margin", "hide_margin"),
    "hide": ("hide", "hide_margin"),
    "insert": ("insert", "insert_margin"),
    "move": ("move", "move_margin"),
}
DEFAULTS = GOALS["everything"]
