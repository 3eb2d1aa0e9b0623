"""The rule by which an attack succeeds, and its options, as a suite asks for them: checked alike for every kind."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from benchbed.errors import ConfigError, did_you_mean


def known_rule(asked: str | None, default: str, rules: Collection[str], task: str, where: str | None) -> str:
    """The rule that is asked for, or the default of the task.

    Raises
    ------
    ConfigError
        The task has no such rule.

    Examples
    --------
    >>> known_rule(None, "f20", ("f20", "seld"), "tracks", None)
    'f20'
    """
    rule = asked or default
    if rule not in rules:
        raise ConfigError(
            f"'{rule}' is no rule of success for {task}",
            where=where,
            hint=did_you_mean(rule, rules) or f"rules: {', '.join(rules)}",
        )
    return rule


def require_known_options(rule: str, options: Iterable[str], known: Collection[str], where: str | None) -> None:
    """Refuse an option that a rule does not have.

    Raises
    ------
    ConfigError
        One of the options is not known.

    Examples
    --------
    >>> require_known_options("event_f1", ["onset_collar"], {"onset_collar"}, None)
    """
    strange = next((option for option in options if option not in known), None)
    if strange is not None:
        its = f"its options: {', '.join(sorted(known))}" if known else "it has no options"
        raise ConfigError(
            f"the rule {rule} has no option '{strange}'", where=where, hint=did_you_mean(strange, known) or its
        )
