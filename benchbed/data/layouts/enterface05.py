"""eNTERFACE'05: sentences in English in six emotions by 42 subjects, the sound of its videos as wav files."""

from __future__ import annotations

import re
from pathlib import Path

from benchbed.data.dataset import Dataset
from benchbed.data.emotion_words import ENTERFACE05
from benchbed.data.emotions import COLUMNS as COLUMNS
from benchbed.data.emotions import SPLITS as SPLITS
from benchbed.data.emotions import Target, Utterance, known_emotion, spoken_corpus
from benchbed.data.facts import Facts

FACTS = Facts(
    title="eNTERFACE'05",
    source="http://www.enterface.net/enterface05/ (videos; take their sound as wav files of the same names)",
    licence="as the page states it",
    citation="O. Martin, I. Kotsia, B. Macq, I. Pitas: The eNTERFACE'05 audio-visual emotion database. ICDEW 2006",
    counts={"enterface05": {"all": 1287}},
    steps="unpack the videos and put the sound of each beside it, or in folders of the same names, as .wav",
)
_NAME = re.compile(r"^s_?(?P<subject>\d{1,2})_(?P<emotion>[a-z]{2})_(?P<sentence>\d)$")


def read(root: Path, *, target: Target = "emotion") -> Dataset:
    """Read eNTERFACE'05.

    Splits: `all`, and five folds of subjects, `fold1` and `not_fold1` ….

    Parameters
    ----------
    root : Path
        Folder with `subject 1` … and wav files below them.
    target : {"emotion", "arousal", "valence"}
        What is to be told; the last two have two classes, which other corpora share.

    Raises
    ------
    DataError
        No such folder, or letters that are no emotion.
    """
    return spoken_corpus(
        Path(root), "enterface05", FACTS, _utterance, tuple(ENTERFACE05.values()), target, "s1_an_1.wav"
    )


def _utterance(path: Path) -> Utterance | None:
    match = _NAME.match(path.stem)
    if match is None:
        return None
    emotion = known_emotion(match["emotion"], ENTERFACE05, path, "first letters of emotions")
    return Utterance(str(int(match["subject"])), emotion)
