"""benchbed: which audio model to trust, on which device, in which noise, at what cost.

The package is a pipeline (suite, data, perturbation or attack, adapter, predictions, metrics, results, page) and
imports follow the data. Importing `benchbed` imports nothing heavy: torch, pandas and scipy load where they are used.
"""

__version__ = "0.1.0"
