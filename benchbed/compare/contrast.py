"""One figure of two runs, paired by recording: difference, interval, tests, effect size, smallest effect it could find.

Three things are asked of a difference that is called shown: the bootstrap over recording groups must put it off zero,
swapping the models within recordings must make it rare, and Holm's correction over the table must leave it below the
level. The bootstrap alone rejects too often where few recordings disagree; the swap test alone knows no margin.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from benchbed.compare.figure import Figure, Recipe, cells_of, direction, evaluate, infos, recipe, sums_by_group
from benchbed.compare.runs import Run, condition_mismatch
from benchbed.errors import CannotMeasure, did_you_mean
from benchbed.metrics.contract import MetricInfo
from benchbed.stats.bootstrap import Bootstrap
from benchbed.stats.swaps import Swaps, bootstrap_tail, detectable, swap_models


@dataclass(frozen=True)
class Procedure:
    """How comparisons are made.

    Attributes
    ----------
    draws : int
        Bootstrap draws.
    swaps : int
        Random swaps of the models.
    level : float
        Coverage of the intervals.
    alpha : float
        Level of the tests.
    power : float
        Power that the minimum detectable effect is stated for.
    seed : int
        Seed of both.
    """

    draws: int = 2000
    swaps: int = 1999
    level: float = 0.95
    alpha: float = 0.05
    power: float = 0.8
    seed: int = 0


@dataclass(frozen=True)
class Contrast:
    """A figure of two models, a − b, in one metric.

    Attributes
    ----------
    figure : Figure
        Which clips.
    metric : str
        Which metric.
    info : MetricInfo
        What it means.
    direction : str
        Which way is better.
    a, b : float or None
        The figure of each model.
    value : float or None
        a − b; None where it is undefined, then `reason` says why.
    low, high : float or None
        Interval of the difference.
    p : float or None
        Two-sided p-value: the larger of bootstrap and swap test.
    p_bootstrap, p_swap : float or None
        Either of them.
    exact : bool
        Every possible swap was made.
    error : float or None
        Bootstrap standard error of the difference.
    mde : float or None
        Smallest true difference that the test would find with the stated power.
    effect : float or None
        Difference in standard deviations between recordings (Cohen's d_z).
    relative : float or None
        Difference as a share of b.
    clips, groups : int
        Clips and recordings behind the figure.
    differing : int
        Recordings on which the two models' sums differ.
    dropped : int
        Recordings left out because one of the models has not scored all of the other's clips.
    incomplete : str or None
        Which cells lost clips.
    mcnemar : dict or None
        Exact McNemar test; None where it does not apply, then `no_mcnemar` says why.
    method : str or None
        Method of the interval.
    reason : str or None
        Why there is no value or no test.
    drawn_a, drawn_b : np.ndarray or None [shape=(draw,)]
        Replicates of each model in the same draws.
    swaps : Swaps or None
        Differences after swapping.
    """

    figure: Figure
    metric: str
    info: MetricInfo
    direction: str
    a: float | None
    b: float | None
    value: float | None = None
    low: float | None = None
    high: float | None = None
    p: float | None = None
    p_bootstrap: float | None = None
    p_swap: float | None = None
    exact: bool = False
    error: float | None = None
    mde: float | None = None
    effect: float | None = None
    relative: float | None = None
    clips: int = 0
    groups: int = 0
    differing: int = 0
    dropped: int = 0
    incomplete: str | None = None
    mcnemar: dict[str, float] | None = None
    no_mcnemar: str | None = None
    method: str | None = None
    reason: str | None = None
    drawn_a: np.ndarray | None = field(default=None, repr=False, compare=False)
    drawn_b: np.ndarray | None = field(default=None, repr=False, compare=False)
    swaps: Swaps | None = field(default=None, repr=False, compare=False)

    @property
    def gain(self) -> float | None:
        """How much better a is, positive whichever way the metric points."""
        return None if self.value is None else (self.value if self.direction == "higher" else -self.value)

    def p_worse(self, margin: float = 0.0, relative: float = 0.0) -> float | None:
        """One-sided p-value that a is not worse than b by more than a margin.

        Parameters
        ----------
        margin : float
            Loss that is tolerated, in the metric's unit.
        relative : float
            Loss that is tolerated, as a share of b.
        """
        gains = self._gains(margin, relative)
        if gains is None or self.swaps is None:
            return 1.0 if self.value == 0 else None
        tail = bootstrap_tail(gains, 0.0, self.groups, "less")
        swap = self.swaps.p(self.metric, "less" if self.direction == "higher" else "greater")
        return None if tail is None or swap is None else max(tail, swap)

    def p_too_bad(self, margin: float = 0.0, relative: float = 0.0) -> float | None:
        """One-sided p-value that a is worse than b by the margin or more; small values show non-inferiority."""
        if self.error == 0:
            return 0.0 if margin > 0 or relative > 0 else 1.0
        gains = self._gains(margin, relative)
        return None if gains is None else bootstrap_tail(gains, 0.0, self.groups, "greater")

    def _gains(self, margin: float, relative: float) -> np.ndarray | None:
        if self.drawn_a is None or self.drawn_b is None or self.value is None:
            return None
        sign = 1.0 if self.direction == "higher" else -1.0
        return sign * (self.drawn_a - self.drawn_b) + margin + relative * np.abs(self.drawn_b)


@dataclass(frozen=True)
class Paired:
    """The sums of two runs for one figure, recording by recording.

    Attributes
    ----------
    a, b : list of np.ndarray [shape=(group, part, statistic)]
        One array per split.
    clips : int
        Clips of the figure.
    groups : int
        Recordings with clips.
    dropped : int
        Recordings left out.
    single : bool
        Every recording holds one clip.
    """

    a: list[np.ndarray]
    b: list[np.ndarray]
    splits: list[str]
    clips: int
    groups: int
    dropped: int
    single: bool


def pair(a: Run, b: Run, figure: Figure, made: Recipe, other: Figure | None = None) -> Paired:
    """Line up the sums of two runs; recordings whose scored clips differ are left out of both.

    `other` is the figure of b where it is another one than a's.

    Raises
    ------
    CannotMeasure
        A run has no such condition, or the condition is not the same in both.
    """
    mine, theirs = cells_of(a.sums, figure), cells_of(b.sums, other or figure)
    if other is None:
        for split in mine:
            key = next(k for k, cell in a.sums.cells.items() if cell is mine[split])
            why = condition_mismatch(a.result, b.result, key)
            if why is not None:
                raise CannotMeasure(why)
    if set(mine) != set(theirs):
        raise CannotMeasure(f"the runs have other splits: {sorted(mine)} and {sorted(theirs)}")
    first, second, clips, groups, dropped, single = [], [], 0, 0, 0, True
    for split, cell in mine.items():
        against = theirs[split]
        if a.sums.groups[split] != b.sums.groups[split]:
            raise CannotMeasure(f"the runs have other recordings in split {split}")
        keep = cell.marks == against.marks
        dropped += int((~keep).sum())
        sums, count = sums_by_group(a.sums, cell, made, keep)
        first.append(sums)
        second.append(sums_by_group(b.sums, against, made, keep)[0])
        count = count // _draws(a, figure)
        if made.label is not None:
            # A class is met in some recordings only, and those are what its figure rests on.
            count = a.family.class_counts(sums)[..., a.family.labels.index(made.label)].astype(np.int64)
        clips += int(count.sum())
        groups += int((count.sum(axis=1) > 0).sum())
        single = single and bool((count.sum(axis=1) <= 1).all())
    return Paired(first, second, list(mine), clips, groups, dropped, single)


def _draws(run: Run, figure: Figure) -> int:
    held = [c.condition.draws for c in run.result.cells if c.key.split("/", 2)[2] == figure.condition]
    return held[0] if held else 1


def contrast(
    a: Run,
    b: Run,
    figure: Figure,
    metrics: Iterable[str] | None = None,
    procedure: Procedure | None = None,
    *,
    against: Figure | None = None,
) -> dict[str, Contrast]:
    """Compare one figure of two runs in several metrics.

    Parameters
    ----------
    a, b : Run
        The runs; a − b is what is reported.
    figure : Figure
        Which clips.
    metrics : iterable of str, optional
        Which metrics; all by default.
    procedure : Procedure, optional
        Draws, levels, seed.
    against : Figure, optional
        Figure of b, where it is another than a's, e.g. clean clips of the same run.

    Raises
    ------
    CannotMeasure
        The runs do not have this figure, or not this metric.
    """
    procedure = procedure or Procedure()
    made = recipe(a.sums, figure)
    known = infos(a.family, made)
    wanted = list(known if metrics is None else metrics)
    for metric in wanted:
        if metric not in known:
            hint = did_you_mean(metric, known) or f"there are: {', '.join(known)}"
            raise CannotMeasure(f"there is no metric '{metric}' for {figure}", hint=hint)
    paired = pair(a, b, figure, made, against)
    values_a = _points(a, made, paired.a)
    values_b = _points(b, made, paired.b)
    drawn_a, drawn_b = _draw(a, made, paired.a, paired, procedure), _draw(b, made, paired.b, paired, procedure)
    swaps = _swap(a, made, paired, procedure, str(figure))
    incomplete = incomplete_cells((a, figure), (b, against or figure))
    mcnemar, no_mcnemar = _mcnemar(paired, swaps, made, a)
    found = {}
    for metric in wanted:
        found[metric] = _contrast(
            figure, metric, known[metric], direction(known[metric], made), values_a[metric], values_b[metric],
            drawn_a[metric], drawn_b[metric], swaps, paired, procedure, incomplete,
            (mcnemar, no_mcnemar) if metric == "accuracy" else (None, "it is about right and wrong clips"),
        )  # fmt: skip
    return found


def _contrast(
    figure: Figure,
    metric: str,
    info: MetricInfo,
    better: str,
    a: float,
    b: float,
    drawn_a: np.ndarray,
    drawn_b: np.ndarray,
    swaps: Swaps,
    paired: Paired,
    procedure: Procedure,
    incomplete: str | None,
    mcnemar: tuple[dict[str, float] | None, str | None],
) -> Contrast:
    differing = sum(int((np.abs(x - y).reshape(len(x), -1).max(axis=1, initial=0.0) > 0).sum())
                    for x, y in zip(paired.a, paired.b))  # fmt: skip
    facts = {"clips": paired.clips, "groups": paired.groups, "differing": differing, "dropped": paired.dropped,
             "incomplete": incomplete, "mcnemar": mcnemar[0], "no_mcnemar": mcnemar[1]}  # fmt: skip
    known_a, known_b = (float(x) if np.isfinite(x) else None for x in (a, b))
    if known_a is None or known_b is None:
        if paired.clips:
            why = f"{metric} is undefined for these clips"
        else:
            why = "no recording whose clips both models scored" if paired.dropped else "no clips"
        return Contrast(figure, metric, info, better, known_a, known_b, reason=why, **facts)  # type: ignore[arg-type]
    value = known_a - known_b
    boot = _bootstrap(paired.groups, procedure)
    drawn = drawn_a - drawn_b
    interval = boot.interval(drawn, groups=paired.groups)
    defined = drawn[np.isfinite(drawn)]
    same = value == 0 and not np.nan_to_num(drawn).any()
    tails = [bootstrap_tail(drawn, 0.0, paired.groups, side) for side in ("less", "greater")]  # type: ignore[arg-type]
    sides = [t for t in tails if t is not None]
    p_bootstrap = 1.0 if same else (min(1.0, 2 * min(sides)) if len(sides) == 2 else None)
    p_swap = swaps.p(metric)
    p = None if p_bootstrap is None or p_swap is None else max(p_bootstrap, p_swap)
    error = 0.0 if same else (float(defined.std(ddof=1)) if p_bootstrap is not None and len(defined) > 1 else None)
    reason = "no difference in any draw" if same else interval.reason
    return Contrast(
        figure, metric, info, better, known_a, known_b, value, interval.low, interval.high, p, p_bootstrap, p_swap,
        swaps.exact, error,
        None if not error else detectable(error, paired.groups, alpha=procedure.alpha, power=procedure.power),
        None if not error else float(value / (error * np.sqrt(paired.groups))),
        value / abs(known_b) if known_b else None,
        **facts,  # type: ignore[arg-type]
        method=interval.method, reason=reason, drawn_a=drawn_a, drawn_b=drawn_b, swaps=swaps,
    )  # fmt: skip


def incomplete_cells(*asked: tuple[Run, Figure]) -> str | None:
    """Cells behind a figure that lost clips, in words."""
    lost = []
    for run, figure in asked:
        for cell in run.result.cells:
            asked_for = cell.key.split("/", 2)[2] == figure.condition and figure.split in (None, cell.split)
            if asked_for and (not cell.complete or cell.counts.failed):
                lost.append(f"{run.name}: {cell.counts.failed} of {cell.counts.clips} clips of {cell.key} failed")
    return "; ".join(dict.fromkeys(lost)) or None


def _join(run: Run, made: Recipe) -> str:
    # A class has a handful of clips in each fold, and draws without any of them: its folds are pooled.
    return "pooled" if made.label is not None else run.folds


def _points(run: Run, made: Recipe, folds: list[np.ndarray]) -> dict[str, float]:
    values = evaluate(run.family, made, [sums.sum(axis=0) for sums in folds], _join(run, made))
    return {name: float(value) for name, value in values.items()}


def _draw(run: Run, made: Recipe, folds: list[np.ndarray], paired: Paired, how: Procedure) -> dict[str, np.ndarray]:
    drawn = []
    for split, sums in zip(paired.splits, folds):
        groups, parts, width = sums.shape
        boot = Bootstrap(groups, draws=how.draws, name=f"{run.sums.index_hash}/{split}", seed=how.seed)
        drawn.append(boot.replicates(sums.reshape(groups, -1)).reshape(how.draws, parts, width))
    return evaluate(run.family, made, drawn, _join(run, made))


def replicates(run: Run, figure: Figure, procedure: Procedure) -> tuple[dict[str, float], dict[str, np.ndarray]]:
    """A run's own values of a figure, and its replicates in draws that all runs on the same clips share."""
    made = recipe(run.sums, figure)
    paired = pair(run, run, figure, made)
    return _points(run, made, paired.a), _draw(run, made, paired.a, paired, procedure)


def _bootstrap(groups: int, how: Procedure) -> Bootstrap:
    return Bootstrap(groups, draws=how.draws, level=how.level, seed=how.seed)


def _swap(run: Run, made: Recipe, paired: Paired, how: Procedure, name: str) -> Swaps:
    shape, join = paired.a[0].shape[1:], _join(run, made)

    def values(sums: list[np.ndarray]) -> dict[str, np.ndarray]:
        return evaluate(run.family, made, [s.reshape(-1, *shape) for s in sums], join)

    one, other = ([sums.reshape(len(sums), -1) for sums in side] for side in (paired.a, paired.b))
    return swap_models(one, other, values, draws=how.swaps, name=f"{run.sums.index_hash}/{name}", seed=how.seed)


def _mcnemar(paired: Paired, swaps: Swaps, made: Recipe, run: Run) -> tuple[dict[str, float] | None, str | None]:
    from scipy.special import bdtr

    if "accuracy" not in infos(run.family, made) or len(made.parts) != 1:
        return None, "the metrics do not count right and wrong clips"
    if not paired.single:
        return None, (f"clips of one recording depend on each other ({paired.clips} clips of {paired.groups} "
                      "recordings)")  # fmt: skip
    right = []
    for side in (paired.a, paired.b):
        with np.errstate(invalid="ignore"):
            right.append(np.concatenate([run.family.values(sums[:, 0])["accuracy"] for sums in side]))
    held = np.isfinite(right[0]) & np.isfinite(right[1])
    one, other = (r[held] > 0.5 for r in right)
    only_a, only_b = int((one & ~other).sum()), int((other & ~one).sum())
    total = only_a + only_b
    p = min(1.0, 2 * float(bdtr(min(only_a, only_b), total, 0.5))) if total else 1.0
    ratio = only_a / only_b if only_b else (float("inf") if only_a else float("nan"))
    return {"only_a": only_a, "only_b": only_b, "p": p, "odds_ratio": ratio}, None
