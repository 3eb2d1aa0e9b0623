#!/usr/bin/env bash
# mlxtend 0.25.0 (numpy 2.4.4, scipy 1.17.1)
# Guess:     `proportion_difference(accuracy_a, accuracy_b, n)` tests whether two accuracies differ, so its p-value does
#            not depend on which comes first, and falls below 0.05 where |z| exceeds 1.96, as its page says.
# Behaviour: the p-value is the area below z: the better system first gives nearly 1, the worse first half the p-value
#            of the test.
# Seen:      800 clips, 74 and 78 %: z -1.8752, p 0.0304 where the test has 0.0608; 78 and 74 %: p 0.9696. 74 and 82 %:
#            p 0.0001, and the other way round 0.9999, where the test has 0.0001
# Matters:   with the new system first no improvement is ever significant, however large; with the baseline first a z of
#            -1.65 is enough where the page asks for 1.96, so chance passes for an improvement twice as often. No loss
#            is seen with the baseline first.
# Source:    https://rasbt.github.io/mlxtend/user_guide/evaluate/proportion_difference (the rule of 1.96, and an example
#            with z -1.754 that is called significant); mlxtend/evaluate/proportion_difference.py
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet mlxtend==0.25.0 numpy==2.4.4 scipy==1.17.1
"$folder/venv/bin/python" -W ignore - <<'P'
from mlxtend.evaluate import proportion_difference
from scipy.stats import norm

CLIPS = 800
for worse, better in ((0.74, 0.78), (0.74, 0.82)):
    z, first = proportion_difference(worse, better, CLIPS)
    back, second = proportion_difference(better, worse, CLIPS)
    both = 2 * norm.sf(abs(z))
    print(f"{worse} and {better}: z {z:.4f}, p {first:.4f}; the other way round {second:.4f}; the test has {both:.4f}")
    assert abs(z + back) < 1e-12, "the example is wrong: z does not change its sign"
    assert abs(first - both / 2) < 1e-9, "the worse system first has another p-value now"
    assert abs(second - (1 - both / 2)) < 1e-9, "the better system first has another p-value now"
assert first < 0.001 and second > 0.999, "the example is wrong"
P
