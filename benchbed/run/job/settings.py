"""What a run is told besides suite and model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from benchbed.run.job.cluster import ClusterAsked
from benchbed.run.job.job import Options
from benchbed.run.job.limits import Limits
from benchbed.run.job.policy import ErrorPolicy, Reuse


@dataclass(frozen=True)
class Settings:
    """Everything a run can be told besides suite and model; see `benchbed run --help`."""

    out: Path = Path("runs")
    data: Mapping[str, Path] = field(default_factory=dict)
    allow_synthetic: bool = True
    device: str = "auto"
    batch_size: int = 16
    workers: int = 1
    threads: int = 1
    readers: int = 1
    """Threads of each process that read and decode the next clips while the model is busy, and, where cores are spare,
    as many that run slow corruptions."""
    limit: int | None = None
    reuse: Reuse = Reuse.MISSING
    errors: ErrorPolicy = field(default_factory=lambda: ErrorPolicy(fraction=0.01))
    seed: int = 0
    trust_checkpoint: bool = False
    quiet: bool = False
    verify: bool = False
    command: str = ""
    keep_attacked: bool = False
    """Store the audio that broke a clip, so that it can be written as a folder of adversarial sounds."""
    corruptions: str = "auto"
    """Where corruptions are made that torch can make: `device`, `host`, or `auto`, on the device if it is a GPU;
    `spectrum`: noise is added in the spectrum of the model's front end, and the rest made on the host."""
    limits: Limits = field(default_factory=Limits)
    """What a process of a model may take: time for one call, memory."""
    cluster: ClusterAsked | None = None
    """A Ray cluster that computes, in the place of local processes; `workers` is then 0 for all it has room for."""
    name: str = ""
    """What the user calls the model: the name of its folder and in tables; by default the card's, with the options."""
    others: tuple[tuple[str, Options], ...] = ()
    """Adapter and options of the other models of the invocation, from which attacks transfer."""
    passed: Path | None = None
    """Room through which models of one invocation that take turns hand on perturbed audio."""
