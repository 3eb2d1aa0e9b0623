#!/usr/bin/env bash
# audiomentations 0.43.1 (numpy 2.2.6, soundfile 0.13.1)
# Guess:     a transform with frozen parameters does the same thing to the next clip: frozen at an SNR of 10 dB, all clips
#            get noise at 10 dB, from `AddGaussianSNR` as from `AddBackgroundNoise`.
# Behaviour: `AddGaussianSNR` and `AddColorNoise` freeze the level of the noise, which they found from the clip that they
#            saw first; `AddBackgroundNoise` freezes the ratio.
# Seen:      frozen at 10 dB on a clip of RMS 0.2, then a clip 40 dB quieter: 10.1 and -30.0 dB by AddGaussianSNR, 10.0 and
#            -29.9 dB by AddColorNoise (white), 10.0 and 10.0 dB by AddBackgroundNoise.
# Matters:   parameters are frozen so that all models hear the same severity. The first clip then sets the level for all
#            of them: quiet clips drown, loud ones are hardly touched, the accuracy "at 10 dB" depends on which clip came
#            first, and two kinds of noise at one nominal SNR cannot be compared.
# Source:    https://github.com/iver56/audiomentations (augmentations/add_gaussian_snr.py, add_color_noise.py,
#            add_background_noise.py; `freeze_parameters` in core/transforms_interface.py)
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet audiomentations==0.43.1 numpy==2.2.6 soundfile==0.13.1
"$folder/venv/bin/python" -W ignore - "$folder/noise.wav" <<'P'
import random
import sys

import numpy as np
import soundfile
from audiomentations import AddBackgroundNoise, AddColorNoise, AddGaussianSNR

RATE, ASKED = 16000, 10.0
random.seed(0)
np.random.seed(0)
draw = np.random.default_rng(0)
soundfile.write(sys.argv[1], 0.1 * draw.standard_normal(RATE), RATE)
loud = (0.2 * draw.standard_normal(RATE)).astype(np.float32)
quiet = loud / np.float32(100)


def snr(clean: np.ndarray, noisy: np.ndarray) -> float:
    noise = noisy.astype(np.float64) - clean
    return round(float(10 * np.log10(np.mean(clean.astype(np.float64) ** 2) / np.mean(noise**2))), 1)


seen = {}
for transform in (
    AddGaussianSNR(min_snr_db=ASKED, max_snr_db=ASKED, p=1.0),
    AddColorNoise(min_snr_db=ASKED, max_snr_db=ASKED, min_f_decay=0.0, max_f_decay=0.0, p=1.0),
    AddBackgroundNoise(sys.argv[1], min_snr_db=ASKED, max_snr_db=ASKED, p=1.0),
):
    first = snr(loud, transform(samples=loud, sample_rate=RATE))
    transform.freeze_parameters()
    seen[type(transform).__name__] = first, snr(quiet, transform(samples=quiet, sample_rate=RATE))
print(seen)
assert all(abs(first - ASKED) < 0.3 for first, _ in seen.values()), "the example is wrong: the first clip is not at 10 dB"
assert abs(seen["AddBackgroundNoise"][1] - ASKED) < 0.3, "background noise no longer keeps the ratio"
for name in ("AddGaussianSNR", "AddColorNoise"):
    assert abs(seen[name][1] - (ASKED - 40)) < 0.3, f"{name} no longer keeps the level of the noise"
P
