"""How references and estimates are given as plain Python objects, one file per kind of output.

A module has `given(references, estimates, labels) -> Given`; its name is the kind's.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from benchbed.registry import Registry

#: Kinds whose references and estimates can be given as plain objects.
GIVEN = Registry("form of references", "benchbed.api.given")


@dataclass(frozen=True)
class Given:
    """References and estimates as a metric family takes them.

    Attributes
    ----------
    labels : tuple of str
        Classes, in the order of every per-class array; empty for a kind without classes.
    answers, references : np.ndarray [shape=(clip, …)]
        As `benchbed.metrics.contract.Family.statistics` takes them.
    clips : tuple of str
        Name of each clip; its number where nobody named it.
    """

    labels: tuple[str, ...]
    answers: np.ndarray
    references: np.ndarray
    clips: tuple[str, ...]
