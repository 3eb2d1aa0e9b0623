"""Scores of one cell: every metric over all clips, by slice, by set and by class, with paired intervals.

The clips are summed once into rows, one per recording group and combination of metadata; every figure and every
bootstrap replicate is then a sum over rows.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from benchbed.errors import CannotMeasure, ConfigError
from benchbed.metrics.contract import Family, LabelledTable
from benchbed.metrics.cutting import Cutting, RowSet, together
from benchbed.metrics.number import Estimate, Number, derived
from benchbed.metrics.slices import Column, Groups, Over, SliceValues, figures, numbers
from benchbed.metrics.weighing import Scores, chosen
from benchbed.metrics.weighing import drawn as drawn_scores
from benchbed.stats.bootstrap import Bootstrap

#: Statistics from which on counts are drawn apart, even where that leaves no fewer rows to draw.
MANY = 256


@dataclass(frozen=True)
class CellScores:
    """What one cell scored.

    Attributes
    ----------
    metrics : dict of str to Number
        Metric → number over all clips.
    groups : dict of str to dict
        `device=s4`, `devices=unseen`, `devices_mean=unseen`, `devices_gap=seen-unseen`, `devices_mean_gap=seen-unseen`,
        `devices_worst=all`, `devices_std=all`, `devices_cell_std=all`, `class=tram`, … → metric → number.
    tables : dict of str to Table
        `confusion`, `reliability`, and `scene_<column>` for every column.
    replicates : dict of str to np.ndarray
        Metric → its value over all clips in every draw, for scores that join several cells.
    """

    metrics: dict[str, Number]
    groups: dict[str, dict[str, Number]]
    tables: dict[str, LabelledTable]
    replicates: dict[str, np.ndarray] = field(default_factory=dict)


def group_codes(names: Sequence[object] | np.ndarray) -> tuple[np.ndarray, tuple[str, ...]]:
    """Number of each clip's recording group, and the group names in the order of the numbers.

    Numbers follow the sorted names, so they do not depend on the order of the clips.

    Examples
    --------
    >>> codes, order = group_codes(["b", "a", "b"])
    >>> codes.tolist(), order
    ([1, 0, 1], ('a', 'b'))
    """
    order, codes = np.unique(np.asarray(names, dtype=str), return_inverse=True)
    return codes.reshape(-1).astype(np.int64), tuple(order.tolist())


def score_cell(
    family: Family,
    scores: np.ndarray,
    target: np.ndarray,
    group: np.ndarray,
    columns: Sequence[Column] = (),
    bootstrap: Bootstrap | None = None,
    *,
    tables: bool = True,
    sliced: Collection[str] | None = None,
    cutting: Cutting | None = None,
) -> CellScores:
    """Score the clips of one cell.

    Parameters
    ----------
    family : Family
        The metrics.
    scores : np.ndarray [shape=(clip, …)]
        What the model gave for each clip, in the order of the dataset's labels.
    target : np.ndarray [shape=(clip, …)]
        Reference of each clip.
    group : np.ndarray [shape=(clip,), int]
        Number of each clip's recording group, from `group_codes` over all clips of the split: a cell that lost clips
        keeps the numbering, so that cells stay paired.
    columns : sequence of Column
        Metadata to slice by.
    bootstrap : Bootstrap, optional
        Draws of recording groups; without it there are no intervals.
    tables : bool, default=True
        Also make the confusion matrix, reliability bins and class × column tables.
    sliced : collection of str, optional
        Metrics that slices, sets and classes are to have; all by default. What is not asked for is not computed.
    cutting : Cutting, optional
        Of these groups and columns, where cells of the same clips share it.

    Raises
    ------
    CannotMeasure
        Arguments of different lengths, group numbers outside the bootstrap, or scores that the family refuses.
    ConfigError
        Columns that cannot be sliced by, or whose group names collide.

    Examples
    --------
    >>> from benchbed.metrics.families.classification import family
    >>> result = score_cell(
    ...     family(("bus", "tram")), np.array([[0.9, 0.1], [0.6, 0.4]]), np.array([0, 1]), np.array([0, 1]),
    ...     [Column("device", np.array(["a", "b"]))])
    >>> result.groups["device=b"]["accuracy"].value
    0.0
    """
    _check(scores, target, group, columns, bootstrap)
    cut = _Cut(family, scores, target, cutting or Cutting(group, columns), bootstrap, sliced)
    sums, drawn = cut.whole()
    whole = cut.part(cut.cutting.whole, sums, drawn, family.metrics)
    figured: Groups = {"": figures(whole, family.metrics, reasons=family.reasons(sums), notes=family.notes(sums))}
    made_tables = family.tables_of(cut.sample, scores, target, sums) if tables else {}
    for index, column in enumerate(columns):
        found, per_class = cut.column(index, column)
        clash = sorted(set(found) & set(figured))
        if clash:
            raise ConfigError(f"two slices are called '{clash[0]}'", hint="name each metadata column once")
        figured |= found
        if tables and per_class is not None:
            made_tables[f"scene_{column.name}"] = per_class
    groups = numbers(figured | cut.classes(sums, drawn), bootstrap)
    metrics = groups.pop("")
    if bootstrap is not None and family.jackknifed:
        metrics |= cut.jackknifed(metrics, bootstrap.level)
    return CellScores(metrics, groups, made_tables, dict(whole.replicates))


class _Cut:
    """A cell summed into the rows of a cutting."""

    def __init__(
        self,
        family: Family,
        scores: np.ndarray,
        target: np.ndarray,
        cutting: Cutting,
        bootstrap: Bootstrap | None,
        sliced: Collection[str] | None,
    ) -> None:
        self.family, self.cutting = family, cutting
        self.bootstrap = None if bootstrap is None or bootstrap.draws == 0 else bootstrap
        #: What slices and classes show.
        self.infos = {name: info for name, info in family.metrics.items() if sliced is None or name in sliced}
        self.class_infos = {n: info for n, info in family.class_metrics.items() if sliced is None or n in sliced}
        self._kept: dict[str, Scores] = {}
        self.rows = family.grouped(scores, target, cutting.row, len(cutting))
        self.sample = family.sample(scores, target, cutting.row, len(cutting))
        self.group_of = cutting.group_of

    def _chosen(self, rows: np.ndarray) -> Scores:
        return self._once("chosen", rows, lambda mask: chosen(self.sample, mask))

    def _drawn(self, rows: np.ndarray) -> Scores:
        return self._once("drawn", rows, lambda mask: drawn_scores(self.sample, self.bootstrap, self.group_of, mask))

    def _once(self, name: str, rows: np.ndarray, made: Callable[[np.ndarray], Scores]) -> Scores:
        # The cell and its classes are asked for one after the other, and ranking every draw again takes long.
        mask = np.zeros(len(self.rows), bool)
        mask[rows] = True
        if len(rows) < len(mask):
            return made(mask)
        if name not in self._kept:
            self._kept[name] = made(mask)
        return self._kept[name]

    def sums(
        self, parts: Sequence[RowSet], columns: np.ndarray | None = None
    ) -> list[tuple[np.ndarray, np.ndarray | None]]:
        """Summed statistics of each part, and their replicates, of some columns or of all."""
        if self.bootstrap is None:
            return [(total, None) for total in self.totals(parts)]
        whole = self.family.whole_numbers
        counts = columns is not None and whole is not None and bool(np.isin(columns, whole).all())
        drawn = self.bootstrap.replicates_of_parts(
            self.rows, self.group_of, [part.rows for part in parts], columns, counts=counts
        )
        return list(zip(self.totals(parts), drawn))

    def totals(self, parts: Sequence[RowSet]) -> list[np.ndarray]:
        """Summed statistics of each part."""
        every = len(self.rows)
        return [(self.rows if len(part.rows) == every else self.rows[part.rows]).sum(axis=0) for part in parts]

    def whole(self) -> tuple[np.ndarray, np.ndarray | None]:
        """Summed statistics of all rows, and their replicates."""
        counted, everything = self.family.whole_numbers, self.cutting.whole
        groups, place = np.unique(self.group_of, return_inverse=True)
        fewer = len(groups) < len(self.rows) or self.rows.shape[1] > MANY
        if counted is None or self.bootstrap is None or not fewer:
            return self.sums([everything])[0]
        # Counts are added up by recording first, which leaves fewer rows to draw, and drawn in float32; sums of losses
        # would then differ in their last digit.
        rest = np.setdiff1d(np.arange(self.rows.shape[1]), counted)
        [(sums, drawn)] = self.sums([everything], rest)
        assert drawn is not None
        counted = np.setdiff1d(counted, self.family.undrawn)
        if len(groups) == len(self.rows):
            by_group, groups, columns = self.rows, self.group_of, counted
        else:
            by_group, columns = np.zeros((len(groups), len(counted))), np.arange(len(counted))
            np.add.at(by_group, place.reshape(-1), self.rows[:, counted])
        drawn[:, counted] = self.bootstrap.replicates(by_group, groups, columns, counts=True)[:, columns]
        return sums, drawn

    def part(self, part: RowSet, sums: np.ndarray, drawn: np.ndarray | None, names: Collection[str]) -> SliceValues:
        """Values of the chosen rows, of the metrics that are asked for."""
        # Ranking the clips takes long, and all draws much longer.
        ranks = not self.family.ranked.isdisjoint(names)
        ranked = {n: v for n, v in self._chosen(part.rows)[0].items() if n in names} if ranks else {}
        values = {n: float(value) for n, value in {**self.family.some_values(sums, names), **ranked}.items()}
        replicates = {} if drawn is None else self.family.some_values(drawn, names)
        if replicates and ranks:
            replicates |= {name: draws for name, draws in self._drawn(part.rows)[0].items() if name in names}
        return SliceValues(values, replicates, part.clips, part.members)

    def parts(self, index: int, pools: Sequence[Sequence[int]]) -> list[tuple[SliceValues, np.ndarray]]:
        """Values and summed statistics of each value of a column, then of some values together."""
        parts, needed = self.cutting.parts(index), self.family.needed(self.infos)
        pooled = [together([parts[i] for i in pool]) for pool in pools]
        if needed is not None and self.bootstrap is not None:
            return self._counted(index, needed, [*parts, *pooled], pools)
        summed = self.sums(parts)
        for pool in pools:
            sums, drawn = np.zeros(self.rows.shape[1]), None
            for i in pool:
                sums = sums + summed[i][0]
                more = summed[i][1]
                drawn = more if drawn is None or more is None else drawn + more
            summed.append((sums, drawn))
        return [(self.part(part, *both, self.infos), both[0]) for part, both in zip([*parts, *pooled], summed)]

    def _counted(
        self, index: int, needed: np.ndarray, parts: Sequence[RowSet], pools: Sequence[Sequence[int]]
    ) -> list[tuple[SliceValues, np.ndarray]]:
        # Counts are whole numbers, so that those of a pool are sums of its members' in whatever order.
        assert self.bootstrap is not None
        drawn = self.cutting.drawn_counts(self.rows[:, needed], index, self.bootstrap)
        totals = np.stack(self.totals(parts)) if parts else np.zeros((0, self.rows.shape[1]))
        if pools:
            drawn = np.concatenate([drawn, np.stack([drawn[list(pool)].sum(axis=0) for pool in pools])])
        values = self.family.some_values(totals, self.infos)
        replicates = self.family.values_of_counts(drawn, self.infos)
        made = []
        for i, part in enumerate(parts):
            value, draws = ({name: found[i] for name, found in each.items()} for each in (values, replicates))
            made.append(
                (SliceValues({n: float(v) for n, v in value.items()}, draws, part.clips, part.members), totals[i])
            )
        return made

    def jackknifed(self, metrics: Mapping[str, Number], level: float) -> dict[str, Number]:
        """Numbers with the interval of the jackknife where the family asks for it."""
        groups, place = np.unique(self.group_of, return_inverse=True)
        sums = np.zeros((len(groups), self.rows.shape[1]))
        np.add.at(sums, place.reshape(-1), self.rows)
        found = self.family.jackknives(sums, level)
        made = {}
        for name in self.family.jackknifed:
            whole, one = metrics[name], found.get(name)
            if whole.value is None:
                continue
            if one is not None:
                made[name] = replace(whole, low=one.low, high=one.high, interval=one.describe(), reason=None)
            else:
                why = "no jackknife: undefined without one of the recording groups, or fewer than two of them"
                made[name] = replace(whole, low=None, high=None, interval=None, reason=why)
        return made

    def column(self, index: int, column: Column) -> tuple[Groups, LabelledTable | None]:
        """Everything about one column, and its class × value table."""
        family, levels = self.family, self.cutting.levels[index]
        pools = [[i for i, level in enumerate(levels) if level in members] for members in column.sets.values()]
        parted = self.parts(index, pools)
        parts = {level: part for level, (part, _) in zip(levels, parted)}
        pooled = {name: part for name, (part, _) in zip(column.sets, parted[len(levels) :])}
        over = Over(column, {level: part for level, part in parts.items() if part.clips}, self.infos)
        groups = {
            f"{column.name}={level}": figures(part, self.infos, reasons=self._reasons(part, sums))
            for level, (part, sums) in zip(levels, parted)
        }
        for name, (part, sums) in zip(column.sets, parted[len(levels) :]):
            groups[f"{column.plural}={name}"] = figures(
                part, self.infos, "pooled-clips", scope="clips pooled", reasons=self._reasons(part, sums)
            )
        if over.parts:
            groups |= over.means() | over.spreads()
            groups[f"{column.plural}_worst=all"] = over.worst()
        if {"seen", "unseen"} <= set(pooled):
            members = over.sets()
            groups[f"{column.plural}_gap=seen-unseen"] = over.gap(pooled["seen"], pooled["unseen"], "pooled-clips")
            means = over.mean(members["seen"]), over.mean(members["unseen"])
            how = f"mean-over-{column.name}"
            groups[f"{column.plural}_mean_gap=seen-unseen"] = over.gap(*means, how)
        main = next((name for name in list(family.class_metrics)[:1] if name in self.class_infos), None)
        if main is None:
            return groups, None
        cells = [
            self._per_class(part.rows, sums, [main])[main] for part, (_, sums) in zip(self.cutting.parts(index), parted)
        ]
        values = np.column_stack(cells) if cells else np.zeros((len(family.labels), 0))
        info = family.class_metrics[main]
        groups |= self._cell_spread(column, over, values, levels, main)
        return groups, LabelledTable(family.labels, levels, values, "class", column.name, info.unit)

    def _reasons(self, part: SliceValues, sums: np.ndarray) -> Mapping[str, str]:
        return {} if np.isfinite(list(part.values.values())).all() else self.family.reasons(sums)

    def classes(self, sums: np.ndarray, drawn: np.ndarray | None) -> Groups:
        """`class=LABEL` for every label."""
        family, everything = self.family, self.cutting.whole.rows
        values = self._per_class(everything, sums, self.class_infos)
        counts = family.class_counts(sums)
        replicates = {} if drawn is None else family.some_per_class(drawn, self.class_infos)
        if drawn is not None and not family.ranked.isdisjoint(self.class_infos):
            replicates |= self._drawn(everything)[1]
        groups = _groups_per_class(family.class_counts(self.rows) > 0, self.group_of)
        reasons = family.reasons(sums)
        by_class: Groups = {}
        for i, label in enumerate(family.labels):
            by_class[f"class={label}"] = {
                name: Estimate(
                    float(values[name][i]),
                    info,
                    int(counts[i]),
                    replicates=replicates[name][:, i] if name in replicates else None,
                    groups=int(groups[i]),
                    undefined=reasons.get(name, "never output" if counts[i] else "no clips of this class"),
                )
                for name, info in self.class_infos.items()
            }
        return by_class

    def _per_class(self, rows: np.ndarray, sums: np.ndarray, names: Collection[str]) -> dict[str, np.ndarray]:
        ranked = {} if self.family.ranked.isdisjoint(names) else self._chosen(rows)[1]
        return {**self.family.some_per_class(sums, names), **ranked}

    def _cell_spread(self, column: Column, over: Over, values: np.ndarray, levels: Sequence[str], main: str) -> Groups:
        found: Groups = {}
        rule = f"population-std-over-class-{column.name}-cells"
        scope = f"standard deviation over class × {column.name} cells"
        info = replace(derived(self.family.class_metrics[main], rule, scope=scope, bounded=False), direction="lower")
        for name, members in over.sets().items():
            cells = values[:, [levels.index(level) for level in members]]
            defined = cells[np.isfinite(cells)]
            found[f"{column.plural}_cell_std={name}"] = {
                main: Estimate(
                    float(np.std(defined)) if len(defined) > 1 else float("nan"),
                    info,
                    sum(over.parts[level].clips for level in members),
                    undefined="fewer than two cells with a value",
                    no_interval="resampling inflates a spread",
                )
            }
        return found


def _groups_per_class(holds: np.ndarray, group_of: np.ndarray) -> np.ndarray:
    # A group cut into several rows by metadata still counts once.
    groups, inverse = np.unique(group_of, return_inverse=True)
    seen = np.zeros((len(groups), holds.shape[1]), bool)
    row, column = np.nonzero(holds)
    seen[inverse.reshape(-1)[row], column] = True
    return seen.sum(axis=0)


def _check(
    scores: np.ndarray,
    target: np.ndarray,
    group: np.ndarray,
    columns: Sequence[Column],
    bootstrap: Bootstrap | None,
) -> None:
    lengths = {len(scores), len(target), len(group), *(len(column.values) for column in columns)}
    if len(lengths) > 1:
        raise CannotMeasure(f"scores, references, groups and metadata have different lengths: {sorted(lengths)}")
    if len(group) and np.min(group) < 0:
        raise CannotMeasure("group numbers must not be negative")
    if bootstrap is not None and len(group) and np.max(group) >= bootstrap.groups:
        raise CannotMeasure(f"group number {np.max(group)} in a bootstrap over {bootstrap.groups} groups")
