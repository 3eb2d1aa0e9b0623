"""What is registered: data-set layouts, corruptions, attacks, metric families, front ends, kinds of output."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from types import ModuleType

from benchbed.adapter.frontends import FRONT_ENDS
from benchbed.adapter.options import describe_options
from benchbed.attack import ATTACKS
from benchbed.data import LAYOUTS
from benchbed.kinds import OUTPUTS
from benchbed.metrics import FAMILIES
from benchbed.perturb import CORRUPTIONS
from benchbed.registry import Registry

#: Kind of thing → its registry.
REGISTERED: dict[str, Registry] = {
    "layouts": LAYOUTS,
    "corruptions": CORRUPTIONS,
    "attacks": ATTACKS,
    "metrics": FAMILIES,
    "front ends": FRONT_ENDS,
    "outputs": OUTPUTS,
}


def lines(registry: Registry) -> dict[str, str]:
    """Name → the first sentence of its module, read from the file; of another package's, its name alone."""
    return {name: _first_line(registry, name) for name in registry.names()}


def text(kind: str, registry: Registry, name: str) -> str:
    """Everything about one of them.

    Examples
    --------
    >>> print(text("corruptions", CORRUPTIONS, "clipping").splitlines()[-2])
    severity 1 to 5: 3, 2, 1.4, 1, 0.6 threshold / active RMS
    """
    module = registry.get(name)
    return "\n".join(part for part in (inspect.getdoc(module) or "", *_ABOUT[kind](module)) if part)


def _corruption(module: ModuleType) -> Iterable[str]:
    made = module.CORRUPTION
    yield inspect.cleandoc(type(made).__doc__ or "")
    if made.keywords:
        yield f"parameters by name: {', '.join(made.keywords)}"
    if made.device_tolerance is not None:
        within = f"within {made.device_tolerance:.2g} of the largest sample" if made.device_tolerance else "bit for bit"
        yield f"can be made on the model's device (`run --corruptions`), as numpy makes it {within}"
    yield f"severity 1 to {len(made.parameters)}: {', '.join(map(_short, made.parameters))} {made.unit}".rstrip()
    yield f"source: {made.source}" if made.source else ""


def _attack(module: ModuleType) -> Iterable[str]:
    made = module.ATTACK
    yield inspect.cleandoc(made.__doc__ or "")
    yield f"access: {made.access}"
    yield from (f"{name} = {value!r}" for name, value in made.defaults.items())


def _layout(module: ModuleType) -> Iterable[str]:
    yield inspect.getdoc(module.read) or ""
    yield from _options(module.read, skip=("root",))
    facts = getattr(module, "FACTS", None)
    if facts is not None:
        yield f"{facts.title}; {facts.licence}; {facts.source}"


def _family(module: ModuleType) -> Iterable[str]:
    yield from _options(module.family, skip=("labels",))
    try:
        family = module.family(("a", "b"))
    except Exception:  # a family that needs more than classes is told by its options alone
        return
    for name, info in family.metrics.items():
        yield f"{name}: {info.title}; {info.unit or 'no unit'}, {info.direction} is better; rule {info.rule}"


def _front_end(module: ModuleType) -> Iterable[str]:
    yield inspect.getdoc(module.front_end) or ""
    yield from _options(module.front_end, skip=("options",))


def _output(module: ModuleType) -> Iterable[str]:
    output = module.OUTPUT
    yield f"hears {output.hears}; asks for {', '.join(output.asks) or 'audio alone'}"


_ABOUT: dict[str, Callable[[ModuleType], Iterable[str]]] = {
    "layouts": _layout,
    "corruptions": _corruption,
    "attacks": _attack,
    "metrics": _family,
    "front ends": _front_end,
    "outputs": _output,
}


def _options(function: Callable[..., object], skip: Sequence[str]) -> Iterable[str]:
    for option in describe_options(function):
        if option.name not in skip:
            yield f"option {option}"


def _short(parameter: object) -> str:
    return f"{parameter:g}" if isinstance(parameter, int | float) else str(parameter)


def _first_line(registry: Registry, name: str) -> str:
    folder = registry.folder()
    places: list[Path] = [folder / f"{name}.py", folder / name / "__init__.py"]
    path = next((place for place in places if place.is_file()), None)
    return "of another package" if path is None else first_line(path)


def first_line(path: Path) -> str:
    """The first sentence of a module, read from its file.

    Examples
    --------
    >>> first_line(Path(__file__))
    'What is registered: data-set layouts, corruptions, attacks, metric families, front ends, kinds of output.'
    """
    source = path.read_text(encoding="utf-8")
    # A list of two hundred names parses no two hundred files: nearly all open with their docstring.
    opening = re.match(r'"""(.*?)(?:"""|\n\s*\n)', source, re.DOTALL)
    said = opening[1] if opening else ast.get_docstring(ast.parse(source)) or ""
    return " ".join(said.partition("\n\n")[0].split())
