"""What made the predictions of a model, as one value: the code, files, tensors and packages that were really loaded.

Nothing in it is declared. The code is the adapter's file and everything of the user's that it imports, at its head or
inside functions, beside it, on the search path or in an editable package. The files are those that were opened while
the adapter was imported, constructed and loaded (`benchbed.adapter.watch`), those that options name, and those that
`weights()` gives. The state is every parameter, buffer and array that the loaded adapter holds, wherever its values
came from. Packages are told by their versions, with those that they require.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.metadata
import importlib.util
import inspect
import json
import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from benchbed.adapter.contract import Adapter
from benchbed.adapter.watch import WatchedFiles, asked_for, place_of, with_external_data
from benchbed.code import closure, ours, read_source
from benchbed.provenance import package_versions

if TYPE_CHECKING:
    import torch

#: How deep the objects that an adapter holds are looked into, and how many of them.
DEPTH, OBJECTS = 6, 20_000
#: Bytes read at a time.
BLOCK = 1 << 20


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
    wanted = [path for path in opened if path.suffix != ".py"]
    wanted += [path for given in _paths_in(dict(arguments or {})) for path in with_external_data(given)]
    wanted += [path for given in adapter.weights() for path in with_external_data(given)]
    files = {label(path, base): _digest_of_path(path) for path in wanted}
    files = {name: digest for name, digest in files.items() if digest}
    texts = {label(path, base): digest for path, digest in code.files.items()}
    state = state_of(adapter) | _session_code(adapter)
    made = closure(*sorted(code.ours))
    return Fingerprint(texts, files, state, _required(code.packages), made.digest, base)


def digest_of(value: Any) -> str:
    """32 hex characters for anything that JSON can hold."""
    text = json.dumps(value, sort_keys=True, default=str, separators=(",", ":"))
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def digest_file(path: Path) -> str:
    """blake2b of a file's content; a file that has not changed since is not read again in this process."""
    state = os.stat(path)
    return _digest_file(os.path.realpath(path), state.st_size, state.st_mtime_ns, state.st_ctime_ns)


@functools.lru_cache(maxsize=4096)
def _digest_file(path: str, size: int, changed: int, moved: int) -> str:
    digest = hashlib.blake2b(digest_size=16)
    with open(path, "rb") as file:
        while block := file.read(BLOCK):
            digest.update(block)
    return digest.hexdigest()


def _digest_of_path(path: Path) -> str:
    """Digest of a file, or of everything below a folder; empty for what cannot be read."""
    try:
        if path.is_dir():
            inside = sorted(each for each in path.rglob("*") if each.is_file() and "__pycache__" not in each.parts)
            return digest_of({each.relative_to(path).as_posix(): digest_file(each) for each in inside})
        return digest_file(path) if path.is_file() else ""
    except OSError:
        return ""


def read_files(seen: WatchedFiles, base: Path) -> dict[str, str]:
    """Files that were read, relative to `base`, with their digests: what a later reuse has to find unchanged."""
    return {label(path, base): _digest_of_path(path) for path in seen.paths()}


def unchanged(files: Mapping[str, str], base: Path) -> bool:
    """Whether files are still what `read_files` found."""
    return all(_digest_of_path(base / name) == digest for name, digest in files.items())


def label(path: Path, base: Path) -> str:
    """A name that tells two files of one name apart, and stays the same where a project is moved as a whole."""
    try:
        return Path(os.path.relpath(os.path.realpath(path), os.path.realpath(base))).as_posix()
    except ValueError:  # another drive
        return path.as_posix()


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


@dataclass
class OwnCode:
    """The user's Python files behind a model.

    Attributes
    ----------
    files : dict of Path to str
        File → digest.
    packages : set of str
        First parts of the names of installed packages that they import.
    ours : set of str
        Modules of benchbed that they import.
    """

    files: dict[Path, str]
    packages: set[str]
    ours: set[str]


def own_code(starts: Iterable[Path], modules: Iterable[str] = ()) -> OwnCode:
    """Everything of the user's that given files import, directly or through each other; read, not run.

    Parameters
    ----------
    starts : iterable of Path
        Python files.
    modules : iterable of str
        Further modules that were seen to be imported.
    """
    made = OwnCode({}, set(), set())
    waiting = [Path(os.path.realpath(path)) for path in starts]
    for module in modules:
        waiting += _resolved(module, (), made)
    while waiting:
        path = waiting.pop()
        if path in made.files or not path.is_file():
            continue
        source = read_source(path)
        made.files[path] = source.digest
        made.ours |= set(ours(source))
        for name in asked_for(path):
            waiting += _resolved(name, (), made)
        for one in source.imports:
            if one.level:
                waiting += _relative(path, one.level, one.module, one.names)
            else:
                waiting += _resolved(one.module, one.names, made)
    return made


