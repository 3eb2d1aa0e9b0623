"""What a run asks of a cluster."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from benchbed.errors import ConfigError

_UNITS = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}


@dataclass(frozen=True)
class ClusterAsked:
    """A Ray cluster, and what each worker takes of it.

    Attributes
    ----------
    address : str
        Of an existing cluster, as `ray.init` takes it; empty for one on this machine that lives as long as the run.
    cpus : float
        CPUs of a worker; 0 for as many as it computes with threads.
    gpus : float
        GPUs of a worker; a fraction lets several share one.
    memory : int
        Bytes of memory of a worker that are set aside; 0 for none.
    ship : {"auto", "always", "never"}
        Send the clips to nodes that do not see them at their path, to all nodes, or to none.
    """

    address: str = ""
    cpus: float = 0.0
    gpus: float = 0.0
    memory: int = 0
    ship: Literal["auto", "always", "never"] = "auto"


def bytes_of(text: str, flag: str) -> int:
    """A size such as `4G` in bytes.

    Raises
    ------
    ConfigError
        No size.

    Examples
    --------
    >>> bytes_of("1.5G", "--worker-memory"), bytes_of("200", "--worker-memory")
    (1610612736, 200)
    """
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([KMGT]?)i?B?\s*", text, re.IGNORECASE)
    if match is None:
        raise ConfigError(f"{flag} {text}: no size", hint="bytes, or a number with K, M, G or T, e.g. 4G")
    return int(float(match[1]) * _UNITS[match[2].upper()])
