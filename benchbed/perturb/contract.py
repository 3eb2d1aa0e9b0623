"""The contract of a corruption: prepare once per clip, apply at each severity.

Work that does not depend on severity (drawing noise, a spectrum, a room response) happens in `prepare`, so that five
severities cost little more than one, and share one random draw: curves are monotone and comparisons paired.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np


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
    """

    waveform: np.ndarray
    achieved: float | None = None
    skipped: str | None = None


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
    """

    dataset: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    others: Any = None
    metadata: Mapping[str, Any] = field(default_factory=dict)


class Corruption(ABC):
    """Base class of every corruption.

    Attributes
    ----------
    group : str
        Family for grouped averages: `noise`, `room`, `bandwidth`, `level`, `codec`, `channel`, `device`, `time`.
    unit : str
        Unit of the severity parameter, e.g. `dB SNR`, `kHz`, `bits`.
    parameters : tuple
        The parameter at severity 1 … 5, mildest first.
    version : int
        Raised when the output for the same input changes; part of every cache key.
    preserves_time : bool
        False if events move in time; then `move_events` must be implemented.
    """

    group: str
    unit: str
    parameters: tuple[Any, ...]
    version: int = 1
    preserves_time: bool = True
    source: str = ""

    def unavailable(self, parameter: Any, sample_rate: int, channels: int) -> str | None:
        """Why this parameter cannot apply at this rate and channel count, or None if it can."""
        return None

    @abstractmethod
    def prepare(self, waveform: np.ndarray, sample_rate: int, rng: np.random.Generator, context: Context) -> Any:
        """Severity-independent work for one clip `[channel, sample]`; must not change `waveform`."""

    @abstractmethod
    def apply(self, state: Any, parameter: Any) -> Applied:
        """The clip at one parameter; a pure function of `state`, callable in any order."""

    def move_events(self, events: np.ndarray, duration: float, state: Any, parameter: Any) -> np.ndarray:
        """Reference events `[event, (onset, offset)]` in seconds after the perturbation (identity by default)."""
        return events
