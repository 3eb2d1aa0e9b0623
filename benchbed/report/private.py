"""Places on the machine that made a run never reach a page: `/home/alice/data/TAU` is `…/TAU` there.

A record says where things lay, because its user wants to make it again; a page is published. Everything that a page
shows, carries or exports passes through here: records, comparisons, what was kept for listening, published figures. An
absolute path keeps its last part; a folder of a user keeps nothing. Paths that are relative, addresses of web pages,
and AudioSet's names of classes (`/m/09x0r`) stay as they are.
"""

from __future__ import annotations

import functools
import re
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from markupsafe import Markup
from pydantic import BaseModel

Held = TypeVar("Held")

#: What stands for the part that is left out.
GONE = "…"
_PART = r"[^\s/\\\"'<>|:;,()\[\]{}`…]+"
_MID = r"/[mgt]/[0-9a-z_]+(?![\w/.])"
#: Field of a comparison that finds the page of a run and is never shown.
_ADDRESS = "path"
#: Folders whose next part is the name of a person.
_HOMES = ("home", "users", "user", "documents and settings")
_QUOTED = re.compile(
    r"(?P<quote>[\"'`])(?P<path>(?:file:/+|~|/|[A-Za-z]:[\\/]|\\\\)[^\"'`\n]*[/\\][^\"'`\n]*)(?P=quote)"
)
_FILE = re.compile(r"file:/+[^\s\"'<>]*")
_WINDOWS = re.compile(rf"(?<![A-Za-z0-9])(?:[A-Za-z]:[\\/]+|\\\\)(?:{_PART}[\\/]+)*(?:{_PART})?")
_POSIX = re.compile(rf"(?<![\w/.…%)\]°²³<+-])(?!{_MID})(?:~\w*)?(?:(?<!:)/+|/(?!/)){_PART}(?:/+{_PART})*/*")
#: A text that is a path as a whole may have spaces in it.
_WHOLE = re.compile(r"(?:~[^/\s]*/|/(?!/)|[A-Za-z]:[\\/]|\\\\)[^\n:;,\"'<>|]*[/\\][^\n:;,\"'<>|]*")


def private(text: str, known: Iterable[str] = ()) -> str:
    """A text whose absolute paths keep their last part only.

    Parameters
    ----------
    text : str
    known : iterable of str
        Paths that are known to be some, and may have spaces in them.

    Examples
    --------
    >>> private("no such file: /home/alice/data/a.wav (see https://a.org/x/y), 32 kbit/s, /m/09x0r")
    'no such file: …/a.wav (see https://a.org/x/y), 32 kbit/s, /m/09x0r'
    >>> private("--data tau2022=/mnt/sets/TAU --out ~/runs"), private("audio/a.wav")
    ('--data tau2022=…/TAU --out …/runs', 'audio/a.wav')
    """
    return _scrubbed(text, frozenset(known)) if "/" in text or "\\" in text else text


# The records of a board say the same, a hundred thousand times.
@functools.lru_cache(maxsize=100_000)
def _scrubbed(text: str, known: frozenset[str]) -> str:
    for path in sorted(known, key=len, reverse=True):
        text = text.replace(path, _last(path)) if len(path) > 3 else text
    if _WHOLE.fullmatch(text) and not re.fullmatch(_MID, text):
        return _last(text)
    text = _QUOTED.sub(lambda found: f"{found['quote']}{_last(found['path'])}{found['quote']}", text)
    for pattern in (_FILE, _WINDOWS, _POSIX):
        text = pattern.sub(lambda found: _last(found[0]) if any(map(str.isalpha, found[0])) else found[0], text)
    return text


def _last(path: str) -> str:
    parts = [part for part in re.split(r"[/\\]+", re.sub(r"^(file:/+|~[^/\\]*|[A-Za-z]:)", "", path)) if part.strip()]
    if not parts or (len(parts) < 3 and parts[0].lower() in _HOMES) or parts == ["root"]:
        return GONE
    return f"{GONE}/{parts[-1]}"


