"""What several models cost, side by side: the rows of one table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchbed.report.figures import number


@dataclass(frozen=True)
class CostRows:
    """Columns, lines of text below them, and models of which nothing is known, each with the reason.

    Attributes
    ----------
    text : tuple of str
        Columns that hold words, not numbers.
    """

    columns: tuple[str, ...]
    text: tuple[str, ...]
    lines: list[tuple[str, ...]]
    notes: list[tuple[str, str]]


def cost_rows(models: Sequence[Mapping[str, Any]]) -> CostRows:
    r"""The table of what `benchbed profile` found of several models.

    Models hear clips of different lengths: multiply-accumulates are also given for one second of audio, by which
    the lines are ordered.

    Parameters
    ----------
    models : sequence of mapping
        Entries of `benchbed profile --json`.

    Examples
    --------
    >>> small = {"value": 50100, "unit": "parameters"}
    >>> macs = {"value": 2e7, "unit": "MACs", "seconds": 1.0}
    >>> held = {"value": 100196, "unit": "bytes"}
    >>> one = {"model": "cnn", "family": "cnn", "untrained": False,
    ...        "profile": {"parameters": small, "macs": macs, "parameter_memory": held}}
    >>> cost_rows([one]).lines
    [('cnn', 'cnn', '50.1 k', '20 M', '20 M', '100.2\u202fkB', 'trained')]
    """
    timed = any("latency" in model.get("profile", {}) for model in models)
    columns = ["Model", "Family", "Parameters", "MACs", "MACs per second", "Memory", "Weights"]
    if timed:
        columns.insert(6, "ms per clip")
    lines, notes = [], []
    for model in sorted(models, key=_per_second):
        if "reason" in model:
            # A hint of many lines, a list of options, belongs to a command on that model alone.
            hint = str(model.get("hint") or "")
            hint = f"its options: benchbed profile --model {model['model']}" if "\n" in hint else hint
            notes.append((str(model["model"]), " · ".join(part for part in (str(model["reason"]), hint) if part)))
            continue
        profile = model["profile"]
        macs = profile["macs"].get("value")
        line = [str(model["model"]), str(model["family"])]
        line.append(number(profile["parameters"].get("value"), "parameters", with_unit=False))
        line += [number(each, "MACs", with_unit=False) for each in (macs, None if macs is None else _per_second(model))]
        line.append(number(profile["parameter_memory"].get("value"), "bytes"))
        if timed:
            line.append(_milliseconds(profile.get("latency", {})))
        lines.append((*line, "untrained" if model["untrained"] else "trained"))
    return CostRows(tuple(columns), ("Model", "Family", "Weights"), lines, notes)


def _per_second(model: Mapping[str, Any]) -> float:
    macs = model.get("profile", {}).get("macs", {})
    value = macs.get("value")
    return float("inf") if value is None else float(value) / float(macs.get("seconds") or 1.0)


def _milliseconds(latency: Mapping[str, Any]) -> str:
    return number(latency.get("batch_1", {}).get("median", {}).get("value"), "ms", with_unit=False)
