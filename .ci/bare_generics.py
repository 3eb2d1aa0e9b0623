"""A plugin of mypy, so that `disallow_any_explicit` reports what is written and no more.

numpy declares its array as `ndarray[shape=tuple[Any, ...], dtype=dtype[Any]]`, and typeshed its slice alike: whoever
writes `np.ndarray` in a signature is told by the flag that an explicit `Any` stands there, which is the library's. Here
the parameters that were left out are an `Any` from omitted generics, as those of a bare `list` are.
"""

from __future__ import annotations

from collections.abc import Callable

from mypy.plugin import AnalyzeTypeContext, Plugin
from mypy.types import AnyType, Type, TypeOfAny

#: Class → how many parameters it has, each with an `Any` for a default.
DEFAULTED = {"numpy.dtype": 1, "builtins.slice": 3}


class BareGenerics(Plugin):
    """Fills in what numpy and typeshed would."""

    def get_type_analyze_hook(self, fullname: str) -> Callable[[AnalyzeTypeContext], Type] | None:
        """The hook for a class as it is written in an annotation."""
        return _filled if fullname == "numpy.ndarray" or fullname in DEFAULTED else None


def _filled(context: AnalyzeTypeContext) -> Type:
    written, api = context.type, context.api
    name = _NAMES.get(written.name.rpartition(".")[2], written.name)
    arguments = [api.analyze_type(argument) for argument in written.args]
    left_out = AnyType(TypeOfAny.from_omitted_generics)
    if arguments:
        return api.named_type(name, arguments)
    if name == "numpy.ndarray":
        shape = api.named_type("builtins.tuple", [left_out])
        return api.named_type(name, [shape, api.named_type("numpy.dtype", [left_out])])
    return api.named_type(name, [left_out] * DEFAULTED[name])


_NAMES = {name.rpartition(".")[2]: name for name in ("numpy.ndarray", *DEFAULTED)}


def plugin(version: str) -> type[Plugin]:
    """Entry point of mypy."""
    return BareGenerics
