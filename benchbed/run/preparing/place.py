"""Which folder a run takes and what its model is called there: another model never takes a folder that is in use.

Three words are kept apart. The *fingerprint* is what was loaded: code, files, tensors. The *identity* is who the model
is: its adapter, and the options as they were given, files by their place; or, where the user gave a name, that name
and the name of the adapter's file. The *name* is what tables show.

- Same identity: it is the model that was here before, and the run goes into its folder. If its fingerprint is another
  one (it was trained again, its code was edited), everything is computed anew, the earlier result is kept in
  `history/` with its predictions and its page, and that is said. So is a suite that was edited.
- Another identity with the same fingerprint: the same model from another place, such as a copy of the project. It goes
  into the folder, too.
- Another identity and another fingerprint: another model that happens to be called the same, such as a second
  `best.pt`. It gets a folder and a name with a short suffix, the same one at every run, and that is said. A name that
  the user gave has no suffix put to it; there it is an error.

Gates and comparisons take folders and named baselines: what stands in a folder is always the one model, and the latest
of it. A pipeline that moves its files about says `--name`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from benchbed.adapter.digests import digest_of
from benchbed.adapter.load import LoadedAdapter, shipped_adapters
from benchbed.errors import ConfigError
from benchbed.nesting import json_of
from benchbed.run.job.naming import clean, display_name, folder_name
from benchbed.run.job.place import RunPlace
from benchbed.run.journal import damaged_lines, last_started

#: Characters of a suffix; more of them where two models agree in so many.
SUFFIX = (6, 12, 32)

#: Files of a run folder that say whose it is, and what stands for a folder where they say nothing.
_SAYING = ("log.jsonl", "result.json")
_DAMAGED: dict[str, object] = {}

#: What of a fingerprint may change, as a person would say it.
_PARTS = {"code": "its code", "files": "its files", "state": "its weights"}


def place_of_run(
    out: Path,
    suite: tuple[str, str],
    model: LoadedAdapter,
    options: Mapping[str, object],
    contents: Iterable[Mapping[str, object]],
    name: str = "",
) -> RunPlace:
    """The folder and the name of a run.

    Parameters
    ----------
    out : Path
        Folder of runs.
    suite : tuple of str
        Name and hash of the suite.
    model : LoadedAdapter
        The model; of several folds' models, the first.
    options : mapping
        Its options as they were given.
    contents : iterable of mapping
        What the model of each split consists of: `code`, `files` and `state` of its fingerprint.
    name : str
        The name that the user gave, if one was given.

    Raises
    ------
    ConfigError
        The folder of that name holds another model.
    """
    shelf = out / suite[0]
    listed = list(contents)
    parts = {part: digest_of([each[part] for each in listed]) for part in _PARTS}
    identity = identity_of_model(model, options, out, name)
    shown = name or display_name(model.card.name, options)
    base = clean(name) if name else folder_name(model.card.name, options)
    place = RunPlace(shelf / base, shown, identity, parts)
    choices = [base, *(f"{base}-{identity[:length]}" for length in SUFFIX)]
    states = {each: _state(shelf / each, place, model) for each in choices}
    if name:
        if states[base] == "other":
            raise ConfigError(
                f"the name '{name}' is taken by another model",
                where=str(shelf / base),
                hint="give another --name (or NAME=FILE), another --out, or remove the folder",
            )
        chosen = base
    else:
        chosen = next((each for each in choices if states[each] == "mine"), "") or next(
            each for each in choices if states[each] == "free"
        )
    said: list[str] = []
    if chosen != base:
        suffix = chosen.removeprefix(base)
        shown = f"{shown}{suffix}"
        said.append(
            f"{shelf / base} holds another model called {place.name}: this one is {shown} there and in tables; "
            "--name NAME gives it a name of its own"
        )
    said += _damages(shelf / chosen)
    said += _changes(shelf / chosen, parts, suite[1])
    return RunPlace(shelf / chosen, shown, identity, parts, tuple(said))


def identity_of_model(model: LoadedAdapter, options: Mapping[str, object], out: Path, name: str = "") -> str:
    """Who a model is, in 32 characters: the same after it was trained again, and for a project that was moved whole."""
    source = model.source
    if name:
        return digest_of(["named", name, source.name if source is not None else model.locator])
    shelf = os.path.realpath(out)
    if source is None or model.locator.startswith("live:"):
        kind = type(model.adapter)
        who: list[object] = [model.locator, f"{kind.__module__}.{kind.__qualname__}", _shapes(model)]
    elif source in shipped_adapters().values():
        who = ["shipped", source.stem]
    else:
        picked = model.locator.removeprefix(str(source))
        who = [_from(shelf, str(source)) if source.is_file() else model.locator, picked]
    given = {key: _placed(shelf, value) for key, value in sorted(options.items())}
    return digest_of([who, given])


def _shapes(model: LoadedAdapter) -> list[str]:
    """Names and shapes of a live network's parameters: two networks of one class may be two architectures."""
    module = getattr(model.adapter, "module", None) or model.adapter.model
    named = getattr(module, "named_parameters", None)
    return [f"{name}{tuple(value.shape)}" for name, value in named()] if callable(named) else []


