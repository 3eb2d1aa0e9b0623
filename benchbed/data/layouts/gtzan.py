"""GTZAN: excerpts of half a minute in ten genres, in the fault-filtered split that music research compares by.

The set holds repetitions, several excerpts of one recording, wrong labels and one distorted file (B. L. Sturm 2013).
The filtered split (Kereliuk, Sturm and Larsen 2015) leaves out what repeats and puts no artist on two sides: 443
excerpts to learn from, 197 to choose on, 290 to test. Its three lists lie beside the set; without them there is `all`
alone.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from benchbed.data.assemble import build, find_root
from benchbed.data.dataset import Dataset
from benchbed.data.facts import Facts
from benchbed.errors import DataError

LABELS = ("blues", "classical", "country", "disco", "hiphop", "jazz", "metal", "pop", "reggae", "rock")
#: Split → its list, one `genre/genre.00000.wav` a line.
LISTS = {"train": "train_filtered.txt", "validation": "valid_filtered.txt", "test": "test_filtered.txt"}
SPLITS = ("all", *LISTS)
COLUMNS: tuple[str, ...] = ()

FACTS = Facts(
    title="GTZAN Genre Collection",
    source="G. Tzanetakis and P. Cook, 2002; lists: https://github.com/jongpillee/music_dataset_split (GTZAN_split)",
    licence="not stated by its publisher",
    citation="G. Tzanetakis, P. Cook: Musical genre classification of audio signals. IEEE Transactions on Speech and "
    "Audio Processing 10:5, 2002, 293-302.",
    counts={"gtzan": {"train": 443, "validation": 197, "test": 290}},
    steps="put train_filtered.txt, valid_filtered.txt and test_filtered.txt into the folder that holds the genres, or "
    "above it",
)


def read(root: Path) -> Dataset:
    """Read GTZAN; splits `all`, and `train`, `validation` and `test` of the filtered lists.

    Parameters
    ----------
    root : Path
        Folder with one folder for each genre (`genres`, `genres_original`), or the folder above it.

    Raises
    ------
    DataError
        No genres, some of the three lists without the others, an excerpt in two of them, or one that is not there.
    """
    import pandas as pd

    given = Path(root)
    root = find_root(given, "gtzan", FACTS, ("blues", "rock"), ("genres", "genres_original", "Data/genres_original"))
    files = sorted(path for genre in LABELS for pattern in ("*.wav", "*.au") for path in (root / genre).glob(pattern))
    names = [f"{path.parent.name}/{path.name}" for path in files]
    place = {str(Path(name).with_suffix("")): row for row, name in enumerate(names)}
    splits: dict[str, np.ndarray] = {"all": np.arange(len(names))}
    lists = {
        split: next((folder / name for folder in (root, root.parent) if (folder / name).is_file()), None)
        for split, name in LISTS.items()
    }
    lacking = [LISTS[split] for split, path in lists.items() if path is None]
    if lacking and len(lacking) < len(LISTS):
        raise DataError(f"the filtered split lacks {', '.join(lacking)}", where=str(root), hint=FACTS.steps)
    taken: dict[int, str] = {}
    for split, path in lists.items():
        if path is None:
            continue
        rows = []
        for number, line in enumerate(path.read_text(encoding="utf-8").split(), start=1):
            row = place.get(str(Path(line).with_suffix("")))
            if row is None:
                raise DataError(f"'{line}' is not there", where=f"{path}:{number}", hint="get the set again")
            if row in taken:
                raise DataError(
                    f"'{line}' is in {taken[row]} and in {split}", where=f"{path}:{number}", hint="get the lists again"
                )
            taken[row] = split
            rows.append(row)
        splits[split] = np.array(rows, np.int64)
    stems = pd.Series([Path(name).stem for name in names], dtype=str)
    return build(
        name="gtzan",
        root=root,
        kind="scene",
        labels=LABELS,
        paths=pd.Series(names, dtype=str),
        label=pd.Series([name.partition("/")[0] for name in names], dtype=str),
        group=stems,
        where=lambda row: names[row],
        splits=splits,
        facts=FACTS,
    )