def command(line: str) -> str:
    """A command without the places of its files; words that were quoted stay one word.

    Examples
    --------
    >>> command("benchbed run s.yaml --data 'tau=/home/alice/my sets/TAU' --model adapters/cnn.py")
    'benchbed run s.yaml --data tau=…/TAU --model adapters/cnn.py'
    """
    words = _words(line)
    if words is None:
        return private(line)
    if not any("/" in word or "\\" in word for word in words):
        return line
    changed = tuple(_word(word) for word in words)
    return (
        line
        if changed == words
        else " ".join(word if GONE in word and " " not in word else shlex.quote(word) for word in changed)
    )


# Each command is asked for its paths and for its words, and runs of a board have much the same one.
@functools.lru_cache(maxsize=10_000)
def _words(line: str) -> tuple[str, ...] | None:
    """Words of a command; None where its quotes are not closed."""
    try:
        return tuple(shlex.split(line))
    except ValueError:
        return None


def _word(word: str) -> str:
    head, equals, tail = word.partition("=")
    if equals and "/" not in head and "\\" not in head:
        return f"{head}={private(tail)}"
    return private(word)


def without_paths(held: Held, known: Iterable[str] = ()) -> Held:
    """The same record, or part of one, with no path of the machine in any text or key; itself if it has none.

    A record that changed is no longer the one on disk, so that it has no digest.

    Examples
    --------
    >>> from benchbed.results.record import Failure
    >>> lost = Failure(clip_id="a.wav", cell="*", stage="decode", message="/data/set/a.wav ends early")
    >>> without_paths(lost).message
    '…/a.wav ends early'
    """
    return _walk(held, frozenset(known))


def paths_in(line: str, options: Mapping[str, Any]) -> set[str]:
    """Absolute paths that a command and a model's options name; the rest of a record may quote them, with spaces.

    Examples
    --------
    >>> sorted(paths_in("benchbed run s.yaml --data 't=/a b/c'", {"checkpoint": "/w/x y.pt"}))
    ['/a b/c', '/w/x y.pt']
    """
    words = _words(line) or ()
    texts = [part for word in words for part in (word, word.partition("=")[2])]
    texts += [value for value in options.values() if isinstance(value, str)]
    return {text for text in (*texts, str(Path.home())) if _WHOLE.fullmatch(text) and not re.fullmatch(_MID, text)}


#: What holds no text: most of a record are numbers.
_TEXTLESS = frozenset((float, int, bool, type(None)))


def _walk(part: Any, known: frozenset[str]) -> Any:
    kind = type(part)
    if kind in _TEXTLESS or kind is Markup:
        return part  # markup is made here, such as an embedded sound
    if kind is str:
        return private(part, known) if "/" in part or "\\" in part else part
    if isinstance(part, str):
        return private(part, known)
    if isinstance(part, BaseModel):
        return _model(part, known)
    if isinstance(part, dict):
        return _mapping(part, known)
    if isinstance(part, list | tuple):
        parts = [_walk(one, known) for one in part]
        if all(new is old for new, old in zip(parts, part, strict=True)):
            return part
        return type(part)(parts) if not hasattr(part, "_fields") else type(part)(*parts)
    if is_dataclass(part) and not isinstance(part, type):
        changed = {
            field.name: new
            for field in fields(part)
            if (new := _walk(old := getattr(part, field.name), known)) is not old and new != old
        }
        return replace(part, **changed) if changed else part
    return part


def _placeless(part: Any) -> bool:
    """What nearly all parts are: numbers, and texts without a slash, which need no walk."""
    kind = type(part)
    return kind in _TEXTLESS or (kind is str and "/" not in part and "\\" not in part)


def _model(part: BaseModel, known: frozenset[str]) -> BaseModel:
    changed = {}
    for name, old in part.__dict__.items():
        if name == _ADDRESS or _placeless(old):
            continue
        new = _walk(old, known)
        if new is not old and new != old:
            changed[name] = new
    if changed and "digest" in part.__dict__:
        changed["digest"] = ""
    return part.model_copy(update=changed) if changed else part


def _mapping(held: dict[Any, Any], known: frozenset[str]) -> dict[Any, Any]:
    changed: dict[Any, Any] = {}
    same = True
    for key, old in held.items():
        new = old if _placeless(old) else _walk(old, known)
        name = key if _placeless(key) else _walk(key, known)
        same = same and new is old and name == key
        # Two files of one name in two folders stay two.
        while name in changed:
            name = f"{name} (another)"
        changed[name] = new
    return held if same else changed
