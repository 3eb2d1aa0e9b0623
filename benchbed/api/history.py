"""One model over commits and dates, from Python."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from benchbed.api.boards import records_of
from benchbed.api.run import Run
from benchbed.errors import ConfigError, DamagedError, did_you_mean
from benchbed.threads import one_thread

if TYPE_CHECKING:
    import pandas as pd

    from benchbed.compare.runs import OpenRun
    from benchbed.results.history import HistoryRecord
    from benchbed.results.record import Result


@dataclass(frozen=True)
class ModelHistory:
    """What a history says: text as the terminal prints it, a table, and a page.

    Attributes
    ----------
    record : benchbed.results.history.HistoryRecord
        The whole of it.
    """

    record: HistoryRecord

    def frame(self) -> pd.DataFrame:
        """One row per figure and run: created, commit, condition, group, metric, value, low, high, `change`."""
        import pandas as pd

        rows = []
        for series in self.record.series:
            starts = {change.at: change.difference for change in series.changes}
            for place, run in enumerate(self.record.runs):
                about = {"created": run.created, "commit": run.commit, "condition": series.condition}
                figure = {"group": series.group or "", "metric": series.metric, "unit": series.unit}
                ends = {"value": series.values[place], "low": series.lows[place], "high": series.highs[place]}
                rows.append({**about, **figure, **ends, "change": starts.get(place)})
        return pd.DataFrame(rows)

    def save(self, path: str | Path) -> Path:
        """Write the page."""
        from benchbed.report.over_time import write_history

        return write_history(self.record, Path(path))

    def __str__(self) -> str:
        from benchbed.report.over_time import history_lines

        return "\n".join(history_lines(self.record))

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return f"<pre>{escape(str(self))}</pre>"


@one_thread
def history(
    runs: str | Path | Run | Sequence[str | Path | Run],
    *,
    model: str | None = None,
    conditions: Sequence[str] = ("clean",),
    metric: str | None = None,
    groups: Sequence[str] = (),
    alpha: float = 0.05,
    seed: int = 0,
) -> ModelHistory:
    """Follow one model over commits and dates, slice by slice, and say where a figure changed.

    Parameters
    ----------
    runs : Run, path, pattern, or list of them
        Run folders, with the earlier records in their `history/`, or records of several commits.
    model : str, optional
        Name or pattern of the model, where the runs are of several.
    conditions : sequence of str
        Patterns of conditions.
    metric : str, optional
        The metric; by default the one that ranks.
    groups : sequence of str
        Groups such as `device=s4`, or `class=*`; by default every slice of the suite.
    alpha : float
        Level: share of histories without change in which some change is called.
    seed : int
        Of the draws.

    Raises
    ------
    BenchbedError
        Runs of several models, or no two that were measured alike.

    Examples
    --------
    >>> import benchbed as bb
    >>> bb.history("runs/dcase_task1/mine").save("history.html")  # doctest: +SKIP
    """
    from benchbed.compare.answer import Procedure
    from benchbed.compare.over_time import Wished, one_model, over_time

    clean = tuple(conditions) == ("clean",)
    opened = _opened(records_of(runs, summary=clean), clean)
    if model is not None:
        chosen = [run for run in opened if fnmatchcase(run.name, model)]
        if not chosen:
            names = sorted({run.name for run in opened})
            raise ConfigError(f"no run of {model}", hint=did_you_mean(model, names) or f"there are: {', '.join(names)}")
        opened = chosen
    else:
        one_model(opened)
    asked = Wished(tuple(conditions), metric, tuple(groups), alpha)
    return ModelHistory(over_time(opened, asked, Procedure(seed=seed)))


def _opened(records: Sequence[tuple[Path, Result]], clean: bool) -> list[OpenRun]:
    """The runs with their earlier records; their sums on clean audio alone where nothing else is asked."""
    from benchbed.compare.runs import OpenRun
    from benchbed.results.artefacts import statistics_of
    from benchbed.results.find import earlier_records
    from benchbed.results.statistics import NAME

    def wanted(key: str) -> bool:
        return not clean or key.endswith("/clean")

    runs = []
    for path, result in records:
        for place, record in (*earlier_records(path), (path, result)):
            if NAME not in record.provenance.artefacts:
                runs.append(OpenRun(place, record, lack="the record has no statistics"))
                continue
            try:
                runs.append(OpenRun(place, record, statistics_of(record, place.parent, cells=wanted)))
            except DamagedError:
                if place == path:
                    raise
                # An earlier record of the same predictions is kept without its sums.
                runs.append(OpenRun(place, record, lack="only its record was kept, since its predictions stayed"))
    return runs
