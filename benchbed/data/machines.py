"""Sets of machine sounds as DCASE Task 2 lays them out from 2020 on, development and evaluation set of a year together.

A folder for each machine holds `train` with normal sounds, and `test` (2021: `source_test` and `target_test`). File
names say what a clip is: `normal_id_00_00000000.wav` in 2020, `section_00_source_test_normal_0000….wav` later.
Evaluation clips are named by their number alone (`section_00_0000.wav`); their state and domain stand in the files of
that year's evaluator, `ground_truth_data` and `ground_truth_domain` (2020: `eval_data_list.csv`), beside the folders of
machines or in a folder beside them. With these files alone, stored scores are scored without the audio.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from benchbed.data.assemble import build
from benchbed.data.dataset import Dataset
from benchbed.data.facts import Facts
from benchbed.errors import DataError
from benchbed.outputs.anomaly.monitored import DOMAINS, STATES
from benchbed.tables.table import Table, read_table

#: Columns of every set of this form, for suites that are checked without it.
COLUMNS = ("machine", "domain", "state", "attributes")
SPLITS = ("train", "test", "eval_train", "eval_test")
#: Folders of clips of a machine; others, as `supplemental` of 2025, are left alone.
_FOLDERS = ("train", "test", "source_test", "target_test")
#: How deep machines may lie below the root, e.g. `dev_data/raw/fan/test`.
_DEPTH = 5
_OLD = re.compile(r"^(?:(?P<state>normal|anomaly)_)?id_(?P<section>\d\d)_(?P<number>\d+)\.wav$", re.IGNORECASE)
_NEW = re.compile(
    r"^section_(?P<section>\d\d)_(?:(?P<domain>source|target)_)?(?:(?:train|test)_)?"
    r"(?:(?P<state>normal|anomaly)_)?(?P<number>\d{4,8})(?:_(?P<attributes>.+))?\.wav$",
    re.IGNORECASE,
)
_TRUTH = re.compile(
    r"^ground_truth_(?P<machine>.+)_section_(?P<section>\d\d)_(?:(?P<domain>source|target)_)?test\.csv$"
)
STATED, STATED_DOMAINS, OLD_LIST = "ground_truth_data", "ground_truth_domain", "eval_data_list.csv"


@dataclass(frozen=True)
class Season:
    """What a year's set looks like.

    Attributes
    ----------
    year : int
        Of the challenge.
    facts : Facts
        What the publisher says.
    machines : tuple of str
        Kinds of machines, development first; empty where any will do.
    sections : tuple of str
        Numbers of sections that exist; empty where any will do.
    """

    year: int
    facts: Facts
    machines: tuple[str, ...] = ()
    sections: tuple[str, ...] = ()

    @property
    def word(self) -> str:
        """What a section is called."""
        return "id" if self.year == 2020 else "section"


@dataclass(frozen=True)
class Recorded:
    """A clip by its name."""

    path: str
    machine: str
    section: str
    domain: str
    state: str
    trained: bool
    evaluated: bool
    attributes: str = ""
    where: str = ""

    @property
    def label(self) -> str:
        """Name of its section."""
        return f"{self.machine} {self.section}"

    @property
    def key(self) -> tuple[str, str]:
        """Machine and file name, by which ground truth finds it."""
        return self.machine, self.path.rpartition("/")[2]


@dataclass
class _Truth:
    """What evaluators say of clips: state and domain by machine and file name, and where."""

    states: dict[tuple[str, str], tuple[str, str]] = field(default_factory=dict)
    domains: dict[tuple[str, str], str] = field(default_factory=dict)
    files: set[str] = field(default_factory=set)


def machine_sounds(root: Path, season: Season) -> Dataset:
    """A year's set: splits `train` and `test` of the development set, `eval_train` and `eval_test` of the other.

    Parameters
    ----------
    root : Path
        Folder that holds the machines' folders, at any depth down to five, or the files of the evaluator alone.
    season : Season
        The year.

    Raises
    ------
    DataError
        No clips, clips of another year, a machine or section that the year does not have, a name that says nothing, or
        a test clip whose state or domain nobody states.
    """
    import pandas as pd

    root, name = Path(root), f"dcase{season.year}_task2"
    if not root.is_dir():
        raise DataError(f"the folder of dataset {name} does not exist", where=str(root), hint=_source(season))
    clips = [_recorded(path, season, root) for path in _sounds(root)]
    truth = _truths(root, season)
    clips = _stated(clips, truth, season, root)
    if not clips:
        raise DataError(
            f"this is not the folder of dataset {name}: no machine has a folder train or test below it, and there is "
            f"no {STATED if season.year > 2020 else OLD_LIST}",
            where=str(root),
            hint=_source(season),
        )
    _fits(clips, season)
    order = {machine: number for number, machine in enumerate(season.machines)}
    labels = sorted({one.label for one in clips}, key=lambda label: (order.get(label.split(" ")[0], len(order)), label))
    tests = {one.label for one in clips if one.evaluated}
    splits: dict[str, list[int]] = {split: [] for split in SPLITS}
    for row, one in enumerate(clips):
        part = "eval_" if one.evaluated or (one.trained and one.label in tests) else ""
        splits[f"{part}{'train' if one.trained else 'test'}"].append(row)
    columns = {column: pd.Series([getattr(one, column) for one in clips], dtype=object) for column in COLUMNS}
    paths = pd.Series([one.path for one in clips], dtype=object)
    return build(
        name=name,
        root=root,
        kind="anomaly",
        labels=labels,
        paths=paths,
        label=pd.Series([one.label for one in clips], dtype=object),
        group=paths,
        where=lambda row: clips[row].where or str(root / clips[row].path),
        splits={split: np.array(rows, np.int64) for split, rows in splits.items() if rows},
        facts=season.facts,
        metadata=columns,
        notes=_notes(clips),
    )


def _source(season: Season) -> str:
    return (
        f"{season.facts.title} comes from {season.facts.source}; unpack it so that each machine has a folder, and name "
        f"the folder above them by --data dcase{season.year}_task2=PATH"
    )


def _sounds(root: Path) -> Iterator[str]:
    """Clips below the root, in the order of their paths."""
    for folder, below, files in os.walk(root):
        place = Path(folder).relative_to(root)
        below[:] = sorted(one for one in below if not one.startswith(".")) if len(place.parts) < _DEPTH else []
        if place.name in _FOLDERS and len(place.parts) >= 2:
            yield from (f"{place.as_posix()}/{file}" for file in sorted(files) if file.lower().endswith(".wav"))


def _recorded(path: str, season: Season, root: Path) -> Recorded:
    *_, machine, folder, file = path.split("/")
    old, new = _OLD.match(file), _NEW.match(file)
    seen = old if season.year == 2020 else new
    if seen is None:
        other = "2020" if old else "2021 or later" if new else ""
        what = f"'{file}' is a recording of {other}, not of {season.year}" if other else f"'{file}' says nothing"
        hint = "choose the suite of its year" if other else f"names are like '{_example(season)}'"
        raise DataError(what, where=str(root / path), hint=hint)
    if folder != "train" and (season.year == 2021) != (folder != "test"):
        there = "source_test and target_test" if season.year == 2021 else "test"
        raise DataError(
            f"the folder {folder} is none of {season.year}, whose clips lie in {there}",
            where=str(root / path),
            hint="choose the suite of its year: 2021 has source_test and target_test, other years test",
        )
    said = seen.groupdict()
    domain = (said.get("domain") or "").lower()
    state = (said["state"] or ("normal" if folder == "train" else "")).lower()
    if folder == "train" and state != "normal":
        raise DataError(
            "a training clip is an anomaly", where=str(root / path), hint="only normal sounds are trained on"
        )
    return Recorded(
        path,
        machine,
        f"{season.word}_{said['section']}",
        domain,
        state,
        folder == "train",
        folder != "train" and not state,
        said.get("attributes") or "",
    )


def _example(season: Season) -> str:
    return "normal_id_00_00000000.wav" if season.year == 2020 else "section_00_source_test_normal_0000_….wav"


def _truths(root: Path, season: Season) -> _Truth:
    """What the files of an evaluator say, of the root or of one of the folders in it."""
    places = [root, *sorted(one for one in root.iterdir() if one.is_dir() and not one.name.startswith("."))]
    truth = _Truth()
    if season.year == 2020:
        for place in places:
            if (place / OLD_LIST).is_file():
                _old_list(place / OLD_LIST, truth)
        return truth
    for place in places:
        for folder, reads in ((STATED, _read_states), (STATED_DOMAINS, _read_domains)):
            files = sorted((place / folder).glob("ground_truth_*.csv")) if (place / folder).is_dir() else []
            for file in files:
                if (seen := _TRUTH.match(file.name)) is None:
                    raise DataError("the file's name says nothing", where=str(file), hint=f"as in {STATED}")
                if (season.year == 2021) != (seen["domain"] is not None):
                    other = "2021" if seen["domain"] else "2022 or later"
                    raise DataError(
                        f"this is ground truth of {other}, not of {season.year}",
                        where=str(file),
                        hint="choose the suite of its year",
                    )
                reads(file, seen, truth)
    return truth


def _rows(file: Path) -> Iterator[tuple[Table, int, str, int]]:
    table = read_table(file, names=("file", "value"), delimiter=",")
    for row, value in enumerate(table.numbers("value").tolist()):
        if value not in (0.0, 1.0):
            raise DataError(f"the value is {value:g}", where=table.where(row), hint="0 or 1")
        yield table, row, table.frame["file"].iloc[row], int(value)


def _read_states(file: Path, seen: re.Match[str], truth: _Truth) -> None:
    for table, row, clip, value in _rows(file):
        truth.states[seen["machine"], clip] = STATES[value], table.where(row)
        if seen["domain"]:
            truth.domains[seen["machine"], clip] = seen["domain"]


def _read_domains(file: Path, seen: re.Match[str], truth: _Truth) -> None:
    for _, _, clip, value in _rows(file):
        truth.domains[seen["machine"], clip] = DOMAINS[value]


def _old_list(file: Path, truth: _Truth) -> None:
    """The list of 2020: a line with a machine, then a line for each of its clips, `name,name with state,0 or 1`."""
    machine = ""
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1):
        cells, where = [cell.strip() for cell in line.split(",") if cell.strip()], f"{file}:{number}"
        if len(cells) == 1:
            machine = cells[0]
        elif cells and machine:
            if cells[-1] not in ("0", "1", "0.0", "1.0"):
                raise DataError(f"the value is {cells[-1]}", where=where, hint="0 or 1")
            truth.states[machine, cells[0]] = STATES[int(float(cells[-1]))], where
        elif cells:
            raise DataError("a clip stands before any machine", where=where, hint="a line with a machine's name first")


def _stated(clips: Sequence[Recorded], truth: _Truth, season: Season, root: Path) -> list[Recorded]:
    """Clips with the state and domain that are stated for them; stated ones without audio stand at the end."""
    whole, seen = [], set()
    for one in clips:
        if one.evaluated:
            seen.add(one.key)
            one = _with_truth(one, truth, season, str(root / one.path))
        elif not one.trained and season.year > 2020 and not one.domain:
            raise DataError("the clip's name says no domain", where=str(root / one.path), hint="source or target")
        whole.append(one)
    for (machine, file), (_, where) in truth.states.items():
        if (machine, file) not in seen:
            name = (_OLD if season.year == 2020 else _NEW).match(file)
            if name is None:
                raise DataError(f"'{file}' says nothing", where=where, hint=f"names are like '{_example(season)}'")
            folder = f"{truth.domains.get((machine, file), '')}_test" if season.year == 2021 else "test"
            path, section = f"eval_data/{machine}/{folder}/{file}", f"{season.word}_{name['section']}"
            one = Recorded(path, machine, section, "", "", False, True, where=where)
            whole.append(_with_truth(one, truth, season, where))
    return whole


def _with_truth(one: Recorded, truth: _Truth, season: Season, where: str) -> Recorded:
    if one.key not in truth.states:
        files = OLD_LIST if season.year == 2020 else f"{STATED}/ and {STATED_DOMAINS}/"
        raise DataError(
            f"nobody states whether '{one.key[1]}' of {one.machine} is normal",
            where=where,
            hint=f"put {files} of the evaluator of {season.year} beside the machines' folders",
        )
    domain = truth.domains.get(one.key, "")
    if season.year > 2020 and not domain:
        raise DataError(
            f"nobody states the domain of '{one.key[1]}' of {one.machine}",
            where=where,
            hint=f"put {STATED_DOMAINS}/ of the evaluator of {season.year} beside {STATED}/",
        )
    return replace(one, state=truth.states[one.key][0], domain=domain)


def _fits(clips: Sequence[Recorded], season: Season) -> None:
    """Hold machines and sections to those of the year."""
    for one in clips:
        number = one.section.rpartition("_")[2]
        if season.machines and one.machine not in season.machines:
            raise DataError(
                f"the set of {season.year} has no machine '{one.machine}'",
                where=one.where or one.path,
                hint=f"its machines: {', '.join(season.machines)}; is this another year's set?",
            )
        if season.sections and number not in season.sections:
            raise DataError(
                f"the set of {season.year} has no {season.word} {number} of {one.machine}",
                where=one.where or one.path,
                hint=f"its numbers: {', '.join(season.sections)}; is this another year's set?",
            )


def _notes(clips: Sequence[Recorded]) -> list[str]:
    """Sections that have clips of one state alone."""
    counted: dict[tuple[str, bool], Counter[str]] = {}
    for one in clips:
        if not one.trained:
            counted.setdefault((one.label, one.evaluated), Counter())[one.state] += 1
    return [
        f"{label} has {sum(states.values())} test clips, all of them {next(iter(states))}"
        for (label, _), states in counted.items()
        if len(states) < 2
    ]
