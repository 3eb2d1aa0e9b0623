"""The contract of a corruption: prepare once per clip, apply at each severity.

Work that does not depend on severity (drawing noise, a spectrum, a room response) happens in `prepare`, so that five
severities cost little more than one, and share one random draw: curves are monotone and comparisons paired.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from benchbed.perturb.ondevice import AppliedOnDevice, Moved


@dataclass(frozen=True)
class Applied:
    """One perturbed clip.

    Attributes
    ----------
    waveform : np.ndarray [shape=(channel, sample), float32]
        Same shape as the input.
    achieved : float, optional
        The severity actually reached, in the corruption's unit (e.g. the SNR in dB on active level).
    skipped : str, optional
        Why the clip was left as it was (silent, too short, filter above Nyquist); counted in the record.
    note : str, optional
        What had to be done to keep the contract (e.g. trimmed to length); counted in the record.
    facts : mapping
        Further columns of the clip's row, e.g. the class of an event that was put in; plain values.
    """

    waveform: np.ndarray
    achieved: float | None = None
    skipped: str | None = None
    note: str | None = None
    facts: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class AddedNoise:
    """What a corruption adds to a clip, where that is all it does.

    Attributes
    ----------
    noise : np.ndarray [shape=(channel, sample), float32]
        The same array at every severity of a clip.
    gain : float
        The factor that it is added with.
    achieved, note
        As `Applied` has them.
    """

    noise: np.ndarray
    gain: float
    achieved: float | None = None
    note: str | None = None


@dataclass(frozen=True)
class Context:
    """What a corruption may know besides the audio.

    Attributes
    ----------
    dataset : str
        Dataset name, part of the protocol.
    options : mapping
        Options from the suite (e.g. a folder of noises).
    others : callable, optional
        `others(rng, n)` gives up to n waveforms `[channel, sample]` of clips of other classes at the same rate.
    metadata : mapping
        The clip's metadata columns (e.g. its device). Never its label.
    other_devices : callable, optional
        `other_devices(rng, n)` gives up to n waveforms recorded with another device than this clip's.
    severities : tuple, optional
        The parameters that will be asked for, where they are not all of the corruption's; what is made for all of
        them at once is then not made in vain. No output depends on it.
    events : tuple of (float, float, str)
        Onset, offset in seconds and class of what is annotated in the clip, for corruptions that act on events
        (`wants_events`); empty for every other.
    """

    dataset: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    others: Any = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    other_devices: Any = None
    severities: tuple[Any, ...] | None = None
    events: tuple[tuple[float, float, str], ...] = ()


class Corruption(ABC):
    """Base class of every corruption.

    Attributes
    ----------
    group : str
        Family for grouped averages: `noise`, `room`, `bandwidth`, `level`, `codec`, `channel`, `device`, `time`,
        `event`.
    unit : str
        Unit of the severity parameter, e.g. `dB SNR`, `kHz`, `bits`.
    keywords : tuple of str
        What a caller says for each part of the parameter, e.g. `snr` in `benchbed.corrupt(…, snr=10)`.
    parameters : tuple
        The parameter at severity 1 … 5, mildest first.
    version : int
        Raised when the output for the same input changes; part of every cache key.
    preserves_time : bool
        False if events move in time; then `move_events` must be implemented.
    time_slack : float
        How far in seconds a sound may come to lie from its place where time is preserved (smearing of a vocoder).
    preserves_space : bool
        False if directions change; then `move_directions` must be implemented.
    circular : bool
        True if what leaves at the end of the clip comes back at its start.
    slow : bool
        Making it takes many times as long as reading it from disk, so that it is kept for the next model or run; it
        then follows from the clip, its draw and its options alone, and from no other clips.
    monotone : bool
        True if the log-mel distance to the clean clip must grow with severity; false only with the reason in `source`.
    unmeasured : str
        Why nobody measures what a severity reached; empty where `Applied.achieved` is measured or follows from how the
        audio is made.
    device_tolerance : float, optional
        Torch can make it on the model's device, every sample within this share of the clip's largest one from what
        `apply` gives, and with the same `achieved`; then `apply_on_device` must be implemented. None: the host only.
    adds_noise : bool
        All that it does is to add a noise with a gain, so that it can be made in the spectrum; then `added_noise` must
        be implemented, and `apply` gives clip + gain · noise up to rounding.
    together : int
        Clips that are prepared before the first of them is applied, and told of by `side_by_side`, because making them
        together costs less than one by one; no output depends on it.
    option_names : tuple of str
        Options that the corruption understands.
    packages : tuple of str
        Packages, as they are imported, that make it or one of its severities and that reading audio may do without: a
        run sees that they are there before anything is computed.
    adds_events : bool
        True if it puts sounds in that references must know; then `added_events` must be implemented.
    wants_events : bool
        True if it acts on what is annotated, and must be told.
    options : mapping
        Options given in the suite for this corruption; they go before those of the context.
    """

    group: str
    unit: str
    keywords: tuple[str, ...] = ()
    parameters: tuple[Any, ...]
    version: int = 1
    preserves_time: bool = True
    time_slack: float = 0.001
    preserves_space: bool = True
    circular: bool = False
    slow: bool = False
    monotone: bool = True
    source: str = ""
    unmeasured: str = ""
    device_tolerance: float | None = None
    adds_noise: bool = False
    together: int = 1
    option_names: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()
    adds_events: bool = False
    wants_events: bool = False
    options: Mapping[str, Any] = MappingProxyType({})

    def option(self, name: str, context: Context | None = None, default: Any = None) -> Any:
        """An option's value: this corruption's own, else the context's, else `default`."""
        if name in self.options:
            return self.options[name]
        return (context.options if context is not None else {}).get(name, default)

    def take(self, options: Mapping[str, Any]) -> None:
        """Take the options of a suite; where one of them changes what a severity means, the unit changes with it."""
        self.options = dict(options)

    def configure(self, context: Context) -> Mapping[str, Any]:
        """Check the options once before a run; returns facts for the protocol id and record (e.g. a folder's digest).

        Raises
        ------
        ConfigError
            An option that cannot be used: a missing folder, files that are no audio.
        """
        return {}

    def unavailable(self, parameter: Any, sample_rate: int, channels: int) -> str | None:
        """Why this parameter cannot apply at this rate and channel count, or None if it can."""
        return None

    @abstractmethod
    def prepare(self, waveform: np.ndarray, sample_rate: int, rng: np.random.Generator, context: Context) -> Any:
        """Severity-independent work for one clip `[channel, sample]`; must not change `waveform`."""

    @abstractmethod
    def apply(self, state: Any, parameter: Any) -> Applied:
        """The clip at one parameter; a pure function of `state`, callable in any order."""

    def side_by_side(self, states: Sequence[Any]) -> None:
        """Hear which clips will be applied one after the other, where `together` is more than one.

        Parameters
        ----------
        states : sequence of object
            What `prepare` returned for them, in their order.
        """
        return None

    def apply_on_device(self, state: Any, parameter: Any, moved: Moved) -> AppliedOnDevice:
        """The same as `apply` on a device, where `device_tolerance` says that it can be made there.

        Parameters
        ----------
        state : object
            What `prepare` returned.
        parameter : object
        moved : Moved
            Brings arrays of `state` to the device.
        """
        raise NotImplementedError(f"{type(self).__name__} is made on the host only")

    def added_noise(self, state: Any, parameter: Any) -> AddedNoise | str:
        """What `apply` adds at a parameter, where `adds_noise` says that this is all; or why it leaves the clip alone.

        Parameters
        ----------
        state : object
            What `prepare` returned.
        parameter : object
        """
        raise NotImplementedError(f"{type(self).__name__} does more than adding a noise")

    def move_events(self, events: np.ndarray, duration: float, state: Any, parameter: Any) -> np.ndarray:
        """Reference events `[event, (onset, offset)]` in seconds after the perturbation (identity by default).

        One row in, one row out; times may lie outside the clip, which `place_events` cuts or wraps.
        """
        return events

    def place_events(
        self, events: np.ndarray, duration: float, state: Any, parameter: Any
    ) -> tuple[np.ndarray, np.ndarray]:
        """Moved events as they stand in the clip, and for each the row of `events` it comes from.

        An event can be cut in two by a circular shift, shortened at the end, or fall out of the clip.

        Returns
        -------
        tuple of np.ndarray [shape=(piece, 2)] and np.ndarray [shape=(piece,), int64]
        """
        events = np.asarray(events, dtype=np.float64).reshape(-1, 2)
        moved = np.asarray(self.move_events(events, duration, state, parameter), dtype=np.float64).reshape(-1, 2)
        rows = np.arange(len(moved))
        if self.circular:
            over = moved[:, 1] > duration
            wrapped = np.column_stack([np.zeros(int(over.sum())), moved[over, 1] - duration])
            moved, rows = np.vstack([moved, wrapped]), np.concatenate([rows, rows[over]])
        moved = np.clip(moved, 0.0, duration)
        kept = moved[:, 1] > moved[:, 0]
        order = np.argsort(rows[kept], kind="stable")
        return moved[kept][order], rows[kept][order]

    def added_events(self, state: Any, parameter: Any) -> list[tuple[float, float, str]]:
        """Onset, offset in seconds and class of sounds that were put in (none by default)."""
        return []

    def move_directions(self, directions: np.ndarray, state: Any, parameter: Any) -> np.ndarray:
        """Directions `[event, (azimuth, elevation)]` in degrees after the perturbation (identity by default)."""
        return directions
