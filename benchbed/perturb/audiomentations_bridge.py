"""audiomentations as a source of corruptions: any of its transforms, made deterministic, or refused with the reason.

Its transforms draw from two global random states, may change length, and some change more than they say. Here each
call runs on global state that is seeded from the clip's own stream and put back afterwards; parameters are fixed by
`min == max`; the output is brought back to the clip's shape, which is noted; and the transforms whose faults are known
are repaired or refused by `POLICY`. Before its first clip every transform is run twice on one signal: if the outputs
differ, it is refused, whatever the policy says. What it reached is measured on every clip (`MEASURES`) and compared
with what was asked for on that signal; by how much it is late is measured, too, and moves the reference.
"""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from benchbed.errors import ConfigError, did_you_mean
from benchbed.perturb.audiomentations_facts import IN_PLACE, MEASURES, MOVES_EVENTS, POLICY, FaultPolicy
from benchbed.perturb.contract import Applied, Context, Corruption
from benchbed.perturb.files import open_folder
from benchbed.perturb.guarded import CannotApply, Guarded, PreparedClip
from benchbed.perturb.level import is_silent, keep_power
from benchbed.perturb.measures import Passage
from benchbed.perturb.selfcheck import bursts, lag
from benchbed.rng import preserved_global_state

PREFIX = "audiomentations:"

#: Rate of the signals that transforms are tried on.
PROBE_RATE = 16000

_GROUPS = {
    "noise": ("AddBackgroundNoise", "AddColorNoise", "AddGaussianNoise", "AddGaussianSNR", "AddShortNoises"),
    "room": ("RoomSimulator", "AirAbsorption"),
    "bandwidth": (
        "LowPassFilter",
        "HighPassFilter",
        "BandPassFilter",
        "BandStopFilter",
        "LowShelfFilter",
        "HighShelfFilter",
        "PeakingFilter",
        "SevenBandParametricEQ",
        "Resample",
        "Aliasing",
    ),
    "codec": ("Mp3Compression",),
    "time": ("TimeMask", "PitchShift", "Padding", *MOVES_EVENTS),
    "channel": ("PolarityInversion",),
}


def names() -> list[str]:
    """Transforms of the installed version, with the refused ones.

    Examples
    --------
    >>> "LowPassFilter" in names()
    True
    """
    import audiomentations

    return sorted(n for n in dir(audiomentations) if inspect.isclass(getattr(audiomentations, n)))


def corruption(name: str, parameters: Mapping[str, Any] | Sequence[Mapping[str, Any]]) -> Corruption:
    """A transform of audiomentations as a corruption.

    Parameters
    ----------
    name : str
        Class name, with or without the prefix `audiomentations:`.
    parameters : mapping or list of mappings
        Keyword arguments per severity, mildest first; or one mapping, in which lists of equal length give the values
        per severity and everything else holds for all. `x` stands for `min_x` and `max_x` where only these exist.

    Returns
    -------
    Corruption

    Raises
    ------
    ConfigError
        Unknown transform or argument, a transform that is refused, parameters that leave something to chance, or an
        output that is not reproducible.

    Examples
    --------
    >>> low_pass = corruption("LowPassFilter", {"cutoff_freq": [4000, 2000, 1000], "rolloff": 24})
    >>> low_pass.parameters[0]["min_cutoff_freq"], low_pass.group, len(low_pass.parameters)
    (4000, 'bandwidth', 3)
    """
    name = name.removeprefix(PREFIX)
    known = names()
    if name not in known:
        raise ConfigError(
            f"audiomentations has no transform '{name}'",
            hint=did_you_mean(name, known) or f"known: {', '.join(known)}",
        )
    policy = POLICY.get(name)
    if policy is not None and policy.action == "refuse":
        raise ConfigError(f"{PREFIX}{name} is refused: {policy.reason}", hint=f"use {policy.instead}")
    severities = tuple(_arguments(name, given) for given in _per_severity(name, parameters))
    for arguments in severities:
        _build(name, arguments)
    return Bridge(name, severities)


