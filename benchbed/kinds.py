"""Names of the kinds of output, as cards, suites and files say them; each of them stands in `benchbed.outputs`."""

from __future__ import annotations

from benchbed.registry import Registry

#: Modules of `benchbed.outputs` that kinds share: no kinds.
_BESIDE = ("clip_number", "align", "cards", "class_scores", "clip_labels", "columns", "contract")

#: Kinds of output by name.
OUTPUTS = Registry("output", "benchbed.outputs", beside=_BESIDE)
