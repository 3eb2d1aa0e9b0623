"""Metrics as sums: a recording becomes additive statistics, a sum of statistics becomes values.

Nothing in this room sees audio or models.
"""

from benchbed.registry import Registry

#: Metric families, by file name. A module has `family(labels, **options) -> benchbed.metrics.contract.Family`, and
#: `example(generator, clips) -> (family, scores, target)`, a random case for the tests that every family must pass.
FAMILIES = Registry("metric", "benchbed.metrics.families")
