"""Clips of machines: what is known of each as references, scores as estimates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from benchbed.api.given import Given
from benchbed.errors import ConfigError
from benchbed.outputs.anomaly.monitored import monitored


def given(references: Any, estimates: Any, labels: Sequence[str] | None) -> Given:
    """References and estimates of clips.

    Parameters
    ----------
    references : mapping of str to (str, str) or (str, str, str)
        Clip → section, state (`normal`, `anomaly`), and its domain (`source`, `target`) where there are any.
    estimates : mapping of str to float or (float, int)
        Clip → score, and the decision of 0 or 1 where one was made.
    labels : sequence of str, optional
        Sections; by default those that occur, in their order.

    Raises
    ------
    ConfigError
        A clip on one side alone, or a score that is no number.

    Examples
    --------
    >>> one = given({"a": ("fan id_01", "normal"), "b": ("fan id_01", "anomaly")}, {"a": 0.1, "b": (0.9, 1)}, None)
    >>> one.labels, one.answers.tolist()
    (('fan id_01',), [[0.1, nan], [0.9, 1.0]])
    """
    if not isinstance(references, Mapping) or not isinstance(estimates, Mapping):
        raise ConfigError("evaluate: references and estimates map clips to what is known, and to scores")
    if odd := sorted(set(references) ^ set(estimates)):
        side = "reference" if odd[0] in estimates else "estimate"
        raise ConfigError(f"evaluate: the clip '{odd[0]}' has no {side}")
    answers, target = np.full((len(references), 2), np.nan), np.empty(len(references), object)
    for row, (clip, known) in enumerate(references.items()):
        section, state, domain = (*known, "")[:3]
        target[row] = monitored(str(section), str(domain), str(state))
        said = estimates[clip]
        said = said if isinstance(said, Sequence) else (said,)
        answers[row, : len(said)] = said
        if not np.isfinite(answers[row, : len(said)]).all():
            raise ConfigError(f"evaluate: the score of '{clip}' is no finite number")
    names = labels or dict.fromkeys(one.section for one in target)
    return Given(tuple(names), answers, target, tuple(map(str, references)))
