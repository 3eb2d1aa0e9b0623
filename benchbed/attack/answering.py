"""A model of a black box that is made from its own answers: a linear one on log-spectral bands, one for each clip.

Whatever hears sound by its spectrum changes its mind through log-energies of bands. A random direction in their space,
carried back to the waveform, is in phase with the clip and falls where it is soft, as the gradients of such models do:
1,200 of these, each answered once, point to the gradient of a small network with a cosine of 0.79 and 4,000 with one of
0.93 (one clip of the shipped CNN), a thousand directions of white noise with one of 0.17. Bands are kept at several
resolutions, so that ridge regression prefers what is common to neighbours. The substitute is fitted anew with every
answer that comes (Papernot et al., Practical black-box attacks against machine learning, ASIA CCS 2017; directions
from a substitute as in Tashiro, Song and Ermon, Diversity can be transferred, NeurIPS 2020).
"""

from __future__ import annotations

import math

import torch

#: Bands, frames per second, and cells of each resolution (bands × frames) that features are means of.
BANDS, FRAMES, CELLS = 80, 100, ((1, 1), (4, 4), (8, 16))
#: Weight of the ridge, as a share of the answers' mean energy.
RIDGE = 1e-3
#: Weight of a unit step of the samples beside the mean change of the bands.
SAMPLES = 1.0
#: Quiet cells are not told apart below this share of the clip's mean power.
FLOOR = 1e-7


class BandEnergies:
    """Log-energies of bands of a clip `[clip, channel, sample]`, at several resolutions `[clip, feature]`.

    Examples
    --------
    >>> BandEnergies(8000)(torch.randn(2, 1, 2000)).shape[0]
    2
    """

    def __init__(self, sample_rate: int) -> None:
        self.fft = 256 if sample_rate <= 8000 else 512 if sample_rate <= 16000 else 1024
        self.hop = max(1, sample_rate // FRAMES)
        bins = self.fft // 2 + 1
        # Overlapping triangles, even on the mel scale, as front ends have them: from 4,000 answers on one clip of the
        # shipped CNN they make a gradient with a cosine of 0.93, 64 bands side by side one of 0.88.
        top = 2595 * math.log10(1 + sample_rate / 1400)
        mels = torch.linspace(0, top, BANDS + 2, device="cpu").double()
        edges = (700 * (10 ** (mels / 2595) - 1) * self.fft / sample_rate)[:, None]
        low, middle, high = edges[:-2], edges[1:-1], edges[2:]
        bin_number = torch.arange(bins, device="cpu").double()
        # No side is steeper than one bin, so that narrow bands share a bin where none is left for each.
        rising = (bin_number - low) / (middle - low).clamp_min(1.0)
        falling = (high - bin_number) / (high - middle).clamp_min(1.0)
        weights = torch.minimum(rising, falling).clamp_min(0.0)
        weights = weights[weights.sum(1) > 0]
        self.weights = (weights / weights.sum(1, keepdim=True)).float()

    def __call__(self, waveforms: torch.Tensor) -> torch.Tensor:
        clips, samples = len(waveforms), waveforms.shape[-1]
        window = torch.hann_window(self.fft, device=waveforms.device)
        flat = waveforms.reshape(-1, samples)
        flat = torch.nn.functional.pad(flat, (0, max(0, self.fft - samples)))
        spectrum = torch.stft(flat, self.fft, self.hop, window=window, return_complex=True, pad_mode="constant")
        power = self.weights.to(waveforms.device) @ (spectrum.real.square() + spectrum.imag.square())
        level = power.detach().mean((1, 2), keepdim=True)
        image = (power + FLOOR * level + 1e-20).log()[:, None]
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


class _Products:
    """Rows that come in parts, and the products of all with all `kernel`; of old rows none is made twice."""

    def __init__(self) -> None:
        self.parts: list[torch.Tensor] = []
        self.kernel = torch.zeros(0, 0, dtype=torch.float64)

    def add(self, rows: torch.Tensor) -> None:
        across = [(part @ rows.T).double() for part in self.parts]
        own = (rows @ rows.T).double()
        self.parts.append(rows)
        if not across:
            self.kernel = own
            return
        side = torch.cat(across)
        self.kernel = torch.cat([torch.cat([self.kernel, side], 1), torch.cat([side.T, own], 1)])

    def weighed(self, weights: torch.Tensor) -> torch.Tensor:
        """Sum of the rows by weights `[row, answer]`: `[column, answer]`."""
        split = weights.split([len(part) for part in self.parts])
        return torch.stack([part.T @ weight for part, weight in zip(self.parts, split)]).sum(0)


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
        self.answers: list[torch.Tensor] = []
        self._changes, self._steps = _Products(), _Products()
        self.on_bands = self.on_samples = torch.zeros(0)

    def learn(self, steps: torch.Tensor, changes: torch.Tensor, answers: torch.Tensor) -> None:
        """Take in steps of the waveform `[query, channel, sample]` with the changes of the features `[query, feature]`
        and of the answers `[query, answer]`, each over the step's length, and fit anew."""
        self.answers.append(answers.double())
        self._changes.add(changes)
        answered = torch.cat(self.answers)
        scale = self._changes.kernel.diagonal().mean().clamp_min(1e-30)
        kernel = self._changes.kernel / scale
        if self.samples:
            self._steps.add(steps.flatten(1))
            kernel = kernel + self.samples * self._steps.kernel
        kernel = kernel + RIDGE * torch.eye(len(kernel), dtype=kernel.dtype, device=kernel.device)
        dual = torch.linalg.solve(kernel, answered).to(changes)
        self.on_bands = self._changes.weighed(dual) / scale.to(dual)
        if self.samples:
            self.on_samples = self.samples * self._steps.weighed(dual)

    def slope(self, point: torch.Tensor, combination: torch.Tensor) -> torch.Tensor:
        """Gradient by the waveform `[1, channel, sample]` of a combination `[answer]` of its answers."""
        leaf = point.clone().requires_grad_(True)
        with torch.enable_grad():
            value = (self.features(leaf) @ (self.on_bands @ combination)).sum()
            (slope,) = torch.autograd.grad(value, leaf)
        return slope + (self.on_samples @ combination).reshape(point.shape) if self.samples else slope
