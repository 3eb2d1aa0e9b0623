"""What everything is that has a name: from registries, the schema of suites and of rules, and docstrings."""

from __future__ import annotations

from benchbed.errors import ConfigError, did_you_mean
from benchbed.explain.keys import keys_of_rules, keys_of_suites
from benchbed.explain.leaving import exit_codes
from benchbed.explain.registered import REGISTERED, lines, text


def listed() -> dict[str, dict[str, str]]:
    """Every kind of thing → name → one line about it; nothing that is registered is imported.

    Examples
    --------
    >>> listed()["attacks"]["pgd"]
    'Projected gradient descent with a fixed step; the best point of the path is kept, not the last.'
    """
    found = {kind: lines(registry) for kind, registry in REGISTERED.items()}
    found["suite keys"] = {key: said.line for key, said in keys_of_suites().items()}
    found["gate rules"] = {key: said.line for key, said in keys_of_rules().items()}
    found["exit codes"] = exit_codes()
    return found


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
    for kind, keys in (("suite keys", keys_of_suites()), ("gate rules", keys_of_rules())):
        exact = [said for key, said in keys.items() if key == name]
        last = [said for key, said in keys.items() if key.rpartition(".")[2] == name]
        found += [(kind, said.text) for said in exact or last]
        if name == kind or name == kind.partition(" ")[0]:
            found.append((kind, "\n".join(f"{key}: {said.line}" for key, said in keys.items())))
    codes = exit_codes()
    if name in ("exit", "exit codes", *codes):
        found.append(("exit codes", "\n".join(f"{code}: {why}" for code, why in codes.items())))
    if not found:
        known = [each for names in listed().values() for each in names]
        raise ConfigError(
            f"nothing is called '{name}'", hint=did_you_mean(name, known) or "benchbed list names what there is"
        )
    return found
