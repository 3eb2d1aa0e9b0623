"""What was done to the audio, in the unit in which it was done: `10 dB SNR`, not "severity 3"."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from benchbed.results.record import Cell, Condition, Result


def setting(what: Condition) -> str:
    """The strength of a condition in physical units, or an empty text.

    Examples
    --------
    >>> setting(Condition(kind="corruption", name="clipping", parameter={"share": 0.1}))
    'share 0.1'
    >>> setting(Condition(kind="corruption", name="white_noise", severity=3, parameter=10, unit="dB SNR"))
    '10 dB SNR'
    """
    if what.parameter is None:
        return ""
    text = amount(what)
    # The unit is that of what was measured; a mapping holds arguments of a transform of another library.
    return f"{text} {what.unit}" if what.unit and not isinstance(what.parameter, dict) else text


def amount(what: Condition) -> str:
    """The strength of a condition without its unit, or an empty text.

    Examples
    --------
    >>> amount(Condition(kind="corruption", name="white_noise", severity=3, parameter=10.0, unit="dB SNR"))
    '10'
    """
    if what.parameter is None:
        return ""
    if isinstance(what.parameter, dict):
        return ", ".join(f"{key} {value}" for key, value in what.parameter.items())
    if isinstance(what.parameter, list | tuple):
        return ", ".join(str(part) for part in what.parameter)
    return f"{what.parameter:g}" if isinstance(what.parameter, float) else str(what.parameter)


def without_gradient(what: Condition) -> bool:
    """Whether some clips of an attacked cell met no gradient although its attack uses one where a model shows it.

    What is left then is an upper bound of another kind, and never stands beside what gradients left.

    Examples
    --------
    >>> facts = {"attacker": "answers alone"}
    >>> without_gradient(Condition(kind="attack", name="standard", facts=facts))
    True
    >>> without_gradient(Condition(kind="attack", name="square"))
    False
    """
    return str(what.facts.get("attacker", "")).startswith(("answers", "gradients of some"))


def curve_of(key: str) -> str:
    """The curve over budgets that an attacked cell lies on: its key without task, split and budget.

    Examples
    --------
    >>> curve_of("scene/test/standard@l2:30dB"), curve_of("frames/test/apgd+hide@l2:30dB#2")
    ('standard@l2', 'apgd+hide@l2#2')
    """
    whole, _, again = key.split("/", 2)[2].partition("#")
    curve = whole.rpartition(":")[0]
    return f"{curve}#{again}" if again else curve


def settings(results: Iterable[Result]) -> dict[str, str]:
    """The setting of every condition whose key names a severity, by the key as `compare` and `gate` write it.

    Where runs differ in it, the condition has none: they are not the same question.
    """
    return strengths(cell for result in results for cell in result.cells)


def strengths(cells: Iterable[Cell]) -> dict[str, str]:
    """The same of cells."""
    texts: dict[str, set[str]] = {}
    for cell in cells:
        if cell.condition.severity is not None and cell.condition.parameter is not None:
            texts.setdefault(cell.key.split("/", 2)[2], set()).add(setting(cell.condition))
    return {key: text for key, (text, *others) in ((key, sorted(known)) for key, known in texts.items()) if not others}


def spoken(key: str, settings: Mapping[str, str]) -> str:
    """A condition's key with its strength in its unit in the place of the number of its severity, where that is known.

    Examples
    --------
    >>> spoken("white_noise@3", {"white_noise@3": "10 dB SNR"}), spoken("white_noise@3", {}), spoken("clean", {})
    ('white_noise, 10 dB SNR', 'white_noise@3', 'clean')
    >>> spoken("foa_rotation@1#2", {"foa_rotation@1#2": "5 degrees"})
    'foa_rotation (no. 2), 5 degrees'
    """
    if key not in settings:
        return key
    name, _, again = key.partition("#")
    return f"{name.partition('@')[0]}{f' (no. {again})' if again else ''}, {settings[key]}"
