"""A run in the words of Every Eval Ever, the shared schema for evaluation results of the EvalEval coalition.

Source: `eval.schema.json`, version 0.3.0, https://github.com/evaleval/every_eval_ever. Whatever its fields have no room
for (rule, suite and data hashes, seed) is kept as text in `additional_details` and `details`.
"""

from __future__ import annotations

import re
import sys
from datetime import datetime
from typing import Any

import benchbed
from benchbed.report import terms, view
from benchbed.results.conditions import setting
from benchbed.results.record import Cell, Result, Value

SCHEMA_VERSION = "0.3.0"


def every_eval_ever(result: Result) -> dict[str, Any]:
    """One run as one Every Eval Ever record: a result for each figure of the run and of its clean cells, and for
    the metric that ranks under every other condition.

    Parameters
    ----------
    result : Result
        The run; figures without a value are left out, as the schema has no place for the reason.

    Returns
    -------
    dict
        Ready for `json.dumps`.
    """
    suite, model, provenance = result.suite, result.model, result.provenance
    seconds = str(int(datetime.fromisoformat(provenance.created.replace("Z", "+00:00")).timestamp()))
    name = model.name.replace("/", "-")
    figures: list[tuple[Cell | None, str, Value]] = [(None, key, value) for key, value in result.scores.items()]
    shown = {cell.key for cell in view.focus(result)}
    figures += [
        (cell, key, value)
        for cell in result.cells
        for key, value in cell.metrics.items()
        if cell.key in shown or key == result.primary
    ]
    return {
        "schema_version": SCHEMA_VERSION,
        "evaluation_id": f"{suite.name}/{name}/{seconds}",
        "evaluation_timestamp": provenance.created,
        "retrieved_timestamp": seconds,
        "source_metadata": {
            "source_name": f"benchbed suite {suite.name}",
            "source_type": "evaluation_run",
            # A record does not say who ran it.
            "source_organization_name": "unknown",
            "evaluator_relationship": "other",
        },
        "eval_library": {
            "name": "benchbed",
            "version": provenance.versions.get("benchbed", benchbed.__version__),
            "additional_details": _texts(
                {"code": provenance.code, "suite_hash": suite.hash, "protocol": suite.protocol}
            ),
        },
        "model_info": {
            "name": model.name,
            "id": f"local/{name}",
            "additional_details": _texts(
                {
                    "deployment_type": "self_deployed",
                    # A record knows the weights' hashes, not whether others may have them.
                    "model_availability": "unknown",
                    "family": model.family,
                    "adapter_hash": model.adapter_hash,
                    "licence": model.licence,
                    "trained_on": ", ".join(model.trained_on),
                    **{f"weights:{file}": digest for file, digest in model.weights.items()},
                    **{f"option:{key}": value for key, value in model.options.items()},
                }
            ),
        },
        "evaluation_results": [_figure(result, *row) for row in figures if row[2].value is not None],
    }


def _figure(result: Result, cell: Cell | None, name: str, value: Value) -> dict[str, Any]:
    data, provenance = result.dataset, result.provenance
    where = f" · {terms.condition(cell.condition)} · split {cell.split}" if cell else ""
    uncertainty: dict[str, Any] = {}
    if value.low is not None and value.high is not None:
        uncertainty["confidence_interval"] = {"lower": value.low, "upper": value.high, **_method(value.interval)}
        if draws := re.search(r"(\d+) draws", value.interval or ""):
            uncertainty["num_bootstrap_samples"] = int(draws[1])
    if value.n:
        uncertainty["num_samples"] = value.n
    bounded = value.unit == "fraction" and 0 <= (value.value or 0) <= 1
    return {
        "evaluation_name": f"{result.suite.name}: {terms.metric(name, value)}{where}",
        "evaluation_timestamp": provenance.created,
        "source_data": {
            "dataset_name": data.name,
            "source_type": "other",
            "additional_details": _texts(
                {
                    "synthetic": data.synthetic,
                    "index_hash": data.index_hash,
                    "clips": data.clips,
                    "limit": data.limit,
                    "incomplete": view.incomplete(result),
                    "licence": data.licence,
                }
            ),
        },
        "metric_config": {
            "evaluation_description": f"{terms.metric(name, value)}, rule {value.rule}",
            "lower_is_better": value.direction == "lower",
            "score_type": "continuous",
            # The schema asks for ends; a metric without them gets those of its number type.
            "min_score": 0.0 if bounded else -sys.float_info.max,
            "max_score": 1.0 if bounded else sys.float_info.max,
            "additional_details": _texts({"unit": value.unit, "rule": value.rule}),
        },
        "score_details": {
            "score": value.value,
            "details": _texts(
                {
                    "metric": name,
                    "cell": cell.key if cell else None,
                    "parameter": setting(cell.condition) if cell else None,
                    "note": value.note,
                    "clips_missing": None if value.of is None else value.of - value.n,
                    "no_interval": value.reason if value.low is None else None,
                }
            ),
            **({"uncertainty": uncertainty} if uncertainty else {}),
        },
        "generation_config": {"generation_args": {"execution_command": provenance.command}},
    }


def _method(interval: str | None) -> dict[str, Any]:
    if not interval:
        return {}
    level = re.search(r"(\d+(?:\.\d+)?) %", interval)
    return {"method": interval, **({"confidence_level": float(level[1]) / 100} if level else {})}


def _texts(held: dict[str, Any]) -> dict[str, str]:
    """All values as text, as the schema wants them; what is unknown is left out."""
    words = {True: "true", False: "false"}
    return {
        key: words[value] if isinstance(value, bool) else str(value)
        for key, value in held.items()
        if value is not None and value != ""
    }
