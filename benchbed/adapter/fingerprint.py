"""What made the predictions of a model, as one value: the code, files, tensors and packages that were really loaded.

Nothing in it is declared. The code is the adapter's file and everything of the user's that it imports, at its head or
inside functions, beside it, on the search path or in an editable package. The files are those that were opened while
the adapter was imported, constructed and loaded (`benchbed.adapter.watch`), those that options name, and those that
`weights()` gives. The state is every parameter, buffer and array that the loaded adapter holds, wherever its values
came from. Packages are told by their versions, with those that they require.
"""

from __future__ import annotations

import inspect
import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import CodeType, FunctionType
from typing import TYPE_CHECKING, Any

from benchbed.adapter.contract import Adapter
from benchbed.adapter.digests import digest_of, digest_of_path, label, unchanged
from benchbed.adapter.own_code import own_code, required
from benchbed.adapter.state import state_of, values_of
from benchbed.adapter.watch import WatchedFiles, place_of, read_at_head, with_external_data
from benchbed.adapter.weightpaths import weight_paths
from benchbed.code import closure

if TYPE_CHECKING:
    pass


@dataclass(frozen=True)
class Fingerprint:
    """What a loaded model consists of.

    Attributes
    ----------
    code : mapping of str to str
        Python file of the user's, relative to the adapter → digest.
    files : mapping of str to str
        Any other file that was read, relative to the adapter → digest.
    state : mapping of str to str
        Attribute of the adapter → digest of the parameters, buffers or array in it; and the classes that no file holds.
    packages : mapping of str to str
        Installed package → version.
    benchbed : str
        Digest of the modules of benchbed that the adapter imports.
    base : Path
        The folder that files are named from.
    """

    code: Mapping[str, str]
    files: Mapping[str, str]
    state: Mapping[str, str]
    packages: Mapping[str, str]
    benchbed: str
    base: Path = field(default=Path(), compare=False)

    @property
    def content(self) -> dict[str, Any]:
        """The model itself: what of it is the user's."""
        return {"code": dict(self.code), "files": dict(self.files), "state": dict(self.state)}

    @property
    def below(self) -> dict[str, Any]:
        """What the model stands on: versions of packages and of benchbed's own code."""
        return {"packages": dict(self.packages), "benchbed": self.benchbed}

    @property
    def id(self) -> str:
        """32 hex characters for the model itself."""
        return digest_of(self.content)

    def holds(self) -> bool:
        """Whether all files are still what they were."""
        return unchanged({**self.code, **self.files}, self.base)


def fingerprint(
    adapter: Adapter,
    *,
    source: Path | None,
    arguments: Mapping[str, Any] | None = None,
    seen: WatchedFiles | None = None,
) -> Fingerprint:
    """The fingerprint of an adapter whose `load` has been called.

    Parameters
    ----------
    adapter : Adapter
    source : Path or None
        The adapter's file; None for one that was made in a session.
    arguments : mapping, optional
        Options as its constructor got them: every file and folder that one of them names is part of the model, also if
        it is read later.
    seen : WatchedFiles, optional
        What was read while it was imported, constructed and loaded.
    """
    seen = seen or WatchedFiles()
    base = source.parent if source is not None else Path.cwd()
    opened = seen.paths()
    starts = [*([source] if source is not None else []), *(path for path in opened if path.suffix == ".py")]
    code = own_code([*starts, *_class_files(adapter)], seen.modules)
    # A head runs once in a process, for whichever model came first; what it read is part of every other one, too.
    wanted = [path for path in opened if path.suffix != ".py"]
    wanted += [read for path in code.files for read in read_at_head(path) if read.suffix != ".py"]
    wanted += [path for given in _paths_in(dict(arguments or {})) for path in with_external_data(given)]
    wanted += [path for given in weight_paths(adapter) for path in with_external_data(given)]
    files = {label(path, base): digest_of_path(path) for path in wanted}
    files = {name: digest for name, digest in files.items() if digest}
    texts = {label(path, base): digest for path, digest in code.files.items()}
    state = state_of(adapter) | _session_code(adapter)
    made = closure(*sorted(code.ours))
    return Fingerprint(texts, files, state, required(code.packages), made.digest, base)


def _paths_in(value: Any) -> Iterator[Path]:
    """Files and folders that an option names."""
    if isinstance(value, Path):
        yield value
    elif isinstance(value, str):
        # A word such as `tiny` may also be the name of a folder that happens to be there; a file costs little.
        path = Path(value).expanduser() if len(value) < 4096 and "\0" not in value else None
        try:
            if path is not None and value and (path.is_file() or (path.is_dir() and os.sep in value)):
                yield path
        except OSError:
            return
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from _paths_in(part)
    elif isinstance(value, list | tuple | set | frozenset):
        for part in value:
            yield from _paths_in(part)


def _class_files(adapter: Adapter) -> list[Path]:
    """Files of the classes of an adapter and of the networks in it, as far as they are the user's."""
    classes = dict.fromkeys(type(adapter).__mro__)
    torch = sys.modules.get("torch")
    if torch is not None:
        for _, module in values_of(adapter, torch.nn.Module):
            classes |= dict.fromkeys(type(part) for part in module.modules())
    named = {getattr(sys.modules.get(each.__module__), "__file__", None) for each in classes}
    names = sorted({os.fspath(name) for name in named if name})
    return [Path(name) for name in names if place_of(name) == "own" and name.endswith(".py")]


def _session_code(adapter: Adapter) -> dict[str, str]:
    """Digests of classes that no file holds, such as those of a notebook."""
    found = {}
    for each in type(adapter).__mro__:
        module = sys.modules.get(each.__module__)
        if each.__module__ in ("builtins", "abc") or getattr(module, "__file__", None):
            continue
        try:
            text = inspect.getsource(each)
        except (OSError, TypeError):
            text = repr([_code(value.__code__) for value in vars(each).values() if isinstance(value, FunctionType)])
        found[f"class {each.__qualname__}"] = digest_of(text)
    return found


def _code(code: CodeType) -> list[Any]:
    parts = [_code(part) if isinstance(part, CodeType) else repr(part) for part in code.co_consts]
    return [code.co_name, code.co_code.hex(), code.co_names, parts]
