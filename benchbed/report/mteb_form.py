"""A run in the form of MTEB's task results, which its loader, tables and boards read.

Source: `TaskResult` of mteb 2.26.24 (embeddings-benchmark/mteb, `mteb/results/task_result.py`): a file for each task,
with a list of scores for each split. The task has the suite's name, not that of a task of MTEB's: MTEB trains its
probes on eight clips a class, ten times, so that figures of the two are none of one table. `mteb_version` is null,
since MTEB did not make them.
"""

from __future__ import annotations

from typing import Any

from benchbed.errors import ConfigError
from benchbed.results.record import Cell, Result

#: Sounds without words, as MTEB writes a language that is none.
NO_LANGUAGE = ["zxx-Zxxx"]
#: What MTEB calls the only subset of a task.
CLEAN = "default"


def mteb_result(result: Result) -> dict[str, Any]:
    """One run as one task result.

    Clean cells are the subset `default` of their split, every other condition is a subset of its own. Figures are
    fractions, as MTEB's are; `low`, `high` and `n` of each stand beside it. What has no value is left out, and so is a
    cell whose ranking metric has none.

    Parameters
    ----------
    result : Result
        The run.

    Returns
    -------
    dict
        Ready for `json.dumps`.

    Raises
    ------
    ConfigError
        Less is better in the metric that ranks, which MTEB's tables do not know; or no cell has a value of it.
    """
    scores: dict[str, list[dict[str, Any]]] = {}
    for cell in result.cells:
        main = cell.metrics.get(result.primary)
        if main is None or main.value is None:
            continue
        if main.direction == "lower":
            raise ConfigError(
                f"less is better in {result.primary}, and in tables of MTEB more is",
                hint="another metric: --set suite.metrics.primary=…",
            )
        scores.setdefault(cell.split, []).append(_scores(cell, main.value))
    if not scores:
        raise ConfigError(f"no cell has a value of {result.primary}, so there is nothing to hand over")
    provenance = result.provenance
    return {
        "task_name": result.suite.name,
        "dataset_revision": result.dataset.index_hash,
        "mteb_version": None,
        "scores": scores,
        "evaluation_time": provenance.cpu_seconds,
        "kg_co2_emissions": None,
        "date": provenance.created,
    }


def _scores(cell: Cell, main: float) -> dict[str, Any]:
    figures: dict[str, Any] = {}
    for name, value in cell.metrics.items():
        if value.value is None:
            continue
        figures[name] = value.value
        figures |= {
            f"{name}_{part}": bound for part, bound in (("low", value.low), ("high", value.high)) if bound is not None
        }
    subset = CLEAN if cell.condition.kind == "clean" else cell.key.split("/", 2)[2]
    return {
        "main_score": main,
        "hf_subset": subset,
        "languages": NO_LANGUAGE,
        "n": cell.counts.scored,
        **figures,
    }