def _relative(path: Path, level: int, module: str, names: tuple[str, ...]) -> list[Path]:
    folder = path.parents[min(level, len(path.parents)) - 1]
    base = folder.joinpath(*module.split(".")) if module else folder
    found = [base.with_suffix(".py")] if module else []
    # Packages on the way are run, too.
    steps = [folder.joinpath(*module.split(".")[:end], "__init__.py") for end in range(1, module.count(".") + 2)]
    return [*found, *(steps if module else [base / "__init__.py"]), *_below(base, names)]


def _below(base: Path, names: tuple[str, ...]) -> list[Path]:
    return [path for name in names for path in (base / f"{name}.py", base / name / "__init__.py")]


def _resolved(module: str, names: tuple[str, ...], made: OwnCode) -> list[Path]:
    """Files of the user's that an absolute import runs; of an installed package its name is noted."""
    top, *rest = module.split(".")
    if not top or top in sys.stdlib_module_names or top == "benchbed":
        return []
    spec = _spec(top)
    origins = [] if spec is None else [spec.origin, *(spec.submodule_search_locations or ())]
    if spec is None or not any(
        (origin and place_of(origin) == "own") or _without_papers(top, origin) for origin in origins
    ):
        if spec is not None:
            made.packages.add(top)
        return []
    files = [Path(spec.origin)] if spec.origin and spec.origin.endswith(".py") else []
    if spec.origin and spec.has_location and not files:
        files = [Path(spec.origin)]  # an extension that was built in place
    for location in spec.submodule_search_locations or ():
        folder = Path(location)
        for part in rest:
            files += [folder / f"{part}.py", folder / part / "__init__.py"]
            folder = folder / part
        files += _below(folder, names)
    return files


def _without_papers(top: str, origin: str | None) -> bool:
    """Whether a module lies among the installed packages, and none of them brings it."""
    return bool(origin) and place_of(str(origin)) == "package" and not package_versions([top])


def _spec(top: str) -> importlib.machinery.ModuleSpec | None:
    try:
        return importlib.util.find_spec(top)
    except (ImportError, ValueError, AttributeError):
        return getattr(sys.modules.get(top), "__spec__", None)


def _required(tops: Iterable[str]) -> dict[str, str]:
    """Versions of installed packages by name, with all that they require."""
    found: dict[str, str] = {}
    waiting = [name for top in tops for name in package_versions([top])]
    while waiting:
        name = waiting.pop()
        version, requirements = _installed(name)
        if name in found or version is None:
            continue
        found[name] = version
        waiting += requirements
    return found


@functools.lru_cache(maxsize=4096)
def _installed(name: str) -> tuple[str | None, tuple[str, ...]]:
    """Version of a package, None if it is not installed, and the names of what it requires."""
    try:
        papers = importlib.metadata.distribution(name)
    except importlib.metadata.PackageNotFoundError:
        return None, ()
    lines = [line for line in papers.requires or () if "extra ==" not in line]
    return papers.version, tuple(re.split(r"[\s;<>=!~(\[]", line, maxsplit=1)[0] for line in lines)


def _class_files(adapter: Adapter) -> list[Path]:
    """Files of the classes of an adapter and of the networks in it, as far as they are the user's."""
    classes = dict.fromkeys(type(adapter).__mro__)
    torch = sys.modules.get("torch")
    if torch is not None:
        for _, module in _held(adapter, torch.nn.Module):
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


def state_of(adapter: Adapter) -> dict[str, str]:
    """Digests of all parameters, buffers and arrays that an adapter holds, by the attribute that leads to them."""
    torch = sys.modules.get("torch")
    kinds: tuple[type, ...] = (np.ndarray,) if torch is None else (np.ndarray, torch.nn.Module, torch.Tensor)
    found = {}
    for name, value in _held(adapter, *kinds):
        digest = hashlib.blake2b(digest_size=16)
        if isinstance(value, np.ndarray):
            if value.dtype.hasobject:
                continue
            digest.update(f"{value.dtype}{value.shape}".encode() + np.ascontiguousarray(value).tobytes())
        elif torch is not None and isinstance(value, torch.nn.Module):
            _add_module(digest, value)
        else:
            _add_tensor(digest, value)
        found[name] = digest.hexdigest()
    return found


