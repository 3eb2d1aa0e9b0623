"""What a model reads while it is loaded: noted as it happens, never declared.

Python tells an audit hook of every file that it opens, of every import, and of every program that it starts. Native
readers open theirs unseen, so the few that models are read with are told from what is handed to them. An event counts
if code of the user's or of an adapter asked for it. What an installed package opens for itself while it is imported
(a list of fonts, a cache) does not: its version stands for that.

Code of the user's is compiled from its source while this watches, never taken from `__pycache__`: Python compares
whole seconds and sizes, and a file that was edited within the second would run as it was before.

What is noted must not depend on what the process did before. A module that is there already is not run again, so what
its head read is kept with it (`read_at_head`); that it was asked for is seen all the same, since `__import__` is
watched, too. And what packages open of the machine's own, once in a process, belongs to no model.
"""

from __future__ import annotations

import builtins
import contextlib
import functools
import hashlib
import importlib.abc
import importlib.machinery
import importlib.util
import os
import re
import shutil
import sys
import sysconfig
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import CodeType, FrameType, ModuleType
from typing import Any, ClassVar, Literal

#: Where a file belongs: to Python itself, to an installed package, to benchbed, or to the user.
Place = Literal["python", "package", "benchbed", "own"]

#: Module → what of it opens files natively, and which argument is the file: its position and its name.
READERS: dict[str, tuple[tuple[str, int, str], ...]] = {
    "onnxruntime": (("InferenceSession.__init__", 1, "path_or_bytes"),),
    "ai_edge_litert.interpreter": (("Interpreter.__init__", 1, "model_path"),),
    "tflite_runtime.interpreter": (("Interpreter.__init__", 1, "model_path"),),
    "tensorflow.lite.python.interpreter": (("Interpreter.__init__", 1, "model_path"),),
    "safetensors": (("safe_open", 0, "filename"),),
    "safetensors.torch": (("safe_open", 0, "filename"),),
    "safetensors.numpy": (("safe_open", 0, "filename"),),
    "soundfile": (("SoundFile.__init__", 1, "file"),),
    "torch.jit": (("load", 0, "f"),),
    "torch.export": (("load", 0, "f"),),
    "torchaudio": (("load", 0, "uri"),),
    "h5py": (("File.__init__", 1, "name"),),
    "pyarrow.parquet": (("read_table", 0, "source"), ("ParquetFile.__init__", 1, "source")),
    "xgboost": (("Booster.load_model", 1, "fname"),),
    "lightgbm": (("Booster.__init__", 3, "model_file"),),
    "faiss": (("read_index", 0, "fname"),),
}

#: Rooms of benchbed that call models; the others open files on their own account.
_CALLERS = ("adapter", "run", "attack", "profile")
_BENCHBED = str(Path(__file__).resolve().parents[1])
_PYTHON = tuple({os.path.realpath(sysconfig.get_path(name)) for name in ("stdlib", "platstdlib")})
_INSTALLED = tuple({os.path.realpath(sysconfig.get_path(name)) for name in ("purelib", "platlib")})
_SYSTEM = ("/proc/", "/sys/", "/dev/")
#: Where a machine keeps its own programs, libraries and settings.
_MACHINE = (
    *("/etc", "/bin", "/sbin", "/lib", "/lib64", "/usr/bin", "/usr/sbin", "/usr/lib", "/usr/lib64"),
    *(f"/usr/share/{name}" for name in ("zoneinfo", "mime", "locale", "i18n")),
)


@dataclass
class WatchedFiles:
    """What was read.

    Attributes
    ----------
    files : dict
        Files that were opened to be read, in order; absolute paths. Sources stand for what was compiled from them.
    modules : set of str
        Names of modules that the user's code imported.
    """

    files: dict[str, None] = field(default_factory=dict)
    modules: set[str] = field(default_factory=set)
    _written: set[str] = field(default_factory=set)
    _kept: dict[str, tuple[int, ...]] = field(default_factory=dict)

    def paths(self) -> list[Path]:
        """The files that are there and are no product of the loading itself."""
        return [Path(name) for name in self.files if not self._made(name) and os.path.isfile(name)]

    def _made(self, name: str) -> bool:
        # What was opened to be changed, as numpy does where it maps a file, may have been read alone.
        return name in self._written or (name in self._kept and self._kept[name] != _state(name))


