"""Where a run goes, and what its model is called there; `benchbed.run.preparing.place` chooses it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class RunPlace:
    """Where a run goes.

    Attributes
    ----------
    folder : Path
        The folder of the run.
    name : str
        Name of the model in tables.
    identity : str
        Who the model is.
    parts : mapping of str to str
        What it consists of: digests of its code, files and state.
    said : tuple of str
        What a person should know about the choice, a line each.
    """

    folder: Path
    name: str
    identity: str
    parts: Mapping[str, str]
    said: tuple[str, ...] = ()

    @property
    def fingerprint(self) -> str:
        """One digest of the parts."""
        return hashlib.blake2b(json.dumps(sorted(self.parts.items())).encode(), digest_size=16).hexdigest()
