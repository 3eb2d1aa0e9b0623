#!/usr/bin/env bash
# sed_eval 0.2.1 (with setuptools 80.9.0, numpy 2.2.6, scipy 1.15.3)
# Guess:     `sed_eval.test.mcnemar(reference, estimated_a, estimated_b)` returns what its docstring promises, an "exact
#            P-value", to be held against 0.05.
# Behaviour: it returns McNemar's chi-square statistic with Edwards' correction, (|b - c| - 1)^2 / (b + c). It grows with
#            the evidence, and can be far above 1.
# Seen:      40 items, 2 that only B has right and 10 that only A has right: returned 4.0833, while the p-value is 0.0433
#            by the chi-square distribution and 0.0386 exactly.
#            40 items, 7 and 6: returned 0.0 where the exact p-value is 1.0.
# Matters:   compared with 0.05 the test is turned round: a real difference between two systems reads as none, and two
#            systems that cannot be told apart read as significantly different.
# Source:    https://github.com/TUT-ARG/sed_eval (sed_eval/test.py); A. Edwards, Psychometrika 13 (1948) 185-187.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet setuptools==80.9.0 numpy==2.2.6 scipy==1.15.3 sed-eval==0.2.1
"$folder/venv/bin/python" -W ignore - <<'P'
import numpy as np
from scipy.stats import binomtest, chi2
from sed_eval.test import mcnemar


def asked(only_b: int, only_a: int) -> tuple[float, float, float]:
    reference = np.zeros(40, int)
    a, b = reference.copy(), reference.copy()
    a[:only_b] = 1
    b[only_b : only_b + only_a] = 1
    statistic = (abs(only_b - only_a) - 1) ** 2 / (only_b + only_a)
    return mcnemar(reference, a, b), statistic, binomtest(only_b, only_b + only_a).pvalue


returned, statistic, exact = asked(2, 10)
print(f"2 and 10: returned {returned:.4f}, statistic {statistic:.4f}, p {chi2.sf(statistic, 1):.4f}, exact p {exact:.4f}")
equal, _, certain = asked(7, 6)
print(f"7 and 6: returned {equal:.4f}, exact p {certain:.4f}")
assert abs(returned - statistic) < 1e-12 and returned > 1, "it is no statistic any more"
assert abs(returned - exact) > 1, "it is the p-value now"
assert equal == 0.0 and certain == 1.0, "equal systems are told otherwise now"
P
