"""Clotho: clips of 15 to 30 seconds from Freesound, five captions each (Drossos, Lipping and Virtanen, ICASSP 2020).

Versions 1.0, 2.0 and 2.1 have the same evaluation split; 2.0 added clips to the development split, and a validation
split; 2.1 replaced damaged files and names that file systems refuse. The tables say which version is there: they are
held to the publisher's checksums.
"""

from __future__ import annotations

import csv
import hashlib
import io
from dataclasses import replace
from pathlib import Path

from benchbed.data.assemble import option
from benchbed.data.captioned import CaptionedPart, Protocol, captioned
from benchbed.data.dataset import Dataset
from benchbed.data.facts import Facts, Remote
from benchbed.data.synthetic import is_synthetic
from benchbed.errors import ConfigError, DataError
from benchbed.tables.table import Table, read_table

_RECORD = "https://zenodo.org/records/4783391/files/"
_FILES = (
    ("clotho_captions_development.csv", "d4090b39ce9f2491908eebf4d5b09bae", True),
    ("clotho_captions_validation.csv", "5879e023032b22a2c930aaa0528bead4", True),
    ("clotho_captions_evaluation.csv", "1b16b9e57cf7bdb7f13a13802aeb57e2", True),
    ("clotho_metadata_development.csv", "170d20935ecfdf161ce1bb154118cda5", False),
    ("clotho_metadata_validation.csv", "2e010427c56b1ce6008b0f03f41048ce", False),
    ("clotho_metadata_evaluation.csv", "13946f054d4e1bf48079813aac61bf77", False),
    ("clotho_audio_development.7z", "c8b05bc7acdb13895bb3c6a29608667e", True),
    ("clotho_audio_validation.7z", "7dba730be08bada48bd15dc4e668df59", True),
    ("clotho_audio_evaluation.7z", "4569624ccadf96223f19cb59fe4f849f", True),
)

FACTS = Facts(
    title="Clotho",
    source="https://doi.org/10.5281/zenodo.3490683",
    licence="Tampere University licence for captions; each clip under its own Creative Commons licence",
    citation="K. Drossos, S. Lipping, T. Virtanen: Clotho: an audio captioning dataset. ICASSP 2020, 736-740.",
    version="2.1",
    # Clips whose captions are public; the testing split of 1,043 clips has none.
    counts={"clotho": {"development": 3839, "validation": 1045, "evaluation": 1045}},
    files=tuple(Remote(name, f"{_RECORD}{name}?download=1", f"md5:{md5}", needed) for name, md5, needed in _FILES),
    steps="unpack the three archives beside the tables (7z x FILE): folders development, validation and evaluation",
)
#: MD5 of the tables that differ between versions → the version.
VERSIONS = {
    "dd568352389f413d832add5cf604529f": "1.0",
    "800633304e73d3daed364a2ba6069827": "2.0",
    "d4090b39ce9f2491908eebf4d5b09bae": "2.1",
    "3109c353138a089c7ba724f27d71595d": "2.0",
    "5879e023032b22a2c930aaa0528bead4": "2.1",
}
#: Clips of the splits of each version, as published; 2.1 has one file fewer in two of them.
COUNTS = {
    "1.0": {"development": 2893, "evaluation": 1045},
    "2.0": {"development": 3840, "validation": 1046, "evaluation": 1045},
    "2.1": {"development": 3839, "validation": 1045, "evaluation": 1045},
}

SPLITS = ("development", "validation", "evaluation")
#: Columns of the tables of metadata, which may be missing.
METADATA = ("keywords", "sound_id", "sound_link", "start_end_samples", "manufacturer", "license")
COLUMNS = ("captions",)
#: Folders of tables and of audio that tools unpack into.
TABLES, AUDIO = ("", "clotho_csv_files"), ("", "clotho_audio_files")


