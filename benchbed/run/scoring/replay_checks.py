"""Checks of stored answers: what of a file was not used, and what stands in it that no recording can hold."""

from __future__ import annotations

from collections.abc import Sequence

from benchbed.predictions.store import Predictions
from benchbed.results import record

#: Recordings that are named.
NAMED = 3


def replay_checks(remarks: Sequence[str], predictions: Predictions) -> list[record.Check]:
    """A check for each remark, and one for each thing that was noted of single answers.

    Parameters
    ----------
    remarks : sequence of str
        What reading the file left to say.
    predictions : Predictions
        Answers, with a note where one is to be said of a recording.
    """
    found = [record.Check(name="answers", status="warn", message=text) for text in remarks]
    if "note" not in predictions.table:
        return found
    told = predictions.table[["clip_id", "note"]].dropna()
    for text, rows in told.groupby(told["note"].astype(str), sort=False):
        clips = rows["clip_id"].astype(str).tolist()
        some = ", ".join(clips[:NAMED]) + (", …" if len(clips) > NAMED else "")
        message = f"{text}: {some}" if len(clips) == 1 else f"{text}, in each of {len(clips)} recordings: {some}"
        found.append(record.Check(name="answers", status="warn", message=message))
    return found
