"""MTG-Jamendo: full tracks of music with tags of genre, instrument, and mood or theme, in five official splits.

Each of the five splits deals the tracks of an artist to one side only. Tags are scored all at once or as one of four
subsets, whose lists hold their own tags alone; a tag that one side of a split lacks is left out by the publisher.
"""

from __future__ import annotations

from collections import Counter
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from benchbed.data.assemble import build, find_root, option
from benchbed.data.dataset import Dataset
from benchbed.data.facts import Facts
from benchbed.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

#: Subset → beginning of the names of its lists.
SUBSETS = {
    "all": "autotagging",
    "genre": "autotagging_genre",
    "instrument": "autotagging_instrument",
    "moodtheme": "autotagging_moodtheme",
    "top50tags": "autotagging_top50tags",
}
#: The five official splits.
NUMBERS = range(5)
SPLITS = ("all", "train", "validation", "test")
COLUMNS = ("artist", "album", "track_seconds")
HEADER = ["TRACK_ID", "ARTIST_ID", "ALBUM_ID", "PATH", "DURATION", "TAGS"]
#: Folders below the root that tracks may lie in; endings, of which `.low.mp3` is the publisher's smaller version.
AUDIO = ("audio", "audio-low", "")
ENDINGS = (".mp3", ".low.mp3", ".wav", ".flac", ".ogg")

FACTS = Facts(
    title="MTG-Jamendo",
    source="https://github.com/MTG/mtg-jamendo-dataset",
    licence="metadata CC BY-NC-SA 4.0; each track has its own Creative Commons licence",
    citation="D. Bogdanov, M. Won, P. Tovstogan, A. Porter, X. Serra: The MTG-Jamendo Dataset for Automatic Music "
    "Tagging. Machine Learning for Music Discovery Workshop, ICML 2019.",
    # Tracks in the lists of split 0, counted at 1b4fa8c; its list of training tracks of all tags was not at hand.
    counts={
        "mtg_jamendo_genre": {"train": 32_572, "validation": 11_043, "test": 11_479},
        "mtg_jamendo_instrument": {"train": 14_395, "validation": 5_466, "test": 5_115},
        "mtg_jamendo_moodtheme": {"train": 9_949, "validation": 3_802, "test": 4_231},
        "mtg_jamendo_top50tags": {"train": 32_136, "validation": 10_888, "test": 11_356},
        "mtg_jamendo": {"validation": 11_101, "test": 11_565},
    },
    steps="put the repository's folder data/splits into the folder that holds audio (or audio-low), its tracks in "
    "00 to 99",
)


def read(
    root: Path,
    *,
    subset: Literal["all", "genre", "instrument", "moodtheme", "top50tags"] = "all",
    split: int = 0,
    missing: Literal["keep", "drop"] = "keep",
) -> Dataset:
    """Read one of the five splits of MTG-Jamendo; splits `train`, `validation`, `test`, and `all`.

    Labels are `category---tag`, in alphabetical order; a track's group is its artist.

    Parameters
    ----------
    root : Path
        Folder with `splits` (or `data/splits`) and the tracks, in `audio`, `audio-low` or itself.
    subset : str
        Which tags: all, or the lists of one category or of the fifty most frequent.
    split : int
        Which of the official splits, 0 to 4.
    missing : {"keep", "drop"}
        What to do with tracks whose file is not there: keep them (each is then an error of the run, by its policy) or
        leave them out, with their number noted on every record.

    Raises
    ------
    DataError
        A list that is missing or is none of MTG-Jamendo, a track twice, an artist on two sides, no track that is there.
    ConfigError
        An unknown subset, split or value of `missing`.
    """
    import pandas as pd

    option(subset, tuple(SUBSETS), "subset")
    option(str(split), [str(number) for number in NUMBERS], "split")
    option(missing, ("keep", "drop"), "value of missing:")
    given = Path(root)
    inner = next((name for name in ("splits", "data/splits") if (given / name).is_dir()), "splits")
    root = find_root(given, "mtg_jamendo", FACTS, (inner,))
    folder = root / inner / f"split-{split}"
    parts = {side: _tracks(folder / f"{SUBSETS[subset]}-{side}.tsv") for side in SPLITS[1:]}
    frame = pd.concat([rows.assign(side=side) for side, rows in parts.items()], ignore_index=True)
    _refuse_shared(frame)
    paths, there = _audio(root, frame["PATH"].tolist())
    notes = []
    if missing == "drop":
        notes = [f"{int((~there).sum())} of {len(there)} tracks left out: their audio is not there"]
        if not there.any():
            raise DataError("none of the tracks is there", where=str(root / paths[0]), hint=FACTS.steps)
        paths = [path for path, kept in zip(paths, there) if kept]
    labels = tuple(sorted({tag for tags in frame["tags"] for tag in tags}))
    if missing == "drop":
        frame = frame[there].reset_index(drop=True)
    side = frame["side"].to_numpy()
    return build(
        name="mtg_jamendo" if subset == "all" else f"mtg_jamendo_{subset}",
        root=root,
        kind="tags",
        labels=labels,
        paths=pd.Series(paths, dtype=object),
        label=frame["tags"],
        group=frame["ARTIST_ID"],
        where=lambda row: str(frame["where"].iloc[row]),
        splits={"all": np.arange(len(frame)), **{name: np.flatnonzero(side == name) for name in SPLITS[1:]}},
        facts=FACTS if split == 0 else _uncounted(),
        metadata={"artist": frame["ARTIST_ID"], "album": frame["ALBUM_ID"], "track_seconds": frame["DURATION"]},
        notes=[f"split {split} of 0 to 4", *notes],
    )


