"""Looking up the answers of a system that nobody can run: by clip id, once for all splits that share a file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from benchbed.adapter.replay import Replay
from benchbed.card import mapped_card
from benchbed.outputs.contract import Foreign
from benchbed.run.job.job import Job

if TYPE_CHECKING:
    import pandas as pd


def stored_answers(adapter: Replay, job: Job, splits: Sequence[str]) -> tuple[Foreign, dict[str, int]]:
    """All answers for the clips of some splits, and the row of each clip id.

    Raises
    ------
    DataError
        A clip that is scored has no answer, or names in the file could mean several clips.
    """
    card = mapped_card(adapter.card, job.label_map)
    matches = job.output.read(card, job.labels).describe()["matches"]
    means: dict[str, Sequence[str]] = {match["label"]: match["classes"] for match in matches}  # type: ignore[union-attr,call-overload,index,misc]
    pool = pool_of(job, splits)
    needed = [str(clip) for split in splits for clip in job.clips[split]["clip_id"]]
    found = adapter.answers(job.output, pool, job.labels, means, needed)
    return found, {str(clip): row for row, clip in enumerate(pool["clip_id"])}


def pool_of(job: Job, splits: Sequence[str]) -> pd.DataFrame:
    """All clips of some splits, each once."""
    import pandas as pd

    return pd.concat([job.pools[split] for split in splits]).drop_duplicates("clip_id", ignore_index=True)
