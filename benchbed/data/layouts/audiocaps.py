"""AudioCaps 1 and 2: ten-second clips of AudioSet, one caption each for training and five for validation and testing.

(Kim, Kim, Lee and Kim, NAACL-HLT 2019.) The tables have one row per caption; the clips are cut from videos that
everybody fetches alone, so that names of files differ and many are missing.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Literal

from benchbed.data.assemble import option
from benchbed.data.captioned import CaptionedPart, Protocol, captioned
from benchbed.data.dataset import Dataset
from benchbed.data.facts import Facts
from benchbed.errors import DataError
from benchbed.tables.table import Table, read_table

FACTS = Facts(
    title="AudioCaps",
    source="https://github.com/cdjkim/audiocaps",
    licence="MIT for captions; the videos belong to their owners",
    citation="C. D. Kim, B. Kim, H. Lee, G. Kim: AudioCaps: Generating captions for audios in the wild. NAACL-HLT "
    "2019, 119-132.",
    version="1",
    counts={"audiocaps": {"train": 49838, "val": 495, "test": 975}},
    steps="take train.csv, val.csv and test.csv from dataset (version 1) or dataset2.0 (version 2), and cut the clips",
)
SPLITS = ("train", "val", "test")
COLUMNS = ("captions", "start_time")
#: Folders of tables that the publisher and tools use, and the version that they say.
TABLES = {"": "", "dataset": "1", "dataset2.0": "2", "csv_files_v1": "1", "csv_files_v2": "2"}
#: Names of files that tools give, in the order in which they are looked for.
NAMES = (
    "{youtube_id}_{start_time}.flac",
    "{youtube_id}_{start_time}.wav",
    "{youtube_id}.wav",
    "{youtube_id}.flac",
    "Y{youtube_id}.wav",
    "{audiocap_id}.wav",
)
Missing = Literal["keep", "drop"]


def read(
    root: Path, *, version: str = "", files: str = "", missing: Missing = "keep", references: Protocol = "all"
) -> Dataset:
    """Read the splits of AudioCaps whose tables are there.

    Parameters
    ----------
    root : Path
        Folder with `train.csv`, `val.csv` or `test.csv`, or with `dataset`, `dataset2.0`, `csv_files_v1` or
        `csv_files_v2` that holds them; clips in `<split>`, `audio/<split>`, `audio_32000Hz/<split>` or `audio`.
    version : str
        `1` or `2`; by default what the folder says, or the captions: those of 2 are in small letters.
    files : str
        Form of the clips' names, e.g. `{youtube_id}.wav`; by default the first known one that fits a file.
    missing : {"keep", "drop"}
        Clips whose file is not there: they stay and are counted as failed, or are left out, which the notes say.
    references : {"all", "each"}
        Hold a caption against all of its clip at once, or against each of them alone.

    Raises
    ------
    DataError
        No table, one without its columns, a form of names that fits no column, or no file left.
    ConfigError
        No such version, protocol or way with missing files.
    """
    root = Path(root)
    option(missing, ("keep", "drop"), "way with missing files")
    if version:
        option(version, ("1", "2"), "version of AudioCaps")
    wanted = [name for name, release in TABLES.items() if not version or release in ("", version)]
    place = next((name for name in wanted if any((root / name / f"{s}.csv").is_file() for s in SPLITS)), None)
    if place is None:
        raise DataError(
            "this is not the folder of dataset audiocaps: it has no test.csv",
            where=str(root),
            hint=f"AudioCaps comes from {FACTS.source}; name the folder of its tables by --data audiocaps=PATH",
        )
    tables = {
        split: read_table(path, ("audiocap_id", "youtube_id", "start_time", "caption"))
        for split in SPLITS
        if (path := root / place / f"{split}.csv").is_file()
    }
    version = version or TABLES[place] or _version(tables)
    parts, notes = {}, []
    for split, table in tables.items():
        folder = next((f for f in _folders(root, split) if (root / f).is_dir()), split)
        form = files or _form(root / folder, table)
        table.frame["file_name"] = _named(form, table)
        if missing == "drop":
            there = table.frame["file_name"].map(lambda name, at=root / folder: (at / name).is_file()).to_numpy()
            if not there.any():
                raise DataError(
                    f"no clip of {split} is there under its name",
                    where=str(root / folder),
                    hint=f"files={form} was looked for; say how they are called",
                )
            if not there.all():
                lost = table.frame["youtube_id"][~there].nunique()
                notes.append(
                    f"{lost} of {table.frame['youtube_id'].nunique()} clips of {split} are not there: left out"
                )
            table = Table(table.frame[there].reset_index(drop=True), table.path, table.rows[there])
        metadata = {"start_time": table.frame["start_time"].tolist()}
        parts[split] = CaptionedPart(table, "file_name", folder, metadata=metadata)
    dataset = captioned("audiocaps", root, parts, FACTS, notes, references=references, version=version)
    if version == "2":
        # The publisher counts captions of the training split of version 2, not clips.
        return replace(dataset, official={split: n for split, n in dataset.official.items() if split != "train"})
    return dataset


def _folders(root: Path, split: str) -> list[str]:
    found = sorted(path.name for path in root.glob("audio_*Hz") if path.is_dir())
    return [split, f"audio/{split}", *(f"{name}/{split}" for name in found), "audio"]


def _version(tables: dict[str, Table]) -> str:
    captions = next(iter(tables.values())).frame["caption"]
    return "2" if (captions == captions.str.lower()).all() else "1"


def _form(folder: Path, table: Table) -> str:
    """The form of names that fits a clip that is there; among the first hundred, since many are not."""
    for form in NAMES:
        for name in _named(form, table, 100):
            if (folder / name).is_file():
                return form
    return NAMES[2]


def _named(form: str, table: Table, count: int | None = None) -> list[str]:
    rows = table.frame.iloc[:count]
    columns = ("audiocap_id", "youtube_id", "start_time")
    try:
        names = [form.format(**dict(zip(columns, row))) for row in zip(*(rows[column] for column in columns))]
    except (KeyError, IndexError, ValueError) as error:
        hint = f"of {', '.join('{' + column + '}' for column in columns)}"
        raise DataError(f"files={form} is no form of names: {error}", where=str(table.path), hint=hint) from error
    return names
