"""From `--set precision=int8` on any model to its quantised twin, without a word in the model's own file."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from benchbed.adapter.options import describe_options

#: Shipped adapter that makes twins.
TWINS = "quantised"
#: Options of the twin itself; all others are the model's.
OWN = ("precision", "calibration", "clips")


def as_twin(model: str, target: Callable[..., Any], options: dict[str, Any]) -> dict[str, Any] | None:
    """Options of the adapter `quantised` where a precision is asked of a model that has no such option itself.

    Calibration clips, which a run offers to every model, are taken out of the options of one that has a precision of
    its own.

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
    dict or None

    Examples
    --------
    >>> as_twin("cnn.py", lambda width=8: None, {"precision": "int8", "width": "16"})
    {'precision': 'int8', 'model': 'cnn.py', 'settings': '{"width": "16"}'}
    >>> as_twin("cnn.py", lambda width=8: None, {"width": "16"})
    """
    if "precision" not in options:
        return None
    known = {option.name for option in describe_options(target)}
    if "precision" in known:
        if "calibration" not in known:
            options.pop("calibration", None)
        return None
    own = {name: value for name, value in options.items() if name in OWN}
    rest = {name: value for name, value in options.items() if name not in OWN}
    return own | {"model": model} | ({"settings": json.dumps(rest, default=str)} if rest else {})


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
