"""From a model's scores in its own classes to probabilities in the dataset's classes, in the dataset's order.

Which class means which label is decided once, before the first clip, from names alone: equal names, names equal but for
case and separators, or an explicit map. Everything decided is kept for the record. A model whose labels are listed in
the wrong order looks right from here; `check` looks for that.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np

from benchbed.card import Card
from benchbed.errors import AdapterError, did_you_mean
from benchbed.outputs.contract import Heard, Json, Reading

#: How far the probabilities of one clip may sum away from one; float16 models reach a few thousandths.
SUM_TOLERANCE = 1e-2


@dataclass(frozen=True)
class Match:
    """One dataset label and the model classes that mean it.

    Attributes
    ----------
    label : str
        Label of the dataset.
    classes : tuple of str
        Labels of the model; the largest of their scores counts.
    how : str
        `exact`, `normalised` (equal but for case, spaces, hyphens, commas and underscores) or `map` (the card's
        `label_map`).
    """

    label: str
    classes: tuple[str, ...]
    how: Literal["exact", "normalised", "map"]


@dataclass(frozen=True)
class Alignment(Reading):
    """How scores in model classes become probabilities of dataset labels; made by `alignment_of`.

    Attributes
    ----------
    matches : tuple of Match
        One per dataset label, in the dataset's order.
    columns : tuple of tuple of int
        Model class numbers of each match.
    card : Card
        The model's card.
    task : str
        `scene`, `tags` or `frames`: what the dataset asks.
    """

    matches: tuple[Match, ...]
    columns: tuple[tuple[int, ...], ...]
    card: Card
    task: str

    def check(self, raw: object, clips: int, heard: Heard) -> np.ndarray:
        """Scores `[clip, model class]` of a batch."""
        scores = np.asarray(raw)
        expected = (clips, len(self.card.labels))
        if scores.shape != expected or scores.dtype.kind != "f":
            raise AdapterError(
                f"predict returned {scores.dtype} {list(scores.shape)}, expected float {list(expected)}: "
                f"{expected[0]} clips × {expected[1]} classes of the card",
                hint="run `benchbed check` on the adapter",
            )
        return scores

    def answers(self, raw: np.ndarray, heard: Sequence[Heard]) -> np.ndarray:
        """Probabilities of the dataset's labels `[clip, class]`; see `apply`."""
        return self.apply(raw)

    def usable(self, raw: np.ndarray) -> np.ndarray:
        """Which clips have scores that mean something: no NaN, no +∞, and −∞ only beside a finite logit or log.

        Parameters
        ----------
        raw : np.ndarray [shape=(clip, …, class)]

        Returns
        -------
        np.ndarray [shape=(clip,), bool]
        """
        flat = np.asarray(raw).reshape(len(raw), -1)
        finite = np.isfinite(flat)
        if self.card.scores == "probabilities" or finite.all():
            return finite.all(1)
        return ~np.isnan(flat).any(1) & ~np.isposinf(flat).any(1) & finite.any(1)

    def apply(self, scores: np.ndarray) -> np.ndarray:
        """Probabilities of the dataset's labels.

        On a scene task, logits of a scene model go through a softmax over the dataset's classes, in float64;
        probabilities of a scene model stay as they are, divided by their sum where the model has other classes too. The
        independent probabilities of a tagger are divided by their sum. If the model gives no probability to any class
        of the dataset, each gets the same. On a tags or frames task the probabilities stay independent.

        Parameters
        ----------
        scores : np.ndarray [shape=(clip, …, model class)]
            What `predict` returned, as the card's `scores` says.

        Returns
        -------
        np.ndarray [shape=(clip, …, dataset class), float32 or float64]
            Probabilities of the model as it gave them, in its type; float64 where they were computed here, since in
            float32 every logit above 17 is a probability of one, and ranks are gone.

        Raises
        ------
        AdapterError
            Another number of classes than the card's, NaN or infinite scores, or values that are not what the card
            calls them: probabilities below zero, above one or (scene) not summing to one, logarithms above zero.

        Examples
        --------
        >>> card = Card(name="t", family="cnn", output="scene", labels=("tram", "bus", "car"), sample_rate=8000)
        >>> alignment_of(card, ("bus", "tram")).apply(np.log([[0.6, 0.2, 0.2]])).round(3).tolist()
        [[0.25, 0.75]]
        """
        scores = np.asarray(scores)
        if scores.ndim < 2 or scores.shape[-1] != len(self.card.labels):
            raise AdapterError(
                f"predict returned scores of shape {list(scores.shape)}; the last axis must be the "
                f"{len(self.card.labels)} classes of the card",
                hint="run `benchbed check` on the adapter",
            )
        if len(scores) == 0:
            return np.empty((*scores.shape[:-1], len(self.matches)))
        unusable = int((~self.usable(scores)).sum())
        if unusable:
            raise AdapterError(f"predict returned NaN or infinite scores for {unusable} of {len(scores)} clips")
        if self.card.scores == "probabilities" and (self.task != "scene" or self._as_they_are):
            self._values_are(scores.astype(np.float64))
            single = scores.astype(np.float32) if scores.dtype.itemsize < 4 else scores
            return self._largest(single).clip(0.0, 1.0)
        chosen = self._largest(self._logarithms(scores.astype(np.float64)))
        if self.task != "scene" or self._as_they_are:
            return np.exp(chosen)
        top = chosen.max(-1, keepdims=True)
        nothing = top == -np.inf
        if nothing.any():
            weights = np.where(nothing, 1.0, np.exp(chosen - np.where(nothing, 0.0, top)))
        else:
            weights = np.exp(chosen - top)
        return weights / weights.sum(-1, keepdims=True)

    def describe(self) -> dict[str, Json]:
        """What was decided, as JSON can hold it.

        Examples
        --------
        >>> card = Card(name="t", family="cnn", output="scene", labels=("Tram", "bus"), sample_rate=8000)
        >>> alignment_of(card, ("bus", "tram")).describe()["matches"][1]
        {'label': 'tram', 'classes': ['Tram'], 'how': 'normalised'}
        """
        used = {column for columns in self.columns for column in columns}
        unused = [label for index, label in enumerate(self.card.labels) if index not in used]
        return {
            "task": self.task,
            "model_output": self.card.output,
            "model_scores": self.card.scores,
            "matches": [{"label": m.label, "classes": list(m.classes), "how": m.how} for m in self.matches],
            "reordered": [columns[0] for columns in self.columns] != list(range(len(self.columns))),
            "model_classes": len(self.card.labels),
            "unused_classes": len(unused),
            "unused_examples": unused[:10],
            "normalised_over_dataset": self.task == "scene" and not self._as_they_are,
        }

    @cached_property
    def _as_they_are(self) -> bool:
        """Whether the model's own distribution is already one over the dataset's labels."""
        one_each = sorted(column for columns in self.columns for column in columns) == list(
            range(len(self.card.labels))
        )
        single = self._one_column is not None
        return self.distribution and self.card.scores != "logits" and one_each and single

    @cached_property
    def _one_column(self) -> np.ndarray | None:
        """The model class of each label, where every label has but one."""
        if any(len(columns) != 1 for columns in self.columns):
            return None
        return np.array([columns[0] for columns in self.columns], np.intp)

    @property
    def distribution(self) -> bool:
        """Whether the model's own scores are one distribution over its classes, not a probability of each."""
        return self.card.output == "scene"

    def _logarithms(self, scores: np.ndarray) -> np.ndarray:
        """Logits of a scene model as they are, anything else as logarithms of probabilities."""
        if self.card.scores == "logits":
            if not self.distribution:
                return -np.logaddexp(0.0, -scores)
            if self.task == "scene":
                return scores
            top = scores.max(-1, keepdims=True)
            return scores - top - np.log(np.exp(scores - top).sum(-1, keepdims=True))
        self._values_are(scores)
        if self.card.scores == "probabilities":
            with np.errstate(divide="ignore"):
                return np.log(scores.clip(0.0, 1.0))
        return scores

    def _values_are(self, scores: np.ndarray) -> None:
        """Refuse values that are not the probabilities, or logarithms of them, that the card announces."""
        total = scores
        if self.card.scores == "probabilities":
            low, high = scores.min(), scores.max()
            if low < -1e-6 or high > 1 + 1e-4:
                raise AdapterError(
                    f"the card says probabilities, but predict returned {low:.4g} … {high:.4g}",
                    hint="set scores='logits' on the card, or return values between 0 and 1",
                )
        else:
            if scores.max() > 1e-4:
                raise AdapterError(
                    f"the card says log_probabilities, but predict returned values up to {scores.max():.4g}",
                    hint="set scores='logits' on the card, or return logarithms of probabilities",
                )
            total = np.exp(scores)
        if self.distribution:
            total = total.sum(-1)
            worst = float(total.flat[np.abs(total - 1).argmax()])
            if abs(worst - 1) > SUM_TOLERANCE:
                raise AdapterError(
                    f"the probabilities of a clip sum to {worst:.4g}, not 1",
                    hint="for independent probabilities (sigmoid) set output='tags' on the card; for scores before the "
                    "softmax scores='logits'",
                )

    def _largest(self, scores: np.ndarray) -> np.ndarray:
        if self._one_column is not None:
            return scores[..., self._one_column]
        return np.stack([scores[..., list(columns)].max(-1) for columns in self.columns], axis=-1)


