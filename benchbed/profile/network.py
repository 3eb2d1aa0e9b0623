"""The network of an adapter, where torch can see one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchbed.errors import CannotMeasure

if TYPE_CHECKING:
    import torch

    from benchbed.adapter.contract import Adapter

UNSEEN = "the model runs outside this process, and nothing tells its parameters or operations"


def network_of(adapter: Adapter) -> torch.nn.Module:
    """The network of an adapter that shows one.

    Raises
    ------
    CannotMeasure
        None can be seen.

    Examples
    --------
    >>> from benchbed.adapter import Adapter, Card
    >>> class Foreign(Adapter):
    ...     card = Card(name="foreign", family="other", output="scene", labels=("a", "b"), sample_rate=8000)
    ...     def predict(self, batch): ...
    >>> network_of(Foreign())
    Traceback (most recent call last):
    benchbed.errors.CannotMeasure: the model runs outside this process, and nothing tells its parameters or operations
    """
    if adapter.model is None:
        raise CannotMeasure(UNSEEN)
    return adapter.model
