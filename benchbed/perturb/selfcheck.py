"""Checks that a run makes on its own perturbations, whose outcomes it stores beside the scores.

They are metamorphic: no stored reference audio is needed, only properties that must hold whatever the clip is. Canary
hashes are the exception: they tell that the same protocol gave other audio on another machine or library version.
"""

from __future__ import annotations

import hashlib
import random
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, Literal

import numpy as np

from benchbed import rng as streams
from benchbed.errors import ConfigError
from benchbed.perturb.contract import Applied, Context, Corruption
from benchbed.perturb.filters import mel
from benchbed.perturb.level import to_int16

#: A later severity may be this many dB nearer to the clean clip: rounding, and coders of nearly equal strength.
MONOTONE_SLACK_DB = 0.05
#: Height over the mean of all lags from which a correlation peak is taken for the sound itself.
CLEAR_PEAK = 14.0
#: Differences this far below the loudest band of the clean clip do not count: an empty band has no level to compare.
FLOOR_DB = 70.0


@dataclass(frozen=True)
class CorruptionCheck:
    """One check: its name, how it ended, and in words what was seen."""

    name: str
    status: Literal["pass", "warn", "fail", "skipped"]
    message: str


@dataclass(frozen=True)
class Probe:
    """A clip to check with: its id (which keys the random stream), audio and rate."""

    id: str
    waveform: np.ndarray
    sample_rate: int