def _held(adapter: Adapter, *kinds: type) -> Iterator[tuple[str, Any]]:
    """Values of some types that an adapter holds: in itself, in its class, and in its module."""
    module = sys.modules.get(type(adapter).__module__)
    shared = vars(module) if module is not None and place_of(getattr(module, "__file__", None) or "<") == "own" else {}
    known: set[int] = {id(adapter)}
    waiting: list[tuple[str, Any, int]] = [
        *((name, value, 0) for name, value in vars(adapter).items()),
        *(
            (f"{each.__name__}.{name}", value, DEPTH)
            for each in type(adapter).__mro__
            for name, value in vars(each).items()
        ),
        *((f"{module.__name__ if module else ''}:{name}", value, DEPTH) for name, value in shared.items()),
    ]
    while waiting and len(known) < OBJECTS:
        name, value, depth = waiting.pop(0)
        if value is None or isinstance(value, str | bytes | int | float | complex | bool | type | ModuleType | Path):
            continue
        if id(value) in known:
            continue
        known.add(id(value))
        if isinstance(value, kinds):
            yield re.sub(r"^benchbed_adapter_\w+:", ":", name), value
        elif depth >= DEPTH:
            continue
        elif isinstance(value, Mapping):
            waiting += [(f"{name}[{key!r}]", part, depth + 1) for key, part in list(value.items())[:OBJECTS]]
        elif isinstance(value, list | tuple):
            waiting += [(f"{name}[{index}]", part, depth + 1) for index, part in enumerate(value[:OBJECTS])]
        elif place_of(getattr(sys.modules.get(type(value).__module__), "__file__", None) or "<frozen") != "python":
            waiting += [(f"{name}.{key}", part, depth + 1) for key, part in getattr(value, "__dict__", {}).items()]


def _add_module(digest: Any, module: torch.nn.Module) -> None:
    import torch

    known = set()
    for name, part in module.named_modules():
        digest.update(f"{name} {type(part).__qualname__} {part.training}\n".encode())
    for name, tensor in [
        *module.named_parameters(remove_duplicate=False),
        *module.named_buffers(remove_duplicate=False),
    ]:
        known.add(name)
        digest.update(name.encode())
        _add_tensor(digest, tensor)
    # Quantised layers pack their weights, and layers may keep further state.
    for name, value in module.state_dict().items():
        if name not in known:
            digest.update(name.encode())
            _add_any(digest, value)
    if isinstance(module, torch.jit.ScriptModule):
        digest.update(str(module.graph).encode() if hasattr(module, "graph") else b"")


def _add_any(digest: Any, value: Any) -> None:
    import torch

    if isinstance(value, torch.Tensor):
        _add_tensor(digest, value)
    elif isinstance(value, list | tuple):
        for part in value:
            _add_any(digest, part)
    elif isinstance(value, str | int | float | bool | bytes | None | torch.dtype):
        digest.update(repr(value).encode())


def _add_tensor(digest: Any, tensor: torch.Tensor) -> None:
    import torch

    digest.update(f"{tensor.dtype}{getattr(tensor, 'shape', None) if not _lazy(tensor) else ''}".encode())
    if _lazy(tensor) or tensor.is_meta:
        return
    with torch.no_grad():
        plain = tensor.detach()
        if plain.is_quantized:
            digest.update(f"{plain.qscheme()}".encode())
            for part in _scales(plain):
                _add_tensor(digest, part)
            plain = plain.int_repr()
        elif plain.layout != torch.strided:
            plain = plain.to_dense()
        plain = plain.resolve_conj().resolve_neg().cpu().contiguous().reshape(-1)
        if plain.numel():
            digest.update(plain.view(torch.uint8).numpy().data)


def _lazy(tensor: torch.Tensor) -> bool:
    from torch.nn.parameter import is_lazy

    return is_lazy(tensor)


def _scales(tensor: torch.Tensor) -> list[torch.Tensor]:
    import torch

    if tensor.qscheme() in (torch.per_channel_affine, torch.per_channel_symmetric):
        return [tensor.q_per_channel_scales(), tensor.q_per_channel_zero_points()]
    return [torch.tensor([tensor.q_scale(), tensor.q_zero_point()], dtype=torch.float64)]
