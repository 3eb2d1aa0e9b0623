"""Flags that several verbs share, and how their values are read."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from benchbed.errors import ConfigError, did_you_mean
from benchbed.run.job.limits import PATIENCE, Limits

if TYPE_CHECKING:
    from benchbed.run.job.cluster import ClusterAsked

MODEL_HELP = (
    "Adapter: FILE.py, package.module, an entry point or a shipped name; NAME=FILE.py calls it so; may be repeated."
)
SET_HELP = "Option of the model (key=value, NAME.key=value) or of the suite (suite.statistics.draws=200)."


def limit_options(command: Callable) -> Callable:
    """Flags that say what a process of a model may take, and whether there is one."""
    for option in (
        click.option(
            "--isolate/--no-isolate",
            default=True,
            show_default=True,
            envvar="BENCHBED_ISOLATE",
            help="A process of its own for each model, so that one that crashes or hangs takes nothing along.",
        ),
        click.option(
            "--call-seconds",
            type=click.FloatRange(0, min_open=True),
            default=PATIENCE,
            show_default=True,
            help="Seconds that one call of a model (loading, a batch) may take.",
        ),
        click.option(
            "--memory",
            type=click.IntRange(1),
            metavar="MIB",
            help="Memory that a process of a model may take; by default 90 % of the machine's, or the container's.",
        ),
    ):
        command = option(command)
    return command


def limits(flags: dict[str, Any]) -> Limits:
    """What those flags say."""
    return Limits(flags["call_seconds"], None if flags["memory"] is None else flags["memory"] << 20)


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


@dataclass(frozen=True)
class Named:
    """One `--model`.

    Attributes
    ----------
    address : str
        How `--set ADDRESS.option=…` reaches it: the name that was given, else that of its file.
    spec : str
        The adapter.
    given : str
        The name that was given; empty if none was.
    """

    address: str
    spec: str
    given: str


def named_models(values: Sequence[str], name: str | None = None) -> list[Named]:
    """The models of a command: `FILE` or `NAME=FILE` each.

    Parameters
    ----------
    values : sequence of str
        What `--model` was given.
    name : str, optional
        `--name`, for one model.

    Raises
    ------
    ConfigError
        Two models of one name, or `--name` for several.

    Examples
    --------
    >>> named_models(["adapters/cnn.py", "best=adapters/cnn.py"])[1]
    Named(address='best', spec='adapters/cnn.py', given='best')
    """
    asked = []
    for value in values:
        match = re.fullmatch(r"([A-Za-z0-9][\w.-]*)=(.+)", value)
        # A path may have an equals sign in it.
        if match and not Path(value).exists():
            asked.append(Named(match[1], match[2], match[1]))
        else:
            asked.append(Named(Path(value).stem, value, ""))
    if name is not None:
        if len(asked) > 1 or asked[0].given:
            raise ConfigError("--name is for one model", hint="call each by --model NAME=FILE")
        if not name.strip():
            raise ConfigError("--name is empty")
        asked = [Named(name, asked[0].spec, name)]
    given = [one.given for one in asked if one.given]
    doubled = next((each for each in given if given.count(each) > 1), "")
    if doubled:
        raise ConfigError(f"two models are called '{doubled}'", hint="give each a name of its own: --model NAME=FILE")
    specs = [one.spec for one in asked if not one.given]
    doubled = next((each for each in specs if specs.count(each) > 1), "")
    if doubled:
        raise ConfigError(
            f"--model {doubled} is given twice",
            hint=f"several models from one file have names: --model a={doubled} --model b={doubled} --set a.option=…",
        )
    return asked


def for_model(options: dict[str, str], model: Named, models: Sequence[Named]) -> dict[str, str]:
    """Options of one model: `key=value` goes to all, `cnn.key=value` to the one that is called so.

    Raises
    ------
    ConfigError
        An option for a model that is not there, or for two.
    """
    addresses = [one.address for one in models]
    everybody: dict[str, str] = {}
    mine: dict[str, str] = {}
    for key, value in options.items():
        owners = [address for address in set(addresses) if key.startswith(f"{address}.")]
        owner = max(owners, key=len, default=None)
        if owner is None and "." in key:
            unknown = key.partition(".")[0]
            raise ConfigError(
                f"--set {key}: no model '{unknown}' in this command",
                hint=did_you_mean(unknown, addresses) or f"suite.…, or one of {', '.join(sorted(set(addresses)))}",
            )
        if owner is None:
            everybody[key] = value
        elif addresses.count(owner) > 1:
            raise ConfigError(
                f"--set {key}: two models are called '{owner}'", hint="tell them apart by --model NAME=FILE"
            )
        elif owner == model.address:
            mine[key.removeprefix(f"{owner}.")] = value
    return {**everybody, **mine}


def print_json(value: Any) -> None:
    click.echo(json.dumps(value, indent=1, default=str, ensure_ascii=False))


def data_options(verb: Callable) -> Callable:
    @click.option("--data", "data", multiple=True, metavar="NAME=PATH", help="Where a dataset lies.")
    @click.option("--no-synthetic", is_flag=True, help="Never fall back to the synthetic set.")
    @wraps(verb)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        return verb(*args, **kwargs)

    return wrapped


def engine_options(verb: Callable) -> Callable:
    """Where units are computed; `cluster_of` reads what was said."""

    @click.option("--engine", type=click.Choice(["local", "ray"]), default="local", show_default=True)
    @click.option("--address", metavar="ADDRESS", help="Of a Ray cluster (or `auto`); without it one is started here.")
    @click.option("--worker-cpus", type=click.FloatRange(0, min_open=True), help="CPUs of a Ray worker; --threads.")
    @click.option(
        "--worker-gpus", type=click.FloatRange(0), default=0.0, help="GPUs of a Ray worker, or a share of one."
    )
    @click.option("--worker-memory", metavar="SIZE", help="Memory that is set aside for a Ray worker, e.g. 4G.")
    @click.option(
        "--ship",
        type=click.Choice(["auto", "always", "never"]),
        default="auto",
        show_default=True,
        help="Send clips to Ray nodes, once each: to those that do not see them.",
    )
    @wraps(verb)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        return verb(*args, **kwargs)

    return wrapped


def cluster_of(flags: dict[str, Any]) -> ClusterAsked | None:
    """The cluster that flags ask for; None for this machine.

    Raises
    ------
    ConfigError
        Flags of a cluster without one.
    """
    from benchbed.run.job.cluster import ClusterAsked, bytes_of

    if flags.get("engine", "local") == "local":
        given = [name for name in ("address", "worker_cpus", "worker_gpus", "worker_memory") if flags.get(name)]
        if given:
            raise ConfigError(f"--{given[0].replace('_', '-')} is about a cluster", hint="--engine ray")
        return None
    memory = bytes_of(flags["worker_memory"], "--worker-memory") if flags["worker_memory"] else 0
    cpus, gpus = flags["worker_cpus"] or 0.0, flags["worker_gpus"]
    return ClusterAsked(flags["address"] or "", cpus, gpus, memory, flags["ship"])


def paths(values: tuple[str, ...]) -> dict[str, Path]:
    return {name: Path(path).expanduser() for name, path in pairs(values, "--data").items()}
