"""Sound events in time: missed events and false alarms, frame by frame.

Scores are logits `[clip, frame, class]`; the reference is a matrix of zeros and ones of the same shape. Median filters,
thresholds and collars stay outside the loss, where they have no gradient; success is defined with them, on events.
"""

from __future__ import annotations

import torch
from torch.nn.functional import binary_cross_entropy_with_logits as bce

from benchbed.attack.twin import Forward, independent
from benchbed.outputs.contract import Heard
from benchbed.outputs.frames.grid import places
from benchbed.outputs.frames.reading import FrameReading


def scores(forward: Forward, reading: FrameReading, heard: Heard) -> Forward:
    """Log-odds `[recording, frame, class]` of recordings of one length that are heard window by window."""
    by_window = independent(forward, reading.alignment)
    length = round(reading.window(heard) * reading.card.sample_rate)

    def climbed(points: torch.Tensor) -> torch.Tensor:
        count, channels, samples = points.shape
        windows = samples // length
        pieces = points.reshape(count, channels, windows, length).transpose(1, 2)
        odds = by_window(pieces.reshape(count * windows, channels, length))
        if reading.tags_windows:
            odds = odds[:, None]
        frames = odds.shape[1]
        covered = places(windows, frames, reading.hop, reading.window(heard), heard.seconds)
        return odds.reshape(count, windows * frames, -1)[:, torch.from_numpy(covered).to(odds.device)]

    return climbed


def margin(scores: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Mean over the frames of the active classes minus one half, in logits: negative when most active frames are lost,
    or for a clip without events, when a frame of any class is heard.

    Examples
    --------
    >>> margin(torch.tensor([[[2.0], [-3.0]]]), torch.tensor([[[1.0], [1.0]]])).tolist()
    [-0.5]
    """
    active = target > 0.5
    counts = active.flatten(1).sum(1)
    hit = (scores * active).flatten(1).sum(1) / counts.clamp_min(1)
    quiet = -scores.flatten(1).amax(1)
    return torch.where(counts > 0, hit, quiet)


def missed(scores: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Grows as active frames fall silent: missed events."""
    return _mean(bce(scores, torch.ones_like(scores), reduction="none"), target > 0.5)


def false_alarms(scores: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Grows as inactive frames sound: false alarms."""
    return _mean(bce(scores, torch.zeros_like(scores), reduction="none"), target <= 0.5)


def both(scores: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Misses and false alarms with equal weight, however few frames are active."""
    return missed(scores, target) + false_alarms(scores, target)


def missed_margin(scores: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Minus the mean score of the active frames: missed events, with a gradient that does not vanish.

    Of a clip without events, where nothing can be missed, the greatest score of any frame.

    Examples
    --------
    >>> target = torch.tensor([[[1.0], [1.0], [0.0]], [[0.0], [0.0], [0.0]]])
    >>> missed_margin(torch.tensor([[[2.0], [4.0], [9.0]], [[-1.0], [-5.0], [-3.0]]]), target).tolist()
    [-3.0, -1.0]
    """
    active = target > 0.5
    return torch.where(active.flatten(1).any(1), _mean(-scores, active), scores.flatten(1).amax(1))


def false_alarms_margin(scores: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Mean score of the inactive frames: false alarms, with a gradient that does not vanish."""
    return _mean(scores, target <= 0.5)


def both_margin(scores: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Misses and false alarms with equal weight, with a gradient that does not vanish."""
    return missed_margin(scores, target) + false_alarms_margin(scores, target)


def _mean(values: torch.Tensor, chosen: torch.Tensor) -> torch.Tensor:
    return (values * chosen).flatten(1).sum(1) / chosen.flatten(1).sum(1).clamp_min(1)


LOSSES = {
    "both": both,
    "both_margin": both_margin,
    "missed": missed,
    "missed_margin": missed_margin,
    "false_alarms": false_alarms,
    "false_alarms_margin": false_alarms_margin,
}
#: Both errors at once are climbed by way of each alone too: which of them is the cheaper one depends on the clip.
GOALS = {
    "both": ("both", "false_alarms", "missed_margin"),
    "missed": ("missed", "missed_margin"),
    "false_alarms": ("false_alarms", "false_alarms_margin"),
}
DEFAULTS = GOALS["both"]