class Bridge(Guarded):
    """One transform; made by `corruption`.

    Parameters
    ----------
    name : str
    severities : tuple of mapping
        Keyword arguments per severity, without `p`.
    """

    # A severity is whatever the suite says it is, so nothing can be promised about its order.
    monotone = False

    def __init__(self, name: str, severities: tuple[Mapping[str, Any], ...]) -> None:
        self.name, self.parameters = name, severities
        self.group = next((group for group, members in _GROUPS.items() if name in members), "level")
        self.preserves_time = name in IN_PLACE
        measure = MEASURES.get(name, "it is of a newer version of the library")
        self.measure = None if isinstance(measure, str) else measure
        self.unmeasured = measure if isinstance(measure, str) else ""
        self.unit = "parameters" if self.measure is None else self.measure.unit
        if name == "PitchShift":
            self.time_slack = 0.005
        self.policy = POLICY.get(name)
        self.source = f"audiomentations {_version()}"

    def configure(self, context: Context) -> Mapping[str, Any]:
        """Run the determinism probe at every severity, and name the version of audiomentations."""
        facts: dict[str, Any] = {"audiomentations": _version(), "policy": self.policy.action if self.policy else "none"}
        for arguments in self.parameters:
            if "sounds_path" in arguments:
                facts["sounds"] = open_folder(arguments["sounds_path"]).facts()
            _probe(self.name, _frozen(arguments))
        if self.unmeasured:
            facts["not_measured"] = self.unmeasured
        if self.name not in MOVES_EVENTS:
            late = [self.delay(arguments, PROBE_RATE) / PROBE_RATE for arguments in self.parameters]
            if any(late):
                facts["delay_seconds"] = late
        return facts

    def delay(self, parameter: Mapping[str, Any], sample_rate: int) -> int:
        """By how many samples bursts of noise come out late at a sample rate; 0 where they cannot be recognised."""
        return 0 if self.name in IN_PLACE else _delay(self, _frozen(parameter), sample_rate)

    def unavailable(self, parameter: Any, sample_rate: int, channels: int) -> str | None:
        """Filter edges that the transform cannot realise at this rate."""
        for argument in ("max_cutoff_freq", "max_center_freq"):
            hz = parameter.get(argument, 0)
            if hz > 0.45 * sample_rate:
                return f"{hz:g} Hz is above 0.45 of the {sample_rate} Hz sample rate"
        return None

    def begin(self, waveform: np.ndarray, sample_rate: int, rng: np.random.Generator, context: Context) -> int:
        """A seed from the clip's stream: the same draw at every severity."""
        return int(rng.integers(2**63))

    def at(self, state: PreparedClip, parameter: Any) -> Applied:
        """The clip through the transform, brought back to its shape and rate."""
        _probe(self.name, _frozen(parameter))
        waveform, rate = state.waveform, state.sample_rate
        if (
            self.name == "RepeatPart"
            and waveform.shape[1] <= (_most(self.name, parameter, "part_duration") + 0.01) * rate
        ):
            raise CannotApply("not longer than the part to repeat")
        pieces = [waveform[c] for c in range(len(waveform))] if self._by_channel(len(waveform)) else [waveform]
        mixers = ("AddBackgroundNoise", "AddShortNoises")
        outs, note = [], None
        for index, piece in enumerate(pieces):
            if piece.ndim == 1 and is_silent(piece):
                outs.append(piece[None].copy())
                continue
            # A recorded noise is one scene for all channels; a drawn noise is independent between them.
            seed = state.data + (0 if self.name in mixers else index)
            out, note = self._call(piece, rate, parameter, seed)
            outs.append(out)
        out = np.concatenate(outs)
        if self.policy is not None and self.policy.action == "restore_power":
            out = keep_power(out, waveform)
        if np.array_equal(out, waveform):
            raise CannotApply("the transform left the clip as it was")
        if not np.isfinite(out).all():
            raise CannotApply("the transform gave samples that are not finite")
        return Applied(out, achieved=self._reached(state, parameter, out), note=note)

    def _reached(self, state: PreparedClip, parameter: Mapping[str, Any], out: np.ndarray) -> float | None:
        if self.measure is None:
            return None
        if self.measure.on_impulse:
            # One way for all clips, unless a parameter is drawn.
            seed = 0 if _pinned(self.name, parameter) else state.data
            return _way(self, _frozen(parameter), state.sample_rate, seed)
        return self.measure.take(self._passage(state.waveform, out, state.sample_rate, parameter, state.data))

    def _passage(
        self, clean: np.ndarray, out: np.ndarray, rate: int, parameter: Mapping[str, Any], seed: int
    ) -> Passage:
        def respond(signal: np.ndarray) -> np.ndarray:
            return self._call(signal, rate, parameter, seed)[0]

        def response() -> np.ndarray:
            return np.asarray(_kept(self.name, _frozen(parameter)).room.rir[0][0])

        return Passage(clean, out, rate, respond, response if self.name == "RoomSimulator" else None)

    def move_events(self, events: np.ndarray, duration: float, state: PreparedClip, parameter: Any) -> np.ndarray:
        """Events stay, or the transform cannot be used where their times matter."""
        if self.preserves_time or state.skipped is not None:
            return events
        if self.name in MOVES_EVENTS:
            raise ConfigError(
                f"{PREFIX}{self.name} moves events, and does not tell where to",
                hint="use time_shift or time_stretch, which move the reference with the audio",
            )
        return np.asarray(events, dtype=np.float64) + self.delay(parameter, state.sample_rate) / state.sample_rate

    def _by_channel(self, channels: int) -> bool:
        if self.policy is None:
            return False
        return self.policy.action == "per_channel" or (self.name == "Mp3Compression" and channels > 2)

    def _call(
        self, piece: np.ndarray, rate: int, parameter: Mapping[str, Any], seed: int
    ) -> tuple[np.ndarray, str | None]:
        with preserved_global_state(seed), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            transform = _kept(self.name, _frozen(parameter))
            try:
                out = transform(np.array(piece, dtype=np.float32, order="C"), rate)
            except ImportError as error:
                raise ConfigError(f"{PREFIX}{self.name} needs a package that is not installed: {error}") from error
            except Exception as error:  # too short or too low a rate for it, in whatever words
                raise CannotApply(f"the transform raised {type(error).__name__}: {error}") from error
        out = np.atleast_2d(np.asarray(out, dtype=np.float32))
        if self.name == "RoomSimulator":
            # The direct path is the strongest sample of the response; the tail beyond the clip is not heard.
            out = np.ascontiguousarray(out[:, int(np.argmax(np.abs(transform.room.rir[0][0]))) :])
        if self.policy is not None and self.policy.action == "restore_rate":
            from benchbed.audio import resample

            out = resample(out, transform.parameters["target_sample_rate"], rate)
        return _fitted(out, piece.shape[-1], strict=self.policy is None or self.policy.action != "restore_rate")


