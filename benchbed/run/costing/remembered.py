"""Counts of a model that were made before: they depend on the model and on code alone, and counting loads a compiler.

torch counts on tensors without data by its Python reference implementations, which import `torch._dynamo`: two to four
seconds of CPU, more than a short run computes.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import platform
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar, cast

import torch

from benchbed.adapter.load import LoadedAdapter
from benchbed.cache import cache_folder, recall, remember
from benchbed.code import closure
from benchbed.profile.session import ProfileSettings
from benchbed.profile.session import __name__ as SESSION
from benchbed.run.preparing.prepare import identity_of

#: A profile, as it stands on the record: names and JSON.
Figures = TypeVar("Figures")


def remembered(model: LoadedAdapter, device: str, settings: ProfileSettings, count: Callable[[], Figures]) -> Figures:
    """The counts of a model: those made before under the same key, else new ones, which are kept.

    Times, energy and what runs in another process are measured each time. An object of this process, which no file
    describes, is counted each time, too. A cache that cannot be written or was damaged costs a count, and nothing else.

    Parameters
    ----------
    model : LoadedAdapter
        The model, with its fingerprint.
    device : str
        Where it is counted.
    settings : ProfileSettings
        What is asked.
    count : callable
        Makes the profile.
    """
    measured = settings.latency is not None or settings.energy is not None or bool(settings.split.bytes_per_second)
    if measured or model.source is None:
        return count()
    place = _place(model, device, settings)
    if known := recall(place):
        return cast(Figures, known)
    figures = count()
    with contextlib.suppress(OSError):
        remember(place, cast(Mapping[str, object], figures))
    return figures


def _place(model: LoadedAdapter, device: str, settings: ProfileSettings) -> Path:
    key = {
        "model": identity_of(model),
        "device": device,
        "settings": dataclasses.asdict(settings),
        "code": closure(SESSION).digest,
        "torch": [torch.__version__, platform.python_version(), platform.machine()],
    }
    name = hashlib.blake2b(json.dumps(key, sort_keys=True, default=repr).encode(), digest_size=16).hexdigest()
    return cache_folder() / "counts" / f"{name}.json"
