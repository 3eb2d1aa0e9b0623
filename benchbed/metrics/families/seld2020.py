"""DCASE 2020 Task 3: a class in a second is one thing, found if its mean angle is within 20 degrees; micro averages.

LR_CD is, as in the challenge, an F of the seconds in which a class was found at all, and no recall. F20° comes from
precision and recall over class-seconds. The SELD score is the mean of ER, 1 − F, LE / 180 and 1 − LR.

See `benchbed.metrics.seld.rules` for what is known about the official script.
"""

from __future__ import annotations

from benchbed.metrics.seld.yearly import by_second

family, example = by_second(2020)
