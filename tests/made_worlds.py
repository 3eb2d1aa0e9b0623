"""Populations of recordings whose true figures are known, for simulations of intervals, tests and gates.

A population is a few thousand recordings of several clips with the answers of two models, both made from stated
distributions; a data set is recordings drawn from it with replacement. Drawing again and again from the population is
then drawing independent recordings from a known distribution, and the truth is the figure of the whole population:
exact, whatever the metric. Clips of one recording share their difficulty and their classes, and the errors of the two
models on a recording go together.

With `shift=0` every recording is there twice, with the models' answers exchanged, so that the two models are exactly
equally good. A shift makes the first model worse.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from made_runs import made_record

from benchbed.compare.runs import OpenRun
from benchbed.metrics.contract import Family, Sample
from benchbed.metrics.families import classification, psds, sed_event, sed_segment, seld2022, seld2024, tagging
from benchbed.metrics.ranking import Ranking
from benchbed.metrics.weighing import chosen, drawn
from benchbed.outputs.frames.recording import Events, FrameScores
from benchbed.outputs.tracks.recording import Tracks
from benchbed.results import record
from benchbed.results.draws import drawn as drawn_figures
from benchbed.results.statistics import CellStatistics, Statistics
from benchbed.rng import stream
from benchbed.stats.bootstrap import Bootstrap

#: What is simulated: world → metrics.
METRICS = {
    "scenes": ("accuracy", "macro_accuracy", "macro_f1"),
    "tags": ("micro_f1", "macro_f1", "map"),
    "segments": ("micro_f1", "macro_f1", "error_rate"),
    "events": ("micro_f1", "macro_f1", "error_rate"),
    "psds": ("psds1",),
    "psds2": ("psds2",),
    "seld": ("macro_seld", "er20", "macro_f20", "macro_le_cd", "macro_lr_cd"),
    "distances": ("macro_f20", "macro_doae", "macro_relative_distance_error"),
}

#: World → registered metric family.
FAMILIES = {
    "scenes": "classification",
    "tags": "tagging",
    "segments": "sed_segment",
    "events": "sed_event",
    "psds": "psds",
    "psds2": "psds",
    "seld": "seld2022",
    "distances": "seld2024",
}

#: Options of these families, where they are not the defaults.
OPTIONS: dict[str, dict[str, Any]] = {
    "scenes": {"top_k": []},
    "events": {"onset_collar": 0.5, "offset_collar": 0.5},
    "psds": {"scenarios": ["psds1"]},
    "psds2": {"scenarios": ["psds2"]},
    "seld": {"by": "benchbed"},
    "distances": {"by": "benchbed"},
}

LABELS = tuple("abcdefghij")


@dataclass(frozen=True)
class World:
    """A population of recordings.

    Attributes
    ----------
    name : str
        Its kind.
    family : Family
        Metric family.
    metrics : tuple of str
        Metrics to look at.
    answers : tuple of two np.ndarray [shape=(recording · clips, …)]
        What the models gave; recordings in order, each with the same number of clips.
    target : np.ndarray [shape=(recording · clips, …)]
        References.
    clips : int
        Clips of a recording.
    """

    name: str
    family: Family
    metrics: tuple[str, ...]
    answers: tuple[np.ndarray, np.ndarray]
    target: np.ndarray
    clips: int
    sums: list[np.ndarray] = field(init=False, repr=False)
    truth: list[dict[str, float]] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        row = np.repeat(np.arange(self.size), self.clips)
        sums = [self.family.grouped(scores, self.target, row, self.size) for scores in self.answers]
        object.__setattr__(self, "sums", sums)
        everyone = np.arange(self.size)
        object.__setattr__(self, "truth", [self.take(everyone, model).values() for model in (0, 1)])

    @property
    def options(self) -> dict[str, Any]:
        """Options of the family, as a suite gives them."""
        return OPTIONS.get(self.name, {})

    @property
    def size(self) -> int:
        """Recordings of the population."""
        return len(self.target) // self.clips

    def draw(self, generator: np.random.Generator, groups: int) -> np.ndarray:
        """Recordings of a data set."""
        return generator.integers(0, self.size, groups)

    def take(self, recordings: np.ndarray, model: int) -> Taken:
        """A data set of these recordings, as one model answered it."""
        return Taken(self, recordings, model)

    def difference(self, metric: str) -> float:
        """True difference of the two models."""
        return self.truth[0][metric] - self.truth[1][metric]


class Taken:
    """One data set with one model's answers."""

    def __init__(self, world: World, recordings: np.ndarray, model: int) -> None:
        self.world, self.sums = world, world.sums[model][recordings]
        self.groups = len(recordings)
        self.sample: Sample | None = None
        if world.family.ranked & set(world.metrics):
            clips = (recordings[:, None] * world.clips + np.arange(world.clips)).ravel()
            row = np.repeat(np.arange(self.groups), world.clips)
            sample = _Precisions if world.name == "tags" else world.family.sample
            self.sample = sample(world.answers[model][clips], world.target[clips], row, self.groups)

    def values(self) -> dict[str, float]:
        """Figures of the data set."""
        everyone = np.ones(self.groups, bool)
        found = {**self.world.family.values(self.sums.sum(axis=0)), **chosen(self.sample, everyone)[0]}
        return {metric: float(found[metric]) for metric in self.world.metrics}

    def replicates(self, bootstrap: Bootstrap) -> dict[str, np.ndarray]:
        """Figures in every draw."""
        everyone, group = np.ones(self.groups, bool), np.arange(self.groups)
        found = self.world.family.values(bootstrap.replicates(self.sums))
        found |= drawn(self.sample, bootstrap, group, everyone)[0]
        return {metric: found[metric] for metric in self.world.metrics}


