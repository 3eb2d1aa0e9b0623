"""Doubts about the loaded model, measured on a few of the run's own clean clips: training mode, answers that hang on
the company of a batch or on chance, a rate or scale that is not the card's, weights that nobody loaded."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np

from benchbed import rng
from benchbed.adapter.check.trial import Trial
from benchbed.adapter.contract import Adapter
from benchbed.card import Card, mapped_card
from benchbed.errors import BenchbedError
from benchbed.outputs.align import Alignment, alignment_of
from benchbed.results import record
from benchbed.run.computing.whole import Clip, decode, to_model
from benchbed.run.doubts.modules import modules_of
from benchbed.run.doubts.seen import Seen
from benchbed.run.doubts.weights import loaded_twice
from benchbed.run.job.prepared import Prepared
from benchbed.stats.sign import sign_test

if TYPE_CHECKING:
    import torch.nn

#: Clips that are heard alone and in a batch.
COMPANY = 4
#: Largest difference in probability that is put down to the order of sums on any device.
TOLERANCE = 1e-3
#: Clips on which other rates are tried, and how often chance may be as good as another rate.
TRIED, BY_CHANCE = 40, 1e-3
#: Rates that models are made for, in Hz.
RATES = (8000, 16000, 22050, 24000, 32000, 44100, 48000)
#: Integers of 16 bits handed over as if they were fractions of full scale.
FULL_SCALE = 32768.0
#: A model that is right more often (mean recall) hears at its own rate.
DOUBTFUL = 0.6


@dataclass(frozen=True)
class HeardClip:
    """A clean clip of the run and its labels."""

    clip: Clip
    labels: tuple[str, ...]


def model_doubts(prepared: Prepared, seen: Seen) -> list[record.Check]:
    """Checks of the model: `model:training`, `model:company`, `model:weights` and, where figures are low, `model:rate`.

    A model whose answers were stored elsewhere is not asked.
    """
    adapter = prepared.adapter
    if adapter.replays:
        return []
    checks = [training(adapter)]
    if adapter.card.side_information:
        return checks  # what belongs to a clip besides its sound cannot be handed over for another
    trial = Trial(prepared.loaded_adapter)
    trial.adapter, trial.card = adapter, adapter.card
    try:
        heard = _heard(prepared)
        inputs = _of_one_length(
            [to_model(each.clip.waveform, each.clip.sample_rate, trial.card).waveform for each in heard]
        )
        if len(inputs) < 2:
            return checks
        answers = trial.predict(inputs)
        steady = company(trial, inputs, answers)
        checks.append(steady)
        if all(check.status == "pass" for check in checks):
            # A model that answers otherwise every time cannot be told from one that was loaded otherwise.
            checks += loaded_twice(prepared, trial, inputs, answers)
        if seen.single and len(seen.scores) and _low(seen):
            checks += rate(prepared, trial, heard)
    except Exception as error:  # the run has its figures; that a model cannot be asked again is a finding, too
        what = error.what if isinstance(error, BenchbedError) else f"{type(error).__name__}: {error}"
        checks.append(
            record.Check(name="model:asked-again", status="warn", message=f"it could not be asked again: {what}")
        )
    return checks


def training(adapter: Adapter) -> record.Check:
    """Whether a module of the model is in training mode after loading, so that dropout and batch statistics act."""
    import sys

    torch = sys.modules.get("torch")
    names = []
    for owner, module in modules_of(adapter, torch):
        names += [f"{owner}.{name}" if name else owner for name, part in module.named_modules() if _acts(part, torch)]
    if not names:
        return record.Check(name="model:training", status="pass", message="evaluation mode")
    listed = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
    return record.Check(
        name="model:training",
        status="fail",
        message=f"in training mode after loading: {listed}; dropout and batch statistics make answers depend on chance "
        "and company: call eval()",
    )


def company(trial: Trial, inputs: np.ndarray, answers: np.ndarray) -> record.Check:
    """Whether the answer to a clip hangs on the other clips of its batch, or on chance."""
    name, count = "model:company", len(inputs)
    again = trial.difference(answers, trial.predict(inputs))
    if again > TOLERANCE:
        what = f"the same {count} clips get scores that differ by {again:.2g} when they are heard again"
        return record.Check(name=name, status="warn", message=f"{what}: the figures hang on chance")
    alone = np.concatenate([trial.predict(inputs[index : index + 1]) for index in range(count)])
    gap = trial.difference(answers, alone)
    if gap > TOLERANCE:
        what = (
            f"a clip's scores differ by {gap:.2g} alone and in a batch of {count}: the figures hang on how clips are "
            "put together; is the input levelled, or normalised, over the whole batch?"
        )
        return record.Check(name=name, status="warn", message=what)
    return record.Check(
        name=name, status="pass", message=f"{count} clips get the same scores alone, together and again"
    )


def rate(prepared: Prepared, trial: Trial, heard: list[HeardClip]) -> list[record.Check]:
    """Whether the model is right far more often when it is given another rate, or scale, than its card says."""
    card, labels = trial.card, prepared.job.labels
    alignment = alignment_of(mapped_card(card, prepared.job.label_map), labels, prepared.job.task)
    own = np.array([_right(trial, alignment, labels, each, card) for each in heard])
    tried = [each for each in RATES if each != card.sample_rate and 0.25 <= each / card.sample_rate <= 4]
    for other in (*tried, None):
        as_other = _as_if(card, other) if other is not None else card
        scale = FULL_SCALE if other is None else 1.0
        right = np.array([_right(trial, alignment, labels, each, as_other, scale) for each in heard])
        better, worse = int((right & ~own).sum()), int((own & ~right).sum())
        if better <= worse:
            continue
        by_chance = sign_test(better, worse) * (len(tried) + 1)
        if by_chance < BY_CHANCE:
            how = (
                f"at {other} Hz, passed off as {card.sample_rate} Hz"
                if other is not None
                else "in ±32768 instead of ±1"
            )
            what = (
                f"of {len(heard)} clips {int(own.sum())} are right as the card says, {int(right.sum())} when the "
                f"audio is handed over {how}: is that what the model was trained on?"
            )
            return [record.Check(name="model:rate", status="warn", message=what)]
    what = f"no other rate or scale is right more often on {len(heard)} clips"
    return [record.Check(name="model:rate", status="pass", message=what)]


def _low(seen: Seen) -> bool:
    label = seen.present.argmax(1)
    return float(np.mean([seen.right[label == each].mean() for each in np.unique(label)])) < DOUBTFUL


def _as_if(card: Card, sample_rate: int) -> Card:
    """A card with another rate whose input has the same number of samples."""
    stretch = card.sample_rate / sample_rate
    length = None if card.clip_seconds is None else card.clip_seconds * stretch
    return replace(card, sample_rate=sample_rate, clip_seconds=length, min_seconds=card.min_seconds * stretch)


def _right(
    trial: Trial, alignment: Alignment, labels: tuple[str, ...], heard: HeardClip, card: Card, scale: float = 1.0
) -> bool:
    made = to_model(heard.clip.waveform, heard.clip.sample_rate, card).waveform * np.float32(scale)
    scores = alignment.apply(trial.predict(made[None]))
    return bool(np.isfinite(scores).all()) and labels[int(scores[0].argmax())] in heard.labels


def _heard(prepared: Prepared) -> list[HeardClip]:
    """Clean clips of the run, the same ones every time: classes in turn, as far as they can be read."""
    job = prepared.job
    table = next(iter(job.clips.values()))
    order = sorted(range(len(table)), key=lambda i: rng.key("doubts", table["clip_id"].iat[i]))
    turns: Counter[str | tuple[str, ...]] = Counter()
    place = {}
    for index in order:
        label = table["label"].iat[index]
        turns[label] += 1
        place[index] = turns[label]
    heard_clips = []
    for index in sorted(order, key=lambda i: place[i]):  # stable: within a turn by name
        row = table.iloc[index : index + 1].to_dict("records")[0]
        try:
            clip = decode(job.root, row, job.audio_rate)
        except BenchbedError:
            continue  # counted as a failure of the run itself
        if not clip.silent:
            labels = (row["label"],) if isinstance(row["label"], str) else tuple(row["label"])
            heard_clips.append(HeardClip(clip, labels))
        if len(heard_clips) == TRIED:
            break
    return heard_clips


def _of_one_length(waveforms: list[np.ndarray]) -> np.ndarray:
    """The first few inputs of the most common shape `[clip, channel, sample]`."""
    if not waveforms:
        return np.zeros((0, 1, 1), np.float32)
    shape = Counter(each.shape for each in waveforms).most_common(1)[0][0]
    return np.stack([each for each in waveforms if each.shape == shape][:COMPANY])


def _acts(module: torch.nn.Module, torch: ModuleType | None) -> bool:
    """In training mode, and of a kind that then computes something else."""
    assert torch is not None
    nn = torch.nn
    if not module.training:
        return False
    if isinstance(module, nn.modules.dropout._DropoutNd):
        return bool(module.p > 0)
    if isinstance(module, nn.RNNBase | nn.MultiheadAttention):
        return bool(module.dropout > 0)
    return isinstance(module, nn.modules.batchnorm._BatchNorm | nn.RReLU)
