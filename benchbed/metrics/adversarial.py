"""Figures of attacks from the flags of each clip: robust accuracy, success rate, smallest SNR, adversarial gap.

Robust accuracy counts every clip that was to be attacked, a clip that is wrong when clean as not robust; the success
rate counts only clips that were right when clean.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from benchbed.metrics.contract import MetricInfo
from benchbed.metrics.number import Number, number
from benchbed.metrics.robustness import half_loss_level
from benchbed.stats.bootstrap import Bootstrap

#: Unit of budgets in dB: the energy of the clip over that of the perturbation.
WHOLE = "dB SNR, whole clip"
ROBUST = MetricInfo("Robust accuracy", "robust-accuracy:worst-case-per-clip", "fraction", "higher", low=0.0, high=1.0)
CLEAN = MetricInfo(
    "Accuracy on the attacked clips when clean",
    "accuracy:attacked-clips-when-clean",
    "fraction",
    "higher",
    low=0.0,
    high=1.0,
)
NOISE = MetricInfo(
    "Accuracy in noise of equal budget", "accuracy:worst-of-noise-draws", "fraction", "higher", low=0.0, high=1.0
)
SUCCESS = MetricInfo(
    "Attack success rate", "attack-success:of-clips-right-when-clean", "fraction", "lower", low=0.0, high=1.0
)
SMALLEST = MetricInfo("Median smallest attack", "minimal-snr:median-over-clips-right-when-clean", WHOLE, "lower")
HALF = MetricInfo("SNR at half of the above-chance accuracy", "snr50:linear-in-dB", WHOLE, "lower")
SHIFTED = MetricInfo(
    "Accuracy under random shifts of the perturbation",
    "accuracy:mean-over-random-shifts",
    "fraction",
    "higher",
    low=0.0,
    high=1.0,
)
UNSEEN = MetricInfo(
    "Accuracy at unseen positions or in unseen rooms",
    "accuracy:mean-over-unseen-draws",
    "fraction",
    "higher",
    low=0.0,
    high=1.0,
)
CERTIFIED = MetricInfo(
    "Certified accuracy",
    "certified-accuracy:randomized-smoothing-cohen-2019",
    "fraction",
    "higher",
    low=0.0,
    high=1.0,
)
DISPLACED = MetricInfo(
    "Displacement of the answer",
    "displacement:one-minus-cosine-to-the-clean-answer:mean-over-clips",
    "one minus cosine",
    "lower",
    low=0.0,
    high=2.0,
)
#: Columns of scores of single clips, of tags and frames → name of their mean over the attacked clips.
SCORES = {"score_clean": "clean_clip_score", "score_noise": "noise_clip_score", "score_attacked": "clip_score"}
#: Columns of what an attack has changed in a clip → name of their mean.
FLIPS = {"missed": "missed_per_clip", "inserted": "inserted_per_clip"}
#: Those of them that are about attacked audio, not about clean clips or noise.
_ATTACKED = ("score_attacked", "missed", "inserted")
_TITLES = {
    "clean_clip_score": "Mean score of a clip, clean",
    "noise_clip_score": "Mean score of a clip in noise of equal budget",
    "clip_score": "Mean score of a clip, attacked",
    "missed_per_clip": "Events or labels lost per clip",
    "inserted_per_clip": "Events or labels inserted per clip",
}
GAP = MetricInfo("Adversarial gap", "adversarial-gap:snr50-attack-minus-snr50-noise", "dB", "lower")


@dataclass(frozen=True)
class Flags:
    """Flags of the clips of one cell.

    Attributes
    ----------
    group : np.ndarray [shape=(clip,), int]
        Number of each clip's recording group in `bootstrap`.
    values : mapping of str to np.ndarray [shape=(clip,)]
        `clean`, `noise` and `robust`: 1 where the clip is right.
    bootstrap : Bootstrap
        Draws of recording groups.
    """

    group: np.ndarray
    values: Mapping[str, np.ndarray]
    bootstrap: Bootstrap

    def __len__(self) -> int:
        return len(self.group)

    def mean(self, name: str, among: str | None = None) -> tuple[float, np.ndarray | None]:
        """Share of clips with a flag, and the share in every draw; among those with another flag, if one is given."""
        weight = np.ones(len(self)) if among is None else self.values[among].astype(float)
        hits = self.values[name].astype(float) * weight
        total = weight.sum()
        value = float(hits.sum() / total) if total else float("nan")
        if not self.bootstrap.draws:
            return value, None
        groups = self.bootstrap.groups
        sums = np.stack([np.bincount(self.group, hits, groups), np.bincount(self.group, weight, groups)], axis=1)
        drawn = self.bootstrap.replicates(sums)
        with np.errstate(invalid="ignore", divide="ignore"):
            return value, np.where(drawn[:, 1] > 0, drawn[:, 0] / drawn[:, 1], np.nan)


def cell_figures(flags: Flags, success: str = "", milder: str = "") -> dict[str, Number]:
    """Figures of one attacked cell.

    Parameters
    ----------
    flags : Flags
        Of its clips.
    success : str
        Rule by which a clip is broken, where that is more than a wrong answer; part of the figures' rules.
    milder : str
        Which milder budgets of the same attack also break a clip here, e.g. `or-at-40-30`; part of the rules of what
        the attack left, since the attack at this budget alone leaves more.

    Returns
    -------
    dict of str to Number
        `robust_accuracy`, `noise_accuracy`, `clean_accuracy`, `attack_success_rate`; of universal perturbations, for
        which `robust` is aligned as it was learned, also `shifted_accuracy`; of perturbations that were made for any
        position or room, `unseen_accuracy` at draws that they were not made with; of attacks on the answer itself
        `displacement`.

    Examples
    --------
    >>> values = {"clean": np.array([1, 1, 1, 0]), "noise": np.array([1, 1, 1, 0]), "robust": np.array([1, 0, 0, 0])}
    >>> found = cell_figures(Flags(np.arange(4), values, Bootstrap(4, draws=0)))
    >>> found["robust_accuracy"].value, round(found["attack_success_rate"].value, 3)
    (0.25, 0.667)
    """
    figures = {}
    for name, flag, info in (
        ("robust_accuracy", "robust", ROBUST),
        ("noise_accuracy", "noise", NOISE),
        ("clean_accuracy", "clean", CLEAN),
    ):
        value, drawn = flags.mean(flag)
        rule = _by(info, success, milder if flag == "robust" else "")
        figures[name] = number(value, rule, len(flags), replicates=drawn, bootstrap=flags.bootstrap)
    # Of universal perturbations, which must hold wherever they begin, and of those on the expectation over draws.
    for name, info in (("shifted", SHIFTED), ("unseen", UNSEEN), ("certified", CERTIFIED)):
        if name in flags.values:
            value, drawn = flags.mean(name)
            figures[f"{name}_accuracy"] = number(
                value, _by(info, success), len(flags), replicates=drawn, bootstrap=flags.bootstrap
            )
    if "displacement" in flags.values:
        told = ~np.isnan(flags.values["displacement"])
        moved = {"moved": np.where(told, flags.values["displacement"], 0.0), "told": told}
        value, drawn = Flags(flags.group, moved, flags.bootstrap).mean("moved", "told")
        figures["displacement"] = number(value, DISPLACED, int(told.sum()), replicates=drawn, bootstrap=flags.bootstrap)
    kept, drawn = flags.mean("kept" if "kept" in flags.values else "robust", "clean")
    right = int((flags.values["clean"] > 0).sum())
    figures["attack_success_rate"] = number(
        1 - kept,
        _by(SUCCESS, success, milder),
        right,
        replicates=None if drawn is None else 1 - drawn,
        bootstrap=flags.bootstrap,
        undefined="no clip is right when clean",
    )
    return figures


def clip_figures(flags: Flags, success: str, milder: str = "") -> dict[str, Number]:
    """Means over the attacked clips of what single clips score, and of what was lost and inserted; nothing for scenes.

    Parameters
    ----------
    flags : Flags
        With the columns `SCORES` and `FLIPS` among its values, where there are such.
    success : str
        Rule by which a clip is broken; its score is the one that is averaged.
    milder : str
        As in `cell_figures`.

    Examples
    --------
    >>> values = {"score_clean": np.ones(2), "score_attacked": np.array([0.0, 0.5]), "missed": np.array([2, 1])}
    >>> found = clip_figures(Flags(np.arange(2), values, Bootstrap(2, draws=0)), "event_f1")
    >>> {name: n.value for name, n in found.items()}
    {'clean_clip_score': 1.0, 'clip_score': 0.25, 'missed_per_clip': 1.5}
    """
    found = {}
    for column, name in (SCORES | FLIPS).items():
        if column not in flags.values:
            continue
        known = ~np.isnan(flags.values[column].astype(float))
        part = Flags(flags.group, {column: np.where(known, flags.values[column], 0.0), "known": known}, flags.bootstrap)
        value, drawn = part.mean(column, "known")
        score = column in SCORES
        info = MetricInfo(
            _TITLES[name],
            f"{name.replace('_', '-')}:{success}" + (f":{milder}" if milder and column in _ATTACKED else ""),
            "fraction" if score else "per clip",
            "higher" if score else "lower",
            low=0.0,
            high=1.0 if score else None,
        )
        found[name] = number(value, info, int(known.sum()), replicates=drawn, bootstrap=flags.bootstrap)
    return found


def _by(info: MetricInfo, *parts: str) -> MetricInfo:
    return replace(info, rule=":".join([info.rule, *filter(None, parts)]))


def quantile_of_attacks(snr: np.ndarray, share: float, group: np.ndarray, bootstrap: Bootstrap) -> Number:
    """SNR that a share of the clips need no more perturbation than, from the smallest perturbation of each clip.

    Parameters
    ----------
    snr : np.ndarray [shape=(clip,)]
        SNR in dB of the smallest perturbation that breaks each clip; −∞ for a clip that none broke.
    share : float
        0.5 for the median; 0.1 for what the most fragile tenth of the clips falls to.
    group : np.ndarray [shape=(clip,), int]
        Number of each clip's recording group.

    Examples
    --------
    >>> snr = np.array([60.0, 50.0, 40.0, 30.0])
    >>> quantile_of_attacks(snr, 0.5, np.arange(4), Bootstrap(4, draws=0)).value
    50.0
    """
    percent = f"{100 * share:g}"
    title = SMALLEST.title if share == 0.5 else f"Smallest attack, of {percent} % of the clips"
    info = replace(SMALLEST, title=title, rule=f"minimal-snr:searched:{percent}%-of-clips-right-when-clean")
    if not len(snr):
        return number(float("nan"), info, 0, undefined="no clip is right when clean")
    # Sorted from the most fragile on: the value is the first SNR at which the share is reached.
    order = np.argsort(-snr, kind="stable")
    levels = snr[order]
    drawn = None
    if bootstrap.draws:
        copies = np.concatenate([block[:, group[order]] for block in bootstrap.weights()]).astype(np.float64)
        reached = copies.cumsum(1) >= share * copies.sum(1, keepdims=True)
        drawn = levels[reached.argmax(1)]
    value = float(levels[int((np.arange(1, len(levels) + 1) >= share * len(levels)).argmax())])
    broken = int(np.isfinite(snr).sum())
    return number(
        value,
        info,
        len(snr),
        replicates=drawn,
        bootstrap=bootstrap,
        undefined=f"fewer than {percent} % of the clips were broken within the strongest budget",
        note=f"{broken} of {len(snr)} clips were broken",
    )


def smallest_attack(snr: np.ndarray) -> Number:
    """Median over clips of the largest SNR at which any attack succeeded; −∞ for a clip that none broke.

    Examples
    --------
    >>> smallest_attack(np.array([40.0, 30.0, -np.inf])).value
    30.0
    """
    if not len(snr):
        return number(float("nan"), SMALLEST, 0, undefined="no clip is right when clean")
    middle = float(np.quantile(snr, 0.5, method="lower"))
    broken = int(np.isfinite(snr).sum())
    note = f"{broken} of {len(snr)} clips were broken"
    return number(
        middle,
        SMALLEST,
        len(snr),
        undefined="fewer than half of the clips were broken at any budget",
        no_interval="censored at the budgets that were tried",
        note=note,
    )


def half_level(levels: Mapping[float, Flags], flag: str, chance: float) -> tuple[Number, np.ndarray | None]:
    """SNR at which half of the above-chance accuracy on clean clips is lost, and the same in every draw.

    Parameters
    ----------
    levels : mapping of float to Flags
        SNR in dB → flags of the same clips at it.
    flag : str
        `robust` for the attack, `noise` for its floor.
    chance : float
        Accuracy of a guess.
    """
    first = next(iter(levels.values()))
    clean, clean_drawn = first.mean("clean")
    points = [cell.mean(flag) for cell in levels.values()]
    column = [np.concatenate([[v], d]) if d is not None else np.array([v]) for v, d in points]
    base = np.concatenate([[clean], clean_drawn]) if clean_drawn is not None else np.array([clean])
    found = half_loss_level(list(levels), np.stack(column), base, chance)
    value = float(found[0])
    if value == float("inf"):
        reason = f"half is lost at {max(levels):g} dB already"
    elif value == float("-inf"):
        reason = f"half is still there at {min(levels):g} dB"
    else:
        reason = "accuracy on clean clips is not above chance"
    drawn = found[1:] if clean_drawn is not None else None
    return number(value, HALF, len(first), replicates=drawn, bootstrap=first.bootstrap, undefined=reason), found


def adversarial_gap(attack: Number, attacked: np.ndarray, noise: Number, noisy: np.ndarray, flags: Flags) -> Number:
    """How many dB weaker than noise an attack may be to do the same: the difference of two half levels.

    Undefined, with a bound as its reason, where one of the two lies beyond what was measured.
    """
    with np.errstate(invalid="ignore"):
        column = attacked - noisy if len(attacked) == len(noisy) else attacked[:1] - noisy[:1]
    reason = "; ".join(f"{which}: {n.reason}" for which, n in (("attack", attack), ("noise", noise)) if n.value is None)
    drawn = column[1:] if len(column) > 1 else None
    value = float(column[0]) if attack.value is not None and noise.value is not None else float("nan")
    return number(value, GAP, len(flags), replicates=drawn, bootstrap=flags.bootstrap, undefined=reason or "undefined")
