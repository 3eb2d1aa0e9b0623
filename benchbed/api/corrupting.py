"""One corruption on one array, without a suite."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from benchbed.errors import ConfigError, did_you_mean

if TYPE_CHECKING:
    from benchbed.perturb.contract import Applied, Corruption


def corrupt(
    waveform: np.ndarray,
    sample_rate: int,
    corruption: str,
    parameter: object = None,
    *,
    severity: int | None = None,
    seed: int = 0,
    example: str | None = None,
    options: Mapping[str, object] | None = None,
    details: bool = False,
    **units: object,
) -> np.ndarray | Applied:
    """A waveform with one corruption, as a run would hand it to a model.

    Parameters
    ----------
    waveform : np.ndarray [shape=(sample,) or (channel, sample)]
        Audio in −1…1.
    sample_rate : int
        Samples per second.
    corruption : str
        Registered name (`benchbed list corruptions`) or `audiomentations:Transform`.
    parameter : object, optional
        How strong, in the corruption's unit: `10` for 10 dB SNR. The unit's word does the same: `snr=10`.
    severity : int, optional
        1 (mild) … 5 (severe) instead.
    seed : int, default=0
        Of the random draw.
    example : str, optional
        Name of the clip, which keys the draw as in a run; by default a hash of the audio, so that the same audio gets
        the same noise wherever it stands.
    options : mapping, optional
        Options of the corruption, e.g. `{"folder": "noises"}`.
    details : bool, default=False
        Return the severity that was reached, too, and why a clip was left as it was.

    Returns
    -------
    np.ndarray [same shape, float32]
        Or `benchbed.perturb.contract.Applied` with `details`.

    Raises
    ------
    ConfigError
        Unknown corruption, option or unit, a parameter of another form, or audio that is no waveform.
    CannotMeasure
        The corruption cannot be applied to this audio (silent, too short, a filter above half the rate), unless
        `details` asks to be told.

    Examples
    --------
    >>> import benchbed as bb
    >>> noisy = bb.corrupt(np.sin(np.arange(16000) / 9).astype(np.float32), 16000, "white_noise", snr=10)
    >>> noisy.shape, noisy.dtype
    ((16000,), dtype('float32'))
    """
    from benchbed import rng
    from benchbed.errors import CannotMeasure
    from benchbed.perturb import resolve
    from benchbed.perturb.contract import Context

    audio = _audio(waveform, sample_rate)
    known = resolve(corruption, None, options) if not corruption.startswith("audiomentations:") else None
    chosen = _parameter(known, corruption, parameter, severity, units)
    transform = resolve(corruption, [chosen], options)
    context = Context(dataset="", options=dict(options or {}), severities=tuple(transform.parameters))
    facts = transform.configure(context)
    strength = transform.parameters[0]
    name = example or hashlib.blake2b(audio.tobytes(), digest_size=16).hexdigest()
    random = rng.stream(corruption, transform.version, dict(options or {}), name, 0, seed)
    reason = transform.unavailable(strength, sample_rate, audio.shape[0])
    if reason is None:
        applied = transform.apply(transform.prepare(audio, sample_rate, random, context), strength)
    else:
        from benchbed.perturb.contract import Applied

        applied = Applied(audio, skipped=reason)
    del facts
    shaped = applied.waveform[0] if np.ndim(waveform) == 1 else applied.waveform
    if details:
        from dataclasses import replace

        return replace(applied, waveform=shaped)
    if applied.skipped is not None:
        raise CannotMeasure(
            f"{corruption} cannot be applied: {applied.skipped}", hint="details=True returns it as it is"
        )
    return shaped


def _audio(waveform: np.ndarray, sample_rate: int) -> np.ndarray:
    audio = np.asarray(waveform)
    if audio.ndim not in (1, 2) or not audio.shape[-1] or not np.issubdtype(audio.dtype, np.floating):
        raise ConfigError(
            f"corrupt: audio of shape {list(audio.shape)} and type {audio.dtype}",
            hint="[sample] or [channel, sample] of floats in −1…1; divide 16-bit integers by 32768",
        )
    if not np.isfinite(audio).all():
        raise ConfigError("corrupt: the audio has samples that are not finite")
    if sample_rate <= 0:
        raise ConfigError(f"corrupt: a sample rate of {sample_rate}")
    return np.ascontiguousarray(np.atleast_2d(audio), np.float32)


def _parameter(
    known: Corruption | None, name: str, parameter: object, severity: int | None, units: Mapping[str, object]
) -> object:
    ways = (parameter is not None) + (severity is not None) + bool(units)
    if ways != 1:
        hint = "parameter=…, severity=1…5, or the word of its unit" + (f": {_words(known)}" if known else "")
        raise ConfigError(f"corrupt: say once how strong {name} is", hint=hint)
    if known is None:
        return dict(units) if units else parameter
    if severity is not None:
        if not 1 <= severity <= len(known.parameters):
            raise ConfigError(f"corrupt: {name} has severities 1 … {len(known.parameters)}, not {severity}")
        return known.parameters[severity - 1]
    if not units:
        return parameter
    wanted = known.keywords
    for word in units:
        if word not in wanted:
            raise ConfigError(
                f"corrupt: {name} has no '{word}'",
                hint=did_you_mean(word, wanted) or f"{_words(known)} ({known.unit}), e.g. {known.parameters[2]}",
            )
    if len(units) != len(wanted):
        raise ConfigError(f"corrupt: {name} wants {_words(known)}", hint=known.unit)
    values = tuple(units[word] for word in wanted)
    return values[0] if len(values) == 1 else values


def _words(known: Corruption) -> str:
    return " and ".join(f"{word}=…" for word in known.keywords)
