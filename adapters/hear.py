"""Any module with the HEAR interface (HEAR 2021, NeurIPS): embeddings of clips, and over time.

    benchbed run suites/probe_esc50.yaml --model adapters/hear.py --set module=hearbaseline.torch --set checkpoint=w.pt
    benchbed run suites/esc10.yaml --model adapters/hear.py --set module=mine.py --set probe=knn

The interface is `load_model(path)`, `get_scene_embeddings(audio, model)` and `get_timestamp_embeddings(audio, model)`;
the model states `sample_rate`, `scene_embedding_size` and `timestamp_embedding_size`, and timestamps are in
milliseconds (https://hearbenchmark.com/hear-api.html). Only models of torch are heard.
"""

from __future__ import annotations

from pathlib import Path

import torch

from benchbed.adapter import Card
from benchbed.adapter.encoding import EncoderAdapter, imported, stated
from benchbed.errors import AdapterError
from benchbed.rng import preserved_global_state

FUNCTIONS = ("load_model", "get_scene_embeddings", "get_timestamp_embeddings")
SIZES = ("sample_rate", "scene_embedding_size", "timestamp_embedding_size")
#: Timestamps may stray from an even step by this share of it.
UNEVEN = 0.1


class Hear(EncoderAdapter):
    """A HEAR module.

    Parameters
    ----------
    module : str
        Dotted name of the module, or a Python file.
    checkpoint : Path, optional
        What `load_model` is given; nothing by default.
    seconds : float, optional
        Length of clip, for modules that take one length alone.
    min_seconds : float
        Shortest clip that it takes; shorter ones are padded.
    """

    def __init__(
        self,
        module: str = "",
        checkpoint: Path | None = None,
        seconds: float | None = None,
        min_seconds: float = 0.0,
    ) -> None:
        self.api = imported(module, "--set module=NAME of a module with the HEAR interface, or a .py file")
        lacking = [name for name in FUNCTIONS if not callable(getattr(self.api, name, None))]
        if lacking:
            raise AdapterError(
                f"{module} is no HEAR module: it lacks {', '.join(lacking)}",
                hint=f"the interface is {', '.join(FUNCTIONS)}; hear-validator checks all of it",
            )
        self.checkpoint = checkpoint
        with preserved_global_state(0):  # a module may draw weights
            self.model = self.api.load_model(str(checkpoint)) if checkpoint is not None else self.api.load_model()
        if not isinstance(self.model, torch.nn.Module):
            raise AdapterError(
                f"load_model of {module} gave {type(self.model).__name__}, not a torch module",
                hint="models of TensorFlow are not heard",
            )
        sizes = stated(self.model, SIZES, f"the model of {module}")
        self.width, self.width_over_time = int(sizes["scene_embedding_size"]), int(sizes["timestamp_embedding_size"])
        name = Path(module).stem if module.endswith(".py") else module.replace(".", "_")
        words = {"sample_rate": int(sizes["sample_rate"]), "clip_seconds": seconds, "min_seconds": min_seconds}
        card = Card(name=f"hear_{name}", family="ssl", output="embedding", labels=(), licence="see the module", **words)
        self.card = card
        self.card = Card(**{**vars(card), "frame_seconds": self._step(), "description": f"HEAR module {module}"})

    def weights(self) -> list[Path]:
        return [self.checkpoint] if self.checkpoint is not None else []

    def vectors(self, waveforms: torch.Tensor) -> torch.Tensor:
        return self.api.get_scene_embeddings(waveforms[:, 0], self.model)

    def encode_frames(self, waveforms: torch.Tensor) -> torch.Tensor:
        """Timestamp embeddings [clip, frame, feature], the one nearest to the centre of each frame."""
        made, moments = self._timed(waveforms)
        step = self.card.frame_seconds
        frames = max(1, round(waveforms.shape[2] / self.card.sample_rate / step))
        centres = (torch.arange(frames, dtype=torch.float64) + 0.5) * step
        nearest = (moments[0].double().cpu()[None] / 1000 - centres[:, None]).abs().argmin(1)
        return made[:, nearest.to(made.device)]

    def _timed(self, waveforms: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        given = self.api.get_timestamp_embeddings(waveforms[:, 0], self.model)
        if not isinstance(given, tuple) or len(given) != 2:
            raise AdapterError(
                f"get_timestamp_embeddings gave {type(given).__name__}", hint="a pair of embeddings and timestamps"
            )
        made = self.expect(given[0], (len(waveforms), None, self.width_over_time), "embeddings over time")
        moments = self.expect(torch.as_tensor(given[1]).float(), (len(waveforms), made.shape[1]), "timestamps in ms")
        if made.shape[1] < 2:
            return made, moments
        steps = moments.diff(dim=1)
        if not bool((steps > 0).all()):
            raise AdapterError("timestamps do not rise", hint="get_timestamp_embeddings gives them in order, in ms")
        return made, moments

    def _step(self) -> float:
        """Seconds from one timestamp to the next, as two seconds of a faint tone show it."""
        rate = self.card.sample_rate
        seconds = self.card.clip_seconds or 2.0
        tone = 0.1 * torch.sin(torch.arange(round(seconds * rate)) * 0.1)
        with torch.no_grad():
            _, moments = self._timed(tone[None, None])
        if moments.shape[1] < 2:
            return seconds
        steps = moments[0].double().diff()
        step = float(steps.median())
        # The first and the last one may stand at the edges of the sound.
        if bool(((steps[1:-1] - step).abs() > UNEVEN * step).any()):
            raise AdapterError(
                f"timestamps lie {float(steps.min()):g} to {float(steps.max()):g} ms apart",
                hint="embeddings over time are taken at even steps",
            )
        return step / 1000
