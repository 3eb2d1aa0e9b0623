"""Captions: clips that a captioner describes worst, best and as it mostly does, and the words that noise adds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from benchbed.metrics.captions.tokens import tokenise
from benchbed.metrics.contract import Family
from benchbed.metrics.families.captions import CLIP, Captions
from benchbed.predictions.by_cell import PredictionsByCell
from benchbed.results import captions as caption_file
from benchbed.results.captions import (
    AddedRecord,
    CaptionCard,
    CellCaptions,
    KeptCaptions,
    SaidCaption,
    Why,
    read_captions,
)
from benchbed.results.record import Result
from benchbed.run.job.prepared import Prepared
from benchbed.run.showing.picks import Pick, broken, once
from benchbed.run.showing.shelf import CellAnswers

#: Clips of each sort that are shown.
WORST, TYPICAL, BEST = 4, 3, 2
#: Most words that a condition is said to add, and most references of a card.
MOST_WORDS, MOST_REFERENCES = 12, 10


def kept(
    family: Family, cells: Sequence[CellAnswers], primary: str, hardest: str | None
) -> tuple[KeptCaptions | None, pd.DataFrame | None]:
    """Cards of the clean cells with what the hardest condition makes of them, added words, and scores of all clips.

    Parameters
    ----------
    family : Family
        All metrics of the suite.
    cells : sequence of CellAnswers
        The cells of the run, clean ones first.
    primary : str
        The metric that ranks; clips are chosen by it where a single clip has it, else by CIDEr-D, else by METEOR.
    hardest : str, optional
        Key of the perturbed cell with the worst figure.
    """
    judge = next((part for part in family.parts.values() if isinstance(part, Captions)), None)
    if judge is None:
        return None, None
    # Under a condition with several draws a clip's caption is that of the first.
    scored = {held.plan.key: _scores(judge, held) for held in cells}
    tables = [_table(held, scored[held.plan.key]) for held in cells]
    known = [name for name in CLIP if any(name in scores for scores in scored.values())]
    made = [
        _cell(held, scored, judge, primary, next((c for c in cells if c.plan.key == hardest), None))
        for held in cells
        if held.plan.kind == "clean"
    ]
    clean = {held.plan.split: held for held in cells if held.plan.kind == "clean"}
    added = [
        _added(held, clean[held.plan.split]) for held in cells if held.plan.kind != "clean" and held.plan.split in clean
    ]
    titles = {name: judge.metrics[name].title for name in known}
    captions = KeptCaptions(format=caption_file.FORMAT, titles=titles, cells=made, added=added)
    return (captions if any(cell.cards for cell in made) else None), pd.concat(tables) if tables else None


def queues(
    prepared: Prepared,
    result: Result,
    count: int,
    others: Sequence[tuple[str, Path]],
    stored: PredictionsByCell | None = None,
) -> list[Iterable[Pick]]:
    """The clips of the cards, and what an attack broke."""
    held = read_captions(prepared.folder)
    nothing = ("", 0.0)
    shown = [(cell.cell, card) for cell in (held.cells if held else []) for card in cell.cards]
    sorts: dict[str, list[Pick]] = {}
    for cell, card in shown:
        label = card.references[0] if card.references else ""
        sorts.setdefault(card.why, []).append(Pick(card.why, card.clip_id, cell, 0, label, nothing, nothing))
    # A queue for each sort, so that few sounds show all of them.
    return [*sorts.values(), once(broken(prepared.folder, result, prepared.adapter.card.sample_rate))]


def _scores(judge: Captions, held: CellAnswers) -> dict[str, np.ndarray]:
    """Scores of each clip, by metric, of those that a clip has by itself."""
    told = judge.context(held.answers, held.references)
    values = told.values(told.statistics(held.answers, held.references))
    return {name: values[name] for name in CLIP if not np.isnan(values[name]).all()}


def _table(held: CellAnswers, scores: dict[str, np.ndarray]) -> pd.DataFrame:
    frame = pd.DataFrame(
        {
            "cell": held.plan.key,
            "clip_id": held.clip_ids,
            "draw": held.draw,
            "caption": held.answers,
            # Those of a perturbed clip are the clean one's.
            "references": [list(texts) if held.plan.kind == "clean" else None for texts in held.references],
        }
    )
    return frame.assign(**scores)


def _cell(
    outputs: CellAnswers,
    scored: dict[str, dict[str, np.ndarray]],
    judge: Captions,
    primary: str,
    hardest: CellAnswers | None,
) -> CellCaptions:
    scores = scored[outputs.plan.key]
    metric = next((name for name in (primary, *CLIP) if name in scores), None)
    if metric is None:
        return CellCaptions(cell=outputs.plan.key, metric="", title="", rule="", clips=0)
    values, info = scores[metric], judge.metrics[metric]
    known = np.flatnonzero(~np.isnan(values))
    names = np.asarray(outputs.clip_ids, dtype=str)
    median = float(np.median(values[known]))
    order = known[np.lexsort((names[known], values[known]))]
    worst = order[:WORST]
    best = order[len(worst) :][::-1][:BEST]
    rest = np.setdiff1d(known, np.concatenate([worst, best]))
    typical = rest[np.lexsort((names[rest], np.abs(values[rest] - median)))][:TYPICAL]
    sorts: list[tuple[Why, np.ndarray]] = [("worst", worst), ("typical", typical), ("best", best)]
    others = [one for one in (hardest,) if one is not None and one.plan.split == outputs.plan.split]
    cards = [
        CaptionCard(
            clip_id=str(names[clip]),
            why=why,
            references=[str(text) for text in outputs.references[clip]][:MOST_REFERENCES],
            said=[
                _said(outputs, clip, scores, ()),
                *(
                    _said(other, place, scored[other.plan.key], _new(other, place, str(outputs.answers[clip])))
                    for other in others
                    if (place := other.first(str(names[clip]))) is not None
                ),
            ],
        )
        for why, clips in sorts
        for clip in clips
    ]
    return CellCaptions(
        cell=outputs.plan.key,
        metric=metric,
        title=info.title,
        rule=info.rule,
        clips=len(known),
        median=round(median, 6),
        cards=cards,
    )


def _said(held: CellAnswers, clip: int, scores: dict[str, np.ndarray], added: Sequence[str]) -> SaidCaption:
    own = {name: round(float(values[clip]), 6) for name, values in scores.items() if not np.isnan(values[clip])}
    return SaidCaption(cell=held.plan.key, caption=str(held.answers[clip]), scores=own, added=list(added))


def _new(held: CellAnswers, clip: int, clean: str) -> list[str]:
    """Words of a caption that neither the clean one nor a reference has, in their order."""
    known = {word for text in (clean, *held.references[clip]) for word in tokenise(text)}
    return list(dict.fromkeys(word for word in tokenise(str(held.answers[clip])) if word not in known))


def _added(held: CellAnswers, clean: CellAnswers) -> AddedRecord:
    words: Counter[str] = Counter()
    clips = changed = 0
    for place, name in enumerate(held.clip_ids):
        before = clean.first(str(name))
        if before is None or held.draw[place]:
            continue
        clips += 1
        changed += tokenise(str(held.answers[place])) != tokenise(str(clean.answers[before]))
        words.update(_new(held, place, str(clean.answers[before])))
    most = sorted(words.items(), key=lambda item: (-item[1], item[0]))[:MOST_WORDS]
    return AddedRecord(cell=held.plan.key, clips=clips, changed=changed, words=most)
