"""What a sequence of checkpoints keeps, forgets and knows before it has learnt it: figures per step, and their matrix.

With a(k, j) the metric that ranks on domain j after step k:

- the mean after step k is over the domains learnt by then;
- forgetting at step k is the mean over domains learnt before it of max(a(l, j): l < k) − a(k, j), as A. Chaudhry et al.
  have it (Riemannian walk for incremental learning, ECCV 2018, arXiv:1801.10112, equation 3);
- forward transfer at step k is a(k − 1, j) of the domain j that it is about to learn, less what a model scores that has
  learnt nothing, as D. Lopez-Paz and M. Ranzato have it (Gradient episodic memory, NeurIPS 2017, arXiv:1706.08840,
  section 2), who take a network with random weights for it; here it is the value at chance, or what the suite declares.

All steps of a domain are scored in the same draws of its recordings, so that a difference between steps has the
interval of a paired one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from benchbed.checkpoints import last_step, parted
from benchbed.metrics.cell import score_cell
from benchbed.metrics.contract import Family, LabelledTable, MetricInfo
from benchbed.metrics.folds import Fold
from benchbed.metrics.number import Number, derived, number
from benchbed.stats.bootstrap import Bootstrap
from benchbed.suite.sequence import CheckpointSequence

#: Before the names of all such figures.
SEQUENCE = "sequence:"


@dataclass(frozen=True)
class StepDraws:
    """The metric that ranks after one step on one domain.

    Attributes
    ----------
    value : float
        NaN where it is undefined.
    drawn : np.ndarray or None [shape=(draw,)]
        In every draw of the domain's recordings.
    clips : int
    """

    value: float
    drawn: np.ndarray | None
    clips: int


def sequence_figures(
    sequence: CheckpointSequence, family: Family, primary: str, folds: Mapping[str, Fold]
) -> tuple[dict[str, Number], LabelledTable]:
    """Figures of a sequence, and the matrix step × domain.

    Parameters
    ----------
    sequence : CheckpointSequence
    family : Family
    primary : str
        The metric.
    folds : mapping of str to Fold
        Split (`after_STEP_on_DOMAIN`) → its clips, in the order of steps.

    Returns
    -------
    dict of str to Number
        `sequence:mean@STEP`, `sequence:forgetting@STEP` and `sequence:forward@STEP`; `sequence:STEP/DOMAIN`.
    LabelledTable
        The metric after each step on each domain.
    """
    places = {split: both for split in folds if (both := parted(split)) is not None}
    domains = list(dict.fromkeys(domain for _, domain in places.values()))
    steps = list(dict.fromkeys(step for step, _ in places.values()))
    # The draws of a domain are those of its last step, whose figures stand in the record.
    boots = {places[split][1]: folds[split].bootstrap for split in last_step(places)}
    taken = {
        both: _taken(family, primary, replace(folds[split], bootstrap=boots[both[1]])) for split, both in places.items()
    }
    made = _Figures(family.metrics[primary], sequence, steps, domains, taken, boots)
    values = np.array([[taken[step, domain].value for domain in domains] for step in steps])
    unit = family.metrics[primary].unit
    table = LabelledTable(tuple(steps), tuple(domains), values, "after step", "domain", unit)
    return made.all(), table


def _taken(family: Family, primary: str, fold: Fold) -> StepDraws:
    told = family.context(fold.scores, fold.target)
    boot = fold.bootstrap if fold.bootstrap.draws else None
    scores = score_cell(told, fold.scores, fold.target, fold.group, (), boot, tables=False, sliced=())
    value = scores.metrics[primary].value
    return StepDraws(float("nan") if value is None else value, scores.replicates.get(primary), len(fold.target))


class _Figures:
    """Differences and means of one sequence."""

    def __init__(
        self,
        info: MetricInfo,
        sequence: CheckpointSequence,
        steps: Sequence[str],
        domains: Sequence[str],
        taken: Mapping[tuple[str, str], StepDraws],
        boots: Mapping[str, Bootstrap],
    ) -> None:
        self.info, self.steps, self.domains, self.taken, self.boots = info, steps, domains, taken, boots
        self.learnt = [sequence.learnt(step, domains) for step in steps]
        self.sign = 1.0 if info.direction == "higher" else -1.0
        self.reference = info.chance if sequence.reference is None else sequence.reference

    def all(self) -> dict[str, Number]:
        """Every figure by its name, step by step."""
        figures: dict[str, Number] = {}
        for place, step in enumerate(self.steps):
            for domain in self.domains:
                scope = f"after step {step}, domain {domain}"
                figures[f"{SEQUENCE}{step}/{domain}"] = self._joined(
                    derived(self.info, f"after-step-{place + 1}", scope=scope), [self.taken[step, domain]], [domain]
                )
            known = [domain for domain in self.domains if domain in self.learnt[: place + 1]]
            if known:
                rule, scope = f"mean-over-{len(known)}-domains-learnt", f"after step {step}, mean over domains learnt"
                figures[f"{SEQUENCE}mean@{step}"] = self._joined(
                    derived(self.info, rule, scope=scope), [self.taken[step, domain] for domain in known], known
                )
            if place:
                figures |= self._against_earlier(place)
        return figures

    def _against_earlier(self, place: int) -> dict[str, Number]:
        step, before = self.steps[place], self.steps[:place]
        figures: dict[str, Number] = {}
        old = [domain for domain in self.domains if domain in self.learnt[:place] and domain != self.learnt[place]]
        if old:
            rule, scope = "forgetting:best-earlier-step-minus-now", f"forgetting at step {step}"
            info = replace(derived(self.info, rule, scope=scope, bounded=False), direction="lower")
            lost = [self._lost([self.taken[one, domain] for one in before], self.taken[step, domain]) for domain in old]
            figures[f"{SEQUENCE}forgetting@{step}"] = self._joined(info, lost, old)
        new = self.learnt[place]
        if new is not None:
            scope = f"forward transfer to {new}, before step {step}"
            info = replace(
                derived(self.info, "forward-transfer:before-learning-minus-reference", scope=scope, bounded=False),
                direction="higher",
            )
            figures[f"{SEQUENCE}forward@{step}"] = self._forward(info, self.taken[self.steps[place - 1], new], new)
        return figures

    def _lost(self, earlier: Sequence[StepDraws], now: StepDraws) -> StepDraws:
        """How much worse it is than after the best of the earlier steps; in every draw than after that step's best."""
        value = max(self.sign * one.value for one in earlier) - self.sign * now.value
        drawn = None
        if now.drawn is not None and all(one.drawn is not None for one in earlier):
            best = np.max([self.sign * one.drawn for one in earlier if one.drawn is not None], axis=0)
            drawn = best - self.sign * now.drawn
        return StepDraws(value, drawn, now.clips)

    def _forward(self, info: MetricInfo, before: StepDraws, domain: str) -> Number:
        if self.reference is None:
            reason = (
                "the metric has no value at chance; sequence.reference says what a model scores that learnt nothing"
            )
            return Number(None, None, None, before.clips, info, reason=reason)
        gain = self.sign * (before.value - self.reference)
        drawn = None if before.drawn is None else self.sign * (before.drawn - self.reference)
        return self._joined(info, [StepDraws(gain, drawn, before.clips)], [domain])

    def _joined(self, info: MetricInfo, parts: Sequence[StepDraws], domains: Sequence[str]) -> Number:
        """The mean over domains, each in draws of its own recordings."""
        boots = [self.boots[domain] for domain in domains]
        drawn = [part.drawn for part in parts if part.drawn is not None]
        joint = replace(boots[0], groups=sum(boot.groups for boot in boots))
        return number(
            float(np.mean([part.value for part in parts])),
            info,
            sum(part.clips for part in parts),
            replicates=np.mean(drawn, axis=0) if len(drawn) == len(parts) else None,
            bootstrap=joint,
            groups=joint.groups,
            undefined="undefined after one of the steps",
        )
