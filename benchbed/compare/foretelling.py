"""Does one kind of robustness foretell another? Rank correlations over the models of a board, and families as groups.

Each kind is a share of what the model does on clean audio, so that a good model is not robust for being good: the mean
of a group of corruptions (noise, devices, codecs) over the clean figure, and the share of the clips right when clean
that no attack broke, as the mean over the budgets that all models have.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import combinations
from statistics import fmean, stdev

from benchbed.results.answers import in_group
from benchbed.results.conditions import without_gradient
from benchbed.results.foretelling import KINDS, Contrasted, Foretelling, Foretold, Kept
from benchbed.results.record import Cell, Result, Value
from benchbed.stats.association import association

#: Kinds that are groups of corruptions.
GROUPS = ("noise", "device", "codec")
#: Families that are held against each other where a board has two of each.
FAMILIES = (("transformer", "cnn"),)


def foretelling(results: Sequence[Result]) -> Foretelling | None:
    """Kinds of robustness beside each other over models; None where fewer than two kinds are there for two models.

    Parameters
    ----------
    results : sequence of Result
        Runs that may be compared: one suite, data and protocol; one for each model.
    """
    budgets = _budgets(results)
    models = tuple(Kept(r.model.name, r.model.family, kept(r, budgets)) for r in results)
    pairs = []
    for one, other in combinations(KINDS, 2):
        both = [m for m in models if one in m.shares and other in m.shares]
        if len(both) < 2:
            continue
        x, y = ([m.shares[kind].value or 0.0 for m in both] for kind in (one, other))
        found = association(x, y)
        reason = found.reason or ""
        pairs.append(Foretold(one, other, found.value, found.low, found.high, len(both), found.chance, reason))
    if not pairs:
        return None
    families = [made for kind in KINDS for pair in FAMILIES if (made := _families(models, kind, *pair)) is not None]
    return Foretelling(models, tuple(pairs), tuple(families))


def kept(result: Result, budgets: frozenset[tuple[str, float]] | None = None) -> dict[str, Value]:
    """What a model keeps of its clean figure, by kind of perturbation.

    Parameters
    ----------
    result : Result
        A run of several kinds of perturbation.
    budgets : frozenset of (str, float), optional
        Curves and budgets of attacks that count; all by default.
    """
    shares_by_kind: dict[str, Value] = {}
    clean = [cell for cell in result.cells if cell.condition.kind == "clean"]
    base = clean[0].metrics.get(result.primary) if len(clean) == 1 else result.scores.get(result.primary)
    for kind in GROUPS:
        figure = in_group(result, kind)
        if base is None or figure is None or figure.value is None or not base.value or base.direction != "higher":
            continue
        shares_by_kind[kind] = figure.model_copy(
            update={
                "value": figure.value / base.value,
                "low": None if figure.low is None else figure.low / base.value,
                "high": None if figure.high is None else figure.high / base.value,
                "unit": "fraction",
                "title": KINDS[kind],
                "rule": f"{figure.rule}|over-clean",
            }
        )
    shares = [
        1 - rate.value
        for cell in result.cells
        if _counts(cell)
        and (budgets is None or _place(cell) in budgets)
        and (rate := cell.metrics.get("attack_success_rate")) is not None
        and rate.value is not None
    ]
    if shares:
        shares_by_kind["adversarial"] = Value(
            value=fmean(shares),
            n=max(cell.metrics["attack_success_rate"].n for cell in result.cells if _counts(cell)),
            direction="higher",
            unit="fraction",
            rule="kept-of-clips-right-when-clean|mean-over-budgets",
            title=KINDS["adversarial"],
            reason="a mean over budgets",
        )
    return shares_by_kind


def _counts(cell: Cell) -> bool:
    """Attacks on sound at an SNR with sound checks, that met a gradient if they use one; noise is none."""
    what = cell.condition
    if without_gradient(what):
        return False
    sound = (what.unit or "").startswith("dB SNR") and "attack_success_rate" in cell.metrics
    return what.kind == "attack" and cell.ranked and sound and not what.name.endswith("_noise")


def _place(cell: Cell) -> tuple[str, float]:
    return cell.key.split("/", 2)[2].rpartition(":")[0], float(cell.condition.parameter or 0.0)


def _budgets(results: Sequence[Result]) -> frozenset[tuple[str, float]]:
    """Budgets that all attacked models have, so that none is judged at milder ones."""
    each = [{_place(cell) for cell in result.cells if _counts(cell)} for result in results]
    each = [places for places in each if places]
    return frozenset(set.intersection(*each)) if each else frozenset()


def _families(models: Sequence[Kept], kind: str, one: str, other: str) -> Contrasted | None:
    """Welch's interval of the difference of two families' means, over models."""
    sides = [
        [m.shares[kind].value or 0.0 for m in models if m.family == name and kind in m.shares] for name in (one, other)
    ]
    if not all(sides):
        return None
    sizes = len(sides[0]), len(sides[1])
    difference = fmean(sides[0]) - fmean(sides[1])
    if min(sizes) < 2:
        return Contrasted(kind, one, other, difference, None, None, sizes, "one model of a family is no spread")
    parts = [stdev(side) ** 2 / len(side) for side in sides]
    error = math.sqrt(sum(parts))
    if error == 0:
        return Contrasted(kind, one, other, difference, None, None, sizes, "models of a family do not differ")
    freedom = sum(parts) ** 2 / sum(part**2 / (len(side) - 1) for part, side in zip(parts, sides))
    # Not `scipy.stats`, which takes longer to import than a board of ten runs takes.
    from scipy.special import stdtrit

    reach = float(stdtrit(freedom, 0.975)) * error
    return Contrasted(kind, one, other, difference, difference - reach, difference + reach, sizes)


def one_each(results: Mapping[str, Result] | Sequence[Result]) -> list[Result]:
    """Of several runs of a model the newest, by name."""
    every = list(results.values()) if isinstance(results, Mapping) else list(results)
    newest: dict[str, Result] = {}
    for result in sorted(every, key=lambda one: one.provenance.created):
        newest[result.model.name] = result
    return list(newest.values())
