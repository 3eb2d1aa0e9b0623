"""Time in a run of a frames task: windows over long recordings, one grid of frames, references that move with sounds.

A model with a fixed input hears a recording in consecutive windows, the last one padded. Whatever the number of frames
it gives for a window, its outputs are put on one grid that begins with the recording, so that nothing drifts, and end
where the recording ends.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from benchbed import audio
from benchbed.adapter.asking import ask
from benchbed.adapter.contract import Adapter, Card
from benchbed.errors import AdapterError
from benchbed.run.computing.whole import ModelInput
from benchbed.types import Batch, Events, FrameScores, microseconds

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Timed:
    """Reference events of one recording in seconds, as the dataset gives them.

    Attributes
    ----------
    times : np.ndarray [shape=(event, 2), float64]
        Onset and offset.
    label : np.ndarray [shape=(event,), int64]
        Class numbers.
    confidence : np.ndarray [shape=(event,), float64], optional
        Of soft labels.
    """

    times: np.ndarray
    label: np.ndarray
    confidence: np.ndarray | None = None


NOTHING = Timed(np.zeros((0, 2)), np.zeros(0, np.int64))


def timed_references(events: pd.DataFrame | None, labels: Sequence[str]) -> dict[str, Timed]:
    """Events of a dataset by clip id; clips without events are absent.

    Examples
    --------
    >>> import pandas as pd
    >>> table = pd.DataFrame({"clip_id": ["x"], "onset": [0.5], "offset": [1.0], "label": ["dog"]})
    >>> timed_references(table, ("cat", "dog"))["x"].label.tolist()
    [1]
    """
    if events is None or not len(events):
        return {}
    number = {label: index for index, label in enumerate(labels)}
    found = {}
    for clip_id, rows in events.groupby("clip_id", sort=False):
        confidence = rows["confidence"].to_numpy(np.float64) if "confidence" in rows else None
        times = rows[["onset", "offset"]].to_numpy(np.float64)
        found[str(clip_id)] = Timed(times, rows["label"].map(number).to_numpy(np.int64), confidence)
    return found


def placed(reference: Timed, seconds: float) -> Events:
    """A reference as it stands in a recording of `seconds`: cut at its end, overlapping events of one class merged.

    Examples
    --------
    >>> times = np.array([[0.0, 1.0], [0.5, 9.0]])
    >>> made = placed(Timed(times, np.array([0, 0])), 2.0)
    >>> made.onset.tolist(), made.offset.tolist()
    ([0], [2000000])
    """
    length = int(microseconds(np.array(seconds)))
    onset, offset = microseconds(reference.times).T.clip(0, length)
    kept = offset > onset
    onset, offset, label = onset[kept], offset[kept], reference.label[kept]
    if reference.confidence is not None:
        # Soft labels of one class are a curve, not an on and off: neighbours with other confidences stay apart, and
        # those with the same one are one stretch of it, so that a class that everybody heard is one event.
        confidence = reference.confidence[kept]
        order = np.lexsort((onset, label))
        onset, offset, label, confidence = onset[order], offset[order], label[order], confidence[order]
        same = (label[1:] == label[:-1]) & (onset[1:] == offset[:-1]) & (confidence[1:] == confidence[:-1])
        first = np.flatnonzero(np.append(True, ~same)[: len(onset)])
        offset = offset[np.append(first[1:], len(onset))[: len(first)] - 1]
        onset, label, confidence = onset[first], label[first], confidence[first]
        order = np.lexsort((label, onset))
        return Events(onset[order], offset[order], label[order], length, confidence[order])
    order = np.lexsort((onset, label))
    onset, offset, label = onset[order], offset[order], label[order]
    first = np.ones(len(onset), bool)
    for index in range(1, len(onset)):
        if label[index] == label[index - 1] and onset[index] < offset[index - 1]:
            first[index] = False
            onset[index], offset[index] = onset[index - 1], max(offset[index], offset[index - 1])
    last = np.append(first[1:], True) if len(first) else first
    onset, offset, label = onset[last], offset[last], label[last]
    order = np.lexsort((label, onset))
    return Events(onset[order], offset[order], label[order], length)


def moved(reference: Timed, corruption: Any, state: Any, parameter: Any, seconds: float) -> Timed:
    """The reference after a perturbation that moves sounds in time; unchanged by any other."""
    if corruption.preserves_time or not len(reference.times):
        return reference
    times, rows = corruption.place_events(reference.times, seconds, state, parameter)
    confidence = None if reference.confidence is None else reference.confidence[rows]
    return Timed(times, reference.label[rows], confidence)


def to_windows(
    waveform: np.ndarray, sample_rate: int, card: Card, windows: tuple[float, float] | None = None
) -> ModelInput:
    """Bring a recording to the channels and rate of the card, and to a whole number of its windows; never cropped.

    Parameters
    ----------
    waveform : np.ndarray [shape=(channel, sample), float32]
    sample_rate : int
        Its rate in Hz.
    card : Card
        The model's card.
    windows : tuple of float, optional
        Length (of a model without one) and hop in seconds of overlapping windows.
    """
    remixed, resampled = waveform.shape[0] != card.channels, sample_rate != card.sample_rate
    if remixed:
        waveform = audio.to_channels(waveform, card.channels)
    if resampled:
        waveform = audio.resample(waveform, sample_rate, card.sample_rate)
    have = waveform.shape[1]
    want = max(have, math.ceil(card.min_seconds * card.sample_rate))
    if windows is not None:
        window, hop = _lengths(card, windows, want)
        want = window + hop * max(0, math.ceil((have - 2 - window) / hop))
    elif card.clip_seconds is not None:
        window = round(card.clip_seconds * card.sample_rate)
        # Resampling may leave a sample or two beyond the last window; they are no window of their own.
        want = max(1, math.ceil((have - 2) / window)) * window
    if want != have:
        waveform = audio.fit(waveform, want, card.pad, "start")
    return ModelInput(waveform, want > have, False, resampled, remixed)


def hear(
    adapter: Adapter,
    card: Card,
    waveforms: np.ndarray,
    side: Mapping[str, tuple],
    batch_size: int,
    overlapping: tuple[float, float] | None = None,
) -> np.ndarray:
    """Raw outputs of recordings of one length, window by window.

    Parameters
    ----------
    waveforms : np.ndarray [shape=(recording, channel, sample), float32]
        As `to_windows` makes them.
    side : mapping
        Side information, one value per recording.
    batch_size : int
        Windows per call.
    overlapping : tuple of float, optional
        Length (of a model without one) and hop of the windows in seconds.

    Returns
    -------
    np.ndarray [shape=(recording, window, frame, class)]
        A model that tags its window gives one frame per window.

    Raises
    ------
    AdapterError
        The outputs have another shape than the card says, or another number of frames than its `frame_seconds`.
    """
    count, _, samples = waveforms.shape
    window, hop = _lengths(card, overlapping, samples)
    windows = (samples - window) // hop + 1
    # [window of a recording, …] without copies, of which overlapping windows would need many.
    pieces = np.lib.stride_tricks.sliding_window_view(waveforms, window, axis=2)[:, :, ::hop].swapaxes(1, 2)
    outputs = []
    for start in range(0, count * windows, batch_size):
        places = [divmod(i, windows) for i in range(start, min(start + batch_size, count * windows))]
        part = np.stack([pieces[place] for place in places])
        rows = [row for row, _ in places]
        given = {name: tuple(values[row] for row in rows) for name, values in side.items()}
        lengths = np.full(len(part), window, dtype=np.int64)
        scores = ask(adapter, Batch(part, lengths, card.sample_rate, given))
        outputs.append(_as_frames(scores, card, len(part), window))
    scores = np.concatenate(outputs)
    return scores.reshape(count, windows, *scores.shape[1:])


def _lengths(card: Card, overlapping: tuple[float, float] | None, samples: int) -> tuple[int, int]:
    """Window and hop in samples: the model's own windows one after another, or overlapping ones."""
    own = None if card.clip_seconds is None else round(card.clip_seconds * card.sample_rate)
    if overlapping is None:
        return (own or samples,) * 2
    seconds, hop = overlapping
    window = own or round(seconds * card.sample_rate)
    return window, min(round(hop * card.sample_rate), window)


