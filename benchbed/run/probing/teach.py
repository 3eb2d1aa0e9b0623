"""Training a probe on the embeddings of a training split, choosing among settings, and keeping what was tried."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn

from benchbed.adapter.digests import digest_of
from benchbed.adapter.encoder import Encoder
from benchbed.adapter.heads import Head, Neighbours, keep_head
from benchbed.cache import cache_folder
from benchbed.code import closure
from benchbed.errors import ConfigError, DataError
from benchbed.run.probing.examples import fewer, held_out
from benchbed.run.probing.judged import judged
from benchbed.run.probing.linear import PLAIN, fit, loss_of, searched
from benchbed.run.probing.networks import GridPoint, Schedule, grid, normed_line, perceptron, train
from benchbed.run.probing.vectors import Vectors

if TYPE_CHECKING:
    import pandas as pd

    from benchbed.outputs.contract import Json

#: HEAR's and X-ARES's schedules.
HEAR = Schedule()
XARES = Schedule(rate=1e-3, epochs=10, batch=32, every=1, patience=11, end=0.1)
#: HEAR's setting where nothing can be chosen, and how long it is trained then.
PLAIN_POINT, PLAIN_EPOCHS = GridPoint(1, 1e-3, "uniform"), 100
#: Probes that ask neighbours: what they give is a probability, and they are asked about clips alone.
NEIGHBOURS = ("knn", "knn_xares")
#: Where each probe was published.
PUBLISHED = {
    "linear": "logistic regression, C searched as by Radford et al. 2021, A.3",
    "mlp": "hearbenchmark/hear-eval-kit 8559649",
    "xares": "jimbozhang/xares 161f0ef",
    "knn": "jimbozhang/xares 161f0ef, with the cosine that it names",
    "knn_xares": "jimbozhang/xares 161f0ef",
}


@dataclass(frozen=True)
class AskedProbe:
    """Which probe is to be trained on what.

    Attributes
    ----------
    probe : str
        `linear`, `mlp`, `xares` or `knn`.
    fraction : float
        Share of the training split.
    shots : int or None
        Clips of each class instead.
    draw : int
        Which of the random choices.
    validation : str
        Split that settings are chosen on; a part of the training split by default.
    neighbours : int
        Of `knn`.
    grid_points : int
        Settings of HEAR's grid that are tried.
    """

    probe: Head = "linear"
    fraction: float = 1.0
    shots: int | None = None
    draw: int = 0
    validation: str = ""
    neighbours: int = 10
    grid_points: int = 8


@dataclass(frozen=True)
class Lesson:
    """Embeddings with their classes.

    Attributes
    ----------
    table : DataFrame
        The clips.
    vectors : Vectors
    targets : np.ndarray [shape=(clip, class)]
        1 where a clip has a class.
    over_time : np.ndarray [shape=(vector, class)] or None
        The same for each moment, where events are known.
    split : str
        What it was taken from.
    """

    table: pd.DataFrame
    vectors: Vectors
    targets: np.ndarray
    over_time: np.ndarray | None
    split: str

    def of(self, clips: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Vectors and targets of some clips `[clip]`, bool."""
        rows = clips[self.vectors.clip]
        targets = self.targets[self.vectors.clip] if self.over_time is None else self.over_time
        return self.vectors.values[rows], targets[rows]


#: A pair of vectors and targets.
Pair = tuple[np.ndarray, np.ndarray]