def _fitted(out: np.ndarray, samples: int, strict: bool) -> tuple[np.ndarray, str | None]:
    length = out.shape[1]
    if length >= samples:
        return np.ascontiguousarray(out[:, :samples]), (
            f"trimmed {length - samples} samples" if length > samples and strict else None
        )
    padded = np.zeros((len(out), samples), dtype=np.float32)
    padded[:, :length] = out
    return padded, f"padded {samples - length} samples" if strict else None


def _version() -> str:
    import importlib.metadata

    return importlib.metadata.version("audiomentations")


def _build(name: str, arguments: Mapping[str, Any]) -> Any:
    import audiomentations

    try:
        return getattr(audiomentations, name)(**arguments, p=1.0)
    except ImportError as error:
        raise ConfigError(f"{PREFIX}{name} needs a package that is not installed: {error}") from error
    except (TypeError, ValueError, AssertionError, OSError) as error:
        raise ConfigError(f"{PREFIX}{name} does not take these parameters: {error or type(error).__name__}") from error


@lru_cache(maxsize=64)
def _kept(name: str, frozen: tuple) -> Any:
    """One object per set of parameters: some read a folder when made, and keep the files that they have decoded."""
    return _build(name, dict(frozen))


def _per_severity(name: str, parameters: Any) -> list[Mapping[str, Any]]:
    if isinstance(parameters, Mapping):
        lists = {k: v for k, v in parameters.items() if isinstance(v, list | tuple)}
        lengths = {len(v) for v in lists.values()}
        if len(lengths) > 1:
            raise ConfigError(f"{PREFIX}{name}: lists of parameters differ in length: {sorted(lengths)}")
        count = lengths.pop() if lengths else 1
        return [{k: v[i] if k in lists else v for k, v in parameters.items()} for i in range(count)]
    if not isinstance(parameters, Sequence) or isinstance(parameters, str) or not parameters:
        raise ConfigError(
            f"{PREFIX}{name} needs its parameters", hint="a mapping, or a list of one mapping per severity"
        )
    if not all(isinstance(given, Mapping) for given in parameters):
        raise ConfigError(f"{PREFIX}{name}: each severity must be a mapping of parameters")
    return list(parameters)


