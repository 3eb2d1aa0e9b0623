"""Flags that several verbs share, and how their values are read."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import click

from benchbed.errors import ConfigError, did_you_mean

MODEL_HELP = "Adapter: FILE.py, package.module, an entry point or a shipped name; may be repeated."
SET_HELP = "Option of the model (key=value, MODEL.key=value) or of the suite (suite.statistics.draws=200)."


def pairs(values: tuple[str, ...], flag: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for text in values:
        key, separator, value = text.partition("=")
        if not separator or not key:
            raise ConfigError(f"{flag} {text}: expected NAME=VALUE")
        if key in found:
            raise ConfigError(f"{flag} {key} is given twice")
        found[key] = value
    return found


def split_settings(values: tuple[str, ...]) -> tuple[dict[str, str], dict[str, str]]:
    """`--set` values for the suite, and those for the model."""
    given = pairs(values, "--set")
    suite = {key.removeprefix("suite."): value for key, value in given.items() if key.startswith("suite.")}
    return suite, {key: value for key, value in given.items() if not key.startswith("suite.")}


def for_model(options: dict[str, str], spec: str, specs: tuple[str, ...]) -> dict[str, str]:
    """Options of one model: `key=value` goes to all, `cnn.key=value` to the model whose file is cnn.py."""
    stems = {Path(other).stem for other in specs}
    chosen: dict[str, str] = {}
    for key, value in options.items():
        stem, dot, rest = key.partition(".")
        if not dot:
            chosen.setdefault(key, value)
        elif stem == Path(spec).stem:
            chosen[rest] = value
        elif stem not in stems:
            raise ConfigError(
                f"--set {key}: no model '{stem}' in this command",
                hint=did_you_mean(stem, stems) or f"suite.…, or one of {', '.join(sorted(stems))}",
            )
    return chosen


def print_json(value: Any) -> None:
    click.echo(json.dumps(value, indent=1, default=str, ensure_ascii=False))


def data_options(verb: Callable) -> Callable:
    @click.option("--data", "data", multiple=True, metavar="NAME=PATH", help="Where a dataset lies.")
    @click.option("--no-synthetic", is_flag=True, help="Never fall back to the synthetic set.")
    @wraps(verb)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        return verb(*args, **kwargs)

    return wrapped


def paths(values: tuple[str, ...]) -> dict[str, Path]:
    return {name: Path(path).expanduser() for name, path in pairs(values, "--data").items()}
