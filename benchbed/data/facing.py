"""Do the channels of Ambisonics face where their annotations say? Order, signs and scaling, from what sounds alone.

Where one source sounds alone, the active intensity of the field (the products of W with the figures of eight) points to
it. Of all 48 ways to give three channels the three axes with a sign, one fits best; if it is not that of ACN (W, Y, Z,
X), channels were swapped or mirrored: W, X, Y, Z is the order of FuMa. In SN3D the three have together the power of W,
in a plane wave and in a diffuse field alike; twice of it in FuMa, whose W is 3 dB softer, and three times in N3D.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import permutations, product

import numpy as np

from benchbed import audio
from benchbed.data.dataset import Dataset
from benchbed.data.leaks import Leak, some
from benchbed.errors import AudioError
from benchbed.outputs.tracks.recording import FRAME_SECONDS

#: Band in Hz in which small arrays encode well, and reflections do not drown the direct sound.
BAND = (200.0, 3500.0)
#: Recordings that are listened to, and seconds of each.
MOST, SECONDS = 24, 60.0
#: Axis (x, y, z) and sign of the channels after W, in each of the 48 orders; ACN first.
ORDERS = tuple(
    sorted(
        ((axes, signs) for axes in permutations(range(3)) for signs in product((1, -1), repeat=3)),
        key=lambda order: order != ((1, 2, 0), (1, 1, 1)),
    )
)
#: Events that must be heard; standard errors that another order must fit better by, and how well it must fit.
LEAST, SURE, FITS = 8, 5.0, 0.35
#: Where the order that is declared surely fits less than this, and no other is sure, the sound is of something else.
NOTHING = 0.25
#: Recordings that must be heard for their scaling, and the ratio that three quarters of them must exceed.
RECORDINGS, SCALED = 4, 2**0.5


@dataclass(frozen=True)
class LoneSources:
    """What one recording's lone sources say.

    Attributes
    ----------
    fits : np.ndarray [shape=(event, 48), float64]
        How well each order fits, −1…1: the mean over frames of the cosine between intensity and reference, weighted by
        how much of the sound has a direction.
    ratio : float
        Power of the three channels over that of W.
    """

    fits: np.ndarray = field(default_factory=lambda: np.zeros((0, len(ORDERS))))
    ratio: float = float("nan")


def heard(
    waveform: np.ndarray, sample_rate: int, frame: np.ndarray, event: np.ndarray, vectors: np.ndarray
) -> LoneSources:
    """What four channels say where one source sounds alone.

    Parameters
    ----------
    waveform : np.ndarray [shape=(4, sample)]
        A recording.
    sample_rate : int
        Samples per second.
    frame, event : np.ndarray [shape=(row,), int64]
        Annotated frames, and which event each is of.
    vectors : np.ndarray [shape=(row, 3)]
        Directions as unit vectors: x to the front, y to the left, z up.

    Examples
    --------
    >>> tone = np.sin(np.arange(4800) * 0.3)
    >>> front = np.stack([tone, 0 * tone, 0 * tone, tone])
    >>> found = heard(front, 24000, np.arange(2), np.zeros(2, int), np.array([[1.0, 0, 0]] * 2))
    >>> found.fits.argmax() == 0, round(float(found.fits[0, 0]), 2), round(found.ratio, 2)
    (True, 1.0, 1.0)
    """
    length = round(FRAME_SECONDS * sample_rate)
    _, first, times = np.unique(frame, return_index=True, return_counts=True)
    alone = first[times == 1]
    alone = alone[(frame[alone] + 1) * length <= waveform.shape[1]]
    if not len(alone):
        return LoneSources()
    pieces = waveform[:, : waveform.shape[1] // length * length].reshape(4, -1, length)[:, frame[alone]]
    spectra = np.fft.rfft(pieces * np.hanning(length), axis=-1)
    hertz = np.fft.rfftfreq(length, 1 / sample_rate)
    spectra = spectra[..., (hertz >= BAND[0]) & (hertz <= BAND[1])]
    power = (np.abs(spectra) ** 2).sum(axis=-1)
    intensity = (spectra[:1].conj() * spectra[1:]).real.sum(axis=-1)
    whole = 0.5 * power.sum(axis=0)
    size = np.linalg.norm(intensity, axis=0)
    sounding = whole > 0
    weight = np.where(sounding, size / np.maximum(whole, 1e-30), 0.0)
    cosine = (intensity / np.maximum(size, 1e-30))[:, None] * vectors[alone].T[None]
    fits = []
    for number in np.unique(event[alone]):
        mine = event[alone] == number
        if weight[mine].sum() > 0:
            table = (cosine[:, :, mine] * weight[mine]).sum(axis=2) / weight[mine].sum()
            fits.append([sum(s * table[c, a] for c, (a, s) in enumerate(zip(*order))) for order in ORDERS])
    total = power[:, sounding].sum(axis=1)
    ratio = float(total[1:].sum() / total[0]) if total[0] > 0 else float("nan")
    return LoneSources(np.array(fits).reshape(-1, len(ORDERS)), ratio)


def doubts(recordings: Sequence[LoneSources]) -> list[tuple[str, str]]:
    """What must be suspected of the channels, as code and sentence; nothing where they face where they should.

    Parameters
    ----------
    recordings : sequence of LoneSources
        Of one dataset.
    """
    found = []
    fits = np.concatenate([one.fits for one in recordings]) if recordings else np.zeros((0, len(ORDERS)))
    if len(fits) >= LEAST:
        found += _order(fits)
    ratios = np.array([one.ratio for one in recordings if np.isfinite(one.ratio) and one.ratio > 0])
    if len(ratios) >= RECORDINGS and np.quantile(ratios, 0.25) > SCALED:
        middle = float(np.median(ratios))
        scaling = "FuMa, whose W is 3 dB softer" if middle < 6**0.5 else "N3D"
        what = (
            f"the channels after W have together {middle:.2g} times its power, which is 1 in SN3D: they may be scaled "
            f"as in {scaling}"
        )
        found.append(("channel_scaling", what))
    return found


def _order(fits: np.ndarray) -> list[tuple[str, str]]:
    means = fits.mean(axis=0)
    best = int(means.argmax())
    error = fits.std(axis=0, ddof=1) / np.sqrt(len(fits))
    if best != 0 and means[best] > FITS:
        apart = fits[:, best] - fits[:, 0]
        spread = apart.std(ddof=1) / np.sqrt(len(apart))
        if apart.mean() > SURE * spread:
            axes = [f"{'−' if sign < 0 else ''}{'XYZ'[axis]}" for axis, sign in zip(*ORDERS[best])]
            named = ", ".join(["W", *axes])
            also = ", the order of FuMa" if axes == ["X", "Y", "Z"] else ""
            what = (
                f"{len(fits)} lone sources sound where they are annotated if the channels are {named}{also}, and not "
                f"W, Y, Z, X (mean cosine {means[best]:.2f} against {means[0]:.2f})"
            )
            return [("channel_order", what)]
    if len(fits) >= 3 * LEAST and means[0] + 2 * error[0] < NOTHING:
        what = (
            f"{len(fits)} lone sources do not sound where they are annotated in any order of the channels (mean "
            f"cosine {means[0]:.2f}): are they Ambisonics, and of these annotations?"
        )
        return [("channel_order", what)]
    return []


def listened(dataset: Dataset, splits: Sequence[str] = (), most: int = MOST) -> list[LoneSources]:
    """What the first recordings of Ambisonics of a dataset say; none where it has none, or no directions.

    Parameters
    ----------
    dataset : Dataset
        With annotated directions; recordings in a folder that is called after Ambisonics.
    splits : sequence of str
        Only of these, if there are any.
    most : int
        Recordings that are read.
    """
    rows = dataset.events
    if rows is None or not {"azimuth", "elevation", "frame", "source"} <= set(rows.columns):
        return []
    table = dataset.clips
    if splits:
        wanted = {clip for split in splits for clip in dataset.splits[split]}
        table = table[table["clip_id"].isin(wanted)]
    chosen = table[[str(path).startswith("foa") for path in table["path"]]]
    by_clip = {str(clip): part for clip, part in rows.groupby("clip_id", sort=False, observed=True)}
    lone: list[LoneSources] = []
    for clip, path in zip(chosen["clip_id"], chosen["path"]):
        if len(lone) == most:
            break
        if str(clip) not in by_clip:
            continue
        try:
            long = audio.info(dataset.root / path).seconds > SECONDS
            waveform, rate = audio.read(dataset.root / path, 0.0, SECONDS if long else None)
        except AudioError:
            continue  # said elsewhere
        if len(waveform) == 4:
            part = by_clip[str(clip)]
            up, turn = np.radians(part["elevation"].to_numpy(float)), np.radians(part["azimuth"].to_numpy(float))
            vectors = np.stack([np.cos(turn) * np.cos(up), np.sin(turn) * np.cos(up), np.sin(up)], axis=1)
            event = part.groupby(["label", "source"], sort=False, observed=True).ngroup().to_numpy()
            lone.append(heard(waveform, rate, part["frame"].to_numpy(np.int64), event, vectors))
    return lone


def facing(dataset: Dataset) -> list[Leak]:
    """Findings about the channels of a dataset; all are suspicions."""
    return [Leak("warning", code, f"suspected: {what}", 0, some([])) for code, what in doubts(listened(dataset))]
