"""Several metric families over the same clips, as one: a detector is seldom judged by one way of counting."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace

import numpy as np

from benchbed.errors import ConfigError
from benchbed.metrics.contract import Family, LabelledTable, Sample
from benchbed.stats.jackknife import Jackknife


class Joint(Family):
    """A main family, whose names stay, and others whose metrics get a name before theirs: `event_macro_f1`.

    Parameters
    ----------
    main : Family
        Gives the default primary metric and the class counts.
    others : mapping of str to Family
        Name → family over the same classes and the same kind of output.
    widths : sequence of int, optional
        Number of statistics of each family, where sums are read that were made elsewhere.

    Raises
    ------
    ConfigError
        Families of different outputs or classes, or two metrics of one name.

    Examples
    --------
    >>> from benchbed.metrics.families.tagging import family
    >>> made = Joint(family(("dog", "rain")), {"strict": family(("dog", "rain"), threshold=0.9)})
    >>> sums = made.statistics(np.array([[0.6, 0.1]]), np.array([[1.0, 0.0]])).sum(0)
    >>> float(made.values(sums)["micro_f1"]), float(made.values(sums)["strict_micro_f1"])
    (1.0, 0.0)
    """

    def __init__(self, main: Family, others: Mapping[str, Family], widths: Sequence[int] = ()) -> None:
        self.main, self._parts = main, {"": main, **{f"{name}_": family for name, family in others.items()}}
        for name, family in others.items():
            if (family.output, family.labels) != (main.output, main.labels):
                raise ConfigError(f"the metrics '{name}' are about {family.output}, the main ones about {main.output}")
        self.output, self.primary, self.labels = main.output, main.primary, main.labels
        self.metrics = self._named("metrics")
        self.class_metrics = self._named("class_metrics")
        self.ranked = frozenset(prefix + name for prefix, part in self.parts.items() for name in part.ranked)
        self.jackknifed = frozenset(prefix + name for prefix, part in self.parts.items() for name in part.jackknifed)
        self.widths: list[int] = list(widths)

    @property
    def parts(self) -> Mapping[str, Family]:
        """The main family and the others."""
        return self._parts

    def mapped(self, change: Callable[[Family], Family]) -> Family:
        """The families joined again, each of them changed."""
        others = {prefix.removesuffix("_"): part.mapped(change) for prefix, part in self.parts.items() if prefix}
        return Joint(self.main.mapped(change), others)

    def _named(self, attribute: str) -> dict:
        found: dict = {}
        for prefix, part in self.parts.items():
            for name, info in getattr(part, attribute).items():
                if prefix + name in found:
                    raise ConfigError(f"two metrics are called '{prefix + name}'", hint="give the others another name")
                # Of two families that count F1, the title must say which is meant.
                own = f"{info.title} ({prefix.removesuffix('_').replace('_', ' ')})"
                found[prefix + name] = replace(info, title=own) if prefix else info
        return found

    def statistics(self, scores: np.ndarray, target: np.ndarray) -> np.ndarray:
        """Statistics of all families side by side, `[clip, statistic]`."""
        return self._together([part.statistics(scores, target) for part in self.parts.values()])

    def grouped(self, scores: np.ndarray, target: np.ndarray, group: np.ndarray, groups: int) -> np.ndarray:
        """Statistics summed over the clips of each group, `[group, statistic]`."""
        return self._together([part.grouped(scores, target, group, groups) for part in self.parts.values()])

    def context(self, scores: np.ndarray, target: np.ndarray) -> Family:
        """The families told of all clips, with one memory of their widths."""
        told = {prefix: part.context(scores, target) for prefix, part in self.parts.items()}
        if all(told[prefix] is part for prefix, part in self.parts.items()):
            return self
        joint = Joint(told[""], {prefix.removesuffix("_"): part for prefix, part in told.items() if prefix})
        joint.widths = self.widths
        return joint

    def _together(self, rows: list[np.ndarray]) -> np.ndarray:
        self.widths[:] = [part.shape[1] for part in rows]
        return np.concatenate(rows, axis=1)

    def _split(self, sums: np.ndarray) -> list[tuple[str, Family, np.ndarray]]:
        if sum(self.widths) != sums.shape[-1]:
            raise ValueError(f"{sums.shape[-1]} statistics, but these families have {self.widths}")
        ends = np.cumsum(self.widths)
        return [
            (prefix, part, sums[..., end - width : end])
            for (prefix, part), end, width in zip(self.parts.items(), ends, self.widths)
        ]

    def values(self, sums: np.ndarray) -> dict[str, np.ndarray]:
        """Values of all families."""
        return {prefix + k: v for prefix, part, mine in self._split(sums) for k, v in part.values(mine).items()}

    def some_values(self, sums: np.ndarray, names: Collection[str]) -> dict[str, np.ndarray]:
        """The values that are asked for, of the families that have one of them."""
        found: dict[str, np.ndarray] = {}
        for prefix, part, mine in self._split(sums):
            if asked := {name for name in part.metrics if prefix + name in names}:
                found |= {prefix + name: value for name, value in part.some_values(mine, asked).items()}
        return found

    def some_per_class(self, sums: np.ndarray, names: Collection[str]) -> dict[str, np.ndarray]:
        """The values of each class that are asked for, of the families that have one of them."""
        found: dict[str, np.ndarray] = {}
        for prefix, part, mine in self._split(sums):
            if asked := {name for name in part.class_metrics if prefix + name in names}:
                found |= {prefix + name: value for name, value in part.some_per_class(mine, asked).items()}
        return found

    def per_class(self, sums: np.ndarray) -> dict[str, np.ndarray]:
        """Values of each class, of all families."""
        return {prefix + k: v for prefix, part, mine in self._split(sums) for k, v in part.per_class(mine).items()}

    def class_counts(self, sums: np.ndarray) -> np.ndarray:
        """Class counts of the main family."""
        return self.main.class_counts(self._split(sums)[0][2])

    def reasons(self, sums: np.ndarray) -> dict[str, str]:
        """Why metrics are undefined, of all families."""
        return {prefix + k: v for prefix, part, mine in self._split(sums) for k, v in part.reasons(mine).items()}

    def notes(self, sums: np.ndarray) -> dict[str, str]:
        """What else must be known, of all families."""
        return {prefix + k: v for prefix, part, mine in self._split(sums) for k, v in part.notes(mine).items()}

    def jackknives(self, rows: np.ndarray, level: float = 0.95) -> dict[str, Jackknife]:
        """Jackknives of all families."""
        return {
            prefix + k: v for prefix, part, mine in self._split(rows) for k, v in part.jackknives(mine, level).items()
        }

    def sample(self, scores: np.ndarray, target: np.ndarray, row: np.ndarray, rows: int) -> Sample | None:
        """The clips of every family that ranks them."""
        made = {prefix: part.sample(scores, target, row, rows) for prefix, part in self.parts.items()}
        held = {prefix: sample for prefix, sample in made.items() if sample is not None}
        return _Samples(held) if held else None

    def tables(self, scores: np.ndarray, target: np.ndarray, sums: np.ndarray) -> dict[str, LabelledTable]:
        """Tables of all families."""
        return {
            prefix + k: v
            for prefix, part, mine in self._split(sums)
            for k, v in part.tables(scores, target, mine).items()
        }

    def tables_of(
        self, sample: Sample | None, scores: np.ndarray, target: np.ndarray, sums: np.ndarray
    ) -> dict[str, LabelledTable]:
        """Tables of all families, each with its own sample."""
        held = sample.parts if isinstance(sample, _Samples) else {}
        return {
            prefix + k: v
            for prefix, part, mine in self._split(sums)
            for k, v in part.tables_of(held.get(prefix), scores, target, mine).items()
        }


class _Samples(Sample):
    """Samples of several families over the same clips."""

    def __init__(self, parts: Mapping[str, Sample]) -> None:
        self.parts = parts

    def scores(self, weights: np.ndarray) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
        values: dict[str, np.ndarray] = {}
        each: dict[str, np.ndarray] = {}
        for prefix, part in self.parts.items():
            found, per_class = part.scores(weights)
            values |= {prefix + name: value for name, value in found.items()}
            each |= {prefix + name: value for name, value in per_class.items()}
        return values, each
