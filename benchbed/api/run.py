"""One finished run in the hands of a Python user."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from benchbed.api import tables
from benchbed.results.record import Result
from benchbed.results.store import read

if TYPE_CHECKING:
    import pandas as pd

    from benchbed.api.charts import Chart


#: Figures in the table that a notebook shows; `figures()` has them all.
SHOWN = 12


class Run:
    """A run on disk: its record as tables, its charts, its page.

    Parameters
    ----------
    path : str or Path
        Folder of the run, or its `result.json`.

    Attributes
    ----------
    path : Path
        Folder of the run.
    result : benchbed.results.record.Result
        The record; `run.result.cells[0].metrics["macro_accuracy"].low` and so on.

    Raises
    ------
    ConfigError
        No record there, or one that cannot be read.

    Examples
    --------
    >>> import benchbed as bb
    >>> run = bb.run("suites/dcase_task1.yaml", "adapters/cnn.py", limit=40)  # doctest: +SKIP
    >>> run.figures().query("metric == 'macro_accuracy'")[["cell", "group", "value", "low", "high"]]  # doctest: +SKIP
    """

    def __init__(self, path: str | Path) -> None:
        place = Path(path)
        self._opened(place if place.is_dir() else place.parent, read(place))

    @classmethod
    def written(cls, path: Path, result: Result) -> Run:
        """A run whose record has just been written, without reading it again.

        Parameters
        ----------
        path : Path
            Its `result.json`.
        result : benchbed.results.record.Result
            The record, as writing it gave it back.
        """
        run = cls.__new__(cls)
        run._opened(path.parent, result)
        return run

    def _opened(self, folder: Path, result: Result) -> None:
        self.path, self.result = folder, result
        #: Predictions that were taken from an earlier run instead of being computed, and of how many units; None for a
        #: run that was opened from disk.
        self.reused: tuple[int, int] | None = None
        #: More predictions failed than the policy allows; the figures are over what is left.
        self.exceeded = False
        #: The cells that lost more than that, and how much.
        self.over: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Name of the model."""
        return self.result.model.name

    @property
    def complete(self) -> bool:
        """No clip of any cell is missing."""
        return not self.result.failures and all(cell.complete for cell in self.result.cells)

    def figures(self) -> pd.DataFrame:
        """One row per figure, with its place, interval, unit, direction and rule; see `tables.figures_table`."""
        return tables.figures_table([self.result])

    def cells(self) -> pd.DataFrame:
        """One row per cell: condition, parameter and unit, ranking figure, counts of clips."""
        return tables.cells_table([self.result])

    def predictions(self, cell: str | None = None, *, scores: bool = True) -> pd.DataFrame:
        """One row per clip, cell and draw, with the model's answer; see `tables.predictions_table`."""
        return tables.predictions_table(self.path, cell, scores=scores)

    def clips(self) -> pd.DataFrame:
        """One row per clip, cell and draw with the clip's own scores, of kinds of output that keep them (captions).

        Raises
        ------
        ConfigError
            The run kept none.
        """
        from benchbed.errors import ConfigError
        from benchbed.results.captions import SCORES, read_clips

        table = read_clips(self.path)
        if table is None:
            raise ConfigError(f"the run kept no scores of its clips ({SCORES})", where=str(self.path))
        return table

    def plot(self, name: str = "corruptions") -> Chart:
        """A chart of the run's page: `corruptions`, `severities`, `attacks`, `devices`, `classes`, `confusion`,
        `reliability`, or any chart or table of the page by its name (`benchbed export RUN` lists them).

        It can be saved as `.svg`, `.png`, `.html`, and what it is drawn from as `.csv`, `.tex` and `.md`.

        Raises
        ------
        ConfigError
            The record has nothing to draw under that name; the message lists what it has.
        """
        from benchbed.api.charts import chart

        return chart(self.result, name, self.page)

    def page(self, *, references: Sequence[str | Path] | None = None) -> str:
        """The page of the run as text; see `report`."""
        from benchbed.report import drawings, listening
        from benchbed.report.page import report_html
        from benchbed.results.reference import asked_references

        record = self.path / "result.json"
        # Nobody published figures of a synthetic set.
        shown = [] if references is None and self.result.dataset.synthetic else asked_references(references)
        return report_html(
            self.result,
            clips=listening.read(record),
            drawn=drawings.read(record),
            references=shown,
        )

    def report(self, path: str | Path | None = None, *, references: Sequence[str | Path] | None = None) -> Path:
        """Write the page of the run, by default as `report.html` in its folder, and return its path.

        Parameters
        ----------
        path : str or Path, optional
            File to write.
        references : sequence of path, optional
            Files of published figures to show where they are about the run's data, or `["none"]`; by default those that
            come with benchbed.
        """
        from benchbed.report.page import write_page

        return write_page(self.path / "report.html" if path is None else Path(path), self.page(references=references))

    def __repr__(self) -> str:
        from benchbed.report.figures import interval, number
        from benchbed.report.view import primary_value

        value = primary_value(self.result)
        told = "no figure"
        if value is not None and value.value is not None:
            told = f"{self.result.primary} {number(value.value, value.unit)} {interval(value)}".rstrip()
        marks = ", ".join(self._marks())
        return f"<Run of {self.name} on {self.result.suite.name}: {told}{f' ({marks})' if marks else ''}; {self.path}>"

    def _repr_html_(self) -> str:
        """A small summary table, as a notebook shows it."""
        from benchbed.report.figures import interval, number
        from benchbed.report.view import figures, primary_value

        first = primary_value(self.result)
        shown = {} if first is None else {self.result.primary: first}
        shown |= figures(self.result)
        head = f"{escape(self.name)} · {escape(self.result.suite.title or self.result.suite.name)}"
        marks = "".join(f" <em>{escape(mark)}</em>" for mark in self._marks())
        rows = "".join(
            f"<tr><th style='text-align:left'>{escape(title)}</th>"
            f"<td>{escape(number(value.value, value.unit) if value.value is not None else value.reason or '–')}</td>"
            f"<td>{escape(interval(value))}</td><td>{value.n} clips</td></tr>"
            for title, value in list(shown.items())[:SHOWN]
        )
        where = f"{escape(self.result.dataset.name)}, {self.result.dataset.clips} clips"
        return f"<table><caption style='text-align:left'><b>{head}</b>{marks}<br>{where}</caption>{rows}</table>"

    def _marks(self) -> list[str]:
        from benchbed.report.view import badges

        return [mark.text for mark in badges(self.result)]
