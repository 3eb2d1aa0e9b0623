#!/usr/bin/env bash
# psds_eval 0.5.3 (numpy 2.2.6, pandas 2.2.3, scipy 1.15.3)
# Guess:     the PSDS of a set with one class is the area below the curve of that class: 1 where all is found and
#            nothing else, and more for a system that finds more.
# Behaviour: the rate of cross-triggers is a mean over the other classes. Of one class it is a mean of nothing, not a
#            number; so are then, even by a weight of 0, the rate of false positives and the curve, of which each value
#            is set to 0.
# Seen:      ten events of one class, of which ten, six and one are found, no false alarms: 0.0, 0.0, 0.0; the same
#            events once more under a second label, in other recordings: 1.0, 0.6, 0.1. F-measures of the one class:
#            1.0, 0.75, 0.1818
# Matters:   detectors of one sound (speech, a bird, an alarm), single-class subsets and breakdowns by class read 0: all
#            systems are equal, and equal to one that hears nothing, while the F-measures of the same object tell them
#            apart.
# Source:    psds_eval/psds.py (`_effective_fp_rate`, `_effective_tp_ratio`), https://pypi.org/project/psds-eval; Bilen
#            et al., ICASSP 2020, arXiv 1910.08440: cross-triggers come in with a weight, and a weight of 0 leaves them
#            out.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet numpy==2.2.6 pandas==2.2.3 scipy==1.15.3 psds-eval==0.5.3
"$folder/venv/bin/python" -W ignore - <<'P'
import pandas as pd
from psds_eval import PSDSEval

EVENTS = 10
LABELS = ("dog", "cat")


def events(found: int, classes: int) -> pd.DataFrame:
    """The first `found` events of each class; a recording holds one event."""
    rows = [(f"{label}{i}.wav", 1.0 + i % 5, 3.0 + i % 5, label) for label in LABELS[:classes] for i in range(found)]
    return pd.DataFrame(rows, columns=["filename", "onset", "offset", "event_label"])


def scores(found: int, classes: int) -> tuple[float, float]:
    """PSDS 1 of DCASE and macro F-measure of a system without false alarms that finds so many events of each class."""
    truth = events(EVENTS, classes)
    lengths = pd.DataFrame({"filename": truth.filename, "duration": 10.0})
    scorer = PSDSEval(
        dtc_threshold=0.7, gtc_threshold=0.7, cttc_threshold=0.3, ground_truth=truth, metadata=lengths
    )
    scorer.add_operating_point(events(found, classes))
    score = scorer.psds(alpha_ct=0, alpha_st=1, max_efpr=100).value
    return round(float(score), 4), round(float(scorer.compute_macro_f_score(events(found, classes))[0]), 4)


one, two = ([scores(found, classes) for found in (EVENTS, 6, 1)] for classes in (1, 2))
print("one class: PSDS", [score for score, _ in one], "F", [f for _, f in one], "| twice: PSDS", [s for s, _ in two])
assert [f for _, f in one] == [f for _, f in two] == [1.0, 0.75, 0.1818], "the example is wrong"
assert [score for score, _ in two] == [1.0, 0.6, 0.1], "the example is wrong: two classes have another score"
assert [score for score, _ in one] == [0.0, 0.0, 0.0], "one class has a score now"
P
