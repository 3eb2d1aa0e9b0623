#!/usr/bin/env bash
# museval 0.4.1 (BSSEval v4; numpy 2.2.6, scipy 1.15.3, pandas 2.2.3, setuptools 80.9.0)
# Guess:     a separator that gives nothing at all for a source in a part of a track scores lower there than one that
#            gives a poor estimate, and its SDR of the other source stays what it was.
# Behaviour: a window in which any estimate is exactly zero is undefined for every source, and the median over windows
#            leaves it out. Silence is never scored.
# Seen:      two sources at 10.5 dB, save that the first is at -9.5 dB in the last five seconds of eight: medians -9.51
#            and 10.44 dB. The same with zeros in the place of the poor part: 10.44 and 10.47 dB, from 3 of 8 windows.
# Matters:   gates, voice activity detection and sparse masks, which give true zeros, choose the windows that they are
#            scored on: to mute what is hard is worth 20 dB, the windows differ between systems that are compared, and
#            one silent stem removes windows from the figures of all the others.
# Source:    https://github.com/sigsep/sigsep-mus-eval (museval/metrics.py, `bss_eval` and `_any_source_silent`; the
#            median is `nanmedian` in museval/aggregate.py); https://github.com/sigsep/bsseval/issues/4
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet numpy==2.2.6 scipy==1.15.3 pandas==2.2.3 setuptools==80.9.0 museval==0.4.1
"$folder/venv/bin/python" -W ignore - <<'P'
import numpy as np
from museval.metrics import bss_eval

RATE, SECONDS = 16000, 8
poorly = slice(3 * RATE, None)
draw = np.random.default_rng(0)
sources = 0.1 * draw.standard_normal((2, RATE * SECONDS, 1))
poor = sources + 0.03 * draw.standard_normal(sources.shape)
poor[0, poorly] += 0.3 * draw.standard_normal(poor[0, poorly].shape)
muted = poor.copy()
muted[0, poorly] = 0.0


def medians(estimates: np.ndarray) -> tuple[list[float], list[int]]:
    """The median SDR of either source over windows of a second, and how many windows were scored."""
    sdr = bss_eval(sources, estimates, window=RATE, hop=RATE)[0]
    return [round(float(x), 2) for x in np.nanmedian(sdr, axis=1)], np.isfinite(sdr).sum(axis=1).tolist()


tried, windows = medians(poor)
silent, left = medians(muted)
print("poor part", tried, "of windows", windows, "| muted part", silent, "of windows", left)
assert windows == [8, 8] and tried[0] < -9 < 10 < tried[1], "the example is wrong"
assert left == [3, 3], "windows with a silent estimate are scored now, or those of the other source"
assert silent[0] > tried[0] + 18, "silence no longer pays"
P
