"""From `--model SPEC` to an adapter: a file, a module, an entry point or a shipped name.

A file is loaded under a name of its own, so that two adapters with the same file name, or with sibling files of the
same name, never see each other's modules, and `adapters/onnx.py` never shadows the package `onnx`. For the same
reason the search path stays untouched: an adapter reaches the files beside it by relative import (`from .net import
Net`).
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.metadata
import importlib.util
import inspect
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from types import ModuleType
from typing import Any

from benchbed.adapter.asking import said_exit, told
from benchbed.adapter.contract import Adapter, Card
from benchbed.adapter.digests import digest_of
from benchbed.adapter.fingerprint import Fingerprint, fingerprint
from benchbed.adapter.options import resolve_options
from benchbed.adapter.own_code import own_code
from benchbed.adapter.pulse import beating
from benchbed.adapter.surroundings import adopt, of_its_own
from benchbed.adapter.twins import TWINS, as_twin
from benchbed.adapter.watch import WatchedFiles, forget_changed, fresh_loader, watching
from benchbed.cardwords import unknown_word
from benchbed.errors import AdapterError, BenchbedError, did_you_mean
from benchbed.packages import EXTRAS, pip_name, unusable

#: Entry points of this group are models that other packages offer.
ENTRY_POINTS = "benchbed.adapters"

#: Modules made from files are named apart from everything that can be imported.
_PREFIX = "benchbed_adapter_"


@dataclass(frozen=True)
class LoadedAdapter:
    """An adapter with everything a record needs to say what it was.

    Attributes
    ----------
    adapter : Adapter
        Constructed, but its `load` has not been called; see `start`.
    spec : str
        What the user wrote after `--model`.
    locator : str
        The same with the file's absolute path, good from any working directory.
    source : Path or None
        The adapter's file.
    source_hash : str
        Digest of the adapter's file and of all of the user's that it imports.
    options : dict
        Every option with its value, as JSON can hold it.
    arguments : dict
        The options that were given, as the constructor got them.
    seen : WatchedFiles
        What was read while it was imported, constructed and, after `start`, loaded.
    """

    adapter: Adapter
    spec: str
    locator: str
    source: Path | None
    source_hash: str
    options: dict[str, Any]
    arguments: dict[str, Any] = field(default_factory=dict)
    seen: WatchedFiles = field(default_factory=WatchedFiles)

    @property
    def card(self) -> Card:
        return self.adapter.card

    @property
    def name(self) -> str:
        """The card's name."""
        return self.adapter.card.name

    @property
    def fingerprint(self) -> Fingerprint:
        """What was really loaded, after `start`; see `benchbed.adapter.fingerprint`."""
        return fingerprint(self.adapter, source=self.source, arguments=self.arguments, seen=self.seen)

    @property
    def recipe(self) -> tuple[str, dict[str, Any]]:
        """`(spec, options)` from which `load_adapter` makes the same adapter in another process."""
        return self.locator, dict(self.options)


def load_adapter(
    spec: str | Adapter, options: Mapping[str, Any] | None = None, *, search: Sequence[Path] = ()
) -> LoadedAdapter:
    """Find, import and construct the adapter that `spec` names; its weights are not read yet.

    Parameters
    ----------
    spec : str or Adapter
        Path of a `.py` file, dotted name of a module, name of an entry point of the group `benchbed.adapters`, or name
        of a shipped adapter such as `cnn`. `:Name` at the end picks one class or function of several. An
        object is taken as it is, and other processes cannot load it.
    options : mapping, optional
        Options as text (`--set`) or values; see `resolve_options`.
    search : sequence of Path, optional
        Folders in which a relative path is looked for after the working directory, e.g. the suite's.

    Raises
    ------
    AdapterError
        Nothing under that name, a file that cannot be imported, none or several adapters in it, or a constructor that
        raises. The message gives the line in the adapter's file.
    ConfigError
        Options that do not fit.

    Notes
    -----
    What the module gives is decided in this order: `ADAPTER` if it is defined, a function `adapter`, the only public
    subclass of `Adapter` that is defined in it.
    """
    if isinstance(spec, Adapter):
        from benchbed.adapter.live import identity, ready

        adapter = ready(spec)
        source = source_file(type(spec))
        return LoadedAdapter(adapter, adapter.card.name, f"live:{adapter.card.name}", source, identity(adapter), {})
    where, wanted = _split_name(spec)
    forget_changed()
    begun = _Begun()
    with watching(begun.seen), beating("being imported and constructed"):
        return _loaded(spec, where, wanted, dict(options or {}), search, begun)