@dataclass
class _Watch:
    """One block that is watched: its notes, and the threads whose events belong to it."""

    seen: WatchedFiles
    thread: int
    others: frozenset[int | None]
    began: int

    def covers(self, thread: int) -> bool:
        # A thread that the block started is its own; one that was there before belongs to somebody else.
        return thread == self.thread or thread not in self.others


_active: list[_Watch] = []
_lock = threading.Lock()
_hooked = False
#: Modules of the user's that were compiled here → file and digest of the text that was run.
_compiled: dict[str, tuple[str, str]] = {}
#: File of the user's → modules that its head imported, also by a name that its text does not show.
_asked: dict[str, set[str]] = {}
#: File of the user's → files that its head read, each with its state at that time.
_heads: dict[str, dict[str, tuple[int, ...]]] = {}


@contextlib.contextmanager
def watching(seen: WatchedFiles) -> Iterator[WatchedFiles]:
    """Note into `seen` what is read in this block.

    Examples
    --------
    >>> folder = Path(tempfile.mkdtemp())
    >>> _ = (folder / "weights.txt").write_text("1 2 3")
    >>> with watching(WatchedFiles()) as seen:
    ...     text = (folder / "weights.txt").read_text()
    >>> [path.name for path in seen.paths()]
    ['weights.txt']
    """
    global _hooked
    here = threading.get_ident()
    watch = _Watch(seen, here, frozenset(thread.ident for thread in threading.enumerate()) - {here}, time.time_ns())
    with _lock:
        if not _hooked:
            # A hook cannot be taken away again; while nothing is watched it returns at once.
            sys.addaudithook(_hook)
            _hooked = True
        if not _active:
            sys.meta_path.insert(0, _finder)
            _Importing.begin()
            for name in READERS:
                _open_eyes(name, sys.modules.get(name))
        _active.append(watch)
    try:
        yield seen
    finally:
        with _lock:
            _active.remove(watch)
            if not _active:
                with contextlib.suppress(ValueError):  # a model may have taken it out
                    sys.meta_path.remove(_finder)
                _Importing.end()
                _close_eyes()


def asked_for(path: Path) -> set[str]:
    """Modules that the head of a file of the user's was seen to import, also by names that its text does not show."""
    return _asked.get(os.path.realpath(path), set())


def read_at_head(path: Path) -> list[Path]:
    """Files that the head of a file of the user's read when it was run, whoever imported it first."""
    return [Path(name) for name in _heads.get(os.path.realpath(path), {}) if os.path.isfile(name)]


def forget_changed() -> None:
    """Take modules of the user's out of `sys.modules` if one of them has changed, or what its head read.

    Modules that the user imported, rather than an adapter, stay as they are.
    """
    read = {name: state for head in _heads.values() for name, state in head.items()}
    if any(_digest(file) != digest for file, digest in _compiled.values()) or any(
        _state(name) != state for name, state in read.items()
    ):
        for name in _compiled:
            sys.modules.pop(name, None)
        _compiled.clear()
        _asked.clear()
        _heads.clear()


def handed_over(path: object) -> None:
    """Note a file that was given to a native reader."""
    if isinstance(path, str | bytes | os.PathLike):
        _note(path, sys._getframe(1))


@functools.lru_cache(maxsize=65536)
def place_of(file: str | os.PathLike[str]) -> Place:
    """Where a source or a data file belongs.

    Examples
    --------
    >>> place_of(os.__file__), place_of(__file__), place_of("/home/me/net.py")
    ('python', 'benchbed', 'own')
    """
    file = os.fspath(file)  # some packages say where they lie by a Path
    if file.startswith("<"):
        return "python" if file.startswith("<frozen") else "own"
    path = os.path.realpath(file)
    parts = path.split(os.sep)
    if _within(path, (_BENCHBED,)):
        return "own" if "_shipped" in parts else "benchbed"
    if "site-packages" in parts or "dist-packages" in parts or _within(path, _INSTALLED):
        return "package"
    if _within(path, _PYTHON) or path in (os.path.realpath(sys.executable),):
        return "python"
    # `pip install --target` puts packages into any folder, with their papers beside them.
    return "package" if any(_within(path, (folder,)) and _has_papers(folder) for folder in _search_path()) else "own"


