"""FESC: 4,254 utterances in Finnish, acted in five emotions by nine actors, with a table of who says what how.

The corpus is given out on request, and how its files are named is not published: a table `fesc.csv` beside them says
`file`, `speaker` and `emotion` of each.
"""

from __future__ import annotations

from pathlib import Path

from benchbed.data.dataset import Dataset
from benchbed.data.emotion_words import FESC
from benchbed.data.emotions import COLUMNS as COLUMNS
from benchbed.data.emotions import SPLITS as SPLITS
from benchbed.data.emotions import Target, Utterance, known_emotion, spoken_corpus
from benchbed.data.facts import Facts
from benchbed.errors import DataError
from benchbed.tables.table import read_table

FACTS = Facts(
    title="FESC, Finnish Emotional Speech Corpus",
    source="on request from its authors",
    licence="as agreed with its authors",
    citation="M. Airas, P. Alku: Emotions in vowel segments of continuous speech. Phonetica 63, 2006",
    counts={"fesc": {"all": 4254}},
    steps="write fesc.csv with the columns file, speaker and emotion beside the sounds",
)
#: What else an emotion is called.
CALLED = {"joy": "happiness", "sorrow": "sadness", **{name: name for name in FESC}}


def read(root: Path, *, target: Target = "emotion") -> Dataset:
    """Read FESC.

    Splits: `all`, and five folds of actors, `fold1` and `not_fold1` ….

    Parameters
    ----------
    root : Path
        Folder with `fesc.csv` and the sounds.
    target : {"emotion", "arousal", "valence"}
        What is to be told; the last two have two classes, which other corpora share.

    Raises
    ------
    DataError
        No table, a file twice, one that is not there, or an emotion that the corpus does not have.
    """
    root = Path(root)
    table = read_table(root / "fesc.csv", ("file", "speaker", "emotion"))
    rows: dict[str, Utterance] = {}
    for row, (file, speaker, emotion) in enumerate(
        zip(*(table.frame[name] for name in ("file", "speaker", "emotion")))
    ):
        where = Path(table.where(row))
        if file in rows:
            raise DataError(f"'{file}' stands twice", where=str(where))
        if not (root / file).is_file():
            raise DataError(f"there is no sound '{file}'", where=str(where), hint="paths relative to fesc.csv")
        rows[file] = Utterance(speaker, known_emotion(emotion.lower(), CALLED, where, "emotions"))
    return spoken_corpus(root, "fesc", FACTS, lambda path: rows.get(path.as_posix()), FESC, target, "in fesc.csv")
