"""MACS: captions of TAU Urban Acoustic Scenes 2019 by several people each (Martin and Mesaros, DCASE 2021).

Ten-second clips of airports, parks and public squares; two to five captions, with tags, for each of 3,930 clips. A
recording is a place in a city, from which several clips were cut: they are resampled together.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchbed.data.captioned import CaptionedPart, Protocol, captioned
from benchbed.data.dataset import Dataset
from benchbed.data.facts import Facts, Remote
from benchbed.errors import DataError
from benchbed.tables.table import Table
from benchbed.tables.tree import Node, read_tree

if TYPE_CHECKING:
    import pandas as pd

_RECORD = "https://zenodo.org/records/5114771/files/"
FACTS = Facts(
    title="MACS, multi-annotator captioned soundscapes",
    source="https://doi.org/10.5281/zenodo.5114770",
    licence="see LICENSE.txt of the record; non-commercial",
    citation="I. Martin, A. Mesaros: Diversity and bias in audio captioning datasets. DCASE 2021, 90-94.",
    version="1.0",
    counts={"macs": {"all": 3930}},
    files=(
        Remote("MACS.yaml", f"{_RECORD}MACS.yaml?download=1", "md5:23fcb2ebd0b109094034ef9e87972256"),
        Remote(
            "MACS_competence.csv",
            f"{_RECORD}MACS_competence.csv?download=1",
            "md5:4dfe9f951f0af9f29cb7952ec030370a",
            False,
        ),
    ),
    steps="the audio is TAU Urban Acoustic Scenes 2019, https://doi.org/10.5281/zenodo.2589280: put it in audio",
)
SPLITS = ("all",)
COLUMNS = ("captions", "keywords", "place", "city", "location", "recording")


def read(root: Path, *, references: Protocol = "all") -> Dataset:
    """Read MACS.

    Parameters
    ----------
    root : Path
        Folder with `MACS.yaml`, and the audio in `audio`.
    references : {"all", "each"}
        Hold a caption against all of its clip at once, or against each of them alone.

    Raises
    ------
    DataError
        No such file, or an entry without file name, annotations or a sentence.
    ConfigError
        No such protocol.
    """
    import pandas as pd

    root = Path(root)
    path = root / "MACS.yaml"
    if not path.is_file():
        raise DataError(
            "this is not the folder of dataset macs: it has no MACS.yaml",
            where=str(root),
            hint=f"MACS comes from {FACTS.source}; name its folder by --data macs=PATH",
        )
    tree = read_tree(path)
    entries = tree.value.get("files") if isinstance(tree.value, dict) else None
    if entries is None or not isinstance(entries.value, list) or not entries.value:
        raise DataError("the file has no list of files", where=str(path), hint="files: [{filename: …, annotations: …}]")
    rows: list[dict[str, str]] = []
    lines: list[str] = []
    seen: dict[str, str] = {}
    for entry in entries.value:
        name, notes = _field(entry, "filename"), _inner(entry, "annotations")
        if name in seen:
            raise DataError(f"the clip '{name}' is listed twice", where=f"{seen[name]} and {entry.where}")
        seen[name] = entry.where
        for note in notes:
            words = ";".join(str(word) for word in _inner(note, "tags", may_lack=True))
            rows.append({"file_name": name, "caption": _field(note, "sentence"), "keywords": words})
            lines.append(note.where.rpartition(":")[2])
    frame = pd.DataFrame(rows)
    numbers = np.array([int(line) if line.isdigit() else 0 for line in lines], np.int64)
    table = Table(frame, path, numbers)
    keywords = frame.groupby("file_name", sort=False)["keywords"].agg(lambda cells: ";".join(_different(cells)))
    parts = [[*name.removesuffix(".wav").split("-"), "", "", "", ""][:3] for name in frame["file_name"]]
    metadata = {
        "place": [part[0] for part in parts],
        "city": [part[1] for part in parts],
        "location": ["-".join(part[1:3]) for part in parts],
        "recording": ["-".join(part) for part in parts],
        "keywords": [keywords[name] for name in frame["file_name"]],
    }
    part = CaptionedPart(table, "file_name", "audio", metadata=metadata, group="recording")
    return captioned("macs", root, {"all": part}, FACTS, references=references)


def _different(cells: pd.Series) -> list[str]:
    return list(dict.fromkeys(tag for cell in cells for tag in cell.split(";") if tag))


def _field(entry: Node, name: str) -> str:
    value = entry.value.get(name) if isinstance(entry.value, dict) else None
    if value is None or not value.text:
        raise DataError(f"an entry has no {name}", where=entry.where)
    return value.text


def _inner(entry: Node, name: str, *, may_lack: bool = False) -> list[Node]:
    value = entry.value.get(name) if isinstance(entry.value, dict) else None
    if value is not None and isinstance(value.value, list) and value.value:
        return value.value
    if may_lack:
        return []
    raise DataError(f"an entry has no {name}", where=entry.where)
