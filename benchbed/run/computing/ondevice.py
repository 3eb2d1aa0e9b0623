"""Which corruptions of a run are made on the model's device, and how what is made there reaches the model.

A clip takes this way where the run wants it, the corruption says how far its results may lie from numpy's, nothing else
happens to the clip between corruption and model (another rate, length or number of channels), and the model is one of
torch whose `predict` is the base class's own, which takes what is on its device already.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, cast

import numpy as np

from benchbed.adapter.contract import Adapter
from benchbed.adapter.room import out_of_memory
from benchbed.card import Card
from benchbed.run.computing.whole import Clip, ModelInput

if TYPE_CHECKING:
    import torch

    from benchbed.perturb.contract import Corruption
    from benchbed.perturb.ondevice import AppliedOnDevice, Moved

#: Where corruptions are made: on the device if that is a GPU; always with numpy; always with torch; noise in the
#: spectrum of the model's front end.
PLACES = ("auto", "host", "device", "spectrum")


def wanted(place: str, device: str) -> bool:
    """Whether a run makes corruptions on its device.

    Examples
    --------
    >>> wanted("auto", "cpu"), wanted("auto", "cuda:1"), wanted("device", "cpu"), wanted("host", "cuda")
    (False, True, True, False)
    """
    return place == "device" or (place == "auto" and device.startswith("cuda"))


def promised(corruption: str) -> float | None:
    """The tolerance of a corruption by its name; None for one that the host makes.

    Examples
    --------
    >>> promised("gain"), promised("mp3"), promised("audiomentations:Gain")
    (0.0, None, None)
    """
    from benchbed.perturb import CORRUPTIONS

    return None if ":" in corruption else CORRUPTIONS.get(corruption).CORRUPTION.device_tolerance


def takes_tensors(adapter: Adapter) -> bool:
    """Whether a model hears what is on its device already: one of torch, with the base class's own `predict`."""
    from benchbed.adapter.torch_adapter import TorchAdapter

    if not isinstance(adapter, TorchAdapter) or "predict" in vars(adapter):
        return False
    return type(adapter).predict is TorchAdapter.predict


def heard_as_it_is(clip: Clip, card: Card) -> bool:
    """Whether a clip needs no other rate, channels or length for a model."""
    samples = clip.waveform.shape[1]
    if clip.waveform.shape[0] != card.channels or clip.sample_rate != card.sample_rate:
        return False
    if card.clip_seconds is not None:
        return samples == round(card.clip_seconds * card.sample_rate)
    return samples >= card.min_seconds * card.sample_rate


def made(
    moved: Moved, corruption: Corruption, state: object, strengths: Sequence[object], clip: Clip
) -> list[AppliedOnDevice] | None:
    """A clip at some strengths on the device; None where that has no memory left, so that the host makes it.

    Where nothing came of a perturbation no severity was reached; all strengths are asked at once, since every question
    waits for the device.
    """
    import torch

    moved.forget()
    try:
        results = [corruption.apply_on_device(state, value, moved) for value in strengths]
        same = torch.stack([(one.waveform == moved(clip.waveform)).all() for one in results]).tolist()
        return [replace(one, achieved=None) if each else one for one, each in zip(results, same, strict=True)]
    except Exception as error:
        if not out_of_memory(error):
            raise
        return None
    finally:
        moved.forget()


def as_input(waveform: torch.Tensor) -> ModelInput:
    """What is on the device already as the input of a model that takes it so."""
    return ModelInput(cast("np.ndarray", waveform), padded=False, cropped=False, resampled=False, remixed=False)


def stacked(inputs: Sequence[ModelInput]) -> np.ndarray:
    """A batch of inputs; a tensor where one of them is on the device, which only models that take it so ever see."""
    waveforms = [one.waveform for one in inputs]
    there = next((each for each in waveforms if not isinstance(each, np.ndarray)), None)
    if there is None:
        return np.stack(waveforms)
    import torch

    device = there.device
    parts = [torch.from_numpy(each).to(device) if isinstance(each, np.ndarray) else each for each in waveforms]
    return cast("np.ndarray", torch.stack(parts))
