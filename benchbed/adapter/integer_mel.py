"""Mel spectra in integers, as BioDCASE-Tiny 2026 computes them on its microcontroller.

Every step is that of the challenge's code: a Hann window in 12 bits, a shift to full scale, a radix-2 transform of
16-bit samples that halves at every stage, energies, mel triangles in 12 bits, an integer root, the shift undone, and a
logarithm of 6 fractional bits by a table of 128 segments (as in TensorFlow Lite Micro). A log-mel in floating point
with the same bands is another front end: a model of the one hardly works on the other.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from benchbed.errors import ConfigError

#: Bits of the weights of the triangles.
WEIGHT_BITS = 12
#: ln 2 in 16 fractional bits.
LN2 = 45426


@dataclass(frozen=True)
class IntegerMel:
    """The integer front end.

    Parameters
    ----------
    sample_rate : int
        In Hz.
    window, hop : int
        Samples of a window, a power of two, and from one to the next.
    n_mels : int
        Mel bands.
    fmin, fmax : float
        Edges of the bands in Hz.
    window_bits, log_bits : int
        Fractional bits of the window and of the logarithm.

    Raises
    ------
    ConfigError
        A window that is no power of two, or bands beyond half the sample rate.

    Examples
    --------
    >>> IntegerMel()(np.zeros((1, 72000), np.int16)).shape
    (1, 40, 133)
    """

    sample_rate: int = 24000
    window: int = 4096
    hop: int = 512
    n_mels: int = 40
    fmin: float = 125.0
    fmax: float = 7500.0
    window_bits: int = 12
    log_bits: int = 6

    def __post_init__(self) -> None:
        if self.window < 8 or self.window & (self.window - 1) or self.hop < 1:
            raise ConfigError(f"a window of {self.window} every {self.hop} samples", hint="a power of two, from 8 up")
        if not 0 <= self.fmin < self.fmax < self.sample_rate / 2:
            raise ConfigError(f"mel bands of {self.fmin:g} to {self.fmax:g} Hz at {self.sample_rate} Hz")

    def images(self, waveforms: np.ndarray) -> np.ndarray:
        """Images `[clip, mel, frame]` float32 of waveforms `[clip, sample]`: each clip at full scale, values in 0…1.

        A clip of which every value is the same, such as silence, gives zeros, and one with samples that are not finite
        NaN.
        """
        given = np.asarray(waveforms, np.float64)
        usable = np.asarray(np.isfinite(given).all(axis=-1))
        audio = np.where(usable[:, None], given, 0.0)
        peak = np.abs(audio).max(axis=-1, keepdims=True)
        whole = (audio / np.where(peak > 0, peak, 1.0) * np.iinfo(np.int16).max).astype(np.int16)
        values = self(whole).astype(np.float32)
        low = values.min(axis=(1, 2), keepdims=True)
        span = values.max(axis=(1, 2), keepdims=True) - low
        images = (values - low) / np.where(span > 0, span, 1)
        images[~usable] = np.nan
        return images

    def __call__(self, samples: np.ndarray) -> np.ndarray:
        """Logarithms `[clip, mel, frame]` uint16 of 16-bit samples `[clip, sample]`, at least one window of them.

        Raises
        ------
        ConfigError
            Samples that are no 16-bit integers.
        """
        samples = np.asarray(samples)
        if samples.dtype != np.int16 or samples.ndim != 2:
            raise ConfigError(f"the integer front end takes int16 [clip, sample], not {samples.dtype} {samples.shape}")
        if samples.shape[1] < self.window:
            samples = np.pad(samples, ((0, 0), (0, self.window - samples.shape[1])))
        frames = np.lib.stride_tricks.sliding_window_view(samples, self.window, axis=1)[:, :: self.hop]
        return np.stack([self._frames(clip) for clip in frames]).transpose(0, 2, 1)

    def _frames(self, frames: np.ndarray) -> np.ndarray:
        """`[frame, mel]` of one clip's frames `[frame, sample]`."""
        tapered = frames.astype(np.int32) * self._hann >> self.window_bits
        shift = 15 - _bits(np.abs(tapered).max(axis=1))
        shift = np.maximum(shift, 0)
        spectrum = self._transform(_int16(tapered << shift[:, None]))
        energy = (spectrum[..., 0] ** 2 + spectrum[..., 1] ** 2).astype(np.uint64)
        start, weights = self._weights
        sums = energy[:, start : start + weights.shape[1]] @ weights.T.astype(np.uint64)
        return _log(_root(sums) >> shift[:, None].astype(np.uint64), self.log_bits)

    @cached_property
    def _hann(self) -> np.ndarray:
        return np.round(np.hanning(self.window) * (1 << self.window_bits)).astype(np.int32)

    @cached_property
    def _twiddles(self) -> np.ndarray:
        """Cosine and sine of half turns over the window `[window, 2]`, in 15 bits, cut towards zero."""
        angle = np.arange(self.window) * (2.0 * np.pi / (2 * self.window))
        return np.trunc(32767 * np.stack([np.cos(angle), np.sin(angle)], axis=1)).astype(np.int64)

    @cached_property
    def _reversed(self) -> np.ndarray:
        """Every place with its bits in reverse."""
        order = self.window.bit_length() - 1
        places = np.arange(self.window)
        turned = np.zeros_like(places)
        for bit in range(order):
            turned |= ((places >> bit) & 1) << (order - 1 - bit)
        return turned

    def _transform(self, frames: np.ndarray) -> np.ndarray:
        """First quarter of the challenge's packed spectrum, `[frame, bin, 2]` int64, of frames `[frame, sample]`.

        The samples are the real parts of a complex transform, to whose result the step is applied that unpacks two real
        signals; so bins are those of half the window. That is how the code does it, and what its models are trained on.
        """
        count, samples = frames.shape
        re, im = frames.astype(np.int64), np.zeros((count, samples), np.int64)
        turned = self._twiddles[self._reversed]
        groups = 1
        while groups < samples:
            shape = (count, groups, 2, samples // groups // 2)
            re, im = re.reshape(shape), im.reshape(shape)
            cos, sin = (turned[:groups, part][None, :, None] for part in (0, 1))
            ahead_re = cos * re[:, :, 1] + sin * im[:, :, 1]
            ahead_im = cos * im[:, :, 1] - sin * re[:, :, 1]
            base_re, base_im = (part[:, :, 0] * 0x7FFF + 0x7FFF for part in (re, im))
            re = np.stack([_int16(base_re + ahead_re >> 16), _int16(base_re - ahead_re >> 16)], axis=2)
            im = np.stack([_int16(base_im + ahead_im >> 16), _int16(base_im - ahead_im >> 16)], axis=2)
            groups *= 2
        re, im = (part.reshape(count, samples)[:, self._reversed] for part in (re, im))
        return self._unpacked(re, im)

    def _unpacked(self, re: np.ndarray, im: np.ndarray) -> np.ndarray:
        samples = re.shape[1]
        half = samples // 2
        out = np.empty((len(re), half, 2), np.int64)
        # Bin 0 packs the sum and the difference of its parts.
        out[:, 0, 0], out[:, 0, 1] = re[:, 0] + im[:, 0] >> 1, re[:, 0] - im[:, 0] >> 1
        place = np.arange(1, half)
        there = samples - place
        sum_re, dif_im = re[:, place] + re[:, there], im[:, place] - im[:, there]
        dif_re, sum_im = re[:, place] - re[:, there], im[:, place] + im[:, there]
        cos, sin = self._twiddles[place].T
        turn_re = cos * sum_im - sin * dif_re >> 15
        turn_im = cos * dif_re + sin * sum_im >> 15
        out[:, 1:, 0], out[:, 1:, 1] = _int16(sum_re + turn_re >> 2), _int16(dif_im - turn_im >> 2)
        return _int16(out)

    @cached_property
    def _weights(self) -> tuple[int, np.ndarray]:
        """First bin, and weights `[mel, bin]` in 12 bits: falling sides of one band are the rising ones of the next."""
        width = self.sample_rate / 2 / (self.window // 2 - 1)
        start = round(1 + self.fmin / width)
        low, high = _mel(self.fmin), _mel(self.fmax)
        step = (high - low) / np.float32(self.n_mels + 1)
        edges = np.concatenate([[low], low + step * np.arange(1, self.n_mels + 2, dtype=np.float32)])
        bins = np.arange(start, self.window // 2)
        mels = _mel(bins * width)
        inside = mels <= edges[-1]
        bins, mels = bins[inside], mels[inside]
        band = np.searchsorted(edges[1:], mels, side="left")
        falling = (edges[band + 1] - mels) / (edges[band + 1] - edges[band])
        falling = falling.astype(np.float32)
        down = (falling * np.float32(1 << WEIGHT_BITS)).astype(np.int64)
        up = ((np.float32(1) - falling) * np.float32(1 << WEIGHT_BITS)).astype(np.int64)
        weights = np.zeros((self.n_mels + 2, len(bins)), np.int64)
        weights[band, np.arange(len(bins))] = down
        weights[band + 1, np.arange(len(bins))] += up
        # The first sum only collects what lies below the first band's top, and the last what lies above the last one's.
        return start, weights[1 : self.n_mels + 1]


def _mel(hertz: float | np.ndarray) -> np.ndarray:
    return (np.float32(1127.0) * np.log1p(np.asarray(hertz, np.float32) / np.float32(700.0))).astype(np.float32)


def _int16(values: np.ndarray) -> np.ndarray:
    # Overflow wraps, as it does on the device.
    return values.astype(np.int16).astype(np.int64)


def _bits(values: np.ndarray) -> np.ndarray:
    """How many bits a number takes."""
    return np.frexp(values.astype(np.float64))[1].astype(np.int64)


def _root(values: np.ndarray) -> np.ndarray:
    """Square roots of uint64, rounded; the largest of 16 and of 32 bits are not rounded up."""
    root = np.sqrt(values.astype(np.float64)).astype(np.uint64)
    root -= (root * root > values).astype(np.uint64)
    root += ((root + np.uint64(1)) ** 2 <= values).astype(np.uint64)
    most = np.where(values >> np.uint64(32) == 0, 0xFFFF, 0xFFFFFFFF).astype(np.uint64)
    return root + ((values - root * root > root) & (root != most)).astype(np.uint64)


def _log(values: np.ndarray, bits: int) -> np.ndarray:
    """Natural logarithms in `bits` fractional bits, `[…]` uint16; of zero, and what does not fit, 0."""
    values = values.astype(np.int64)
    whole = np.maximum(_bits(values) - 1, 0)
    fraction = values - (1 << whole)
    fraction = np.where(whole < 16, fraction << np.maximum(16 - whole, 0), fraction >> np.maximum(whole - 16, 0))
    fraction = np.where(values > 0, fraction, 0)
    segment = fraction >> 9
    table = _curve()
    rise = (table[segment + 1] - table[segment]) * (fraction - (segment << 9)) >> 16
    binary = (whole << 16) + fraction + table[segment] + rise
    natural = LN2 * binary + 0x8000 >> 16
    scaled = ((natural << bits) + 0x8000) >> 16
    return np.where((values > 0) & (scaled < 65535), scaled, 0).astype(np.uint16)


def _curve() -> np.ndarray:
    """How far log2(1 + i/128) lies above a straight line, in 16 fractional bits."""
    place = np.arange(130) / 128
    above = np.where(place < 1, np.log2(1 + place) - place, 0.0)
    return np.round(65536 * above).astype(np.int64)