def _as_frames(scores: np.ndarray, card: Card, clips: int, window: int) -> np.ndarray:
    tags = card.output == "tags"
    axes = 2 if tags else 3
    wanted = "[window, class]" if tags else "[window, frame, class]"
    hint = "run `benchbed check` on the adapter"
    shaped = scores.ndim == axes and len(scores) == clips and scores.shape[-1] == len(card.labels)
    if not shaped or scores.dtype.kind != "f":
        raise AdapterError(
            f"predict returned {scores.dtype} {list(scores.shape)}, expected float {wanted} for {clips} windows and "
            f"{len(card.labels)} classes of the card",
            hint=hint,
        )
    if tags:
        return scores[:, None]
    hop, seconds = hop_of(card), window / card.sample_rate
    if abs(scores.shape[1] * hop - seconds) > max(2 * hop, 0.05 * seconds):
        raise AdapterError(
            f"predict returned {scores.shape[1]} frames of {hop:g} s, {scores.shape[1] * hop:g} s in all, for "
            f"{seconds:g} s of audio",
            hint="frame_seconds of the card must be the time from one output frame to the next",
        )
    return scores


def hop_of(card: Card) -> float:
    """Seconds from one output of a model to the next: of its frames, or of the windows that it tags.

    Raises
    ------
    AdapterError
        The card gives neither.
    """
    hop = card.clip_seconds if card.output == "tags" else card.frame_seconds
    if not hop:
        lacking = "clip_seconds" if card.output == "tags" else "frame_seconds"
        raise AdapterError(
            f"the card of {card.name} has no {lacking}, so its outputs have no place in time",
            hint=f"set {lacking} on the card",
        )
    return hop


