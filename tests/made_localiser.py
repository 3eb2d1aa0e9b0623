"""A toy localiser with exact answers, recordings for it, and their annotations in the form of 2023."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile

from benchbed.data.synthesis.spatial import direction, encoded
from benchbed.rng import stream

RATE, FRAME = 24000, 2400
#: Recording → sources: class, first frame, frames, azimuth, elevation, level.
RECORDINGS = {
    "fold4_room1_mix001": [(0, 2, 15, 30.0, 0.0, 0.05), (3, 5, 10, -60.0, 20.0, 0.1)],
    "fold4_room1_mix002": [(1, 0, 20, 120.0, -10.0, 0.05)],
    "fold4_room2_mix003": [(2, 3, 12, -150.0, 40.0, 0.08), (2, 6, 10, 60.0, 0.0, 0.02)],
    "fold4_room2_mix004": [],
}
SECONDS = 2.0
#: A class is a tone of this frequency in Hz.
PITCH = [500 * (1 + number) for number in range(13)]

ADAPTER = '''
import torch
from benchbed.adapter import Card, TorchAdapter
from benchbed.outputs.tracks.classes import STARSS

PITCH = [500 * (1 + number) for number in range(13)]


class Intensity(torch.nn.Module):
    """Of each class the intensity of the sound field around its tone, as long as it is loud."""

    def __init__(self, form):
        super().__init__()
        self.form = form

    def forward(self, x):
        frames = x.unflatten(2, (-1, 2400))
        spectra = torch.fft.rfft(frames, dim=-1) / 1200
        bands = torch.stack([spectra[..., f // 10 - 2 : f // 10 + 3] for f in PITCH], -2)
        w, y, z, xx = bands.unbind(1)
        energy = w.abs().square().sum(-1)
        intensity = torch.stack([(w.conj() * other).real.sum(-1) for other in (xx, y, z)], -1)
        loud = torch.sigmoid(1.5 * (energy / 1e-4 + 1e-9).log())
        units = intensity / (energy[..., None] + 1e-12)
        if self.form == "accdoa":
            return loud[..., None] * units
        if self.form == "two":
            metres = torch.full_like(loud, 1.5)
            return torch.cat([loud[..., None], units, metres[..., None]], -1)
        vectors = loud[..., None] * units
        return torch.stack([vectors, vectors * 0.99, vectors * 1.01], 2)


class Localiser(TorchAdapter):
    def __init__(self, form: str = "accdoa", seconds: float = 1.0):
        self.card = Card(name="localiser", family="other", output="tracks", labels=STARSS, sample_rate=24000,
                         channels=4, clip_seconds=seconds, frame_seconds=0.1)
        self.form = form

    def build(self):
        return Intensity(self.form)
'''


def recordings(root: Path) -> Path:
    """The recordings, below a folder, in the layout of STARSS23."""
    for folder in ("metadata_dev/dev-test-tau", "foa_dev/dev-test-tau"):
        (root / folder).mkdir(parents=True)
    for name, sources in RECORDINGS.items():
        samples = round(SECONDS * RATE)
        wave = 2e-3 * stream("localiser", name).standard_normal((4, samples))
        rows = []
        for number, (label, first, count, azimuth, elevation, level) in enumerate(sources):
            time = np.arange(first * FRAME, (first + count) * FRAME) / RATE
            tone = level * np.sin(2 * np.pi * PITCH[label] * time + number)
            wave[:, first * FRAME : (first + count) * FRAME] += encoded(direction(azimuth, elevation)[None]) * tone
            rows += [f"{frame},{label},{number},{azimuth:g},{elevation:g},150" for frame in range(first, first + count)]
        soundfile.write(root / "foa_dev/dev-test-tau" / f"{name}.wav", wave.T, RATE, subtype="FLOAT")
        (root / "metadata_dev/dev-test-tau" / f"{name}.csv").write_text("".join(f"{row}\n" for row in rows))
    return root