class _Precisions(Sample):
    """mAP alone: the family's sample also ranks for EER and d′, which takes three times as long."""

    def __init__(self, scores: np.ndarray, target: np.ndarray, row: np.ndarray, rows: int) -> None:
        self.rankings = [Ranking(scores[:, i], target[:, i] > 0.5, row) for i in range(scores.shape[1])]

    def scores(self, weights: np.ndarray) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
        each = np.stack([ranking.curve(weights).average_precision() for ranking in self.rankings])
        return {"map": np.nanmean(each, axis=0)}, {}


@lru_cache(maxsize=8)
def world(name: str, shift: float = 0.0, size: int | None = None) -> World:
    """The population of this kind, always the same."""
    made = {"scenes": _scenes, "tags": _tags}.get(name)
    if made is not None:
        return made(shift, size or 12_000)
    if name in ("seld", "distances"):
        answers, target = _around(shift, size or 4000, 4)
        around = {"seld": seld2022, "distances": seld2024}[name].family(LABELS[:4], **OPTIONS[name])
        return World(name, around, METRICS[name], answers, target, 2)
    answers, target = _sounds(shift, size or 4000, 3)
    kinds: Mapping[str, Any] = {"sed_segment": sed_segment, "sed_event": sed_event, "psds": psds}
    family = kinds[FAMILIES[name]].family(LABELS[:3], **OPTIONS.get(name, {}))
    return World(name, family, METRICS[name], answers, target, 2)


def _exchanged(answers: tuple[np.ndarray, np.ndarray], target: np.ndarray) -> tuple[tuple, np.ndarray]:
    a, b = answers
    return (np.concatenate([a, b]), np.concatenate([b, a])), np.concatenate([target, target])


def _scenes(shift: float, size: int) -> World:
    # Ten classes, the rarest with 4 % of the recordings and the commonest with 16 %, five clips each.
    clips, classes = 5, 10
    generator = stream("world", "scenes")
    prior = np.linspace(0.04, 0.16, classes)
    label = generator.choice(classes, size, p=prior / prior.sum())
    ease = generator.normal(0, 1.0, size)
    confused = generator.normal(0, 1.0, (size, classes))
    answers = []
    for moved in (shift, 0.0):
        own = generator.normal(0, 0.7, (size, 1, classes)) + confused[:, None]
        logits = own + generator.normal(0, 0.8, (size, clips, classes))
        at = np.arange(size)
        logits[at, :, label] += (2.6 + ease - moved + 0.1 * (label - 4.5))[:, None]
        exp = np.exp(logits - logits.max(axis=2, keepdims=True))
        answers.append((exp / exp.sum(axis=2, keepdims=True)).reshape(-1, classes))
    target = np.repeat(label, clips)
    both = (answers[0], answers[1])
    if not shift:
        both, target = _exchanged(both, target)
    return World("scenes", classification.family(LABELS, top_k=()), METRICS["scenes"], both, target, clips)


