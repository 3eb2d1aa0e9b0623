"""Additive noise combined in the spectrum that a model's front end makes, where a run asks for it.

The clip and its noise are transformed once, and every severity is a sum of their mel bands (`benchbed.adapter.mixing`).
Scores differ from those of the mixed waveform by rounding, so units made this way have names of their own. What is
more than a sum is never approximated: a model that is not one log-mel power spectrum with something behind it, and a
clip that has to be converted, cropped or padded on the way, are refused. A gain is rounded to 16 bits, as the file
would be, and a filter reaches from one frame into the next: both are made of the waveform, like everything else.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np

from benchbed.adapter.contract import Adapter
from benchbed.errors import AdapterError, ConfigError
from benchbed.outputs.contract import Heard, Reading
from benchbed.run.computing.at_once import Whole
from benchbed.run.computing.ondevice import heard_as_it_is
from benchbed.run.computing.ways import Hearing
from benchbed.run.computing.whole import Clip, ModelInput

if TYPE_CHECKING:
    import torch

    from benchbed.adapter.halves import FrontAndRest
    from benchbed.adapter.mixing import ClipSpectrum
    from benchbed.perturb.contract import AddedNoise, Corruption
    from benchbed.perturb.ondevice import AppliedOnDevice

#: The value of `--corruptions` that asks for it.
PLACE = "spectrum"
#: Batches of the model that are waited for: what is made of many clips in a row finds its code in the cache.
BATCHES = 4
#: Bytes of clips' spectra that are kept for the next condition of the same clips.
KEPT_BYTES = 128 * 2**20
_HINT = "--corruptions host adds noise to the waveform"


def adds_noise(corruption: str) -> bool:
    """Whether all that a corruption does is to add a noise, by its name.

    Examples
    --------
    >>> adds_noise("white_noise"), adds_noise("clipping"), adds_noise("audiomentations:AddGaussianNoise")
    (True, False, False)
    """
    from benchbed.perturb import CORRUPTIONS

    return ":" not in corruption and CORRUPTIONS.get(corruption).CORRUPTION.adds_noise


@dataclass
class NoisyClip:
    """A clip with one noise at some gains; its features are made when the model gets to the first of them.

    Attributes
    ----------
    clip : np.ndarray [shape=(channel, sample), float32]
    noise : np.ndarray [shape=(channel, sample), float32], optional
        None where it is left as it is at all of them.
    gains : list of float
    features : torch.Tensor [shape=(gain, mel, frame)], optional
        When they are made.
    """

    clip: np.ndarray
    noise: np.ndarray | None
    gains: list[float]
    features: torch.Tensor | None = None


@dataclass(frozen=True)
class FeatureInput:
    """Features of a clip in the place of its waveform.

    Attributes
    ----------
    mixed : NoisyClip
        Where they are.
    place : int
        Number of the gain.
    """

    mixed: NoisyClip
    place: int

    @property
    def shape(self) -> tuple[int, ...]:
        """Channels and samples of the waveform that they stand for."""
        return self.mixed.clip.shape


class InSpectrum:
    """A model whose noisy clips are made in the spectrum.

    Parameters
    ----------
    adapter : Adapter
        Loaded.
    hearing : Hearing
        How it hears clips.

    Raises
    ------
    AdapterError
        It has no front end of log-mel power spectra that hears the waveform as it is.
    """

    def __init__(self, adapter: Adapter, hearing: Hearing) -> None:
        self.adapter, self.card = adapter, hearing.card
        self.parts = _parts(adapter, hearing)
        self._kept: OrderedDict[int, tuple[np.ndarray, ClipSpectrum]] = OrderedDict()
        self._waiting: list[NoisyClip] = []

    def made(
        self, corruption: Corruption, state: object, strengths: Sequence[object], clip: Clip
    ) -> list[AppliedOnDevice]:
        """A clip at some strengths of a corruption that adds noise.

        Raises
        ------
        ConfigError
            The clip would have to be converted, cropped or padded for the model, which no sum of spectra does.
        """
        from benchbed.perturb.ondevice import AppliedOnDevice

        self._refuse(clip)
        added = [corruption.added_noise(state, value) for value in strengths]
        noise = next((one.noise for one in added if not isinstance(one, str)), None)
        mixed = NoisyClip(clip.waveform, noise, [0.0 if isinstance(one, str) else one.gain for one in added])
        self._waiting.append(mixed)
        applied = []
        for place, one in enumerate(added):
            given = cast("torch.Tensor", FeatureInput(mixed, place))
            if isinstance(one, str):
                applied.append(AppliedOnDevice(given, skipped=one))
            else:
                reached = None if nothing_came_of(one, clip) else one.achieved
                applied.append(AppliedOnDevice(given, reached, note=one.note))
        return applied

    def ask(self, reading: Reading, inputs: Sequence[ModelInput], side: Mapping[str, tuple]) -> np.ndarray:
        """What the model says about clips of one length, a row for each."""
        import torch

        from benchbed.adapter.pulse import beating
        from benchbed.adapter.surroundings import of_its_own

        given = [cast("FeatureInput", one.waveform) for one in inputs]
        samples = given[0].shape[1]
        reading.asked(side)
        with torch.inference_mode():
            features = torch.stack([self._features(one) for one in given])
            with beating(f"forward, features of {len(given)} clip(s)"), of_its_own(self.adapter):
                raw = self.parts.behind(features, samples).float().cpu().numpy()
        return reading.check(raw, len(given), Heard(samples / self.card.sample_rate, samples))

    def _features(self, one: FeatureInput) -> torch.Tensor:
        """Features of an input; all that wait are made with the first, one after the other."""
        from benchbed.adapter.mixing import mixtures

        if one.mixed.features is None:
            for mixed in self._waiting:
                spectrum = self._spectrum(mixed.clip)
                noise = spectrum if mixed.noise is None else self._fresh(mixed.noise)
                mixed.features, mixed.noise = mixtures(spectrum, noise, mixed.gains), None
            self._waiting.clear()
        assert one.mixed.features is not None
        return one.mixed.features[one.place]

    def _refuse(self, clip: Clip) -> None:
        samples = clip.waveform.shape[1]
        if heard_as_it_is(clip, self.card) and self.parts.fits(samples):
            return
        what = f"{clip.waveform.shape[0]} channel(s), {samples} samples at {clip.sample_rate} Hz"
        raise ConfigError(
            f"noise cannot be added in the spectrum of a clip of {what}: {self.card.name} hears it in another form",
            hint=f"set audio.sample_rate to {self.card.sample_rate} in the suite if it is the rate; or {_HINT}",
        )

    def _fresh(self, waveform: np.ndarray) -> ClipSpectrum:
        import torch

        from benchbed.adapter.mixing import ClipSpectrum

        return ClipSpectrum.of(self.parts.front, torch.from_numpy(np.ascontiguousarray(waveform)))

    def _spectrum(self, waveform: np.ndarray) -> ClipSpectrum:
        """The spectrum of a clip, kept for its other conditions."""
        key = id(waveform)
        if key not in self._kept or self._kept[key][0] is not waveform:
            self._kept[key] = waveform, self._fresh(waveform)
            while len(self._kept) > 1 and sum(one.nbytes for _, one in self._kept.values()) > KEPT_BYTES:
                self._kept.popitem(last=False)
        return self._kept[key][1]


def held(inputs: Sequence[ModelInput]) -> bool:
    """Whether inputs of a batch are features."""
    return isinstance(inputs[0].waveform, FeatureInput)


def _parts(adapter: Adapter, hearing: Hearing) -> FrontAndRest:
    """The parts of a model, or why it has none that noise can be added between."""
    from benchbed.adapter.cutting import cut_at_front_end, trial_clips
    from benchbed.adapter.surroundings import at_home
    from benchbed.adapter.torch_adapter import TorchAdapter
    from benchbed.types import Batch

    def cannot(why: str) -> AdapterError:
        return AdapterError(f"noise cannot be added in the spectrum of {adapter.card.name}: {why}", hint=_HINT)

    if not isinstance(hearing, Whole):
        raise cannot("it hears clips in windows")
    whole = adapter if isinstance(adapter, TorchAdapter) else None
    if (whole is None and adapter.parts is None) or adapter.card.side_information:
        raise cannot("it is no torch model of audio alone")
    if str(adapter.device) != "cpu":
        raise cannot(f"it is on {adapter.device}, and spectra are made on the CPU")
    parts: FrontAndRest | None = adapter.parts if whole is None else cut_at_front_end(whole)
    if parts is None:
        raise cannot("it has no log-mel front end that hears the waveform as it is")
    if parts.front.power != 2:
        raise cannot("its front end takes magnitudes, and only powers can be summed")
    clips = trial_clips(adapter.card)
    waveforms = clips.numpy().copy()
    lengths = np.full(len(waveforms), waveforms.shape[2], dtype=np.int64)
    answers = np.asarray(at_home(adapter, adapter.predict)(Batch(waveforms, lengths, adapter.card.sample_rate)))
    import torch

    with torch.inference_mode():
        scores = parts.behind(parts.front(clips), clips.shape[-1]).float().numpy()
    if answers.shape != scores.shape or not np.allclose(answers, scores, rtol=1e-4, atol=1e-4):
        raise cannot("its answers are not what its forward gives")
    return parts


def nothing_came_of(added: AddedNoise, clip: Clip) -> bool:
    """Whether a waveform would stay as it is, bit for bit, with so little noise."""
    # Half a unit in the last place of the clip's peak is the most that any of its samples may hide.
    hidden = clip.peak * 2**-23
    # One sample of most noises shows it; the others are looked at only where that one does not.
    if added.noise.size and abs(added.gain * added.noise.item(added.noise.size // 2)) > hidden:
        return False
    if added.gain * float(np.abs(added.noise).max(initial=0.0)) > hidden:
        return False
    out = added.noise * np.float32(added.gain)
    out += clip.waveform
    return np.array_equal(out, clip.waveform)
