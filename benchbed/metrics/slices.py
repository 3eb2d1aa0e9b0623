"""Metadata columns by which a cell is cut, and what is said about a column as a whole.

Two definitions of "the unseen devices" are both reported, because published figures use either: the clips of those
devices pooled (`devices=unseen`), and the mean over those devices (`devices_mean=unseen`). The gap between seen and
unseen, the worst device and the spread over devices name their definition in their rule.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType

import numpy as np

from benchbed.errors import ConfigError
from benchbed.metrics.contract import MetricInfo
from benchbed.metrics.number import Estimate, Number, derived, told
from benchbed.stats.bootstrap import Bootstrap

#: Group, such as `device=s4` → metric → figure.
Groups = dict[str, dict[str, Estimate]]

#: A column with more values than this is an identifier, not something to report by.
MOST_VALUES = 500


@dataclass(frozen=True)
class Column:
    """A metadata column of the clips.

    Attributes
    ----------
    name : str
        Its name in the singular, e.g. `device`; groups are called `device=s4`.
    values : np.ndarray [shape=(clip,), str]
        Value of each clip; clips with an empty value belong to no slice.
    sets : mapping of str to sequence of str
        Named sets of values, e.g. `{"seen": ["a", "b"], "unseen": ["s4"]}`. A gap is reported between `seen` and
        `unseen` if both are there.

    Examples
    --------
    >>> Column("city", np.array(["paris", "oslo"])).plural
    'cities'
    """

    name: str
    values: np.ndarray
    sets: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @property
    def plural(self) -> str:
        """Name for sets of its values: `device` → `devices`."""
        return f"{self.name[:-1]}ies" if self.name.endswith("y") else f"{self.name}s"

    def levels(self) -> tuple[str, ...]:
        """Every value that occurs or is named in a set, sorted.

        Raises
        ------
        ConfigError
            More values than anyone could read, or a value both seen and unseen.
        """
        found = {str(value) for value in np.unique(self.values)} - {""}
        found |= {value for members in self.sets.values() for value in members}
        if len(found) > MOST_VALUES:
            raise ConfigError(
                f"column '{self.name}' has {len(found)} values, too many to slice by",
                hint=f"slice by a column with at most {MOST_VALUES} values",
            )
        both = sorted(set(self.sets.get("seen", ())) & set(self.sets.get("unseen", ())))
        if both:
            raise ConfigError(f"{self.plural} {', '.join(both)} are both seen and unseen")
        return tuple(sorted(found))


@dataclass(frozen=True)
class SliceValues:
    """Values of some of a cell's clips: of a slice, of a set, or of all.

    Attributes
    ----------
    values : mapping of str to float
        Metric → value.
    replicates : mapping of str to np.ndarray
        Metric → value in every draw; empty without a bootstrap.
    clips : int
        Clips it holds.
    members : frozenset of int
        Recording groups it holds.
    """

    values: Mapping[str, float]
    replicates: Mapping[str, np.ndarray]
    clips: int
    members: frozenset[int] = frozenset()

    @property
    def groups(self) -> int:
        """Number of recording groups."""
        return len(self.members)


@dataclass(frozen=True)
class Over:
    """One part per value of a column, to be summarised.

    Attributes
    ----------
    column : Column
        The column.
    parts : mapping of str to Part
        Value → its part, for values that have clips.
    infos : mapping of str to MetricInfo
        Meaning of each metric.
    """

    column: Column
    parts: Mapping[str, SliceValues]
    infos: Mapping[str, MetricInfo]

    def sets(self) -> dict[str, list[str]]:
        """Named sets, and `all`, with the members that have clips."""
        named = {"all": list(self.parts), **{name: list(members) for name, members in self.column.sets.items()}}
        return {name: [value for value in members if value in self.parts] for name, members in named.items()}

    def mean(self, members: Sequence[str]) -> SliceValues:
        """Mean over members of each one's value, every member with the same weight."""
        parts = [self.parts[value] for value in members]
        values = {name: _mean([part.values[name] for part in parts]) for name in self.infos}
        replicates = {
            name: np.mean([part.replicates[name] for part in parts], axis=0)
            for name in self.infos
            if parts and all(name in part.replicates for part in parts)
        }
        groups = frozenset[int]().union(*(part.members for part in parts))
        return SliceValues(values, replicates, sum(part.clips for part in parts), groups)

    def means(self) -> Groups:
        """`devices_mean=SET` for every set."""
        found = {}
        for name, members in self.sets().items():
            absent = sorted(set(self.column.sets.get(name, ())) - set(members))
            note = f"no clips: {', '.join(absent)}" if absent else None
            rule, scope = f"mean-over-{self.column.name}", f"mean over {self.column.plural}"
            mean = self.mean(members)
            found[f"{self.column.plural}_mean={name}"] = figures(mean, self.infos, rule, scope=scope, note=note)
        return found

    def worst(self) -> dict[str, Estimate]:
        """The worst value of the column in each metric, named in the note."""
        found = {}
        for name, info in self.infos.items():
            known = {v: part.values[name] for v, part in self.parts.items() if np.isfinite(part.values[name])}
            if not known:
                continue
            pick = (
                min(known, key=known.__getitem__) if info.direction == "higher" else max(known, key=known.__getitem__)
            )
            part = self.parts[pick]
            found[name] = Estimate(
                known[pick],
                derived(info, f"worst-{self.column.name}", scope=f"worst {self.column.name}"),
                part.clips,
                replicates=part.replicates.get(name),
                groups=part.groups,
                note=f"{self.column.name} {pick}; interval of that {self.column.name}, not of the choice",
            )
        return found

    def spreads(self) -> Groups:
        """`devices_std=SET`: population standard deviation over the members' values."""
        plural, found = self.column.plural, {}
        for name, members in self.sets().items():
            spread = {}
            for metric, info in self.infos.items():
                values = [self.parts[value].values[metric] for value in members]
                scope = f"standard deviation over {plural}"
                made = derived(info, f"population-std-over-{plural}", scope=scope, bounded=False)
                spread[metric] = Estimate(
                    float(np.std(values)) if len(values) > 1 else float("nan"),
                    replace(made, direction="lower"),
                    sum(self.parts[value].clips for value in members),
                    undefined=f"fewer than two {plural} with a value",
                    no_interval="resampling inflates a spread",
                )
            found[f"{plural}_std={name}"] = spread
        return found

    def gap(self, seen: SliceValues, unseen: SliceValues, how: str) -> dict[str, Estimate]:
        """What unseen values cost: positive if they are worse, whichever way the metric points."""
        found = {}
        for name, info in self.infos.items():
            sign, order = (1, "seen-minus-unseen") if info.direction == "higher" else (-1, "unseen-minus-seen")
            has = name in seen.replicates and name in unseen.replicates
            scope = f"gap, {order.replace('-', ' ')}, {how.replace('-', ' ')}"
            made = derived(info, f"gap:{order}:{how}", scope=scope, bounded=False)
            found[name] = Estimate(
                sign * (seen.values[name] - unseen.values[name]),
                replace(made, direction="lower"),
                seen.clips + unseen.clips,
                replicates=sign * (seen.replicates[name] - unseen.replicates[name]) if has else None,
                groups=min(seen.groups, unseen.groups),
                undefined="undefined for seen or unseen clips",
            )
        return found