def alignment_of(card: Card, labels: Sequence[str], task: str = "scene") -> Alignment:
    """Decide which model classes mean which dataset label.

    The card's `label_map` decides first; then equal names; then names that are equal but for case, spaces, hyphens,
    commas and underscores. `urban park` and `park` are different labels unless a map says otherwise.

    Parameters
    ----------
    card : Card
        With the model's `labels` in the order of its scores, and its `label_map`.
    labels : sequence of str
        Labels of the dataset, in its order.
    task : str
        `scene` (one label per clip), `tags` (several) or `frames` (several at every moment, from a model that gives
        frames, or that tags windows of a fixed length).

    Raises
    ------
    AdapterError
        A label without a class, several labels that mean one class, a map that names classes the model lacks, labels
        twice, or an output kind that has no class scores per clip.

    Examples
    --------
    >>> card = Card(name="t", family="cnn", output="scene", labels=("tram", "bus"), sample_rate=8000)
    >>> alignment_of(card, ("bus", "tram")).columns
    ((1,), (0,))
    """
    refuse_output(card, task)
    for owner, names in ((f"the card of {card.name}", card.labels), ("the dataset", labels)):
        doubled = sorted({name for name in names if list(names).count(name) > 1})
        if doubled:
            raise AdapterError(f"{owner} lists labels twice: {', '.join(doubled[:5])}")
    own = _Names(card.labels)
    mapped = _Names(tuple(card.label_map))
    matches, missing = [], []
    for label in labels:
        key = mapped.find(label)
        if key is not None:
            matches.append(Match(label, _mapped_classes(card, own, label, card.label_map[key]), "map"))
            continue
        class_name = own.find(label)
        if class_name is None:
            missing.append(label)
        else:
            matches.append(Match(label, (class_name,), "exact" if class_name == label else "normalised"))
    if missing:
        raise _unmatched(card, labels, matches, missing)
    # A map may give two tags one class, since tags have ancestors; of scenes only one can be right.
    shared = _first_shared([match for match in matches if task == "scene" or match.how != "map"])
    if shared:
        raise AdapterError(f"{card.name}: the labels {shared[0]} and {shared[1]} would get the same score")
    position = {label: index for index, label in enumerate(card.labels)}
    columns = tuple(tuple(position[name] for name in match.classes) for match in matches)
    return Alignment(tuple(matches), columns, card, task)


