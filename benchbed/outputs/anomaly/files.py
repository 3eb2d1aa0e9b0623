"""Anomaly scores as systems of DCASE Task 2 submit them: a folder with a csv of scores for each section of a machine.

`anomaly_score_<machine>_id_01.csv` in 2020, `anomaly_score_<machine>_section_03_source_test.csv` in 2021,
`anomaly_score_<machine>_section_00_test.csv` from 2022 on, or as the baseline of a year calls its own
(`anomaly_score_DCASE2023T2<machine>_section_00_test_seed13711_id(0_)_Eval.csv`): rows of file name and score, without a
header. `decision_result_…` beside each holds 0 for normal and 1 for an anomaly. The evaluators sort the rows and take
them by their number; here a row counts for the clip that it names.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchbed.errors import ConfigError, DataError, did_you_mean
from benchbed.tables.table import read_table

if TYPE_CHECKING:
    import pandas as pd

_NAME = re.compile(
    r"^(?P<what>anomaly_score|decision_result)_(?:DCASE20\d\dT2)?(?P<machine>.+?)_"
    r"(?P<section>(?:section|id)_\d\d)(?:_(?P<domain>source|target))?(?:_test)?(?:_seed.*)?\.csv$"
)
#: What the names of such files look like, for hints.
FORM = "anomaly_score_<machine>_section_00_test.csv"
#: Machine and file name of a clip.
Clip = tuple[str, str]


@dataclass(frozen=True)
class ScoreRow:
    """What a system says of a clip, and where.

    Attributes
    ----------
    value : float
        The score or decision.
    where : str
        `file:row`.
    """

    value: float
    where: str


@dataclass(frozen=True)
class ScoreFolder:
    """What a system says of all clips.

    Attributes
    ----------
    path : Path
        The folder.
    scores, decisions : mapping of (str, str) to ScoreRow
        Machine and file name → what is said of that clip.
    sections : tuple of (str, str)
        Machine and section of each file of scores.
    """

    path: Path
    scores: Mapping[Clip, ScoreRow]
    decisions: Mapping[Clip, ScoreRow]
    sections: tuple[tuple[str, str], ...]


def read_folder(path: Path) -> ScoreFolder:
    """Read every file of a folder.

    Raises
    ------
    ConfigError
        No folder, or no file of scores in it.
    DataError
        A row that is not a name and a number, NaN, a clip twice, or a decision other than 0 and 1.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> _ = (folder / "anomaly_score_fan_section_00_test.csv").write_text("section_00_0000.wav,1.5\\n")
    >>> {clip: row.value for clip, row in read_folder(folder).scores.items()}
    {('fan', 'section_00_0000.wav'): 1.5}
    """
    path = Path(path)
    hint = f"a folder of files {FORM}"
    if not path.is_dir():
        raise ConfigError("anomaly scores are a folder, not a file", where=str(path), hint=hint)
    files = tuple((file, file.stat().st_size, file.stat().st_mtime_ns) for file in sorted(path.glob("*.csv")))
    if not any(_NAME.match(file.name) for file, *_ in files):
        raise ConfigError("the folder has no file of anomaly scores", where=str(path), hint=hint)
    return _read(path, files)


@lru_cache(maxsize=4)
def _read(path: Path, files: tuple[tuple[Path, int, int], ...]) -> ScoreFolder:
    rows: dict[str, dict[Clip, ScoreRow]] = {"anomaly_score": {}, "decision_result": {}}
    sections: dict[tuple[str, str], None] = {}
    for file, *_ in files:
        if (name := _NAME.match(file.name)) is None:
            continue
        kept = rows[name["what"]]
        if name["what"] == "anomaly_score":
            sections[name["machine"], name["section"]] = None
        table = read_table(file, names=("file", "value"), delimiter=",")
        values = table.numbers("value")
        for index, (clip, value) in enumerate(zip(table.frame["file"], values.tolist())):
            where, key = table.where(index), (name["machine"], _named(clip))
            _refuse_odd(name["what"], value, where)
            if key in kept:
                raise DataError(f"'{clip}' stands twice", where=f"{kept[key].where} and {where}")
            if not key[1].removeprefix("normal_").removeprefix("anomaly_").startswith(name["section"]):
                raise DataError(
                    f"'{clip}' is no clip of {name['section']}", where=where, hint="the name of the file says which"
                )
            kept[key] = ScoreRow(value, where)
    return ScoreFolder(path, rows["anomaly_score"], rows["decision_result"], tuple(sections))


def _refuse_odd(what: str, value: float, where: str) -> None:
    if not np.isfinite(value):
        raise DataError(f"the value is {value}", where=where, hint="a finite number for each clip")
    if what == "decision_result" and value not in (0.0, 1.0):
        raise DataError(f"the decision is {value:g}", where=where, hint="0 for normal, 1 for an anomaly")


def answers_of(path: Path, clips: pd.DataFrame) -> np.ndarray:
    """Scores and decisions `[clip, 2]` of clips; NaN where nothing was decided.

    Raises
    ------
    DataError
        A clip without a score, or one of several without a decision.
    """
    folder = read_folder(path)
    answers = np.full((len(clips), 2), np.nan)
    for row, clip in enumerate(clips["clip_id"].astype(str)):
        key = _clip(clip)
        if key not in folder.scores:
            raise _lacking(folder, key)
        answers[row, 0] = folder.scores[key].value
        if key in folder.decisions:
            answers[row, 1] = folder.decisions[key].value
        elif folder.decisions:
            raise DataError(
                f"there are decisions, but none about '{key[1]}' of {key[0]}",
                where=str(folder.path),
                hint="a decision_result file for every section, with a row for each clip, or none at all",
            )
    return answers


def _lacking(folder: ScoreFolder, key: Clip) -> DataError:
    """Why a clip has no score: no file of its machine, none of its section, another year's, or no row."""
    machine, name = key
    machines = list(dict.fromkeys(one for one, _ in folder.sections))
    sections = [section for one, section in folder.sections if one == machine]
    wanted = _section(name)
    there = ", ".join(f"{one} {section}" for one, section in folder.sections[:4])
    more = ", …" if len(folder.sections) > 4 else ""
    if sections and wanted in sections:
        hint = did_you_mean(name, [file for one, file in folder.scores if one == machine and _section(file) == wanted])
        return DataError(f"no score for the clip '{name}' of {machine}", where=str(folder.path), hint=hint)
    old = [section.startswith("id_") for _, section in folder.sections]
    if all(old) != wanted.startswith("id_"):
        other = "2020 (machine ids)" if all(old) else "2021 or later (sections)"
        return DataError(
            f"these are files of {other}, the data set has {machine} {wanted}",
            where=str(folder.path),
            hint=f"they are about {there}{more}; choose the suite of their year",
        )
    near = did_you_mean(machine, machines) if not sections else None
    return DataError(
        f"there is no file of scores for {machine} {wanted}",
        where=str(folder.path),
        hint=near or f"there are {there}{more}: is this the right year, and development or evaluation?",
    )


def unused(path: Path, clips: pd.DataFrame) -> list[str]:
    """Rows about none of the clips, in words."""
    folder = read_folder(path)
    known = {_clip(clip) for clip in clips["clip_id"].astype(str)}
    lost = [row.where for clip, row in folder.scores.items() if clip not in known]
    if not lost:
        return []
    return [
        f"{len(lost)} of {len(folder.scores)} scores are about no clip of the data set and were not used, the first at "
        f"{Path(lost[0]).name}"
    ]


def _section(name: str) -> str:
    match = re.search(r"(?:section|id)_\d\d", name)
    return match[0] if match else name


def _named(cell: str) -> str:
    """A file name as it stands in a row, perhaps with a folder before it, or without its ending."""
    name = cell.replace("\\", "/").rpartition("/")[2]
    return name if name.lower().endswith(".wav") else f"{name}.wav"


def _clip(clip_id: str) -> Clip:
    """Machine and file name of a clip id, `…/<machine>/<test>/<file>`."""
    parts = clip_id.split("/")
    return (parts[-3] if len(parts) > 2 else ""), parts[-1]