class _Begun:
    """A model of which there is no adapter yet: what its code read, and left around it."""

    def __init__(self) -> None:
        self.seen = WatchedFiles()


def _loaded(
    spec: str, where: str, wanted: str | None, options: dict[str, Any], search: Sequence[Path], begun: _Begun
) -> LoadedAdapter:
    locator = spec
    source: Path | None
    if _looks_like_path(where):
        source = _find_file(where, search)
        module = _import_file(source, begun)
    elif where in shipped_adapters():
        source = shipped_adapters()[where]
        module = _import_file(source, begun)
    else:
        module, wanted = _import_named(where, wanted, begun)
        source = Path(module.__file__) if module.__file__ else None
    if source is not None and module.__name__.startswith(_PREFIX):
        locator = f"{source}:{wanted}" if wanted else str(source)
    place = str(source or spec)
    target = _entry(module, wanted, place)
    if twin := as_twin(locator, target, options):
        # The same model in fewer bits, or under a probe, by the shipped adapter that makes such twins of any.
        kind, given = twin
        twin_adapter = _loaded(kind, kind, None, given, (), begun)
        # Place and options stay those of the model, so that they make the same twin again.
        own = {name: value for name, value in twin_adapter.options.items() if name in TWINS[kind]}
        of_model = twin_adapter.adapter.loaded.options  # type: ignore[attr-defined]
        hashed = _hash_sources(source)
        return replace(
            twin_adapter, spec=spec, locator=locator, source=source, source_hash=hashed, options=own | of_model
        )
    arguments, recorded = resolve_options(target, options, where=place)
    adapter = _construct(target, arguments, place, begun)
    return LoadedAdapter(adapter, spec, locator, source, _hash_sources(source), recorded, arguments, begun.seen)


def start(loaded: LoadedAdapter, device: str = "cpu") -> Adapter:
    """Call the adapter's `load(device)` and return it, ready for `predict`.

    Raises
    ------
    AdapterError
        `load` raised; the message gives the reason, the line, and the extra to install if a package is missing.
    """
    adapter = loaded.adapter
    try:
        with watching(loaded.seen), beating("load"), of_its_own(adapter):
            adapter.load(device)
            made = adapter.card
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # sys.exit, or what else means to end more than this
        raise explain(error, f"{loaded.name} could not be loaded on {device}", loaded.source) from error
    _refuse_card(made, "the adapter", loaded.source)
    return adapter


def explain(error: BaseException, what: str, source: Path | str | None) -> BenchbedError:
    """An exception out of an adapter's code as an AdapterError with its line and a cure.

    An error that says already what was wrong stays as it is, and gets the line where it lacks a place.

    Examples
    --------
    >>> print(explain(ModuleNotFoundError("No module named 'onnxruntime'", name="onnxruntime"), "cannot load", None))
    cannot load: ModuleNotFoundError: No module named 'onnxruntime'
      try: pip install 'benchbed[onnx]'
    """
    place, hint = _line_of(error, source), None
    if isinstance(error, BenchbedError):
        return error if error.where else type(error)(error.what, where=place, hint=error.hint)
    if isinstance(error, SystemExit):
        return AdapterError(
            f"{what}: it called {said_exit(error)}", where=place, hint="an adapter raises; take the exit out"
        )
    if isinstance(error, TypeError):
        hint = unknown_word(str(error), tuple(each.name for each in fields(Card)))
    if isinstance(error, ModuleNotFoundError) and error.name:
        top = error.name.split(".")[0]
        if top in EXTRAS:
            hint = f"pip install {pip_name(top)}"
        elif source is not None and _is_sibling(Path(source), top):
            hint = (
                f"'{top}' lies beside the adapter: write `from .{error.name} import …`, or put its folder on PYTHONPATH"
            )
        else:
            hint = f"install the package that provides '{top}' beside benchbed"
    elif isinstance(error, ImportError | OSError) and (broken := unusable(error)) is not None:
        hint = (broken.hint or "").partition(";")[0]
    return AdapterError(f"{what}: {told(error)}", where=place, hint=hint)


