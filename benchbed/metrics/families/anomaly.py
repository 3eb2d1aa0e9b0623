"""Anomalous sound detection as DCASE Task 2 counts it from 2020 on: AUC, partial AUC, and decisions if there are any.

Scores are ranked within a section of a machine, and nowhere across. The partial area ends at a false-positive rate of
0.1 and is standardised after McClish (1989), so that chance is one half, as `roc_auc_score(max_fpr=0.1)` of
scikit-learn has it, which the evaluators call; ties count half in either area.

====  ============================================================  ==================================================
year  areas of a section                                            what ranks
====  ============================================================  ==================================================
2020  AUC and pAUC of a machine id                                  arithmetic mean of both over ids (the challenge
                                                                    ranked by the mean rank over machines)
2021  AUC and pAUC of each domain, with the anomalies of that       harmonic mean of all of them
      domain
2022  AUC of each domain: its normal clips, and the anomalies of    harmonic mean of all of them
on    both; one pAUC of all clips
====  ============================================================  ==================================================

An area of zero enters a harmonic mean as the smallest step of a float, as the evaluators have it. A section with
clips of one state has no area: the means are then undefined, and say which section it was; `one_class: leave_out`
takes those that have one. A section without any clip is none of a slice, and in no mean. Precision, recall and F1 are
of the clips of one domain of a section, zero where nothing was found.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, cast

import numpy as np

from benchbed.errors import ConfigError, DataError, did_you_mean
from benchbed.metrics.contract import Family, MetricInfo, Sample
from benchbed.metrics.ranking import Ranking, curves
from benchbed.metrics.ratios import ratio
from benchbed.outputs.anomaly import DECISION, SCORE
from benchbed.outputs.anomaly.monitored import DOMAINS, MonitoredClip

Mean = Literal["harmonic", "arithmetic"]
OneClass = Literal["undefined", "leave_out"]
YEARS = tuple(range(2020, 2027))
#: What is counted of the clips of one domain of a section.
_COUNTS = ("normal", "anomalous", "found", "missed", "false", "passed")
_WIDTH = len(_COUNTS)
#: Figures of decisions and their titles.
DECIDED = {"precision": "Precision", "recall": "Recall", "f1": "F1"}


def family(
    labels: Sequence[str],
    *,
    year: int = 2023,
    max_fpr: float = 0.1,
    mean: str = "",
    one_class: str = "undefined",
) -> AnomalyScores:
    """The family for the given sections.

    Parameters
    ----------
    labels : sequence of str
        Sections of machines, in the data set's order.
    year : {2020, …, 2026}
        Whose rule.
    max_fpr : float, default=0.1
        End of the partial area.
    mean : {"", "harmonic", "arithmetic"}
        Over sections and domains; the year's own by default.
    one_class : {"undefined", "leave_out"}
        What a section with clips of one state makes of the means.

    Raises
    ------
    ConfigError
        An unknown rule.

    Examples
    --------
    >>> truth = np.empty(4, object)
    >>> truth[:] = [MonitoredClip("fan id_01", "", state) for state in (False, True, False, True)]
    >>> said = np.array([[0.1, 0], [0.9, 1], [0.5, 1], [0.4, 0]])
    >>> made = family(("fan id_01",), year=2020)
    >>> float(made.sample(said, truth, np.arange(4), 4).scores(np.ones((1, 4)))[0]["auc"][0])
    0.75
    >>> float(made.values(made.statistics(said, truth).sum(axis=0))["f1"])
    0.5
    """
    if year not in YEARS:
        raise ConfigError(f"anomaly: no rule of {year}", hint=f"year: {YEARS[0]} to {YEARS[-1]}")
    if not 0 < max_fpr <= 1:
        raise ConfigError(f"anomaly: max_fpr={max_fpr:g}", hint="a false-positive rate above 0, at most 1")
    for name, given, known in (
        ("mean", mean, ("", "harmonic", "arithmetic")),
        ("one_class", one_class, ("undefined", "leave_out")),
    ):
        if given not in known:
            raise ConfigError(f"anomaly: {name} is '{given}'", hint=did_you_mean(given, known) or " or ".join(known))
    own: Mean = "arithmetic" if year == 2020 else "harmonic"
    return AnomalyScores(tuple(labels), year, max_fpr, cast(Mean, mean or own), cast(OneClass, one_class))


def example(generator: np.random.Generator, clips: int) -> tuple[AnomalyScores, np.ndarray, np.ndarray]:
    """A family with made-up scores of two sections that fit it; coarse, so that there are ties.

    Examples
    --------
    >>> metrics, scores, target = example(np.random.default_rng(0), 12)
    >>> scores.shape, len(target)
    ((12, 2), 12)
    """
    sections = ("fan section_00", "valve section_00")
    target = np.empty(clips, object)
    target[:] = [
        MonitoredClip(sections[clip % 2], DOMAINS[clip // 2 % 2], bool(clip // 4 % 2)) for clip in range(clips)
    ]
    wrong = np.array([one.anomalous for one in target], np.float64)
    scores = np.round(4 * (generator.random(clips) + 0.3 * wrong)) / 4
    return family(sections), np.column_stack([scores, scores > 0.7]).astype(np.float64), target


@dataclass(frozen=True)
class _Clips:
    """The clips of a cell, by section and domain."""

    section: np.ndarray
    domain: np.ndarray
    anomalous: np.ndarray


class AnomalyScores(Family):
    """Metrics of anomaly scores, from scores and decisions `[clip, 2]` and a `MonitoredClip` for each clip."""

    output = "anomaly"
    primary = "score"

    def __init__(self, labels: tuple[str, ...], year: int, max_fpr: float, mean: Mean, one_class: OneClass) -> None:
        self.labels, self.year, self.max_fpr, self.mean, self.one_class = labels, year, max_fpr, mean, one_class
        #: Domains that areas and decisions are of; in 2020 there were none.
        self.domains: tuple[str, ...] = ("",) if year == 2020 else DOMAINS
        self._place = {label: number for number, label in enumerate(labels)}
        over = f"{mean}-mean:{'leave-out-one-class' if one_class == 'leave_out' else 'every-section'}"
        partial = f"mcclish:max-fpr-{max_fpr:g}"
        ties = "ties-half"
        by = {2020: "by-id", 2021: "anomalies-of-the-domain"}.get(year, "anomalies-of-both-domains")

        def info(title: str, rule: str, chance: float | None = None) -> MetricInfo:
            return MetricInfo(title, rule, "fraction", "higher", chance, 0.0, 1.0)

        score = "Mean of AUC and pAUC" if year == 2020 else "Official score"
        self.metrics = {"score": info(score, f"dcase-task2:{year}:{mean}-mean-of-auc-and-pauc:{partial}", 0.5)}
        self.class_metrics = {"section_auc": info("AUC", f"auc:{ties}", 0.5)}
        for name, title in (("auc", "AUC"), ("pauc", "pAUC")):
            rule = f"{name}:{ties}:{by}" if name == "auc" else f"{name}:{partial}:{by}"
            self.metrics[name] = info(title, f"{rule}:{over}", 0.5)
            for domain in self._of_domains(name):
                self.metrics[f"{name}_{domain}"] = info(f"{title} ({domain})", f"{rule}:{over}", 0.5)
                self.class_metrics[f"section_{name}_{domain}"] = info(f"{title} ({domain})", rule, 0.5)
            if name == "pauc":
                self.class_metrics["section_pauc"] = info(title, f"{name}:{partial}", 0.5)
        for name, title in DECIDED.items():
            self.metrics[name] = info(title, f"{name}:zero-where-nothing:{over}")
            for domain in filter(None, self.domains):
                self.metrics[f"{name}_{domain}"] = info(f"{title} ({domain})", f"{name}:zero-where-nothing:{over}")
                self.class_metrics[f"section_{name}_{domain}"] = info(
                    f"{title} ({domain})", f"{name}:zero-where-nothing"
                )
            if self.domains == ("",):
                self.class_metrics[f"section_{name}"] = info(title, f"{name}:zero-where-nothing")
        self.ranked = frozenset(
            name for name in (*self.metrics, *self.class_metrics) if "auc" in name or name == "score"
        )

    def _of_domains(self, name: str) -> tuple[str, ...]:
        """Domains that have an area of their own."""
        parted = self.domains != ("",) and (name == "auc" or self.year == 2021)
        return self.domains if parted else ()

    @property
    def whole_numbers(self) -> np.ndarray:
        return np.arange(len(self.labels) * len(self.domains) * _WIDTH)

    def _clips(self, target: np.ndarray) -> _Clips:
        section, domain = np.empty(len(target), np.int64), np.zeros(len(target), np.int64)
        for row, one in enumerate(target):
            if one.section not in self._place:
                hint = did_you_mean(one.section, self.labels) or f"sections: {', '.join(self.labels[:6])}"
                raise DataError(f"there is no section '{one.section}'", hint=hint)
            section[row] = self._place[one.section]
            if self.domains != ("",):
                if one.domain not in self.domains:
                    raise DataError(
                        f"a clip of {one.section} has no domain",
                        hint=f"the rule of {self.year} needs source or target for every clip; year: 2020 needs none",
                    )
                domain[row] = self.domains.index(one.domain)
        return _Clips(section, domain, np.array([one.anomalous for one in target], bool))

    def statistics(self, scores: np.ndarray, target: np.ndarray) -> np.ndarray:
        """Clips of each state, and decisions of each sort, by section and domain."""
        clips, decided = self._clips(target), np.asarray(scores, np.float64)[:, DECISION]
        rows = np.zeros((len(target), len(self.labels), len(self.domains), _WIDTH))
        at = np.arange(len(target)), clips.section, clips.domain
        rows[(*at, np.where(clips.anomalous, 1, 0))] = 1
        kind = np.where(clips.anomalous, np.where(decided > 0, 2, 3), np.where(decided > 0, 4, 5))
        known = ~np.isnan(decided)
        rows[at[0][known], at[1][known], at[2][known], kind[known]] = 1
        return rows.reshape(len(target), -1)

    def _counted(self, sums: np.ndarray) -> np.ndarray:
        """Counts `[…, section, domain, count]`."""
        return sums.reshape(*sums.shape[:-1], len(self.labels), len(self.domains), _WIDTH)

    def _decided(self, sums: np.ndarray) -> dict[str, np.ndarray]:
        """Precision, recall and F1 `[…, section, domain]`; NaN where nothing was decided, or there is no clip."""
        counts = self._counted(sums)
        hit, missed, false = counts[..., 2], counts[..., 3], counts[..., 4]
        whole = (counts[..., 2:].sum(-1) == counts[..., :2].sum(-1)) & (counts[..., :2].sum(-1) > 0)
        precision = np.nan_to_num(ratio(hit, hit + false))
        recall = np.nan_to_num(ratio(hit, hit + missed))
        f1 = np.nan_to_num(ratio(2 * precision * recall, precision + recall))
        return {
            name: np.where(whole, value, np.nan)
            for name, value in {"precision": precision, "recall": recall, "f1": f1}.items()
        }

    def values(self, sums: np.ndarray) -> dict[str, np.ndarray]:
        """Figures of decisions; areas are no sums."""
        counts = self._counted(sums)
        there = counts[..., :2].sum(-1) > 0
        made = {name: np.full(sums.shape[:-1], np.nan) for name in self.metrics}
        for name, each in self._decided(sums).items():
            flat = each.reshape(*each.shape[:-2], -1)
            # A domain that is not there is none that nobody decided about.
            made[name] = average(flat, there.reshape(flat.shape), self.mean, "undefined")
            for number, domain in enumerate(filter(None, self.domains)):
                made[f"{name}_{domain}"] = average(each[..., number], there[..., number], self.mean, "undefined")
        return made

    def per_class(self, sums: np.ndarray) -> dict[str, np.ndarray]:
        """Figures of decisions of each section; areas are no sums."""
        made = {name: np.full((*sums.shape[:-1], len(self.labels)), np.nan) for name in self.class_metrics}
        for name, each in self._decided(sums).items():
            for number, domain in enumerate(self.domains):
                made[f"section_{name}{f'_{domain}' if domain else ''}"] = each[..., number]
        return made

    def class_counts(self, sums: np.ndarray) -> np.ndarray:
        """Clips of each section, `[..., section]`."""
        return np.asarray(self._counted(sums)[..., :2].sum((-1, -2)))

    def sample(self, scores: np.ndarray, target: np.ndarray, row: np.ndarray, rows: int) -> Sample:
        """The clips, ranked within sections; arguments as in `statistics`."""
        ranked = np.asarray(scores, np.float64)[:, SCORE]
        return _Areas(self, self._clips(target), ranked, np.asarray(row))

    def reasons(self, sums: np.ndarray) -> dict[str, str]:
        """Why a metric is undefined for the statistics `[statistic]`."""
        counts = self._counted(sums)
        if not sums.any():
            return dict.fromkeys((*self.metrics, *self.class_metrics), "no clips")
        lacking = self._one_class(counts)
        areas = f"{lacking}: no area under a curve" if lacking else "a rank over clips cannot be had from sums"
        why = dict.fromkeys(self.ranked, areas)
        undecided = int(counts[..., :2].sum() - counts[..., 2:].sum())
        clips = int(counts[..., :2].sum())
        what = (
            "the answers hold no decisions" if undecided == clips else f"{undecided} of {clips} clips have no decision"
        )
        said = what if undecided else "no clips of this domain"
        return why | {name: said for name in (*self.metrics, *self.class_metrics) if name not in self.ranked}

    def notes(self, sums: np.ndarray) -> dict[str, str]:
        """Sections that means leave out."""
        lacking = self._one_class(self._counted(sums)) if self.one_class == "leave_out" else ""
        return {name: f"left out: {lacking}" for name in self.metrics if name in self.ranked} if lacking else {}

    def _one_class(self, counts: np.ndarray) -> str:
        """The first section that has clips of one state alone, in words."""
        for number, label in enumerate(self.labels):
            normal, anomalous = counts[number, :, 0], counts[number, :, 1]
            if not (normal.sum() + anomalous.sum()):
                continue
            wrong = anomalous if self.year == 2021 else np.full(len(anomalous), anomalous.sum())
            for domain, ones, twos in zip(self.domains, normal, wrong):
                if not ones or not twos:
                    return (
                        f"{label}{f' ({domain})' if domain else ''} has no {'anomaly' if not twos else 'normal clip'}"
                    )
        return ""


def average(values: np.ndarray, there: np.ndarray, mean: Mean, one_class: OneClass) -> np.ndarray:
    """Mean over the last axis of what is there; NaN where one of these is undefined, or nothing is there.

    Parameters
    ----------
    values : np.ndarray [shape=(…, section)]
        NaN where undefined.
    there : np.ndarray [shape=(…, section), bool]
        Which of them count.
    mean : {"harmonic", "arithmetic"}
        A zero enters a harmonic mean as the smallest step of a float.
    one_class : {"undefined", "leave_out"}
        What an undefined value makes of the mean.

    Examples
    --------
    >>> average(np.array([0.5, 1.0, np.nan]), np.array([True, True, False]), "harmonic", "undefined").round(4).item()
    0.6667
    >>> average(np.array([0.5, 1.0, np.nan]), np.array([True, True, True]), "arithmetic", "leave_out").item()
    0.75
    """
    known = ~np.isnan(values)
    counted = there & known if one_class == "leave_out" else there
    number = counted.sum(-1)
    if mean == "harmonic":
        held = np.where(counted & known, np.maximum(values, sys.float_info.epsilon), 1.0)
        result = ratio(number.astype(np.float64), np.where(counted, 1 / held, 0.0).sum(-1))
    else:
        result = ratio(np.where(counted & known, values, 0.0).sum(-1), number.astype(np.float64))
    return np.where((counted & ~known).any(-1), np.nan, result)


class _Areas(Sample):
    """Clips of each section sorted by score: all of them, and those that the area of each domain is of."""

    def __init__(self, metrics: AnomalyScores, clips: _Clips, ranked: np.ndarray, row: np.ndarray) -> None:
        self._metrics = metrics
        self._rankings: list[Ranking] = []
        #: Section and domain of each ranking; −1 for all clips of a section.
        self._of: list[tuple[int, int]] = []
        for section in range(len(metrics.labels)):
            mine = clips.section == section
            parts = {-1: mine}
            if metrics.domains != ("",):
                for number in range(len(metrics.domains)):
                    own = clips.domain == number
                    parts[number] = mine & (own if metrics.year == 2021 else own | clips.anomalous)
            for number, chosen in parts.items():
                self._of.append((section, number))
                self._rankings.append(Ranking(ranked[chosen], clips.anomalous[chosen], row[chosen]))

    def scores(self, weights: np.ndarray) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
        """Means over sections `[draw]`, and each section `[draw, section]`."""
        metrics, sections = self._metrics, len(self._metrics.labels)
        names = [""] if metrics.domains == ("",) else ["", *metrics.domains]
        auc, pauc = ({name: np.full((len(weights), sections), np.nan) for name in names} for _ in range(2))
        there = {name: np.zeros((len(weights), sections), bool) for name in names}
        for block, place, curve in curves(self._rankings, weights):
            section, number = self._of[place]
            name = "" if number < 0 else metrics.domains[number]
            auc[name][block, section] = curve.auc()
            pauc[name][block, section] = curve.partial_auc(metrics.max_fpr, "mcclish")
            there[name][block, section] = curve.positives + curve.negatives > 0
        each = {"section_auc": auc[""], "section_pauc": pauc[""]}
        areas = {"auc": auc, "pauc": pauc}
        means, entering = {}, []
        for name, area in areas.items():
            domains = metrics._of_domains(name)
            # A section without clips of a domain lacks that area, all the more where it has clips of the other.
            parts = [(area[domain], there[""]) for domain in domains] or [(area[""], there[""])]
            means[name] = self._mean(parts)
            entering += parts
            for domain, part in zip(domains, parts):
                means[f"{name}_{domain}"] = self._mean([part])
                each[f"section_{name}_{domain}"] = part[0]
        return {"score": self._mean(entering), **means}, each

    def _mean(self, parts: Sequence[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
        values, there = (np.concatenate([part[side] for part in parts], axis=1) for side in (0, 1))
        return average(values, there, self._metrics.mean, self._metrics.one_class)
