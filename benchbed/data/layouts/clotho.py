"""Clotho: clips of 15 to 30 seconds from Freesound, five captions each (Drossos, Lipping and Virtanen, ICASSP 2020)."""

from __future__ import annotations

from pathlib import Path

from benchbed.data.captioned import Part, captioned
from benchbed.data.dataset import Dataset
from benchbed.data.facts import Facts
from benchbed.errors import DataError
from benchbed.tables.table import read_table

FACTS = Facts(
    title="Clotho",
    source="https://doi.org/10.5281/zenodo.3490683",
    licence="Tampere University licence for captions; each clip under its own Creative Commons licence",
    citation="K. Drossos, S. Lipping, T. Virtanen: Clotho: an audio captioning dataset. ICASSP 2020, 736-740.",
    version="2.1",
    counts={"clotho": {"development": 3839, "validation": 1045, "evaluation": 1045}},
)

SPLITS = ("development", "validation", "evaluation")
COLUMNS = ("captions",)


def read(root: Path) -> Dataset:
    """Read the splits of Clotho whose tables are there.

    Parameters
    ----------
    root : Path
        Folder with `clotho_captions_evaluation.csv` and its like, and the audio in `evaluation`, … beside them. Answers
        that are stored already are scored without the audio.

    Raises
    ------
    DataError
        No such table, or one without the columns `file_name` and `caption_1` … .
    """
    root = Path(root)
    parts: dict[str, Part] = {}
    for split in SPLITS:
        path = root / f"clotho_captions_{split}.csv"
        if path.is_file():
            parts[split] = (read_table(path, ("file_name", "caption_1")), "file_name", split)
    if not parts:
        raise DataError(
            "this is not the folder of dataset clotho: it has no clotho_captions_evaluation.csv",
            where=str(root),
            hint=f"Clotho comes from {FACTS.source}; unpack its tables here, and name the folder by --data clotho=PATH",
        )
    return captioned("clotho", root, parts, FACTS)
