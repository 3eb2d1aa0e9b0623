"""One figure of two runs, paired by recording: difference, interval, tests, effect size, smallest effect it could find.

Three things are asked of a difference that is called shown: the bootstrap over recording groups must put it off zero,
swapping the models within recordings must make it rare, and Holm's correction over the table must leave it below the
level. The bootstrap alone rejects too often where few recordings disagree; the swap test alone knows no margin.

A figure that is made from no sums (mAP, PSDS, a retention) is paired by the draws that both runs kept, which are the
same draws; models can only be swapped in it where the clips themselves are at hand, and else the bootstrap stands
alone, which every output says.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from benchbed.compare.answer import BOOTSTRAP, BOTH, Contrast, Procedure
from benchbed.compare.drawing import (
    boots,
    drawn_metrics,
    draws_differ,
    join,
    meaning,
    meanings,
    own_figure,
    recorded,
    replicates,
    stored,
    stored_score,
)
from benchbed.compare.figure import Figure, Recipe, counted, direction, evaluate, evaluate_counts, recipe
from benchbed.compare.mcnemar import mcnemar
from benchbed.compare.pairing import Paired, incomplete_cells, pair, scored_alike
from benchbed.compare.reused import ReusedParts
from benchbed.compare.runs import OpenRun, shared
from benchbed.errors import CannotMeasure, did_you_mean
from benchbed.metrics.contract import MetricInfo
from benchbed.stats.bootstrap import Bootstrap, degrees_of_freedom
from benchbed.stats.replicates import Replicates
from benchbed.stats.swaps import Swaps, bootstrap_tail, swap_models

#: The metric that is about right and wrong clips, which McNemar's test counts.
_RIGHT = "accuracy"
SIDES: tuple[Literal["less"], Literal["greater"]] = ("less", "greater")

__all__ = ["Contrast", "Procedure", "contrast", "contrast_score", "incomplete_cells", "replicates"]


def contrast(
    a: OpenRun,
    b: OpenRun,
    figure: Figure,
    metrics: Iterable[str] | None = None,
    procedure: Procedure | None = None,
    *,
    against: Figure | None = None,
    reused: ReusedParts | None = None,
) -> dict[str, Contrast]:
    """Compare one figure of two runs in several metrics.

    Parameters
    ----------
    a, b : OpenRun
        The runs; a − b is what is reported.
    figure : Figure
        Which clips.
    metrics : iterable of str, optional
        Which metrics; all by default.
    procedure : Procedure, optional
        Draws, levels, seed.
    against : Figure, optional
        Figure of b, where it is another than a's, e.g. clean clips of the same run.
    reused : ReusedParts, optional
        What was made of either run for another pair.

    Raises
    ------
    CannotMeasure
        The runs do not have this figure, or not this metric.
    """
    procedure = procedure or Procedure()
    a, b, lack = shared(a, b)
    formula = recipe(a.sums, figure)
    known = meanings(a, figure)
    wanted = list(known if metrics is None else metrics)
    for metric in wanted:
        if metric not in known:
            hint = did_you_mean(metric, known) or f"there are: {', '.join(known)}"
            raise CannotMeasure(f"there is no metric '{metric}' for {figure}", hint=lack or hint)
    if lack is not None:
        reused = None  # of runs that were cut down for each other
    paired = pair(a, b, figure, formula, against, reused)
    kept = {*drawn_metrics(a, figure), *drawn_metrics(b, against or figure)}
    lost = incomplete_cells((a, figure), (b, against or figure))
    right: tuple[dict[str, float] | None, str | None] = None, "no sums of the clips were kept"
    if not paired.lean and _RIGHT in wanted:
        right = mcnemar(paired, formula, a)
    told = _Told(figure, a, paired, procedure, lost, right)
    contrasts: dict[str, Contrast] = {}
    if not kept.issuperset(wanted):
        asked = [metric for metric in wanted if metric not in kept]
        values_a, drawn_a = own_figure(a, figure, formula, paired.a, paired, procedure, asked, reused)
        values_b, drawn_b = own_figure(b, against or figure, formula, paired.b, paired, procedure, asked, reused)
        seen = {metric: values_a[metric] - values_b[metric] for metric in asked}
        swaps = _swap(a, formula, paired, procedure, str(figure), seen)
    for metric in wanted:
        better = direction(known[metric], formula)
        if metric in kept:
            contrasts[metric] = _from_draws(a, b, metric, known[metric], better, against or figure, told)
        else:
            contrasts[metric] = told.contrast(
                metric,
                known[metric],
                better,
                (values_a[metric], values_b[metric]),
                (drawn_a[metric], drawn_b[metric]),
                swaps,
            )
    return contrasts


def contrast_score(a: OpenRun, b: OpenRun, name: str, procedure: Procedure | None = None) -> Contrast:
    """Compare a figure over cells, e.g. `robustness:retention` or `adversarial:snr50/pgd@l2`, by the draws both kept.

    Raises
    ------
    CannotMeasure
        A run kept no draws of it, or other draws, or the two have not scored the same clips of some cell; the message
        says that it has no paired comparison and why.
    """
    procedure = procedure or Procedure()
    try:
        value_a, drawn_a, held = stored_score(a, name)
        value_b, drawn_b, other = stored_score(b, name)
        why = draws_differ(a, b) or scored_alike(a, b)
        if why is not None:
            raise CannotMeasure(why)
        if held.rule != other.rule:
            raise CannotMeasure(f"the rule is {held.rule} in one run and {other.rule} in the other")
    except CannotMeasure as error:
        raise CannotMeasure(f"{name} has no paired comparison: {error.what}", hint=error.hint) from error
    groups = sum(len(names) for names in a.sums.groups.values())
    paired = Paired([], [], [*a.sums.groups], held.n, groups, 0, False)
    figures = [Figure(key.split("/", 2)[2]) for key in a.sums.cells]
    lost = incomplete_cells(*((run, figure) for run in (a, b) for figure in figures))
    info = meaning(name, held)
    told = _Told(Figure(name.partition(":")[0]), a, paired, procedure, lost, (None, None))
    return told.contrast(name, info, info.direction, (value_a, value_b), (drawn_a, drawn_b), None, kept=True)


def _from_draws(
    a: OpenRun, b: OpenRun, metric: str, info: MetricInfo, better: str, against: Figure, told: _Told
) -> Contrast:
    known = recorded(a, told.figure, metric), recorded(b, against, metric)
    try:
        (value_a, drawn_a), (value_b, drawn_b) = stored(a, told.figure, metric), stored(b, against, metric)
    except CannotMeasure as error:
        why = error.what if error.hint is None else f"{error.what} ({error.hint})"
        return told.without(metric, info, better, known, why)
    lack = f"{told.paired.dropped} recordings were not scored alike, and {metric} cannot be made without them"
    why = draws_differ(a, b) or (lack if told.paired.dropped else "")
    if why:
        return told.without(metric, info, better, known, why)
    swapper = told.procedure.swapper
    swaps = None if swapper is None else swapper(a, b, told.figure, against)
    if swaps is not None and metric not in swaps.seen:
        swaps = None
    return told.contrast(metric, info, better, (value_a, value_b), (drawn_a, drawn_b), swaps, kept=True)


@dataclass(frozen=True)
class _Told:
    """What all metrics of a figure have in common."""

    figure: Figure
    run: OpenRun
    paired: Paired
    procedure: Procedure
    incomplete: str | None
    mcnemar: tuple[dict[str, float] | None, str | None]

    def facts(self, metric: str, summed: bool, swapped: bool) -> dict[str, Any]:
        paired, right = self.paired, metric == _RIGHT and summed
        return {
            "clips": paired.clips,
            "groups": paired.groups,
            "dropped": paired.dropped,
            "incomplete": self.incomplete,
            "differing": paired.differing if summed else None,
            "test": BOTH if swapped else BOOTSTRAP,
            "mcnemar": self.mcnemar[0] if right else None,
            "no_mcnemar": self.mcnemar[1] if right else "it is about right and wrong clips",
        }

    def without(
        self, metric: str, info: MetricInfo, better: str, known: tuple[float | None, float | None], why: str
    ) -> Contrast:
        """No difference, and the reason."""
        return Contrast(self.figure, metric, info, better, *known, reason=why, **self.facts(metric, False, False))

    def contrast(
        self,
        metric: str,
        info: MetricInfo,
        better: str,
        values: tuple[float, float],
        replicates: tuple[np.ndarray, np.ndarray],
        swaps: Swaps | None,
        *,
        kept: bool = False,
    ) -> Contrast:
        facts, groups, how = self.facts(metric, not kept, swaps is not None), self.paired.groups, self.procedure
        known_a, known_b = (float(x) if np.isfinite(x) else None for x in values)
        if known_a is None or known_b is None:
            why = f"{metric} is undefined for these clips"
            if not self.paired.clips:
                why = "no recording whose clips both models scored" if self.paired.dropped else "no clips"
            return Contrast(self.figure, metric, info, better, known_a, known_b, reason=why, **facts)
        value = known_a - known_b
        with np.errstate(invalid="ignore"):
            # Two infinite values of d′ have no difference.
            difference = Replicates(drawn := replicates[0] - replicates[1], value)
        # Draws that were kept have their own number and seed.
        seed = self.run.sums.seed if kept else how.seed
        freedom = degrees_of_freedom(boots(self.run, self.paired.splits, len(drawn), seed), drawn, groups)
        boot = Bootstrap(groups, draws=len(drawn), level=how.level, seed=seed)
        interval = boot.interval(difference, groups=groups, freedom=freedom)
        defined = drawn[np.isfinite(drawn)]
        same = value == 0 and not np.nan_to_num(drawn).any()
        tails = [bootstrap_tail(difference, 0.0, groups, side, freedom=freedom) for side in SIDES]
        sides = [t for t in tails if t is not None]
        p_bootstrap = 1.0 if same else (min(1.0, 2 * min(sides)) if len(sides) == 2 else None)
        p_swap = None if swaps is None else swaps.p(metric)
        p = p_bootstrap
        if swaps is not None:
            p = None if p_bootstrap is None or p_swap is None else max(p_bootstrap, p_swap)
        error = 0.0 if same else (float(defined.std(ddof=1)) if p_bootstrap is not None and len(defined) > 1 else None)
        reason = "no difference in any draw" if same else interval.reason
        if p is None and p_bootstrap is not None:
            reason = f"{metric} is undefined where the models are to be swapped"
        answer = Contrast(
            self.figure,
            metric,
            info,
            better,
            known_a,
            known_b,
            value,
            interval.low,
            interval.high,
            p,
            p_bootstrap,
            p_swap,
            swaps is not None and swaps.exact,
            error,
            None,
            None if not error else float(value / (error * np.sqrt(groups))),
            value / abs(known_b) if known_b else None,
            **facts,
            method=interval.method,
            freedom=freedom,
            reason=reason,
            drawn_a=replicates[0],
            drawn_b=replicates[1],
            swaps=swaps,
        )
        return replace(answer, mde=answer.detectable(how.alpha, how.power, difference))


def _swap(run: OpenRun, made: Recipe, paired: Paired, how: Procedure, name: str, seen: Mapping[str, float]) -> Swaps:
    metrics = seen.keys()
    shape, joined = paired.a[0].shape[1:], join(run, made)
    columns = counted(run.family, made, metrics, [*paired.a, *paired.b])

    def values(sums: list[np.ndarray]) -> dict[str, np.ndarray]:
        if columns is None:
            return evaluate(run.family, made, [s.reshape(-1, *shape) for s in sums], joined, metrics)
        counts = [s.reshape(shape[0], len(columns), -1) for s in sums]
        return evaluate_counts(run.family, made, counts, joined, metrics)

    one, other = ([sums.reshape(len(sums), -1) for sums in side] for side in (paired.a, paired.b))
    # The columns of each part stand behind those of the part before it.
    flat = None if columns is None else (np.arange(shape[0])[:, None] * shape[1] + columns).ravel()
    name = f"{run.sums.index_hash}/{name}"
    return swap_models(one, other, values, draws=how.swaps, name=name, seed=how.seed, counted=flat, seen=seen)
