"""Captions that a run kept, as its page shows them: cards of clips, and the words that conditions add."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchbed.report import terms
from benchbed.report.island import anchor
from benchbed.report.listening import Clips, ClipSounds, EmbeddedSound, apart
from benchbed.results.captions import AddedRecord, CaptionCard, CellCaptions, KeptCaptions
from benchbed.results.record import Result

if TYPE_CHECKING:
    from benchbed.results.comparison import Spoken


@dataclass(frozen=True)
class CaptionLine:
    """One caption of a card.

    `added` has the words of it that are marked, and `scores` pairs of a metric's term and the clip's own score.
    """

    name: str
    caption: str
    added: frozenset[str]
    scores: list[tuple[str, float]]


@dataclass(frozen=True)
class ShownCard:
    """One card with its sound."""

    card: CaptionCard
    identity: str
    lines: list[CaptionLine]
    sound: ClipSounds | None


@dataclass(frozen=True)
class CellCards:
    """The cards of one cell."""

    about: CellCaptions
    title: str
    cards: list[ShownCard]


@dataclass(frozen=True)
class AddedWords:
    """What one condition does to captions."""

    condition: str
    split: str
    about: AddedRecord


@dataclass(frozen=True)
class ClipPair:
    """One clip in a comparison: what every model said of it."""

    about: Spoken
    identity: str
    lines: list[CaptionLine]
    sound: EmbeddedSound | None = None


@dataclass(frozen=True)
class CaptionSection:
    """Everything that a page shows of captions."""

    cells: list[CellCards]
    added: list[AddedWords]


def section(kept: KeptCaptions | None, result: Result, heard: Clips | None = None) -> CaptionSection | None:
    """What a page shows of captions, or None where the run kept none."""
    if kept is None or not any(cell.cards for cell in kept.cells):
        return None
    sounds = apart(heard)[1]
    of = {cell.key: cell for cell in result.cells}
    names = {key: terms.condition(cell.condition) for key, cell in of.items()}

    def told(card: CaptionCard, cell: str) -> ShownCard:
        lines = [
            CaptionLine(
                names.get(said.cell, said.cell), said.caption, frozenset(said.added), _scores(said.scores, kept.titles)
            )
            for said in card.said
        ]
        return ShownCard(card, anchor(f"caption/{cell}/{card.clip_id}"), lines, sounds.get((cell, card.clip_id)))

    return CaptionSection(
        [
            CellCards(cell, f"split {of[cell.cell].split}" if cell.cell in of else cell.cell, cards)
            for cell in kept.cells
            if (cards := [told(card, cell.cell) for card in cell.cards])
        ],
        [AddedWords(names[one.cell], of[one.cell].split, one) for one in kept.added if one.cell in of],
    )


def spread(
    clips: Sequence[Spoken], a: str, b: str, identity: str, sounds: Mapping[str, EmbeddedSound] | None = None
) -> list[ClipPair]:
    """Clips of a comparison, each with both models' captions, and its sound where one of them kept it."""
    return [
        ClipPair(
            one,
            anchor(f"caption/{identity}/{one.clip_id}"),
            [
                CaptionLine(name, caption, frozenset(), _scores(scores, one.titles))
                for name, caption, scores in ((a, one.a, one.scores_a), (b, one.b, one.scores_b))
            ],
            (sounds or {}).get(one.clip_id),
        )
        for one in clips
    ]


def marked(caption: str, added: frozenset[str]) -> list[tuple[str, bool]]:
    """Pieces of a caption, and whether each is a word that is marked.

    Examples
    --------
    >>> marked("A dog barks, loudly.", frozenset({"barks"}))
    [('A dog ', False), ('barks,', True), (' loudly.', False)]
    """
    pieces: list[tuple[str, bool]] = []
    for number, word in enumerate(caption.split()):
        new = word.strip(".,;:!?\"'()").lower() in added
        before = " " if number else ""
        if pieces and not new and not pieces[-1][1]:
            pieces[-1] = (pieces[-1][0] + before + word, False)
        elif new and pieces and not pieces[-1][1]:
            pieces[-1] = (pieces[-1][0] + before, False)
            pieces.append((word, True))
        elif new:
            pieces += [(before, False), (word, True)] if before else [(word, True)]
        else:
            pieces.append((before + word, False))
    return pieces


def _scores(scores: dict[str, float], titles: dict[str, str]) -> list[tuple[str, float]]:
    return [(titles.get(name, name), value) for name, value in scores.items()]
