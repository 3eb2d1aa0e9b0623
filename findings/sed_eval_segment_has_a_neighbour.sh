#!/usr/bin/env bash
# sed_eval 0.2.1 (with setuptools 80.9.0, numpy 2.2.6, scipy 1.15.3)
# Guess:     with `time_resolution=0.1` an event from 0.6 to 0.7 s is active in one segment of 100 ms, and a detection that
#            lies in that segment has an F-measure of 1.
# Behaviour: borders are found by floor(onset / resolution) and ceil(offset / resolution) of binary fractions: 0.6 / 0.1 is
#            5.999..., so the event is active in two segments, and an event from 0.3 to 0.6 s in four.
# Seen:      segments of 0.6-0.7: 5 6; of 0.3-0.6: 2 3 4 5; F-measure of 0.61-0.69 against 0.6-0.7: 0.6667, where
#            segments counted in whole milliseconds give 1.0.
# Matters:   annotations on a grid of 100 ms, which several data sets have, gain segments in which nothing sounds; figures
#            at resolutions of 0.1 s fall or rise with the digits of the times, and two scorers disagree.
# Source:    https://github.com/TUT-ARG/sed_eval (sed_eval/util/event_roll.py)
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet setuptools==80.9.0 numpy==2.2.6 scipy==1.15.3 sed-eval==0.2.1
"$folder/venv/bin/python" -W ignore - <<'P'
import dcase_util
import numpy as np
from sed_eval.sound_event import SegmentBasedMetrics
from sed_eval.util.event_roll import event_list_to_event_roll


def events(onset: float, offset: float):
    row = {"filename": "a.wav", "event_label": "dog", "onset": onset, "offset": offset}
    return dcase_util.containers.MetaDataContainer([row])


def segments(onset: float, offset: float) -> list[int]:
    roll = event_list_to_event_roll(
        source_event_list=events(onset, offset), event_label_list=["dog"], time_resolution=0.1
    )
    return np.flatnonzero(roll[:, 0]).tolist()


metrics = SegmentBasedMetrics(event_label_list=["dog"], time_resolution=0.1)
metrics.evaluate(events(0.6, 0.7), events(0.61, 0.69))
f_measure = metrics.results_overall_metrics()["f_measure"]["f_measure"]
print("segments of 0.6-0.7:", *segments(0.6, 0.7), "| of 0.3-0.6:", *segments(0.3, 0.6), f"| F {f_measure:.4f}")
assert segments(0.6, 0.7) == [5, 6] and segments(0.3, 0.6) == [2, 3, 4, 5], "segments are counted otherwise now"
assert abs(f_measure - 2 / 3) < 1e-9, "the F-measure has changed"
P
