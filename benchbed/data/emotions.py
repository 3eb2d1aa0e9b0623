"""Corpora of emotional speech: emotions by name, or as arousal and valence of two classes each, in which corpora agree.

Corpora act different emotions, so that a model of one is asked of another by what they share: arousal low or high, and
valence, where negative and neutral are one class as in MARVEL D3.1 (2.5), positive the other. Utterances of one speaker
are resampled together.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from benchbed.data.assemble import build, mark_folds, natural, option
from benchbed.data.dataset import Dataset
from benchbed.data.emotion_words import QUADRANTS
from benchbed.data.facts import Facts
from benchbed.errors import DataError

Target = Literal["emotion", "arousal", "valence"]
TARGETS = ("emotion", "arousal", "valence")
#: Classes of what corpora share.
CLASSES = {"arousal": ("low", "high"), "valence": ("neutral", "positive")}
#: Columns of every set of this form, for suites that are checked without it.
COLUMNS = ("emotion", "speaker", "sex")
FOLDS = 5
SPLITS = ("all", *(f"{side}fold{k}" for k in range(1, FOLDS + 1) for side in ("", "not_")))


@dataclass(frozen=True)
class Utterance:
    """What the name of a file says.

    Attributes
    ----------
    speaker : str
    emotion : str
        One of `QUADRANTS`.
    sex : str
        `f`, `m`, or nothing where the name does not say it.
    """

    speaker: str
    emotion: str
    sex: str = ""


def spoken_corpus(
    root: Path,
    name: str,
    facts: Facts,
    read_name: Callable[[Path], Utterance | None],
    emotions: Sequence[str],
    target: Target,
    hint: str,
) -> Dataset:
    """A corpus whose file names say who speaks and how.

    Splits: `all`, and five folds of speakers, `fold1` and `not_fold1` …: no speaker is in two of them.

    Parameters
    ----------
    root : Path
        Folder; sounds may lie at any depth.
    name : str
        Of the corpus.
    read_name : callable
        What a path relative to the root says; None for files that are none of the corpus's clips.
    emotions : sequence of str
        Those of the corpus, in its order.
    target : {"emotion", "arousal", "valence"}
        What is to be told.
    hint : str
        What names look like.

    Raises
    ------
    DataError
        No such folder, or no file of the corpus in it.
    """
    import pandas as pd

    option(target, TARGETS, "target")
    if not root.is_dir():
        raise DataError(
            f"the folder of dataset {name} does not exist",
            where=str(root),
            hint=f"{facts.title} comes from {facts.source}; name its folder by --data {name}=PATH",
        )
    utterances: list[tuple[str, Utterance]] = []
    for path in sorted(root.rglob("*.wav")):
        inner = path.relative_to(root)
        said = None if path.name.startswith(".") else read_name(inner)
        if said is not None:
            utterances.append((inner.as_posix(), said))
    if not utterances:
        raise DataError(f"this is not the folder of dataset {name}: no sound in it is named {hint}", where=str(root))
    speakers = sorted({said.speaker for _, said in utterances}, key=natural)
    fold = {speaker: str(number % FOLDS + 1) for number, speaker in enumerate(speakers)}
    labels = tuple(emotions) if target == "emotion" else CLASSES[target]
    label = [
        said.emotion if target == "emotion" else QUADRANTS[said.emotion][target == "valence"] for _, said in utterances
    ]
    return build(
        name=name,
        root=root,
        kind="scene",
        labels=labels,
        paths=pd.Series([path for path, _ in utterances], dtype=object),
        label=pd.Series(label, dtype=object),
        group=pd.Series([said.speaker for _, said in utterances], dtype=object),
        where=lambda row: str(root / utterances[row][0]),
        splits=mark_folds([fold[said.speaker] for _, said in utterances]),
        facts=facts,
        metadata={
            "emotion": np.array([said.emotion for _, said in utterances], object),
            "speaker": np.array([said.speaker for _, said in utterances], object),
            "sex": np.array([said.sex for _, said in utterances], object),
        },
        notes=[f"folds are benchbed's own, of {len(speakers)} speakers"],
    )


def known_emotion(code: str, codes: dict[str, str], path: Path, root_hint: str) -> str:
    """The emotion of a code in a file name.

    Raises
    ------
    DataError
        The corpus has no such code.

    Examples
    --------
    >>> known_emotion("W", {"W": "anger"}, Path("03a01Wa.wav"), "letters")
    'anger'
    """
    if code not in codes:
        raise DataError(
            f"'{code}' is no emotion of this corpus", where=str(path), hint=f"{root_hint}: {', '.join(codes)}"
        )
    return codes[code]