def teach(
    asked: AskedProbe,
    lesson: Lesson,
    choosing: Lesson | None,
    labels: Sequence[str],
    encoder: Encoder,
    *,
    exclusive: bool,
    about: Mapping[str, Json],
) -> Path:
    """Train a probe, or find the one that was trained, and give its file.

    Parameters
    ----------
    asked : AskedProbe
    lesson : Lesson
        The training split.
    choosing : Lesson or None
        The split that settings are chosen on; None: a fifth of the recordings of each class of the training split.
    labels : sequence of str
        Classes in the order of the targets.
    encoder : Encoder
        Where the vectors come from.
    exclusive : bool
        One class is right for a clip.
    about : mapping
        What else the record is to say.

    Raises
    ------
    ConfigError
        A probe that does not go with the task, or settings that mean nothing.
    DataError
        A split without examples.
    """
    if asked.probe in NEIGHBOURS and lesson.over_time is not None:
        raise ConfigError(
            "neighbours are asked about clips, not about moments", hint="--set probe=linear, mlp or xares for events"
        )
    if asked.neighbours < 1 or not 1 <= asked.grid_points <= 16:
        raise ConfigError(
            f"neighbours={asked.neighbours}, grid_points={asked.grid_points}",
            hint="at least one neighbour; 1 to 16 points of the grid",
        )
    options = {"fraction": asked.fraction, "shots": asked.shots, "draw": asked.draw}
    rows = fewer(lesson.table, lesson.targets, labels, **options)  # type: ignore[arg-type]
    used = np.zeros(len(lesson.table), bool)
    used[rows] = True
    # What could not be read is no example.
    used &= np.isin(np.arange(len(used)), lesson.vectors.clip)
    if not used.any():
        raise DataError(f"no clip of '{lesson.split}' is left to learn from")
    code = closure("benchbed.run.probing.teach").digest
    with_what = [lesson.vectors.key, choosing.vectors.key if choosing is not None else "", lesson.split]
    targets = [digest_of(each.targets.tolist()) for each in (lesson, choosing) if each is not None]
    key = digest_of([asdict(asked), with_what, targets, list(labels), exclusive, dict(about), used.tolist(), code])
    place = cache_folder() / "probes" / f"{key}.safetensors"
    if place.is_file():
        return place
    learnt, looked_at, how = _parted(lesson, choosing, used, asked.draw)
    judge = "accuracy" if exclusive else "mean average precision"
    per_clip = max(1, round(len(lesson.of(used)[0]) / int(used.sum())))
    fitted = _Fitting(asked, learnt, looked_at, lesson.of(used), len(labels), exclusive, key, per_clip).made()
    counts = lesson.targets[used].sum(0)
    told: dict[str, Json] = {
        **about,
        "kind": asked.probe,
        "published": PUBLISHED[asked.probe],
        "width": encoder.width,
        "labels": list(labels),
        "scores": "probabilities" if asked.probe in NEIGHBOURS else "logits",
        "hop": encoder.hop,
        "vectors": encoder.source,
        "options": fitted.options,
        "split": lesson.split,
        "clips": int(used.sum()),
        "of": len(lesson.table),
        "recordings": int(lesson.table.loc[used, "group"].astype(str).nunique()),
        "examples": len(lesson.of(used)[0]),
        **options,
        "chosen_on": how,
        "chosen_by": judge,
        "tried": fitted.tried,
        "chosen": fitted.chosen,
        "absent": [label for label, count in zip(labels, counts) if not count],
        "skipped": list(lesson.vectors.skipped[:20]),
        "skipped_clips": len(lesson.vectors.skipped),
    }
    place.parent.mkdir(parents=True, exist_ok=True)
    keep_head(place, fitted.head, told)
    return place


def _parted(lesson: Lesson, choosing: Lesson | None, used: np.ndarray, draw: int) -> tuple[Pair, Pair | None, str]:
    """Examples to learn from, those to choose on, and where these are from in words."""
    if choosing is not None:
        shared = set(choosing.table["group"].astype(str)) & set(lesson.table.loc[used, "group"].astype(str))
        if shared:
            raise ConfigError(
                f"'{choosing.split}' shares {len(shared)} recordings with '{lesson.split}', e.g. {sorted(shared)[0]}",
                hint="settings are chosen on recordings that are not learnt from; leave `validation` out",
            )
        known = np.isin(np.arange(len(choosing.table)), choosing.vectors.clip)
        return lesson.of(used), choosing.of(known), f"the split {choosing.split}"
    rows = np.flatnonzero(used)
    mask = held_out(lesson.table["group"].astype(str).iloc[rows].tolist(), lesson.targets[rows], draw)
    if mask is None or not mask.any() or mask.all():
        return lesson.of(used), None, "nothing: a class has all its clips in one recording"
    held = np.zeros(len(used), bool)
    held[rows[mask]] = True
    return lesson.of(used & ~held), lesson.of(held), "a fifth of the recordings of each class of the training split"


@dataclass(frozen=True)
class _Made:
    head: nn.Module
    options: dict[str, Json]
    tried: list[Json]
    chosen: dict[str, Json]


