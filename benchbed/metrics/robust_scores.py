"""Robustness figures of a run: what its corruption cells say together, with intervals paired by recording.

`robustness` holds the formulas; here they are applied to cells that share their bootstrap draws, and every figure gets
its rule, its clips and its interval.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from benchbed.errors import CannotMeasure
from benchbed.metrics.contract import MetricInfo
from benchbed.metrics.number import Number, derived, number
from benchbed.metrics.robustness import (
    area_under_severity,
    breakdown_severity,
    corruption_error,
    group_means,
    half_loss_level,
    retention,
)
from benchbed.stats.bootstrap import Bootstrap


@dataclass(frozen=True)
class Corrupted:
    """One cell of a corruption, in one metric.

    Attributes
    ----------
    corruption : str
        Name of the corruption.
    severity : int
        1 (mild) … 5 (severe).
    group : str
        Family of the corruption, e.g. `noise`.
    number : Number
        The metric in that cell.
    replicates : np.ndarray or None [shape=(draw,)]
        The metric in every draw.
    snr : float or None
        SNR in dB, where that is what severity means.
    snr_unit : str
        Which SNR: on active level, or of the whole clip.
    """

    corruption: str
    severity: int
    group: str
    number: Number
    replicates: np.ndarray | None = None
    snr: float | None = None
    snr_unit: str = "dB SNR"


@dataclass(frozen=True)
class ReferenceErrors:
    """Errors of the reference model that mCE divides by.

    Attributes
    ----------
    name : str
        Name and version of the reference, part of the rule.
    clean : float
        Error on clean clips.
    errors : mapping of str to mapping of int to float
        Corruption → severity → error.
    """

    name: str
    clean: float
    errors: Mapping[str, Mapping[int, float]]


def robustness_scores(
    clean: Number,
    clean_replicates: np.ndarray | None,
    cells: Sequence[Corrupted],
    bootstrap: Bootstrap | None = None,
    reference: ReferenceErrors | None = None,
) -> dict[str, Number]:
    """Every robustness figure that the cells of one split give in one metric.

    Parameters
    ----------
    clean : Number
        The metric on clean clips.
    clean_replicates : np.ndarray or None [shape=(draw,)]
        The same in every draw.
    cells : sequence of Corrupted
        The corruption cells, scored with the same bootstrap.
    bootstrap : Bootstrap, optional
        What drew the replicates; without it there are no intervals.
    reference : ReferenceErrors, optional
        For mCE; without it there is no mCE.

    Returns
    -------
    dict of str to Number
        For every corruption `mean/C`, `aurc/C`, `retention/C`, `breakdown/C`, and `snr50/C` where severity is an SNR;
        `group/G` for every group; `corruption_mean`, `aurc`, `retention`, `worst_group`, `mce`, `relative_mce`.

    Examples
    --------
    >>> info = MetricInfo("Accuracy", "accuracy", "fraction", "higher", chance=0.1, low=0.0, high=1.0)
    >>> made = lambda value: Number(value, None, None, 100, info)
    >>> found = robustness_scores(made(0.9), None, [Corrupted("white", 1, "noise", made(0.7))])
    >>> round(found["retention/white"].value, 3), found["breakdown/white"].reason
    (0.75, 'at least half is retained at every strength')
    """
    return _Scores(clean, clean_replicates, cells, bootstrap, reference).all()


class _Scores:
    def __init__(
        self,
        clean: Number,
        clean_replicates: np.ndarray | None,
        cells: Sequence[Corrupted],
        bootstrap: Bootstrap | None,
        reference: ReferenceErrors | None,
    ) -> None:
        self.info, self.bootstrap, self.reference = clean.info, bootstrap, reference
        self.curves: dict[str, list[Corrupted]] = {}
        for cell in cells:
            self.curves.setdefault(cell.corruption, []).append(cell)
        for name, curve in self.curves.items():
            curve.sort(key=lambda cell: cell.severity)
            if len({cell.severity for cell in curve}) < len(curve) or len({cell.group for cell in curve}) > 1:
                raise CannotMeasure(f"{name} has a severity twice, or two groups")
        self.group_of = {name: curve[0].group for name, curve in self.curves.items()}
        self.n = {name: min(cell.number.n for cell in curve) for name, curve in self.curves.items()}
        self.drawn = clean_replicates is not None and all(cell.replicates is not None for cell in cells)
        # Column 0 is the value, the others are its replicates: one call gives both.
        self.clean = self._column(clean, clean_replicates)
        self.scores = {
            name: np.stack([self._column(cell.number, cell.replicates) for cell in curve])
            for name, curve in self.curves.items()
        }

    def all(self) -> dict[str, Number]:
        figures: dict[str, Number] = {}
        for name in self.curves:
            figures |= self._curve(name)
        if not self.curves:
            return figures
        means = {name: scores.mean(axis=0) for name, scores in self.scores.items()}
        areas = {name: area_under_severity(self.clean, self.scores[name], self._severities(name)) for name in means}
        groups = group_means(means, self.group_of)
        n = min(self.n.values())
        for name, value in groups.items():
            members = [c for c, group in self.group_of.items() if group == name]
            over = "mean-over-severities|mean-over-corruptions"
            figures[f"group/{name}"] = self._number(value, over, n, scope=f"mean over {name}", note=", ".join(members))
        whole = np.mean(list(groups.values()), axis=0)
        over_groups = "mean-over-severities|mean-over-corruptions|mean-over-groups"
        figures["corruption_mean"] = self._number(whole, over_groups, n, scope="mean over corruptions")
        area = np.mean(list(group_means(areas, self.group_of).values()), axis=0)
        over = "aurc:trapezoid-with-clean|mean-over-corruptions|mean-over-groups"
        figures["aurc"] = self._number(area, over, n, title=self._area, scope="mean over corruptions")
        figures["retention"] = self._retention(whole, over_groups, n)
        known = {name: value for name, value in groups.items() if np.isfinite(value[0])}
        if known:
            pick = (min if self.info.direction == "higher" else max)(known, key=lambda name: float(known[name][0]))
            rule = "mean-over-severities|mean-over-corruptions|worst-group"
            note = f"{pick}; interval of that group, not of the choice"
            figures["worst_group"] = self._number(known[pick], rule, n, scope="worst group", note=note)
        if self.reference is not None:
            figures |= self._corruption_errors(self.reference, n)
        return figures

    def _curve(self, name: str) -> dict[str, Number]:
        scores, severities, n = self.scores[name], self._severities(name), self.n[name]
        info, chance = self.info, self.info.chance
        mean = scores.mean(axis=0)
        figures = {
            f"mean/{name}": self._number(mean, "mean-over-severities", n, title=f"{info.title}, mean over severities"),
            f"aurc/{name}": self._number(
                area_under_severity(self.clean, scores, severities), "aurc:trapezoid-with-clean", n, title=self._area
            ),
            f"retention/{name}": self._retention(mean, "mean-over-severities", n),
        }
        lost = self._lost()
        kept = (
            retention(scores, self.clean, chance, info.direction)
            if chance is not None
            else np.full_like(scores, np.nan)
        )
        breakdown = replace(
            derived(info, "breakdown:retention-below-0.5", title="Breakdown severity", bounded=False),
            unit="severity",
            direction="higher",
        )
        broken = breakdown_severity(kept, severities)
        figures[f"breakdown/{name}"] = self._made(
            broken, breakdown, n, lost or "at least half is retained at every strength"
        )
        levels = [cell.snr for cell in self.curves[name]]
        known = [level for level in levels if level is not None]
        if len(known) == len(levels) and len(set(known)) == len(known) and chance is not None:
            meaning = replace(
                derived(info, "snr50:linear-in-dB:first-crossing", title="SNR at half retention", bounded=False),
                unit=self.curves[name][0].snr_unit,
                direction="lower",
            )
            level = half_loss_level(known, scores, self.clean, chance, info.direction)
            beyond = "already lost at the highest SNR" if level[0] > 0 else "never lost at the SNRs tested"
            figures[f"snr50/{name}"] = self._made(level, meaning, n, lost or beyond)
        return figures

    def _retention(self, scores: np.ndarray, rule: str, n: int) -> Number:
        title = f"{self.info.title}, share retained above chance"
        meaning = replace(
            derived(self.info, f"{rule}|retention-above-chance", title=title, bounded=False),
            unit="fraction",
            direction="higher",
        )
        chance = self.info.chance
        if chance is None:
            return self._made(np.full_like(scores, np.nan), meaning, n, self._lost() or "undefined")
        kept = retention(scores, self.clean, chance, self.info.direction)
        return self._made(kept, meaning, n, self._lost() or "undefined under some corruption")

    def _corruption_errors(self, reference: ReferenceErrors, n: int) -> dict[str, Number]:
        info = self.info
        if info.direction == "higher" and info.high != 1.0:
            return {}
        to_error: Callable[[np.ndarray], np.ndarray] = (
            (lambda s: 1 - s) if info.direction == "higher" else (lambda s: s)
        )
        errors = {name: to_error(scores) for name, scores in self.scores.items()}
        figures = {}
        for key, title, clean, base in (
            ("mce", "mCE", None, None),
            ("relative_mce", "Relative mCE", to_error(self.clean), reference.clean),
        ):
            meant = derived(info, f"{key}:{reference.name}", title=title, bounded=False)
            meaning = replace(meant, unit="ratio", direction="lower")
            try:
                table = {
                    name: [reference.errors[name][severity] for severity in self._severities(name)] for name in errors
                }
            except KeyError as missing:
                figures[key] = number(
                    float("nan"), meaning, n, undefined=f"reference {reference.name} lacks {missing.args[0]}"
                )
                continue
            result = corruption_error(errors, table, clean=clean, reference_clean=base)
            note = f"left out, near-zero denominator: {', '.join(result.omitted)}" if result.omitted else None
            undefined = "every denominator of the reference is near zero"
            figures[key] = self._made(result.value, meaning, n, undefined, note=note)
        return figures

    def _lost(self) -> str | None:
        chance = self.info.chance
        if chance is None:
            return "the metric has no chance value"
        if np.isnan(retention(self.clean, self.clean, chance, self.info.direction)[0]):
            return "the clean score is not better than chance by 0.01"
        return None

    def _severities(self, name: str) -> list[int]:
        return [cell.severity for cell in self.curves[name]]

    def _column(self, found: Number, replicates: np.ndarray | None) -> np.ndarray:
        value = np.array([np.nan if found.value is None else found.value])
        return np.concatenate([value, replicates]) if self.drawn and replicates is not None else value

    @property
    def _area(self) -> str:
        return f"{self.info.title}, area over severities"

    def _number(
        self,
        column: np.ndarray,
        rule: str,
        n: int,
        *,
        title: str | None = None,
        scope: str = "",
        note: str | None = None,
    ) -> Number:
        meaning = derived(self.info, rule, title=title, scope=scope)
        return self._made(column, meaning, n, "undefined in a cell", note=note)

    def _made(self, column: np.ndarray, info: MetricInfo, n: int, undefined: str, *, note: str | None = None) -> Number:
        replicates = column[1:] if self.drawn and self.bootstrap is not None and self.bootstrap.draws else None
        return number(
            float(column[0]), info, n, replicates=replicates, bootstrap=self.bootstrap, undefined=undefined, note=note
        )