def _tags(shift: float, size: int) -> World:
    # Six classes in 8 … 40 % of the recordings, each then in three of four clips of a recording's four.
    clips, classes = 4, 6
    generator = stream("world", "tags")
    held = generator.random((size, classes)) < np.linspace(0.08, 0.4, classes)
    there = held[:, None] & (generator.random((size, clips, classes)) < 0.75)
    ease = generator.normal(0, 0.7, (size, 1, classes))
    answers = []
    for moved in (shift, 0.0):
        noise = ease + generator.normal(0, 0.7, (size, 1, classes)) + generator.normal(0, 0.7, (size, clips, classes))
        latent = -1.5 + there * (2.6 - moved) + noise
        answers.append((1 / (1 + np.exp(-latent))).reshape(-1, classes))
    target = there.reshape(-1, classes).astype(np.float64)
    both = (answers[0], answers[1])
    if not shift:
        both, target = _exchanged(both, target)
    return World("tags", tagging.family(LABELS[:classes]), METRICS["tags"], both, target, clips)


@lru_cache(maxsize=4)
def _sounds(shift: float, size: int, classes: int) -> tuple[tuple[np.ndarray, np.ndarray], np.ndarray]:
    # Two clips of ten seconds per recording, frames of half a second, up to two events of each class.
    clips, frames, hop = 2, 20, 500_000
    generator = stream("world", "sounds")
    edges = np.arange(frames + 1) * hop
    total = size * clips
    there = np.repeat(generator.random((size, classes)) < np.linspace(0.5, 0.8, classes), clips, axis=0)
    hard = np.linspace(0.9, -0.7, classes)
    onset = generator.integers(0, 7, (total, classes)) + generator.integers(0, 2, (total, classes)) * 7
    last = np.minimum(onset + generator.integers(2, 7, (total, classes)), frames)
    frame = np.arange(frames)[None, :, None]
    active = there[:, None] & (frame >= onset[:, None]) & (frame < last[:, None])
    ease = np.repeat(generator.normal(0, 0.8, (size, 1, classes)), clips, axis=0)
    answers = []
    for moved in (shift, 0.0):
        own = np.repeat(generator.normal(0, 0.5, (size, 1, classes)), clips, axis=0)
        own = own + generator.normal(0, 0.6, (total, 1, classes))
        noise = 0.45 * generator.standard_normal((total, frames, classes))
        latent = np.where(active, 0.4 + hard + ease + own - moved, -1.2 + 0.7 * own) + noise
        made = np.empty(total, object)
        # Scores of a hundredth, as files hold them.
        rounded = np.clip(np.round(1 / (1 + np.exp(-latent)), 2), 0.01, 0.99)
        for i in range(total):
            made[i] = FrameScores(rounded[i], edges)
        answers.append(made)
    target = np.empty(total, object)
    for i in range(total):
        label = np.flatnonzero(there[i])
        target[i] = Events(onset[i, label] * hop, last[i, label] * hop, label, int(edges[-1]))
    both = (answers[0], answers[1])
    return both if shift else _exchanged(both, target)[0], target if shift else np.concatenate([target, target])


