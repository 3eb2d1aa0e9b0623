"""The recurrent networks of DCASE Task 3, and self-attention in the place of their GRUs.

    benchbed run suites/dcase_task3.yaml --model adapters/seldnet.py
    benchbed run suites/dcase_task3.yaml --model adapters/seldnet.py --set arch=attention
    benchbed run suites/dcase_task3_2024.yaml --model adapters/seldnet.py --set year=2024 --set checkpoint=FILE \
        --set scaler=FILE
    benchbed profile --model adapters/seldnet.py --set year=2021 --set arch=attention --set blocks=3 \
        --set weights=random

Without a checkpoint it is a small network with embedded weights, trained on synthetic scenes in first-order Ambisonics:
three convolutions, then GRUs or self-attention, and three vectors with a distance for each class (multi-ACCDOA). With
`year` it is the baseline of that challenge. State dicts of 2022 to 2025 load, whatever their files end with (the
authors' end with .h5, but are torch files); those of 2020 and 2021 were Keras models, and nobody published any.

    year   front end                                   network                                   output
    2020   scrambled maps (see `scrambled`)            GRUs of Keras, directions multiplied      activity and direction
    2021   log-mel with intensity or GCC-PHAT          the same                                  ACCDOA, or as 2020
    2022   the same, or SALSA-Lite                     GRU of torch; attention where it has one  (multi-)ACCDOA
    2023   the same                                    two self-attention layers after the GRU    (multi-)ACCDOA
    2024   the same                                    the same                                  … with distance
    2025   log-mel of left and right                   the same                                  x, y and distance

`arch=attention` puts self-attention in the place of the GRUs (Sudarsanam, Politis and Drossos 2021; MARVEL D3.1).

Baselines up to 2024 standardise their maps by statistics of the training set, which no repository holds: `foa_wts` or
`mic_wts` in the folder of features. Write them out once, where scikit-learn is installed:

    s = joblib.load("foa_wts"); numpy.savez("scaler.npz", mean=s.mean_, scale=s.scale_)

`scaler=recording` does without them, by the recording itself. That is a guess, and the card says so.
"""

from __future__ import annotations

import json
import math
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import nn

from benchbed.adapter import Card, TorchAdapter
from benchbed.adapter.checkpoint import fit_state_dict, load_state_dict, read_metadata
from benchbed.adapter.detector import card_of
from benchbed.adapter.labels import read_labels
from benchbed.adapter.spatial import FEATURES, SpatialFeatures
from benchbed.adapter.trained import Weights, seeded
from benchbed.adapter.weightfile import existing_file, recognise
from benchbed.errors import CheckpointError, ConfigError
from benchbed.outputs.tracks.classes import CLASSES, STARSS

WEIGHTS = Path(__file__).parent / "weights"
RATE = 24000
#: What baselines fill their last sequence up with.
FILLING = 1e-6
#: Sequences that are heard at a time, which bounds the memory of long recordings.
TOGETHER = 16
YEARS = (0, *CLASSES)


@dataclass(frozen=True)
class Plan:
    """Sizes of a network; the defaults are those of the baselines.

    Attributes
    ----------
    filters : tuple of int
        Channels of each convolution.
    time_pools, band_pools : tuple of int
        Frames and bands that become one after each.
    mixing : str
        What mixes frames: `gru`, `keras_gru`, or `attention`.
    cells, layers : int
        Of the GRUs.
    blocks : int
        Layers of self-attention: after a GRU, or in its place.
    heads : int
        Of each.
    sizes : tuple of int
        Numbers in each head's keys and values, for each block in the place of a GRU.
    position, norm : bool
        There: a learnt vector for each frame is added; each block has a way around it and a LayerNorm.
    inner : int
        Width of the linear layer before the last.
    sequence : int
        Frames of 100 ms that are heard at a time; 0 for all.
    by_band : bool
        Batch normalisation of bands, not of channels: Keras normalises the last axis, wherever channels are.
    plain_attention : bool
        One attention after the GRU, without a way around it (an option of 2022).
    dropout : float
        Share of numbers that training leaves out.
    """

    filters: tuple[int, ...] = (64, 64, 64)
    time_pools: tuple[int, ...] = (5, 1, 1)
    band_pools: tuple[int, ...] = (4, 4, 2)
    mixing: Literal["gru", "keras_gru", "attention"] = "gru"
    cells: int = 128
    layers: int = 2
    blocks: int = 0
    heads: int = 8
    sizes: tuple[int, ...] = ()
    position: bool = True
    norm: bool = True
    inner: int = 128
    sequence: int = 50
    by_band: bool = False
    plain_attention: bool = False
    dropout: float = 0.05

    def told(self) -> str:
        """What mixes its frames."""
        attention = f"{self.blocks} layers of self-attention" if self.blocks != 1 else "a layer of self-attention"
        if self.mixing == "attention":
            return attention
        return f"{self.layers} bidirectional GRUs" + (f" and {attention}" if self.blocks else "")


