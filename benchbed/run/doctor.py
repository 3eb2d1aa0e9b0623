"""`benchbed doctor`: everything a bug report needs, and the problems that can be seen without running anything."""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path

from benchbed.errors import BenchbedError
from benchbed.provenance import machine, versions

#: Optional package → what it opens, and how it is got.
OPTIONAL = {
    "onnxruntime": "adapters/onnx.py",
    "ai_edge_litert": "adapters/tflite.py",
    "transformers": "adapters/hf.py, adapters/hf_captioner.py",
    "ray": "--engine ray",
    "torchattacks": "attacks `torchattacks:NAME`",
    "audiomentations": "corruptions `audiomentations:NAME`",
    "sed_eval": "--verify of events",
    "sed_scores_eval": "--verify of PSDS and segment scores",
    "codecarbon": "profile --codecarbon",
    "pynvml": "energy of NVIDIA GPUs",
}
#: Program → what it opens.
PROGRAMS = {
    "ffmpeg": "codecs mp3, opus, vorbis, and files that libsndfile cannot read",
    "java": "METEOR by its jar",
    "git": "the commit on the record, `benchbed history`",
}


def diagnose() -> dict[str, object]:
    """Versions, machine, optional packages, configured datasets and problems."""
    problems: list[str] = []
    facts: dict[str, object] = {"versions": versions(), "machine": machine()}
    facts["optional"] = {name: importlib.util.find_spec(name) is not None for name in OPTIONAL}
    facts["programs"] = {name: shutil.which(name) is not None for name in PROGRAMS}
    facts["torch"] = _torch(problems)
    facts["datasets"] = _datasets(problems)
    facts["captions"] = _captions(problems)
    free = shutil.disk_usage(Path.cwd()).free
    facts["disk_free_gib"] = round(free / 2**30, 1)
    if free < 2**30:
        problems.append("less than 1 GiB of disk is free here")
    facts["missing"] = missing(facts)
    facts["problems"] = problems
    return facts


def missing(facts: dict[str, object]) -> dict[str, str]:
    """What is not here → what does not run for want of it, and how to get it."""
    told = {}
    for part, opens in (("optional", OPTIONAL), ("programs", PROGRAMS)):
        held = facts[part]
        assert isinstance(held, dict)
        for name, here in held.items():
            if not here:
                how = f"pip install {name.replace('_', '-')}" if part == "optional" else f"install {name}"
                told[name] = f"{opens[name]} ({how})"
    configured = facts["datasets"]
    assert isinstance(configured, dict)
    if not configured:
        told["data sets"] = "suites run on synthetic data (--data NAME=PATH, BENCHBED_DATA)"
    return told


def in_words(facts: dict[str, object]) -> list[str]:
    """The facts a line each, what is missing for what last.

    Examples
    --------
    >>> in_words({"disk_free_gib": 3.5, "missing": {"ray": "--engine ray (pip install ray)"}, "problems": []})
    ['disk free gib: 3.5', 'missing:', '  ray: --engine ray (pip install ray)', 'problems: none']
    """
    lines = []
    for title, value in facts.items():
        title = title.replace("_", " ")
        if isinstance(value, dict):
            lines.append(f"{title}:" if value else f"{title}: none")
            lines += [f"  {name}: {_plain(each)}" for name, each in value.items()]
        elif isinstance(value, list):
            lines.append(f"{title}:" if value else f"{title}: none")
            lines += [f"  {each}" for each in value]
        else:
            lines.append(f"{title}: {_plain(value)}")
    return lines


def _plain(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        return ", ".join(f"{name} {_plain(each)}" for name, each in value.items())
    return ", ".join(map(_plain, value)) if isinstance(value, list | tuple) else str(value)


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