def _uncounted() -> Facts:
    """The facts without the counts, which are those of split 0."""
    return Facts(**{**vars(FACTS), "counts": {}})


def _tracks(path: Path) -> pd.DataFrame:
    """One list. Its last column is as many cells as the track has tags, so that it is no table."""
    import pandas as pd

    if not path.is_file():
        raise DataError("the list of tracks is missing", where=str(path), hint=FACTS.steps)
    header, *lines = path.read_text(encoding="utf-8").splitlines() or [""]
    if header.split("\t") != HEADER:
        raise DataError(
            "this is no list of MTG-Jamendo", where=f"{path}:1", hint=f"its header is {', '.join(HEADER)}, by tabs"
        )
    rows = []
    for number, line in enumerate(lines, start=2):
        cells = line.split("\t")
        tags = tuple(dict.fromkeys(cells[5:]))
        bare = [tag for tag in tags if "---" not in tag]
        if len(cells) < len(HEADER) or bare:
            what = f"'{bare[0]}' is no tag" if bare else f"the row has {len(cells)} cells"
            raise DataError(
                what, where=f"{path}:{number}", hint="five columns, then every tag as category---tag, by tabs"
            )
        try:
            seconds = float(cells[4])
        except ValueError as error:
            raise DataError(
                f"the length '{cells[4]}' is no number", where=f"{path}:{number}", hint="seconds"
            ) from error
        rows.append((*cells[:4], seconds, tags, f"{path}:{number}"))
    if not rows:
        raise DataError("the list has no tracks", where=str(path), hint="get it again")
    return pd.DataFrame(rows, columns=[*HEADER[:5], "tags", "where"])


def _refuse_shared(frame: pd.DataFrame) -> None:
    """No track twice, no artist on two sides."""
    twice = frame["TRACK_ID"].duplicated().to_numpy()
    if twice.any():
        row = frame.iloc[int(twice.argmax())]
        raise DataError(f"{row['TRACK_ID']} comes twice", where=row["where"], hint="get data/splits again")
    artists = {side: set(rows["ARTIST_ID"]) for side, rows in frame.groupby("side", sort=False)}
    for one, other in combinations(artists, 2):
        both = sorted(artists[one] & artists[other])
        if both:
            row = frame[(frame["side"] == other) & (frame["ARTIST_ID"] == both[0])].iloc[0]
            raise DataError(
                f"{both[0]} is in {one} and in {other}",
                where=row["where"],
                hint="the lists are of different splits; get data/splits again",
            )


def _audio(root: Path, listed: list[str]) -> tuple[list[str], np.ndarray]:
    """Paths of tracks relative to the root, in the folder and with the ending that most of them are there in."""
    stems = [path.removesuffix(".mp3") for path in listed]
    folder = next((name for name in AUDIO if name and (root / name).is_dir()), "")
    start = f"{folder}/" if folder else ""
    held = {}
    for part in {stem.partition("/")[0] for stem in stems}:
        place = root / folder / part
        held[part] = {path.name for path in place.iterdir()} if place.is_dir() else set()
    endings: Counter[str] = Counter()
    for stem in stems:
        part, _, name = stem.partition("/")
        endings.update(ending for ending in ENDINGS if f"{name}{ending}" in held[part])
    ending = max(ENDINGS, key=lambda name: endings[name])
    there = [f"{stem.partition('/')[2]}{ending}" in held[stem.partition("/")[0]] for stem in stems]
    return [f"{start}{stem}{ending}" for stem in stems], np.array(there, bool)
