"""benchbed: which audio model to trust, on which device, in which noise, at what cost.

The package is a pipeline (suite, data, perturbation or attack, adapter, predictions, metrics, results, page) and
imports follow the data. Importing `benchbed` imports nothing heavy: torch, pandas and scipy load where they are used.

>>> import benchbed as bb
>>> run = bb.run("suites/dcase_task1.yaml", model="adapters/cnn.py", limit=40)  # doctest: +SKIP
>>> run.figures()  # doctest: +SKIP
"""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import TYPE_CHECKING

__version__ = "0.1.0"

if TYPE_CHECKING:
    from benchbed.adapter.contract import Adapter, Card
    from benchbed.adapter.torch_adapter import TorchAdapter
    from benchbed.api.boards import leaderboard
    from benchbed.api.campaigning import campaign
    from benchbed.api.composing import composite
    from benchbed.api.corrupting import corrupt
    from benchbed.api.deciding import compare, gate
    from benchbed.api.distilling import distillation
    from benchbed.api.evaluating import evaluate
    from benchbed.api.history import history
    from benchbed.api.measuring import check, plan, run, score
    from benchbed.api.parts import merge
    from benchbed.api.replaying import replay
    from benchbed.api.run import Run
    from benchbed.api.runs import Runs, load

#: Public name → the module that has it.
_PLACES = {
    "run": "benchbed.api.measuring",
    "score": "benchbed.api.measuring",
    "plan": "benchbed.api.measuring",
    "check": "benchbed.api.measuring",
    "merge": "benchbed.api.parts",
    "replay": "benchbed.api.replaying",
    "campaign": "benchbed.api.campaigning",
    "load": "benchbed.api.runs",
    "Run": "benchbed.api.run",
    "Runs": "benchbed.api.runs",
    "compare": "benchbed.api.deciding",
    "gate": "benchbed.api.deciding",
    "history": "benchbed.api.history",
    "leaderboard": "benchbed.api.boards",
    "distillation": "benchbed.api.distilling",
    "evaluate": "benchbed.api.evaluating",
    "composite": "benchbed.api.composing",
    "corrupt": "benchbed.api.corrupting",
    "Adapter": "benchbed.adapter.contract",
    "Card": "benchbed.adapter.contract",
    "TorchAdapter": "benchbed.adapter.torch_adapter",
}

#: Names that are rooms, too.
_ROOMS = ("run", "compare", "gate")

__all__ = [
    "Adapter",
    "Card",
    "Run",
    "Runs",
    "TorchAdapter",
    "campaign",
    "check",
    "compare",
    "composite",
    "corrupt",
    "distillation",
    "evaluate",
    "gate",
    "history",
    "leaderboard",
    "load",
    "merge",
    "plan",
    "replay",
    "run",
    "score",
]


class Verb(ModuleType):
    """A room whose name is also a verb: `benchbed.run` holds modules, and `benchbed.run(suite, model)` runs a suite.

    Importing a room puts it on the package under its name, over any function; so the room itself answers the call.
    """

    def __call__(self, *args: object, **kwargs: object) -> object:
        return _public(self.__name__.rpartition(".")[2])(*args, **kwargs)  # type: ignore[operator]

    def __repr__(self) -> str:
        return f"<{self.__name__}: a function, and the modules behind it>"


def _public(name: str) -> object:
    return getattr(importlib.import_module(_PLACES[name]), name)


def __getattr__(name: str) -> object:
    if name not in _PLACES:
        raise AttributeError(f"module 'benchbed' has no attribute '{name}'")
    return importlib.import_module(f"{__name__}.{name}") if name in _ROOMS else _public(name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
