"""DCASE 2022 and 2023 Task 3: every source counts, in seconds, a hit within 20 degrees on average; macro averages.

A source found in the wrong place costs a whole in the denominator of F20°. The SELD score is the mean over classes of
the mean of ER (of all classes), 1 − F, LE / 180 and 1 − LR; a class that is never matched has LE 180.

See `benchbed.metrics.seld.rules` for what is known about the official script.
"""

from __future__ import annotations

from benchbed.metrics.seld.yearly import by_second

family, example = by_second(2022)
