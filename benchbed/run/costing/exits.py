"""The exits of a model on clips of the run; a pass of its own, as stored predictions hold the last exit only."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from benchbed.adapter.contract import Adapter
from benchbed.card import mapped_card
from benchbed.errors import AudioError
from benchbed.outputs.align import alignment_of
from benchbed.profile.counts import clip_seconds
from benchbed.profile.exits import exit_scores, exits_report
from benchbed.run.computing.whole import decode, to_model

if TYPE_CHECKING:
    from benchbed.run.job.prepared import Prepared


def exits_on_clips(adapter: Adapter, prepared: Prepared, clips: int) -> dict[str, object]:
    """Score, MACs and latency of every exit, and accuracy against cost over confidence thresholds.

    Parameters
    ----------
    adapter : Adapter
        With `exits`.
    prepared : Prepared
        The run; clips are spread over its first split.
    clips : int
        How many at most.
    """
    job = prepared.job
    table = next(iter(job.clips.values()))
    chosen = np.unique(np.linspace(0, len(table) - 1, min(clips, len(table))).round().astype(int))
    alignment = alignment_of(mapped_card(adapter.card, job.label_map), job.labels)
    numbers = {label: number for number, label in enumerate(job.labels)}
    scored, target = [], []
    for row in table.iloc[chosen].to_dict("records"):
        try:
            clip = decode(job.root, row, job.audio_rate)
        except AudioError:
            continue  # counted as a failure of the run already
        made = to_model(clip.waveform, clip.sample_rate, adapter.card)
        exits = exit_scores(adapter, made.waveform[None])
        scored.append(np.stack([alignment.apply(scores)[0] for scores in exits]))
        target.append(numbers[row["label"]])
    if not scored:
        return exits_report(adapter, clip_seconds(adapter))
    return exits_report(adapter, clip_seconds(adapter), np.stack(scored, axis=1), np.array(target))