def _placed(shelf: str, value: object) -> object:
    """An option as it is given; a file by its place, so that two of one name are two."""
    if not isinstance(value, str | Path):
        return value if isinstance(value, int | float | bool | None) else json.dumps(value, default=str)
    path = Path(value).expanduser()
    try:
        there = path.exists() or ("{split}" in str(value) and path.parent.is_dir())
    except OSError:  # too long for a name, so it is none
        there = False
    return _from(shelf, str(path)) if there else str(value)


def _from(shelf: str, path: str) -> str:
    try:
        return Path(os.path.relpath(os.path.realpath(path), shelf)).as_posix()
    except ValueError:  # another drive
        return path


def _state(folder: Path, mine: RunPlace, model: LoadedAdapter) -> str:
    """Whether a folder is `free`, `mine`, or belongs to an`other` model."""
    held = _held(folder)
    if held is None:
        return "free"
    if held is _DAMAGED:
        return "mine"  # nobody else has this name here, as far as anything tells
    if not held.get("identity"):
        # A record from before there were identities: adapter and options have to do.
        same = Path(str(held.get("adapter", ""))).name in (Path(model.spec).name, Path(model.locator).name)
        return "mine" if same and held.get("options", model.options) == model.options else "other"
    same = mine.identity == held["identity"] or mine.fingerprint == held.get("fingerprint")
    return "mine" if same else "other"


def _held(folder: Path) -> dict[str, object] | None:
    """What was last said about the model in a folder; None if there is none."""
    started = last_started(folder)
    if started is not None and started.get("identity"):
        return started
    try:
        model = json_of((folder / "result.json").read_text(encoding="utf-8"))["model"]
    except (OSError, ValueError, KeyError, TypeError):
        if any((folder / name).is_file() for name in _SAYING):
            return _DAMAGED
        return {} if any((folder / "predictions").glob("*.parquet")) else None
    return model if isinstance(model, dict) else {}


def _damages(folder: Path) -> list[str]:
    """What of a folder's diary and record is damaged, where that was not said at the last run."""
    if _held(folder) is _DAMAGED:
        return [
            f"{folder}: neither its diary nor its record is as it was written; predictions that fit are taken, and all "
            "else is made anew"
        ]
    count = damaged_lines(folder)
    before = (last_started(folder) or {}).get("diary_damaged", 0)
    if not count or count == before:
        return []
    return [f"{folder / 'log.jsonl'}: {count} of its lines are not as they were written, and are passed over"]


def _changes(folder: Path, parts: Mapping[str, str], suite: str) -> list[str]:
    """What is other than at the last run in a folder, as a person would say it."""
    started = last_started(folder)
    if started is None or not (folder / "result.json").is_file():
        return []
    parts_before = started.get("parts")
    before = parts_before if isinstance(parts_before, dict) else {}
    changed = [words for part, words in _PARTS.items() if before.get(part) not in (None, parts[part])]
    changed += ["the suite"] if started.get("suite") not in (None, suite) else []
    if not changed:
        return []
    listed = ", ".join(changed[:-1]) + (" and " if len(changed) > 1 else "") + changed[-1]
    verb = "has" if changed in (["its code"], ["the suite"]) else "have"
    return [f"{folder}: {listed} {verb} changed since the last run"]
