"""Metrics as sums: a recording becomes additive statistics, a sum of statistics becomes values.

Nothing in this room sees audio or models.
"""

from benchbed.registry import Registry

#: Metric families, by file name. A module has `family(**options) -> benchbed.metrics.contract.Family`.
FAMILIES = Registry("metric", "benchbed.metrics.families")