def shipped_adapters() -> dict[str, Path]:
    """Adapters that come with benchbed, by name: those of the checkout, else those inside the installed wheel.

    Examples
    --------
    >>> all(path.suffix == ".py" for path in shipped_adapters().values())
    True
    """
    package = Path(__file__).resolve().parents[1]
    for folder in (package.parent / "adapters", package / "_shipped" / "adapters"):
        # Beside an installed package `adapters` could be somebody else's; only the checkout has both.
        if folder.is_dir() and (folder.parent == package / "_shipped" or (package.parent / "pyproject.toml").is_file()):
            return {path.stem: path for path in sorted(folder.glob("*.py")) if not path.name.startswith("_")}
    return {}


def source_file(kind: type) -> Path | None:
    """The file that a class is written in; None where it was typed at a prompt."""
    try:
        path = Path(inspect.getfile(kind))
    except (OSError, TypeError):
        return None
    return path if path.is_file() else None


def _split_name(spec: str) -> tuple[str, str | None]:
    head, colon, tail = spec.rpartition(":")
    # One letter before the colon is a drive, as in C:\models\net.py.
    return (head, tail) if colon and tail.isidentifier() and len(head) > 1 else (spec, None)


def _looks_like_path(text: str) -> bool:
    return text.endswith(".py") or "/" in text or "\\" in text


def _find_file(text: str, search: Sequence[Path]) -> Path:
    path = Path(text).expanduser()
    places = [path] if path.is_absolute() else [Path.cwd() / path, *(Path(folder) / path for folder in search)]
    # `adapters/cnn.py` from the documentation works away from the checkout too.
    if path.parts[:-1] == ("adapters",) and path.stem in shipped_adapters():
        places.append(shipped_adapters()[path.stem])
    for place in places:
        if place.is_file():
            if place.suffix != ".py":
                raise AdapterError(
                    f"{text} is not a Python file",
                    where=str(place),
                    hint="--model takes the adapter; weights go to it as an option, e.g. --set checkpoint=FILE",
                )
            return place.resolve()
        if place.is_dir():
            files = sorted(child.name for child in place.glob("*.py"))
            raise AdapterError(
                f"{text} is a folder",
                where=str(place),
                hint=f"name one file in it: {', '.join(files[:8])}" if files else "name the adapter's .py file",
            )
    known = [str(path.parent / child.name) for place in places for child in place.parent.glob("*.py")]
    hint = did_you_mean(str(path), known) or did_you_mean(path.stem, shipped_adapters())
    if hint is None:
        hint = f"shipped adapters: {', '.join(shipped_adapters())}"
    raise AdapterError(f"no adapter file {text}", where=str(places[0]), hint=hint)


def _import_file(path: Path, begun: _Begun) -> ModuleType:
    try:
        text = path.read_text(encoding="utf-8")
        compile(text, str(path), "exec", dont_inherit=True)
    except SyntaxError as error:
        line = (error.text or "").strip()
        raise AdapterError(
            f"{path.name} is not valid Python: {error.msg}" + (f": {line}" if line else ""),
            where=f"{path}:{error.lineno}:{error.offset}",
        ) from error
    except (OSError, UnicodeDecodeError, ValueError) as error:
        raise AdapterError(f"{path.name} cannot be read: {error}", where=str(path)) from error
    digest = hashlib.blake2b(f"{path}\n{text}".encode(), digest_size=6).hexdigest()
    name = f"{_PREFIX}{path.stem}_{digest}"
    for stale in [key for key in sys.modules if key == name or key.startswith(f"{name}.")]:
        del sys.modules[stale]  # a sibling may have changed since
    # The adapter is made a package whose folder is its own: relative imports find the files beside it.
    loader, folder = fresh_loader(name, path), [str(path.parent)]
    spec = importlib.util.spec_from_file_location(name, path, loader=loader, submodule_search_locations=folder)
    if spec is None or spec.loader is None:
        raise AdapterError(f"{path.name} cannot be imported", where=str(path))
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        with of_its_own(begun):
            spec.loader.exec_module(module)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # sys.exit, or what else means to end more than this
        del sys.modules[name]
        raise explain(error, f"{path.name} cannot be imported", path) from error
    return module


