"""Comparing runs, and holding them to rules, from Python."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from benchbed.api.run import Run
from benchbed.threads import one_thread

if TYPE_CHECKING:
    import pandas as pd

    from benchbed.compare.answer import Swapper
    from benchbed.compare.runs import OpenRun
    from benchbed.compare.table import Comparison
    from benchbed.gate.verdict import Report
    from benchbed.stats.correction import Correction

#: A run in whatever form a user has it.
Place = str | Path | Run


@dataclass(frozen=True)
class Compared:
    """What a comparison says: text as the terminal prints it, and a table.

    Attributes
    ----------
    comparison : benchbed.compare.table.Comparison
        The whole of it.
    """

    comparison: Comparison

    def frame(self) -> pd.DataFrame:
        """One row per figure and pair: condition, metric, group, the two values, `difference` (model − against),
        its interval, p, verdict."""
        import pandas as pd

        rows = []
        for pairing in self.comparison.as_json()["pairings"]:
            names = {"model": pairing["a"], "against": pairing["b"]}
            rows += [{**names, **_flat(row)} for row in (*pairing["rows"], *pairing["mixed"])]
        return pd.DataFrame(rows).rename(columns={"a": "value_model", "b": "value_against", "value": "difference"})

    def as_json(self) -> dict[str, object]:
        """The comparison as `benchbed compare --json` prints it."""
        return self.comparison.as_json()

    def save(self, path: str | Path) -> Path:
        """Write the file that `benchbed leaderboard --comparison` builds a page from."""
        place = Path(path)
        place.write_text(self.comparison.sealed(), encoding="utf-8")
        return place

    def __str__(self) -> str:
        from benchbed.compare.show import lines

        return "\n".join(lines(self.comparison))

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return f"<pre>{escape(str(self))}</pre>"


@dataclass(frozen=True)
class Gated:
    """What a gate says.

    Attributes
    ----------
    judged : benchbed.gate.verdict.Report
        Every rule with its findings.
    """

    judged: Report

    @property
    def passed(self) -> bool:
        """No regression was shown, and everything could be measured that a rule asks for."""
        return self.judged.exit_code == 0

    @property
    def exit_code(self) -> int:
        """As the command line leaves: 0 passed, 1 a regression, 3 not measured, 4 inconclusive."""
        return self.judged.exit_code

    def frame(self) -> pd.DataFrame:
        """One row per finding: rule, figure, answer, what was measured, what was allowed."""
        import pandas as pd

        rows = []
        for outcome in self.judged.outcomes:
            for finding in outcome.findings:
                rows.append({"rule": outcome.name, "answer": str(finding.answer), **_plain(vars(finding))})
        return pd.DataFrame(rows)

    def as_json(self) -> dict[str, object]:
        """The verdict as `benchbed gate --json` prints it."""
        return self.judged.as_json()

    def __bool__(self) -> bool:
        return self.passed

    def __str__(self) -> str:
        from benchbed.gate.outputs import terminal

        return "\n".join(terminal(self.judged))

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return f"<pre>{escape(str(self))}</pre>"


@one_thread
def compare(
    *runs: Place | Sequence[Place],
    conditions: Sequence[str] = ("*",),
    metrics: Sequence[str] = (),
    groups: Sequence[str] = (),
    families: bool = False,
    seed_options: Sequence[str] = ("seed",),
    draws: int = 2000,
    alpha: float = 0.05,
    correction: Correction = "holm",
    primary: Sequence[str] = (),
    seed: int = 0,
    predictions: bool = False,
) -> Compared:
    """Compare the first model with every other, A − B, paired by recording, corrected over the table.

    Parameters
    ----------
    *runs : Run, path, or list of them
        Runs that differ in a seed option only are one side by themselves.
    conditions, metrics, groups : sequence of str
        Patterns, as `benchbed compare --condition … --metric … --group …`.
    families : bool
        One side per model family.
    seed_options : sequence of str
        Options that make another draw of the same model.
    draws, alpha, seed
        Of the bootstrap and the tests.
    correction : {"holm", "primary", "hierarchical", "fdr", "none"}
        For as many comparisons as the table has.
    primary : sequence of str
        Comparisons declared beforehand, `CONDITION` or `CONDITION/METRIC`; with any, `correction` is `primary`.
    predictions : bool
        Swap the models in ranked metrics, too, where both runs have their predictions.

    Raises
    ------
    BenchbedError
        Runs that may not be compared, or a figure that none has.

    Examples
    --------
    >>> import benchbed as bb
    >>> bb.compare("runs/dcase_task1/cnn", "runs/dcase_task1/passt_tiny").frame()  # doctest: +SKIP
    """
    from benchbed.compare.asked import Wanted
    from benchbed.compare.contrast import Procedure
    from benchbed.compare.places import open_sides
    from benchbed.compare.table import compare as make

    sides = open_sides(_places(runs), seed_options, by_family=families)
    how = Procedure(
        draws=draws,
        alpha=alpha,
        seed=seed,
        correction="primary" if primary else correction,
        primary=tuple(primary) or ("clean",),
        swapper=_swapper(predictions, seed),
    )
    return Compared(make(sides, Wanted(tuple(conditions), tuple(metrics), tuple(groups)), how))


@one_thread
def gate(
    runs: Place | Sequence[Place],
    baseline: Place | Sequence[Place] | None = None,
    rules: str | Path | None = None,
    *,
    strict: bool = False,
    seed_options: Sequence[str] = ("seed",),
    predictions: bool = False,
    confirm: bool = False,
    baselines: Path | None = None,
) -> Gated:
    """Hold a run, or several seeds of one model, against a baseline and rules.

    Parameters
    ----------
    runs, baseline : Run, path, name of a baseline, pattern, or list of them
    rules : str or Path, optional
        File of rules or name of shipped ones; by default no condition may get worse.
    strict : bool
        Inconclusive answers are no pass.
    seed_options : sequence of str
        Options that make another draw of the same model.
    predictions : bool
        As in `compare`.
    confirm : bool
        Measure the times of a failing latency rule again, up to twice, on this machine; it fails only where all
        show it.
    baselines : Path, optional
        Folder of named baselines; `baselines` by default.

    Raises
    ------
    BenchbedError
        Rules for another suite, or runs that cannot be read.

    Examples
    --------
    >>> import benchbed as bb
    >>> assert bb.gate("runs/dcase_task1/cnn", "main").passed  # doctest: +SKIP
    """
    from benchbed.compare.places import open_seeds
    from benchbed.gate.confirm import confirmed
    from benchbed.gate.judge import judge
    from benchbed.gate.load import load_rules
    from benchbed.gate.own import units_of_figures
    from benchbed.results.baseline import FOLDER

    folder = baselines or FOLDER
    candidate = open_seeds(_places([runs]), seed_options, folder)
    against = None if baseline is None else open_seeds(_places([baseline]), seed_options, folder)
    loaded = load_rules(None if rules is None else str(rules), units_of_figures(run.result for run in candidate))
    swapper = _swapper(predictions, loaded.rules.seed)
    report = judge(loaded, candidate, against, strict=strict, swapper=swapper)
    return Gated(confirmed(report, loaded, candidate, against, _timed_again) if confirm else report)


def _timed_again(run: OpenRun) -> OpenRun:
    from dataclasses import replace as changed

    from benchbed.run.costing.again import timed_again

    return changed(run, result=timed_again(run.result))


def _places(runs: Sequence[Place | Sequence[Place]]) -> list[str]:
    flat: list[str] = []
    for run in runs:
        if isinstance(run, Run):
            flat.append(str(run.path))
        elif isinstance(run, (str, Path)):
            flat.append(str(run))
        else:
            flat += _places(run)
    return flat


def _swapper(wanted: bool, seed: int) -> Swapper | None:
    if not wanted:
        return None
    from benchbed.run.scoring.swapping import PredictionSwaps

    return PredictionSwaps(seed=seed)


def _flat(row: Mapping[str, object], prefix: str = "") -> dict[str, object]:
    flat: dict[str, object] = {}
    for name, value in row.items():
        if isinstance(value, Mapping):
            flat |= _flat(value, f"{prefix}{name}.")
        elif not isinstance(value, list):
            flat[f"{prefix}{name}"] = value
    return flat


def _plain(fields: Mapping[str, object]) -> dict[str, object]:
    simple = (str, int, float, bool, type(None))
    return {name: value for name, value in fields.items() if name != "answer" and isinstance(value, simple)}
