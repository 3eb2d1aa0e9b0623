"""What everything is that has a name: from registries, the schema of suites and of rules, and docstrings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from benchbed.errors import ConfigError, did_you_mean
from benchbed.explain.about import ABOUT
from benchbed.explain.leaving import exit_codes
from benchbed.explain.registered import REGISTERED, lines, text
from benchbed.explain.shipped import FILES, file_line, file_text

if TYPE_CHECKING:
    from benchbed.explain.keys import Key


#: Kinds that are no registries.
KEYS = ("suite keys", "gate rules")
#: Every kind of thing, in the order in which they are wanted.
KINDS = tuple(ABOUT)


def listed(kind: str) -> dict[str, str]:
    """Names of one of `KINDS`, with one line about each; nothing that is registered is imported.

    Examples
    --------
    >>> listed("attacks")["pgd"]
    'Projected gradient descent with a fixed step; the best point of the path is kept, not the last.'
    """
    if kind in REGISTERED:
        return lines(REGISTERED[kind])
    if kind in FILES:
        return {name: file_line(path) for name, path in FILES[kind]().items()}
    if kind == "figures":
        from benchbed.explain.figures import figures

        return figures()
    if kind == "bridges":
        from benchbed.explain.bridged import bridges

        return bridges()
    if kind == "ensembles":
        from benchbed.attack.presets import ABOUT as ENSEMBLES

        return dict(ENSEMBLES)
    return exit_codes() if kind == "exit codes" else {key: said.line for key, said in _keys(kind).items()}


def _keys(kind: str) -> Mapping[str, Key]:
    from benchbed.explain.keys import keys_of_rules, keys_of_suites

    return keys_of_suites() if kind == "suite keys" else keys_of_rules()


def explained(name: str) -> list[tuple[str, str]]:
    """All that goes by a name: what kind of thing it is, and the text about it.

    A key may be asked for by its whole path (`metrics.primary`) or by its last part; `exit` asks for the exit codes.

    Raises
    ------
    ConfigError
        Nothing has the name; with the nearest one.

    Examples
    --------
    >>> [kind for kind, _ in explained("pink_noise")]
    ['corruptions', 'attacks']
    >>> print(explained("exit")[0][1].splitlines()[0])
    0: fine
    """
    found = [(kind, text(kind, registry, name)) for kind, registry in REGISTERED.items() if name in registry.names()]
    found += _elsewhere(name)
    for kind in KEYS:
        keys = _keys(kind)
        exact = [said for key, said in keys.items() if key == name]
        last = [said for key, said in keys.items() if key.rpartition(".")[2] == name]
        found += [(kind, said.text) for said in exact or last]
        if name == kind or name == kind.partition(" ")[0]:
            found.append((kind, "\n".join(f"{key}: {said.line}" for key, said in keys.items())))
    codes = exit_codes()
    if name in ("exit", "exit codes", *codes):
        found.append(("exit codes", "\n".join(f"{code}: {why}" for code, why in codes.items())))
    if not found and name in KINDS:
        found.append((name, "\n".join(f"{each}: {line}" for each, line in listed(name).items())))
    if not found:
        known = [each for kind in KINDS for each in listed(kind)]
        raise ConfigError(
            f"nothing is called '{name}'", hint=did_you_mean(name, known) or "benchbed list names what there is"
        )
    return found


def _elsewhere(name: str) -> list[tuple[str, str]]:
    """What is no registered module and has the name: shipped files, figures, transforms of other libraries."""
    from benchbed.attack.presets import PRESETS, told
    from benchbed.explain.figures import figure_text, figures

    found = [(kind, file_text(files()[name])) for kind, files in FILES.items() if name in files()]
    if name in figures():
        found.append(("figures", figure_text(name)))
    if name in PRESETS:
        found.append(("ensembles", told(name)))
    if ":" in name:
        from benchbed.explain.bridged import bridges

        known = bridges()
        if name in known:
            found.append(("bridges", known[name]))
    return found
