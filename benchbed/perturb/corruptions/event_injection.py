"""An event that was not there: a dog barks in the park, at so many dB over what else is heard in that moment.

The references of tags and of timed events get the event where the data set has its class; the class of a scene stays
what it is, and the figures of the cell say for every class of event how often it fooled the model.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from benchbed.errors import ConfigError
from benchbed.perturb.contract import Applied, Context
from benchbed.perturb.files import fit_channels
from benchbed.perturb.guarded import CannotApply, Guarded, PreparedClip
from benchbed.perturb.level import is_silent
from benchbed.perturb.sounds import Sounds

#: Longest event in seconds where no option says so, and how long its edges fade.
SECONDS, FADE = 2.0, 0.005


class EventInjection(Guarded):
    """Options: `folder` of sounds (else synthetic ones), a folder for each class unless `labels`, a csv or json file,
    says the class of every sound, `classes`, `onset` in seconds (else drawn for each clip), `seconds` of the event at
    most, `ignore` patterns.

    The ratio is that of the energies of event and clip while the event sounds. The same event at the same onset is
    heard at every severity.
    """

    group = "event"
    unit = "dB event-to-background"
    packages = ("soxr",)
    keywords = ("ebr",)
    parameters = (-10.0, -5.0, 0.0, 5.0, 10.0)
    source = "own choice: from an event that is hardly heard to one that covers the scene"
    option_names = ("folder", "classes", "onset", "seconds", "ignore", "labels")
    adds_events = True

    def configure(self, context: Context) -> Mapping[str, Any]:
        """Check the folder, the classes, onset and length."""
        for name, least in (("onset", 0.0), ("seconds", 0.05)):
            value = self.option(name, context)
            if value is not None and (isinstance(value, bool) or not isinstance(value, int | float) or value < least):
                raise ConfigError(f"event_injection: {name} {value!r}", hint=f"a number of seconds from {least:g}")
        return self._sounds(context).facts()

    def _sounds(self, context: Context) -> Sounds:
        classes, labels = self.option("classes", context), self.option("labels", context)
        return Sounds(self.option("folder", context), classes, self.option("ignore", context, ()), labels)

    def begin(
        self, waveform: np.ndarray, sample_rate: int, rng: np.random.Generator, context: Context
    ) -> tuple[np.ndarray, int, str, str]:
        """The event at 0 dB over the clip at its place, its first sample, its class, what was converted."""
        channels, samples = waveform.shape
        seconds = float(self.option("seconds", context, SECONDS))
        sound = self._sounds(context).draw(sample_rate, min(seconds, samples / sample_rate), rng)
        event = fit_channels(sound.waveform, channels)[:, :samples].copy()
        drawn = int(rng.integers(samples - event.shape[1] + 1))
        onset = self.option("onset", context)
        start = drawn if onset is None else round(float(onset) * sample_rate)
        if start >= samples:
            raise CannotApply(f"an event at {onset:g} s begins after the clip has ended")
        event = _faded(event[:, : samples - start], round(FADE * sample_rate))
        if is_silent(event):
            raise CannotApply(f"what was drawn of {sound.name} is silent")
        behind = waveform[:, start : start + event.shape[1]].astype(np.float64)
        power = float((behind**2).mean()) or float((waveform.astype(np.float64) ** 2).mean())
        event *= np.float32(np.sqrt(power / float((event.astype(np.float64) ** 2).mean())))
        return event, start, sound.name, sound.note

    def at(self, state: PreparedClip, parameter: Any) -> Applied:
        """The clip with its event at a ratio in dB."""
        event, start, name, note = state.data
        out = state.waveform.copy()
        stop = start + event.shape[1]
        out[:, start:stop] += np.float32(10 ** (float(parameter) / 20)) * event
        behind, added = state.waveform[:, start:stop].astype(np.float64), out[:, start:stop].astype(np.float64)
        background = float((behind**2).sum()) or float("nan")
        achieved = 10 * np.log10(float(((added - behind) ** 2).sum()) / background)
        facts = {"event": name, "injected_at": start / state.sample_rate, "event_added": name}
        reached = achieved if np.isfinite(achieved) else None
        return Applied(out, achieved=reached, note=note or None, facts=facts)

    def added_events(self, state: PreparedClip, parameter: Any) -> list[tuple[float, float, str]]:
        """The event that was put in."""
        if state.skipped is not None:
            return []
        event, start, name, _ = state.data
        return [(start / state.sample_rate, (start + event.shape[1]) / state.sample_rate, name)]


def _faded(event: np.ndarray, samples: int) -> np.ndarray:
    samples = min(samples, event.shape[1] // 2)
    if samples > 0:
        ramp = np.linspace(0, 1, samples, endpoint=False, dtype=np.float32)
        event[:, :samples] *= ramp
        event[:, -samples:] *= ramp[::-1]
    return event


CORRUPTION = EventInjection()
