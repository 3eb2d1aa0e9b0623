"""Mel spectrograms of frames with gradients, clip by clip and block by block as without.

Left to itself, autograd keeps spectra, powers and a dense filter bank for the whole batch and walks through all of them
again. Here one spectrum is kept, and its gradient is that of a square, filtered backwards by the same small blocks.
"""

from __future__ import annotations

from typing import Any

import torch

from benchbed.adapter.banded import BandedFilters

#: Below this power a magnitude has no slope: digital silence must not turn a gradient into NaN.
SILENT_POWER = 1e-30


class CutFrames(torch.autograd.Function):
    """Overlapping frames of waveforms; backwards, frames are added up where they came from."""

    @staticmethod
    def forward(ctx: Any, waveforms: torch.Tensor, size: int, hop: int) -> torch.Tensor:
        """Frames [shape=(clip, frame, size)], a view of `waveforms` [shape=(clip, sample)]."""
        ctx.shape, ctx.hop = waveforms.shape, hop
        return waveforms.unfold(1, size, hop)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor, None, None]:
        """The gradient of the waveforms."""
        [gradient] = gradients
        (clips, samples), hop = ctx.shape, ctx.hop
        count, size = gradient.shape[1:]
        parts = -(-size // hop)
        sums = gradient.new_zeros(clips, max(count + parts, -(-samples // hop)), hop)
        for part in range(parts):
            piece = gradient[..., part * hop : (part + 1) * hop]
            sums[:, part : part + count, : piece.shape[2]] += piece
        return sums.flatten(1)[:, :samples], None, None


class MelOfFrames(torch.autograd.Function):
    """Mel spectrograms of frames, by a filter bank in blocks."""

    @staticmethod
    def forward(
        ctx: Any, frames: torch.Tensor, window: torch.Tensor, bank: BandedFilters, mels: int, size: int, power: float
    ) -> torch.Tensor:
        """Mel spectrograms [shape=(clip, mel, frame)] of `frames` [shape=(clip, frame, sample)], without logarithm."""
        clips, count, length = frames.shape
        spectra = torch.empty(clips, count, size // 2 + 1, 2, dtype=frames.dtype)
        out = frames.new_empty(clips, mels, count)
        mel = frames.new_empty(mels, count)
        for frame, spectrum, part in zip(frames, spectra, out):
            spectrum.copy_(torch.view_as_real(torch.fft.rfft(frame * window, n=size)))
            squares = spectrum.flatten(-2).square()
            if power == 1:
                squares = (squares[:, ::2] + squares[:, 1::2]).sqrt_()
            bank.into(mel, squares)
            part.copy_(mel)
        ctx.save_for_backward(spectra, window)
        ctx.bank, ctx.size, ctx.power, ctx.length = bank, size, power, length
        return out

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        """The gradient of the frames."""
        spectra, window = ctx.saved_tensors
        [gradient] = gradients
        out = gradient.new_empty(len(spectra), spectra.shape[1], ctx.length)
        for spectrum, mel, part in zip(spectra, gradient, out):
            slope = ctx.bank.back(mel)
            if ctx.power == 1:
                power = spectrum.square().sum(-1)
                # Of a magnitude: the spectrum over it, half as much as of a square.
                share = torch.where(power > SILENT_POWER, 0.5 / power.clamp_min(SILENT_POWER).sqrt(), 0.0)
                slope = (slope * share).repeat_interleave(2, 1)
            turned = spectrum.flatten(-2).mul(slope).view_as(spectrum)
            # The inverse transform halves what the two ends stand for alone, and divides by the size.
            turned[:, [0, -1]] *= 2
            waves = torch.fft.irfft(torch.view_as_complex(turned), n=ctx.size)
            torch.mul(waves[:, : ctx.length], window * ctx.size, out=part)
        return out, None, None, None, None, None
