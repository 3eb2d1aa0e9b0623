"""From a YAML file to a validated suite: inheritance, overrides, and errors that point at the line.

A suite may extend others, the later ones over the earlier: mappings merge key by key, anything else replaces. What is
extended may be a whole suite or a part of one, such as the conditions that several suites share. Every value keeps the
place it was written at, so that an error in an inherited part names the inherited file.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchbed.errors import ConfigError, did_you_mean
from benchbed.nesting import Overgrown, refuse_overgrown
from benchbed.outputs import output_of
from benchbed.suite.marks import Mark, Place, parse_yaml, read_yaml
from benchbed.suite.model import Suite


@dataclass(frozen=True)
class LoadedSuite:
    """A suite and where it came from.

    Attributes
    ----------
    suite : Suite
        The validated suite after inheritance and overrides.
    path : Path
        File it was read from.
    hash : str
        blake2b over the definition: two suites with one hash ask the same question.
    overrides : dict
        What `--set suite.…` changed.
    marks : dict
        Place of every value, for later errors.
    """

    suite: Suite
    path: Path
    hash: str
    overrides: dict[str, Any]
    marks: dict[Place, Mark]

    def where(self, *place: str | int) -> str:
        """Where a value was written, for an error message; the nearest parent if it was left to its default."""
        return str(_nearest(self.marks, place))


def shipped_folder(kind: str) -> Path:
    """Folder of shipped `suites` or `adapters`: inside an installed package, else beside it in a checkout."""
    package = Path(__file__).resolve().parent.parent
    installed = package / "_shipped" / kind
    return installed if installed.is_dir() else package.parent / kind


def board_table(name: str, below: Callable[[str], Path] = Path) -> Path:
    """The table of boards of a name that comes with benchbed, e.g. `mcu`, or of a file.

    Parameters
    ----------
    name : str
        As a suite or `--boards` gives it.
    below : callable
        Finds a file by its name.

    Examples
    --------
    >>> board_table("mcu").name, board_table("mine.yaml").as_posix()
    ('mcu.yaml', 'mine.yaml')
    """
    known = {path.stem: path for path in sorted((shipped_folder("suites") / "boards").glob("*.yaml"))}
    if name in known:
        return known[name]
    if not name.endswith((".yaml", ".yml", ".json")):
        hint = did_you_mean(name, known) or f"tables that come along: {', '.join(known)}; or a YAML file"
        raise ConfigError(f"there is no table of boards '{name}'", hint=hint)
    return below(name)


def find_suite(name: str) -> Path:
    """The file of a suite given as a path or as the name of a shipped suite.

    Raises
    ------
    ConfigError
        Neither exists; the message suggests the nearest shipped suite.
    """
    path = Path(name)
    if path.is_file():
        return path
    shipped = {p.stem: p for p in sorted(shipped_folder("suites").glob("*.yaml"))}
    stem = path.stem if path.suffix in (".yaml", ".yml") else name
    if stem in shipped and (path.suffix == "" or path.parent.name in ("", "suites")):
        return shipped[stem]
    hint = did_you_mean(stem, shipped) or f"shipped suites: {', '.join(shipped) or 'none'}"
    raise ConfigError(f"no suite '{name}'", hint=hint)


def load_suite(name: str, overrides: Mapping[str, str] | None = None) -> LoadedSuite:
    """Read, merge, override and validate a suite.

    Parameters
    ----------
    name : str
        Path of the file, or name of a shipped suite.
    overrides : mapping of str to str, optional
        Dotted place in the suite → YAML text of the new value, e.g. `{"statistics.draws": "200"}`.

    Raises
    ------
    ConfigError
        With file:line:column, the offending line and, where a name is near, a suggestion.
    """
    path = find_suite(name)
    return _loaded(path, *_merged(path, ()), overrides)


def load_definition(definition: Mapping[str, Any], overrides: Mapping[str, str] | None = None) -> LoadedSuite:
    """A suite from its content as a mapping, as a file of it would be read; relative paths start at the working folder.

    Raises
    ------
    ConfigError
        As `load_suite`; places are lines of the mapping as JSON.
    """
    path = Path.cwd() / "suite"
    try:
        text = json.dumps(dict(definition), indent=1)
    except TypeError as error:
        raise ConfigError(f"the suite holds something that YAML cannot say: {error}", where="suite") from error
    return _loaded(path, *_extended(path, *parse_yaml(text, "suite"), ()), overrides)


def _loaded(
    path: Path, data: dict[str, Any], marks: dict[Place, Mark], overrides: Mapping[str, str] | None
) -> LoadedSuite:
    changed: dict[str, Any] = {}
    for place, text in (overrides or {}).items():
        changed[place] = _override(data, marks, place, text)
    suite = _validate(data, marks)
    _check_deciding(suite, marks)
    _check_joining(suite, marks)
    return LoadedSuite(suite, path, _hash(suite), changed, marks)


def _hash(suite: Suite) -> str:
    # Words about the suite, what is found out about cost, and which models are asked may change without changing what
    # it asks of each.
    definition = suite.model_dump(mode="json", exclude={"title", "description", "extends", "profile", "sweep"})
    for part, keys in (("post_processing", ("tune", "frozen", "unify_degrees")), ("audio", ("windows",))):
        for key in keys:
            # What a suite does not say changes nothing about it, whenever it became possible to say.
            if (definition[part] or {}).get(key, "") is None:
                del definition[part][key]
    for part_of, key, unsaid in (
        (definition, "files", {}),
        (definition, "view", None),
        (definition, "drop", None),
        (definition, "probe", None),
        (definition, "sequence", None),
        (definition["metrics"], "closed_set", False),
        (definition["audio"].get("windows"), "join", "mean"),
    ):
        if part_of is not None and part_of.get(key, unsaid) == unsaid:
            part_of.pop(key, None)
    text = json.dumps(definition, sort_keys=True, separators=(",", ":"))
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def _merged(path: Path, chain: tuple[Path, ...]) -> tuple[dict[str, Any], dict[Place, Mark]]:
    real = path.resolve()
    if real in chain:
        names = " → ".join(p.name for p in (*chain, real))
        raise ConfigError(f"suites extend each other in a circle: {names}", where=str(path))
    return _extended(path, *read_yaml(path), (*chain, real))


def _extended(
    path: Path, data: dict[str, Any], marks: dict[Place, Mark], chain: tuple[Path, ...]
) -> tuple[dict[str, Any], dict[Place, Mark]]:
    """A definition over those that it extends."""
    parents = data.get("extends")
    if parents is None:
        return data, marks
    where = str(marks[("extends",)])
    bases = [parents] if isinstance(parents, str) else parents
    if not isinstance(bases, list) or not all(isinstance(name, str) for name in bases):
        raise ConfigError("`extends` is the name of a suite, or a list of names", where=where)
    base: dict[str, Any] = {}
    base_marks: dict[Place, Mark] = {}
    for name in bases:
        try:
            parent_path = _parent(path, name)
        except ConfigError as error:
            raise ConfigError(error.what, where=where, hint=error.hint) from error
        _merge(base, base_marks, *_merged(parent_path, chain), ())
    _merge(base, base_marks, data, marks, ())
    return base, {(): marks[()], **base_marks}


def _parent(path: Path, name: str) -> Path:
    folder = path.resolve().parent
    beside = (folder / name).resolve()
    if not beside.is_relative_to(folder):
        raise ConfigError(
            f"`extends: {name}` leaves the folder of the suite",
            hint="extend a file in the same folder or below it, or a shipped suite by name",
        )
    for candidate in (beside, beside.with_name(beside.name + ".yaml")):
        if candidate.is_file():
            return candidate
    shipped = shipped_folder("suites") / f"{name}.yaml"
    if ".." not in shipped.parts and shipped.is_file():
        return shipped
    return find_suite(name)


def _merge(base: dict, base_marks: dict[Place, Mark], new: dict, marks: dict[Place, Mark], place: Place) -> None:
    for key, value in new.items():
        inner = (*place, key)
        if isinstance(value, dict) and isinstance(base.get(key), dict):
            base_marks[inner] = marks[inner]
            _merge(base[key], base_marks, value, marks, inner)
            continue
        for old in [p for p in base_marks if p[: len(inner)] == inner]:
            del base_marks[old]
        base_marks.update({p: m for p, m in marks.items() if p[: len(inner)] == inner})
        base[key] = value


def _override(data: dict[str, Any], marks: dict[Place, Mark], dotted: str, text: str) -> Any:
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    flag = Mark(f"--set suite.{dotted}={text}")
    try:
        refuse_overgrown(text)
        value = YAML(typ="safe", pure=True).load(text)
    except Overgrown as error:
        raise ConfigError(str(error), where=flag.file) from error
    except YAMLError as error:
        raise ConfigError("the value is not valid YAML", where=flag.file, hint="quote it for the shell") from error
    node: Any = data
    keys: list[str | int] = [int(k) if k.isdigit() else k for k in dotted.split(".")]
    for depth, key in enumerate(keys):
        last = depth == len(keys) - 1
        if isinstance(node, list):
            if not isinstance(key, int) or key >= len(node):
                raise ConfigError(f"'{key}' is no item of a list of {len(node)}", where=flag.file)
        elif isinstance(node, dict):
            key = str(key)
            if not last and key not in node:
                node[key] = {}
        else:
            raise ConfigError(f"'{'.'.join(map(str, keys[:depth]))}' holds one value and has no parts", where=flag.file)
        place = (*keys[:depth], key)
        if last:
            node[key] = value
            for old in [p for p in marks if p[: len(place)] == place]:
                del marks[old]
            marks[place] = flag
        else:
            node = node[key]
    return value


def _validate(data: dict[str, Any], marks: dict[Place, Mark]) -> Suite:
    from pydantic import ValidationError

    try:
        return Suite.model_validate(data)
    except ValidationError as error:
        problems = [_located(item, data, marks) for item in error.errors()]
    first, rest = problems[0], problems[1:]
    if rest:
        more = "".join(f"\n    {str(p.where).splitlines()[0]}: {p.what}" for p in rest[:5])
        tail = f"\n    … and {len(rest) - 5} more" if len(rest) > 5 else ""
        hint = f"{first.hint or 'mend this line'}; then mend also{more}{tail}"
        raise ConfigError(first.what, where=first.where, hint=hint)
    raise first


def _check_deciding(suite: Suite, marks: Mapping[Place, Mark]) -> None:
    """What is declared decides about the task; thresholds are chosen where nothing is scored, by one of its figures."""
    part = suite.post_processing
    if part is None:
        return
    decided = output_of(suite.task).decided_by
    for name in ("threshold", "median_seconds", "unify_degrees"):
        if getattr(part, name) is not None and name not in decided:
            raise ConfigError(
                f"{name} decides nothing about a task of {suite.task}",
                where=str(_nearest(marks, ("post_processing", name))),
                hint=f"leave it out, or declare {' or '.join(decided)}" if decided else "leave it out",
            )
    tune = part.tune
    if tune is None:
        return
    place: Place = ("post_processing", "tune")
    if tune.split in suite.data.splits:
        raise ConfigError(
            f"thresholds would be chosen on the split '{tune.split}', which is scored",
            where=str(_nearest(marks, (*place, "split"))),
            hint="choose them on a validation split, or report the family sed_best, which says what it is",
        )
    known = output_of(suite.task).tuned_by
    if not known:
        raise ConfigError(
            f"a task of {suite.task} has no thresholds to choose",
            where=str(_nearest(marks, place)),
            hint="leave it out",
        )
    if tune.metric not in known:
        raise ConfigError(
            f"thresholds of {suite.task} cannot be chosen by {tune.metric}",
            where=str(_nearest(marks, (*place, "metric"))),
            hint=f"by {', '.join(known)}",
        )


def _check_joining(suite: Suite, marks: Mapping[Place, Mark]) -> None:
    """Clips that decide together have scores to be joined, and votes where one class is right."""
    if suite.view is None:
        return
    output = output_of(suite.task)
    if output.class_scores != "clip":
        raise ConfigError(
            f"clips of a task of {suite.task} cannot decide together: their answers are no scores of classes",
            where=str(_nearest(marks, ("view",))),
            hint="leave it out; a task of scene or tags has such scores",
        )
    if suite.view.rule == "vote" and not output.exclusive:
        raise ConfigError(
            f"clips of a task of {suite.task} have no vote: several classes may be right",
            where=str(_nearest(marks, ("view", "rule"))),
            hint="mean or log_mean",
        )
    if suite.view.name in [part.name for part in suite.metrics.further]:
        raise ConfigError(
            f"further metrics are called '{suite.view.name}' already",
            where=str(_nearest(marks, ("view", "name"))),
            hint="give the view another name",
        )


def _located(item: Any, data: dict[str, Any], marks: dict[Place, Mark]) -> ConfigError:
    # pydantic adds the union's tag to a location; the document has no such level.
    place = tuple(p for i, p in enumerate(item["loc"]) if not (i >= 2 and item["loc"][0] == "conditions" and i == 2))
    if place[:1] == ("profile",):
        place = tuple(p for p in place if p not in ("switch", "settings"))
    name = ".".join(str(p) for p in place)
    where = str(_nearest(marks, place))
    kind, given = item["type"], item.get("input")
    if kind == "extra_forbidden":
        known = _fields_at(place[:-1], data)
        return ConfigError(
            f"unknown key '{place[-1]}'",
            where=where,
            hint=did_you_mean(str(place[-1]), known) or f"known here: {', '.join(known)}",
        )
    if kind == "missing":
        return ConfigError(f"the key '{name}' is missing", where=where, hint=f"add `{place[-1]}:`")
    if kind == "literal_error":
        expected = item["ctx"]["expected"]
        names = [n.strip(" '") for n in expected.replace(" or ", ", ").split(",")]
        return ConfigError(
            f"{name}: '{given}' is not one of {expected}", where=where, hint=did_you_mean(str(given), names)
        )
    message = item["msg"].removeprefix("Value error, ")
    hint = None
    if kind == "string_type" and isinstance(given, (int, float, bool)):
        hint = "put the value in quotes"
    elif kind in ("bool_type", "bool_parsing"):
        hint = "write true or false"
    shown = f" (found {given!r})" if isinstance(given, (str, int, float, bool)) else ""
    return ConfigError(f"{name}: {message[0].lower()}{message[1:]}{shown}", where=where, hint=hint)


def _nearest(marks: Mapping[Place, Mark], place: Place) -> Mark:
    for length in range(len(place), -1, -1):
        if place[:length] in marks:
            return marks[place[:length]]
    return Mark("suite")


def _fields_at(place: Place, data: Mapping[str, Any]) -> list[str]:
    """Names of the keys that may stand at a place of the suite."""
    from benchbed.suite import conditions, model

    kind: Any = Suite
    for part in place:
        if part == "conditions":
            given = data["conditions"][place[1]] if len(place) > 1 else {}
            kind = conditions.AttackCondition if "attack" in given else conditions.CorruptionCondition
        elif part == "slices":
            kind = model.Slice
        elif isinstance(part, str) and hasattr(kind, "model_fields") and part in kind.model_fields:
            inner = kind.model_fields[part].annotation
            parts = (getattr(k, "__origin__", k) for k in (inner, *getattr(inner, "__args__", ())))
            kind = next((k for k in parts if hasattr(k, "model_fields")), kind)
    return sorted(kind.model_fields)