def _search_path() -> list[str]:
    return [os.path.realpath(folder) for folder in sys.path if folder]


@functools.lru_cache(maxsize=1024)
def _has_papers(folder: str) -> bool:
    try:
        return any(name.endswith(".dist-info") for name in os.listdir(folder))
    except OSError:
        return False


def _within(path: str, folders: Sequence[str]) -> bool:
    return any(path == folder or path.startswith(folder + os.sep) for folder in folders)


def _digest(file: str) -> str:
    try:
        return hashlib.blake2b(Path(file).read_bytes(), digest_size=16).hexdigest()
    except OSError:
        return ""


def _state(name: str) -> tuple[int, ...]:
    try:
        found = os.stat(name)
    except OSError:
        return ()
    return found.st_size, found.st_mtime_ns, found.st_ctime_ns


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    if not _active:
        return
    # An error in here would end the program that is watched.
    with contextlib.suppress(Exception):
        if event == "open":
            path, mode, flags = arguments
            writes = any(c in mode for c in "wax+") if isinstance(mode, str) else flags & (os.O_WRONLY | os.O_RDWR)
            kept = writes and flags & os.O_RDWR and not flags & (os.O_TRUNC | os.O_CREAT | os.O_APPEND)
            _note(path, sys._getframe(1), written=bool(writes and not kept), kept=bool(kept))
        elif event == "import":
            # Of an extension this is its file; that a module is asked for is seen by the finder, whoever asks.
            if arguments[1] is not None:
                _note(arguments[1], sys._getframe(1))
        elif event in ("sqlite3.connect", "ctypes.dlopen"):
            _note(arguments[0], sys._getframe(1))
        elif event in ("subprocess.Popen", "os.posix_spawn", "os.exec"):
            for word in words_of_program(arguments[0], arguments[1]):
                _note(word, sys._getframe(1))


def words_of_program(program: Any, words: Any) -> list[str]:
    """What of a command line can be a file: the program, its arguments, and what follows `=` in them."""
    listed = [words] if isinstance(words, str | bytes | os.PathLike) else list(words or ())
    texts = [os.fsdecode(word) for word in listed if isinstance(word, str | bytes | os.PathLike)]
    first = os.fsdecode(program) if program is not None else (texts[0] if texts else "")
    found = [shutil.which(first) or first, *texts[1:]]
    return [part for text in found for part in (text, text.partition("=")[2]) if part]


def _note(path: Any, frame: FrameType | None, *, written: bool = False, kept: bool = False) -> None:
    # A file is written, or kept as it was and opened to be read and changed, or opened to be read.
    if not isinstance(path, str | bytes | os.PathLike):
        return
    watches = [watch for watch in _active if watch.covers(threading.get_ident())]
    if not watches:
        return
    name = os.path.abspath(os.fsdecode(path))
    if written:
        for watch in watches:
            watch.seen._written.add(name)
        for head in _heads.values():
            head.pop(name, None)
        return
    if f"{os.sep}__pycache__{os.sep}" in name:
        if not name.endswith(".pyc"):
            return
        with contextlib.suppress(ValueError):
            name = importlib.util.source_from_cache(name)
    # Who asks is known at once; where a file belongs takes looking, and a run opens a clip after the other.
    if name.startswith(_SYSTEM) or _asker(frame) is None or place_of(name) != "own":
        return
    if _within(os.path.realpath(name), _MACHINE) and _nearest(frame) in ("package", "benchbed"):
        return
    seen = [watch.seen for watch in watches if not _made_since(name, watch.began)]
    for each in seen:
        each.files[name] = None
        if kept:
            each._kept.setdefault(name, _state(name))
    running = None if kept else _head(frame)
    if running is not None and any(name not in each._written for each in seen):
        _heads.setdefault(running, {})[name] = _state(name)


def _made_since(name: str, began: int) -> bool:
    """Whether a scratch file is a product of the block itself, such as audio that is handed to a program."""
    if not _within(os.path.realpath(name), (os.path.realpath(tempfile.gettempdir()),)):
        return False
    try:
        return os.stat(name).st_ctime_ns >= began
    except OSError:
        return True


