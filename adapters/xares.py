"""Any encoder with the X-ARES interface: `encoder(audio)` gives `[clip, frame, feature]`.

    benchbed run suites/probe_esc50.yaml --model adapters/xares.py --set encoder=dasheng_encoder.py:DashengEncoder
    benchbed run suites/esc10.yaml --model adapters/xares.py --set encoder=mine.py --set probe=xares

An encoder is a torch module made without arguments that states `sampling_rate`, `output_dim` and `hop_size_in_ms`
(jimbozhang/xares, 161f0ef). The embedding of a clip is the mean over its frames, as X-ARES takes it.
"""

from __future__ import annotations

import math
from pathlib import Path

import torch

from benchbed.adapter import Card
from benchbed.adapter.encoding import EncoderAdapter, imported, stated
from benchbed.errors import AdapterError
from benchbed.rng import preserved_global_state

SIZES = ("sampling_rate", "output_dim", "hop_size_in_ms")
#: Frames by which an encoder may miss the length of its input, for edges that it pads or leaves out.
EDGE = 2


class Xares(EncoderAdapter):
    """An X-ARES encoder.

    Parameters
    ----------
    encoder : str
        Module or Python file, and the class after a colon; without one the only class whose name ends in `Encoder`.
    seconds : float, optional
        Length of clip, for encoders that take one length alone.
    min_seconds : float
        Shortest clip that it takes; shorter ones are padded.
    hop_ms : float, optional
        Time from one frame to the next, where the encoder states another. It matters for events alone: what stands
        for a clip is the mean over its frames, whatever their times.
    """

    def __init__(
        self, encoder: str = "", seconds: float | None = None, min_seconds: float = 0.0, hop_ms: float | None = None
    ) -> None:
        place, colon, wanted = encoder.rpartition(":")
        place, wanted = (place, wanted) if colon and wanted.isidentifier() else (encoder, "")
        module = imported(place, "--set encoder=FILE.py:CLASS, or MODULE:CLASS")
        classes = {
            name: kind
            for name, kind in vars(module).items()
            if isinstance(kind, type) and issubclass(kind, torch.nn.Module) and kind.__module__ == module.__name__
        }
        if not wanted:
            named = [name for name in classes if name.endswith("Encoder")]
            if len(named) != 1:
                listed = ", ".join(named) or "none"
                raise AdapterError(
                    f"{place} has {len(named)} classes called …Encoder: {listed}", hint=f"--set encoder={place}:CLASS"
                )
            (wanted,) = named
        kind = getattr(module, wanted, None)
        if not isinstance(kind, type) or not issubclass(kind, torch.nn.Module):
            raise AdapterError(f"{place} has no torch module '{wanted}'", hint=f"its modules: {', '.join(classes)}")
        with preserved_global_state(0):  # an encoder may draw weights
            self.model = kind()
        sizes = stated(self.model, SIZES, wanted)
        self.width = int(sizes["output_dim"])
        self.card = Card(
            name=f"xares_{wanted}",
            family="ssl",
            output="embedding",
            labels=(),
            licence="see the encoder",
            sample_rate=int(sizes["sampling_rate"]),
            clip_seconds=seconds,
            min_seconds=min_seconds,
            frame_seconds=(float(sizes["hop_size_in_ms"]) if hop_ms is None else hop_ms) / 1000,
            description=f"X-ARES encoder {wanted}",
        )

    def _frames(self, waveforms: torch.Tensor) -> torch.Tensor:
        made = self.model(waveforms[:, 0])
        return self.expect(made, (len(waveforms), None, self.width), "embeddings [clip, frame, feature]")

    def encode_frames(self, waveforms: torch.Tensor) -> torch.Tensor:
        """Embeddings [clip, frame, feature], a frame for each step of the hop."""
        made = self._frames(waveforms)
        want = waveforms.shape[2] / self.card.sample_rate / self.card.frame_seconds
        if abs(made.shape[1] - want) > max(EDGE, math.ceil(0.05 * want)):
            raise AdapterError(
                f"{self.card.name} gave {made.shape[1]} frames for {want:.1f} steps of its hop of "
                f"{1000 * self.card.frame_seconds:g} ms",
                hint="--set hop_ms=… is the time from one frame to the next, where the encoder states another",
            )
        return made

    def vectors(self, waveforms: torch.Tensor) -> torch.Tensor:
        return self._frames(waveforms).mean(1)

    def weights(self) -> list[Path]:
        return []
