"""A front end as data: its name and options make the module, and the words that stand in a record."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch

from benchbed.adapter.frontends import FRONT_ENDS
from benchbed.errors import ConfigError, did_you_mean


@dataclass(frozen=True)
class NamedFrontEnd:
    """A registered front end and its options.

    Parameters
    ----------
    kind : str
        Registered name, e.g. `log_mel`.
    options : mapping
        Options of its `front_end`; options that are not given keep their defaults.

    Raises
    ------
    ConfigError
        There is no such front end, or it has no such option.

    Examples
    --------
    >>> made = NamedFrontEnd("log_mel", {"sample_rate": 32000, "n_mels": 64})
    >>> made.text
    'log_mel(sample_rate=32000, n_mels=64)'
    >>> made.build()(torch.zeros(2, 1, 32000)).shape
    torch.Size([2, 64, 101])
    """

    kind: str
    options: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        known = FRONT_ENDS.names()
        if self.kind not in known:
            raise ConfigError(
                f"unknown front end '{self.kind}'",
                hint=did_you_mean(self.kind, known) or f"known: {', '.join(known)}",
            )
        signature = inspect.signature(FRONT_ENDS.get(self.kind).front_end)
        open_ended = any(p.kind is p.VAR_KEYWORD for p in signature.parameters.values())
        for name in self.options:
            if name not in signature.parameters and not open_ended:
                options = list(signature.parameters)
                raise ConfigError(
                    f"the front end {self.kind} has no option '{name}'",
                    hint=did_you_mean(name, options) or f"options: {', '.join(options)}",
                )

    @property
    def text(self) -> str:
        """Name and options in one line, for a card."""
        return f"{self.kind}({', '.join(f'{name}={_short(value)}' for name, value in self.options.items())})"

    def build(self) -> torch.nn.Module:
        """A module from waveforms `[clip, channel, sample]`."""
        made: torch.nn.Module = FRONT_ENDS.get(self.kind).front_end(**self.options)
        return made


def _short(value: Any) -> str:
    return value.text if isinstance(value, NamedFrontEnd) else f"{value:g}" if isinstance(value, float) else str(value)
