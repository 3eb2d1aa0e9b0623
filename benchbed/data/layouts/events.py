"""Anybody's recordings with timed events: audio files and one or several tables (tsv, csv, txt, jams)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchbed.data.assemble import build, find_root, natural, option
from benchbed.data.dataset import SECONDS, Dataset
from benchbed.data.events import Odd, Overlap, checked_events, empty_note, header_seconds, tags_of, weak_tags, with_weak
from benchbed.data.facts import Facts
from benchbed.data.layouts.folder import SUFFIXES
from benchbed.data.walk import files_below
from benchbed.errors import ConfigError, DataError
from benchbed.tables.events import read_events, tidy
from benchbed.tables.jams import read_jams
from benchbed.tables.names import matched, read_names
from benchbed.tables.table import read_table

if TYPE_CHECKING:
    import pandas as pd

#: Suffixes of lists of events in a folder; other files there are left alone, and counted.
LISTS = (".tsv", ".csv", ".txt", ".ann", ".jams", ".parquet")

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
    durations: str | None = None,
    overlap: Overlap | None = None,
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
    durations : str, optional
        Table of the length of recordings (`filename`, `duration` in seconds). With it, stored answers are scored
        without audio, and recordings may be listed there alone.
    overlap : {"keep", "merge"}, optional
        Events of one class that overlap stay as they are listed, or are one. By default they stay, but where a JAMS
        file has several annotations, which then say the same twice.
    odd : {"error", "drop", "keep"}
        What to do with an event that cannot be scored; `keep` keeps those of no length, as sed_eval does.
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

    option(overlap or "keep", ("keep", "merge"), "overlap")
    needed = (durations,) if durations else (audio,) if audio else ()
    called = name or Path(root).name or "events"
    hint = (
        f"the option audio names the folder of your recordings ('{audio}' here, '' for none); name the folder above "
        f"it by --data {called}=PATH, by BENCHBED_DATA, or under data: in the user configuration"
    )
    root = find_root(Path(root), called, FACTS, needed, hint="" if durations else hint)
    name = name or root.resolve().name
    files, stated = _stated(root, audio, durations) if durations else (_recordings(root, audio), np.zeros(0))
    several, notes = 0, list[str]()
    if (root / table).is_dir():
        rows, notes, several = _folder(root / table, files, audio)
    else:
        rows = _table(root / table)
    prefix = f"{audio}/" if audio else ""
    owners = matched(rows["file"], files, rows["where"].tolist().__getitem__, _inside(files, prefix))
    if (owners < 0).any():
        lost = rows.iloc[int((owners < 0).argmax())]
        what = f"the recording '{lost['file']}' is not there ({int((owners < 0).sum())} such rows)"
        raise DataError(what, where=lost["where"], hint=f"recordings are looked for in {audio or '.'}")
    if listed_only:
        kept = sorted(set(owners.tolist()))
        files, owners = [files[place] for place in kept], np.searchsorted(kept, owners)
        stated = stated[kept] if durations else stated
    rows = rows.assign(row=owners)
    timed = rows[(rows["label"] != "").to_numpy()].reset_index(drop=True)
    known = set(labels if labels is not None else timed["label"])
    tagged = _weak(root / weak, files, prefix, known) if weak else {}
    both = next((row for row in owners.tolist() if row in tagged), None)
    if both is not None:
        raise DataError(
            f"'{files[both]}' has weak labels and events", where=str(root / str(weak)), hint="one of the two"
        )
    every = set(timed["label"]).union(*tagged.values())
    classes = tuple(labels) if labels is not None else tuple(sorted(every))
    if not classes:
        raise DataError("no event has a label", where=str(root / table))
    rows = timed
    where = rows["where"].tolist()
    events, said = checked_events(
        rows.drop(columns=["where", "file"]),
        classes,
        _lengths(root, files, stated),
        where.__getitem__,
        odd=odd,
        overlap=overlap or ("merge" if several else "keep"),
    )
    notes += said
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
        splits=_splits(root, splits, files, prefix),
        facts=Facts(name, source, licence, citation, version),
        metadata={
            **({"weak": [row in tagged for row in range(len(files))]} if tagged else {}),
            **({SECONDS: stated} if durations else {}),
        },
        notes=notes + empty_note(tags),
        events=events,
    )


def _inside(files: Sequence[str], prefix: str) -> dict[str, int]:
    """Recordings by their paths inside the folder of recordings, which tables usually give."""
    return {file.removeprefix(prefix): place for place, file in enumerate(files)}


def _weak(path: Path, files: Sequence[str], prefix: str, known: Collection[str]) -> dict[int, tuple[str, ...]]:
    """Number of a recording → its classes, from a table of weak labels."""
    table = read_table(path, ("filename",))
    found = matched(table.frame["filename"], files, table.where, _inside(files, prefix))
    if (found < 0).any():
        row = int((found < 0).argmax())
        raise DataError(f"the recording '{table.frame['filename'].iloc[row]}' is not there", where=table.where(row))
    return weak_tags(table, found.tolist(), known)


def _stated(root: Path, audio: str, durations: str) -> tuple[list[str], np.ndarray]:
    """Recordings, with audio or without, and their stated lengths in seconds; NaN where none is."""
    table = read_table(root / durations, ("filename", "duration"))
    prefix = f"{audio}/" if audio else ""
    files = _recordings(root, audio) if not audio or (root / audio).is_dir() else []
    seconds = table.numbers("duration")
    bad = ~(seconds > 0)
    if bad.any():
        raise DataError("a duration is no number of seconds", where=table.where(int(bad.argmax())))
    found = matched(table.frame["filename"], files, table.where, _inside(files, prefix))
    lengths = np.full(len(files), np.nan)
    lengths[found[found >= 0]] = seconds[found >= 0]
    alone = dict(zip(table.frame["filename"][found < 0], seconds[found < 0]))
    named = [name if name.startswith(prefix) else prefix + name for name in map(tidy, alone)]
    return files + named, np.concatenate([lengths, list(alone.values())])


def _lengths(root: Path, files: Sequence[str], stated: np.ndarray) -> np.ndarray:
    """Length of each recording in seconds, as stated, or else by the header of its audio."""
    if not len(stated):
        return header_seconds(root, files)
    lengths = stated.copy()
    for place in np.flatnonzero(np.isnan(stated)).tolist():
        lengths[place] = header_seconds(root, [files[place]])[0]
    return lengths


def _recordings(root: Path, audio: str) -> list[str]:
    below = (Path(audio) / path for path in files_below(root / audio))
    files = [path.as_posix() for path in below if path.suffix.lower() in SUFFIXES]
    if not files:
        raise DataError("there are no recordings", where=str(root / audio), hint=f"looked for {', '.join(SUFFIXES)}")
    return sorted(files, key=natural)


def _table(path: Path) -> pd.DataFrame:
    if not path.is_file():
        raise DataError("the table of events is missing", where=str(path), hint="check option table")
    return read_events(path, own=False)


def _folder(folder: Path, files: Sequence[str], audio: str) -> tuple[pd.DataFrame, list[str], int]:
    """One file of events for each recording, found by its name; what was left alone; files of several annotations."""
    import pandas as pd

    parts: list[pd.DataFrame] = []
    others: list[str] = []
    tables: dict[str, Path] = {}
    several = tags = 0
    stems = {str(Path(file).with_suffix("")): file for file in files}
    prefix = f"{audio}/" if audio else ""
    for file in sorted(folder / path for path in files_below(folder) if not Path(path).name.startswith(".")):
        if file.suffix.lower() not in LISTS:
            others.append(file.relative_to(folder).as_posix())
            continue
        stem = prefix + file.relative_to(folder).with_suffix("").as_posix()
        if stem in tables:
            what = f"two tables are about {stems.get(stem, stem)}"
            raise DataError(what, where=f"{tables[stem]} and {file}", hint="keep one of them")
        tables[stem] = file
        if file.suffix.lower() == ".jams":
            jams = read_jams(file)
            rows, several, tags = jams.rows, several + (jams.annotations > 1), tags + jams.tags
        else:
            rows = read_events(file, own=True)
        if len(rows):
            parts.append(rows.assign(file=stems.get(stem, stem)))
        elif stem not in stems:
            raise DataError("there is no recording of this table's name", where=str(file))
        else:
            parts.append(pd.DataFrame([{"file": stems[stem], "label": "", "where": str(file)}]))
    if not tables:
        raise DataError("there are no tables of events", where=str(folder), hint=", ".join(LISTS))
    if all((part["label"] == "").all() for part in parts):
        raise DataError("no table holds an event", where=str(folder))
    sure = ["confidence" in part for part in parts if (part["label"] != "").any()]
    if any(sure) and not all(sure):
        lacking = next(p for p in parts if (p["label"] != "").any() and "confidence" not in p)
        raise DataError(
            "some tables have a confidence and this one has none", where=lacking["where"].iloc[0].rpartition(":")[0]
        )
    notes = []
    if several:
        notes.append(f"events of several annotations of one JAMS file were taken together, in {_files(several)}")
    if tags:
        notes.append(f"{tags} tags beside the events of JAMS files were left out")
    if others:
        notes.append(
            f"{_files(len(others))} of {folder.name} are no lists of events and were not read: {_some(others)}"
        )
    without = [file for stem, file in stems.items() if stem not in tables]
    if without:
        count = f"{len(without)} of {len(files)} recordings"
        notes.append(f"{count} have no table and count as recordings without events: {_some(without)}")
    return pd.concat(parts, ignore_index=True), notes, several


def _files(count: int) -> str:
    return f"{count} file{'' if count == 1 else 's'}"


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (", …" if len(names) > 3 else "")


def _group(file: str, parts: int, separator: str) -> str:
    if not parts:
        return file
    return separator.join(Path(file).stem.split(separator)[:parts])


def _splits(root: Path, splits: Mapping[str, str] | None, files: Sequence[str], prefix: str) -> dict[str, np.ndarray]:
    everything = np.arange(len(files))
    if not splits:
        return {"test": everything}
    found = {"all": everything}
    for split, file in splits.items():
        path = root / file
        if not path.is_file():
            raise ConfigError(f"the list of split '{split}' is missing", where=str(path))
        wanted, places = read_names(path)
        rows = matched(wanted, files, places.__getitem__, _inside(files, prefix))
        if (rows < 0).any():
            lost = int((rows < 0).argmax())
            raise DataError(f"the recording '{wanted[lost]}' of split '{split}' is not there", where=places[lost])
        found[split] = rows
    return found