def log_mel(waveform: np.ndarray, sample_rate: int, bands: int = 64) -> np.ndarray:
    """Log-mel spectrogram in dB, for distances between perturbed clips (models have front ends of their own).

    Parameters
    ----------
    waveform : np.ndarray [shape=(channel, sample)]
    sample_rate : int
    bands : int

    Returns
    -------
    np.ndarray [shape=(channel, frame, band), float64]
        Frames of about 32 ms at half overlap; floor at −100 dB.

    Examples
    --------
    >>> log_mel(np.zeros((1, 16000), np.float32), 16000).shape
    (1, 63, 64)
    """
    size = 2 ** round(np.log2(0.032 * sample_rate))
    hop = size // 2
    padded = np.pad(waveform.astype(np.float64), ((0, 0), (hop, size)))
    view = np.lib.stride_tricks.sliding_window_view(padded, size, axis=1)[:, ::hop]
    view = view[:, : waveform.shape[1] // hop + 1]
    power = np.abs(np.fft.rfft(view * np.hanning(size + 1)[:-1], axis=-1)) ** 2 / size
    return 10 * np.log10(power @ _mel_bank(size, sample_rate, bands) + 1e-10)


@lru_cache(maxsize=8)
def _mel_bank(size: int, sample_rate: int, bands: int) -> np.ndarray:
    position = mel(np.fft.rfftfreq(size, 1 / sample_rate)) / float(mel(sample_rate / 2)) * (bands + 1)
    return np.maximum(0, 1 - np.abs(position[:, None] - np.arange(1, bands + 1)))


def log_mel_distance(clean: np.ndarray, perturbed: np.ndarray, sample_rate: int) -> float:
    """Root mean square difference of two clips' log-mel spectrograms, in dB."""
    return _distance(log_mel(clean, sample_rate), perturbed, sample_rate)


def _distance(reference: np.ndarray, perturbed: np.ndarray, sample_rate: int) -> float:
    floor = reference.max() - FLOOR_DB
    difference = np.maximum(log_mel(perturbed, sample_rate), floor) - np.maximum(reference, floor)
    return float(np.sqrt(np.mean(difference**2)))


def canary(waveform: np.ndarray) -> str:
    """Short hash of the audio rounded to 16 bits, which float rounding between machines rarely changes.

    Examples
    --------
    >>> canary(np.zeros((1, 4), np.float32)) == canary(np.full((1, 4), 1e-6, np.float32))
    True
    """
    return hashlib.blake2b(to_int16(waveform).tobytes(), digest_size=8).hexdigest()


def canaries(name: str, corruption: Corruption, probes: Sequence[Probe], context: Context) -> dict[str, str]:
    """Canary hash per clip and severity, under keys `corruption/severity/clip`."""
    found = {}
    for probe in probes:
        state = _prepare(name, corruption, probe, context)
        for severity, parameter in enumerate(corruption.parameters, 1):
            found[f"{name}/{severity}/{probe.id}"] = canary(corruption.apply(state, parameter).waveform)
    return found


class Alone:
    """Clips as they come out with nothing made before them, once for all checks that ask.

    Parameters
    ----------
    name, corruption, probes, context
        As of the checks.
    """

    def __init__(self, name: str, corruption: Corruption, probes: Sequence[Probe], context: Context) -> None:
        self._of = name, corruption, probes, context

    @cached_property
    def applied(self) -> list[list[Applied]]:
        """Of each probe, at each severity."""
        name, corruption, probes, context = self._of
        return [
            [corruption.apply(_prepare(name, corruption, probe, context), p) for p in corruption.parameters]
            for probe in probes
        ]

    def hashes(self) -> dict[str, str]:
        """Their canaries, as `canaries` names them."""
        name, _, probes, _ = self._of
        return {
            f"{name}/{severity}/{probe.id}": canary(applied.waveform)
            for probe, outcomes in zip(probes, self.applied)
            for severity, applied in enumerate(outcomes, 1)
        }


def severity_monotone(
    name: str, corruption: Corruption, probes: Sequence[Probe], context: Context, alone: Alone | None = None
) -> CorruptionCheck:
    """Whether the mean log-mel distance to the clean clip grows with severity."""
    check = f"monotone:{name}"
    if not corruption.monotone:
        return CorruptionCheck(check, "skipped", "no order in log-mel distance is claimed for this corruption")
    means, used = [], []
    alone = alone or Alone(name, corruption, probes, context)
    references = [log_mel(probe.waveform, probe.sample_rate) for probe in probes]
    for severity, outcomes in enumerate(zip(*alone.applied), 1):
        distances = [
            _distance(reference, applied.waveform, probe.sample_rate)
            for probe, reference, applied in zip(probes, references, outcomes)
            if applied.skipped is None
        ]
        if len(distances) == len(probes):
            means.append(float(np.mean(distances)))
            used.append(severity)
    if len(means) < 2:
        return CorruptionCheck(check, "skipped", "fewer than two severities apply to all clips")
    shown = " ".join(f"{m:.2f}" for m in means)
    falls = [used[i + 1] for i in range(len(means) - 1) if means[i + 1] < means[i] - MONOTONE_SLACK_DB]
    if falls:
        return CorruptionCheck(check, "fail", f"log-mel distance falls at severity {falls[0]}: {shown} dB")
    return CorruptionCheck(check, "pass", f"log-mel distance {shown} dB")


def impulse_stays(
    name: str, corruption: Corruption, sample_rate: int, channels: int, context: Context, seconds: float = 1.0
) -> CorruptionCheck:
    """Whether what happens in the clip still happens where its events are said to be (finds coder and room delay)."""
    check = f"impulse:{name}"
    probe = bursts(sample_rate, channels, seconds)
    state, clean = _prepare(name, corruption, probe, context), _Heard(probe.waveform[0], sample_rate)
    worst, seen, lost = 0, 0, 0
    for parameter in corruption.parameters:
        applied = corruption.apply(state, parameter)
        if applied.skipped is not None:
            continue
        said = _said_late(corruption, state, parameter, seconds)
        if said is None:
            return CorruptionCheck(check, "skipped", "moves events by more than a delay, and says where to")
        late = clean.lag(applied.waveform[0])
        if late is not None:
            late -= round(said * sample_rate)
        if late is None:
            lost += 1
        else:
            worst, seen = max(worst, late, key=abs), seen + 1
    if not seen:
        return CorruptionCheck(check, "skipped", "no severity applies, or the bursts cannot be recognised")
    status: Literal["pass", "fail"] = "fail" if abs(worst) > corruption.time_slack * sample_rate else "pass"
    beyond = f"; beyond recognition at {lost}" if lost else ""
    where = "" if corruption.preserves_time else " from where their events are moved to"
    return CorruptionCheck(
        check, status, f"bursts move by {worst} samples at most{where} over {seen} severities{beyond}"
    )


def _said_late(corruption: Corruption, state: Any, parameter: Any, seconds: float) -> float | None:
    """By how many seconds all events are moved; None where they are moved in another way than by one delay."""
    if corruption.preserves_time:
        return 0.0
    if corruption.circular:
        return None
    events = np.array([[0.1, 0.2], [0.5, 0.6], [0.8, 0.9]]) * seconds
    try:
        moved = corruption.move_events(events, seconds, state, parameter) - events
    except ConfigError:
        return None
    return float(moved.mean()) if float(np.ptp(moved)) < 1e-6 else None


def bursts(sample_rate: int, channels: int, seconds: float) -> Probe:
    """Three bursts of noise at irregular times, the same in all channels, a little softer from one to the next."""
    waveform = np.zeros((channels, round(seconds * sample_rate)), dtype=np.float32)
    length = max(1, round(0.01 * sample_rate))
    generator = streams.stream("bursts", sample_rate)
    for place in (0.13, 0.31, 0.66):
        start = round(place * waveform.shape[1])
        burst = 0.2 * generator.standard_normal(length)
        waveform[:, start : start + length] = burst[: waveform.shape[1] - start]
    # Channels that were all alike could change places and nobody would see it.
    waveform *= (0.9 ** np.arange(channels, dtype=np.float32))[:, None]
    return Probe("bursts", waveform, sample_rate)


def lag(clean: np.ndarray, perturbed: np.ndarray, sample_rate: int) -> int | None:
    """By how many samples `perturbed` is late, from the whitened correlation of the waves, else of their envelopes.

    Returns
    -------
    int or None
        None if neither correlation stands out: too little of the sound is left to tell.

    Examples
    --------
    >>> click = np.zeros(4000, np.float32); click[1000:1004] = 1, -1, 1, 1
    >>> lag(click, np.roll(click, 37), 8000)
    37
    """
    return _Heard(clean, sample_rate).lag(perturbed)


class _Heard:
    """A sound that others are found late against."""

    def __init__(self, wave: np.ndarray, sample_rate: int) -> None:
        self.kernel = np.hanning(2 * max(1, sample_rate // 1000) + 1)
        self.wave = wave.astype(np.float64)
        self.envelope = np.convolve(self.wave**2, self.kernel, "same")
        size = 2 * len(wave)
        self.spectra = np.fft.rfft(self.envelope, size), np.fft.rfft(self.wave, size)

    def lag(self, perturbed: np.ndarray) -> int | None:
        """By how many samples `perturbed` is late."""
        perturbed = perturbed.astype(np.float64)
        a, b = self.envelope, np.convolve(perturbed**2, self.kernel, "same")
        if not b.any():
            return None
        by_envelope, _ = _correlate(self.spectra[0], len(a), b, whiten=False)
        best = _alike(a, b, by_envelope)
        by_wave, contrast = _correlate(self.spectra[1], len(a), perturbed, whiten=True)
        # Where a wave is changed beyond recognition, one burst can still look like another: the envelope knows better.
        if contrast > CLEAR_PEAK and _alike(a, b, by_wave) > best / 2:
            return by_wave
        return by_envelope if best > 0.6 else None


def _alike(a: np.ndarray, b: np.ndarray, shift: int) -> float:
    """Correlation of two envelopes, the second moved back by a shift."""
    return float(np.corrcoef(a, np.roll(b, -shift))[0, 1])


def _correlate(left: np.ndarray, length: int, b: np.ndarray, whiten: bool) -> tuple[int, float]:
    """Lag of the strongest correlation with a sound of this spectrum and length, over the root mean square of all."""
    size = 2 * length
    right = np.fft.rfft(b, size)
    if whiten:
        # A band that noise or hum dominates must not decide; bins that hold next to nothing must not either.
        magnitude = np.abs(right)
        right = right / (magnitude + 1e-3 * magnitude.max() + 1e-30)
    correlation = np.abs(np.fft.irfft(right * np.conj(left), size))
    best = int(np.argmax(correlation))
    spread = float(np.sqrt(np.mean(correlation**2)))
    return (best if best < length else best - size), float(correlation[best]) / spread if spread > 0 else 0.0


def order_free(
    name: str, corruption: Corruption, probes: Sequence[Probe], context: Context, alone: Alone | None = None
) -> CorruptionCheck:
    """Whether a clip comes out the same whatever was done before: other severities, other clips, or nothing."""
    check = f"order:{name}"
    made = (alone or Alone(name, corruption, probes, context)).applied
    states = [_prepare(name, corruption, probe, context) for probe in reversed(probes)][::-1]
    for index in reversed(range(len(corruption.parameters))):
        for probe, state, expected in zip(probes, states, made):
            again = corruption.apply(state, corruption.parameters[index])
            if not np.array_equal(again.waveform, expected[index].waveform):
                return CorruptionCheck(
                    check, "fail", f"severity {index + 1} of {probe.id} depends on what was made before it"
                )
    return CorruptionCheck(check, "pass", f"{len(probes)} clips bit-identical alone and together, in both orders")


class _Untouched:
    """Clips and global random states as they are now, before corruptions are tried."""

    def __init__(self, probes: Sequence[Probe]) -> None:
        self.probes, self.copies = probes, [probe.waveform.copy() for probe in probes]
        self.before = _global_state()

    def check(self, name: str) -> CorruptionCheck:
        """Whether they are still so."""
        check = f"trace:{name}"
        for probe, copy in zip(self.probes, self.copies):
            if not np.array_equal(copy, probe.waveform):
                return CorruptionCheck(check, "fail", f"the audio of {probe.id} was changed in place")
        touched = [kind for kind, value in _global_state().items() if self.before.get(kind, value) != value]
        if touched:
            return CorruptionCheck(check, "fail", f"global random state was moved: {', '.join(touched)}")
        return CorruptionCheck(check, "pass", "input and global random states untouched")


def leaves_no_trace(name: str, corruption: Corruption, probes: Sequence[Probe], context: Context) -> CorruptionCheck:
    """Whether the input audio and the global random states of Python, numpy and torch are as they were."""
    before = _Untouched(probes)
    for probe in probes:
        state = _prepare(name, corruption, probe, context)
        for parameter in corruption.parameters:
            corruption.apply(state, parameter)
    return before.check(name)


def _global_state() -> dict[str, Any]:
    kind, keys, *rest = np.random.get_state(legacy=True)  # noqa: NPY002
    states: dict[str, Any] = {"random": random.getstate(), "numpy": (kind, np.asarray(keys).tobytes(), *rest)}
    torch = sys.modules.get("torch")
    if torch is not None:
        states["torch"] = torch.get_rng_state().numpy().tobytes()
    return states


def _prepare(name: str, corruption: Corruption, probe: Probe, context: Context) -> Any:
    stream = streams.stream("selfcheck", name, probe.id)
    return corruption.prepare(probe.waveform, probe.sample_rate, stream, context)


def check_all(
    name: str,
    corruption: Corruption,
    probes: Sequence[Probe],
    context: Context,
    hashes: dict[str, str] | None = None,
) -> list[CorruptionCheck]:
    """Every check of one corruption on a few clips; the impulse is made at the clips' rate and channel count.

    `hashes` takes what `canaries` would give, without making everything once more.

    Examples
    --------
    >>> from benchbed.perturb import resolve
    >>> clip = 0.1 * streams.stream("doc").standard_normal((1, 8000), dtype=np.float32)
    >>> outcomes = check_all("white_noise", resolve("white_noise"), [Probe("doc", clip, 8000)], Context())
    >>> [outcome.status for outcome in outcomes]
    ['pass', 'pass', 'pass', 'pass']
    """
    # Whatever is made for the other checks must leave no trace either.
    before = _Untouched(probes)
    first, alone = probes[0], Alone(name, corruption, probes, context)
    made = [
        severity_monotone(name, corruption, probes, context, alone),
        impulse_stays(name, corruption, first.sample_rate, len(first.waveform), context),
        order_free(name, corruption, probes, context, alone),
        before.check(name),
    ]
    if hashes is not None:
        # Where the order does not matter, clips come out alone as they do in a run.
        free = made[2].status == "pass"
        hashes |= alone.hashes() if free else canaries(name, corruption, probes, context)
    return made
