"""A second instance of the model under attack, which has heard nothing yet: the one that judges finished audio.

A model may remember what it heard: clean clips, whose answer it gives again to anything near them; how often it was
asked; the batch that it saw last. Whatever an attack found out about such an instance holds for that instance. Robust
is a model whose newly loaded instance answers rightly, to other clips before and beside it.
"""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Iterator
from dataclasses import dataclass

from benchbed.adapter.contract import Adapter
from benchbed.adapter.digests import digest_of
from benchbed.adapter.load import load_adapter, start
from benchbed.adapter.state import state_of
from benchbed.errors import BenchbedError
from benchbed.run.computing.engine import Engine

#: What a live model is called in the place of a file, see `benchbed.adapter.load.load_adapter`.
LIVE = "live:"


@dataclass
class SecondInstance:
    """The model once more.

    Attributes
    ----------
    adapter : Adapter
        Loaded, and asked nothing yet.
    how : str
        Where it is from, or why there is none and the first instance has to judge itself.
    differs : bool
        It was loaded with other weights than the first instance was; what that kept since, when asked, is no weight.
    own : bool
        It is another instance than the first.
    """

    adapter: Adapter
    how: str
    differs: bool = False
    own: bool = True


@contextlib.contextmanager
def second_instance(engine: Engine) -> Iterator[SecondInstance]:
    """A newly loaded instance of the engine's model; of a live model, which no file can be loaded from, a copy.

    Call before the attack: the copy of a live model is what it was then.
    """
    made = _made(engine)
    try:
        yield made
    finally:
        if made.own and made.adapter is not engine.adapter:
            made.adapter.close()


def _made(engine: Engine) -> SecondInstance:
    recipe = engine.job.recipe_for(engine.shard.split)
    if isinstance(recipe[0], Adapter) or str(recipe[0]).startswith(LIVE):
        try:
            return SecondInstance(copy.deepcopy(engine.adapter), "a copy made before the attack")
        except Exception as error:  # whatever an object's own copying raises
            why = f"it cannot be copied ({type(error).__name__})"
            return SecondInstance(engine.adapter, why, own=False)
    try:
        adapter = start(load_adapter(*recipe), engine.job.device)
    except BenchbedError as error:
        return SecondInstance(engine.adapter, f"it cannot be loaded a second time ({error.what})", own=False)
    first = engine.job.states.get(engine.shard.split) or digest_of(state_of(engine.adapter))
    differs = digest_of(state_of(adapter)) != first
    return SecondInstance(adapter, "newly loaded", differs)