def beside(card: Card, labels: Sequence[str], task: str = "scene") -> tuple[str, ...]:
    """Classes of a model that no label of the dataset means.

    A scene model that answers one of them is wrong; cut down to the dataset's classes, it could not have been.

    Parameters
    ----------
    card, labels, task
        As in `alignment_of`.

    Returns
    -------
    tuple of str
        In the card's order. None for tags and frames, whose classes are judged one by one, and for a tagger on scenes,
        whose other classes are no other answers.

    Examples
    --------
    >>> card = Card(name="t", family="cnn", output="scene", labels=("tram", "bus", "car"), sample_rate=8000)
    >>> beside(card, ("bus", "tram"))
    ('car',)
    """
    if task != "scene" or card.output != "scene":
        return ()
    used = {column for columns in alignment_of(card, labels, task).columns for column in columns}
    return tuple(label for index, label in enumerate(card.labels) if index not in used)


def refuse_output(card: Card, task: str, offered: Sequence[str] = ()) -> None:
    """Refuse a model whose output says nothing about a task.

    Parameters
    ----------
    card : Card
        Of the model.
    task : str
        As in `alignment_of`.
    offered : sequence of str
        Outputs that the adapter has an option for, which the hint then names.

    Raises
    ------
    AdapterError
        The output is of another kind.
    """
    wanted: tuple[str, ...]
    if task == "frames":
        if card.output == "frames" or (card.output == "tags" and card.clip_seconds):
            return
        wanted, needed = ("frames",), "frames, or tags of windows of a fixed length (clip_seconds)"
        other = "an option of the adapter that gives frames"
    else:
        if card.output in ("scene", "tags"):
            return
        wanted, needed = (task, "tags", "scene"), "scene or tags"
        other = "an option of the adapter that gives clip scores"
    if card.output == "embedding":
        other = "--set probe=linear, which trains a layer on them"
    hint = next((f"--set output={kind}" for kind in wanted if kind in offered), f"choose another suite, or {other}")
    raise AdapterError(
        f"{card.name} gives {card.output}; a {task} task needs a model whose output is {needed}", hint=hint
    )


