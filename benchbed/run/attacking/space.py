"""Where a condition attacks: the audio that a model is given, or what the model's front end makes of it.

Only here is a run cut: clips lose their waveforms and get features in their place, and the model is seen from behind
its front end. Everything after that treats both spaces alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from benchbed.adapter.asking import ask
from benchbed.adapter.contract import Adapter
from benchbed.adapter.surroundings import at_home
from benchbed.attack.features import FeatureSpace, OnFeatures
from benchbed.errors import CannotMeasure, ConfigError
from benchbed.run.attacking.goal import AttackedClip
from benchbed.run.attacking.view import View
from benchbed.run.attacking.work import Work
from benchbed.types import Batch

#: Answers to features may differ from those to the waveform by rounding only: share of the largest answer.
SAME_ANSWER = 1e-3
#: What a user can do about a model that has no features.
HINT = "leave `space: features` out for this model, or give its network one LogMel or methods `features` and `classify`"


def cut(adapter: Adapter, shape: tuple[int, int], where: str | None = None) -> FeatureSpace:
    """The model of an adapter in two behind its front end.

    Parameters
    ----------
    adapter : Adapter
        With its model loaded.
    shape : tuple of int
        Channels and samples of a clip.
    where : str, optional
        Place in the suite, for error messages.

    Raises
    ------
    ConfigError
        The model has no front end that stands apart, or more than one.
    """
    from benchbed.adapter.frontend import LogMel

    try:
        forward = adapter.forward and at_home(adapter, adapter.forward)
        return FeatureSpace.cut(adapter.model, forward, (LogMel,), shape)
    except ConfigError as error:
        raise ConfigError(f"{adapter.card.name}: {error.what}", where=where, hint=HINT) from error


def on_features(work: Work, batches: Sequence[Sequence[AttackedClip]]) -> Work:
    """The same work behind the front end: the clips have features in the place of their waveforms, the view answers
    features.

    Parameters
    ----------
    work : Work
        With the model as the run uses it.
    batches : sequence of sequence of AttackedClip
        Clips whose waveforms have one shape, batch by batch; they are changed.

    Raises
    ------
    ConfigError
        The model has no front end that stands apart, or more than one.
    CannotMeasure
        The network hears more than its front end gives, or `predict` does more than `forward`.
    """
    engine = work.engine
    cuts: dict[int, OnFeatures] = {}
    noted: set[str] = set()
    adapter, name, where = engine.adapter, engine.card.name, work.unit.cells[0].key
    for batch in batches:
        waveforms = np.stack([sample.made.waveform for sample in batch])
        shape = (waveforms.shape[1], waveforms.shape[2])
        space = cut(adapter, shape, where)
        try:
            features = _features(space, adapter, waveforms, work.view)
        except CannotMeasure as error:
            raise CannotMeasure(
                f"{name} cannot be attacked on features: {error.what}", where=where, hint=HINT
            ) from error
        for sample, own in zip(batch, features):
            own.flags.writeable = False
            sample.made = replace(sample.made, waveform=own)
        cuts[shape[1]] = OnFeatures(adapter, space)
        noted.add(f"{type(space.owner).__name__}.{space.name} {' × '.join(map(str, features.shape[1:]))}")
    work.note("space", sum(map(len, batches)), text=", ".join(sorted(noted)[:3]))
    work.view = replace(work.view, cuts=cuts)
    return work


def _features(space: FeatureSpace, adapter: Adapter, waveforms: np.ndarray, view: View) -> np.ndarray:
    import torch

    given = torch.from_numpy(waveforms).to(adapter.device)
    features = space.of(given).cpu().numpy()
    # What is attacked is what `predict` answers: a pass that it adds to `forward` would be attacked around.
    cut, plain = OnFeatures(adapter, space), view.raw(waveforms, waveforms.shape[2])
    lengths = np.full(len(features), waveforms.shape[2], dtype=np.int64)
    again = ask(cut, Batch(features, lengths, view.card.sample_rate), lent=True)
    if again.shape != plain.shape:
        raise CannotMeasure(f"`predict` answers {list(plain.shape)}, the cut network {list(again.shape)}")
    finite = np.isfinite(plain).all(-1)
    scale = np.maximum(1.0, np.abs(plain[finite]).max(initial=0.0))
    if np.abs(again[finite] - plain[finite]).max(initial=0.0) > SAME_ANSWER * scale:
        raise CannotMeasure("`predict` answers the waveform otherwise than the cut network answers its features")
    return features
