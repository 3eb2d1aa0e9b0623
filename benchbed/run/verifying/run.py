"""`--verify`: a run's figures once more, by the packages that the field takes them from.

Scene, segment-based and event-based figures are recomputed by sed_eval, intersection-based ones and those over all
thresholds by sed_scores_eval, from the same outputs and references. Two questions are kept apart: whether benchbed
computes what the package computes when it follows the package's rule (to 1e-9; anything else is a failure), and whether
the recorded figure, by the rule that the record names, is another number.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
from collections.abc import Mapping

import numpy as np

from benchbed.metrics.contract import Family
from benchbed.metrics.sed.detection import NO_SCORES, Unscored
from benchbed.metrics.strong import where_timed
from benchbed.packages import unusable
from benchbed.predictions.by_cell import PredictionsByCell
from benchbed.results import record
from benchbed.run.job.prepared import Prepared
from benchbed.run.scoring.families import metric_family
from benchbed.run.scoring.lacking import applied
from benchbed.run.scoring.split import Split, rows_of_cells
from benchbed.run.verifying import sed_eval, sed_scores_eval
from benchbed.run.verifying.agreement import TOLERANCE, Agreement, Ask, NotComparable


def verify_cell(
    family: Family, scores: np.ndarray, target: np.ndarray, recorded: Mapping[str, float | None], cell: str
) -> list[record.Check]:
    """Recompute the figures of one cell.

    Parameters
    ----------
    family : Family
        The metrics, or several joined.
    scores, target : np.ndarray
        Outputs and references, as the family takes them.
    recorded : mapping of str to float or None
        Metric → recorded value.
    cell : str
        Key of the cell.

    Returns
    -------
    list of record.Check
        One for each family: `pass` if the package gives the same numbers by its rule, `fail` if not, `skipped` with a
        reason if it cannot be asked.
    """
    checks = []
    for prefix, part in family.parts.items():
        part, outputs, truth = part.counted_on(scores, target)
        part = part.context(outputs, truth)
        package, ask, why = _oracle(part)
        name = f"verify:{prefix.rstrip('_') or 'metrics'}"
        if ask is None:
            checks.append(record.Check(name=name, status="skipped", message=why, cell=cell))
            continue
        try:
            verdicts = list(
                ask(
                    outputs,
                    truth,
                    {k.removeprefix(prefix): v for k, v in recorded.items() if k.startswith(prefix)},
                )
            )
        except AssertionError as error:
            # How sed_scores_eval says that it does not take something.
            checks.append(record.Check(name=name, status="skipped", message=f"{package} refuses: {error}", cell=cell))
            continue
        except NotComparable as error:
            checks.append(record.Check(name=name, status="skipped", message=f"{package}: {error}", cell=cell))
            continue
        except Exception as error:
            # Installed, but without something that it needs.
            if not isinstance(error, ImportError) and unusable(error) is None:
                raise
            checks.append(
                record.Check(name=name, status="skipped", message=f"{package} cannot be used: {error}", cell=cell)
            )
            continue
        checks.append(_check(name, package, verdicts, cell))
    return checks


def verify_run(prepared: Prepared, stored: PredictionsByCell, cells: list[record.Cell]) -> list[record.Check]:
    """Recompute the figures of every cell of a run, from its stored predictions.

    Parameters
    ----------
    prepared : Prepared
        The run.
    stored : PredictionsByCell
        All its predictions.
    cells : list of record.Cell
        What was recorded.
    """
    job = prepared.job
    family, _ = metric_family(prepared.loaded_suite, job.asked, job.scope)
    if any(job.output.coarse(references).any() for references in job.references.values()):
        family = where_timed(family)
    splits = {split: Split(job, split) for split in job.clips}
    checks = []
    for cell in cells:
        predictions = stored.of(cell.key)
        rows = rows_of_cells(predictions.table, [cell.key])[cell.key]
        rows = rows[applied(predictions.table, rows, cell.condition.kind)]
        if not len(rows):
            continue
        answered = splits[cell.split].answered(predictions, rows)
        recorded = {name: value.value for name, value in cell.metrics.items()}
        checks += verify_cell(family, answered.answers, answered.references, recorded, cell.key)
    return checks


def _oracle(part: Family) -> tuple[str, Ask | None, str]:
    for room in (sed_eval, sed_scores_eval):
        package, ask = room.PACKAGE, room.covers(part)
        if ask is not None:
            if importlib.util.find_spec(package) is None:
                return package, None, f"{package} is not installed"
            return f"{package} {importlib.metadata.version(package)}", ask, ""
    if isinstance(part, Unscored):
        return "", None, NO_SCORES
    return "", None, f"no package is asked about {type(part).__name__}"


def _check(name: str, package: str, found: list[Agreement], cell: str) -> record.Check:
    wrong = [a for a in found if not a.equal]
    if wrong:
        text = "; ".join(f"{a.metric}: {a.ours!r} here, {a.theirs!r} there" for a in wrong)
        return record.Check(name=name, status="fail", message=f"{package} disagrees: {text}", cell=cell)
    text = f"{package} gives the same {len(found)} figures by its own rule, within {TOLERANCE:g}"
    other = [a for a in found if a.recorded_differs]
    if other:
        listed = "; ".join(
            f"{a.metric}: recorded {_text(a.recorded)}, by its rule {_text(a.theirs)}{f' ({a.why})' if a.why else ''}"
            for a in other
        )
        text = f"{text}; by the recorded rule other numbers: {listed}"
    return record.Check(name=name, status="pass", message=text, cell=cell)


def _text(value: float | None) -> str:
    return "undefined" if value is None or np.isnan(value) else f"{value:.6g}"
