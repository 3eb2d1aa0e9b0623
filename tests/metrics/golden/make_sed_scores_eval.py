"""Make `sed_scores_eval_0.0.4.json` with that package, in an environment of its own (it needs pandas below 3).

python tests/metrics/golden/make_sed_scores_eval.py > tests/metrics/golden/sed_scores_eval_0.0.4.json
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from scipy.ndimage import median_filter

sys.path.insert(0, str(Path(__file__).parent))
from sed_corpus import CLASSES, HOP, corpus


def rounded(value: Any) -> Any:
    """Numbers to thirteen decimals, in containers of any depth."""
    if isinstance(value, dict):
        return {str(key): rounded(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [rounded(item) for item in value]
    return round(float(value), 13)


def figures(decimals: int) -> dict[str, Any]:
    """Every figure that the tests compare with."""
    from sed_scores_eval import collar_based, intersection_based, segment_based
    from sed_scores_eval.base_modules.scores import create_score_dataframe
    from sed_scores_eval.intersection_based.pipsds import postprocessing_independent_psds

    data = corpus(decimals)
    names = [f"c{i}" for i in range(CLASSES)]
    times = np.arange(len(data[0][0]) + 1) * HOP
    scores = {f"r{i}": create_score_dataframe(s, times, names) for i, (s, _) in enumerate(data)}
    truth = {f"r{i}": [(on, off, f"c{c}") for on, off, c in events] for i, (_, events) in enumerate(data)}
    durations = dict.fromkeys(scores, float(times[-1]))
    found: dict[str, Any] = {}
    first = {"dtc_threshold": 0.7, "gtc_threshold": 0.7, "alpha_st": 1.0}
    second = {"dtc_threshold": 0.1, "gtc_threshold": 0.1, "cttc_threshold": 0.3, "alpha_ct": 0.5, "alpha_st": 1.0}
    free = {
        "dtc_threshold": 0.5,
        "gtc_threshold": 0.4,
        "cttc_threshold": 0.2,
        "alpha_ct": 1.0,
        "alpha_st": 0.3,
        "max_efpr": 400.0,
    }
    for name, options in (("psds1", first), ("psds2", second), ("free", free)):
        value, each, *_ = intersection_based.psds(scores, truth, durations, **options)
        found[name] = value, [each[c] for c in names]
    half = {"dtc_threshold": 0.5, "gtc_threshold": 0.5}
    collar = {"onset_collar": 0.25, "offset_collar": 0.25, "offset_collar_rate": 0.2}
    for name, module, options in (("intersection", intersection_based, half), ("collar", collar_based, collar)):
        best, _, _, chosen, _ = module.best_fscore(scores, truth, **options)
        found[f"{name}_best"] = {**best, "thresholds": [chosen[c] for c in names]}
        found[f"{name}_at"] = module.fscore(scores, truth, 0.555, **options)[0]
    found["auroc"], _ = segment_based.auroc(scores, truth, durations, segment_length=1.0)
    found["pauroc"], _ = segment_based.auroc(scores, truth, durations, segment_length=1.0, max_fpr=0.1)
    found["segment_best"] = segment_based.best_fscore(scores, truth, durations, segment_length=1.0)[0]

    def median(length: int) -> Any:
        def apply(scores: Any, lazy: bool = True) -> dict:
            return {
                f"r{i}": create_score_dataframe(median_filter(s, size=(length, 1)), times, names)
                for i, (s, _) in enumerate(data)
            }

        return apply

    value, each, *_ = postprocessing_independent_psds(
        scores, truth, durations, postprocessing_functions=[median(n) for n in (1, 3, 7)], **first
    )
    found["pipsds1"] = value, [each[c] for c in names]
    return rounded(found)


if __name__ == "__main__":
    source = "sed_scores_eval 0.0.4, numpy 2.4.6, pandas 2.3.3, Python 3.11; made by make_sed_scores_eval.py"
    print(json.dumps({"source": source, "decimals": {d: figures(d) for d in (2, 6)}}, indent=1))
