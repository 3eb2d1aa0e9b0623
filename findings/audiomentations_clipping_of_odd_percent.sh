#!/usr/bin/env bash
# audiomentations 0.43.1 (numpy 2.2.6)
# Guess:     `ClippingDistortion` with both bounds at 5 clips 5 % of the samples, with both at 1 it clips 1 %.
# Behaviour: half the percentage is taken for either end and cut down to a whole number: 1 clips nothing, 3 as much as 2,
#            5 as much as 4.
# Seen:      samples that are changed, of 100,000 of Gaussian noise: at 1, 2, 3, 4 and 5: 0.0, 2.0, 2.0, 4.0 and 4.0 %.
# Matters:   severities of 1, 3, 5, … % are milder than they say, and the mildest of them is the clean clip: its accuracy
#            is reported as robustness. Severities 2 and 3 are one severity, drawn as two points of a curve.
# Source:    https://github.com/iver56/audiomentations (augmentations/clipping_distortion.py, `apply`)
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet audiomentations==0.43.1 numpy==2.2.6
"$folder/venv/bin/python" -W ignore - <<'P'
import numpy as np
from audiomentations import ClippingDistortion

noise = (0.1 * np.random.default_rng(0).standard_normal(100_000)).astype(np.float32)
changed = []
for percent in (1, 2, 3, 4, 5):
    transform = ClippingDistortion(min_percentile_threshold=percent, max_percentile_threshold=percent, p=1.0)
    clipped = transform(samples=noise, sample_rate=16000)
    changed.append(round(100 * float(np.mean(clipped != noise)), 1))
print("changed at 1, 2, 3, 4, 5 %:", changed)
assert changed[1] == 2.0 and changed[3] == 4.0, "the example is wrong: even percentages are not clipped as they say"
assert changed == [0.0, 2.0, 2.0, 4.0, 4.0], "odd percentages are no longer cut down"
P