def align(scores: np.ndarray, card: Card, labels: Sequence[str], task: str = "scene") -> np.ndarray:
    """Probabilities of the dataset's labels from a model's scores: `alignment_of` and `Alignment.apply` in one."""
    return alignment_of(card, labels, task).apply(scores)


def normalised(label: str) -> str:
    """A label without case, separators and compatibility forms.

    Examples
    --------
    >>> normalised("Shopping_Mall") == normalised("shopping mall")
    True
    >>> normalised("Dishes_pots_and_pans") == normalised("Dishes, pots, and pans")
    True
    """
    text = unicodedata.normalize("NFKC", label).casefold()
    return " ".join("".join(" " if char in "_-/," else char for char in text).split())


class _Names:
    """Names that are found exactly first, then by their normalised form if that is one name's only."""

    def __init__(self, names: Sequence[str]) -> None:
        self.exact = set(names)
        self.loose: dict[str, list[str]] = {}
        for name in names:
            self.loose.setdefault(normalised(name), []).append(name)

    def find(self, label: str) -> str | None:
        if label in self.exact:
            return label
        close = self.loose.get(normalised(label), [])
        return close[0] if len(close) == 1 else None


def _mapped_classes(card: Card, own: _Names, label: str, meant: Sequence[str]) -> tuple[str, ...]:
    classes = []
    for name in (meant,) if isinstance(meant, str) else meant:
        found = own.find(name)
        if found is None:
            hint = did_you_mean(name, card.labels) or f"its classes begin with {', '.join(card.labels[:5])}"
            raise AdapterError(f"'{label}' is mapped to '{name}', which {card.name} lacks", hint=hint)
        if found not in classes:
            classes.append(found)
    return tuple(classes)


def _first_shared(matches: Sequence[Match]) -> tuple[str, str] | None:
    seen: dict[frozenset[str], str] = {}
    for match in matches:
        classes = frozenset(match.classes)
        if classes in seen:
            return seen[classes], match.label
        seen[classes] = match.label
    return None


def _unmatched(card: Card, labels: Sequence[str], matches: Sequence[Match], missing: Sequence[str]) -> AdapterError:
    used = {name for match in matches for name in match.classes}
    left = [name for name in card.labels if name not in used]
    guesses = [(label, did_you_mean(label, left)) for label in missing]
    close = [f"for {label}, {guess}" for label, guess in guesses if guess]
    hint = "map the labels: label_map on the card or in the suite, dataset label → model classes"
    if "clip_id" in card.side_information and not left:
        hint = "for classes that the stored outputs never name: --set labels=FILE, or all names separated by commas"
    return AdapterError(
        f"{card.name} has no class for {len(missing)} of {len(labels)} labels: {_few(missing)}; "
        f"its classes that no label uses: {_few(left) or 'none'}",
        hint=f"{'; '.join(close[:3])}\n{hint}" if close else hint,
    )


def _few(names: Sequence[str], limit: int = 6) -> str:
    more = f" and {len(names) - limit} more" if len(names) > limit else ""
    return ", ".join(names[:limit]) + more
