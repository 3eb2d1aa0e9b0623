"""Names of runs: a model with options is another model than without, on tables and on disk."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path


def display_name(name: str, options: Mapping[str, object]) -> str:
    """Name of a model in tables.

    Examples
    --------
    >>> display_name("cnn", {}), display_name("cnn", {"width": 24, "checkpoint": "w/esc10.safetensors"})
    ('cnn', 'cnn[checkpoint=esc10.safetensors,width=24]')
    """
    if not options:
        return name
    parts = [f"{key}={Path(str(value)).name if '/' in str(value) else value}" for key, value in sorted(options.items())]
    return f"{name}[{','.join(parts)}]"


def folder_name(name: str, options: Mapping[str, object]) -> str:
    """Name of a run's folder: the same as a path component that every file system takes.

    Examples
    --------
    >>> folder_name("cnn", {"width": 24})
    'cnn-width=24'
    """
    return clean(display_name(name, options).replace("[", "-").replace("]", ""))


def clean(name: str) -> str:
    """A name as a path component that every file system takes.

    Examples
    --------
    >>> clean("my model: α")
    'my_model_'
    """
    text = re.sub(r"[^A-Za-z0-9_.=,-]+", "_", name).lstrip(".") or "model"
    if len(text) <= 80:
        return text
    # A long list of options would hit the limits of file systems; the hash keeps two such runs apart.
    return f"{text[:63]}-{hashlib.blake2b(text.encode(), digest_size=8).hexdigest()}"
