"""What a transformer attends to, and how its embeddings use their space, on the page of its run."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from markupsafe import Markup

from benchbed.report.charts.heatmap import heatmap
from benchbed.report.figures import number
from benchbed.results.record import Result


@dataclass(frozen=True)
class Inside:
    """The map of attention and what is said of embeddings.

    Attributes
    ----------
    chart : Markup
        The map; bands from high to low, time from left to right.
    method : str
        How it was made.
    said : str
        The measures of embeddings in a sentence; empty where there are none.
    """

    chart: Markup
    method: str
    said: str


def inside(result: Result) -> Inside | None:
    """The insides of a run's model; None where nothing was looked at."""
    attention = result.profile.get("attention")
    if not isinstance(attention, dict) or not attention.get("values"):
        return None
    bands, seconds, values = attention["bands"], attention["seconds"], attention["values"]
    rows = [f"{low}–{high - 1}" for low, high in pairwise(bands)]
    columns = [f"{start:.2f}" for start in seconds[:-1]]
    chart = heatmap(
        "attention",
        "Attention over bands and time",
        rows[::-1],
        columns,
        values[::-1],
        unit="",
        row_title="mel bands",
        column_title="from second",
        of={"kind": "profile"},
    )
    words = str(attention.get("method", ""))
    method = f"{words[:1].upper()}{words[1:]}; mean over {attention.get('clips', 0)} clips; 1 is an even share"
    return Inside(chart, method, _said(result))


def _said(result: Result) -> str:
    measured = result.profile.get("representation")
    if not isinstance(measured, dict):
        return ""
    rank = measured["effective_rank"]["value"]
    dead = measured["dead"]["value"]
    state = "they have collapsed" if measured.get("collapsed") else "they have not collapsed"
    return (
        f"Embeddings of {measured['clips']} clips share their spread over {number(rank)} of {measured['features']} "
        f"directions (effective rank; no more than the clips less one); {number(dead, 'fraction')} of their features "
        f"are dead; {state}."
    )
