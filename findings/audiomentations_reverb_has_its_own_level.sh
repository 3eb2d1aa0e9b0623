#!/usr/bin/env bash
# audiomentations 0.43.1 (numpy 2.2.6, soundfile 0.13.1)
# Guess:     `ApplyImpulseResponse` convolves: an impulse response of a single one gives the clip back, and a clip that is
#            20 dB quieter comes out 20 dB quieter.
# Behaviour: what was convolved is brought to a peak of 0.5, whatever the clip's was, before its end is cut off.
# Seen:      a single one as response, clips with peaks 0.8, 0.08 and 0.008: 0.5 each, so gains of -4.1, 15.9 and 35.9 dB.
# Matters:   an accuracy "under reverberation" is one under a gain that differs from clip to clip, too: a model that hears
#            level loses (or wins) by the normalisation, and clips of quiet scenes are changed the most. Between severities,
#            which are other responses, the level of the direct sound moves as well.
# Source:    https://github.com/iver56/audiomentations (augmentations/apply_impulse_response.py, `apply`)
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet audiomentations==0.43.1 numpy==2.2.6 soundfile==0.13.1
"$folder/venv/bin/python" -W ignore - "$folder/one.wav" <<'P'
import sys

import numpy as np
import soundfile
from audiomentations import ApplyImpulseResponse

RATE = 16000
response = np.zeros(RATE // 10, np.float32)
response[0] = 1.0
soundfile.write(sys.argv[1], response, RATE, subtype="FLOAT")
tone = np.sin(2 * np.pi * 440 * np.arange(RATE) / RATE).astype(np.float32)
transform = ApplyImpulseResponse(sys.argv[1], p=1.0, leave_length_unchanged=True)
gains = []
for peak in (0.8, 0.08, 0.008):
    clip = np.float32(peak) * tone
    heard = transform(samples=clip, sample_rate=RATE)
    gain = float(heard @ clip / (clip @ clip))
    assert heard.shape == clip.shape and np.allclose(heard, gain * clip, atol=1e-5), "the example is wrong: not a gain"
    gains.append(round(float(20 * np.log10(gain)), 1))
print("gains of a single one, dB:", gains)
assert gains != [0.0, 0.0, 0.0], "a single one gives the clip back now"
assert gains == [-4.1, 15.9, 35.9], "the level follows another rule now"
P
