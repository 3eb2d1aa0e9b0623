"""Networks whose classes, shape and length of clip come with their weights; for costs alone, with random weights.

Most architectures of the literature were never published with weights. What they cost can be known all the same:
`weights="random"` draws them from a fixed seed, and the card says `untrained`, so that nothing is scored by mistake.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal, TypeVar

import torch

from benchbed.adapter.checkpoint import fit_state_dict, load_state_dict, read_metadata
from benchbed.adapter.labels import read_labels
from benchbed.adapter.torch_adapter import TorchAdapter
from benchbed.adapter.weightfile import existing_file, recognise
from benchbed.errors import CheckpointError, ConfigError
from benchbed.rng import preserved_global_state

#: Where weights come from: a file, or a seed.
Weights = Literal["trained", "random"]

Network = TypeVar("Network", bound=torch.nn.Module)

#: Seed of random weights, so that a profile of today is one of tomorrow.
SEED = 0


def seeded(make: Callable[[], Network]) -> Network:
    """A network made by `make` with weights that follow from `SEED`; global random state is put back.

    Examples
    --------
    >>> bool((seeded(lambda: torch.nn.Linear(1, 1)).weight == seeded(lambda: torch.nn.Linear(1, 1)).weight).all())
    True
    """
    with preserved_global_state(SEED):
        return make()


def numbered(classes: int) -> tuple[str, ...]:
    """Names of classes that nobody named.

    Examples
    --------
    >>> numbered(2)
    ('class 0', 'class 1')
    """
    if classes < 1:
        raise ConfigError(f"classes={classes}: a model has at least one class", hint="--set classes=10")
    return tuple(f"class {index}" for index in range(classes))


class TrainedAdapter(TorchAdapter):
    """An adapter around safetensors that `adapters/training/train.py` wrote, or around random weights.

    A subclass has `training_model`, and calls `settle` in its constructor before it writes its card.

    Attributes
    ----------
    options : dict
        Options of `training_model` with which the weights were made.
    labels : tuple of str
        Classes in the order of the scores.

    Examples
    --------
    >>> from benchbed.adapter import Card
    >>> class Line(TrainedAdapter):
    ...     def __init__(self):
    ...         words = self.settle(None, "random", classes=3)
    ...         self.card = Card(name="line", family="mlp", output="scene", sample_rate=8000, **words)
    ...     @classmethod
    ...     def training_model(cls, labels):
    ...         return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.LazyLinear(len(labels)))
    >>> line = Line()
    >>> line.card.untrained, line.card.labels
    (True, ('class 0', 'class 1', 'class 2'))
    """

    options: dict[str, Any]
    labels: tuple[str, ...]

    @classmethod
    def training_model(cls, labels: tuple[str, ...], **options: Any) -> torch.nn.Module:
        """A fresh network from waveforms [clip, channel, sample] to logits."""
        raise NotImplementedError(f"{cls.__name__} must implement training_model()")

    def settle(
        self,
        checkpoint: Path | None,
        weights: Weights,
        *,
        classes: int | None = None,
        labels: str = "",
        options: Mapping[str, Any] | None = None,
        seconds: float | None = None,
    ) -> dict[str, Any]:
        """Read what the weights say of themselves, or make it up for random ones.

        Parameters
        ----------
        checkpoint : Path, optional
            Safetensors of `training/train.py`, or another state dict, whose classes `labels` names; needed unless
            weights are random.
        weights : str
            `trained` or `random`.
        classes : int, optional
            Number of classes of random weights, 10 unless given; what trained ones must have.
        labels : str
            Classes of a state dict that does not name them: a file, or names with commas.
        options : mapping, optional
            Options of `training_model` for random weights and for state dicts that do not say theirs.
        seconds : float, optional
            Length of clip for these.

        Returns
        -------
        dict
            Words of a card: `labels`, `clip_seconds`, `weight_bits`, `trained_on`, `trained_with`, `untrained`.

        Raises
        ------
        CheckpointError
            Weights that do not say which classes they know, or know another number of them.
        ConfigError
            Random weights and a checkpoint at once.
        """
        if weights == "random":
            if checkpoint is not None:
                raise ConfigError("weights=random takes no checkpoint", hint="leave one of the two out")
            self.checkpoint, self.options = None, dict(options or {})
            self.labels = numbered(10 if classes is None else classes)
            return {"labels": self.labels, "clip_seconds": seconds, "untrained": True}
        if checkpoint is None:
            raise CheckpointError(
                f"{type(self).__name__} has no weights of its own in this shape",
                hint="--set checkpoint=FILE with weights of adapters/training/train.py; what it costs can be known "
                "without: benchbed profile … --set weights=random",
            )
        self.checkpoint = existing_file(Path(checkpoint).expanduser())
        about = read_metadata(self.checkpoint) if recognise(self.checkpoint) == "safetensors" else {}
        if "labels" not in about and labels:
            self.labels, self.options = read_labels(labels), dict(options or {})
            return {"labels": self.labels, "clip_seconds": seconds}
        if "labels" not in about:
            raise CheckpointError(
                "the checkpoint does not say which classes it knows",
                where=str(self.checkpoint),
                hint=f"{type(self).__name__} reads safetensors written by adapters/training/train.py, with labels in "
                "their metadata",
            )
        self.labels, self.options = tuple(json.loads(about["labels"])), json.loads(about.get("options", "{}"))
        if classes not in (None, len(self.labels)):
            said = f"the weights have {len(self.labels)} classes, not {classes}"
            raise CheckpointError(said, where=str(self.checkpoint), hint="leave classes out")
        return {
            "labels": self.labels,
            "clip_seconds": float(about.get("clip_seconds", 1.0)),
            "weight_bits": int(about.get("weight_bits", 16)),
            "trained_on": tuple(json.loads(about.get("trained_on", "[]"))),
            "trained_with": tuple(json.loads(about.get("trained_with", "[]"))),
        }

    def build(self) -> torch.nn.Module:
        """The network with its weights, on the CPU."""
        if self.checkpoint is None:
            return seeded(lambda: self.training_model(self.labels, **self.options))
        model = self.training_model(self.labels, **self.options)
        fit_state_dict(model, load_state_dict(self.checkpoint), where=str(self.checkpoint))
        return model
