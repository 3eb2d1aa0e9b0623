"""Whether a model has weights: one that is loaded again, while everything random comes out otherwise, must answer as
before. What answers otherwise was filled by chance and never by a checkpoint."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from benchbed.adapter.check.trial import Trial
from benchbed.adapter.contract import Adapter
from benchbed.adapter.load import load_adapter, start
from benchbed.results import record
from benchbed.rng import preserved_global_state
from benchbed.run.doubts.modules import modules_of

if TYPE_CHECKING:
    import torch

    from benchbed.run.job.prepared import Prepared

#: Larger models are not loaded a second time, for memory and time.
MOST_PARAMETERS = 100_000_000
#: Difference in probability from which two loadings are two models.
TOLERANCE = 1e-3
#: Seed of the second loading; any other than what a file of weights was made with would do.
SEED = 20_090_807
#: Weights that are named.
NAMED = 3


def loaded_twice(prepared: Prepared, trial: Trial, inputs: np.ndarray, answers: np.ndarray) -> list[record.Check]:
    """The check `model:weights`; none for models that torch does not hold, or that are objects of the caller.

    Parameters
    ----------
    inputs : np.ndarray [shape=(clip, channel, sample)]
        What the model heard.
    answers : np.ndarray [shape=(clip, …)]
        What it answered.
    """
    spec, options = prepared.job.recipe_for(next(iter(prepared.job.clips)))
    first = _parameters(prepared.adapter)
    if not isinstance(spec, str) or not first:
        return []
    name, count = "model:weights", sum(each.numel() for each in first.values())
    if count > MOST_PARAMETERS:
        what = f"{count:,} parameters are too many to load them twice"
        return [record.Check(name=name, status="skipped", message=what)]
    with preserved_global_state(seed=SEED), _seeds_ignored():
        loaded = load_adapter(spec, options)
        other = start(loaded, prepared.job.device)
    second = Trial(loaded)
    try:
        gap = trial.difference(answers, second.predict(inputs))
        changed = [key for key, value in _parameters(other).items() if key not in first or not _same(value, first[key])]
    finally:
        other.close()
    if gap <= TOLERANCE:
        what = f"loaded again it answers as before; {count:,} values"
        return [record.Check(name=name, status="pass", message=what)]
    random = sum(first[key].numel() for key in changed if key in first)
    listed = ", ".join(changed[:NAMED]) + (", …" if len(changed) > NAMED else "")
    what = (
        f"each loading gives another model (scores differ by {gap:.2g}): {len(changed)} of {len(first)} tensors, "
        f"{random / max(count, 1):.0%} of the parameters, are filled by chance and not from a checkpoint"
        + (f": {listed}" if listed else "")
    )
    return [record.Check(name=name, status="fail", message=what)]


def _parameters(adapter: Adapter) -> dict[str, torch.Tensor]:
    import sys

    torch = sys.modules.get("torch")
    found = {}
    for owner, module in modules_of(adapter, torch):
        for name, value in (*module.named_parameters(), *module.named_buffers()):
            if value.is_floating_point():
                found[f"{owner}.{name}"] = value.detach()
    return found


def _same(one: torch.Tensor, other: torch.Tensor) -> bool:
    return bool(one.shape == other.shape and (one == other).all())


@contextlib.contextmanager
def _seeds_ignored() -> Iterator[None]:
    """A seed that a model's code sets would make its chance look like weights."""
    import torch

    given = torch.manual_seed

    def other(seed: int) -> torch.Generator:
        return given((int(seed) + SEED) % 2**63)

    torch.manual_seed = torch.random.manual_seed = other
    try:
        yield
    finally:
        torch.manual_seed = torch.random.manual_seed = given
