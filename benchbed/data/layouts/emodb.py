"""EMO-DB: 535 sentences in German, acted in seven emotions by ten speakers (Berlin Database of Emotional Speech)."""

from __future__ import annotations

import re
from pathlib import Path

from benchbed.data.dataset import Dataset
from benchbed.data.emotion_words import EMODB
from benchbed.data.emotions import COLUMNS as COLUMNS
from benchbed.data.emotions import SPLITS as SPLITS
from benchbed.data.emotions import Target, Utterance, known_emotion, spoken_corpus
from benchbed.data.facts import Facts

FACTS = Facts(
    title="EMO-DB",
    source="http://emodb.bilderbar.info/download/",
    licence="as the page states it",
    citation="F. Burkhardt, A. Paeschke, M. Rolfes, W. F. Sendlmeier, B. Weiss: A database of German emotional speech. "
    "Interspeech 2005",
    counts={"emodb": {"all": 535}},
)
#: Speakers who are men.
MEN = ("03", "10", "11", "12", "15")
_NAME = re.compile(r"^(?P<speaker>\d\d)(?P<text>[ab]\d\d)(?P<emotion>[A-Z])(?P<take>[a-z])$")


def read(root: Path, *, target: Target = "emotion") -> Dataset:
    """Read EMO-DB.

    Splits: `all`, and five folds of speakers, `fold1` and `not_fold1` ….

    Parameters
    ----------
    root : Path
        Folder with `wav`.
    target : {"emotion", "arousal", "valence"}
        What is to be told; the last two have two classes, which other corpora share.

    Raises
    ------
    DataError
        No such folder, or a letter that is no emotion.
    """
    return spoken_corpus(Path(root), "emodb", FACTS, _utterance, tuple(EMODB.values()), target, "03a01Wa.wav")


def _utterance(path: Path) -> Utterance | None:
    match = _NAME.match(path.stem)
    if match is None:
        return None
    emotion = known_emotion(match["emotion"], EMODB, path, "letters of German words")
    return Utterance(match["speaker"], emotion, "m" if match["speaker"] in MEN else "f")
