"""Models × noises at one strength that the noises of a suite share: the answer to "which one in babble at 10 dB"."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from benchbed.report import terms
from benchbed.report.across import ConditionSeries, Drawing, certainty, metric_of, number_of
from benchbed.report.board import Board
from benchbed.report.charts.draw import domain
from benchbed.report.charts.heatmap import heatmap
from benchbed.results.answers import clean_value

#: A page with more models than this leads to the maps of the suite instead of showing one.
MOST_MODELS = 40


def noises(board: Board, conditions: Sequence[ConditionSeries]) -> Drawing | None:
    """The map of a board at the middle one of the strengths that most of its noises have in one unit.

    Parameters
    ----------
    board : Board
    conditions : sequence of ConditionSeries
        As `across.series` gives them; those of other groups than noise, or without numbers, are passed over.

    Returns
    -------
    Drawing or None
        None where fewer than two noises share a strength, or no model has a figure there.
    """
    loud = [one for one in conditions if one.family == "noise" and one.unit and one.numbers]
    shared = Counter((one.unit, label) for one in loud for label in one.places)
    if not shared or max(shared.values()) < 2:
        return None
    most = max(shared.values())
    unit = next(unit for (unit, _), n in shared.items() if n == most)
    levels = {label: level for one in loud if one.unit == unit for label, level in zip(one.places, one.numbers or ())}
    labels = [label for (other, label), n in shared.items() if n == most and other == unit]
    labels.sort(key=levels.__getitem__)
    label = labels[len(labels) // 2]
    columns = [one for one in loud if one.unit == unit and label in one.places]
    rows, primary = board.rows, board.example.primary
    figures = [[metric_of(one.cells[place].get(label), primary) for one in columns] for place in range(len(rows))]
    some = next((value for line in figures for value in line if value is not None), None)
    if some is None:
        return None
    title = f"In each noise at {label} {unit}"
    image = heatmap(
        f"noises-{board.identity}",
        f"{terms.title(primary, some)}{', %' if some.unit == 'fraction' else ''}: models × noises at {label} {unit}",
        [row.result.model.name for row in rows],
        [one.name for one in columns],
        [[number_of(value) for value in line] for line in figures],
        unit=some.unit,
        row_title="Model",
        column_title="noise",
        notes=[[certainty(value) for value in line] for line in figures],
        ends=domain([clean.value for row in rows if (clean := clean_value(row.result))], some.unit),
        families=[row.result.model.family for row in rows],
        lacking=[row.lacking for row in rows],
        best=some.direction,
    )
    return Drawing(title, image)