def _note_import(module: str, frame: FrameType | None) -> None:
    # What packages import for each other depends on what was there before; the user's own imports do not.
    while frame is not None and (
        frame.f_code.co_filename == __file__ or place_of(frame.f_code.co_filename) == "python"
    ):
        frame = frame.f_back
    if frame is None or place_of(frame.f_code.co_filename) != "own":
        return
    if frame.f_code.co_name == "<module>":  # what a function asks for, it asks for again
        _asked.setdefault(os.path.realpath(frame.f_code.co_filename), set()).add(module)
    for watch in _active:
        if watch.covers(threading.get_ident()):
            watch.seen.modules.add(module)


def _asker(frame: FrameType | None) -> str | None:
    """The file whose code asked for what is going on, if that counts; empty where nobody is known to have asked."""
    while frame is not None:
        code = frame.f_code
        place = place_of(code.co_filename)
        if place == "own":
            return code.co_filename
        if place == "benchbed" and code.co_filename != __file__:
            return code.co_filename if _room_of(code.co_filename) in _CALLERS else None
        if place == "package" and code.co_name == "<module>":
            return None
        frame = frame.f_back
    return ""


@functools.lru_cache(maxsize=4096)
def _room_of(file: str) -> str:
    """The part of benchbed that a source of it belongs to."""
    return os.path.realpath(file).removeprefix(_BENCHBED + os.sep).split(os.sep)[0]


def _nearest(frame: FrameType | None) -> Place:
    """Whose code asked for what is going on, Python's own aside."""
    while frame is not None and (
        frame.f_code.co_filename == __file__ or place_of(frame.f_code.co_filename) == "python"
    ):
        frame = frame.f_back
    return "own" if frame is None else place_of(frame.f_code.co_filename)


def _head(frame: FrameType | None) -> str | None:
    """The file of the user's whose head is being run, if any is."""
    while frame is not None:
        if frame.f_code.co_name == "<module>" and place_of(frame.f_code.co_filename) == "own":
            return os.path.realpath(frame.f_code.co_filename)
        frame = frame.f_back
    return None


class _Fresh(importlib.machinery.SourceFileLoader):
    """Compiles from source, whatever lies in `__pycache__`."""

    def get_code(self, fullname: str) -> CodeType | None:
        path = self.get_filename(fullname)
        text = self.get_data(path)
        _compiled[fullname] = path, hashlib.blake2b(text, digest_size=16).hexdigest()
        for kept in (_asked, _heads):
            kept.pop(os.path.realpath(path), None)  # of an earlier run of this head
        return self.source_to_code(text, path)


def fresh_loader(name: str, path: Path) -> importlib.machinery.SourceFileLoader:
    """A loader that compiles a file from its source."""
    return _Fresh(name, str(path))


class _Finder(importlib.abc.MetaPathFinder):
    """Stands before the other finders while something is watched."""

    def __init__(self) -> None:
        self._busy = threading.local()

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if getattr(self._busy, "now", False):
            return None
        self._busy.now = True
        _note_import(name, sys._getframe(1))
        try:
            spec = next(filter(None, (self._ask(finder, name, path, target) for finder in sys.meta_path)), None)
        finally:
            self._busy.now = False
        if spec is None:
            return None
        if type(spec.loader) is importlib.machinery.SourceFileLoader and place_of(os.fspath(spec.loader.path)) == "own":
            spec.loader = _Fresh(spec.loader.name, os.fspath(spec.loader.path))
        elif name in READERS and spec.loader is not None:
            spec.loader = _Seeing(spec.loader)
        return spec

    def _ask(self, finder: Any, name: str, path: Any, target: Any) -> importlib.machinery.ModuleSpec | None:
        ask = None if finder is self else getattr(finder, "find_spec", None)
        return ask(name, path, target) if ask is not None else None


class _Seeing(importlib.abc.Loader):
    """Loads a module with a native reader, and lets its readers say what they are given."""

    def __init__(self, loader: Any) -> None:
        self._loader = loader

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        # The module keeps its own loader, which others ask for its data and source.
        module.__loader__ = self._loader
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        self._loader.exec_module(module)
        with _lock:
            if _active:
                _open_eyes(module.__name__, module)


