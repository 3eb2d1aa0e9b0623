"""Packages of others that cannot be imported: which one it is, why, and what to do about it.

A package may be installed and still not import: a library of the system is gone, its wheel is of another machine, or
two packages of one environment do not fit. Nothing is wrong then with the suite, the data, the model or benchbed. So an
exception that comes out of an import says whose it is, by the modules that were being executed when it was raised.

A module that lies beside a model is no package: what it raises is the user's own, and pip would fetch a stranger's code
of the same name.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import importlib.util
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from benchbed.errors import BenchbedError, PackageError
from benchbed.whole import refused

#: Package as it is imported → extra of benchbed that installs it.
EXTRAS = {
    "onnx": "onnx",
    "onnxruntime": "onnx",
    "ai_edge_litert": "tflite",
    "transformers": "hf",
    "ray": "ray",
    "pycocoevalcap": "caption",
    "resvg_py": "png",
}
#: Package as it is imported → what pip calls it, where that is not its name with hyphens.
_CALLED = {
    "sklearn": "scikit-learn",
    "pynvml": "nvidia-ml-py",
    "ruamel": "ruamel.yaml",
    "yaml": "pyyaml",
    "pkg_resources": "'setuptools<82'",
}
#: Modules of benchbed and of its users, by the beginnings of their names.
_OURS = ("benchbed", "__main__", "__mp_main__")
#: Letters of a reason that are told.
_LONGEST = 300


def unusable(error: BaseException, asked: str | None = None) -> PackageError | None:
    """What a person is told of an exception that the import of a package raised; None of any other one.

    Parameters
    ----------
    error : BaseException
        With its traceback.
    asked : str, optional
        What was imported because benchbed stands on it: that is a package wherever it lies, be it a folder of the
        user's that is found in its place.

    Returns
    -------
    PackageError or None
        Its place is the line that raised, if a package has such a line.

    Examples
    --------
    >>> try:
    ...     import no_such_package
    ... except ImportError as error:
    ...     print(unusable(error))
    the package 'no_such_package' is not installed
      try: pip install no-such-package
    >>> unusable(ImportError("cannot import name 'x' from 'benchbed.audio'", name="benchbed.audio")) is None
    True
    """
    if isinstance(error, PackageError):
        return error
    if not isinstance(error, Exception) or (isinstance(error, OSError) and refused(error) is not None):
        return None
    root: BaseException = error
    while isinstance(root.__cause__, ImportError | OSError):  # numpy writes a page of advice around what happened
        root = root.__cause__
    executed = [frame for frame in _frames(error) if frame[1] == "<module>" and _of_package(frame[0], frame[2], asked)]
    within = [frame for frame in _frames(root) if frame[1] == "<module>" and _of_package(frame[0], frame[2], asked)]
    within = within or executed
    named = root.name if isinstance(root, ImportError) else None
    if not executed and not (isinstance(error, ImportError) and named and _of_package(named, _file_of(named), asked)):
        return None
    outer = _top(executed[0][0]) if executed else _top(str(named))
    missing = isinstance(root, ModuleNotFoundError) and named is not None and not _ours(named)
    foreign = [_top(module) for module, *_ in within if _top(module) not in sys.stdlib_module_names]
    guilty = _top(str(named)) if missing or not foreign else foreign[-1]
    place = f"{within[-1][2]}:{within[-1][3]}" if within else None
    if missing and not executed and "." not in str(named):
        what = f"the package '{guilty}' is not installed"
    else:
        what = f"the package '{outer}' cannot be imported: {_said(root)}"
    return PackageError(what, where=place, hint=_cure(guilty, missing, within[-1][2] if within else ""))


def need(packages: Iterable[str], what: str, where: str | None = None) -> None:
    """Import packages now, since something that will be asked for is made with them.

    Parameters
    ----------
    packages : iterable of str
        By the names that they are imported by.
    what : str
        What is made with them.
    where : str, optional
        Where that is asked for.

    Raises
    ------
    PackageError
        One of them cannot be imported.

    Examples
    --------
    >>> need(["json"], "a record", "suite.yaml:3")
    >>> need(["no_such_package"], "opus", "suite.yaml:3")
    Traceback (most recent call last):
    ...
    benchbed.errors.PackageError: opus cannot be made here: the package 'no_such_package' is not installed
      at: suite.yaml:3
      try: pip install no-such-package
    """
    for name in packages:
        try:
            importlib.import_module(name)
        except Exception as error:
            told = unusable(error, asked=name)
            if told is None:
                raise
            place = f"{told.where}, asked for at {where}" if told.where and where else told.where or where
            raise PackageError(f"{what} cannot be made here: {told.what}", where=place, hint=told.hint) from error


@contextlib.contextmanager
def imported_for(what: str, kind: type[BenchbedError], otherwise: str | None = None) -> Iterator[None]:
    """Around the import of a package: that it cannot be imported is an error of the kind that this place raises.

    Parameters
    ----------
    what : str
        What the package is needed for, said before its own reason.
    kind : type of BenchbedError
        The error to raise.
    otherwise : str, optional
        Another way out than mending the package.

    Raises
    ------
    BenchbedError
        Of that kind.

    Examples
    --------
    >>> from benchbed.errors import CannotMeasure
    >>> with imported_for("NVML needs it", CannotMeasure):
    ...     import no_such_package
    Traceback (most recent call last):
    ...
    benchbed.errors.CannotMeasure: NVML needs it: the package 'no_such_package' is not installed
      try: pip install no-such-package
    """
    try:
        yield
    except Exception as error:
        if (broken := unusable(error)) is None:
            raise
        hint = ", or ".join(part for part in (broken.hint, otherwise) if part)
        raise kind(f"{what}: {broken.what}", where=broken.where, hint=hint) from error


def pip_name(package: str) -> str:
    """What pip calls a package that is imported by this name.

    Examples
    --------
    >>> pip_name("sklearn"), pip_name("onnxruntime"), pip_name("sed_eval")
    ('scikit-learn', "'benchbed[onnx]'", 'sed-eval')
    """
    if package in EXTRAS:
        return f"'benchbed[{EXTRAS[package]}]'"
    return _CALLED.get(package, package.replace("_", "-"))


def _frames(error: BaseException) -> list[tuple[str, str, str, int]]:
    """Module, function, file and line of each frame, outermost first."""
    import traceback

    return [
        (str(frame.f_globals.get("__name__", "")), frame.f_code.co_name, frame.f_code.co_filename, line)
        for frame, line in traceback.walk_tb(error.__traceback__)
    ]


def _ours(module: str) -> bool:
    top = _top(module)
    return top in _OURS or top.startswith("benchbed_") or top in ("importlib", "runpy", "")


def _of_package(module: str, file: str, asked: str | None) -> bool:
    """Whether a module is neither ours nor the user's own: installed, or in the place of one that is or should be."""
    if _ours(module):
        return False
    return _top(module) == _top(asked or "") or not file or _installed(file) or _top(module) in _installable()


