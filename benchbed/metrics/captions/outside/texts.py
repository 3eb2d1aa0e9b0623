"""Text models in a local folder, as the transformers library writes them: loading them as data, texts in batches."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np

from benchbed.errors import CannotMeasure

if TYPE_CHECKING:
    import torch

#: Texts that a model reads together.
BATCH = 32
#: Files that the weights of a model may be in.
WEIGHTS = ("model.safetensors", "model.safetensors.index.json", "pytorch_model.bin")


def fault(path: Path) -> str:
    """Why a folder cannot be a model of the transformers library; empty where it can."""
    if not path.is_dir():
        return f"{path} is no folder"
    if not (path / "config.json").is_file():
        return f"{path} has no config.json"
    if not any((path / name).is_file() for name in WEIGHTS):
        return f"{path} has no {' and no '.join(WEIGHTS)}"
    return ""


@cache
def library() -> ModuleType:
    """The transformers library, also where torchvision and torchaudio do not fit torch.

    Such builds raise on import, in the middle of the library; texts need neither of them.
    """
    names = ("torchvision", "torchaudio")
    kept = {name: sys.modules[name] for name in names if name in sys.modules}
    sys.modules.update(dict.fromkeys(names))  # type: ignore[arg-type]
    try:
        import transformers
        from transformers.utils import import_utils

        for available in (import_utils.is_torchvision_available, import_utils.is_torchaudio_available):
            getattr(available, "cache_clear", available)()
            available()
    finally:
        for name in names:
            del sys.modules[name]
        sys.modules.update(kept)
    transformers.utils.logging.disable_progress_bar()
    return transformers


@contextmanager
def loading(path: Path) -> Iterator[None]:
    """Load a model from a folder: torch's random state stays, and any failure says which folder it is.

    Raises
    ------
    CannotMeasure
        Something in it fails.
    """
    import torch

    try:
        library()
    except (ImportError, OSError, RuntimeError) as error:
        what = f"the package transformers cannot be used: {error}".splitlines()[0]
        raise CannotMeasure(what, hint="pip install 'benchbed[hf]'") from error
    try:
        with torch.random.fork_rng(devices=[]), torch.no_grad():
            yield
    except Exception as error:
        # Other packages raise anything; the user has one thing to look at.
        raise CannotMeasure(f"the model in {path} does not load: {error}".splitlines()[0]) from error


class Embedder:
    """Vectors of texts, each asked of the model once.

    Parameters
    ----------
    model : callable
        Texts → `[text, dimension]`.
    """

    def __init__(self, model: Callable[[Sequence[str]], torch.Tensor]) -> None:
        self._model = model
        self._known: dict[str, np.ndarray] = {}

    def __call__(self, texts: Sequence[str]) -> np.ndarray:
        """Vectors `[text, dimension]` float64."""
        import torch

        new = list(dict.fromkeys(text for text in texts if text not in self._known))
        with torch.no_grad():
            for start in range(0, len(new), BATCH):
                batch = new[start : start + BATCH]
                vectors = self._model(batch).detach().cpu().numpy().astype(np.float64)
                self._known.update(zip(batch, vectors))
        return np.stack([self._known[text] for text in texts])


def similarity(embed: Embedder, candidates: Sequence[str], references: Sequence[Sequence[str]]) -> np.ndarray:
    """Mean cosine of each caption to its references `[clip]`."""
    counts = [len(held) for held in references]
    owner = np.repeat(np.arange(len(counts)), counts)
    mine, others = (
        vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
        for vectors in (embed(candidates), embed([text for held in references for text in held]))
    )
    return np.bincount(owner, (mine[owner] * others).sum(axis=1), len(counts)) / np.array(counts)
