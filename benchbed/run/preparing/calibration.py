"""Clips of the training split for models that are brought to fewer bits: what a run offers them unasked."""

from __future__ import annotations

import json
from collections.abc import Mapping

from benchbed.card import Card
from benchbed.run.job.source import Source
from benchbed.suite.model import Suite

#: Options whose twins have them in their name.
_TWINS = ("precision", "probe", "backend")


def said(card: Card, options: Mapping[str, object]) -> dict[str, object]:
    """Options that tell models of one name apart, without a precision, probe or backend that the name of a twin says
    already.

    Examples
    --------
    >>> card = Card(name="cnn_int8", family="cnn", output="scene", labels=("a", "b"), sample_rate=8000)
    >>> said(card, {"precision": "int8", "width": "8"})
    {'width': '8'}
    """
    said = f"{card.name}_none_eager_"
    return {name: value for name, value in options.items() if name not in _TWINS or f"_{value}_" not in said}


def with_calibration(options: Mapping[str, object], suite: Suite, source: Source) -> dict[str, object]:
    """Options of a model, with where to find calibration clips if it is asked for in 8 bits and they are not said.

    Examples
    --------
    >>> with_calibration({"precision": "fp16"}, None, None)
    {'precision': 'fp16'}
    """
    if options.get("precision") != "int8" or "calibration" in options or suite.data.train_split is None:
        return dict(options)
    place = {
        "layout": source.layout,
        "root": str(source.dataset.root),
        "split": suite.data.train_split,
        "options": suite.data.options,
    }
    return {**options, "calibration": json.dumps(place)}
