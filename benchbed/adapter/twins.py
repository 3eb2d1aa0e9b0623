"""From `--set precision=int8`, `backend=onnx` or `probe=linear` on any model to its twin, without a word in the model's
file."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from benchbed.adapter.options import describe_options

#: Options of each shipped adapter that makes twins, the one that asks for it first; all others are the model's. A probe
#: stands on whatever else was asked for.
TWINS = {
    "probed": (
        *("probe", "taught", "fraction", "shots", "draw", "train_split", "validation", "neighbours", "grid_points"),
    ),
    "backend": ("backend", "tolerance"),
    "quantised": ("precision", "calibration", "clips"),
}


def as_twin(model: str, target: Callable[..., Any], options: dict[str, Any]) -> tuple[str, dict[str, Any]] | None:
    """The adapter that makes a twin, and its options, where one is asked of a model that has no such option itself.

    Calibration clips, which a run offers to every model, are taken out of the options of one that has a precision of
    its own, and so is the backend `eager`, which is the model itself.

    Parameters
    ----------
    model : str
        Where the model is.
    target : callable
        What makes it.
    options : dict
        As given; changed only by what is taken out.

    Returns
    -------
    str, dict
        Or None.

    Examples
    --------
    >>> as_twin("cnn.py", lambda width=8: None, {"precision": "int8", "width": "16"})
    ('quantised', {'precision': 'int8', 'model': 'cnn.py', 'settings': '{"width": "16"}'})
    >>> as_twin("cnn.py", lambda width=8: None, {"probe": "knn", "precision": "int8"})
    ('probed', {'probe': 'knn', 'model': 'cnn.py', 'settings': '{"precision": "int8"}'})
    >>> as_twin("cnn.py", lambda width=8: None, {"width": "16", "backend": "eager"})
    """
    known = {option.name for option in describe_options(target)}
    if "backend" not in known and options.get("backend") == "eager":
        for name in TWINS["backend"]:
            options.pop(name, None)
    for adapter, own in TWINS.items():
        if own[0] not in options:
            continue
        if own[0] in known:
            if adapter == "quantised" and "calibration" not in known:
                options.pop("calibration", None)
            continue
        mine = {name: value for name, value in options.items() if name in own}
        rest = {name: value for name, value in options.items() if name not in own}
        return adapter, mine | {"model": model} | ({"settings": json.dumps(rest, default=str)} if rest else {})
    return None


def settings_of(text: str) -> Mapping[str, Any]:
    """Options of the model inside, from `key=value,…` or a JSON object.

    Examples
    --------
    >>> settings_of("width=8,arch=tiny"), settings_of('{"width": 8}'), settings_of("")
    ({'width': '8', 'arch': 'tiny'}, {'width': 8}, {})
    """
    if text.lstrip().startswith("{"):
        return dict(json.loads(text))
    return dict(pair.split("=", 1) for pair in text.split(",") if "=" in pair)
