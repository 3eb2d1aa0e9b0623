"""A model of a black box that is made from its own answers: a linear one on log-spectral bands, one for each clip.

Whatever hears sound by its spectrum changes its mind through log-energies of bands, and most where the clip is soft.
So steps are asked that raise one cell of a band and a moment each, the more likely the further a step of the samples
moves it: 4,000 of them point to the gradient of a small network with a cosine of 0.88 and 0.96 (two clips of the
shipped CNN), where as many mixtures of all cells give one of 0.76 and 0.88, and a thousand directions of white noise
one of 0.18. Bands are kept at several resolutions, so that ridge regression prefers what is common to
neighbours; it is solved by conjugate gradients, which never forms the products of all steps with all. Where the climb
has led away, the substitute is kept and what it misses there is learned from new answers (Papernot et al., Practical
black-box attacks against machine learning, ASIA CCS 2017; directions from a substitute as in Tashiro, Song and Ermon,
Diversity can be transferred, NeurIPS 2020).
"""

from __future__ import annotations

import math
from typing import Literal

import torch

Scale = Literal["htk", "slaney"]

#: Bands and mel scales that front ends have, of which the one is taken that foretells a model's answers best; the first
#: is asked with.
HEARINGS: tuple[tuple[int, Scale], ...] = ((80, "htk"), (64, "slaney"), (128, "htk"))
#: Frames per second, and cells of each resolution (bands × frames) that features are means of.
FRAMES, CELLS = 100, ((1, 1), (4, 4), (8, 16))
#: Weight of the ridge, as a share of the answers' mean energy.
RIDGE = 1e-3
#: Weight of a unit step of the samples beside the mean change of the bands.
SAMPLES = 1.0
#: Most iterations of conjugate gradients, and the share of the answers' energy at which they end.
ITERATIONS, SOLVED = 40, 1e-6
#: Quiet cells are not told apart below this share of the clip's mean power.
FLOOR = 1e-7


