"""The family behind every year's rules: figures of the rule, and beside them those of the year's official script."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Literal

import numpy as np

from benchbed.errors import CannotMeasure, ConfigError
from benchbed.metrics.contract import Family, MetricInfo
from benchbed.metrics.seld import figures
from benchbed.metrics.seld.counting import counted, read, width
from benchbed.metrics.seld.decision import TrackDecision
from benchbed.metrics.seld.rules import SeldRule
from benchbed.outputs.tracks.recording import Tracks
from benchbed.stats.jackknife import Jackknife, jackknife

By = Literal["benchbed", "official", "both"]
Interval = Literal["bootstrap", "jackknife"]

#: Rows of references and outputs that are paired at once.
BLOCK = 100_000

#: The decision of the challenge's baselines.
BASELINES = TrackDecision()

#: Before the names of the official script's figures where both are made.
OFFICIAL = "official_"


def seld(
    labels: Sequence[str], make: Callable[[bool], SeldRule], by: By, interval: Interval | None, decided: TrackDecision
) -> Seld:
    """The family of a year.

    Parameters
    ----------
    labels : sequence of str
        Class names, in the dataset's order.
    make : callable
        The rule, and the rule as the script has it.
    by : {"benchbed", "official", "both"}
        Whose figures: the rule's, the script's, or the rule's with the script's beside them where there is a script.
    interval : {"bootstrap", "jackknife"}, optional
        Intervals over all recordings; those of a script are the challenge's jackknife, others the bootstrap's.
    decided : TrackDecision
        How activities of a network become sources.

    Raises
    ------
    ConfigError
        Labels or options that do not fit.
    """
    if by not in ("benchbed", "official", "both"):
        raise ConfigError(f"unknown rule '{by}'", hint="benchbed, official or both")
    if interval not in (None, "bootstrap", "jackknife"):
        raise ConfigError(f"unknown interval '{interval}'", hint="bootstrap or jackknife")
    if len(decided.thresholds) not in (1, len(labels)):
        raise ConfigError(f"{len(decided.thresholds)} thresholds for {len(labels)} classes")
    rule = replace(make(by == "official"), decided=decided.name)
    if by == "official":
        return Seld(tuple(labels), rule, None, interval or "jackknife", decided)
    script = rule.as_official() if by == "both" else None
    return Seld(tuple(labels), rule, script, interval or "bootstrap", decided)


class Seld(Family):
    """Figures of recordings, from `Tracks` of outputs and references, one object per recording."""

    output = "tracks"

    def __init__(
        self,
        labels: tuple[str, ...],
        rule: SeldRule,
        script: SeldRule | None,
        interval: Interval = "bootstrap",
        decided: TrackDecision = BASELINES,
    ) -> None:
        if not labels or len(set(labels)) != len(labels):
            raise ConfigError(f"localisation of sound events needs different classes, not {list(labels)}")
        self.labels, self.rule, self.script, self.decision = labels, rule, script, decided
        made, self.class_metrics = figures.infos(rule)
        self.metrics = dict(made)
        if script is not None:
            twins, _ = figures.infos(script)
            self.metrics |= {f"{OFFICIAL}{name}": _scripted(info) for name, info in twins.items()}
        self.jackknifed = frozenset(
            name for name in self.metrics if interval == "jackknife" or name.startswith(OFFICIAL)
        )
        self.primary = f"{figures.averages(rule)[0]}_{'f20' if rule.year == 2025 else 'seld'}"
        self._width = width(len(labels))

    def statistics(self, scores: np.ndarray, target: np.ndarray) -> np.ndarray:
        """Counters of each recording, `[recording, statistic]` float64: the rule's, then the script's.

        Parameters
        ----------
        scores, target : np.ndarray [shape=(recording,), object]
            `Tracks` of each recording's output and reference; of undecided outputs the thresholds take what sounds.
        """
        rules = [rule for rule in (self.rule, self.script) if rule is not None]
        classes = len(self.labels)
        parts = [
            np.concatenate([counted(target[part], said, classes, rule) for rule in rules], axis=1)
            for part in _blocks(scores, target)
            for said in [self.decision.apply(scores[part], classes)]
        ]
        return np.concatenate(parts)

    def values(self, sums: np.ndarray) -> dict[str, np.ndarray]:
        """Every metric from summed statistics `[..., statistic]`; NaN without recordings."""
        classes = len(self.labels)
        made = figures.values(read(sums[..., : self._width], classes), self.rule)
        if self.script is not None:
            twins = figures.values(read(sums[..., self._width :], classes), self.script)
            made |= {f"{OFFICIAL}{name}": value for name, value in twins.items()}
        return made

    def per_class(self, sums: np.ndarray) -> dict[str, np.ndarray]:
        """Values of each class, `[..., class]`."""
        return figures.per_class(read(sums[..., : self._width], len(self.labels)), self.rule)

    def class_counts(self, sums: np.ndarray) -> np.ndarray:
        """Sources of each class in the reference, counted in the rule's units, `[..., class]`."""
        return read(sums[..., : self._width], len(self.labels)).reference

    def reasons(self, sums: np.ndarray) -> dict[str, str]:
        """Why a metric is undefined for the statistics `[statistic]`."""
        undefined = {**self.values(sums), **self.per_class(sums)}
        own, twin = (self._why(sums[part], rule) for part, rule in self._parts())
        return {
            name: twin if name.startswith(OFFICIAL) else own
            for name, value in undefined.items()
            if np.isnan(value).any()
        }

    def notes(self, sums: np.ndarray) -> dict[str, str]:
        """By how much the official script's figure differs from the rule's, and what was left out or taken for empty.

        For the statistics `[statistic]`.
        """
        counts = read(sums[: self._width], len(self.labels))
        said = []
        if counts.unanswered:
            said.append(f"{int(counts.unanswered)} recordings without an answer count as empty")
        if counts.beyond:
            said.append(f"{int(counts.beyond)} rows of outputs after the end of their recording were left out")
        values = {name: float(value) for name, value in self.values(sums).items()}
        made = {}
        for name, value in values.items():
            if name.startswith(OFFICIAL):
                continue
            told = [*self._beside(value, values[f"{OFFICIAL}{name}"], sums), *said] if self._has_twin(name) else said
            if told:
                made[name] = "; ".join(told)
        return made

    def _has_twin(self, name: str) -> bool:
        return f"{OFFICIAL}{name}" in self.metrics

    def _beside(self, value: float, twin: float, sums: np.ndarray) -> list[str]:
        if not np.isfinite(value):
            return []
        if not np.isfinite(twin):
            return [
                f"the official script of {self.rule.year} gives none: {self._why(sums[self._width :], self.script)}"
            ]
        difference = twin - value
        less = f"{abs(difference):.4g} {'more' if difference > 0 else 'less'}"
        told = f"{twin:.4g}, {less}" if abs(difference) > 1e-9 else f"{twin:.4g} too"
        return [f"the official script of {self.rule.year} gives {told}"]

    def jackknives(self, rows: np.ndarray, level: float = 0.95) -> dict[str, Jackknife]:
        """The challenge's interval of every metric that has one, from the statistics of each recording group.

        Parameters
        ----------
        rows : np.ndarray [shape=(group, statistic)]
            Statistics of each recording group. The script leaves out recordings without an answer, so groups of
            which it read nothing are none of its groups.
        level : float, default=0.95
            Coverage.
        """
        made: dict[str, Jackknife] = {}
        for prefix, (columns, rule) in zip(("", OFFICIAL), self._parts()):
            if rule is None:
                continue
            own = rows[:, columns]
            own = own[read(own, len(self.labels)).recordings > 0]
            if len(own) < 2:
                continue
            total = own.sum(axis=0)
            whole = figures.values(read(total, len(self.labels)), rule)
            without = figures.values(read(total - own, len(self.labels)), rule)
            for name, value in whole.items():
                if np.isfinite(value) and np.isfinite(without[name]).all():
                    made[f"{prefix}{name}"] = jackknife(float(value), without[name], level)
        return made

    def _parts(self) -> list[tuple[slice, SeldRule | None]]:
        """Statistics of the rule and of the script."""
        return [(slice(0, self._width), self.rule), (slice(self._width, None), self.script)]

    def _why(self, sums: np.ndarray, rule: SeldRule | None) -> str:
        if rule is None:
            return ""
        counts = read(sums, len(self.labels))
        if counts.stopped > 0:
            return f"the official script of {rule.year} stops at {int(counts.stopped)} of the recordings"
        if counts.recordings == 0:
            return "no recordings"
        return "no source was found" if counts.reference.any() else "nothing sounds in the references"


def _blocks(scores: np.ndarray, target: np.ndarray) -> list[slice]:
    """Runs of recordings with about `BLOCK` rows, so that working memory does not grow with their number."""
    if len(scores) != len(target):
        raise CannotMeasure(f"{len(scores)} outputs for {len(target)} recordings")
    rows = np.cumsum([_size(one) + _size(other) for one, other in zip(scores, target)])
    edges = np.flatnonzero(np.diff(rows // BLOCK, prepend=0)).tolist()
    return [slice(first, last) for first, last in zip([0, *edges], [*edges, len(scores)]) if last > first or not edges]


def _size(held: object) -> int:
    return len(held) if isinstance(held, Tracks) else 0


def _scripted(info: MetricInfo) -> MetricInfo:
    return replace(info, title=f"{info.title} (official script)")