def _file_of(module: str) -> str:
    """Where a module lies, or would; empty if nobody knows."""
    top = _top(module)
    try:
        found = importlib.util.find_spec(top)
    except (ImportError, ValueError):
        return ""
    return (found.origin or next(iter(found.submodule_search_locations or ()), "")) if found is not None else ""


@functools.lru_cache(maxsize=1)
def _installable() -> frozenset[str]:
    """Packages as they are imported that are installed, or that benchbed says how to install."""
    import importlib.metadata

    return frozenset((*importlib.metadata.packages_distributions(), *EXTRAS, *_CALLED))


def _top(module: str) -> str:
    return module.partition(".")[0]


def _said(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {lines[0] if lines else 'no reason given'}"[:_LONGEST]


def _cure(package: str, missing: bool, file: str) -> str:
    if package in sys.stdlib_module_names:
        return "this Python was built without it: make the environment with another one, from python.org, conda or uv"
    if missing:
        return f"pip install {pip_name(package)}"
    cure = f"pip install --force-reinstall {_distribution(package)}"
    if not file or _installed(file):
        return cure
    return f"{cure}; or, if that file is none of its own, take the folder off PYTHONPATH"


def _distribution(package: str) -> str:
    """The installed distribution that a package comes from."""
    if package in _CALLED:
        return _CALLED[package]
    import importlib.metadata

    return importlib.metadata.packages_distributions().get(package, [package.replace("_", "-")])[0]


def _installed(file: str) -> bool:
    import site
    import sysconfig

    path = Path(file)
    if file in ("built-in", "frozen") or {"site-packages", "dist-packages"} & set(path.parts):
        return True
    folders = {*sysconfig.get_paths().values(), *site.getsitepackages(), site.getusersitepackages()}
    return any(path.is_relative_to(folder) for folder in folders)
