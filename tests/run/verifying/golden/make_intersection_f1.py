"""Make `intersection_f1.json` with sed_scores_eval, in an environment that has it.

python tests/run/verifying/golden/make_intersection_f1.py > tests/run/verifying/golden/intersection_f1.json
"""

from __future__ import annotations

import json
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from scipy.ndimage import median_filter

sys.path.insert(0, str(Path(__file__).parents[3] / "metrics" / "golden"))
from sed_corpus import CLASSES, HOP, corpus

#: Scores with two decimals, so that many equal their threshold, which they must then reach.
DECIMALS, MEDIAN, THRESHOLDS, DTC, GTC = 2, 3, (0.48, 0.52, 0.55, 0.5), 0.7, 0.3


def figures() -> dict[str, Any]:
    """F1, precision and recall of each class and both means."""
    from sed_scores_eval import intersection_based
    from sed_scores_eval.base_modules.scores import create_score_dataframe

    data = corpus(DECIMALS)
    names = [f"c{i}" for i in range(CLASSES)]
    times = np.arange(len(data[0][0]) + 1) * HOP
    scores = {
        f"r{i}": create_score_dataframe(median_filter(s, size=(MEDIAN, 1)), times, names)
        for i, (s, _) in enumerate(data)
    }
    truth = {f"r{i}": [(on, off, f"c{c}") for on, off, c in events] for i, (_, events) in enumerate(data)}
    # There a score must exceed the threshold: the hundredth below, and a half, says the same of two decimals.
    below = {name: limit - 0.005 for name, limit in zip(names, THRESHOLDS)}
    found = intersection_based.fscore(scores, truth, below, dtc_threshold=DTC, gtc_threshold=GTC)
    return {
        name: {k: round(float(v), 13) for k, v in part.items()}
        for name, part in zip(("f1", "precision", "recall"), found)
    }


if __name__ == "__main__":
    source = f"sed_scores_eval {version('sed_scores_eval')}, numpy {version('numpy')}, pandas {version('pandas')}"
    print(json.dumps({"source": f"{source}; made by make_intersection_f1.py", **figures()}, indent=1))
