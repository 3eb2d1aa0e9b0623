"""What made a number: versions, machine, code. Facts only, and nothing that names a person or a host."""

from __future__ import annotations

import contextlib
import hashlib
import importlib.metadata
import os
import platform
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from email.parser import HeaderParser
from functools import cache
from pathlib import Path
from typing import Any

#: Packages whose version can change a number.
PACKAGES = (
    "torch",
    "numpy",
    "scipy",
    "pandas",
    "soundfile",
    "soxr",
    "av",
    "lameenc",
    "audiomentations",
    "torchattacks",
    "sed_eval",
    "codecarbon",
    "pyarrow",
)


def versions() -> dict[str, str]:
    """Version of benchbed, of Python and of every package that can change a number; nothing is imported."""
    import benchbed

    found = {"benchbed": benchbed.__version__, "python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = installed(name).version
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


@dataclass(frozen=True)
class Installed:
    """What the papers of an installed package say.

    Attributes
    ----------
    version : str
    requires : tuple of str
        Of other packages, as they are written.
    """

    version: str
    requires: tuple[str, ...]


@cache
def installed(name: str) -> Installed:
    """The papers of a package; nothing is imported.

    Raises
    ------
    importlib.metadata.PackageNotFoundError
        It is not installed.

    Examples
    --------
    >>> installed("numpy").version == importlib.metadata.version("numpy")
    True
    """
    papers = importlib.metadata.distribution(name)
    text = papers.read_text("METADATA")
    if text is None:  # an egg has its papers elsewhere
        return Installed(papers.version, tuple(papers.requires or ()))
    # Under its fields a package writes its whole README, which takes longer to read than everything else.
    fields = HeaderParser().parsestr(text.replace("\r\n", "\n").partition("\n\n")[0])
    return Installed(fields["Version"], tuple(fields.get_all("Requires-Dist") or ()))


def machine() -> dict[str, Any]:
    """Processor, cores, memory, accelerator and operating system."""
    import psutil

    facts: dict[str, Any] = {
        "system": platform.system(),
        "release": platform.release(),
        "architecture": platform.machine(),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
    }
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        facts["gpu"] = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
        facts["cuda"] = torch.version.cuda
    return facts


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass  # not Linux: the platform module knows enough
    return platform.processor() or platform.machine()


def git_state(path: Path) -> dict[str, Any] | None:
    """Commit of the checkout that a file lives in, and whether it has uncommitted changes; None outside git."""
    folder = path if path.is_dir() else path.parent

    def ask(*words: str) -> str | None:
        try:
            done = subprocess.run(["git", "-C", str(folder), *words], capture_output=True, text=True, timeout=10)
        except (OSError, subprocess.TimeoutExpired):
            return None
        return done.stdout.strip() if done.returncode == 0 else None

    commit = ask("rev-parse", "HEAD")
    if not commit:
        return None
    return {"commit": commit, "dirty": bool(ask("status", "--porcelain", "--untracked-files=no"))}


def hash_files(paths: Iterable[Path]) -> str:
    """blake2b over names and contents of files, independent of the folder they lie in."""
    return _hash_files(map(os.fspath, paths))


def _hash_files(paths: Iterable[str]) -> str:
    # A thousand files are read in every run, and making paths of their names takes longer than reading them.
    digest = hashlib.blake2b(digest_size=16)
    for path in sorted(paths, key=lambda path: path.split(os.sep)):
        with open(path, "rb", buffering=0) as file:
            digest.update(os.path.basename(path).encode() + b"\0" + file.read() + b"\0")
    return digest.hexdigest()


def package_versions(modules: Iterable[str]) -> dict[str, str]:
    """Versions of the installed packages that bring modules of these names; what is not installed is left out.

    Parameters
    ----------
    modules : iterable of str
        First parts of module names, e.g. `sklearn`.

    Examples
    --------
    >>> sorted(package_versions(["numpy", "json", "no_such_module"]))
    ['numpy']
    """
    return {name: version for module in modules for name, version in _package_versions(module)}


@cache
def _package_versions(module: str) -> tuple[tuple[str, str], ...]:
    if module in sys.stdlib_module_names or module == "benchbed":
        return ()
    try:
        return ((module, installed(module).version),)
    except importlib.metadata.PackageNotFoundError:
        # Reading what every package brings takes a second, and most are called like their module.
        return tuple((name, installed(name).version) for name in sorted(set(_packages().get(module, ()))))


@cache
def _packages() -> Mapping[str, list[str]]:
    """Module → packages that bring it; kept on disk for as long as the same packages are installed."""
    from benchbed.cache import cache_folder, recall, remember

    endings = (".dist-info", ".egg-info")
    installed = sorted(f"{place}/{name}" for place in sys.path for name in _listed(place) if name.endswith(endings))
    named = hashlib.blake2b("\0".join(installed).encode(), digest_size=8).hexdigest()
    path = cache_folder() / "packages" / f"{named}.json"
    if known := recall(path):
        return known
    found = dict(importlib.metadata.packages_distributions())
    with contextlib.suppress(OSError):  # a folder that cannot be written costs time, not truth
        remember(path, found)
    return found


def _listed(place: str) -> list[str]:
    try:
        return os.listdir(place or ".")
    except OSError:  # an archive, or a folder that is not there
        return []


@cache
def code_hash(*places: str) -> str:
    """Hash of benchbed's own source in the given modules or packages (`audio`, `adapter`, `run/engine`).

    For the record; what a key of predictions takes from it is in `benchbed.code`.
    """
    from benchbed.ourfiles import of_our_files

    return str(of_our_files(f"source {' '.join(places)}", lambda: _source_hash(places)))


def _source_hash(places: Sequence[str]) -> str:
    package = Path(__file__).resolve().parent
    files: list[str] = []
    for place in places:
        target = package / place
        if target.is_dir():
            below = (f"{at}/{name}" for at, _, names in os.walk(target) for name in names if name.endswith(".py"))
            files += filter(os.path.isfile, below)  # the lock of an editor is a link to nowhere
        else:
            files.append(os.fspath(target.with_suffix(".py")))
    return _hash_files(files)