PLANS = {
    0: Plan(
        filters=(32, 64, 96),
        time_pools=(2, 2, 1),
        band_pools=(2, 4, 4),
        cells=64,
        layers=2,
        heads=4,
        sizes=(32, 32),
        inner=96,
    ),
    2020: Plan(mixing="keras_gru", sequence=60, by_band=True, dropout=0.0),
    2021: Plan(mixing="keras_gru", sequence=60, by_band=True),
    2022: Plan(heads=4),
    2023: Plan(blocks=2),
    2024: Plan(blocks=2),
    2025: Plan(blocks=2),
}
#: Options of the front end that differ from its defaults, which are those of 2022 to 2024.
FRONT: dict[int, dict[str, Any]] = {
    0: {"n_mels": 32, "win_length": 1024, "hop_length": 600, "top_db": None},
    2020: {"norm": "intensity", "order": "xyz"},
    2021: {"norm": "half", "order": "xyz"},
    2025: {"channels": 2, "together": True, "trimmed": False},
}


class ConvBlock(nn.Module):
    """A convolution, batch normalisation and ReLU, under the baselines' names."""

    def __init__(self, before: int, after: int, bands: int | None) -> None:
        super().__init__()
        self.conv = nn.Conv2d(before, after, 3, padding=1)
        self.bn = nn.BatchNorm2d(after) if bands is None else nn.BatchNorm2d(bands, eps=1e-3, momentum=0.01)
        self.by_band = bands is not None

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.conv(x)
        if self.by_band:
            return torch.relu(self.bn(x.transpose(1, 3)).transpose(1, 3))
        return torch.relu(self.bn(x))


class KerasGru(nn.Module):
    """A GRU of Keras 2.3, forwards and backwards, the two multiplied.

    It resets the state before the product with its weights, where torch resets the product, and has one bias: no choice
    of weights makes the two the same.
    """

    def __init__(self, inputs: int, cells: int) -> None:
        super().__init__()
        # Both directions at once: [direction, from, update | reset | new].
        self.kernel = nn.Parameter(torch.empty(2, inputs, 3 * cells))
        self.recurrent = nn.Parameter(torch.empty(2, cells, 3 * cells))
        self.bias = nn.Parameter(torch.zeros(2, 1, 3 * cells))
        for weight in (*self.kernel, *self.recurrent):
            nn.init.xavier_uniform_(weight)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        cells = self.recurrent.shape[1]
        given = torch.stack([x, x.flip(1)]).flatten(1, 2) @ self.kernel + self.bias
        given = given.unflatten(1, x.shape[:2])  # [direction, clip, frame, 3 · cell]
        gates, new = self.recurrent[:, :, : 2 * cells], self.recurrent[:, :, 2 * cells :]
        state, states = x.new_zeros(2, len(x), cells), []
        for step in given.unbind(2):
            update, reset = torch.sigmoid(step[..., : 2 * cells] + state @ gates).chunk(2, -1)
            fresh = torch.tanh(step[..., 2 * cells :] + (reset * state) @ new)
            state = update * state + (1 - update) * fresh
            states.append(state)
        forwards, backwards = torch.stack(states, 2)
        return forwards * backwards.flip(1)


