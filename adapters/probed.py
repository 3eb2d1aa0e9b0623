"""A frozen encoder under a probe: `--set probe=linear` on any model that has embeddings is enough.

    benchbed run suites/esc10.yaml --model adapters/hear.py --set module=mine.py --set probe=linear
    benchbed run suites/probe_esc50.yaml --model adapters/passt.py --set checkpoint=w.pt

`linear`, `mlp` (HEAR's), `xares` (X-ARES's) or `knn`; a run trains it on the training split of its suite, keeps it in
the cache, and records what it tried. `fraction=0.1` or `shots=8` train on less, `draw` on another choice of it. `none`
gives the embeddings themselves. What is heard, perturbed and attacked is the encoder with the probe on it. Where no
suite is at hand (`profile`, `check`) the probe has random weights: enough for costs and shapes, and no run scores it.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import torch
from torch import nn

from benchbed.adapter import Adapter
from benchbed.adapter.encoder import encoder_of
from benchbed.adapter.heads import Head, head_of, kept_head
from benchbed.adapter.load import load_adapter, start
from benchbed.adapter.twins import settings_of
from benchbed.errors import CheckpointError
from benchbed.rng import preserved_global_state
from benchbed.types import Batch

#: Classes of a probe that nobody trained.
CLASSES = tuple(f"class {number}" for number in range(10))


class Probed(Adapter):
    """A model's embeddings under a probe.

    Parameters
    ----------
    model : str
        The adapter, as `--model` takes it.
    probe : str
        `linear`, `mlp`, `xares`, `knn`, `knn_xares` (as X-ARES computes it), or `none` for the embeddings.
    taught : str
        File of a trained probe; a run fills it in.
    fraction : float
        Share of the training split that it is trained on.
    shots : int, optional
        Clips of each class instead.
    draw : int
        Which of the random choices.
    train_split, validation : str
        Splits to learn from and to choose settings on; by default the suite's, and a part of that.
    neighbours : int
        Of `knn`.
    grid_points : int
        Settings of HEAR's grid that `mlp` tries, 16 at most.
    settings : str
        Options of the model: `key=value,…` or a JSON object.
    """

    def __init__(
        self,
        model: str = "cnn",
        probe: Head = "linear",
        taught: str = "",
        fraction: float = 1.0,
        shots: int | None = None,
        draw: int = 0,
        train_split: str = "",
        validation: str = "",
        neighbours: int = 10,
        grid_points: int = 8,
        settings: str = "",
    ) -> None:
        self.loaded = load_adapter(model, settings_of(settings))
        self.plain, self.probe = self.loaded.adapter, probe
        self.file = Path(taught) if taught else None
        self.head: nn.Module | None = None
        inner, over_time = self.plain.card, False
        words = {"label_map": {}, "window_join": "mean"}
        if probe == "none":
            words |= {"output": "embedding", "labels": ()}
        elif self.file is None:
            self.unscored = "nobody trained its probe"
            words |= {"output": "scene", "labels": CLASSES, "scores": "logits", "frame_seconds": None}
        else:
            self.head, told = kept_head(self.file)
            over_time = told["hop"] is not None
            words |= {name: told[name] for name in ("output", "scores")}
            words |= {"labels": tuple(told["labels"]), "frame_seconds": told["hop"]}
            self.taught = {name: value for name, value in told.items() if name not in ("labels", "output")}
            if told["dataset"] not in inner.trained_on:
                words["trained_on"] = (*inner.trained_on, told["dataset"])
        self.over_time = over_time
        about = "embeddings" if probe == "none" else f"frozen, under a probe ({probe})"
        words["name"] = inner.name if probe == "none" else f"{inner.name}_{probe}"
        words["description"] = f"{inner.description or inner.name}, {about}"
        self.card = dataclasses.replace(inner, **words)

    def load(self, device: str = "cpu") -> None:
        start(self.loaded, device)
        self.device = self.plain.device
        self.encoder = encoder_of(self.plain, over_time=self.over_time)
        if self.probe != "none":
            if self.head is None:
                with preserved_global_state(0):
                    self.head = head_of(self.probe, self.encoder.width, len(CLASSES), {"bank": 100})
            elif self.taught["width"] != self.encoder.width:
                raise CheckpointError(
                    f"the probe reads {self.taught['width']} features, {self.plain.card.name} gives "
                    f"{self.encoder.width}",
                    where=str(self.file),
                    hint="leave `taught` out: a run trains one",
                )
            self.head = self.head.to(self.device).eval()
        if self.plain.model is not None:
            heads = {} if self.head is None else {"head": self.head}
            self.model = nn.ModuleDict({"encoder": self.plain.model, **heads}).eval()
        if self.encoder.path is not None:
            self.forward = self._through

    def weights(self) -> list[object]:
        return [*self.plain.weights(), *([self.file] if self.file is not None else [])]

    def close(self) -> None:
        self.plain.close()

    def _through(self, waveforms: torch.Tensor) -> torch.Tensor:
        """Scores, or embeddings, by the encoder's differentiable path."""
        return self._judged(self.encoder.path(waveforms))

    def _judged(self, vectors: torch.Tensor) -> torch.Tensor:
        return vectors if self.head is None else self.head(vectors.float())

    def predict(self, batch: Batch) -> np.ndarray:
        with torch.no_grad():
            vectors = torch.from_numpy(self.encoder.hear(batch)).to(self.device)
            return self._judged(vectors).float().cpu().numpy()
