"""The first page: every model with its answer to every question, each figure a link to where it comes from.

Nothing is computed: `benchbed.results.answers` picks figures from the records of one table; here they are laid out,
models of one task on one set of data together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from benchbed.report import across, onestrength, terms
from benchbed.report.across import Drawing
from benchbed.report.board import Board, BoardRow, SuitePage
from benchbed.results.alike import subject
from benchbed.results.answers import QuestionAnswer, best_asked
from benchbed.results.record import Value

#: Where on the page of a suite a question is answered in full.
_PLACE = {"unseen": "devices", "noise": "corruptions", "attack": "attacks", "macs": "costs", "per_mac": "costs"}


@dataclass(frozen=True)
class AnswerColumn:
    """One question asked of the models of a group."""

    answer: QuestionAnswer
    board: Board
    href: str

    @property
    def some(self) -> Value:
        """Any figure, for unit and direction."""
        return next(iter(self.answer.values.values()))


@dataclass(frozen=True)
class AnswerCell:
    """One figure, and the page it comes from."""

    value: Value
    href: str
    best: bool
    incomplete: str | None


@dataclass(frozen=True)
class AnswerLine:
    """One model: a figure for each question."""

    name: str
    slug: str
    family: str
    cells: list[AnswerCell | None]


@dataclass(frozen=True)
class AnswerGroup:
    """Models of one task on one set of data; figures of two groups are never compared."""

    task: str
    dataset: str
    synthetic: bool
    limits: list[int]
    columns: list[AnswerColumn]
    lines: list[AnswerLine]
    noises: list[NoiseMap]


@dataclass(frozen=True)
class NoiseMap:
    """Models in each noise at one strength, and where every other strength stands."""

    drawing: Drawing
    href: str


@dataclass(frozen=True)
class SuiteLead:
    """What leads a table of a suite: the first tie group, or the first in order where there are no ranks."""

    board: Board
    rows: list[BoardRow]

    @property
    def told(self) -> str:
        """What stands beside the names."""
        n = len(self.rows)
        return "" if n == 1 else f"{n} not told apart"


def groups(pages: Sequence[SuitePage], slugs: dict[str, str]) -> list[AnswerGroup]:
    """Models with their answers, by task and data; recordings before synthetic data, then most models first.

    Parameters
    ----------
    pages : sequence of SuitePage
    slugs : dict of str to str
        Address of each model's page by its name.
    """
    held: dict[tuple[bool, str, str], list[tuple[SuitePage, Board]]] = {}
    for page in pages:
        for board in page.boards:
            held.setdefault(subject(board.example), []).append((page, board))
    made = [_group(*key, boards, slugs) for key, boards in held.items()]
    return sorted(made, key=lambda group: (group.synthetic, -len(group.lines), -len(group.columns), group.dataset))


def leads(page: SuitePage) -> list[SuiteLead]:
    """What leads each table of a suite."""
    return [SuiteLead(board, board.first_group) for board in page.boards]


def _group(
    synthetic: bool, dataset: str, task: str, boards: Sequence[tuple[SuitePage, Board]], slugs: dict[str, str]
) -> AnswerGroup:
    columns = []
    for index, answer in best_asked([[row.result for row in board.rows] for _, board in boards]):
        page, board = boards[index]
        place = _PLACE.get(answer.question, "t")
        columns.append(AnswerColumn(answer, board, f"suites/{page.slug}.html#{place}-{board.identity}"))
    models: dict[str, str] = {}
    for _, board in boards:
        for row in board.rows:
            models.setdefault(row.result.model.name, row.result.model.family)
    cells = [_cells(column) for column in columns]
    lines = [
        AnswerLine(name, slugs[name], family, [found.get(name) for found in cells]) for name, family in models.items()
    ]
    lines.sort(key=lambda line: _place(line, columns))
    limits = sorted({limit for _, board in boards if (limit := board.example.dataset.limit) is not None})
    return AnswerGroup(terms.task(task), dataset, synthetic, limits, columns, lines, _noises(boards))


def _noises(boards: Sequence[tuple[SuitePage, Board]]) -> list[NoiseMap]:
    few = [(page, board) for page, board in boards if len(board.rows) <= onestrength.MOST_MODELS]
    drawn = [(page, board, onestrength.noises(board, across.series(board))) for page, board in few]
    return [NoiseMap(d, f"suites/{page.slug}.html#strengths-{board.identity}") for page, board, d in drawn if d]


def _cells(column: AnswerColumn) -> dict[str, AnswerCell]:
    """The figure of each model; of a model that was run twice, that of its first row."""
    rows = column.board.rows
    whole = {p: v.value for p, v in column.answer.values.items() if not rows[p].lacking}
    known = [value for value in whole.values() if value is not None]
    top = None
    if len(known) > 1:
        top = max(known) if column.some.direction == "higher" else min(known)
    found: dict[str, AnswerCell] = {}
    for place, value in sorted(column.answer.values.items()):
        row = rows[place]
        best = top is not None and whole.get(place) == top
        cell = AnswerCell(value, f"runs/{row.slug}.html", best, row.lacking)
        found.setdefault(row.result.model.name, cell)
    return found


def _place(line: AnswerLine, columns: Sequence[AnswerColumn]) -> tuple:
    """Best on clean audio first; models without that figure last."""
    for cell, column in zip(line.cells, columns, strict=True):
        if column.answer.question == "clean" and cell is not None and cell.value.value is not None:
            figure = cell.value.value
            return 0, -figure if cell.value.direction == "higher" else figure, line.name
    return 1, 0.0, line.name