def _arguments(name: str, given: Mapping[str, Any]) -> Mapping[str, Any]:
    """The constructor's arguments: short forms spread out, `p` dropped, everything checked that leaves chance open."""
    import audiomentations

    signature = inspect.signature(getattr(audiomentations, name).__init__).parameters
    defaults = {k: v.default for k, v in signature.items() if v.default is not inspect.Parameter.empty}
    arguments: dict[str, Any] = {}
    for key, value in given.items():
        if not isinstance(value, str | int | float | None) and not (
            isinstance(value, list | tuple) and all(isinstance(v, str | int | float) for v in value)
        ):
            raise ConfigError(f"{PREFIX}{name}: '{key}' must be a number, a word, or a list of these")
        if key == "p":
            if value != 1:
                raise ConfigError(f"{PREFIX}{name}: p must be 1, for a condition perturbs every clip")
        elif key in signature:
            arguments[key] = value
        elif f"min_{key}" in signature and f"max_{key}" in signature:
            arguments[f"min_{key}"] = arguments[f"max_{key}"] = value
        else:
            raise ConfigError(
                f"{PREFIX}{name} has no parameter '{key}'",
                hint=did_you_mean(key, signature)
                or f"known: {', '.join(k for k in signature if k not in ('self', 'p'))}",
            )
    for low in [k for k in signature if k.startswith("min_")]:
        high = "max_" + low[4:]
        if high in signature and (low in arguments) != (high in arguments):
            missing = high if low in arguments else low
            raise ConfigError(
                f"{PREFIX}{name}: '{missing}' is missing, so the strength would be drawn at random",
                hint=f"give both, or '{low[4:]}' for both",
            )
    if name == "RoomSimulator":
        if arguments.get("use_ray_tracing"):
            raise ConfigError(
                f"{PREFIX}{name} with use_ray_tracing is refused: {POLICY[name].reason}", hint="leave it out, or false"
            )
        arguments["use_ray_tracing"] = False
    if name == "ClippingDistortion":
        for bound in ("min_percentile_threshold", "max_percentile_threshold"):
            percent = arguments.get(bound, defaults[bound])
            if percent % 2:
                raise ConfigError(
                    f"{PREFIX}{name} is refused at {percent} %: {POLICY[name].reason}", hint="use an even percentage"
                )
    if name == "Mp3Compression" and arguments.get("backend", "fast-mp3-augment") != "fast-mp3-augment":
        raise ConfigError(
            f"{PREFIX}{name} with backend {arguments['backend']} is refused: it delays the audio", hint="use 'mp3'"
        )
    return arguments


def _most(name: str, arguments: Mapping[str, Any], quantity: str) -> float:
    import audiomentations

    default = inspect.signature(getattr(audiomentations, name).__init__).parameters[f"max_{quantity}"].default
    return float(arguments.get(f"max_{quantity}", default))


