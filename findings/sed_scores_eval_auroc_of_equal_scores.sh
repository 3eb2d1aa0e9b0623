#!/usr/bin/env bash
# sed_scores_eval 0.0.4 (numpy 2.2.6, pandas 2.2.3, scipy 1.15.3; needs a C++ compiler)
# Guess:     `segment_based.auroc` is the area under the ROC: the chance that a segment with the event scores above one
#            without, equal scores counting half. A constant score is chance, 0.5.
# Behaviour: steps are drawn to the right of each point, so of equal scores the segments without the event come first:
#            ties count nothing. A constant score has 0.0, below a detector that is turned round.
# Seen:      200 segments, scores as they are: 0.7393 (the same with ties half); rounded to one decimal 0.6721 (0.7304);
#            yes or no at 0.5: 0.3807 (0.64); constant 0.0 (0.5); turned round 0.2607 (the same)
# Matters:   the mAUC and mpAUC of segments, by which DCASE 2024 Task 4 scores MAESTRO, fall with every rounding: scores
#            stored with few digits or in 8 bits, saturated sigmoids, detectors that say yes or no. Of two systems with
#            the same order of segments that with fewer digits loses; 0.5 is no longer chance.
# Source:    https://github.com/fgnt/sed_scores_eval (base_modules/roc.py, and `staircase_auc` in
#            base_modules/curves.py); ties count half: Hanley and McNeil, Radiology 143 (1982) 29-36.
set -euo pipefail
command -v g++ > /dev/null || { echo "skipped: no C++ compiler on this machine"; exit 0; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet numpy==2.2.6 pandas==2.2.3 scipy==1.15.3 sed-scores-eval==0.0.4
"$folder/venv/bin/python" -W ignore - <<'P'
import numpy as np
import pandas as pd
from scipy.stats import mannwhitneyu
from sed_scores_eval import segment_based

FILES, LENGTH = 20, 10
draw = np.random.default_rng(0)
heard = np.arange(FILES) % 2 == 1
truth = {f"{i}": [(0.0, float(LENGTH), "dog")] if heard[i] else [] for i in range(FILES)}
lengths = {f"{i}": float(LENGTH) for i in range(FILES)}
logits = draw.normal(size=(FILES, LENGTH)) + heard[:, None]
smooth = 1 / (1 + np.exp(-logits))


def areas(scores: np.ndarray) -> tuple[float, float]:
    """The area of sed_scores_eval, and the chance with ties half; one score for each second of each file."""
    onsets = np.arange(LENGTH, dtype=float)
    tables = {
        f"{i}": pd.DataFrame({"onset": onsets, "offset": onsets + 1, "dog": scores[i]}) for i in range(FILES)
    }
    area = segment_based.auroc(tables, truth, lengths, segment_length=1.0)[0]["dog"]
    with_event, without = scores[heard].ravel(), scores[~heard].ravel()
    half = mannwhitneyu(with_event, without).statistic / (with_event.size * without.size)
    return round(float(area), 4), round(float(half), 4)


seen = {
    "as they are": areas(smooth),
    "one decimal": areas(np.round(smooth, 1)),
    "yes or no": areas((smooth > 0.5).astype(float)),
    "constant": areas(np.full_like(smooth, 0.5)),
    "turned round": areas(1 - smooth),
}
for name, (area, half) in seen.items():
    print(f"{name}: {area} (ties half: {half})")
assert abs(np.subtract(*seen["as they are"])) < 1e-2, "the example is wrong: distinct scores have another area"
assert seen["constant"] == (0.0, 0.5), "equal scores count otherwise now"
assert seen["one decimal"][0] < seen["one decimal"][1] - 0.03, "rounded scores keep their area now"
assert seen["yes or no"][0] < 0.5 < seen["yes or no"][1] - 0.1, "a detector that says yes or no is above chance now"
assert seen["constant"][0] < seen["turned round"][0], "a constant is no longer below a detector that is turned round"
P
