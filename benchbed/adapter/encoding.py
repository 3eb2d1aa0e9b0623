"""Base of adapters around encoders of other packages: what they return is checked at every call, never guessed at."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import sys
from abc import abstractmethod
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch

from benchbed.adapter.contract import Adapter
from benchbed.adapter.moving import to_device
from benchbed.errors import AdapterError
from benchbed.types import Batch


class EncoderAdapter(Adapter):
    """An adapter around a torch encoder, whose card's output is `embedding`.

    A subclass sets `card`, `model` and `width` in its constructor, and implements `vectors`.

    Attributes
    ----------
    width : int
        Features of the embedding of a clip, as the encoder states it.

    Examples
    --------
    >>> from benchbed.adapter import Card
    >>> class Level(EncoderAdapter):
    ...     card = Card(name="level", family="other", output="embedding", labels=(), sample_rate=8000)
    ...     width = 1
    ...     model = torch.nn.Identity()
    ...     def vectors(self, waveforms):
    ...         return waveforms.square().mean((1, 2))[:, None].sqrt()
    >>> adapter = Level()
    >>> adapter.load("cpu")
    >>> adapter.predict(Batch(np.ones((1, 1, 80), np.float32), np.array([80]), 8000)).tolist(), adapter.forward is None
    ([[1.0]], False)
    """

    width: int

    @abstractmethod
    def vectors(self, waveforms: torch.Tensor) -> torch.Tensor:
        """Embeddings `[clip, feature]` of waveforms `[clip, channel, sample]`."""

    def load(self, device: str = "cpu") -> None:
        """Move the encoder to a device, and find out whether a gradient comes through it."""
        self.device = torch.device(device)
        assert self.model is not None
        self.model = self.model.to(self.device).eval()
        card = self.card
        samples = round((card.clip_seconds or max(1.0, card.min_seconds)) * card.sample_rate)
        points = torch.full((1, card.channels, samples), 0.01, device=self.device).requires_grad_()
        try:
            with torch.enable_grad():
                opened = self.encode(points).requires_grad
        except RuntimeError:  # inference mode inside
            opened = False
        self.forward = self.encode if opened else None

    def encode(self, waveforms: torch.Tensor) -> torch.Tensor:
        """Embeddings `[clip, feature]`, of the width that the encoder states.

        Raises
        ------
        AdapterError
            Another shape.
        """
        made = self.vectors(waveforms)
        self.expect(made, (len(waveforms), self.width), "embeddings [clip, feature]")
        return made

    def expect(self, made: object, shape: tuple[int | None, ...], what: str) -> torch.Tensor:
        """A tensor of floats of that shape; None stands for any length.

        Raises
        ------
        AdapterError
            Anything else.
        """
        if not isinstance(made, torch.Tensor):
            raise AdapterError(f"{self.card.name} returned {type(made).__name__}, expected a torch tensor with {what}")
        fits = made.ndim == len(shape) and all(want in (None, have) for want, have in zip(shape, made.shape))
        if not fits or not made.is_floating_point():
            wanted = ", ".join("any" if want is None else str(want) for want in shape)
            raise AdapterError(
                f"{self.card.name} returned {str(made.dtype).removeprefix('torch.')} {list(made.shape)}, expected "
                f"float [{wanted}]: {what}",
                hint="the width of its embeddings must be the one that it states, for every clip",
            )
        return made

    def predict(self, batch: Batch) -> np.ndarray:
        """Embeddings of a batch `[clip, feature]`, float32."""
        with torch.no_grad():
            return self.encode(to_device(batch.waveforms, torch.device(self.device))).float().cpu().numpy()


def imported(name: str, lacking: str) -> ModuleType:
    """A module by its dotted name, or a Python file.

    Parameters
    ----------
    name : str
    lacking : str
        What to do where nothing is named.

    Raises
    ------
    AdapterError
        Nothing is named, there is no such module, or it cannot be imported.
    """
    if not name:
        raise AdapterError("no encoder is named", hint=lacking)
    if not name.endswith(".py"):
        try:
            return importlib.import_module(name)
        except ModuleNotFoundError as error:
            missing = error.name or name
            own = name == missing or name.startswith(f"{missing}.")
            hint = "install its package beside benchbed, or name a .py file" if own else f"install '{missing}'"
            raise AdapterError(
                f"no module '{missing}'" + ("" if own else f", which {name} imports"), hint=hint
            ) from error
    path = Path(name).expanduser()
    if not path.is_file():
        raise AdapterError(f"there is no file {name}", hint=lacking)
    digest = hashlib.blake2b(str(path.resolve()).encode(), digest_size=6).hexdigest()
    spec = importlib.util.spec_from_file_location(f"benchbed_encoder_{path.stem}_{digest}", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        del sys.modules[spec.name]
        raise AdapterError(f"{path.name} cannot be imported: {type(error).__name__}: {error}", where=name) from error
    return module


def stated(owner: object, names: tuple[str, ...], who: str) -> dict[str, Any]:
    """Attributes that an encoder must have, each a positive number.

    Raises
    ------
    AdapterError
        One is missing, or no positive number.

    Examples
    --------
    >>> class Encoder: output_dim = 8
    >>> stated(Encoder(), ("output_dim",), "Encoder")
    {'output_dim': 8}
    """
    lacking = [name for name in names if not hasattr(owner, name)]
    if lacking:
        raise AdapterError(f"{who} lacks {', '.join(lacking)}", hint=f"an encoder states {', '.join(names)}")
    found = {name: getattr(owner, name) for name in names}
    for name, value in found.items():
        if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
            raise AdapterError(f"{name} of {who} is {value!r}", hint=f"{name} is a positive number")
    return found
