"""From a YAML file to validated rules, with errors that point at the line."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchbed.errors import ConfigError, did_you_mean
from benchbed.gate.rules import Rule, Rules, known_keys
from benchbed.suite.load import shipped_folder
from benchbed.suite.marks import Mark, Place, read_yaml


@dataclass(frozen=True)
class LoadedRules:
    """Rules and where each was written.

    Attributes
    ----------
    rules : Rules
        The rules.
    path : Path or None
        Their file; None for the built-in ones.
    marks : dict
        Place of every value.
    """

    rules: Rules
    path: Path | None = None
    marks: dict[Place, Mark] = field(default_factory=dict)

    def line(self, index: int) -> int | None:
        """Line of a rule, counted from 1."""
        mark = self.marks.get(("rules", index))
        return mark.line if mark is not None and mark.line else None

    def where(self, index: int) -> str | None:
        """Place of a rule, for errors."""
        mark = self.marks.get(("rules", index))
        return str(mark) if mark is not None else None


#: What is asked where no rules are given.
DEFAULT = Rules(
    name="default",
    rules=[
        Rule(
            name="no condition gets worse",
            say="The metric that ranks must not fall under any condition.",
            metric="primary",
            condition="*",
        )
    ],
)


def load_rules(name: str | None, units: Collection[str] = ()) -> LoadedRules:
    """Read rules from a file, by the name of a shipped file, or the built-in ones.

    Parameters
    ----------
    name : str or None
        Of the file; None for the built-in rules.
    units : collection of str
        Units of figures at hand that no registered metric may have.

    Raises
    ------
    ConfigError
        With file:line:column and, where a name is near, a suggestion.
    """
    if name is None:
        return LoadedRules(DEFAULT)
    path = Path(name)
    shipped = {p.stem: p for p in sorted((shipped_folder("suites") / "gates").glob("*.yaml"))}
    if not path.is_file():
        if name not in shipped:
            near = did_you_mean(name, shipped) or f"shipped rules: {', '.join(shipped) or 'none'}"
            raise ConfigError(f"no rules '{name}'", hint=near)
        path = shipped[name]
    data, marks = read_yaml(path)
    return LoadedRules(_validated(data, marks, units), path, marks)


def are_rules(name: str) -> bool:
    """Whether a file is one of gate rules, and not of a suite."""
    path = Path(name)
    if not path.is_file():
        return False
    data, _ = read_yaml(path)
    return "rules" in data


def _validated(data: dict[str, Any], marks: dict[Place, Mark], units: Collection[str]) -> Rules:
    from pydantic import ValidationError

    try:
        return Rules.model_validate(data, context={"units": units})
    except ValidationError as error:
        problems = [_located(item, marks) for item in error.errors()]
    first, rest = problems[0], problems[1:]
    if rest:
        more = "".join(f"\n    {str(p.where).splitlines()[0]}: {p.what}" for p in rest[:5])
        raise ConfigError(first.what, where=first.where, hint=f"{first.hint or 'mend this line'}; then mend also{more}")
    raise first


def _located(item: Any, marks: dict[Place, Mark]) -> ConfigError:
    place = tuple(item["loc"])
    near = next((marks[place[:n]] for n in range(len(place), -1, -1) if place[:n] in marks), Mark("rules"))
    name = ".".join(str(p) for p in place) or "the file"
    kind, given = item["type"], item.get("input")
    if kind == "extra_forbidden":
        known = known_keys(place[:-1])
        hint = did_you_mean(str(place[-1]), known) or f"known here: {', '.join(known)}"
        return ConfigError(f"unknown key '{place[-1]}'", where=str(near), hint=hint)
    if kind == "missing":
        return ConfigError(f"the key '{name}' is missing", where=str(near), hint=f"add `{place[-1]}:`")
    if kind == "literal_error":
        expected = item["ctx"]["expected"]
        names = [n.strip(" '") for n in expected.replace(" or ", ", ").split(",")]
        nearest = did_you_mean(str(given), names)
        return ConfigError(f"{name}: '{given}' is not one of {expected}", where=str(near), hint=nearest)
    message = item["msg"].removeprefix("Value error, ")
    return ConfigError(f"{name}: {message[0].lower()}{message[1:]}", where=str(near))
