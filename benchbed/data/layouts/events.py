"""Anybody's recordings with timed events: audio files and one or several tables (tsv, csv, txt, jams)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchbed.data.assemble import build, find_root, natural
from benchbed.data.dataset import Dataset
from benchbed.data.events import Odd, checked_events, empty_note, header_seconds, tags_of, with_weak
from benchbed.data.facts import Facts
from benchbed.data.layouts.folder import SUFFIXES
from benchbed.data.tables import read_table
from benchbed.data.walk import files_below
from benchbed.errors import ConfigError, DataError

if TYPE_CHECKING:
    import pandas as pd

FILE_COLUMNS = ("filename", "file", "path", "audio", "fname")
LABEL_COLUMNS = ("event_label", "label", "event", "class")

FACTS = Facts(
    title="Recordings and timed events of your own",
    source="you",
    licence="",
    citation="",
    steps="a folder of audio, and a table with a row per event: file, onset, offset (seconds) and label; or one table "
    "per recording without the file",
)


def read(
    root: Path,
    *,
    name: str | None = None,
    table: str = "events.tsv",
    audio: str = "audio",
    labels: Sequence[str] | None = None,
    splits: Mapping[str, str] | None = None,
    listed_only: bool = False,
    weak: str | None = None,
    odd: Odd = "error",
    group_parts: int = 0,
    separator: str = "_",
    licence: str = "",
    citation: str = "",
    source: str = "",
    version: str = "",
) -> Dataset:
    """Read recordings and their events.

    Parameters
    ----------
    root : Path
        The folder; all paths are relative to it.
    name : str, optional
        Name on records; the folder's own name by default.
    table : str
        One table for all recordings with columns of file, onset, offset and label, or a folder with one table
        (`onset, offset, label`, with or without header; tsv, csv, txt) or JAMS file for each recording. A row with
        empty times and label says that its recording holds no event.
    audio : str
        Folder of the recordings.
    labels : sequence of str, optional
        The classes, in order; all that occur, sorted, if absent.
    splits : mapping of str to str, optional
        Split → table of its own, or text file of recordings, relative to the root. All recordings are `test` if absent.
    listed_only : bool, default=False
        Leave out recordings without a row; otherwise they are recordings without events.
    weak : str, optional
        Table of recordings of which only the classes are known (`filename`, `event_labels`, which commas separate);
        metrics of events leave them out, those of tags count them.
    odd : {"error", "drop"}
        What to do with an event that cannot be scored.
    group_parts : int, default=0
        Recordings whose names agree in so many parts, cut at `separator`, are drawn as one in resampling.
    licence, citation, source, version : str
        For the record.

    Raises
    ------
    DataError
        Files missing, a wrong row, an unknown label, an event of a recording that is not there.

    Examples
    --------
    >>> import tempfile
    >>> from benchbed import audio
    >>> root = Path(tempfile.mkdtemp())
    >>> (root / "audio").mkdir()
    >>> for file in ("a.wav", "b.wav"):
    ...     audio.write(root / "audio" / file, np.zeros((1, 8000), np.float32), 8000)
    >>> _ = (root / "events.tsv").write_text("filename\\tonset\\toffset\\tevent_label\\na.wav\\t0.2\\t0.7\\tdog\\n")
    >>> dataset = read(root, name="mine")
    >>> dataset.clips["label"].tolist(), dataset.events["offset"].tolist()
    ([('dog',), ()], [0.7])
    """
    import pandas as pd

    root = find_root(Path(root), name or Path(root).name or "events", FACTS, (audio,) if audio else ())
    name = name or root.resolve().name
    files = _recordings(root, audio)
    named = {Path(file).name: file for file in files} if len({Path(f).name for f in files}) == len(files) else {}
    stems = {str(Path(file).with_suffix("")): file for file in files}
    rows = _folder(root / table, stems, audio) if (root / table).is_dir() else _table(root / table)
    place = {file: index for index, file in enumerate(files)}
    prefix = f"{audio}/" if audio else ""
    found = [file if file in place else named.get(file, prefix + file) for file in rows["file"]]
    lost = [index for index, file in enumerate(found) if file not in place]
    if lost:
        first, hint = rows.iloc[lost[0]], f"recordings are looked for in {audio or '.'}"
        what = f"the recording '{first['file']}' is not there ({len(lost)} such rows)"
        raise DataError(what, where=first["where"], hint=hint)
    rows = rows.assign(row=[place[file] for file in found])
    if listed_only:
        files = [file for file in files if file in set(found)]
        place = {file: index for index, file in enumerate(files)}
        rows = rows.assign(row=[place[file] for file in found])
    tagged = _weak(root / weak, place, named, prefix) if weak else {}
    both = [file for file in found if place[file] in tagged]
    if both:
        raise DataError(f"'{both[0]}' has weak labels and events", where=str(root / str(weak)), hint="one of the two")
    rows = rows[(rows["label"] != "").to_numpy()].reset_index(drop=True)
    every = set(rows["label"]).union(*tagged.values())
    classes = tuple(labels) if labels is not None else tuple(sorted(every))
    if not classes:
        raise DataError("no event has a label", where=str(root / table))
    where = rows["where"].tolist()
    events, notes = checked_events(
        rows.drop(columns=["where", "file"]), classes, header_seconds(root, files), where.__getitem__, odd=odd
    )
    tags = tags_of(events, len(files), classes)
    if tagged:
        tags, said = with_weak(tags, tagged, classes, str(root / str(weak)))
        notes += said
    return build(
        name=name,
        root=root,
        kind="frames",
        labels=classes,
        paths=pd.Series(files, dtype=object),
        label=tags,
        group=pd.Series([_group(file, group_parts, separator) for file in files], dtype=object),
        where=lambda row: str(root / files[row]),
        splits=_splits(root, splits, place, named, stems),
        facts=Facts(name, source, licence, citation, version),
        metadata={"weak": [row in tagged for row in range(len(files))]} if tagged else None,
        notes=notes + empty_note(tags),
        events=events,
    )


def _weak(path: Path, place: Mapping[str, int], named: Mapping[str, str], prefix: str) -> dict[int, tuple[str, ...]]:
    """Row of a recording → its classes, from a table of weak labels."""
    table = read_table(path, ("filename", "event_labels"), delimiter="\t")
    found = {}
    for row, (file, labels) in enumerate(zip(table.frame["filename"], table.frame["event_labels"])):
        at = place.get(file, place.get(named.get(file, prefix + file), -1))
        if at < 0:
            raise DataError(f"the recording '{file}' is not there", where=table.where(row))
        found[at] = tuple(label.strip() for label in labels.split(",") if label.strip())
    return found


def _recordings(root: Path, audio: str) -> list[str]:
    below = (Path(audio) / path for path in files_below(root / audio))
    files = [path.as_posix() for path in below if path.suffix.lower() in SUFFIXES]
    if not files:
        raise DataError("there are no recordings", where=str(root / audio), hint=f"looked for {', '.join(SUFFIXES)}")
    return sorted(files, key=natural)


def _table(path: Path) -> pd.DataFrame:
    import pandas as pd

    table = read_table(path, ("onset", "offset"))
    columns = {}
    for role, usual in (("file", FILE_COLUMNS), ("label", LABEL_COLUMNS)):
        column = next((c for c in usual if c in table.frame), None)
        if column is None:
            raise DataError(
                f"the table has no column of the {role}", where=f"{path}:1", hint=f"one of {', '.join(usual)}"
            )
        columns[role] = table.frame[column]
    rows = pd.DataFrame({**columns, "onset": table.numbers("onset"), "offset": table.numbers("offset")})
    if "confidence" in table.frame:
        rows["confidence"] = table.numbers("confidence")
    return rows.assign(where=[table.where(i) for i in range(len(rows))])


def _folder(folder: Path, stems: Mapping[str, str], audio: str) -> pd.DataFrame:
    """One file of events for each recording, found by its name."""
    import pandas as pd

    parts = []
    tables = 0
    prefix = f"{audio}/" if audio else ""
    for file in sorted(folder / path for path in files_below(folder)):
        if file.suffix.lower() not in (".tsv", ".csv", ".txt", ".jams", ".ann"):
            continue
        stem = prefix + file.relative_to(folder).with_suffix("").as_posix()
        rows = read_jams(file) if file.suffix.lower() == ".jams" else read_list(file)
        tables += 1
        if len(rows):
            parts.append(rows.assign(file=stems.get(stem, stem)))
        elif stem not in stems:
            raise DataError("there is no recording of this table's name", where=str(file))
    if not tables:
        raise DataError("there are no tables of events", where=str(folder), hint="tsv, csv, txt or jams")
    if not parts:
        raise DataError("no table holds an event", where=str(folder))
    return pd.concat(parts, ignore_index=True)


def read_list(path: Path) -> pd.DataFrame:
    """Events of one recording from a text file of `onset, offset, label`, with or without a header; empty for none.

    Returns
    -------
    pandas.DataFrame
        `onset`, `offset`, `label`, `where`, and `confidence` if there is a fourth number.

    Raises
    ------
    DataError
        The file is missing or a row is something else.
    """
    import pandas as pd

    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except OSError as error:
        raise DataError(f"the events cannot be read: {error.strerror}", where=str(path)) from error
    except UnicodeDecodeError as error:
        raise DataError("the table is not UTF-8 text", where=str(path), hint="save it as UTF-8") from error
    rows = []
    for number, line in enumerate(lines, start=1):
        mark = next((m for m in ("\t", ";", ",") if m in line), None)
        cells = [cell.strip() for cell in (line.split(mark) if mark else line.split(None, 2))]
        if len(cells) > 4 and not _number(cells[0]) and _number(cells[2]) and _number(cells[3]):
            cells = cells[2:5]  # the long form of TUT: file, scene, onset, offset, label, …
        if not any(cells) or (number == 1 and not _number(cells[0])):
            continue
        if len(cells) < 3 or not (_number(cells[0]) and _number(cells[1])):
            raise DataError("the row is not `onset, offset, label`", where=f"{path}:{number}")
        soft = [float(cells[3])] if len(cells) > 3 and _number(cells[3]) else []
        rows.append((float(cells[0]), float(cells[1]), cells[2], f"{path}:{number}", *soft))
    names = ["onset", "offset", "label", "where", "confidence"]
    width = max((len(row) for row in rows), default=4)
    if any(len(row) != width for row in rows):
        raise DataError("some rows have a confidence and some have none", where=str(path))
    return pd.DataFrame(rows, columns=names[:width])


def read_jams(path: Path) -> pd.DataFrame:
    """Events of one recording from a JAMS file (`scaper` or `segment_open` annotations; Scaper's background is left
    out).

    Raises
    ------
    DataError
        Not a JAMS file, or without such an annotation.
    """
    import pandas as pd

    try:
        annotations = json.loads(path.read_text(encoding="utf-8"))["annotations"]
        found = [a for a in annotations if a["namespace"] in ("scaper", "sound_event", "segment_open", "tag_open")]
        rows = []
        for place, item in enumerate(found[0]["data"] if found else ()):
            value = item["value"]
            if isinstance(value, dict) and value.get("role") == "background":
                continue
            label = value["label"] if isinstance(value, dict) else str(value)
            onset = float(item["time"])
            rows.append((onset, onset + float(item["duration"]), label, f"{path}: event {place + 1}"))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(f"not a JAMS file of events ({type(error).__name__}: {error})", where=str(path)) from error
    if not found:
        raise DataError("the JAMS file has no annotation of events", where=str(path))
    return pd.DataFrame(rows, columns=["onset", "offset", "label", "where"])


def _number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _group(file: str, parts: int, separator: str) -> str:
    if not parts:
        return file
    return separator.join(Path(file).stem.split(separator)[:parts])


def _splits(
    root: Path,
    splits: Mapping[str, str] | None,
    place: Mapping[str, int],
    named: Mapping[str, str],
    stems: Mapping[str, str],
) -> dict[str, np.ndarray]:
    everything = np.arange(len(place))
    if not splits:
        return {"test": everything}
    found = {"all": everything}
    for split, file in splits.items():
        path = root / file
        if not path.is_file():
            raise ConfigError(f"the list of split '{split}' is missing", where=str(path))
        first = [line.replace(",", "\t").split("\t")[0].strip() for line in path.read_text("utf-8-sig").splitlines()]
        wanted = [name for name in dict.fromkeys(first) if name and name not in FILE_COLUMNS]
        rows = [place.get(n, place.get(named.get(n, ""), place.get(stems.get(n, ""), -1))) for n in wanted]
        if -1 in rows:
            raise DataError(
                f"the recording '{wanted[rows.index(-1)]}' of split '{split}' is not there", where=str(path)
            )
        found[split] = np.array(rows, np.int64)
    return found
