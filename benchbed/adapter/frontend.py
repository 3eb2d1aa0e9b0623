"""Log-mel spectrograms for adapters: one front end with the conventions that published models differ in.

Models disagree about mel scale, filter normalisation, window, padding, logarithm and its offset; a wrong one costs
accuracy without an error. `LogMel` names each of them. It is verified against librosa (HTK, Slaney) and against
Kaldi's definition, is differentiable with respect to the waveform, and on a CPU without gradients works through pieces
that fit into the processor's cache, with a filter bank cut into blocks: two to three times faster than the usual
batched, dense way.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from itertools import pairwise
from typing import Any, Literal, cast

import torch

from benchbed.adapter.banded import BandedFilters
from benchbed.adapter.gradient_by_clip import CutFrames, MelOfFrames
from benchbed.adapter.mel import MelScale, mel_filters
from benchbed.errors import ConfigError, did_you_mean

#: Smallest power Kaldi takes the logarithm of (machine epsilon of float32).
KALDI_FLOOR = 1.1920928955078125e-07

#: Samples of windowed frames that are worked on at once, so that they and their spectra stay in the cache.
PIECE_SAMPLES = 2**18
#: Most clips that one product takes, however short they are, and most samples of their frames. Clips share what the
#: calls cost, until their spectra fall out of the cache: four of one second at 32 kHz take 2 to 5 % less than two.
MOST_TOGETHER, TOGETHER_SAMPLES = 16, 7 * 2**16


def window_of(kind: str, length: int, periodic: bool) -> torch.Tensor:
    """Analysis window [shape=(length,)]: `hann`, `hamming`, `povey` (Hann to the power 0.85, Kaldi's), `ones`.

    Examples
    --------
    >>> window_of("hann", 4, periodic=True).tolist()
    [0.0, 0.5, 1.0, 0.5]
    """
    makers = {
        "hann": lambda: torch.hann_window(length, periodic=periodic, dtype=torch.float64),
        "hamming": lambda: torch.hamming_window(length, periodic=periodic, dtype=torch.float64),
        "povey": lambda: torch.hann_window(length, periodic=periodic, dtype=torch.float64) ** 0.85,
        "ones": lambda: torch.ones(length, dtype=torch.float64),
    }
    if kind not in makers:
        raise ConfigError(f"unknown window '{kind}'", hint=did_you_mean(kind, makers) or f"known: {', '.join(makers)}")
    return makers[kind]().float()


class LogMel(torch.nn.Module):
    """Waveforms to log-mel spectrograms.

    Parameters
    ----------
    sample_rate : int
        Samples per second of the input.
    n_mels : int
        Number of mel bands.
    n_fft, win_length, hop_length : int
        Fourier transform, window (default `n_fft`) and hop in samples. A shorter window sits in the middle of the
        transform with `framing="stft"`, at its start with `framing="kaldi"`.
    fmin, fmax, mel_scale, norm
        See `mel_filters`.
    window : str
        See `window_of`.
    periodic : bool
        Periodic window (librosa, scipy `fftbins=True`) or symmetric (Kaldi, PaSST).
    framing : str
        `stft`: as `torch.stft`. `kaldi`: frames are cut first; then each loses its mean (`remove_dc`), is
        pre-emphasised by itself, windowed and zero-padded to `n_fft`.
    center : bool
        `stft`: pad by half a transform on both sides, so that frame k is centred on sample k·hop. `kaldi`: the
        opposite of Kaldi's `snip_edges`.
    pad_mode : str
        How `center` pads in `stft` framing: `reflect`, `constant`, `replicate`.
    power : float
        Exponent of the magnitude before the filters: 2 for power, 1 for magnitude.
    log : str or None
        `ln`, `log10`, `db` (10·log10 of a power, 20·log10 of a magnitude, over `ref`) or None for none.
    offset : float
        Added before the logarithm, unless `floor` is set.
    floor : float, optional
        Smallest value the logarithm is taken of; replaces `offset` (Kaldi, librosa's `amin`).
    ref : float
        Reference of `db`.
    top_db : float, optional
        With `db`: values this far below the maximum of the same clip are raised to that.
    preemphasis : float
        Coefficient a of y[t] = x[t] − a·x[t−1]. In `stft` framing the first sample is used up, as in PaSST.
    remove_dc : bool
        `kaldi` framing: subtract each frame's mean.
    scale : float
        Multiplies the waveform first; 32768 for models fed with 16-bit integers as floats.

    Examples
    --------
    >>> LogMel(32000, 64, n_fft=1024, hop_length=320)(torch.zeros(2, 1, 32000)).shape
    torch.Size([2, 64, 101])
    """

    window: torch.Tensor
    filters: torch.Tensor

    def __init__(
        self,
        sample_rate: int,
        n_mels: int = 128,
        *,
        n_fft: int = 1024,
        win_length: int | None = None,
        hop_length: int = 320,
        fmin: float = 0.0,
        fmax: float | None = None,
        mel_scale: MelScale = "htk",
        norm: Literal["slaney"] | None = None,
        window: str = "hann",
        periodic: bool = True,
        framing: Literal["stft", "kaldi"] = "stft",
        center: bool = True,
        pad_mode: str = "reflect",
        power: float = 2.0,
        log: Literal["ln", "log10", "db"] | None = "ln",
        offset: float = 1e-5,
        floor: float | None = None,
        ref: float = 1.0,
        top_db: float | None = None,
        preemphasis: float = 0.0,
        remove_dc: bool = False,
        scale: float = 1.0,
    ) -> None:
        super().__init__()
        win_length = n_fft if win_length is None else win_length
        if not 0 < win_length <= n_fft or hop_length < 1:
            raise ConfigError(
                f"a window of {win_length} in a transform of {n_fft} samples, hop {hop_length}, is no STFT"
            )
        for value, known, what in (
            (framing, ("stft", "kaldi"), "framing"),
            (log, ("ln", "log10", "db", None), "logarithm"),
            (power, (1, 2), "power"),
            (pad_mode, ("reflect", "constant", "replicate"), "padding"),
        ):
            if value not in known:
                raise ConfigError(f"unknown {what} '{value}'", hint=f"known: {', '.join(map(str, known))}")
        if remove_dc and framing != "kaldi":
            raise ConfigError("remove_dc works on single frames", hint='use framing="kaldi"')
        self.sample_rate, self.n_mels, self.n_fft = sample_rate, n_mels, n_fft
        self.win_length, self.hop_length = win_length, hop_length
        self.framing, self.center, self.pad_mode, self.power = framing, center, pad_mode, power
        self.log, self.offset, self.floor, self.ref, self.top_db = log, offset, floor, ref, top_db
        self.preemphasis, self.remove_dc, self.scale = preemphasis, remove_dc, scale
        filters = mel_filters(sample_rate, n_fft, n_mels, fmin=fmin, fmax=fmax, scale=mel_scale, norm=norm)
        # Both follow from the options, so they are not part of a checkpoint.
        self.register_buffer("window", window_of(window, win_length, periodic), persistent=False)
        self.register_buffer("filters", torch.from_numpy(filters).float(), persistent=False)
        self._bank: tuple[torch.dtype, BandedFilters] | None = None
        self._groups: dict[tuple[int, int, torch.dtype, int], int] = {}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        # How many clips go together was measured where the front end was saved, if it was.
        self._groups = {}

    @classmethod
    def kaldi(cls, sample_rate: int = 16000, n_mels: int = 128, **options) -> LogMel:
        """Kaldi's `fbank` features without dither: 25 ms frames every 10 ms, power, natural logarithm.

        Any option of `LogMel` may be given too. Kaldi's own default window is `povey`; AST uses `hann`. Kaldi's
        default for `fmin` is 20 Hz.

        Examples
        --------
        >>> LogMel.kaldi(16000, 80)(torch.zeros(1, 16000)).shape
        torch.Size([1, 80, 98])
        """
        frame = int(sample_rate * 0.025)
        defaults = {
            "n_fft": 1 << (frame - 1).bit_length(),
            "win_length": frame,
            "hop_length": int(sample_rate * 0.010),
            "fmin": 20.0,
            "mel_scale": "kaldi",
            "window": "povey",
            "periodic": False,
            "framing": "kaldi",
            "center": False,
            "floor": KALDI_FLOOR,
            "preemphasis": 0.97,
            "remove_dc": True,
        }
        return cls(sample_rate, n_mels, **{**defaults, **options})

    def forward(self, waveforms: torch.Tensor) -> torch.Tensor:
        """Log-mel spectrograms.

        Parameters
        ----------
        waveforms : torch.Tensor [shape=(clip, sample) or (clip, channel, sample)]
            Audio; channels are averaged. A clip too short for one frame is zero-padded to one.

        Returns
        -------
        torch.Tensor [shape=(clip, mel, frame)]
            Same dtype and device as the input.
        """
        waveforms = self._ready(waveforms)
        gradients = torch.is_grad_enabled() and waveforms.requires_grad
        elsewhere = waveforms.device.type != "cpu" or torch.jit.is_tracing() or torch.compiler.is_compiling()
        if elsewhere or (torch.is_grad_enabled() and self.filters.requires_grad):
            return self._logarithm(self.filters.to(waveforms.dtype) @ self._power(waveforms))
        if gradients:
            return self._logarithm(self._by_clips(waveforms))
        return self._logarithm(self._by_pieces(waveforms))

    def spectra(self, waveforms: torch.Tensor) -> torch.Tensor:
        """Short-time spectra, of which everything up to here is linear in the waveform.

        Parameters
        ----------
        waveforms : torch.Tensor [shape=(clip, sample) or (clip, channel, sample)]
            On the CPU; as `forward` takes them.

        Returns
        -------
        torch.Tensor [shape=(clip, frame, bin, 2)]
            Real and imaginary parts.
        """
        frames, window = self.frames(waveforms)
        return torch.view_as_real(torch.fft.rfft(frames * window, n=self.n_fft))

    def frames(self, waveforms: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Frames [shape=(clip, frame, sample)] of waveforms as `forward` takes them, and the window that they lack."""
        waveforms = self._ready(waveforms)
        cut = self._kaldi_frames if self.framing == "kaldi" else self._stft_frames
        return cut(waveforms), self._padded_window(waveforms.dtype)

    def bands(self, products: torch.Tensor) -> torch.Tensor:
        """Mel bands [shape=(mel, frame)] of products of spectra [shape=(frame, bin, 2)], such as their squares."""
        if self.power != 2:
            raise ConfigError("products of spectra are powers, and this front end takes magnitudes")
        out = products.new_empty(self.n_mels, len(products))
        return self._banded(products.dtype).into(out, products.flatten(-2))

    def rows(self, products: torch.Tensor) -> torch.Tensor:
        """The same, frame by frame [shape=(frame, mel)], in half the time and equal up to rounding."""
        if self.power != 2:
            raise ConfigError("products of spectra are powers, and this front end takes magnitudes")
        return self._banded(products.dtype).rows(products.flatten(-2))

    def levels(self, mels: torch.Tensor) -> torch.Tensor:
        """The logarithm of mel bands [shape=(clip, mel, frame)], as `forward` takes it."""
        return self._logarithm(mels)

    def _ready(self, waveforms: torch.Tensor) -> torch.Tensor:
        if waveforms.ndim == 3:
            waveforms = waveforms[:, 0] if waveforms.shape[1] == 1 else waveforms.mean(1)
        if self.scale != 1.0:
            waveforms = waveforms * self.scale
        return self._long_enough(waveforms)

    def _by_pieces(self, waveforms: torch.Tensor) -> torch.Tensor:
        """Mel spectrograms without gradients; no clip's result depends on the others."""
        count = (self._kaldi_frames if self.framing == "kaldi" else self._stft_frames)(waveforms[:1]).shape[1]
        shape = count, waveforms.shape[1], waveforms.dtype, torch.get_num_threads()
        if len(waveforms) > 1 and shape not in self._groups:
            self._groups[shape] = self._together(*shape[:3])
        return self._in_groups(waveforms, count, self._groups.get(shape, 1))

    def _together(self, count: int, samples: int, dtype: torch.dtype) -> int:
        """How many clips one product takes: as many as stay in the cache with the bits that each has alone.

        Each entry of a product is a sum in one order, whatever the number of columns, but no library promises it.
        """
        most = min(MOST_TOGETHER, TOGETHER_SAMPLES // (count * self.n_fft))
        if most < 2:
            return 1
        # Noise whose level changes by 60 dB, without the random state that others may draw from.
        with torch.device("cpu"):  # whatever the default device is of who calls
            noise = torch.linspace(0, most * samples, most * samples, dtype=torch.float64).square().mul(0.7).sin()
            loudness = torch.logspace(-3, 0, most * samples, dtype=torch.float64)
        clips = noise.mul(loudness).to(dtype).view(most, samples)
        alone = self._in_groups(clips, count, 1)
        alike = (torch.equal(self._in_groups(clips[:size], count, size), alone[:size]) for size in range(2, most + 1))
        return next((size + 1 for size, same in enumerate(alike) if not same), most)

    def _in_groups(self, waveforms: torch.Tensor, count: int, together: int) -> torch.Tensor:
        """Mel spectrograms [shape=(clip, mel, count)] of so many clips at a time, and of a long one in pieces."""
        bank, window = self._banded(waveforms.dtype), self._padded_window(waveforms.dtype)
        cut = self._kaldi_frames if self.framing == "kaldi" else self._stft_frames
        # Frames of the one are new and many times larger than the waveforms, of the other a view of them.
        groups: Iterable[torch.Tensor] = map(cut, waveforms.split(together))
        if self.framing == "stft":
            groups = cut(waveforms).split(together)
        number = 1 if together > 1 else max(1, round(count * self.n_fft / PIECE_SAMPLES))
        edges = [count * i // number for i in range(number + 1)]
        out = waveforms.new_empty(len(waveforms), self.n_mels, count)
        # One place in memory serves all, since the last bits of a product may depend on its alignment.
        room = waveforms.new_empty(together * max(last - first for first, last in pairwise(edges)), len(window))
        mels = waveforms.new_empty(self.n_mels, together * count)
        clips, places = 0, list[tuple[slice, torch.Tensor, torch.Tensor, list[torch.Tensor]]]()
        for frames, part_out in zip(groups, out.split(together) if len(out) else ()):
            if len(frames) != clips:  # the first, and the rest at the end
                clips, places = len(frames), []
                for first, last in pairwise(edges):
                    rows = room[: clips * (last - first)]
                    parts = bank.parts(mels[:, clips * first : clips * last])
                    places.append((slice(first, last), rows.view(clips, last - first, -1), rows, parts))
                by_clip = mels[:, : clips * count].view(self.n_mels, clips, count).transpose(0, 1)
            for piece, windowed, rows, parts in places:
                torch.mul(frames[:, piece], window, out=windowed)
                power = torch.view_as_real(torch.fft.rfft(rows, n=self.n_fft)).flatten(-2).square_()
                if self.power == 1:
                    power = (power[:, ::2] + power[:, 1::2]).sqrt_()
                bank.into_parts(parts, power)
                del power  # the next spectra take its place in the cache
            part_out.copy_(by_clip)
        return out

    def _by_clips(self, waveforms: torch.Tensor) -> torch.Tensor:
        """Mel spectrograms with gradients."""
        if self.framing == "kaldi":
            frames, window = self._kaldi_frames(waveforms), self.window.to(waveforms.dtype)
        else:
            frames = cast("torch.Tensor", CutFrames.apply(self._padded(waveforms), self.n_fft, self.hop_length))
            window = self._padded_window(waveforms.dtype)
        bank = self._banded(waveforms.dtype)
        return cast("torch.Tensor", MelOfFrames.apply(frames, window, bank, self.n_mels, self.n_fft, self.power))

    def _long_enough(self, waveforms: torch.Tensor) -> torch.Tensor:
        if self.framing == "kaldi":
            least = self.win_length
        elif not self.center:
            least = self.n_fft
        else:
            least = self.n_fft // 2 + 1 if self.pad_mode == "reflect" else 1
        missing = least + (self.framing == "stft" and self.preemphasis != 0) - waveforms.shape[-1]
        return torch.nn.functional.pad(waveforms, (0, missing)) if missing > 0 else waveforms

    def _power(self, waveforms: torch.Tensor) -> torch.Tensor:
        """Power or magnitude [shape=(…, bin, frame)] of waveforms [shape=(…, sample)]."""
        window = self.window.to(waveforms.dtype)
        if self.framing == "kaldi":
            frames = self._kaldi_frames(waveforms) * window
            spectrum = torch.fft.rfft(frames, n=self.n_fft).transpose(-1, -2)
        else:
            if self.preemphasis:
                waveforms = waveforms[..., 1:] - self.preemphasis * waveforms[..., :-1]
            spectrum = torch.stft(
                waveforms,
                self.n_fft,
                self.hop_length,
                self.win_length,
                window,
                center=self.center,
                pad_mode=self.pad_mode,
                return_complex=True,
            )
        parts = torch.view_as_real(spectrum)
        power = parts[..., 0].square().addcmul_(parts[..., 1], parts[..., 1])
        if self.power == 2:
            return power
        # The gradient of a square root is infinite at zero; digital silence must not turn it into NaN.
        return power.clamp_min(1e-30).sqrt()

    def _stft_frames(self, waveforms: torch.Tensor) -> torch.Tensor:
        """Frames [shape=(clip, frame, n_fft)] as `torch.stft` cuts them, without the window."""
        return self._padded(waveforms).unfold(1, self.n_fft, self.hop_length)

    def _padded(self, waveforms: torch.Tensor) -> torch.Tensor:
        """Waveforms as `torch.stft` pads them."""
        if self.preemphasis:
            waveforms = waveforms[:, 1:] - self.preemphasis * waveforms[:, :-1]
        half = self.n_fft // 2
        if self.center and self.pad_mode == "reflect":
            # Several times faster than the padding of torch, which looks up every sample.
            before, after = waveforms[:, 1 : half + 1].flip(1), waveforms[:, -half - 1 : -1].flip(1)
            waveforms = torch.cat([before, waveforms, after], 1)
        elif self.center:
            waveforms = torch.nn.functional.pad(waveforms, (half, half), mode=self.pad_mode)
        return waveforms

    def _padded_window(self, dtype: torch.dtype) -> torch.Tensor:
        window = self.window.to(dtype)
        if self.framing == "kaldi" or self.win_length == self.n_fft:
            return window
        before = (self.n_fft - self.win_length) // 2
        return torch.nn.functional.pad(window, (before, self.n_fft - self.win_length - before))

    def _kaldi_frames(self, waveforms: torch.Tensor) -> torch.Tensor:
        if self.center:
            count = (waveforms.shape[-1] + self.hop_length // 2) // self.hop_length
            before = self.win_length // 2 - self.hop_length // 2
            after = max(0, (count - 1) * self.hop_length + self.win_length - before - waveforms.shape[-1])
            head, tail = waveforms[..., :before].flip(-1), waveforms[..., waveforms.shape[-1] - after :].flip(-1)
            waveforms = torch.cat([head, waveforms, tail], -1)[..., : (count - 1) * self.hop_length + self.win_length]
        frames = waveforms.unfold(-1, self.win_length, self.hop_length)
        if self.remove_dc:
            frames = frames - frames.mean(-1, keepdim=True)
        if self.preemphasis:
            # The first sample of a frame is its own predecessor.
            before_each = torch.cat([frames[..., :1], frames[..., :-1]], -1)
            frames = frames - self.preemphasis * before_each
        return frames

    def _logarithm(self, mels: torch.Tensor) -> torch.Tensor:
        if self.log is None:
            return mels
        mels = mels.clamp_min(self.floor) if self.floor is not None else mels + self.offset
        if self.log == "ln":
            return mels.log()
        if self.log == "log10":
            return mels.log10()
        factor = 10.0 if self.power == 2 else 20.0
        decibels = factor * (mels.log10() - math.log10(self.ref))
        if self.top_db is None:
            return decibels
        return torch.maximum(decibels, decibels.amax((-1, -2), keepdim=True) - self.top_db)

    def _banded(self, dtype: torch.dtype) -> BandedFilters:
        if self._bank is None or self._bank[0] != dtype:
            self._bank = dtype, BandedFilters(self.filters.to("cpu", dtype), 2 if self.power == 2 else 1)
        return self._bank[1]