class _Importing:
    """Sees that a module is asked for that is there already, of which no finder hears."""

    plain: ClassVar[tuple[Callable[..., Any], Callable[..., Any]]]
    mine: ClassVar[tuple[Callable[..., Any], Callable[..., Any]]]

    @classmethod
    def begin(cls) -> None:
        plain = builtins.__import__, importlib.import_module

        @functools.wraps(plain[0])
        def seen(
            name: str, globals: Any = None, locals: Any = None, fromlist: Any = (), level: int = 0
        ) -> Any:  # the names that its caller may use
            if _active and level == 0 and isinstance(name, str):
                frame = sys._getframe(1)
                if place_of(frame.f_code.co_filename) == "own":
                    _note_import(name, frame)
                    for part in fromlist or ():
                        if f"{name}.{part}" in sys.modules:
                            _note_import(f"{name}.{part}", frame)
            return plain[0](name, globals, locals, fromlist, level)

        @functools.wraps(plain[1])
        def asked(name: str, package: str | None = None) -> ModuleType:
            if _active and isinstance(name, str):
                with contextlib.suppress(ImportError, ValueError, TypeError):
                    _note_import(importlib.util.resolve_name(name, package), sys._getframe(1))
            return plain[1](name, package)

        cls.plain, cls.mine = plain, (seen, asked)
        builtins.__import__, importlib.import_module = seen, asked

    @classmethod
    def end(cls) -> None:
        # Who replaced them meanwhile keeps what they put there.
        if builtins.__import__ is cls.mine[0]:
            builtins.__import__ = cls.plain[0]
        if importlib.import_module is cls.mine[1]:
            importlib.import_module = cls.plain[1]


_finder = _Finder()
#: Where a reader stood → holder, name, and what stood there.
_replaced: dict[tuple[str, str], tuple[Any, str, Any]] = {}


def _open_eyes(name: str, module: ModuleType | None) -> None:
    # An adapter may forbid an import by an empty entry.
    for attribute, position, keyword in READERS[name] if module is not None else ():
        key = name, attribute
        *holders, last = attribute.split(".")
        holder: Any = module
        for part in holders:
            holder = getattr(holder, part, None)
        reader = getattr(holder, last, None)
        if holder is None or reader is None or key in _replaced:
            continue
        with contextlib.suppress(AttributeError, TypeError):  # a class in C keeps its methods
            setattr(holder, last, _seeing(reader, position, keyword))
            _replaced[key] = holder, last, reader


def _close_eyes() -> None:
    for holder, name, reader in _replaced.values():
        setattr(holder, name, reader)
    _replaced.clear()


def _seeing(reader: Callable[..., Any], position: int, keyword: str) -> Callable[..., Any]:
    @functools.wraps(reader, updated=())
    def seeing(*arguments: Any, **options: Any) -> Any:
        given = options.get(keyword, arguments[position] if len(arguments) > position else None)
        if _active and isinstance(given, str | bytes | os.PathLike) and _short(given):
            for path in with_external_data(given):
                _note(path, sys._getframe(1))
        return reader(*arguments, **options)

    return seeing


def _short(given: Any) -> bool:
    # Some readers take a path or the content of the file.
    return not isinstance(given, bytes) or (len(given) < 4096 and b"\0" not in given)


#: Key and value of an entry of `external_data`, as protobuf writes them: the word `location`, then a length and a name.
_LOCATION = re.compile(rb"\x0a\x08location\x12([\x01-\x7f]|[\x80-\xff][\x01-\x7f])", re.DOTALL)


def with_external_data(path: Any) -> list[Path]:
    """A model file, and for ONNX the files beside it that hold its large tensors.

    The file is searched and not parsed, since the package `onnx` need not be there. Every tensor outside the file, at
    whatever depth of the graph, is announced by the same bytes.
    """
    file = Path(os.fsdecode(path))
    if file.suffix.lower() != ".onnx" or not file.is_file():
        return [file]
    content = file.read_bytes()
    names = set()
    for match in _LOCATION.finditer(content):
        size = match[1][0] & 127 | (match[1][1] << 7 if len(match[1]) > 1 else 0)
        with contextlib.suppress(UnicodeDecodeError):
            names.add(content[match.end() : match.end() + size].decode())
    beside = [file.parent / name for name in sorted(names)]
    return [file, *(each for each in beside if each.is_file())]
