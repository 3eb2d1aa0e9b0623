"""Where the user keeps a dataset: named on the command line, in the environment, or in a configuration file.

A path that somebody gave and that does not exist is an error. Falling back to anything else would measure the wrong
data without a word.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from benchbed.errors import ConfigError, DataError, did_you_mean
from benchbed.nesting import Overgrown, refuse_overgrown

ENVIRONMENT = "BENCHBED_DATA"
CONFIG_ENVIRONMENT = "BENCHBED_CONFIG"


@dataclass(frozen=True)
class Location:
    """A configured folder.

    Attributes
    ----------
    path : Path
        The folder; it exists.
    origin : str
        Who named it, for messages and the record: `--data`, `BENCHBED_DATA`, or the configuration file's path.
    """

    path: Path
    origin: str


def locate(name: str, given: Mapping[str, str | Path] | None = None) -> Location | None:
    """Find the folder of a dataset.

    Searched in order: `given` (the `--data` options); the environment variable `BENCHBED_DATA`, either `name=path`
    pairs joined by the system's path separator, or one folder that holds a folder `name`; and `data:` in the user's
    configuration file, a mapping of names to paths.

    Parameters
    ----------
    name : str
        Name of the dataset in the suite.
    given : mapping of str to path, optional
        What the command line named.

    Returns
    -------
    Location or None
        None if nobody named a folder for it.

    Raises
    ------
    DataError
        A folder was named and does not exist.
    ConfigError
        A setting that cannot be read, or a command line that names other datasets only.

    Examples
    --------
    >>> import tempfile
    >>> folder = tempfile.mkdtemp()
    >>> locate("esc50", {"esc50": folder}).origin
    '--data'
    """
    if given:
        if name not in given:
            # A misspelt name would otherwise measure the synthetic set although a path was given.
            others = ", ".join(sorted(given))
            raise ConfigError(
                f"--data names {others}, and the dataset of this suite is {name}",
                where=f"--data {others}",
                hint=f"write --data {name}=FOLDER",
            )
        return _existing(name, Path(given[name]), "--data")
    return _from_environment(name) or _from_config(name)


def config_file() -> Path:
    """The user's configuration file, whether it exists or not: `BENCHBED_CONFIG`, else the platform's usual place."""
    if named := os.environ.get(CONFIG_ENVIRONMENT):
        return Path(named).expanduser()
    if sys.platform == "win32":
        base = Path(os.environ.get("APPDATA") or Path.home() / "AppData" / "Roaming")
    else:
        base = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    return base / "benchbed" / "config.yaml"


def _existing(name: str, path: Path, origin: str) -> Location:
    path = path.expanduser()
    if not path.is_dir():
        what = "is not a folder" if path.exists() else "does not exist"
        raise DataError(
            f"the folder of dataset {name}, named by {origin}, {what}",
            where=str(path),
            hint=f"correct the path, or take it out to run on the synthetic set; `benchbed data fetch {name}` says "
            f"where the data come from",
        )
    return Location(path, origin)


def _from_environment(name: str) -> Location | None:
    setting = os.environ.get(ENVIRONMENT, "").strip()
    if not setting:
        return None
    if "=" not in setting:
        root = _existing(name, Path(setting), ENVIRONMENT).path
        return Location(root / name, ENVIRONMENT) if (root / name).is_dir() else None
    pairs: dict[str, str] = {}
    for part in setting.split(os.pathsep):
        if not part.strip():
            continue
        key, equals, path = part.partition("=")
        if not equals or not key.strip() or not path.strip():
            raise ConfigError(
                f"'{part}' in {ENVIRONMENT} is not NAME=PATH",
                hint=f"write esc50=/data/ESC-50{os.pathsep}tau2022=/data/TAU, or name one folder that holds all",
            )
        if key.strip() in pairs:
            raise ConfigError(f"dataset {key.strip()} is named twice in {ENVIRONMENT}")
        pairs[key.strip()] = path.strip()
    return _existing(name, Path(pairs[name]), ENVIRONMENT) if name in pairs else None


def _from_config(name: str) -> Location | None:
    file = config_file()
    if not file.is_file():
        if os.environ.get(CONFIG_ENVIRONMENT):
            raise ConfigError(
                "the configuration file does not exist", where=str(file), hint=f"correct or unset {CONFIG_ENVIRONMENT}"
            )
        return None
    data = _read_config(file)
    if name not in data:
        return None
    path = Path(data[name]).expanduser()
    # A relative path in a file is relative to that file, wherever the command runs.
    return _existing(name, path if path.is_absolute() else file.parent / path, str(file))


def _read_config(file: Path) -> dict[str, str]:
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    try:
        text = file.read_text(encoding="utf-8")
        refuse_overgrown(text)
        content = YAML(typ="safe", pure=True).load(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark
        place = f"{file}:{mark.line + 1}:{mark.column + 1}" if mark else str(file)
        raise ConfigError(f"the configuration file is not valid YAML: {error.problem}", where=place) from error
    except Overgrown as error:
        raise ConfigError(f"the configuration file: {error}", where=f"{file}:{error.line}") from error
    except (YAMLError, UnicodeDecodeError, OSError) as error:
        raise ConfigError(f"the configuration file cannot be read ({error})", where=str(file)) from error
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise ConfigError(
            "the configuration file must be a mapping", where=str(file), hint="write data: {esc50: /path}"
        )
    for key in content:
        if key != "data":
            near = did_you_mean(str(key), ["data"]) or "known: data"
            raise ConfigError(f"unknown key '{key}' in the configuration file", where=str(file), hint=near)
    data = content.get("data") or {}
    if not isinstance(data, dict) or not all(isinstance(v, str) for v in data.values()):
        raise ConfigError("data: must map dataset names to paths", where=str(file), hint="write data: {esc50: /path}")
    return {str(key): value for key, value in data.items()}