def _frozen(arguments: Mapping[str, Any]) -> tuple:
    return tuple(sorted((k, tuple(v) if isinstance(v, list) else v) for k, v in arguments.items()))


@lru_cache(maxsize=256)
def _delay(bridge: Bridge, frozen: tuple, rate: int) -> int:
    clip = bursts(rate, 1, 1.0).waveform
    try:
        out = bridge._call(clip, rate, dict(frozen), 0)[0]
    except CannotApply:
        return 0
    return lag(clip[0], out[0], rate) or 0


@lru_cache(maxsize=256)
def _way(bridge: Bridge, frozen: tuple, rate: int, seed: int) -> float | None:
    """What a transform that is measured on an impulse reaches at a rate."""
    assert bridge.measure is not None
    nothing = np.zeros((1, 1), np.float32)
    try:
        return bridge.measure.take(bridge._passage(nothing, nothing, rate, dict(frozen), seed))
    except CannotApply:
        return None


def _pinned(name: str, parameter: Mapping[str, Any]) -> bool:
    """Whether no argument is left to be drawn."""
    import audiomentations

    lows = [k[4:] for k in inspect.signature(getattr(audiomentations, name).__init__).parameters if k[:4] == "min_"]
    return all(parameter.get(f"min_{low}", 0) == parameter.get(f"max_{low}", 1) for low in lows)


@lru_cache(maxsize=256)
def _probe(name: str, frozen: tuple) -> None:
    """Run the transform twice under one seed, on two seconds of noise, and refuse it if the outputs differ.

    Or if it does not do what its number says.
    """
    signal = np.random.Generator(np.random.Philox(1)).standard_normal(32000).astype(np.float32) * np.float32(0.1)
    one_dimensional = POLICY.get(name, FaultPolicy("check", "")).action == "per_channel"
    outs = []
    for _ in range(2):
        with preserved_global_state(1), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            transform = _build(name, dict(frozen))
            try:
                outs.append(np.array(transform(signal.copy() if one_dimensional else signal[None].copy(), 16000)))
            except ImportError as error:
                raise ConfigError(f"{PREFIX}{name} needs a package that is not installed: {error}") from error
    if outs[0].shape != outs[1].shape or not np.array_equal(outs[0], outs[1]):
        raise ConfigError(
            f"{PREFIX}{name} is refused: two runs with one seed and equal parameters differ",
            hint="use a corruption of benchbed in its place; `benchbed list` names them",
        )
    _does_what_it_says(name, frozen, signal[None])


def _does_what_it_says(name: str, frozen: tuple, signal: np.ndarray) -> None:
    bridge, parameter = Bridge(name, (dict(frozen),)), dict(frozen)
    if bridge.measure is None or bridge.measure.asked is None or parameter.get("noise_rms") == "absolute":
        return
    if name == "RoomSimulator" and parameter.get("calculation_mode") != "rt60":
        return
    state = PreparedClip(signal, PROBE_RATE, data=1)
    out = bridge._call(signal[0] if bridge._by_channel(1) else signal, PROBE_RATE, parameter, 1)[0]
    missed = bridge.measure.missed(parameter, bridge._reached(state, parameter, out))
    if missed is not None:
        raise ConfigError(
            f"{PREFIX}{name} does not do what its number says: {missed}",
            hint="use 'reverb', whose T60 holds, or a larger max_order (minutes a clip)"
            if name == "RoomSimulator"
            else "use a corruption of benchbed in its place; `benchbed list` names them",
        )


def offered() -> dict[str, str]:
    """What is known about each transform, without a look at the library: how it is measured, or why it is refused.

    Examples
    --------
    >>> offered()["AddGaussianSNR"], offered()["Lambda"]
    ('measured in dB SNR, whole clip', 'refused: runs code given in the suite')
    """
    found = {}
    for name, measure in MEASURES.items():
        found[name] = f"not measured: {measure}" if isinstance(measure, str) else f"measured in {measure.unit}"
    for name, policy in POLICY.items():
        if policy.action == "refuse":
            found[name] = f"refused: {policy.reason}"
    return dict(sorted(found.items()))