def on_grid(outputs: np.ndarray, hop: float, window_seconds: float, seconds: float) -> np.ndarray:
    """Outputs of the windows of one recording as frames that cover it once.

    The frame that begins at `i · hop` takes the output under its centre; a window that gave a frame less than it is
    long repeats its last one.

    Parameters
    ----------
    outputs : np.ndarray [shape=(window, frame, class)]
    hop, window_seconds, seconds : float
        Of the frames, the windows and the recording.

    Returns
    -------
    np.ndarray [shape=(ceil(seconds / hop), class)]

    Examples
    --------
    >>> on_grid(np.arange(6.0).reshape(2, 3, 1), 1.0, 3.2, 5.4)[:, 0].tolist()
    [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]
    """
    # A millionth of a frame, so that 10 s of 0.1 s frames are 100 frames and not 101.
    frames = max(1, math.ceil(seconds / hop - 1e-6))
    centre = np.minimum((np.arange(frames) + 0.5) * hop, seconds)
    window = np.minimum((centre / window_seconds).astype(np.int64), outputs.shape[0] - 1)
    inner = ((centre - window * window_seconds) / hop + 1e-9).astype(np.int64)
    return outputs[window, inner.clip(0, outputs.shape[1] - 1)]


def overlaid(outputs: np.ndarray, hop: float, step: float, window_seconds: float, seconds: float) -> FrameScores:
    """Outputs of overlapping windows of one recording as segments of a second, averaged where windows overlap.

    As the baseline of DCASE 2024 Task 4 does with the clips of MAESTRO-Real: the mean of a window's frames on every
    second, then the mean over windows.

    Parameters
    ----------
    outputs : np.ndarray [shape=(window, frame, class)]
    hop, step, window_seconds, seconds : float
        From frame to frame, from window to window, and the length of a window and of the recording.

    Examples
    --------
    >>> windows = np.array([[[0.2], [0.4]], [[0.2], [0.8]]])
    >>> (10 * overlaid(windows, 1.0, 1.0, 2.0, 3.0).values.ravel()).round(2).tolist()
    [2.0, 3.0, 8.0]
    """
    from benchbed.metrics.sed.recording import FrameScores as Framed
    from benchbed.metrics.sed.soft import laid_over

    # A model may give a frame that is centred on the end of its window.
    outputs = outputs[:, : max(1, math.ceil(window_seconds / hop - 1e-6))]
    edges = microseconds(np.minimum(hop * np.arange(outputs.shape[1] + 1), window_seconds))
    clips = [Framed(one, edges) for one in outputs]
    laid = laid_over(clips, [step * i for i in range(len(clips))], seconds, outputs.shape[2])
    return FrameScores(laid.scores, 1.0, seconds)
