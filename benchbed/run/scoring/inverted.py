"""Whether scores are the wrong way round: areas under the ROC curve far below one half.

Answers that are scores of classes have a test of their own (`benchbed.run.doubts.answers`). Only clean cells are looked
at: under a perturbation a ranking may turn by itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from benchbed.results import record

#: An area is far below one half from here on, where its whole interval is below one half as well.
FAR = 0.4
#: What rules of such areas begin with.
AREA = "auc:"
#: Groups that are named.
NAMED = 4


def inverted_checks(cells: Sequence[record.Cell]) -> list[record.Check]:
    """The check `answers:inverted` of each clean cell whose metrics rank clips by one score.

    Parameters
    ----------
    cells : sequence of record.Cell
        Scored cells.

    Returns
    -------
    list of record.Check
        `warn` where the area of the cell, or of one of its classes, is far below one half; none without such areas.
    """
    checks = []
    for cell in cells:
        areas = {name: value for name, value in cell.metrics.items() if value.rule.startswith(AREA)}
        if cell.condition.kind == "clean" and areas:
            checks.append(_of_cell(cell, areas))
    return checks


def _of_cell(cell: record.Cell, areas: Mapping[str, record.Value]) -> record.Check:
    name = "answers:inverted"
    whole = [value.value for value in areas.values() if value.value is not None]
    if not whole:
        return record.Check(name=name, status="skipped", message="no area under a curve is defined", cell=cell.key)
    turned = [
        f"{key.removeprefix('class=')} ({values[metric].value:.2f})"
        for key, values in cell.groups.items()
        if key.startswith("class=")
        for metric in [next((one for one, value in values.items() if value.rule.startswith(AREA)), "")]
        if metric and _below(values[metric])
    ]
    first = next(iter(areas.values()))
    if _below(first):
        what = f"AUC {first.value:.3f} is far below one half: is a greater score the more normal? Turn the sign"
        return record.Check(name=name, status="warn", message=what, cell=cell.key)
    if turned:
        listed = ", ".join(turned[:NAMED]) + (", …" if len(turned) > NAMED else "")
        what = f"AUC far below one half, as if scores were the wrong way round there: {listed}"
        return record.Check(name=name, status="warn", message=what, cell=cell.key)
    message = "no area under a curve is far below one half"
    return record.Check(name=name, status="pass", message=message, cell=cell.key)


def _below(value: record.Value) -> bool:
    low = value.value is not None and value.value < FAR
    return low and (value.high is None or value.high < 0.5)
