"""Swapping two models in metrics that no sum gives, from the predictions beside both runs.

Under the hypothesis that two models are exchangeable, each recording's predictions might as well be the other's. A
swap is a row of weights over the clips of both: a recording counts with one model's clips or with the other's, so a
sample of both together is sorted once and every swap is exact.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path

import numpy as np

from benchbed.compare.figure import Figure
from benchbed.compare.runs import OpenRun
from benchbed.metrics.contract import Family, Sample
from benchbed.outputs import output_of
from benchbed.predictions.index import indexed
from benchbed.predictions.store import Predictions, read_units
from benchbed.rng import stream
from benchbed.run.scoring.lacking import applied
from benchbed.run.scoring.split import answers_of
from benchbed.stats.bootstrap import CHUNK
from benchbed.stats.swaps import Swaps

#: Swaps of a metric that ranks clips; beyond what they resolve the normal tail takes over (`Swaps.p`).
DRAWS = 499

#: Differences in every swap by metric, `[draw]` of all clips and `[draw, class]` of single classes.
Values = dict[tuple[str, bool], np.ndarray]


@dataclass
class PredictionSwaps:
    """Swaps of any figure of two runs whose predictions are on disk.

    Parameters
    ----------
    draws : int
        Random swaps; all of them are made where there are no more.
    seed : int
        Seed of the random stream.
    """

    draws: int = DRAWS
    seed: int = 0
    _made: dict[tuple[str, str, Figure, Figure], _Made | None] = field(default_factory=dict, repr=False)

    def __call__(self, a: OpenRun, b: OpenRun, figure: Figure, against: Figure) -> Swaps | None:
        """Swaps of all ranked metrics of a figure, or None where the clips of both are not at hand.

        All clips and single classes are covered, of one split or of the mean over splits.
        """
        label = figure.group.partition("=")[2] if figure.group and figure.group.startswith("class=") else None
        if figure.group is not None and label is None:
            return None
        whole, other = replace(figure, group=None), replace(against, group=None)
        key = (str(a.path), str(b.path), whole, other)
        if key not in self._made:
            self._made[key] = self._swaps(a, b, whole, other)
        made = self._made[key]
        if made is None or (label is not None and made.splits > 1):
            return None
        return made.of(None if label is None else a.family.labels.index(label))

    def _swaps(self, a: OpenRun, b: OpenRun, figure: Figure, against: Figure) -> _Made | None:
        splits = [
            c.split
            for c in a.result.cells
            if c.key.split("/", 2)[2] == figure.condition and figure.split in (None, c.split)
        ]
        if len(splits) > 1 and a.folds == "pooled":
            return None
        pairs = []
        for split in splits:
            one, other = _cell(a, split, figure.condition), _cell(b, split, against.condition)
            if one is None or other is None or one.keys != other.keys:
                return None
            pairs.append(_Pair.of(a.family, one, other))
        if not pairs or any(pair.sample is None for pair in pairs):
            return None
        return self._swapped(pairs, str(figure))

    def _swapped(self, pairs: list[_Pair], name: str) -> _Made:
        sizes = [pair.groups for pair in pairs]
        total, edges = sum(sizes), np.cumsum([0, *sizes])
        exact = total < 40 and 2**total <= self.draws + 1
        count = 2**total if exact else self.draws

        def difference(swap: np.ndarray) -> Values:
            each = [pair.difference(swap[:, low:high]) for low, high, pair in zip(edges, edges[1:], pairs)]
            return {key: np.mean([values[key] for values in each], axis=0) for key in each[0]}

        seen = {key: value[0] for key, value in difference(np.zeros((1, total), np.uint8)).items()}
        parts: dict[tuple[str, bool], list[np.ndarray]] = {key: [] for key in seen}
        for start in range(0, count, CHUNK):
            size = min(CHUNK, count - start)
            if exact:
                swap = ((np.arange(start, start + size)[:, None] >> np.arange(total)) & 1).astype(np.uint8)
            else:
                generator = stream("swapped-predictions", name, self.seed, total, start)
                swap = generator.integers(0, 2, (CHUNK, total), dtype=np.uint8)[:size]
            for key, value in difference(swap).items():
                parts[key].append(value)
        return _Made(seen, {key: np.concatenate(pieces) for key, pieces in parts.items()}, exact, len(pairs))


@dataclass(frozen=True)
class _Made:
    """Swaps of all metrics of all clips and of every class."""

    seen: Values
    swapped: Values
    exact: bool
    splits: int

    def of(self, label: int | None) -> Swaps:
        """Those of all clips, or of one class."""
        keys = [key for key in self.seen if key[1] == (label is not None)]
        pick = (lambda values: values) if label is None else (lambda values: values[..., label])
        return Swaps(
            {key[0]: float(pick(self.seen[key])) for key in keys},
            {key[0]: pick(self.swapped[key]) for key in keys},
            self.exact,
        )


@dataclass(frozen=True)
class _Cell:
    """The predictions of a cell, in the order of clip and draw."""

    keys: list[tuple[str, int]]
    outputs: np.ndarray
    target: np.ndarray
    group: np.ndarray


@dataclass(frozen=True)
class _Pair:
    """The clips of two models, sorted together."""

    sample: Sample | None
    groups: int

    @classmethod
    def of(cls, family: Family, a: _Cell, b: _Cell) -> _Pair:
        _, code = np.unique(a.group, return_inverse=True)
        code = code.reshape(-1)
        groups = int(code.max(initial=-1)) + 1
        rows = np.concatenate([code, code + groups])
        outputs, target = (np.concatenate([getattr(a, n), getattr(b, n)]) for n in ("outputs", "target"))
        return cls(family.sample(outputs, target, rows, 2 * groups), groups)

    def difference(self, swap: np.ndarray) -> Values:
        """First model less second, recordings swapped where `swap` is 1 [shape=(draw, group)]."""
        assert self.sample is not None
        sides = [np.hstack([1 - swap, swap]), np.hstack([swap, 1 - swap])]
        values: list[Values] = []
        for weights in sides:
            whole, each = self.sample.scores(weights)
            values.append({(name, False): v for name, v in whole.items()} | {(n, True): v for n, v in each.items()})
        with np.errstate(invalid="ignore"):
            return {key: values[0][key] - values[1][key] for key in values[0]}


def _cell(run: OpenRun, split: str, condition: str) -> _Cell | None:
    stored = _predictions(tuple(indexed(run.path.parent)))
    if stored is None:
        return None
    task = next(cell.task for cell in run.result.cells)
    key = f"{task}/{split}/{condition}"
    kind = next((cell.condition.kind for cell in run.result.cells if cell.key == key), "clean")
    rows = np.flatnonzero((stored.table["cell"] == key).to_numpy())
    rows = rows[applied(stored.table, rows, kind)]
    table = stored.table.iloc[rows]
    order = np.lexsort((table["draw"].to_numpy(), table["clip_id"].astype(str).to_numpy()))
    rows, table = rows[order], table.iloc[order]
    output = output_of(stored.kind)
    outputs, target = answers_of(output, stored, rows, output.references(table, None, run.sums.labels))
    keys = list(zip(table["clip_id"].astype(str), table["draw"].astype(int)))
    return _Cell(keys, outputs, target, table["group"].astype(str).to_numpy())


@lru_cache(maxsize=8)
def _predictions(paths: tuple[Path, ...]) -> Predictions | None:
    return read_units(paths) if paths else None
