"""Any torch model in fewer bits, as a row of its own beside the model: `--set precision=int8` is enough.

    benchbed run suites/dcase_task1.yaml --model cnn --model small=adapters/cnn.py --set small.precision=int8
    benchbed compare runs/dcase_task1/cnn runs/dcase_task1/small

`int8` is calibrated on clips of the suite's training split; `fp16` and `bf16` need none. Where no suite is at hand
(`profile`, `check`) it is calibrated on noise, which is enough for costs and shapes, and no run scores such a twin. The
size of the twin is counted at its bit width. Bits are simulated (`benchbed.adapter.quantisation`), so its latency says
nothing about small hardware.
"""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np

from benchbed import audio
from benchbed.adapter import Adapter
from benchbed.adapter.load import load_adapter, start
from benchbed.adapter.quantisation import BITS, Precision, quantise
from benchbed.adapter.twins import settings_of
from benchbed.errors import AdapterError, ConfigError
from benchbed.registry import Registry
from benchbed.rng import stream
from benchbed.types import Batch


class QuantisedTwin(Adapter):
    """A model in fewer bits.

    Parameters
    ----------
    model : str
        The adapter, as `--model` takes it.
    precision : str
        `int8`, `fp16` or `bf16`.
    calibration : str
        Where clips for `int8` are: JSON with `layout`, `root`, `split` and `options`; a run fills it in from
        the training split of its suite. Without it, noise: for costs and shapes alone.
    clips : int
        So many of them, drawn by a fixed seed.
    settings : str
        Options of the model: `key=value,…` or a JSON object.
    """

    def __init__(
        self,
        model: str = "cnn",
        precision: Precision = "int8",
        calibration: str = "",
        clips: int = 64,
        settings: str = "",
    ) -> None:
        if clips < 1:
            raise ConfigError(f"clips={clips}: calibration takes at least one clip")
        self.loaded = load_adapter(model, settings_of(settings))
        self.plain = self.loaded.adapter
        self.precision, self.calibration, self.clips = precision, calibration, clips
        inner = self.plain.card
        guessed = precision == "int8" and not calibration
        if guessed and not inner.untrained:
            self.unscored = "the ranges of its layers were taken from noise"
        self.card = dataclasses.replace(
            inner,
            name=f"{inner.name}_{precision}",
            weight_bits=min(BITS[precision], inner.weight_bits),
            description=f"{inner.description or inner.name}, in {precision} (simulated)"
            + (", calibrated on noise" if guessed else ""),
        )

    def load(self, device: str = "cpu") -> None:
        start(self.loaded, device)
        network = self.plain.model
        if network is None:
            raise AdapterError(f"{self.plain.card.name} has no torch network to quantise", hint="an adapter of torch")
        quantise(network, self.precision, self._hear_clips)
        self.device, self.model = self.plain.device, network
        if self.plain.forward is not None:
            self.forward = self.plain.forward
        self.encode, self.encode_frames, self.embed = self.plain.encode, self.plain.encode_frames, self.plain.embed

    def weights(self) -> list[object]:
        return self.plain.weights()

    def close(self) -> None:
        self.plain.close()

    def predict(self, batch: Batch) -> np.ndarray:
        return self.plain.predict(batch)

    def _hear_clips(self) -> None:
        for waveform in self._waveforms():
            self.plain.predict(Batch(waveform[None], np.array([waveform.shape[1]]), self.card.sample_rate))

    def _waveforms(self) -> list[np.ndarray]:
        """Calibration clips as a run would hand them over; noise where none are known and nothing is to be scored."""
        card = self.card
        length = round((card.clip_seconds or max(1.0, card.min_seconds)) * card.sample_rate)
        if not self.calibration:
            noise = stream("calibration").standard_normal((2, card.channels, length))
            return list((0.1 * noise).astype(np.float32))
        place = json.loads(self.calibration)
        data = (
            Registry("layout", "benchbed.data.layouts")
            .get(place["layout"])
            .read(Path(place["root"]), **place.get("options", {}))
        )
        table = data.select(place["split"])
        order = stream("calibration", place["split"]).permutation(len(table))[: self.clips]
        found = []
        for row in table.iloc[np.sort(order)].itertuples():
            wave, rate = audio.read(data.root / row.path, row.onset, row.duration)
            wave = audio.resample(audio.to_channels(wave, card.channels), rate, card.sample_rate)
            if card.clip_seconds is not None or wave.shape[1] < length:
                wave = audio.fit(wave, length, card.pad, card.crop)
            found.append(wave)
        return found
