"""What a sequence of checkpoints scores on each domain after each step, as one table of colours."""

from __future__ import annotations

from markupsafe import Markup

from benchbed.report import terms
from benchbed.report.panels import matrix_chart
from benchbed.results.record import Result

#: Name of the table in the record's last clean cell.
STEPS = "step_domain"


def step_matrix(result: Result) -> Markup | None:
    """The matrix step × domain of a run, a row for each step; None of a run that is no sequence."""
    for cell in reversed(result.cells):
        if STEPS in cell.matrices:
            title = terms.title(result.primary, cell.metrics.get(result.primary))
            return matrix_chart(STEPS, cell.matrices[STEPS], "steps", f"{title} of each domain after each step")
    return None
