"""DCASE 2021 Task 3: every source counts, in seconds, a hit within 20 degrees on average; micro averages.

A source found in the wrong place costs half in the denominator of F20°. The SELD score is the mean of ER, 1 − F,
LE / 180 and 1 − LR. See `benchbed.metrics.seld.rules` for what is known about the official script.
"""

from __future__ import annotations

from benchbed.metrics.seld.yearly import by_second

family, example = by_second(2021)
