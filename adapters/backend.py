"""Any torch model on another backend, as a row of its own beside the model: `--set backend=onnx` is enough.

    benchbed run suites/dcase_task1.yaml --model cnn --model fast=adapters/cnn.py --set fast.backend=onnx
    benchbed compare runs/dcase_task1/cnn runs/dcase_task1/cnn_onnx

`folded` takes batch norms into the layers before them, `compiled` is `torch.compile`, `onnx` is ONNX Runtime
(`pip install 'benchbed[onnx]'`). The last two compute what lies behind the log-mel front end where the model can be
cut there, else all of it; all three then make log-mel spectra frame by frame. Answers are held against the plain
model's on noise before anything is scored, and nothing of one backend is ever used for another. Gradients, of attacks
and of counts, are those of the plain model; what an attack has broken is still decided by the backend's answers.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any, NoReturn

import numpy as np
import torch

from benchbed.adapter import Adapter
from benchbed.adapter.backends import Backend, Scoring, agree, by_onnx, compiled
from benchbed.adapter.byrows import log_mels
from benchbed.adapter.cutting import CutModel, cut_at_front_end, trial_clips
from benchbed.adapter.folding import fold_batch_norms
from benchbed.adapter.halves import FrontAndRest
from benchbed.adapter.load import load_adapter, start
from benchbed.adapter.torch_adapter import TorchAdapter
from benchbed.adapter.twins import settings_of
from benchbed.errors import AdapterError, ConfigError
from benchbed.types import Batch


class RestElsewhere(FrontAndRest):
    """The front end of a model, and what lies behind it on another backend; made anew for each length of clips.

    Parameters
    ----------
    parts : CutModel
        Of the plain model.
    move : callable
        From a function and the network that has its parameters to the same on the backend.
    name : str
        Of the model, for errors.
    """

    def __init__(self, parts: CutModel, move: Callable[[Scoring, torch.nn.Module], Scoring], name: str) -> None:
        self.front, self._parts = parts.front, parts
        made: dict[int, Scoring] = {}

        def behind(features: torch.Tensor, samples: int) -> torch.Tensor:
            if samples not in made:
                if not parts.fits(samples):
                    raise AdapterError(
                        f"{name} treats clips of {samples} samples otherwise before its front end than those that it "
                        "was tried on",
                        hint="backend=eager",
                    )
                made[samples] = move(lambda features: parts.behind(features, samples), parts.network)
            return made[samples](features)

        # In a closure: what a backend keeps is no part of what tells one model from another.
        self._scores = behind

    def behind(self, features: torch.Tensor, samples: int) -> torch.Tensor:
        """Scores of the features of clips that had so many samples each, by the backend."""
        return self._scores(features, samples)

    def fits(self, samples: int) -> bool:
        """Whether the parts of the plain model answer clips of so many samples as the whole does."""
        return self._parts.fits(samples)

    def forward(self, waveforms: torch.Tensor) -> torch.Tensor:
        """Scores of waveforms `[clip, channel, sample]`."""
        return self.behind(log_mels(self.front, waveforms), waveforms.shape[-1])


class BackendTwin(Adapter):
    """A model on another backend.

    Parameters
    ----------
    model : str
        The adapter, as `--model` takes it.
    backend : str
        `folded`, `compiled`, `onnx`, or `eager` for the model as it is.
    tolerance : float
        How far scores may lie from the plain model's on noise, as a share of its largest score there, or of 1 if that
        is larger.
    settings : str
        Options of the model: `key=value,…` or a JSON object.
    """

    def __init__(
        self, model: str = "cnn", backend: Backend = "onnx", tolerance: float = 1e-4, settings: str = ""
    ) -> None:
        if not tolerance > 0:
            raise ConfigError(f"tolerance={tolerance:g}: two backends never agree to the last bit")
        self.loaded = load_adapter(model, settings_of(settings))
        self.plain = self.loaded.adapter
        self.backend, self.tolerance = backend, tolerance
        self.unscored = self.plain.unscored
        inner = self.plain.card
        self.card = dataclasses.replace(
            inner,
            name=f"{inner.name}_{backend}",
            description=f"{inner.description or inner.name}, on the backend {backend}",
        )

    def load(self, device: str = "cpu") -> None:
        plain = start(self.loaded, device)
        if not isinstance(plain, TorchAdapter) or plain.card.side_information:
            raise AdapterError(
                f"{plain.card.name} cannot be put on the backend {self.backend}: it is no torch model of audio alone",
                hint="an adapter of TorchAdapter, without side_information, and without precision=…",
            )
        self.device, self.model, self.forward = plain.device, plain.model, plain.forward
        self.patches, self.exits = plain.patches, plain.exits
        self.encode, self.encode_frames, self.embed = plain.encode, plain.encode_frames, plain.embed
        if self.backend == "eager":
            return
        clips = trial_clips(plain.card).to(plain.device)
        wanted, eager = self._tried(clips), plain.forward
        if self.backend == "folded":
            with torch.no_grad():
                count = fold_batch_norms(plain.model, lambda: eager(clips))
            how = f"{count} batch norms folded"
            parts = cut_at_front_end(plain)
            scoring = eager
            if parts is not None:
                folded = self.parts = RestElsewhere(parts, lambda behind, _: behind, plain.card.name)

                def scoring(waveforms: torch.Tensor) -> torch.Tensor:
                    return folded.forward(waveforms) if parts.fits(waveforms.shape[-1]) else eager(waveforms)
        else:
            scoring, how = self._elsewhere(plain)
            # What reads a model before its scores would read the plain one under another name.
            self.encode = self.encode_frames = self.embed = self._refuse
        calls: list[int] = []

        def forward(waveforms: torch.Tensor) -> torch.Tensor:
            calls.append(len(waveforms))
            return scoring(waveforms)

        plain.forward = forward  # type: ignore[method-assign]
        for clips_at_once in (len(clips), 1):
            part = slice(clips_at_once)
            agree(f"{plain.card.name} on {self.backend}", self._tried(clips[part]), wanted[part], self.tolerance)
        if not calls:
            raise AdapterError(f"{plain.card.name} answers without its forward, so that no backend can take its place")
        plain.forward = scoring  # type: ignore[method-assign]
        self.card = dataclasses.replace(self.card, description=f"{self.card.description}: {how}")

    def weights(self) -> list[object]:
        return list(self.plain.weights())

    def close(self) -> None:
        self.plain.close()

    def predict(self, batch: Batch) -> np.ndarray:
        return self.plain.predict(batch)

    def _tried(self, clips: torch.Tensor) -> torch.Tensor:
        """Scores of some clips, as a run would get them."""
        waveforms = clips.cpu().numpy().copy()
        lengths = np.full(len(waveforms), waveforms.shape[2], dtype=np.int64)
        answers = np.array(self.plain.predict(Batch(waveforms, lengths, self.card.sample_rate)))
        if answers.dtype.kind != "f":
            raise AdapterError(f"{self.plain.card.name} answers {answers.dtype}, and backends are compared by scores")
        return torch.from_numpy(answers)

    def _elsewhere(self, plain: TorchAdapter) -> tuple[Scoring, str]:
        parts, tolerance = cut_at_front_end(plain), self.tolerance

        def moved(scoring: Scoring, network: torch.nn.Module) -> Scoring:
            return by_onnx(scoring, network, plain.device, tolerance) if self.backend == "onnx" else compiled(scoring)

        if parts is None:
            return moved(plain.forward, plain.model), "the whole model"
        elsewhere = self.parts = RestElsewhere(parts, moved, plain.card.name)
        return elsewhere.forward, "what lies behind the front end"

    def _refuse(self, *_: Any) -> NoReturn:
        raise AdapterError(
            f"the backend {self.backend} computes scores and no embeddings", hint="backend=eager or backend=folded"
        )