def figures(
    part: SliceValues,
    infos: Mapping[str, MetricInfo],
    rule: str | None = None,
    *,
    scope: str = "",
    reasons: Mapping[str, str] | None = None,
    note: str | None = None,
    notes: Mapping[str, str] = MappingProxyType({}),
) -> dict[str, Estimate]:
    """The values of a part, `rule` and `scope` appended to each metric's own."""
    return {
        name: Estimate(
            part.values[name],
            derived(info, rule, scope=scope) if rule else info,
            part.clips,
            replicates=part.replicates.get(name),
            groups=part.groups,
            undefined=(reasons or {}).get(name, "undefined" if part.clips else "no clips"),
            note=notes.get(name, note),
        )
        for name, info in infos.items()
    }


def numbers(groups: Mapping[str, Mapping[str, Estimate]], bootstrap: Bootstrap | None) -> dict[str, dict[str, Number]]:
    """Groups of figures with their intervals, all taken at once."""
    made = iter(told([figure for named in groups.values() for figure in named.values()], bootstrap))
    return {key: {name: next(made) for name in named} for key, named in groups.items()}


def pooled_mean_std(means: Sequence[float], stds: Sequence[float], counts: Sequence[int]) -> tuple[float, float]:
    """Mean and population standard deviation of all values, from those of parts with `counts` values each.

    Examples
    --------
    >>> mean, std = pooled_mean_std([0.524, 0.521], [0.176, 0.200], [7, 2])
    >>> round(mean, 5), round(std, 5)
    (0.52333, 0.18161)
    """
    share = np.asarray(counts, np.float64) / np.sum(counts)
    mean = float(share @ np.asarray(means))
    square = float(share @ (np.asarray(stds) ** 2 + np.asarray(means) ** 2))
    return mean, float(np.sqrt(max(square - mean**2, 0.0)))


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values)) if values else float("nan")