@lru_cache(maxsize=4)
def _around(shift: float, size: int, classes: int) -> tuple[tuple[np.ndarray, np.ndarray], np.ndarray]:
    """Two clips of three seconds per recording, in each up to two still sources of every class, all somewhere around.

    How well a source is found, how far off it is heard and how often a class is heard that is not there go by recording
    and class for both models alike, and by model.
    """
    clips, frames = 2, 30
    generator = stream("world", "around")
    total, spots = size * clips, 2 * classes
    there = np.repeat(generator.random((size, classes)) < np.linspace(0.35, 0.7, classes), clips, axis=0)
    held = np.concatenate([there, there & (generator.random((total, classes)) < 0.25)], axis=1)
    onset = generator.integers(0, 20, (total, spots))
    last = np.minimum(onset + generator.integers(4, 20, (total, spots)), frames)
    azimuth, elevation = generator.uniform(-180, 180, (total, spots)), generator.uniform(-40, 40, (total, spots))
    metres = generator.uniform(0.7, 4.0, (total, spots))
    frame = np.arange(frames)
    sounds = held[:, :, None] & (frame >= onset[:, :, None]) & (frame < last[:, :, None])
    ease = np.tile(np.repeat(generator.normal(0, 0.8, (size, classes)), clips, axis=0), 2)
    target = _tracked(sounds, azimuth[:, :, None], elevation, metres[:, :, None], classes)
    answers = []
    for moved in (shift, 0.0):
        own = np.tile(np.repeat(generator.normal(0, 0.5, (size, classes)), clips, axis=0), 2)
        sure = 0.9 + ease + own - 1.5 * moved + generator.normal(0, 0.8, (total, spots))
        found = held & (sure + generator.logistic(0, 0.6, (total, spots)) > 0)
        late = np.clip(onset + generator.integers(-3, 5, (total, spots)), 0, frames)
        early = np.clip(last + generator.integers(-4, 4, (total, spots)), 0, frames)
        wrong = ~held & (generator.random((total, spots)) < 0.12 * np.exp(0.5 * own + 0.5 * moved))
        spread = 9 * np.exp(-0.35 * (ease + own) + 0.6 * moved)
        turned = azimuth + spread * generator.standard_normal((total, spots))
        turned = turned[:, :, None] + 4 * generator.standard_normal((total, spots, frames))
        far = metres * np.exp((0.3 + 0.1 * moved) * generator.standard_normal((total, spots)))
        heard = (found | wrong)[:, :, None] & (frame >= late[:, :, None]) & (frame < early[:, :, None])
        answers.append(_tracked(heard, (turned + 180) % 360 - 180, elevation, far[:, :, None], classes))
    both = (answers[0], answers[1])
    return both if shift else _exchanged(both, target)[0], target if shift else np.concatenate([target, target])


def _tracked(
    sounds: np.ndarray, azimuth: np.ndarray, elevation: np.ndarray, metres: np.ndarray, classes: int
) -> np.ndarray:
    """`Tracks` of each clip from what sounds `[clip, spot, frame]`, a spot being a class's first or second source."""
    clip, spot, frame = np.nonzero(sounds)
    columns = (
        frame,
        spot % classes,
        spot // classes,
        np.broadcast_to(azimuth, sounds.shape)[clip, spot, frame],
        elevation[clip, spot],
        np.broadcast_to(metres, sounds.shape)[clip, spot, frame],
    )
    ends = np.searchsorted(clip, np.arange(len(sounds) + 1))
    made = np.empty(len(sounds), object)
    for i in range(len(sounds)):
        made[i] = Tracks(*(column[ends[i] : ends[i + 1]] for column in columns), None, sounds.shape[2])
    return made


def runs(made: World, recordings: np.ndarray, name: str, draws: int = 200) -> tuple[OpenRun, OpenRun]:
    """The data set as runs of the two models, never written: what a gate or a comparison is given.

    Figures that no sum gives are kept in `draws` bootstrap draws, as a real run keeps them.
    """
    groups = {"test": tuple(f"r{i:05d}" for i in range(len(recordings)))}
    key, labels = f"{made.family.output}/test/clean", made.family.labels
    clips = record.Counts(clips=made.clips * len(recordings), scored=made.clips * len(recordings))
    found = []
    for model in (0, 1):
        taken = made.take(recordings, model)
        kept = {}
        if taken.sample is not None:
            replicates, values = taken.replicates(Bootstrap(len(recordings), draws, f"{name}/test")), taken.values()
            kept = {("", m): (values[m], replicates[m]) for m in made.metrics if m in made.family.ranked}
        place = np.arange(len(recordings))
        cell = CellStatistics(
            "test", taken.sums, place, {}, np.full(len(place), made.clips), place.astype(np.uint64), drawn_figures(kept)
        )
        held = record.Cell(
            key=key,
            task=key.split("/")[0],
            split="test",
            metrics={},
            counts=clips,
            condition=record.Condition(kind="clean", name="clean"),
        )
        sums = Statistics(
            FAMILIES[made.name],
            made.options,
            labels,
            name,
            0,
            groups,
            {"test": {}},
            {key: cell},
            widths=(taken.sums.shape[1],),
            draws=draws,
        )
        found.append(OpenRun(Path("ab"[model]), made_record([held], name="ab"[model], index=name), sums))
    return found[0], found[1]