def read(root: Path, *, version: str = "", references: Protocol = "all") -> Dataset:
    """Read the splits of Clotho whose tables are there.

    Parameters
    ----------
    root : Path
        Folder with `clotho_captions_evaluation.csv` and its like (or in `clotho_csv_files`), and the audio in
        `evaluation`, … beside them (or in `clotho_audio_files`). Answers that are stored already are scored without the
        audio.
    version : str
        `1.0`, `2.0` or `2.1`, where the tables must be those; by default what they are.
    references : {"all", "each"}
        Hold a caption against the five of its clip at once, as the challenge does, or against each of them alone: five
        items for every clip.

    Raises
    ------
    DataError
        No such table, or one without the columns `file_name` and `caption_1` … `caption_5`.
    ConfigError
        No such version or protocol, or the tables are those of another version.
    """
    root = Path(root)
    if version:
        option(version, tuple(COUNTS), "version of Clotho")
    tables = next((root / folder for folder in TABLES if any((root / folder).glob("clotho_captions_*.csv"))), None)
    if tables is None:
        raise DataError(
            "this is not the folder of dataset clotho: it has no clotho_captions_evaluation.csv",
            where=str(root),
            hint=f"Clotho comes from {FACTS.source}; unpack its tables here, and name the folder by --data clotho=PATH",
        )
    parts: dict[str, CaptionedPart] = {}
    seen: dict[str, str] = {}
    for split in SPLITS:
        path = tables / f"clotho_captions_{split}.csv"
        if not path.is_file():
            continue
        table = read_table(path, ("file_name", *(f"caption_{number}" for number in range(1, 6))))
        release = VERSIONS.get(hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest())
        if release is not None:
            seen[split] = release
        folder = next((f for f in AUDIO if (root / f / split).is_dir()), "")
        metadata = _metadata(tables / f"clotho_metadata_{split}.csv", table)
        parts[split] = CaptionedPart(table, "file_name", f"{folder}/{split}" if folder else split, True, metadata)
    other = next((split for split, release in seen.items() if version and release != version), None)
    if other is not None:
        raise ConfigError(
            f"the suite asks for Clotho {version}, the table of {other} is that of {seen[other]}",
            hint=f"get {version} from {FACTS.source}, or ask for another version",
        )
    if len(set(seen.values())) > 1:
        raise DataError(
            f"the tables are of different versions: {', '.join(f'{s} of {v}' for s, v in seen.items())}",
            where=str(tables),
            hint="get all of one version; 2.1 is the one to use",
        )
    known = next(iter(seen.values()), version)
    # The evaluation table is the same in all versions; of others, a checksum that nobody published is worth a word.
    odd = [split for split in parts if split != "evaluation" and split not in seen and not is_synthetic(root)]
    notes = [] if not odd else [f"the tables of {' and '.join(odd)} are none that Clotho was published with"]
    dataset = captioned("clotho", root, parts, FACTS, notes, references=references, version=known or None)
    if known in COUNTS and dataset.official:
        return replace(dataset, official={split: n for split, n in COUNTS[known].items() if split in parts})
    return dataset


def _metadata(path: Path, table: Table) -> dict[str, list[str]]:
    """Columns of a table of metadata for the rows of a table of captions; those of 2.0 and 2.1 are in Latin 1."""
    if not path.is_file():
        return {}
    content = path.read_bytes()
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("latin-1")
    rows = {row.get("file_name", ""): row for row in csv.DictReader(io.StringIO(text, newline=""))}
    names = table.frame["file_name"]
    lost = next((row for row, name in enumerate(names) if name not in rows), None)
    if lost is not None:
        raise DataError(
            f"the clip '{names.iat[lost]}' has captions and no metadata",
            where=str(path),
            hint=f"{path.name} is of another version than the captions; get both anew, or take it away",
        )
    held = [column for column in METADATA if column in next(iter(rows.values()))]
    return {column: [rows[name][column] or "" for name in names] for column in held}