@dataclass(frozen=True)
class _Fitting:
    """One probe: what it learns from, what it is chosen on, and all of both together."""

    asked: AskedProbe
    learnt: Pair
    looked_at: Pair | None
    whole: Pair
    classes: int
    exclusive: bool
    key: str
    #: Vectors of a clip: batches of so many clips have so many times more of them.
    per_clip: int

    def made(self) -> _Made:
        ways: dict[str, Callable[[], _Made]] = {
            "linear": self._linear,
            "mlp": self._perceptron,
            "xares": self._normed,
            **dict.fromkeys(NEIGHBOURS, self._neighbours),
        }
        return ways[self.asked.probe]()

    def _score(self, scores: np.ndarray) -> float:
        assert self.looked_at is not None
        return judged(scores, self.looked_at[1], exclusive=self.exclusive)

    def _look(self) -> Callable[[nn.Module], float] | None:
        if self.looked_at is None:
            return None
        held = torch.from_numpy(self.looked_at[0])

        def look(head: nn.Module) -> float:
            with torch.no_grad():
                return self._score(head(held).numpy())

        return look

    def _linear(self) -> _Made:
        tried: list[Json] = []
        c = PLAIN
        if self.looked_at is not None:
            held, wanted = self.looked_at

            def score(strength: float) -> tuple[float, float]:
                made = fit(*self.learnt, strength, exclusive=self.exclusive).scores(held)
                return self._score(made), loss_of(made, wanted, exclusive=self.exclusive)

            c, found = searched(score)
            tried = [dict(each._asdict()) for each in found]
        final = fit(*self.whole, c, exclusive=self.exclusive)
        head = nn.Linear(self.whole[0].shape[1], self.classes)
        with torch.no_grad():
            head.weight.copy_(torch.from_numpy(final.weights))
            head.bias.copy_(torch.from_numpy(final.intercepts))
        return _Made(head, {}, tried, {"c": c, "converged": final.converged})

    def _perceptron(self) -> _Made:
        width = self.whole[0].shape[1]
        if self.looked_at is None:
            make_plain = perceptron(width, self.classes, PLAIN_POINT)
            plain = Schedule(epochs=PLAIN_EPOCHS)
            trained = train(make_plain, *self.whole, plain, None, exclusive=self.exclusive, name=self.key)
            return _Made(
                trained.head, {"layers": PLAIN_POINT.layers}, [], {**asdict(PLAIN_POINT), "epochs": PLAIN_EPOCHS}
            )
        tried: list[Json] = []
        best = None
        for point in grid(self.asked.grid_points):
            make, schedule = perceptron(width, self.classes, point), Schedule(rate=point.rate)
            one = train(
                make, *self.learnt, schedule, self._look(), exclusive=self.exclusive, name=f"{self.key} {point}"
            )
            tried.append({**asdict(point), "epochs": one.epochs, "score": one.score})
            if best is None or (one.score or 0.0) > (best[1].score or 0.0):
                best = point, one
        assert best is not None
        point, one = best
        return _Made(one.head, {"layers": point.layers}, tried, {**asdict(point), "epochs": one.epochs})

    def _normed(self) -> _Made:
        make = normed_line(self.whole[0].shape[1], self.classes)
        schedule = replace(XARES, batch=XARES.batch * self.per_clip)
        examples = self.whole if self.looked_at is None else self.learnt
        one = train(make, *examples, schedule, self._look(), exclusive=self.exclusive, name=self.key)
        chosen: dict[str, Json] = {"rate": schedule.rate, "epochs": one.epochs}
        tried: list[Json] = [] if one.score is None else [{**chosen, "score": one.score}]
        return _Made(one.head, {}, tried, chosen)

    def _neighbours(self) -> _Made:
        chosen: dict[str, Json] = {"neighbours": min(self.asked.neighbours, len(self.whole[0]))}
        tried: list[Json] = []
        look = self._look()
        if look is not None:
            tried = [{**chosen, "score": look(self._bank(self.learnt))}]
        head = self._bank(self.whole)
        return _Made(head, {"bank": len(head.bank), "neighbours": self.asked.neighbours}, tried, chosen)

    def _bank(self, examples: Pair) -> Neighbours:
        bank, targets = (torch.from_numpy(np.ascontiguousarray(each)) for each in examples)
        return Neighbours(bank, targets, self.asked.neighbours, 0 if self.asked.probe == "knn_xares" else 1)
