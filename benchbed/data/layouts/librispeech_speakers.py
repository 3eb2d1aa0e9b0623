"""LibriSpeech as speaker identification: read books, each speaker's last chapter against the others.

LibriSpeech itself has no such task: its parts have different speakers. Sources that identify speakers on it state no
split, so the rule here is one that can be repeated, and in which no recording is on both sides.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from benchbed.data.assemble import build, find_root, natural
from benchbed.data.dataset import Dataset
from benchbed.data.facts import Facts, Remote
from benchbed.data.walk import files_below, links_out
from benchbed.errors import DataError

FACTS = Facts(
    title="LibriSpeech, speakers of one part",
    source="https://www.openslr.org/12",
    licence="CC BY 4.0",
    citation="V. Panayotov, G. Chen, D. Povey, S. Khudanpur: LibriSpeech: an ASR corpus based on public domain audio "
    "books. ICASSP 2015.",
    files=(
        Remote(
            "train-clean-100.tar.gz",
            "https://www.openslr.org/resources/12/train-clean-100.tar.gz",
            "md5:2a93770f6d5c6c964bc36631d331a522",
        ),
    ),
)

#: Splits and columns of every set of this form, for suites that are checked without it.
SPLITS = ("all", "train", "test")
COLUMNS = ("speaker", "chapter")


def read(root: Path, *, part: str = "train-clean-100") -> Dataset:
    """Read the speakers of one part of LibriSpeech; splits `train`, `test` and `all`.

    `test` is the last chapter of each speaker by number, `train` the others; speakers with one chapter are left out and
    counted in the notes. The group is the chapter.

    Parameters
    ----------
    root : Path
        Folder with the part, or the folder above it.
    part : str, default="train-clean-100"
        Folder of one part.

    Raises
    ------
    DataError
        No such part, or no files SPEAKER/CHAPTER/….flac in it.
    """
    import pandas as pd

    root = find_root(Path(root), "librispeech_speakers", FACTS, (part,), ("LibriSpeech",))
    paths = [path for path in files_below(root / part) if path.endswith(".flac") and path.count("/") == 2]
    if not paths:
        raise DataError(
            "there are no files SPEAKER/CHAPTER/….flac", where=str(root / part), hint="unpack the archive again"
        )
    paths = sorted(paths, key=natural)
    speakers, chapters = (np.array([path.split("/")[place] for path in paths]) for place in (0, 1))
    of_speaker: dict[str, list[str]] = {}
    for speaker, chapter in zip(speakers.tolist(), chapters.tolist()):
        if chapter not in of_speaker.setdefault(speaker, []):
            of_speaker[speaker].append(chapter)
    last = {
        speaker: sorted(chapters_of, key=natural)[-1]
        for speaker, chapters_of in of_speaker.items()
        if len(chapters_of) > 1
    }
    keep = np.array([speaker in last for speaker in speakers.tolist()])
    if not keep.any():
        raise DataError("no speaker has two chapters", where=str(root / part), hint="take a part with more of them")
    paths = [path for path, kept in zip(paths, keep) if kept]
    speakers, chapters = speakers[keep], chapters[keep]
    test = np.array([last[speaker] == chapter for speaker, chapter in zip(speakers.tolist(), chapters.tolist())])
    alone = len(of_speaker) - len(last)
    notes = [f"{alone} speakers with one chapter are left out"] if alone else []
    return build(
        name="librispeech_speakers",
        root=root,
        kind="scene",
        labels=tuple(sorted(last, key=natural)),
        paths=part + "/" + pd.Series(paths, dtype=object),
        label=pd.Series(speakers, dtype=object),
        group=pd.Series(speakers, dtype=object) + "-" + pd.Series(chapters, dtype=object),
        where=lambda row: f"{root / part / paths[row]}",
        splits={"all": np.arange(len(paths)), "train": np.flatnonzero(~test), "test": np.flatnonzero(test)},
        facts=FACTS,
        metadata={"speaker": speakers, "chapter": chapters},
        notes=[*notes, *links_out(root / part, paths)],
    )
