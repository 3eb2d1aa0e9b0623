"""What the attacked cells of a run say: figures per cell, curves, smallest SNR, gap to noise, and the checks."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from benchbed.attack.attacks.displacement import COLUMN as DISPLACEMENT
from benchbed.attack.contract import Attack
from benchbed.attack.ensemble import FLOOR
from benchbed.attack.expected import COLUMN as UNSEEN_COLUMN
from benchbed.attack.features import LABEL
from benchbed.metrics.adversarial import (
    FLIPS,
    SCORES,
    Flags,
    adversarial_gap,
    cell_figures,
    clip_figures,
    half_level,
)
from benchbed.metrics.contract import Family
from benchbed.metrics.number import Number
from benchbed.results import record
from benchbed.results.conditions import curve_of
from benchbed.run.attacking.attackers import attacker_of, members_of, scope_of
from benchbed.run.attacking.checks import Status, attack_checks
from benchbed.run.attacking.ensembles import threats
from benchbed.run.attacking.goals import task_of
from benchbed.run.attacking.noted import Noted
from benchbed.run.attacking.subset import subset
from benchbed.run.attacking.transfer import COLUMN, GROUP
from benchbed.run.job.job import Job
from benchbed.run.scoring.foreign import foreign_checks
from benchbed.run.scoring.smallest import smallest_figures
from benchbed.stats.bootstrap import Bootstrap
from benchbed.suite.conditions import AttackCondition
from benchbed.suite.plan import CellPlan

if TYPE_CHECKING:
    import pandas as pd

#: What an attack and a noise must have in common to be held against each other.
_ALIKE = ("space", "threat", "channels", "n", "audibility", "band")
#: Metrics of a family that an attack on the decision makes worst; the others are only what happened to come out.
_NOT_AIMED_AT = "the attack stops once the answer is wrong: no worst case of this metric"


def attack_condition(plan: CellPlan, job: Job, table: pd.DataFrame, rows: np.ndarray) -> record.Condition:
    """What was done to the clips of an attacked cell."""
    condition = job.conditions[plan.condition]
    assert isinstance(condition, AttackCondition) and plan.budget is not None
    threat = threats(condition)[condition.budgets.index(plan.budget)]
    part = table.iloc[rows]
    chosen = members_of(condition, job.task, part)
    measured = table["achieved"].iloc[rows].dropna().to_numpy(dtype=float)
    summary = None
    if len(measured):
        summary = {
            "min": float(measured.min()),
            "median": float(np.median(measured)),
            "mean": float(measured.mean()),
            "max": float(measured.max()),
        }
    facts = dict(job.facts[plan.condition]) if job.facts else {}
    facts |= {
        "threat": condition.threat,
        **({"channels": "each has the budget by itself"} if condition.channels == "each" else {}),
        **({"band": str(condition.band)} if condition.band else {}),
        "space": f"features, {LABEL}" if condition.space == "features" else "waveform at the model's input",
        **({"attacker": attacker} if (attacker := attacker_of(condition, job.task, part)) else {}),
        "attacks": [described(a) for a in chosen.attacks],
    }
    if chosen.skipped:
        facts["skipped"] = dict(chosen.skipped)
    if plan.budget == condition.budgets[0]:
        clips = job.clips[plan.split]
        facts["clips"] = [str(clips["clip_id"].iat[row]) for row in subset(job, plan.split, condition)]
    return record.Condition(
        kind="attack",
        name=plan.name,
        parameter=plan.budget,
        unit=threat.unit,
        group="attack",
        achieved=summary,
        facts=facts,
    )


def described(attack: Attack) -> str:
    """An attack with its options in one line."""
    return " ".join([attack.name, *(f"{name}={value}" for name, value in attack.options.items())])


def flags_of(table: pd.DataFrame, rows: np.ndarray, codes: np.ndarray, bootstrap: Bootstrap) -> Flags:
    """Flags of the clips of an attacked cell; `codes` numbers their recording groups."""
    part = table.iloc[rows]
    values = {
        name: part[column].to_numpy(dtype=bool)
        for name, column in (("clean", "clean_correct"), ("noise", "noise_correct"), ("robust", "robust"))
    }
    values["noise"] = values["noise"] & values["clean"]
    if is_random(part):
        # Every clip counts by the share of its fresh answers that are right, under attack as when clean.
        values["clean"] = part["clean_share"].to_numpy(dtype=float)
        values["robust"] = part["correct_share"].to_numpy(dtype=float)
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = values["robust"] / values["clean"].astype(float)
    values["kept"] = np.clip(np.nan_to_num(ratio, nan=0.0, posinf=0.0), 0.0, 1.0)
    if "shifted_correct" in part and part["shifted_correct"].notna().any():
        # A clip that was not attacked is right under every shift, or under none.
        shares = part["shifted_correct"].astype(float)
        values["shifted"] = shares.where(shares.notna(), values["robust"]).to_numpy(dtype=float)
    if UNSEEN_COLUMN in part and part[UNSEEN_COLUMN].notna().any():
        shares = part[UNSEEN_COLUMN].astype(float)
        values["unseen"] = shares.where(shares.notna(), values["robust"]).to_numpy(dtype=float)
    if "certified" in part and part["certified"].notna().any():
        values["certified"] = part["certified"].to_numpy(dtype=bool)
    for column in (*SCORES, *FLIPS, DISPLACEMENT):
        if column in part and part[column].notna().any():
            values[column] = part[column].to_numpy(dtype=float)
    return Flags(codes, values, bootstrap)


def is_random(rows: pd.DataFrame) -> bool:
    """Whether the predictions of an attack are those of a model that answers differently every time."""
    return "clean_share" in rows and bool(rows["clean_share"].notna().any())


def milder_of(job: Job, plan: CellPlan, rows: pd.DataFrame) -> str:
    """Which milder budgets break a clip of a cell too, as its rules say it; empty for the mildest.

    A clip that falls at 40 dB is not robust at 30 dB either, because all that is allowed there is allowed here: the
    figure is about every budget up to this one. A condition with `alone` asks about this budget only, and of a model
    that is random every budget is asked about by itself.
    """
    condition = job.conditions[plan.condition]
    assert isinstance(condition, AttackCondition) and plan.budget is not None
    before = condition.budgets[: condition.budgets.index(plan.budget)]
    apart = condition.alone or is_random(rows)
    return f"or-at-{'-'.join(f'{budget:g}' for budget in before)}" if before and not apart else ""


def with_figures(
    metrics: Mapping[str, Number], flags: Flags, success: str = "", milder: str = "", *, realizable: bool = True
) -> dict[str, Number]:
    """Figures of a cell with those of the attack; metrics that no attack aimed at say so.

    Parameters
    ----------
    success : str
        The rule by which a clip of tags or frames is broken; empty for scenes, where that is a wrong answer.
    milder : str
        From `milder_of`; the suite's own metrics are then those of the audio that broke a clip at any of them.
    realizable : bool
        False for attacks on features, whose figures all say that no sound need do this.
    """
    note = (
        f"the attack stops once a clip is broken ({success}): no worst case of this metric"
        if success
        else (_NOT_AIMED_AT)
    )
    aimed = {name for name in metrics if not success and "accuracy" in name and "top" not in name}
    found = {name: n if name in aimed else replace(n, note=n.note or note) for name, n in metrics.items()}
    if milder:
        found = {name: replace(n, info=replace(n.info, rule=f"{n.info.rule}:{milder}")) for name, n in found.items()}
    found |= {**cell_figures(flags, success, milder), **clip_figures(flags, success, milder)}
    return found if realizable else _labelled(found)


def _labelled(figures: Mapping[str, Number]) -> dict[str, Number]:
    return {name: replace(n, note=f"{LABEL}; {n.note}" if n.note else LABEL) for name, n in figures.items()}


def by_source(
    table: pd.DataFrame, rows: np.ndarray, codes: np.ndarray, bootstrap: Bootstrap, success: str = "", milder: str = ""
) -> dict[str, dict[str, Number]]:
    """Figures of a cell of transferred attacks for each model they were made on, as groups; empty for other attacks."""
    part = table.iloc[rows]
    found = {}
    for column in (name for name in part.columns if name.startswith(COLUMN)):
        if not part[column].notna().any():
            continue
        flags = flags_of(table, rows, codes, bootstrap)
        # A clip that was not attacked has no flag of its own: what holds for it holds for every source.
        own = part[column].astype(object).where(part[column].notna(), part["robust"]).to_numpy(dtype=bool)
        mine = own & flags.values["clean"].astype(bool)
        withstood = replace(flags, values={**flags.values, "robust": mine, "kept": mine})
        figures = cell_figures(withstood, success, milder)
        name = f"{GROUP}{column.removeprefix(COLUMN)}"
        found[name] = {figure: figures[figure] for figure in ("robust_accuracy", "attack_success_rate")}
    return found


def success_of(job: Job, index: int) -> str:
    """The rule by which a clip of a condition is broken, in one line; empty for scenes."""
    return task_of(job, index).success


def chance_of(job: Job, plan: CellPlan) -> float:
    """Share of the attacked clips that a model gets right that hears nothing."""
    condition = job.conditions[plan.condition]
    assert isinstance(condition, AttackCondition)
    references = job.output.take(job.references[plan.split], np.array(subset(job, plan.split, condition), np.int64))
    return task_of(job, plan.condition).chance(references)


def clean_cells(job: Job, plans: Sequence[CellPlan]) -> list[tuple[CellPlan, CellPlan]]:
    """Attacked cells of clips with scores of their own, each with the clean cell of its split."""
    clean = {plan.split: plan for plan in plans if plan.kind == "clean"}
    return [
        (plan, clean[plan.split])
        for plan in plans
        if plan.kind == "attack" and plan.split in clean and task_of(job, plan.condition).scored
    ]


def beside(
    attacked: CellPlan,
    plans: Sequence[CellPlan],
    job: Job,
    family: Family,
    primary: str,
    clean: Mapping[str, record.Value],
    made: Mapping[str, record.Cell],
) -> dict[str, record.Value]:
    """The suite's main figures of the attacked clips when clean (`clean_…`), and in white noise of the same budget
    (`noise_…`), where the suite has that among its conditions.

    Parameters
    ----------
    attacked : CellPlan
        The cell they stand in.
    clean : mapping of str to Value
        Every figure of the same clips when clean.
    made : mapping of str to Cell
        All cells.
    """
    names = [primary, *family.headlines]
    found = {f"clean_{name}": _of_same_clips(clean[name], "when clean") for name in names if name in clean}
    mine = job.conditions[attacked.condition]
    assert isinstance(mine, AttackCondition)
    for plan in plans:
        other = job.conditions[plan.condition]
        if plan.name != "white_noise" or not isinstance(other, AttackCondition) or plan.key == attacked.key:
            continue
        one = (plan.split, plan.budget, *(getattr(other, name) for name in _ALIKE))
        if one == (attacked.split, attacked.budget, *(getattr(mine, name) for name in _ALIKE)):
            noise = made[plan.key].metrics
            told = "in white noise of equal budget"
            found |= {f"noise_{name}": _of_same_clips(noise[name], told) for name in names if name in noise}
    return found


def _of_same_clips(value: record.Value, what: str) -> record.Value:
    return value.model_copy(update={"scope": f"the same clips {what}"})


def not_ranked(
    cells: Sequence[record.Cell], values: dict[str, record.Value], failed: Mapping[str, Sequence[str]]
) -> None:
    """Mark cells that no ranking may use, on features or with failed checks, and what is made from the latter."""
    for cell in cells:
        if "@features-" in cell.key:
            cell.ranked = False
    marks: dict[str, list[str]] = {}
    for cell in cells:
        if cell.key in failed:
            cell.ranked = False
            short = cell.key.split("/", 2)[2]
            for name in (short, curve_of(cell.key)):
                marks.setdefault(name, []).extend(failed[cell.key])
    for name, value in values.items():
        if name.startswith(("adversarial:", "black_box:", "unrealizable:")) and name.partition("/")[2] in marks:
            why = f"not ranked: {', '.join(dict.fromkeys(marks[name.partition('/')[2]]))} failed"
            value.note = f"{LABEL}; {why}" if name.startswith("unrealizable:") else why


def attack_figures(
    job: Job, cells: Sequence[CellPlan], flags: Mapping[str, Flags], rows: Mapping[str, pd.DataFrame]
) -> dict[str, Number]:
    """Curves and summaries of every attack.

    Parameters
    ----------
    job : Job
    cells : sequence of CellPlan
        All attacked cells.
    flags : mapping of str to Flags
        Cell → flags.
    rows : mapping of str to DataFrame
        Cell → its predictions.

    Returns
    -------
    dict of str to Number
        `adversarial:FIGURE/ATTACK@THREAT[:BUDGET]`, with the split after the first colon where there are several; of
        attacks on features `unrealizable:…` with the figures of single budgets only, and of a model that showed no
        gradient `black_box:…`: no ranking mixes these.
    """
    import pandas as pd

    figures: dict[str, Number] = {}
    splits = list(dict.fromkeys(cell.split for cell in cells))
    for split in splits:
        whole = "adversarial:" if len(splits) == 1 else f"adversarial:{split}:"
        where = "" if len(splits) == 1 else split
        mine = [cell for cell in cells if cell.split == split]
        halves: dict[str, tuple[Number, np.ndarray | None, Flags, tuple[str, str]]] = {}
        noises: dict[tuple[str, str], tuple[Number, np.ndarray | None]] = {}
        scopes: dict[str, str] = {}
        for _, group in itertools.groupby(mine, key=lambda cell: cell.condition):
            curve = list(group)
            name = curve_of(curve[0].key)
            condition = job.conditions[curve[0].condition]
            assert isinstance(condition, AttackCondition)
            realizable = condition.space == "waveform"
            every = pd.concat([rows[cell.key] for cell in curve])
            prefix = scope_of(whole, attacker_of(condition, job.task, every))
            scope = prefix if realizable else whole.replace("adversarial:", "unrealizable:", 1)
            for cell in curve:
                short = cell.key.split("/", 2)[2]
                own = cell_figures(
                    flags[cell.key], success_of(job, cell.condition), milder_of(job, cell, rows[cell.key])
                )
                for figure, value in (own if realizable else _labelled(own)).items():
                    if figure != "clean_accuracy":  # the same at every budget: it stands in the cells
                        figures[f"{scope}{figure}/{short}"] = _about(value, short, where)
            # A budget on features is no SNR: it has no level in dB, and no gap to noise.
            if condition.threat != "l2" or not realizable:
                continue
            levels = {float(cell.budget or 0.0): flags[cell.key] for cell in curve}
            if condition.attack not in FLOOR:
                for figure, smallest in smallest_figures(curve, flags, rows, condition).items():
                    figures[f"{prefix}{figure}/{name}"] = _about(_in_unit(smallest, condition), name, where)
            half, drawn = half_level(levels, "robust", chance_of(job, curve[0]))
            figures[f"{prefix}snr50/{name}"] = _about(_in_unit(half, condition), name, where)
            alike: tuple[str, str] = condition.channels, str(condition.band or "")
            if condition.attack == "white_noise":
                noises[alike] = half, drawn
            elif condition.attack not in FLOOR:
                halves[name] = half, drawn, next(iter(levels.values())), alike
                scopes[name] = prefix
        for name, (half, drawn, some, alike) in halves.items():
            noise = noises.get(alike)
            if noise is not None and drawn is not None and noise[1] is not None:
                gap = adversarial_gap(half, drawn, noise[0], noise[1], some)
                figures[f"{scopes[name]}gap/{name}"] = _about(gap, name, where)
    return figures


def _in_unit(figure: Number, condition: AttackCondition) -> Number:
    """A level in the unit of a condition's budgets."""
    return replace(figure, info=replace(figure.info, unit=threats(condition)[0].unit))


