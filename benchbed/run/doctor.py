"""`benchbed doctor`: everything a bug report needs, and the problems that can be seen without running anything."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from benchbed.errors import BenchbedError
from benchbed.packages import pip_name
from benchbed.provenance import machine, versions

#: Packages that every run stands on, as they are imported.
NEEDED = (
    *("numpy", "scipy", "pandas", "pyarrow", "soundfile", "soxr", "av", "lameenc", "torch", "safetensors", "psutil"),
    *("pydantic", "ruamel.yaml", "jinja2", "rich", "filelock", "platformdirs", "threadpoolctl", "pooch"),
)
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
    "ffmpeg": "files that libsndfile cannot read, once it has converted them",
    "java": "METEOR by its jar",
    "git": "the commit on the record, `benchbed history`",
}


#: Seconds that all packages together may take to be imported.
PATIENCE = 300.0
#: Imports each of its arguments, and says of each that it begins, and then why it cannot be, or nothing.
_TRY = """
import importlib, json, os, sys
from benchbed.packages import unusable
answers = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)
for name in sys.argv[1:]:
    print(json.dumps([name, None]), file=answers, flush=True)
    said = ""
    try:
        importlib.import_module(name)
    except BaseException as error:
        why = f"{type(error).__name__}: {str(error) or 'no reason given'}"
        said = str(unusable(error, asked=name) or f"the package '{name}' cannot be imported: {why}")
    print(json.dumps([name, said]), file=answers, flush=True)
answers.close()
os._exit(0)
"""


def diagnose() -> dict[str, object]:
    """Versions, machine, packages that are there and whether they can be imported, configured datasets and problems."""
    problems: list[str] = []
    there = {name: _found(name) for name in OPTIONAL}
    broken = unusable_packages([*NEEDED, *(name for name, here in there.items() if here)])
    # What breaks one package breaks those that stand on it.
    problems += {said.partition("' ")[2]: said.replace("\n ", ";") for said in reversed(broken.values())}.values()
    facts: dict[str, object] = {"versions": versions()}
    facts["machine"] = {} if "psutil" in broken else machine()
    facts["optional"] = {name: here and name not in broken for name, here in there.items()}
    facts["unusable"] = {name: said.partition("\n")[0] for name, said in broken.items()}
    facts["programs"] = {name: shutil.which(name) is not None for name in PROGRAMS}
    facts["torch"] = _torch()
    facts["datasets"] = _datasets(problems)
    facts["captions"] = _captions(problems)
    free = shutil.disk_usage(Path.cwd()).free
    facts["disk_free_gib"] = round(free / 2**30, 1)
    if free < 2**30:
        problems.append("less than 1 GiB of disk is free here")
    facts["missing"] = missing(facts)
    facts["problems"] = problems
    return facts


def unusable_packages(names: Sequence[str]) -> dict[str, str]:
    """Packages that cannot be imported → why, and what to do; each is tried, in a process that may die of it.

    Parameters
    ----------
    names : sequence of str
        As they are imported.

    Examples
    --------
    >>> unusable_packages(["json", "no_such_package"])
    {'no_such_package': "the package 'no_such_package' is not installed\\n  try: pip install no-such-package"}
    """
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    program = [sys.executable, "-W", "ignore", "-c", _TRY]
    found: dict[str, str] = {}
    left = list(names)
    while left:
        try:
            done = subprocess.run([*program, *left], env=environment, capture_output=True, text=True, timeout=PATIENCE)
            told, how = done.stdout, "ended the process"
        except subprocess.TimeoutExpired as error:
            told, how = (error.stdout or b"").decode(), f"did not end within {PATIENCE:g} s"
        said = dict(json.loads(line) for line in told.splitlines())
        found.update({name: why for name, why in said.items() if why})
        died = next((name for name, why in said.items() if why is None), None)
        if died is not None:
            cure = f"pip install --force-reinstall {pip_name(died)}"
            found[died] = f"the package '{died}' cannot be imported: its import {how}\n  try: {cure}"
        left = left[len(said) :] if died is not None else []
    return found


def _found(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except (ImportError, ValueError):
        return False


def missing(facts: dict[str, object]) -> dict[str, str]:
    """What is not here → what does not run for want of it, and how to get it."""
    told = {}
    for part, opens in (("optional", OPTIONAL), ("programs", PROGRAMS)):
        held = facts[part]
        assert isinstance(held, dict)
        for name, here in held.items():
            if not here and name not in facts.get("unusable", ()):  # type: ignore[operator]
                how = f"pip install {pip_name(name)}" if part == "optional" else f"install {name}"
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


def _torch() -> dict[str, object]:
    try:
        import torch
    except (ImportError, OSError, RuntimeError):  # which is a problem by now
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
