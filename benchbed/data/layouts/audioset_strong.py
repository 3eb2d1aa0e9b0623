"""AudioSet with times: ten-second segments of videos whose events have onset and offset."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import numpy as np

from benchbed.data.assemble import build, find_root, option
from benchbed.data.dataset import Dataset
from benchbed.data.events import Odd, checked_events, empty_note, tags_of
from benchbed.data.facts import Facts
from benchbed.errors import DataError
from benchbed.tables.table import read_table

NAMES = "mid_to_display_name.tsv"
LISTS = {"train": "audioset_train_strong.tsv", "test": "audioset_eval_strong.tsv"}

FACTS = Facts(
    title="AudioSet, temporally strong labels",
    source="https://research.google.com/audioset/download_strong.html (labels; the audio stays with the videos)",
    licence="labels CC BY 4.0; the audio under the terms of each video",
    citation="S. Hershey et al.: The benefit of temporally-strong labels in audio event classification. ICASSP 2021.",
    version="2021",
    counts={"audioset_strong": {"train": 103_463, "test": 16_996}},
    steps="put the lists and mid_to_display_name.tsv into one folder with your audio, and say by the option audio how "
    "its files are named, e.g. audio: 'eval/{segment}.wav'",
)


def read(
    root: Path,
    *,
    audio: str = "audio/{segment}.wav",
    missing: Literal["keep", "drop"] = "keep",
    odd: Odd = "error",
) -> Dataset:
    """Read the strong labels; splits `train` and `test`, as far as their lists are there.

    Parameters
    ----------
    root : Path
        Folder with the lists and the audio.
    audio : str
        Path of a segment's file: `{segment}` is its id (`YTID_milliseconds`), `{ytid}` the video, `{seconds}` its start
        in seconds, `{split}` the split.
    missing : {"keep", "drop"}
        Segments whose audio is not there fail, or are left out and counted.
    odd : {"error", "drop"}
        What to do with an event that cannot be scored.

    Raises
    ------
    DataError
        Files missing, or a wrong row.
    """
    import pandas as pd

    option(missing, ("keep", "drop"), "missing")
    root = find_root(Path(root), "audioset_strong", FACTS, (NAMES,))
    named = read_table(root / NAMES, names=("mid", "name"), delimiter="\t").frame
    names = dict(zip(named["mid"], named["name"]))
    lists = {split: file for split, file in LISTS.items() if (root / file).is_file()}
    if not lists:
        raise DataError("no list of events is there", where=str(root), hint=", ".join(LISTS.values()))
    parts, places, splits = [], [], {}
    paths: list[Any] = []
    videos: list[Any] = []
    for split, file in lists.items():
        columns = ("segment_id", "start_time_seconds", "end_time_seconds", "label")
        table = read_table(root / file, columns, delimiter="\t")
        segments = list(dict.fromkeys(table.frame["segment_id"]))
        place = {segment: len(paths) + i for i, segment in enumerate(segments)}
        for segment in segments:
            ytid, _, start = segment.rpartition("_")
            if not ytid or not start.isdigit():
                raise DataError(f"'{segment}' is not `video_milliseconds`", where=str(root / file))
            fields = {"segment": segment, "ytid": ytid, "seconds": f"{int(start) / 1000:.3f}", "split": split}
            paths.append(audio.format(**fields))
            videos.append(ytid)
        splits[split] = np.arange(len(paths) - len(segments), len(paths))
        rows = pd.DataFrame(
            {
                "row": table.frame["segment_id"].map(place),
                "onset": table.numbers("start_time_seconds"),
                "offset": table.numbers("end_time_seconds"),
                "label": [names.get(mid, mid) for mid in table.frame["label"]],
            }
        )
        parts.append(rows)
        places += [table.where(i) for i in range(len(rows))]
    rows, labels = pd.concat(parts, ignore_index=True), tuple(dict.fromkeys(named["name"]))
    notes, kept = [], np.ones(len(paths), bool)
    if missing == "drop":
        kept = np.array([(root / path).is_file() for path in paths])
        if not kept.any():
            raise DataError("none of the audio files is there", where=str(root / paths[0]), hint="check option audio")
        notes.append(f"{int((~kept).sum())} of {len(kept)} segments left out: their audio is not there")
    new = np.cumsum(kept) - 1
    rows_kept = kept[rows["row"].to_numpy()]
    where = [place for place, keep in zip(places, rows_kept) if keep]
    rows = rows[rows_kept].assign(row=new[rows["row"].to_numpy()[rows_kept]])
    # A segment lasts ten seconds at most; what is beyond is cut where the audio ends.
    events, said = checked_events(rows, labels, np.full(int(kept.sum()), np.nan), where.__getitem__, odd=odd)
    tags = tags_of(events, int(kept.sum()), labels)
    chosen = [path for path, keep in zip(paths, kept) if keep]
    return build(
        name="audioset_strong",
        root=root,
        kind="frames",
        labels=labels,
        paths=pd.Series(chosen, dtype=object),
        label=tags,
        group=pd.Series([video for video, keep in zip(videos, kept) if keep], dtype=object),
        where=lambda row: str(root / chosen[row]),
        splits={split: new[members[kept[members]]] for split, members in splits.items()},
        facts=FACTS,
        notes=[*notes, *said, *empty_note(tags)],
        events=events,
    )
