"""RAVDESS, its speech: 1,440 sentences in English, acted in eight emotions by 24 actors."""

from __future__ import annotations

import re
from pathlib import Path

from benchbed.data.dataset import Dataset
from benchbed.data.emotion_words import RAVDESS
from benchbed.data.emotions import COLUMNS as COLUMNS
from benchbed.data.emotions import SPLITS as SPLITS
from benchbed.data.emotions import Target, Utterance, known_emotion, spoken_corpus
from benchbed.data.facts import Facts, Remote

FACTS = Facts(
    title="RAVDESS (speech)",
    source="https://doi.org/10.5281/zenodo.1188976",
    licence="CC BY-NC-SA 4.0",
    citation="S. R. Livingstone, F. A. Russo: The Ryerson Audio-Visual Database of Emotional Speech and "
    "Song (RAVDESS). PLoS ONE 13(5), 2018",
    counts={"ravdess": {"all": 1440}},
    files=(
        Remote(
            "Audio_Speech_Actors_01-24.zip",
            "https://zenodo.org/records/1188976/files/Audio_Speech_Actors_01-24.zip?download=1",
        ),
    ),
)
_NAME = re.compile(r"^\d\d-(?P<channel>\d\d)-(?P<emotion>\d\d)-\d\d-\d\d-\d\d-(?P<actor>\d\d)$")


def read(root: Path, *, target: Target = "emotion") -> Dataset:
    """Read the speech of RAVDESS; songs are left alone.

    Splits: `all`, and five folds of actors, `fold1` and `not_fold1` ….

    Parameters
    ----------
    root : Path
        Folder with `Actor_01` ….
    target : {"emotion", "arousal", "valence"}
        What is to be told; the last two have two classes, which other corpora share.

    Raises
    ------
    DataError
        No such folder, or a number that is no emotion.
    """
    return spoken_corpus(
        Path(root), "ravdess", FACTS, _utterance, tuple(RAVDESS.values()), target, "03-01-06-01-02-01-12.wav"
    )


def _utterance(path: Path) -> Utterance | None:
    match = _NAME.match(path.stem)
    if match is None or match["channel"] != "01":
        return None
    emotion = known_emotion(match["emotion"], RAVDESS, path, "numbers of emotions")
    return Utterance(match["actor"], emotion, "f" if int(match["actor"]) % 2 == 0 else "m")
