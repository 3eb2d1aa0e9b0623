"""Retrieval sets of the DCASE challenge: Clotho's clips, a table of queries, and which recordings answer each of them.

In 2022 to 2024 a query is a caption, and answered by the clip that it was written about. In 2025 annotators said which
recordings answer it: of the development-evaluation queries only 46.56 % are still answered by their own clip, so that
nothing is taken for granted where such a table is there.
"""

from __future__ import annotations

import ast
from pathlib import Path

import numpy as np

from benchbed.data.captioned import CaptionedPart, captioned
from benchbed.data.dataset import Dataset
from benchbed.data.facts import Facts
from benchbed.data.layouts.clotho import FACTS as CLOTHO
from benchbed.errors import DataError, did_you_mean
from benchbed.tables.table import Table, read_table

FACTS = Facts(
    title="DCASE language-based audio retrieval",
    source="https://dcase.community/challenge2025/task-language-based-audio-retrieval",
    licence=CLOTHO.licence,
    citation=CLOTHO.citation,
    version="2025",
)

COLUMNS = ("captions", "relevant")
#: Names of the columns of files, of queries, and of lists of files.
FILES = ("file_name", "filename", "fname")
QUERIES = ("query", "caption", "raw_text", "text")
LISTS = ("audio_filenames", "file_names", "relevant_files", "filenames")
#: Tables of queries and the recordings that answer them, by the names that they are published under.
RELEVANCE = ("metadata_eval.csv", "retrieval_annotations.csv")


def read(
    root: Path,
    *,
    captions: str = "clotho_captions_evaluation.csv",
    relevance: str = "",
    split: str = "evaluation",
    folder: str = "",
) -> Dataset:
    """Read a gallery with its queries.

    Parameters
    ----------
    root : Path
        Folder of the tables, with the audio below it. Stored answers are scored without the audio.
    captions : str
        The gallery: a column of files and `caption_1`, … or one caption a row (`caption`, `raw_text`).
    relevance : str
        Table with a row for each query and a list of the files that answer it, as the DCASE 2025 baseline reads
        `metadata_eval.csv`, which is taken by itself where it is there. Captions that it lacks are not asked. Without
        one each caption is answered by its own clip.
    split : str
        Name of the split on records.
    folder : str
        Folder of the audio below the root; that of the split's name if none is given.

    Raises
    ------
    DataError
        A missing table or column, a query that stands twice, that nothing answers or that nobody wrote, or an answer
        that is no clip of the gallery.
    """
    root = Path(root)
    if not (root / captions).is_file():
        raise DataError(
            f"this is not the folder of dataset dcase_retrieval: it has no {captions}",
            where=str(root),
            hint=f"the clips and captions are those of Clotho ({CLOTHO.source}); name the folder by "
            "--data dcase_retrieval=PATH",
        )
    table = read_table(root / captions)
    column = _column(table, FILES, "files")
    if not any(name.startswith("caption") for name in table.frame.columns):
        text = _column(table, QUERIES, "captions")
        table.frame["caption"] = table.frame[text]
    dataset = captioned("dcase_retrieval", root, {split: CaptionedPart(table, column, folder or split)}, FACTS)
    given = relevance or next((name for name in RELEVANCE if (root / name).is_file()), "")
    if given:
        _judged(dataset, read_table(root / given))
    return dataset


def _judged(dataset: Dataset, table: Table) -> None:
    """Put what annotators said in the place of what captions were written about."""
    text, lists = _column(table, QUERIES, "queries"), _column(table, LISTS, "lists of files")
    clips = dataset.clips
    files = {path.rpartition("/")[2]: row for row, path in enumerate(clips["path"])}
    owner: dict[str, int] = {}
    for row, texts in enumerate(clips["captions"]):
        for one in texts:
            owner.setdefault(_plain(one), row)
    own: list[list[str]] = [[] for _ in range(len(clips))]
    relevant: list[list[str]] = [[] for _ in range(len(clips))]
    seen: set[str] = set()
    for index, (query, listed) in enumerate(zip(table.frame[text], table.frame[lists])):
        where = table.where(index)
        if query in seen:
            raise DataError(f"the query '{query}' stands twice", where=where)
        seen.add(query)
        names = _names(listed, where)
        if not names:
            raise DataError("no recording answers the query", where=where, hint="a list of file names")
        rows = []
        for name in names:
            if name not in files:
                hint = did_you_mean(name, files) or f"files of the gallery are like '{next(iter(files))}'"
                raise DataError(f"'{name}' is no clip of the gallery", where=where, hint=hint)
            rows.append(files[name])
        # A query that no caption of the gallery has counts with the first recording that answers it.
        own[owner.get(_plain(query), rows[0])].append(query)
        for row in dict.fromkeys(rows):
            relevant[row].append(query)
    for name, values in (("captions", own), ("relevant", relevant)):
        column = np.empty(len(clips), dtype=object)
        column[:] = [tuple(texts) for texts in values]
        clips[name] = column


def _names(cell: str, where: str) -> list[str]:
    """File names in one cell: a Python list, as the baseline writes it, or names parted by semicolons or bars."""
    if cell.startswith("["):
        try:
            held = ast.literal_eval(cell)
        except (ValueError, SyntaxError, MemoryError, RecursionError) as error:
            raise DataError("the list of files cannot be read", where=where, hint="['a.wav', 'b.wav']") from error
        return [str(name) for name in held]
    parted = cell.replace("|", ";").split(";")
    return [name.strip() for name in parted if name.strip()]


def _plain(text: str) -> str:
    return " ".join(text.lower().replace(".", " ").replace(",", " ").split())


def _column(table: Table, known: tuple[str, ...], what: str) -> str:
    named = {str(name).lower(): str(name) for name in table.frame.columns}
    for name in known:
        if name in named:
            return named[name]
    raise DataError(f"the table has no column of {what}", where=f"{table.path}:1", hint=f"one of {', '.join(known)}")