class Attention(nn.Module):
    """Self-attention of heads whose size does not follow from the width."""

    def __init__(self, width: int, heads: int, size: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv, self.out = nn.Linear(width, 3 * heads * size), nn.Linear(heads * size, width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        query, key, value = self.qkv(x).unflatten(2, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        mixed = nn.functional.scaled_dot_product_attention(query, key, value)
        return self.out(mixed.transpose(1, 2).flatten(2))


class Network(nn.Module):
    """From maps to numbers for each frame of 100 ms; names of layers are those of the baselines of 2022 to 2024.

    Parameters
    ----------
    maps, bands : int
        Of the front end.
    outputs : int
        Numbers for each frame.
    plan : Plan
        Sizes.
    activities : int
        Numbers of a branch of its own that says what sounds (2020, and 2021 where it is no ACCDOA).
    """

    def __init__(self, maps: int, bands: int, outputs: int, plan: Plan, activities: int = 0) -> None:
        super().__init__()
        self.plan, left = plan, bands
        self.conv_block_list = nn.ModuleList()
        for before, after, frames, height in zip((maps, *plan.filters), plan.filters, plan.time_pools, plan.band_pools):
            self.conv_block_list.append(ConvBlock(before, after, left if plan.by_band else None))
            self.conv_block_list.append(nn.MaxPool2d((frames, height)))
            self.conv_block_list.append(nn.Dropout2d(plan.dropout))
            left //= height
        width = plan.filters[-1] * left
        self.mhsa_block_list, self.layer_norm_list = nn.ModuleList(), nn.ModuleList()
        if plan.mixing == "attention":
            if plan.position:
                self.position = nn.Parameter(0.02 * torch.randn(plan.sequence, width))
            for size in plan.sizes:
                self.mhsa_block_list.append(Attention(width, plan.heads, size))
                if plan.norm:
                    self.layer_norm_list.append(nn.LayerNorm(width))
        else:
            if plan.mixing == "keras_gru":
                inputs = (width, *[plan.cells] * (plan.layers - 1))
                self.gru: nn.Module = nn.Sequential(*(KerasGru(before, plan.cells) for before in inputs))
            else:
                self.gru = nn.GRU(
                    width,
                    plan.cells,
                    plan.layers,
                    batch_first=True,
                    bidirectional=True,
                    dropout=plan.dropout if plan.layers > 1 else 0.0,
                )
            width = plan.cells
            for _ in range(plan.blocks):
                self.mhsa_block_list.append(Attention(width, plan.heads, width // plan.heads))
                if not plan.plain_attention:
                    self.layer_norm_list.append(nn.LayerNorm(width))
        self.fnn_list = nn.ModuleList([nn.Linear(width, plan.inner), nn.Linear(plan.inner, outputs)])
        if activities:
            self.sed_list = nn.ModuleList([nn.Linear(width, plan.inner), nn.Linear(plan.inner, activities)])

    def mixed(self, x: torch.Tensor) -> torch.Tensor:
        """Frames [clip, frame, width] after what mixes them."""
        plan = self.plan
        if plan.mixing == "keras_gru":
            x = self.gru(x)
        elif plan.mixing == "gru":
            forwards, backwards = torch.tanh(self.gru(x)[0]).chunk(2, -1)
            x = forwards * backwards
        elif plan.position:
            x = x + self.position[: x.shape[1]]
        for number, block in enumerate(self.mhsa_block_list):
            if plan.plain_attention:
                x = torch.tanh(block(x))
            elif len(self.layer_norm_list):
                x = self.layer_norm_list[number](x + block(x))
            else:
                x = block(x)
        return x

    def forward(self, maps: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Numbers [clip, frame, output] of maps [clip, map, frame, band], and activities where it has some."""
        for layer in self.conv_block_list:
            maps = layer(maps)
        frames = self.mixed(maps.transpose(1, 2).flatten(2))
        places = self.fnn_list[1](self.fnn_list[0](frames))
        return places, self.sed_list[1](self.sed_list[0](frames)) if hasattr(self, "sed_list") else None


class Scaler(nn.Module):
    """Standardises maps: by statistics of a training set, or by those of the recording itself.

    The mean of what says directions is left alone there: a source that stands still would take its direction with it.
    """

    mean: torch.Tensor
    scale: torch.Tensor

    def __init__(self, maps: int, bands: int, levels: int, by_recording: bool = False) -> None:
        super().__init__()
        self.levels, self.by_recording = levels, by_recording
        self.register_buffer("mean", torch.zeros(maps, bands))
        self.register_buffer("scale", torch.ones(maps, bands))

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        if not self.by_recording:
            return (maps - self.mean[:, None]) / self.scale[:, None]
        level, rest = maps[:, : self.levels], maps[:, self.levels :]
        level = level - level.mean(2, keepdim=True)
        level = level / (level.square().mean(2, keepdim=True) + 1e-12).sqrt()
        # One scale for all axes or pairs of a band, which keeps the ratios that a direction is.
        return torch.cat([level, rest / (rest.square().mean((1, 2), keepdim=True) + 1e-12).sqrt()], 1)


def scrambled(maps: torch.Tensor, levels: int) -> torch.Tensor:
    """Maps as the baseline of 2020 lays them out.

    It writes the levels of all channels band by band, then the rest band by band, and reads that list as if all maps
    had been written band by band together. So each of its maps has numbers of every channel in turn, and of twice as
    many bands as it should. Baselines from 2021 on write map by map.
    """
    listed = torch.cat([part.permute(0, 2, 3, 1).flatten(2) for part in (maps[:, :levels], maps[:, levels:])], 2)
    return listed.unflatten(2, (maps.shape[3], maps.shape[1])).permute(0, 3, 1, 2)


@dataclass(frozen=True)
class Form:
    """How a network's numbers are vectors.

    Attributes
    ----------
    tracks : int
        Vectors for each class.
    distance : bool
        Each has a distance.
    flat : bool
        It has no z (stereo).
    branches : bool
        Activities come from a branch of their own.
    bounded : bool
        Directions go through tanh.
    """

    tracks: int = 1
    distance: bool = False
    flat: bool = False
    branches: bool = False
    bounded: bool = True

    def outputs(self, classes: int) -> int:
        """Numbers for each frame, activities aside."""
        return self.tracks * classes * (3 - self.flat + self.distance)

    def parts(self, raw: torch.Tensor, activities: torch.Tensor | None, classes: int) -> torch.Tensor:
        """Numbers as `benchbed.outputs.tracks.vectors` has them."""
        raw = raw.unflatten(2, (self.tracks, -1, classes)).transpose(-1, -2)  # [clip, frame, track, class, part]
        axes = 3 - self.flat
        place, rest = raw[..., :axes], raw[..., axes:]
        if self.bounded:
            # A distance below zero is none; where directions are not bounded, neither is it, until it is read.
            place, rest = torch.tanh(place), torch.relu(rest)
        if self.flat:
            place = nn.functional.pad(place, (0, 1))
        if activities is not None:
            sure = torch.sigmoid(activities)[..., None, :, None]
            untold = torch.full_like(sure, math.nan)
            return torch.cat([sure, place, untold], -1).squeeze(2)
        made = torch.cat([place, rest], -1)
        return made.squeeze(2) if self.tracks == 1 else made

    def told(self) -> str:
        """What it is called."""
        name = "activities and directions" if self.branches else "multi-ACCDOA" if self.tracks > 1 else "ACCDOA"
        return f"{name} with distances" if self.distance else name


#: What each year's baseline puts out by default.
FORMS = {
    0: Form(3, True, bounded=False),
    2020: Form(branches=True),
    2021: Form(),
    2022: Form(3),
    2023: Form(3),
    2024: Form(3, True, bounded=False),
    2025: Form(3, True, flat=True),
}


class Seld(nn.Module):
    """Front end, standardisation and network.

    Parameters
    ----------
    year : int
        Whose rules hold; 0 for the small network.
    labels : int
        Classes.
    form : Form
        What it puts out.
    plan : Plan
        Sizes.
    features, channels
        See `SpatialFeatures`.
    by_recording : bool
        See `Scaler`.
    """

    def __init__(
        self, year: int, labels: int, form: Form, plan: Plan, features: str, by_recording: bool = False
    ) -> None:
        super().__init__()
        self.year, self.classes, self.form = year, labels, form
        self.frontend = SpatialFeatures(features, **FRONT.get(year, {}))
        front = self.frontend
        self.pool = math.prod(plan.time_pools)
        self.sequence = plan.sequence * self.pool
        if year != 2025:
            self.scaler = Scaler(front.maps, front.bands, front.channels, by_recording)
        self.net = Network(front.maps, front.bands, form.outputs(labels), plan, labels if form.branches else 0)

    def features(self, waveforms: torch.Tensor) -> torch.Tensor:
        """Standardised maps [clip, map, frame, band]."""
        maps = self.frontend(waveforms)
        if self.year == 2025:
            return maps
        maps = self.scaler(maps)
        return scrambled(maps, self.frontend.channels) if self.year == 2020 else maps

    def located(self, maps: torch.Tensor) -> torch.Tensor:
        """Vectors [clip, frame, (track,) class, part] of maps, one sequence after another."""
        clips, _, frames, _ = maps.shape
        if self.year == 2025:
            return self.form.parts(*self.net(maps), self.classes)
        count = max(1, -(-frames // self.sequence))
        maps = nn.functional.pad(maps, (0, 0, 0, count * self.sequence - frames), value=FILLING)
        sequences = maps.unflatten(2, (count, self.sequence)).transpose(1, 2).flatten(0, 1)
        made = [self.form.parts(*self.net(some), self.classes) for some in sequences.split(TOGETHER)]
        whole = torch.cat(made).unflatten(0, (clips, count)).flatten(1, 2)
        return whole[:, : -(-frames // self.pool)]

    def forward(self, waveforms: torch.Tensor) -> torch.Tensor:
        """Vectors [clip, frame, (track,) class, part] of waveforms [clip, channel, sample]."""
        return self.located(self.features(waveforms))


class SeldNet(TorchAdapter):
    """Localises sounds.

    Parameters
    ----------
    arch : str
        `crnn`, or `attention` in the place of the GRUs.
    year : int
        The baseline of that challenge, 2020 to 2025; 0 for the small network.
    checkpoint : Path, optional
        Weights; the embedded ones of the small networks if none is given.
    audio : str
        `foa` or `mic`, which choose the features of a baseline.
    features : str
        `auto`, that is, `logmel_iv` for FOA, `logmel_gcc` for microphones, and `logmel` for stereo; or `salsa_lite`.
    scaler : str
        Statistics of the training set, for baselines up to 2024: a .npz file with `mean` and `scale`; `recording` to
        do without; nothing where the checkpoint holds them.
    labels : str
        Classes in order, as a file or names separated by commas; the year's own by default.
    blocks, heads : int
        Layers of self-attention and their heads; 0 for those of the weights or the year. Heads leave no trace in
        weights.
    size : str
        Numbers in each head's keys and values in the place of a GRU: one, or one for each block as in 128-256-128.
    position, norm : bool
        There: positions are learnt; each block has a way around it and a LayerNorm.
    weights : str
        `random` for costs alone.
    """

    def __init__(
        self,
        arch: Literal["crnn", "attention"] = "crnn",
        year: int = 0,
        checkpoint: Path | None = None,
        audio: Literal["foa", "mic"] = "foa",
        features: Literal["auto", "logmel", "logmel_iv", "logmel_gcc", "salsa_lite"] = "auto",
        scaler: str = "",
        labels: str = "",
        blocks: int = 0,
        heads: int = 0,
        size: str = "",
        position: bool = True,
        norm: bool = True,
        weights: Weights = "trained",
    ) -> None:
        untrained = weights == "random"
        if year not in YEARS:
            raise ConfigError(f"no baseline of {year}", hint=f"year is {', '.join(map(str, YEARS[1:]))}, or 0")
        if untrained and checkpoint is not None:
            raise ConfigError("weights=random and a checkpoint exclude each other", hint="leave one of the two out")
        if year and not untrained and checkpoint is None:
            raise CheckpointError(f"year={year} has no weights of its own", hint="--set checkpoint=FILE")
        if (
            year == 0
            and checkpoint is None
            and not untrained
            and (audio, features)
            not in (
                ("foa", "auto"),
                ("foa", "logmel_iv"),
            )
        ):
            raise ConfigError("the embedded weights hear FOA", hint="audio=foa, or a checkpoint of your own")
        self.year, self.scaler = year, scaler
        self.features = chosen(year, audio, features)
        self.checkpoint = None if untrained else Path(checkpoint or WEIGHTS / f"seldnet_{arch}.safetensors")
        state, about = weights_of(self.checkpoint)
        names = read_labels(labels) if labels else tuple(json.loads(about.get("labels", "[]"))) or KNOWN[year]
        heads = heads or int(about.get("heads", 0))
        self.plan, self.form = planned(year, arch, blocks, heads, size, position, norm), FORMS[year]
        if state:
            self.plan = read_plan(state, self.plan, str(self.checkpoint))
            self.form = read_form(state, year, len(names), str(self.checkpoint))
        scaled = "scaler.mean" in state or year == 2025 or untrained
        if not scaled and not scaler:
            raise ConfigError(
                f"the baseline of {year} standardises its features by statistics of its training set",
                where=str(self.checkpoint),
                hint="--set scaler=FILE.npz (the head of adapters/seldnet.py says how to make it), or scaler=recording",
            )
        if scaler and scaled:
            raise ConfigError("a scaler is given, but none is missing", hint="leave scaler away")
        guess = "; standardised by each recording, a guess" if scaler == "recording" else ""
        words = {"": True, str(year): year > 0, arch: arch != "crnn"}
        self.card = Card(
            name="seldnet" + "-".join(word for word, said in words.items() if said),
            family="crnn" if arch == "crnn" else "transformer",
            output="tracks",
            labels=names,
            sample_rate=RATE,
            channels=2 if year == 2025 else 4,
            array="stereo" if year == 2025 else audio,
            clip_seconds=5.0 if year == 2025 else None,
            min_seconds=0.2,
            frame_seconds=0.1,
            licence="Apache-2.0" if checkpoint is None else "",
            citation=f"DCASE Task 3 baseline {year}" if year else "",
            description=f"{FEATURES[self.features]}, convolutions and {self.plan.told()}; {self.form.told()}{guess}",
            untrained=untrained,
            **card_of(about),
        )

    @classmethod
    def training_model(cls, labels: tuple[str, ...], *, arch: str = "crnn", **options: Any) -> Seld:
        """A fresh small network, for `training/train_seld.py`."""
        plan = replace(planned(0, arch, 0, 0, "", True, True), **options)
        return Seld(0, len(labels), FORMS[0], plan, "logmel_iv")

    def build(self) -> nn.Module:
        by_recording = self.scaler == "recording"
        parts = (self.year, len(self.card.labels), self.form, self.plan, self.features, by_recording)
        model = seeded(lambda: Seld(*parts))
        if self.checkpoint is None:
            return model
        state, _ = weights_of(self.checkpoint)
        inside = any(name.startswith("net.") for name in state)
        fit_state_dict(model if inside else model.net, state, where=str(self.checkpoint))
        if self.scaler and not by_recording:
            fill(model.scaler, Path(self.scaler), self.year)
        return model


#: Classes where neither weights nor an option say them.
KNOWN = {0: STARSS, **CLASSES}


def chosen(year: int, audio: str, features: str) -> str:
    """The features that `auto` is, or those that are named."""
    if year == 2025:
        if features not in ("auto", "logmel"):
            raise ConfigError(f"features={features} of stereo", hint="the baseline of 2025 has features=logmel")
        return "logmel"
    if features == "auto":
        return "logmel_iv" if audio == "foa" else "logmel_gcc"
    if features == "salsa_lite" and (audio == "foa" or year < 2022):
        raise ConfigError("SALSA-Lite is of microphones, and of the baselines from 2022 on", hint="audio=mic year=2022")
    if (features, audio) in (("logmel_iv", "mic"), ("logmel_gcc", "foa")):
        raise ConfigError(f"features={features} do not go with audio={audio}", hint="features=auto")
    return features


def planned(
    year: int, arch: str, blocks: int = 0, heads: int = 0, size: str = "", position: bool = True, norm: bool = True
) -> Plan:
    """The sizes that the options name."""
    plan = PLANS[year]
    plan = replace(plan, heads=heads or plan.heads)
    if arch == "crnn":
        if size:
            raise ConfigError("size is that of self-attention in the place of the GRUs", hint="arch=attention")
        return replace(plan, blocks=blocks or plan.blocks)
    parts = size.split("-") if size else []
    if not all(part.isdecimal() and int(part) > 0 for part in parts):
        raise ConfigError(f"size={size} names no sizes", hint="one number, or one for each block: 128-256-128")
    sizes = tuple(map(int, parts)) or plan.sizes[:1] or (128,)
    if len(sizes) > 1 and blocks not in (0, len(sizes)):
        raise ConfigError(f"size={size} is of {len(sizes)} blocks, blocks={blocks}", hint="leave blocks away")
    sizes = sizes * (blocks or 2) if len(sizes) == 1 else sizes
    return replace(plan, mixing="attention", blocks=len(sizes), sizes=sizes, position=position, norm=norm)


def weights_of(checkpoint: Path | None) -> tuple[dict[str, torch.Tensor], Mapping[str, str]]:
    """Weights under the names here, and what the file says about them."""
    if checkpoint is None:
        return {}, {}
    about = read_metadata(checkpoint) if recognise(existing_file(checkpoint)) == "safetensors" else {}
    return as_here(load_state_dict(checkpoint, endings=(".h5",)), str(checkpoint)), about


def as_here(state: Mapping[str, torch.Tensor], where: str) -> dict[str, torch.Tensor]:
    """Published names of weights as those of the network here.

    Raises
    ------
    CheckpointError
        Weights that see pictures, too.
    """
    named: dict[str, torch.Tensor] = {}
    for name, weight in state.items():
        name = name.removeprefix("module.")
        if name.startswith(("visual_embed_to_d_model.", "transformer_decoder")):
            raise CheckpointError(
                "these weights look at video, too", where=where, hint="the audio-only ones of the year"
            )
        if name.startswith("conv_blocks."):
            _, number, rest = name.split(".", 2)
            name = f"conv_block_list.{3 * int(number)}.{rest}"
        for theirs, ours in (
            ("mhsa_layers.", "mhsa_block_list."),
            ("layer_norms.", "layer_norm_list."),
            (".in_proj_", ".qkv."),
            (".out_proj.", ".out."),
            ("attn.fc_o.", "mhsa_block_list.0.out."),
        ):
            name = name.replace(theirs, ours)
        named[name] = weight
    for kind in ("weight", "bias"):
        apart = [named.pop(f"attn.fc_{one}.{kind}", None) for one in "qkv"]
        if all(one is not None for one in apart):
            named[f"mhsa_block_list.0.qkv.{kind}"] = torch.cat([one for one in apart if one is not None])
    return named


def read_plan(state: Mapping[str, torch.Tensor], plan: Plan, where: str) -> Plan:
    """The sizes that weights show, and what they do not show from `plan`."""
    state = {name.removeprefix("net."): weight for name, weight in state.items()}
    convolutions = sorted((name for name in state if name.endswith(".conv.weight")), key=lambda n: int(n.split(".")[1]))
    blocks = sorted(name for name in state if name.endswith(".qkv.weight"))
    if not convolutions or "fnn_list.1.weight" not in state:
        raise CheckpointError(
            "no weights of a baseline of DCASE Task 3: convolutions or last layers are not among them",
            where=where,
            hint="a state dict of the baselines of 2022 to 2025, or weights of training/train_seld.py",
        )
    if "fnn_list.2.weight" in state or len(convolutions) != len(plan.filters):
        raise CheckpointError(
            "layers that no baseline has", where=where, hint="their sizes may differ, not their number"
        )
    plan = replace(
        plan,
        filters=tuple(state[name].shape[0] for name in convolutions),
        inner=state["fnn_list.0.weight"].shape[0],
        blocks=len(blocks),
    )
    recurrent = [name for name in state if name.startswith("gru.")]
    if plan.mixing == "attention":
        if recurrent:
            raise CheckpointError("these weights have a GRU", where=where, hint="leave arch=attention away")
        return replace(
            plan,
            sizes=tuple(state[name].shape[0] // (3 * plan.heads) for name in blocks),
            position="position" in state,
            norm="layer_norm_list.0.weight" in state,
        )
    if not recurrent:
        raise CheckpointError("these weights have no GRU", where=where, hint="arch=attention")
    if plan.mixing == "keras_gru":
        return replace(plan, cells=state["gru.0.recurrent"].shape[1], layers=len(recurrent) // 3)
    return replace(
        plan,
        cells=state["gru.weight_hh_l0"].shape[1],
        layers=sum(name.startswith("gru.weight_hh_") and not name.endswith("_reverse") for name in recurrent),
        plain_attention=bool(blocks) and "layer_norm_list.0.weight" not in state,
    )


def read_form(state: Mapping[str, torch.Tensor], year: int, classes: int, where: str) -> Form:
    """What the last layer puts out.

    Raises
    ------
    CheckpointError
        Another number of classes.
    """
    last = next(weight for name, weight in state.items() if name.endswith("fnn_list.1.weight"))
    branches = any("sed_list." in name for name in state)
    known = [
        Form(tracks, distance, year == 2025, branches, bounded=year not in (0, 2024))
        for tracks in (1, 3)
        for distance in ((True,) if year == 2025 else (False, True))
    ]
    for form in known:
        if form.outputs(classes) == len(last):
            return form
    raise CheckpointError(
        f"{len(last)} outputs are no vectors of {classes} classes",
        where=where,
        hint="--set labels=… with the classes of the training, or another year",
    )


def fill(scaler: Scaler, path: Path, year: int) -> None:
    """Statistics of a training set into `scaler`.

    Raises
    ------
    ConfigError
        The file is none, or of other features.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            mean, scale = (torch.from_numpy(np.asarray(file[name], np.float32).ravel()) for name in ("mean", "scale"))
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise ConfigError(f"no statistics: {error}", where=str(path), hint="a .npz file with mean and scale") from error
    maps, bands = scaler.mean.shape
    if len(mean) != maps * bands or len(scale) != maps * bands:
        raise ConfigError(
            f"statistics of {len(mean)} features, where {maps} maps of {bands} bands are standardised",
            where=str(path),
            hint="is it the file of the same audio format and features?",
        )
    if not (torch.isfinite(mean).all() and torch.isfinite(scale).all() and (scale > 0).all()):
        raise ConfigError("a mean is no number, or a scale not above zero", where=str(path))
    for name, numbers in (("mean", mean), ("scale", scale)):
        if year == 2020:  # band by band: levels of all channels, then the rest
            edge = scaler.levels * bands
            parts = [numbers[:edge].reshape(bands, -1), numbers[edge:].reshape(bands, -1)]
            getattr(scaler, name).copy_(torch.cat(parts, 1).T)
        else:
            getattr(scaler, name).copy_(numbers.reshape(maps, bands))
