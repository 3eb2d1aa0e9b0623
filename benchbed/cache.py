"""The folder that benchbed may fill and empty as it likes, and small tables that are remembered there."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchbed.errors import DamagedError
from benchbed.seal import seal, unseal


def cache_folder() -> Path:
    """The folder benchbed may fill and empty as it likes: `BENCHBED_CACHE`, else the platform's cache folder."""
    if configured := os.environ.get("BENCHBED_CACHE"):
        return Path(configured)
    import platformdirs

    return Path(platformdirs.user_cache_dir("benchbed"))


def recall(path: Path) -> dict[str, Any]:
    """A table that was remembered; empty if there is none, or none that is as it was written."""
    try:
        content = unseal(path.read_bytes(), path)[0].get("table")
    except (OSError, ValueError, DamagedError):
        return {}
    return content if isinstance(content, dict) else {}


def remember(path: Path, content: Mapping[str, Any]) -> None:
    """Write a table whole or not at all.

    Raises
    ------
    OSError
        The folder cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, scratch = tempfile.mkstemp(dir=path.parent, suffix=".part")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(seal(json.dumps({"table": dict(content)}, ensure_ascii=False, separators=(",", ":"))))
            file.flush()
            os.fsync(file.fileno())
        os.replace(scratch, path)
    except OSError:
        with contextlib.suppress(OSError):
            os.unlink(scratch)
        raise
