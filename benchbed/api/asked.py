"""From what a Python user gives as a model to what the run takes: a place, a live adapter, or a network with a card."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchbed.errors import AdapterError, ConfigError

if TYPE_CHECKING:
    from benchbed.adapter.contract import Adapter, Card


@dataclass(frozen=True)
class AskedModel:
    """One model of a call.

    Attributes
    ----------
    name : str
        How it is told apart from the other models of the call.
    spec : str or Adapter
        As `--model` takes it, or the adapter itself.
    options : dict
        Typed options, or text as the command line has it.
    command : str
        The command that makes this model's record again; that of the settings where it is empty.
    given : str
        The name that the user gave, which is then that of the folder and in tables.
    """

    name: str
    spec: str | Adapter
    options: dict[str, object] = field(default_factory=dict)
    command: str = ""
    given: str = ""

    @property
    def live(self) -> bool:
        """The model is an object of this process, which no other process can load."""
        return not isinstance(self.spec, str)


def asked(model: Any, options: dict[str, object], card: Card | None) -> list[AskedModel]:
    """The models of a call.

    Raises
    ------
    AdapterError
        Something that is no model, or a network without a card.
    ConfigError
        No model, or two of one name.
    """
    if isinstance(model, Mapping):
        named = [(str(name), one) for name, one in model.items()]
    elif isinstance(model, Sequence) and not isinstance(model, str):
        named = [("", one) for one in model]
    else:
        named = [("", model)]
    if not named:
        raise ConfigError("no model is given")
    models = [_one(name, one, options, card) for name, one in named]
    names = [one.name for one in models]
    doubled = sorted({name for name in names if names.count(name) > 1})
    if doubled:
        raise ConfigError(f"two models are called '{doubled[0]}'", hint="give a mapping of names to models")
    return models


def _one(name: str, model: Any, options: dict[str, object], card: Card | None) -> AskedModel:
    from benchbed.adapter.contract import Adapter

    if isinstance(model, (str, Path)):
        if card is not None:
            raise AdapterError("an adapter has a card of its own", where=str(model), hint="leave `card` out")
        return AskedModel(name or Path(str(model)).stem, str(model), options, given=name)
    if isinstance(model, Adapter):
        if options:
            raise AdapterError(f"{model.card.name} is made already", hint="give options to its constructor")
        return AskedModel(name or model.card.name, model, given=name)
    if callable(model) and hasattr(model, "state_dict"):
        if card is None:
            raise AdapterError(
                f"a {type(model).__name__} does not say what it is",
                hint="card=benchbed.Card(name=…, family=…, output=…, labels=…, sample_rate=…)",
            )
        from benchbed.adapter.live import Network

        return AskedModel(name or card.name, Network(model, card), given=name)
    raise AdapterError(
        f"a {type(model).__name__} is no model",
        hint="an adapter's file or name, an Adapter object, or a torch module with card=…",
    )
