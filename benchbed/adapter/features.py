"""Front ends by name, for networks that take features and whose file does not carry the step that makes them."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from benchbed.adapter.mfcc import Mfcc
from benchbed.errors import ConfigError, did_you_mean
from benchbed.nesting import json_of

#: Front ends that an exported network can ask for.
Kind = Literal["none", "logmel", "mfcc"]


@dataclass(frozen=True)
class FrontEnd:
    """What stands between the waveform and the network.

    Attributes
    ----------
    axes : tuple of str
        Axes of what `__call__` returns: `(clip, channel, sample)`, or `(clip, channel, band, frame)`.
    compute : callable
        From waveforms `[clip, channel, sample]` to an array with those axes.
    source : LogMel, Mfcc or None
        What `compute` works with, for whoever asks what it costs.
    """

    axes: tuple[str, ...]
    compute: Callable[[np.ndarray], np.ndarray]
    source: Any = None

    def __call__(self, waveforms: np.ndarray) -> np.ndarray:
        return self.compute(waveforms)


def front_end(kind: Kind, sample_rate: int, options: str | Mapping[str, Any] = "") -> FrontEnd:
    """The front end called `kind`.

    Parameters
    ----------
    kind : {'none', 'logmel', 'mfcc'}
        `none` hands the waveform on; `logmel` is `benchbed.adapter.frontend.LogMel`; `mfcc` is
        `benchbed.adapter.mfcc.Mfcc`.
    sample_rate : int
        Samples per second.
    options : str or mapping
        Parameters of that class as `n_mels=64,hop_length=320`, a JSON object, or a mapping.

    Raises
    ------
    ConfigError
        Options the front end does not have or cannot use.

    Examples
    --------
    >>> front_end("mfcc", 16000, "n_mfcc=13")(np.ones((2, 1, 16000), np.float32)).shape
    (2, 1, 13, 49)
    """
    parameters = _parsed(options)
    if kind == "none":
        if parameters:
            raise ConfigError("feature_options are given, but features=none", hint="say features=logmel or mfcc")
        return FrontEnd(("clip", "channel", "sample"), lambda waveforms: waveforms)
    if kind == "mfcc":
        compute = _build(Mfcc, sample_rate, parameters, kind)
        axes = ("clip", "channel", "band", "frame")
        return FrontEnd(axes, lambda waveforms: np.swapaxes(compute(waveforms), -1, -2), compute)
    import torch

    from benchbed.adapter.frontend import LogMel

    network = _build(LogMel, sample_rate, parameters, kind).eval()

    def logmel(waveforms: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            spectrogram = network(torch.from_numpy(np.ascontiguousarray(waveforms, np.float32)))
        array = spectrogram.float().numpy()
        return array if array.ndim == 4 else array[:, None]

    return FrontEnd(("clip", "channel", "band", "frame"), logmel, network)


def _parsed(options: str | Mapping[str, Any]) -> dict[str, Any]:
    """Options as a mapping; a value is read as JSON where it is JSON, and stays text where it is not."""
    if not isinstance(options, str):
        return dict(options)
    text = options.strip()
    if text.startswith("{"):
        try:
            return dict(json_of(text))
        except ValueError as error:
            raise ConfigError(f"feature_options is not a JSON object: {error}", where=text) from error
    parsed: dict[str, Any] = {}
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        name, equals, value = part.partition("=")
        if not equals:
            raise ConfigError(f"feature_options has '{part}' without a value", hint="write n_mels=64,hop_length=320")
        try:
            parsed[name.strip()] = json_of(value)
        except ValueError:
            parsed[name.strip()] = {"none": None}.get(value.strip().lower(), value.strip())
    return parsed


def _build(kind: type, sample_rate: int, parameters: dict[str, Any], name: str) -> Any:
    known = [p for p in inspect.signature(kind).parameters if p != "sample_rate"]
    for parameter in parameters:
        if parameter not in known:
            hint = did_you_mean(parameter, known) or f"it has {', '.join(known)}"
            raise ConfigError(
                f"the {name} front end has no parameter '{parameter}'", where="feature_options", hint=hint
            )
    try:
        return kind(sample_rate=sample_rate, **parameters)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"the {name} front end cannot be built: {error}", where="feature_options") from error
