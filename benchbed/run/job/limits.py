"""How much of time and memory a process may take that runs a model."""

from __future__ import annotations

from dataclasses import dataclass

from benchbed.errors import ConfigError

#: Seconds that one call of a model may take: a batch, a step of an attack, loading.
PATIENCE = 1800.0


@dataclass(frozen=True)
class Limits:
    """What a process that runs a model may take before it is ended.

    Attributes
    ----------
    seconds : float or None
        For one call of the model: loading it, a batch, a step of an attack; None for as long as it takes.
    memory : int or None
        Bytes that are resident; None for nine tenths of what the machine, or the container, has.

    Raises
    ------
    ConfigError
        A limit that nothing can keep.

    Examples
    --------
    >>> Limits(seconds=60).seconds
    60
    """

    seconds: float | None = PATIENCE
    memory: int | None = None

    def __post_init__(self) -> None:
        if self.seconds is not None and not self.seconds > 0:
            raise ConfigError(f"a call may take {self.seconds:g} seconds, which none can", hint="0.1 or more")
        if self.memory is not None and self.memory < 1:
            raise ConfigError("a process may have no memory, which none can do without", hint="64 MB or more")
