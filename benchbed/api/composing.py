"""Scores that a challenge composes of accuracy and costs, from its own files and from runs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from benchbed.api.run import Run
from benchbed.errors import ConfigError, DataError

if TYPE_CHECKING:
    from benchbed.metrics.biodcase_tiny import CompositeScore

#: What the challenge's own script writes around its measures.
AROUND = "submission_results"


def composite(
    measures: str | Path | Mapping[str, object] = "",
    *,
    network: str | Path | Run | None = None,
    tflite: str | Path | Run | None = None,
) -> CompositeScore:
    """The composite score of BioDCASE-Tiny 2026.

    Parameters
    ----------
    measures : path or mapping, optional
        The `submission_results.yaml` of the challenge's script, or its content; `N/A` is not stated.
    network, tflite : Run or path, optional
        Runs of the network and of its TFLite file on the test clips: their accuracy, macro AUC (where the suite has the
        family `scene_ranking`) and MACs take the place of what is stated.

    Raises
    ------
    ConfigError
        No file, or one that is no mapping.
    DataError
        A measure that is no number or cannot be.

    Examples
    --------
    >>> import benchbed as bb
    >>> round(bb.composite({"accuracy_inference": 0.78, "accuracy_tflite": "N/A"}).value, 6)
    0.5
    """
    from benchbed.metrics.biodcase_tiny import TERMS, composite_score

    stated = _read(Path(measures)) if isinstance(measures, (str, Path)) and str(measures) else measures or {}
    assert isinstance(stated, Mapping)
    inner = stated.get(AROUND)
    stated = inner if isinstance(inner, Mapping) else stated
    known = {term.measure for term in TERMS}
    place = str(measures) if isinstance(measures, (str, Path)) and str(measures) else None
    numbers = {str(name): _number(str(name), value, place) for name, value in stated.items() if name in known}
    for ending, run in (("inference", network), ("tflite", tflite)):
        if run is not None:
            numbers |= {f"{name}_{ending}": value for name, value in _measured(run).items()}
    try:
        return composite_score(numbers or dict.fromkeys(map(str, stated)))
    except DataError as error:
        raise DataError(error.what, where=error.where or place, hint=error.hint) from error


def _read(path: Path) -> Mapping[str, object]:
    from benchbed.suite.marks import read_yaml

    if not path.is_file():
        raise ConfigError(
            "there is no file of measures", where=str(path), hint="the challenge's submission_results.yaml"
        )
    return read_yaml(path)[0]


def _number(name: str, value: object, place: str | None) -> float | None:
    if value is None or (isinstance(value, str) and value.strip().upper() in ("N/A", "")):
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise DataError(f"{name} is '{value}'", where=place, hint="a number, or N/A where it was not measured")
    return float(value)


def _measured(run: str | Path | Run) -> dict[str, float]:
    """What a run says of itself."""
    from benchbed.results.answers import clean_value

    result = (run if isinstance(run, Run) else Run(run)).result
    measured: dict[str, float] = {}
    for name, figures in (("accuracy", ("accuracy",)), ("roc_auc", ("mauc", "ranking_mauc"))):
        for figure in figures:
            value = clean_value(result, figure)
            if value is not None and value.value is not None:
                measured[name] = value.value
                break
    compute = (result.profile or {}).get("compute") or {}
    counted = compute.get("biodcase2026") if isinstance(compute, Mapping) else None
    if isinstance(counted, Mapping) and isinstance(counted.get("value"), int | float):
        measured["macs"] = float(counted["value"])
    return measured
