"""What the audio of a run and the answers to it were like, where that makes its figures doubtful."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchbed.audio import LOUD, beyond
from benchbed.predictions.by_cell import PredictionsByCell
from benchbed.results import record
from benchbed.suite.plan import CellPlan

if TYPE_CHECKING:
    import pandas as pd

#: Rows of parts that are joined at once, so that what is known of clips does not grow with the conditions.
JOINED = 25_000


@dataclass(frozen=True)
class HeardClips:
    """What was noted of clips under some conditions, each clip once.

    Attributes
    ----------
    clips : pandas.DataFrame
        The first row of each clip in the order of the files: `clip_id`, `order`, `peak`, `unheard`, as far as noted.
    remarks : pandas.DataFrame
        The first row of each clip and remark: `clip_id`, `remark`, `order`.
    """

    clips: pd.DataFrame
    remarks: pd.DataFrame

    @classmethod
    def of(cls, stored: PredictionsByCell, *keys: str) -> HeardClips:
        """What was noted in the files of some cells."""
        table = stored.of(*keys).table
        known = [name for name in ("clip_id", "peak", "unheard", "remark") if name in table]
        rows = table[known].assign(order=stored.order(*keys))
        if "remark" not in rows:
            rows = rows.assign(remark=None)
        said = rows[["clip_id", "remark", "order"]].dropna(subset="remark")
        clips = rows.drop(columns="remark").drop_duplicates("clip_id")
        return cls(clips.astype({"clip_id": object}), said.astype(object).drop_duplicates(["clip_id", "remark"]))

    @classmethod
    def joined(cls, parts: Sequence[HeardClips]) -> HeardClips:
        """Several as one."""
        import pandas as pd

        if len(parts) == 1:
            return parts[0]
        clips = pd.concat([part.clips for part in parts]).sort_values("order").drop_duplicates("clip_id")
        said = [part.remarks for part in parts if len(part.remarks)] or [parts[0].remarks]
        return cls(clips, pd.concat(said).sort_values("order").drop_duplicates(["clip_id", "remark"]))


class HeardInRun:
    """Gathers what was noted of the clips of a run, a condition of a split at a time.

    Parameters
    ----------
    parts : iterable of HeardClips
        What other processes gathered.
    """

    def __init__(self, parts: Iterable[HeardClips] = ()) -> None:
        self._parts = list(parts)
        self._conditions: set[tuple[str, int]] = set()

    def hear(self, stored: PredictionsByCell, plan: CellPlan) -> None:
        """Take the clips of a cell's condition, if they were not taken already."""
        if (plan.split, plan.condition) not in self._conditions:
            self._conditions.add((plan.split, plan.condition))
            self._parts.append(HeardClips.of(stored, plan.key))
            if sum(len(part.clips) for part in self._parts) > JOINED:
                self._parts = [HeardClips.joined(self._parts)]

    def all(self) -> HeardClips:
        """What was noted of all of them."""
        return HeardClips.joined(self._parts)


def levels(table: pd.DataFrame) -> list[record.Check]:
    """A warning where clips go far beyond the −1…1 that models are promised.

    Parameters
    ----------
    table : pandas.DataFrame
        Predictions with `clip_id` and `peak`, the largest absolute sample of each clip as it was read.
    """
    if "peak" not in table:
        return []
    peaks = table.drop_duplicates("clip_id").set_index("clip_id")["peak"]
    loud = peaks[peaks > LOUD].sort_values(ascending=False)
    if loud.empty:
        return []
    message = (
        f"{len(loud)} of {len(peaks)} clips peak at up to {beyond(float(loud.iloc[0]))}, {loud.index[0]} first; models "
        "are promised samples in −1…1: if these are 16-bit numbers stored as floats, divide them by 32768"
    )
    return [record.Check(name="levels", status="warn", message=message)]


def remarks(table: pd.DataFrame, clips: int) -> list[record.Check]:
    """What the reading of answers found doubtful, e.g. frames that do not fill the audio they are of.

    Parameters
    ----------
    table : pandas.DataFrame
        `clip_id` and `remark`, a row for each clip and each of its remarks.
    clips : int
        All clips of the run.
    """
    if table.empty:
        return []
    said = table["remark"].value_counts()
    return [
        record.Check(name="frames", status="warn", message=f"{count} of {clips} clips: {text}")
        for text, count in said.head(3).items()
    ]


#: Share of a clip that may be cropped away before it is told: recordings that are a little over the model's length.
CROPPED = 0.25


def cropped(table: pd.DataFrame) -> list[record.Check]:
    """A warning where a model of short clips hears but a part of longer ones.

    Parameters
    ----------
    table : pandas.DataFrame
        Predictions with `clip_id` and `unheard`, the share of each clip that was cropped away.
    """
    if "unheard" not in table:
        return []
    shares = table.drop_duplicates("clip_id")["unheard"]
    lost = shares[shares > CROPPED]
    if lost.empty:
        return []
    message = (
        f"of {len(lost)} of {len(shares)} clips the model hears a part ({1 - lost.median():.0%} at the median); with "
        "window_hop on its card, or audio.windows in the suite, it hears them in windows whose answers are joined"
    )
    return [record.Check(name="cropped", status="warn", message=message)]