def _about(number: Number, attack: str, split: str) -> Number:
    """A figure that says which attack, threat and split it is about."""
    scope = ", ".join(part for part in (attack.replace("@", " within ").replace("_", " "), split) if part)
    return replace(number, info=replace(number.info, scope=scope))


def checks_of(
    job: Job,
    cells: Sequence[CellPlan],
    facts: Sequence[tuple[str, Noted]],
    rows: Mapping[str, pd.DataFrame],
    classes: int,
) -> list[record.Check]:
    """Sanity checks of every attacked cell, from the facts that units noted and from the flags of all clips.

    Parameters
    ----------
    facts : sequence of (str, Noted)
        First cell of the unit that noted it, and the fact.
    """
    found: list[record.Check] = []
    for _, group in itertools.groupby(cells, key=lambda cell: (cell.split, cell.condition)):
        curve = list(group)
        condition = job.conditions[curve[0].condition]
        assert isinstance(condition, AttackCondition)
        mine = [fact for key, fact in facts if key == curve[0].key]
        made = attack_checks(condition, curve, mine, classes, chance_of(job, curve[0]))
        found += made + _monotone(curve, rows, condition.alone or any(is_random(rows[cell.key]) for cell in curve))
        found += foreign_checks(curve, rows)
    return found


def _monotone(curve: Sequence[CellPlan], rows: Mapping[str, pd.DataFrame], alone: bool) -> list[record.Check]:
    """No clip may be robust at a budget after it was broken at a milder one, unless each budget is attacked alone."""
    broken: set[str] = set()
    checks = []
    for cell in curve:
        table = rows[cell.key]
        robust = set(table["clip_id"][table["robust"].to_numpy(dtype=bool)].astype(str))
        back = len(broken & robust)
        status: Status = "fail" if back else "pass"
        message = (
            f"{back} clips broken at a milder budget are robust here"
            if back
            else (f"every clip broken at a milder budget is broken here ({len(broken)})")
        )
        if alone and back:
            status, message = (
                "warn",
                f"{back} clips that fell at a milder budget stand here, attacked alone",
            )
        checks.append(record.Check(name="attack:monotone", status=status, message=message, cell=cell.key))
        broken |= set(table["clip_id"].astype(str)) - robust
    return checks


def failed_cells(checks: Iterable[record.Check]) -> dict[str, list[str]]:
    """Cell → names of its failed attack checks; such a cell is shown but not ranked."""
    found: dict[str, list[str]] = {}
    for check in checks:
        if check.status == "fail" and check.cell is not None and check.name.startswith("attack:"):
            found.setdefault(check.cell, []).append(check.name)
    return found
