"""A run of several folds as a run of one: each figure the mean over folds, for pages that show many runs together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from benchbed.results.answers import mean_over_folds
from benchbed.results.record import Cell, Counts, Matrix, Result, Value
from benchbed.results.splits import called, joined


def folded(result: Result) -> Result:
    """The same run with one cell for each condition, which holds what its folds say together.

    Splits that are no folds of one data set stay as they are, and so does a run of one split. A figure that one fold
    lacks is left out: a mean over fewer folds is another figure.

    Parameters
    ----------
    result : Result
        A run; it is not changed.

    Returns
    -------
    Result
        Its own figures, and for those of single folds their mean. What joins the folds in the record stands before
        the mean made here. Tables of clips are sums; other tables and the bits of single clips are left out.
    """
    splits = list(dict.fromkeys(cell.split for cell in result.cells))
    if len(splits) < 2 or called(splits) != "folds":
        return result
    how = _how(result)
    about = joined(splits, how)
    held: dict[str, list[Cell]] = {}
    for cell in result.cells:
        task, _, condition = cell.key.split("/", 2)
        held.setdefault(f"{task}/{about}/{condition}", []).append(cell)
    cells = [_cell(key, alike, about, result.scores, how) for key, alike in held.items() if len(alike) == len(splits)]
    return result.model_copy(update={"cells": cells, "scores": _scores(result.scores, splits)})


def _how(result: Result) -> str:
    metrics = result.suite.definition.get("metrics")
    return "pooled" if isinstance(metrics, Mapping) and metrics.get("folds") == "pooled" else "mean"


def _cell(key: str, cells: Sequence[Cell], about: str, scores: Mapping[str, Value], how: str) -> Cell:
    condition = key.split("/", 2)[2]
    prefix = f"folds_{how}:" + ("" if cells[0].condition.kind == "clean" else f"{condition}:")
    metrics = _means([cell.metrics for cell in cells], cells[0].split)
    metrics |= {name: scores[prefix + name] for name in metrics if prefix + name in scores}
    groups = {name: _means([cell.groups.get(name, {}) for cell in cells], cells[0].split) for name in cells[0].groups}
    return cells[0].model_copy(
        update={
            "key": key,
            "split": about,
            "counts": Counts(
                **{name: sum(getattr(cell.counts, name) for cell in cells) for name in Counts.model_fields}
            ),
            "metrics": metrics,
            "groups": {name: figures for name, figures in groups.items() if figures},
            "matrices": _sums([cell.matrices for cell in cells]),
            "complete": all(cell.complete for cell in cells),
            "ranked": all(cell.ranked for cell in cells),
            "stood": None,
        }
    )


def _sums(each: Sequence[Mapping[str, Matrix]]) -> dict[str, Matrix]:
    found = {}
    for name in dict.fromkeys(name for held in each for name in held):
        # A fold in which an attack broke nothing has no table of breaks.
        first, *others = [held[name] for held in each if name in held]
        shape = first.rows, first.columns, "clips"
        if all((table.rows, table.columns, table.unit) == shape for table in (first, *others)):
            places = [zip(*rows) for rows in zip(first.values, *(table.values for table in others))]
            values = [[sum(value or 0 for value in place) for place in row] for row in places]
            found[name] = first.model_copy(update={"values": values})
    return found


def _scores(scores: Mapping[str, Value], splits: Sequence[str]) -> dict[str, Value]:
    """`robustness:fold1:mean/white_noise`, and so on, as `robustness:mean/white_noise`."""
    found: dict[str, Value] = {}
    for name, value in scores.items():
        scope, mark, rest = name.partition(":")
        split, _, figure = rest.partition(":")
        if not mark or split not in splits:
            found[name] = value
        elif split == splits[0] and f"{scope}:{figure}" not in scores:
            found |= _means([_named(scores, f"{scope}:{one}:{figure}", f"{scope}:{figure}") for one in splits], split)
    return found


def _named(scores: Mapping[str, Value], name: str, called_then: str) -> dict[str, Value]:
    return {called_then: scores[name]} if name in scores else {}


def _about(scope: str | None, split: str, folds: int) -> str:
    """What a figure is about, with all folds in the place of the first."""
    parts = [part for part in (scope or "").split(", ") if part and part != split]
    return ", ".join([*parts, f"mean over {folds} folds"])


def _means(each: Sequence[Mapping[str, Value]], split: str) -> dict[str, Value]:
    found = {}
    for name in each[0]:
        mean = mean_over_folds([figures.get(name) for figures in each])
        if mean is not None:
            # Which device is the worst, say, is another one in each fold.
            told = {"scope": _about(each[0][name].scope, split, len(each)), "note": None, "of": None}
            found[name] = mean.model_copy(update=told)
    return found
