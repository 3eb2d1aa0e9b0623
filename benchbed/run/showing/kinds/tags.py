"""Tags: curves over thresholds."""

from __future__ import annotations

import numpy as np

from benchbed.metrics.contract import Family
from benchbed.results.curves import CellCurves
from benchbed.run.showing.curves import cell_curves


def curves(family: Family, scores: np.ndarray, target: np.ndarray, cell: str) -> CellCurves:
    """Every curve that the metrics of a suite have a score or a threshold for."""
    return cell_curves(family, scores, target, cell, np.ones(len(scores), bool))
