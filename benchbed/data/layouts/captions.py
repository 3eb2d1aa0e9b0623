"""Any clips with captions: one table, one row per clip or per caption."""

from __future__ import annotations

from pathlib import Path

from benchbed.data.captioned import CaptionedPart, Protocol, captioned
from benchbed.data.dataset import Dataset
from benchbed.data.facts import Facts
from benchbed.errors import DataError
from benchbed.tables.table import read_table

FACTS = Facts(title="clips with captions", source="your own", licence="", citation="")

#: Names that the column of files may have.
FILES = ("file_name", "filename", "file", "path", "youtube_id")


def read(
    root: Path,
    *,
    name: str = "captions",
    csv: str = "captions.csv",
    split: str = "all",
    folder: str = "",
    suffix: str = "",
    group: str = "",
    references: Protocol = "all",
) -> Dataset:
    """Read a table of captions.

    Parameters
    ----------
    root : Path
        Folder of the table.
    name : str
        Name on records.
    csv : str
        The table: a column of files and `caption`, one row per caption, or `caption_1`, `caption_2`, …, one row per
        clip, of which some may be empty.
    split : str
        Name of the one split.
    folder : str
        Folder of the files below the root.
    suffix : str
        Ending of the files where the table leaves it out, e.g. `.wav` for AudioCaps' `youtube_id`.
    group : str
        Column of what was recorded together, which resampling draws as one.
    references : {"all", "each"}
        Hold a caption against all of its clip at once, or against each of them alone.

    Raises
    ------
    DataError
        No such table or column, a clip without a caption, or twice in a table with one row per clip.
    ConfigError
        No such protocol.
    """
    root = Path(root)
    table = read_table(root / csv)
    column = next((held for held in FILES if held in table.frame.columns), None)
    if column is None:
        raise DataError("the table has no column of files", where=f"{root / csv}:1", hint=f"one of {', '.join(FILES)}")
    if group and group not in table.frame.columns:
        raise DataError(f"the table has no column '{group}'", where=f"{root / csv}:1")
    if suffix:
        table.frame[column] = table.frame[column] + suffix
    return captioned(
        name, root, {split: CaptionedPart(table, column, folder, group=group)}, FACTS, references=references
    )