def _import_named(name: str, wanted: str | None, begun: _Begun) -> tuple[ModuleType, str | None]:
    points = {point.name: point for point in importlib.metadata.entry_points(group=ENTRY_POINTS)}
    if name in points:
        wanted, name = points[name].attr or wanted, points[name].module
    try:
        with of_its_own(begun):
            return importlib.import_module(name), wanted
    except ModuleNotFoundError as error:
        if error.name is None or not (name == error.name or name.startswith(f"{error.name}.")):
            raise explain(error, f"{name} cannot be imported", None) from error
        known = [*shipped_adapters(), *points]
        hint = did_you_mean(name, known) or f"a path of a .py file, a module, or one of: {', '.join(known)}"
        raise AdapterError(f"no adapter '{name}'", hint=hint) from error
    except SyntaxError as error:
        raise AdapterError(
            f"{name} is not valid Python: {error.msg}", where=f"{error.filename}:{error.lineno}:{error.offset}"
        ) from error
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # sys.exit, or what else means to end more than this
        raise explain(error, f"{name} cannot be imported", None) from error


def _entry(module: ModuleType, wanted: str | None, place: str) -> Callable[..., Any]:
    classes = [
        value
        for name, value in vars(module).items()
        if isinstance(value, type)
        and issubclass(value, Adapter)
        and value.__module__ == module.__name__
        and not name.startswith("_")
    ]
    names = [cls.__name__ for cls in classes]
    if wanted is None:
        wanted = next((name for name in ("ADAPTER", "adapter") if callable(getattr(module, name, None))), None)
    if wanted is not None:
        entry = getattr(module, wanted, None)
        if not callable(entry):
            hint = did_you_mean(wanted, names) or f"adapters in it: {', '.join(names) or 'none'}"
            raise AdapterError(f"no adapter '{wanted}' in the file", where=place, hint=hint)
        target = entry
    elif len(classes) == 1:
        target = classes[0]
    elif not classes:
        raise AdapterError(
            "the file defines no adapter",
            where=place,
            hint="define a subclass of benchbed.adapter.Adapter or TorchAdapter, or a function `adapter` returning one",
        )
    else:
        raise AdapterError(
            f"the file defines several adapters: {', '.join(names)}",
            where=place,
            hint=f"name one (--model {Path(place).name}:{names[0]}), or set ADAPTER = {names[0]} in the file",
        )
    if inspect.isabstract(target):
        lacking = ", ".join(sorted(target.__abstractmethods__))  # type: ignore[attr-defined]
        raise AdapterError(f"{target.__name__} lacks {lacking}", where=place, hint=f"implement {lacking}")
    return target


def _construct(target: Callable[..., Any], arguments: dict[str, Any], place: str, begun: _Begun) -> Adapter:
    label = getattr(target, "__name__", str(target))
    try:
        with of_its_own(begun):
            model = target(**arguments)
            if isinstance(model, type) and issubclass(model, Adapter):
                model = model()
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # sys.exit, or what else means to end more than this
        raise explain(error, f"{label} could not be constructed", place) from error
    if not isinstance(model, Adapter):
        raise AdapterError(
            f"{label} gives {type(model).__name__}, not an adapter",
            where=place,
            hint="inherit from benchbed.adapter.Adapter or TorchAdapter",
        )
    try:
        with of_its_own(begun) as left:
            card = getattr(model, "card", None)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # sys.exit, or what else means to end more than this
        raise explain(error, f"{label}.card cannot be read", place) from error
    _refuse_card(card, label, place)
    adopt(model, left)
    return model


def _refuse_card(card: object, label: str, place: Path | str | None) -> None:
    if not isinstance(card, Card):
        raise AdapterError(
            f"{label} has no card" if card is None else f"{label}.card is {type(card).__name__}, not a Card",
            where=None if place is None else str(place),
            hint="set `card = Card(name=…, family=…, output=…, labels=…, sample_rate=…)`",
        )


def _line_of(error: BaseException, source: Path | str | None) -> str | None:
    """`file:line` of the last frame inside the adapter's own file, else the file."""
    if source is None:
        return None
    frames = traceback.extract_tb(error.__traceback__)
    inside = [frame for frame in frames if Path(frame.filename) == Path(source)]
    return f"{source}:{inside[-1].lineno}" if inside else str(source)


def _is_sibling(source: Path, name: str) -> bool:
    return (source.parent / f"{name}.py").is_file() or (source.parent / name).is_dir()


def _hash_sources(source: Path | None) -> str:
    files = own_code([source]).files if source is not None else {}
    return digest_of(sorted((path.name, digest) for path, digest in files.items()))
