"""AudioCSRNet that hears and does not see: how many people there are, from one second of sound.

    benchbed run suites/disco.yaml --model adapters/audio_csrnet.py
    benchbed profile --model adapters/audio_csrnet.py --set weights=random --set width=1 --set grid=72x128

AudioCSRNet (Hu et al., arXiv:2005.07097) counts by a density map: six dilated convolutions over what VGG-16 sees of a
picture, each moved by what the six convolutions of VGGish hear (v' = γ·D(v) + β). Here the picture is black, as in the
published runs on sound alone, so that what VGG-16 makes of it is a constant, which is learnt in its place. At `width=1`
and `grid=72x128`, an eighth of the published 576 × 1024 pixels, the parts have the published sizes: VGGish's
convolutions 4,499,712 parameters, the dilated ones with the output 8,628,225, as in CSRNet, whose 16,263,489 they make
with VGG-16's 7,635,264. Small weights, trained on synthetic crowds by `training/crowds.py`, come with it.
"""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import torch
from torch import nn

from benchbed.adapter import Card, TorchAdapter
from benchbed.adapter.checkpoint import fit_state_dict, load_state_dict, read_metadata
from benchbed.adapter.front import NamedFrontEnd
from benchbed.adapter.trained import Weights, seeded
from benchbed.errors import CheckpointError, ConfigError

EMBEDDED = Path(__file__).parent / "weights" / "audio_csrnet.safetensors"
RATE, FRAMES = 16000, 96
FRONT = NamedFrontEnd(
    "log_mel",
    {
        "sample_rate": RATE,
        "n_mels": 64,
        "n_fft": 512,
        "win_length": 400,
        "hop_length": 160,
        "fmin": 125.0,
        "fmax": 7500.0,
        "power": 1.0,
        "offset": 0.01,
    },
)
#: Filters of VGGish's convolutions, pooled by two where a block ends; filters of the dilated ones.
HEARD, SEEN = ((64,), (128,), (256, 256), (512, 512)), (512, 512, 512, 256, 128, 64)
#: Maps were multiplied by 100 in training, and spread over eight by eight pixels for each place of the grid.
SCALE = 64 / 100


def filters(published: int, width: float) -> int:
    """Filters of a layer at a width, one at least."""
    return max(1, round(published * width))


class Hearing(nn.Sequential):
    """VGGish's convolutions: log-mel [clip, 1, frame, band] to [clip, channel, frame, band]."""

    def __init__(self, width: float = 1.0) -> None:
        layers: list[nn.Module] = []
        before = 1
        for block in HEARD:
            for published in block:
                after = filters(published, width)
                layers += [nn.Conv2d(before, after, 3, padding=1), nn.ReLU()]
                before = after
            layers.append(nn.MaxPool2d(2))
        super().__init__(*layers)


class Fusion(nn.Module):
    """One dilated convolution whose channels what is heard scales and shifts."""

    def __init__(self, heard: int, before: int, after: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(before, after, 3, padding=2, dilation=2)
        self.norm = nn.BatchNorm2d(after, affine=False)
        self.moved = nn.Linear(heard, 2 * after)

    def forward(self, seen: torch.Tensor, heard: torch.Tensor) -> torch.Tensor:
        scale, shift = self.moved(heard)[:, :, None, None].chunk(2, 1)
        return torch.relu(scale * self.norm(self.conv(seen)) + shift)


class AudioCsrNet(nn.Module):
    """Waveforms [clip, channel, sample] at 16 kHz to counts [clip, 1]."""

    def __init__(self, width: float = 1.0, grid: tuple[int, int] = (72, 128)) -> None:
        super().__init__()
        self.front = FRONT.build()
        self.hearing = Hearing(width)
        heard, seen = filters(HEARD[-1][-1], width), [filters(one, width) for one in (SEEN[0], *SEEN)]
        self.grid = grid
        self.black = nn.Parameter(torch.zeros(seen[0]))
        self.fusions = nn.ModuleList(Fusion(heard, before, after) for before, after in pairwise(seen))
        self.density = nn.Conv2d(seen[-1], 1, 1)

    def maps(self, waveforms: torch.Tensor) -> torch.Tensor:
        """Density maps [clip, 1, row, column]."""
        bands = self.front(waveforms.mean(1, keepdim=True))
        cut = nn.functional.pad(bands, (0, max(0, FRAMES - bands.shape[2])), value=-4.6)[:, :, :FRAMES]
        heard = self.hearing(cut.transpose(1, 2)[:, None]).mean((2, 3))
        seen = self.black[None, :, None, None].expand(len(waveforms), -1, *self.grid)
        for fusion in self.fusions:
            seen = fusion(seen, heard)
        return self.density(seen)

    def forward(self, waveforms: torch.Tensor) -> torch.Tensor:
        return SCALE * self.maps(waveforms).sum((2, 3))


class AudioCsrNetAdapter(TorchAdapter):
    """The network.

    Parameters
    ----------
    checkpoint : Path, optional
        Weights from `adapters/training/crowds.py`; the embedded ones if none is given.
    weights : str
        `random` for costs alone.
    width : float
        Of random weights: filters of every layer, over the published ones.
    grid : str
        Of random weights: places of the density map, rows and columns.
    """

    def __init__(
        self, *, checkpoint: Path | None = None, weights: Weights = "trained", width: float = 1.0, grid: str = "72x128"
    ) -> None:
        about: dict[str, str] = {}
        self.checkpoint = None
        if weights == "random":
            if checkpoint is not None:
                raise ConfigError("weights=random takes no checkpoint", hint="leave one of the two out")
        else:
            self.checkpoint = Path(checkpoint) if checkpoint is not None else EMBEDDED
            about = read_metadata(self.checkpoint)
            if "width" not in about or "grid" not in about:
                raise CheckpointError(
                    "the checkpoint does not say how wide the network is",
                    where=str(self.checkpoint),
                    hint="train it with adapters/training/crowds.py",
                )
        self.width, self.grid = float(about.get("width", width)), places(about.get("grid", grid))
        if not 0 < self.width <= 4:
            raise ConfigError(f"width={self.width:g}", hint="above 0; 1 is the published width")
        self.card = Card(
            name="audio_csrnet",
            family="cnn",
            output="count",
            labels=(),
            sample_rate=RATE,
            clip_seconds=1.0,
            weight_bits=int(about.get("weight_bits", 32)),
            front_end=FRONT.text,
            licence="Apache-2.0",
            citation="D. Hu et al.: Ambient sound helps: audiovisual crowd counting in extreme conditions. 2020.",
            description="a density map of a black picture, moved by what is heard",
            trained_on=tuple(json.loads(about.get("trained_on", "[]"))),
            untrained=weights == "random",
        )

    def build(self) -> nn.Module:
        if self.checkpoint is None:
            return seeded(lambda: AudioCsrNet(self.width, self.grid))
        network = AudioCsrNet(self.width, self.grid)
        fit_state_dict(network, load_state_dict(self.checkpoint), where=str(self.checkpoint))
        return network


def places(grid: str) -> tuple[int, int]:
    """Rows and columns of `72x128`."""
    rows, sign, columns = grid.partition("x")
    if not (sign and rows.isdecimal() and columns.isdecimal() and int(rows) and int(columns)):
        raise ConfigError(f"grid={grid}: not rows and columns", hint="grid=72x128")
    return int(rows), int(columns)
