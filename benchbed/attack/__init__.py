"""Attacks on models of audio: budgets, losses, attacks, ensembles, and the checks that make a result believable.

An attack sees a model as a function from waveforms to class scores; labels, files and adapters stay with the runner.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from benchbed.errors import ConfigError, did_you_mean
from benchbed.registry import Registry

if TYPE_CHECKING:
    from benchbed.attack.contract import Attack

#: Attacks, by file name. A module has `ATTACK`, a subclass of `benchbed.attack.contract.Attack`.
ATTACKS = Registry("attack", "benchbed.attack.attacks")

#: Attacks of the library torchattacks are named `torchattacks:NAME`.
BRIDGED = "torchattacks:"


def resolve(name: str, options: Mapping[str, Any] | None = None, *, where: str | None = None) -> Attack:
    """The attack of that name with its options.

    Parameters
    ----------
    name : str
        A registered name, or `torchattacks:<Attack>`.
    options : mapping, optional
        Options of this attack; those left out keep their defaults.
    where : str, optional
        Place in the suite, for error messages.

    Raises
    ------
    ConfigError
        Unknown name or option (the nearest one is suggested), or a bridged attack that is refused, with the reason.

    Examples
    --------
    >>> resolve("apgd", {"loss": "margin"}).options["loss"]
    'margin'
    """
    if name.startswith(BRIDGED):
        from benchbed.attack.torchattacks_bridge import bridged

        return bridged(name.removeprefix(BRIDGED), dict(options or {}), where=where)
    kind = ATTACKS.get(name, where=where).ATTACK
    for option in options or {}:
        if option not in kind.defaults:
            known = ", ".join(kind.defaults) or "none"
            hint = did_you_mean(option, kind.defaults) or f"its options: {known}"
            raise ConfigError(f"the attack {name} has no option '{option}'", where=where, hint=hint)
    return kind(name, {**kind.defaults, **(options or {})})
