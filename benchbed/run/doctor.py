"""`benchbed doctor`: everything a bug report needs, and the problems that can be seen without running anything."""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path

from benchbed.errors import BenchbedError
from benchbed.provenance import machine, versions

#: Optional package → what it opens.
OPTIONAL = {
    "onnxruntime": "adapters/onnx.py",
    "ai_edge_litert": "adapters/tflite.py",
    "transformers": "adapters/hf.py",
    "ray": "--engine ray",
}


def diagnose() -> dict[str, object]:
    """Versions, machine, optional packages, configured datasets and problems."""
    problems: list[str] = []
    facts: dict[str, object] = {"versions": versions(), "machine": machine()}
    facts["optional"] = {name: importlib.util.find_spec(name) is not None for name in OPTIONAL}
    facts["torch"] = _torch(problems)
    facts["datasets"] = _datasets(problems)
    facts["captions"] = _captions(problems)
    free = shutil.disk_usage(Path.cwd()).free
    facts["disk_free_gib"] = round(free / 2**30, 1)
    if free < 2**30:
        problems.append("less than 1 GiB of disk is free here")
    facts["problems"] = problems
    return facts


def _captions(problems: list[str]) -> dict[str, str]:
    """What metrics of captions need from outside: where it is, or why it cannot run."""
    from benchbed.metrics.captions.meteor.choice import choose
    from benchbed.metrics.captions.outside.places import OUTSIDE, place

    said: dict[str, str] = {}
    try:
        chosen = choose()
        said["meteor"] = "+".join(chosen.stages) + (f"; {chosen.why}" if chosen.why else f" ({chosen.path})")
    except BenchbedError as error:
        said["meteor"] = str(error.what)
        problems.append(f"METEOR: {error.what}")
    for name in OUTSIDE:
        held = place(name)
        said[name] = held.why if held.given else f"{held.why}; {OUTSIDE[name].WHAT}"
        if held.path is not None:
            said[name] = str(held.path)
        if held.given and held.why:
            problems.append(f"{name} of caption metrics: {held.why}")
    return said


def _torch(problems: list[str]) -> dict[str, object]:
    try:
        import torch
    except (ImportError, OSError, RuntimeError) as error:
        problems.append(f"torch cannot be imported: {error}")
        return {}
    return {"version": torch.__version__, "cuda": torch.cuda.is_available(), "threads": torch.get_num_threads()}


def _datasets(problems: list[str]) -> dict[str, str]:
    from benchbed.data import LAYOUTS
    from benchbed.data.locate import locate

    found: dict[str, str] = {}
    for name in LAYOUTS.names():
        try:
            located = locate(name, {})
        except BenchbedError as error:
            problems.append(str(error).replace("\n", ";"))
            continue
        if located is not None:
            found[name] = f"{located.path} ({located.origin})"
    return found
