"""What a page shows of each kind of output, one file per kind, where there is more to show than what attacks broke.

A module may have

`curves(family, scores, target, cell) -> CellCurves`
    Curves over thresholds of a clean cell.
`timelines(family, options, scores, target, clip_ids, cell) -> CellTimelines`
    Recordings of a clean cell, and of the perturbed cell that is hit the most; `options` are the suite's declared
    post-processing.
`directions(family, made, cell) -> CellDirections or None`
    Recordings and errors by place of the same cells, of sources that are localised; `made` holds answers, references,
    names and recording groups.
`rankings(scores, target, clip_ids, cell) -> list of CellLists`
    Ranked lists of the same cells.
`kept(family, cells, primary, hardest) -> (Captions, DataFrame)`
    Cards of clips, and the scores of all of them; `cells` are the `CellAnswers` of the run, clean ones first.
`heard(clip_id, waveform) -> (two channels, note)`
    How recordings of several channels are played.
`queues(prepared, result, count, others, stored) -> list of iterables of Pick`
    Clips worth hearing, a queue for each reason; `stored` are the run's predictions, where they are at hand.
"""

from __future__ import annotations

from types import ModuleType

from benchbed.registry import Registry

#: Kinds of output of which a page shows something, by file name.
SHOWN = Registry("shown output", "benchbed.run.showing.kinds")


def shown(kind: str) -> ModuleType | None:
    """What is shown of a kind of output, or None where there is nothing of its own."""
    return SHOWN.get(kind) if kind in SHOWN.names() else None
