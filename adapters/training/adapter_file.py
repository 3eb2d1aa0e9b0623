"""The module of an adapter file, for scripts that train what it wraps."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

ADAPTERS = Path(__file__).resolve().parent.parent


def adapter_module(name: str) -> ModuleType:
    """The module of `adapters/NAME.py`."""
    spec = importlib.util.spec_from_file_location(f"trained_{name}", ADAPTERS / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module