class BandEnergies:
    """Log-energies of bands of a clip `[clip, channel, sample]`, at several resolutions `[clip, feature]`.

    Parameters
    ----------
    sample_rate : int
        Samples per second.
    bands : int
        Overlapping triangles, even on the mel scale.
    scale : str
        `htk` or `slaney`: which mel scale.

    Examples
    --------
    >>> BandEnergies(8000)(torch.randn(2, 1, 2000)).shape[0]
    2
    """

    def __init__(self, sample_rate: int, bands: int = HEARINGS[0][0], scale: Scale = HEARINGS[0][1]) -> None:
        self.fft = 256 if sample_rate <= 8000 else 512 if sample_rate <= 16000 else 1024
        self.hop = max(1, sample_rate // FRAMES)
        bins = self.fft // 2 + 1
        mels = torch.linspace(0, 1, bands + 2, device="cpu").double()
        edges = (_hertz(mels, sample_rate / 2, scale) * self.fft / sample_rate)[:, None]
        low, middle, high = edges[:-2], edges[1:-1], edges[2:]
        bin_number = torch.arange(bins, device="cpu").double()
        # No side is steeper than one bin, so that narrow bands share a bin where none is left for each.
        rising = (bin_number - low) / (middle - low).clamp_min(1.0)
        falling = (high - bin_number) / (high - middle).clamp_min(1.0)
        weights = torch.minimum(rising, falling).clamp_min(0.0)
        weights = weights[weights.sum(1) > 0]
        self.weights = (weights / weights.sum(1, keepdim=True)).float()

    def spectrum(self, waveforms: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Spectrum `[clip × channel, bin, frame]` and powers of bands above a floor `[clip × channel, band, frame]`."""
        samples = waveforms.shape[-1]
        window = torch.hann_window(self.fft, device=waveforms.device)
        flat = waveforms.reshape(-1, samples)
        flat = torch.nn.functional.pad(flat, (0, max(0, self.fft - samples)))
        spectrum = torch.stft(flat, self.fft, self.hop, window=window, return_complex=True, pad_mode="constant")
        power = self.weights.to(waveforms.device) @ (spectrum.real.square() + spectrum.imag.square())
        level = power.detach().mean((1, 2), keepdim=True)
        return spectrum, power + FLOOR * level + 1e-20

    def __call__(self, waveforms: torch.Tensor) -> torch.Tensor:
        clips = len(waveforms)
        image = self.spectrum(waveforms)[1].log()[:, None]
        parts = []
        for cell in CELLS:
            pooled = torch.nn.functional.avg_pool2d(image, cell, cell, ceil_mode=True, count_include_pad=False)
            parts.append((pooled * math.sqrt(cell[0] * cell[1])).reshape(clips, -1))
        return torch.cat(parts, 1)

    def directions(self, point: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
        """Directions of the waveform `[direction, channel, sample]`, of unit length, that raise what is wanted
        `[direction, feature]` of one clip's features."""
        leaf = point.expand(len(wanted), -1, -1).clone().requires_grad_(True)
        with torch.enable_grad():
            (raised,) = torch.autograd.grad((self(leaf) * wanted).sum(), leaf)
        size = raised.flatten(1).norm(dim=1).clamp_min(1e-30)
        return raised / size[:, None, None]


def _hertz(share: torch.Tensor, top: float, scale: Scale) -> torch.Tensor:
    """Frequencies at shares of the way up a mel scale: O'Shaughnessy's, as in HTK, or that of Slaney's Auditory
    Toolbox, which is straight up to 1 kHz."""
    if scale == "htk":
        return 700 * ((1 + top / 700) ** share - 1)
    straight, growth = 1000 / 15, math.log(6.4) / 27
    mels = share * (top / straight if top <= 1000 else 15 + math.log(top / 1000) / growth)
    return torch.where(mels < 15, mels * straight, 1000 * ((mels - 15) * growth).exp())


def missed(changes: torch.Tensor, answers: torch.Tensor) -> float:
    """Share of the energy of answers `[query, answer]` that changes of features `[query, feature]` do not foretell.

    Each is foretold from all the others.
    """
    kernel = (changes @ changes.T).double()
    kernel /= kernel.diagonal().mean().clamp_min(1e-30)
    inverse = torch.linalg.inv(kernel + RIDGE * torch.eye(len(kernel), dtype=kernel.dtype, device=kernel.device))
    alone = (inverse @ answers.double()) / inverse.diagonal()[:, None]
    return float(alone.square().sum() / answers.double().square().sum().clamp_min(1e-30))


class BandCells:
    """The cells of one clip's finest resolution, and the steps of the samples that raise one of them fastest.

    Attributes
    ----------
    slope : Tensor [shape=(cell,)]
        Length of the gradient of each cell's log-energy by the samples: how far a step of unit length can raise it.

    Examples
    --------
    >>> cells = BandCells(BandEnergies(8000), torch.randn(1, 1, 2000))
    >>> cells.steps(torch.tensor([5, 700])).flatten(1).norm(dim=1)
    tensor([1.0000, 1.0000])
    """

    def __init__(self, features: BandEnergies, point: torch.Tensor) -> None:
        self.features, self.shape = features, point.shape[1:]
        self.spectrum, self.power = features.spectrum(point)
        self.weights = features.weights.to(point.device)
        self.window = torch.hann_window(features.fft, device=point.device)
        frames = torch.arange(self.power.shape[2], device=point.device)
        found = []
        for channel in range(len(self.power)):
            for band in range(self.power.shape[1]):
                made = self._frames(torch.full_like(frames, channel), torch.full_like(frames, band), frames)
                found.append(made.norm(dim=1))
        self.slope = torch.cat(found)

    def _frames(self, channel: torch.Tensor, band: torch.Tensor, frame: torch.Tensor) -> torch.Tensor:
        """Gradients of cells by the samples of their own frames `[cell, sample of the frame]`."""
        raised = self.weights[band] / self.power[channel, band, frame][:, None] * self.spectrum[channel, :, frame]
        # The inverse transform counts every bin but the first and the last twice, as the gradient of a power does.
        raised[:, 0], raised[:, -1] = 2 * raised[:, 0], 2 * raised[:, -1]
        return torch.fft.irfft(raised, self.features.fft) * self.features.fft * self.window

    def steps(self, chosen: torch.Tensor) -> torch.Tensor:
        """Steps of unit length `[cell, channel, sample]` that raise single cells."""
        bands, frames = self.power.shape[1:]
        channel, band, frame = chosen // (bands * frames), chosen // frames % bands, chosen % frames
        fft, hop, samples = self.features.fft, self.features.hop, self.shape[-1]
        made = self.window.new_zeros(len(chosen), len(self.power), max(samples, fft) + 2 * fft)
        places = (frame * hop)[:, None] + torch.arange(fft, device=made.device)
        made[torch.arange(len(chosen), device=made.device)[:, None], channel[:, None], places] = self._frames(
            channel, band, frame
        )
        made = made[..., fft // 2 : fft // 2 + samples]
        return made / made.flatten(1).norm(dim=1).clamp_min(1e-30)[:, None, None]


class Substitute:
    """A linear model of what a black box answers: on band energies, and on the samples themselves.

    Parameters
    ----------
    features : BandEnergies
        What it hears.
    samples : float
        Weight of the samples beside the bands; 0 leaves them out, which saves their memory.
    """

    def __init__(self, features: BandEnergies, samples: float = SAMPLES) -> None:
        self.features, self.samples = features, samples
        self.on_bands = self.on_samples = torch.zeros(0)
        self._before: tuple[torch.Tensor, torch.Tensor] | None = None
        self._begin()

    def _begin(self) -> None:
        self.changes: list[torch.Tensor] = []
        self.steps: list[torch.Tensor] = []
        self.answers: list[torch.Tensor] = []
        self._dual: torch.Tensor | None = None

    def move(self) -> None:
        """Keep what is known, and learn from now on what it misses: for answers around another point."""
        self._before = self.on_bands, self.on_samples
        self._begin()

    def learn(self, steps: torch.Tensor, changes: torch.Tensor, answers: torch.Tensor) -> None:
        """Take in steps of the waveform `[query, channel, sample]` with the changes of the features `[query, feature]`
        and of the answers `[query, answer]`, each over the step's length, and fit anew."""
        steps = steps.flatten(1)
        if self._before is not None:
            answers = answers - changes @ self._before[0]
            if self.samples:
                answers = answers - steps @ self._before[1]
        self.changes.append(changes)
        self.answers.append(answers)
        if self.samples:
            self.steps.append(steps)
        lengths = torch.cat([part.square().sum(1) for part in self.changes])
        scale = lengths.mean().clamp_min(1e-30)
        dual = self._solve(scale, lengths / scale)
        self.on_bands = _across(self.changes, dual) / scale
        if self.samples:
            self.on_samples = self.samples * _across(self.steps, dual)
        if self._before is not None:
            self.on_bands = self.on_bands + self._before[0]
            if self.samples:
                self.on_samples = self.on_samples + self._before[1]

    def _solve(self, scale: torch.Tensor, diagonal: torch.Tensor) -> torch.Tensor:
        """Weights of the answers `[query, answer]`, by conjugate gradients from where the last fit ended."""
        wanted = torch.cat(self.answers)
        weight = diagonal + RIDGE
        if self.samples:
            weight = weight + self.samples * torch.cat([part.square().sum(1) for part in self.steps])

        def product(dual: torch.Tensor) -> torch.Tensor:
            kernel = _along(self.changes, _across(self.changes, dual)) / scale + RIDGE * dual
            if self.samples:
                kernel = kernel + self.samples * _along(self.steps, _across(self.steps, dual))
            return kernel

        dual = torch.zeros_like(wanted)
        if self._dual is not None:
            dual[: len(self._dual)] = self._dual
        left = wanted - product(dual)
        enough = SOLVED * wanted.square().sum(0)
        eased = left / weight[:, None]
        way, size = eased, (left * eased).sum(0)
        for _ in range(ITERATIONS):
            if bool((left.square().sum(0) <= enough).all()):
                break
            ahead = product(way)
            length = size / (way * ahead).sum(0).clamp_min(1e-30)
            dual, left = dual + length * way, left - length * ahead
            eased = left / weight[:, None]
            before, size = size, (left * eased).sum(0)
            way = eased + size / before.clamp_min(1e-30) * way
        self._dual = dual
        return dual

    def slope(self, points: torch.Tensor, combinations: torch.Tensor) -> torch.Tensor:
        """Gradients by the waveforms `[point, channel, sample]` of combinations `[point, answer]` of its answers."""
        leaf = points.clone().requires_grad_(True)
        with torch.enable_grad():
            value = (self.features(leaf) * (combinations @ self.on_bands.T)).sum()
            (slope,) = torch.autograd.grad(value, leaf)
        return slope + (combinations @ self.on_samples.T).reshape(points.shape) if self.samples else slope

    def told(self, points: torch.Tensor, origin: torch.Tensor) -> torch.Tensor:
        """How much it expects its answers to change `[point, answer]` from one point to others."""
        changed = (self.features(points) - self.features(origin)) @ self.on_bands
        return changed + (points - origin).flatten(1) @ self.on_samples if self.samples else changed


def _across(parts: list[torch.Tensor], weights: torch.Tensor) -> torch.Tensor:
    """Sum of rows that come in parts, by weights `[row, answer]`: `[column, answer]`."""
    split = weights.split([len(part) for part in parts])
    return torch.stack([part.T @ weight for part, weight in zip(parts, split)]).sum(0)


def _along(parts: list[torch.Tensor], weights: torch.Tensor) -> torch.Tensor:
    """Products of rows that come in parts with weights `[column, answer]`: `[row, answer]`."""
    return torch.cat([part @ weights for part in parts])
