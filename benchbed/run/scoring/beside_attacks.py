"""What attacked cells add to a run's figures: curves over budgets, checks, and what the same clips score clean."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from benchbed.metrics.cell import score_cell
from benchbed.metrics.contract import Family
from benchbed.metrics.number import Number
from benchbed.predictions.by_cell import PredictionsByCell
from benchbed.results import record
from benchbed.run.job.prepared import Prepared
from benchbed.run.scoring.attack_tables import attack_tables
from benchbed.run.scoring.attacked_rows import AttackedRows
from benchbed.run.scoring.attacks import (
    attack_figures,
    beside,
    checks_of,
    clean_cells,
    failed_cells,
    flags_of,
    not_ranked,
)
from benchbed.run.scoring.certified import certified_figures
from benchbed.run.scoring.grouped import GroupedSplit
from benchbed.run.scoring.split import rows_of_cells
from benchbed.run.scoring.values import to_matrix, to_value
from benchbed.run.scoring.worth import worth_of_attacks


def attacked(
    prepared: Prepared,
    stored: PredictionsByCell,
    splits: Mapping[str, GroupedSplit],
    cells: list[record.Cell],
    attacks: Mapping[str, AttackedRows],
    values: dict[str, record.Value],
) -> tuple[list[record.Check], dict[str, Number]]:
    """Add what attacks say over cells to `values`, mark cells that are not to be ranked; checks and figures."""
    plans = [plan for plan in prepared.cells if plan.kind == "attack"]
    flags, tables = {}, {plan.key: attacks[plan.key].table for plan in plans}
    for plan in plans:
        rows, split = attacks[plan.key], splits[plan.split]
        every = np.arange(len(rows.table))
        flags[plan.key] = flags_of(rows.table, every, split.codes[rows.position], split.bootstrap)
    classes = len(prepared.job.labels)
    facts = [
        (unit["attack"]["cell"], fact) for unit in stored.info if "attack" in unit for fact in unit["attack"]["facts"]
    ]
    checks = checks_of(prepared.job, plans, facts, tables, classes)
    figures = attack_figures(prepared.job, plans, flags, tables) | worth_of_attacks(prepared.job, plans, flags, tables)
    figures |= certified_figures(plans, flags, tables, prepared.adapter.smoothing)
    values |= {name: to_value(number) for name, number in figures.items()}
    for key, matrices in attack_tables(prepared.job, plans, tables).items():
        cell = next(cell for cell in cells if cell.key == key)
        cell.matrices |= {name: to_matrix(table) for name, table in matrices.items()}
    not_ranked(cells, values, failed_cells(checks))
    return checks, figures


def beside_attacks(
    prepared: Prepared,
    stored: PredictionsByCell,
    splits: Mapping[str, GroupedSplit],
    cells: list[record.Cell],
    attacks: Mapping[str, AttackedRows],
    family: Family,
    primary: str,
) -> None:
    """Put what attacked clips of tags and frames score clean, and in white noise, beside what they score attacked."""
    known: dict[tuple[str, ...], dict[str, record.Value]] = {}
    by_key = {cell.key: cell for cell in cells}
    for plan, clean in clean_cells(prepared.job, prepared.cells):
        split, predictions = splits[plan.split], stored.of(clean.key)
        wanted = set(attacks[plan.key].table["clip_id"].astype(str))
        rows = rows_of_cells(predictions.table, [clean.key])[clean.key]
        rows = rows[predictions.table["clip_id"].iloc[rows].astype(str).isin(wanted).to_numpy()]
        at = (plan.split, *sorted(wanted))
        if at not in known and len(rows):
            clean_rows = split.answered(predictions, rows)
            scores = score_cell(
                family.context(clean_rows.answers, clean_rows.references),
                clean_rows.answers,
                clean_rows.references,
                split.codes[clean_rows.position],
                [],
                split.bootstrap if split.bootstrap.draws else None,
                tables=False,
            )
            known[at] = {name: to_value(number) for name, number in scores.metrics.items()}
        by_key[plan.key].metrics |= beside(
            plan, prepared.cells, prepared.job, family, primary, known.get(at, {}), by_key
        )
