"""ESC-50 and ESC-10: five-second environmental sounds in five folds; clips of one Freesound source share a fold."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np

from benchbed.data.assemble import build, find_root, mark_folds, option
from benchbed.data.dataset import Dataset
from benchbed.data.facts import Facts, Remote
from benchbed.errors import DataError
from benchbed.tables.table import read_table

#: The fifty classes; the position is the official target number.
LABELS = (
    ("dog", "rooster", "pig", "cow", "frog", "cat", "hen", "insects", "sheep", "crow")
    + ("rain", "sea_waves", "crackling_fire", "crickets", "chirping_birds")
    + ("water_drops", "wind", "pouring_water", "toilet_flush", "thunderstorm")
    + ("crying_baby", "sneezing", "clapping", "breathing", "coughing")
    + ("footsteps", "laughing", "brushing_teeth", "snoring", "drinking_sipping")
    + ("door_wood_knock", "mouse_click", "keyboard_typing", "door_wood_creaks", "can_opening")
    + ("washing_machine", "vacuum_cleaner", "clock_alarm", "clock_tick", "glass_breaking")
    + ("helicopter", "chainsaw", "siren", "car_horn", "engine", "train", "church_bells", "airplane")
    + ("fireworks", "hand_saw")
)
#: Target numbers of the ten classes of ESC-10.
ESC10_TARGETS = (0, 1, 10, 11, 12, 20, 21, 38, 40, 41)

#: Freesound ids whose clips lie in two folds of the official table, in classes that differ (hen and rooster, alarm and
#: tick of a clock). Counted in the names of all 2,000 files (`fold-id-take-target.wav`) as the index of soundata 0.1.2
#: lists them. Of ESC-10 none is in two folds.
OVERLAPS = {
    "131943": "fold2, fold3",
    "134049": "fold2, fold3",
    "209698": "fold4, fold5",
    "234879": "fold4, fold5",
}

FACTS = Facts(
    title="ESC-50",
    source="https://github.com/karolpiczak/ESC-50 (https://doi.org/10.7910/DVN/YDEPUT)",
    licence="CC BY-NC 3.0 as a whole; the ESC-10 clips CC BY 3.0",
    citation="K. J. Piczak: ESC: Dataset for Environmental Sound Classification. ACM Multimedia 2015, 1015-1018.",
    version="2.0",
    counts={
        "esc50": {"all": 2000, **{f"fold{k}": 400 for k in range(1, 6)}, **{f"not_fold{k}": 1600 for k in range(1, 6)}},
        "esc10": {"all": 400, **{f"fold{k}": 80 for k in range(1, 6)}, **{f"not_fold{k}": 320 for k in range(1, 6)}},
    },
    files=(
        # GitHub packs this archive anew at will, so its checksum need not last; the file list is checked afterwards.
        Remote(
            "ESC-50-master.zip",
            "https://github.com/karoldvl/ESC-50/archive/master.zip",
            "md5:7771e4b9d86d0945acce719c7a59305a",
        ),
    ),
    overlaps={"esc50": OVERLAPS},
)

#: Splits and columns of every set of this form, for suites that are checked without it.
SPLITS = ("all", *(f"{side}fold{k}" for k in range(1, 6) for side in ("", "not_")))
COLUMNS = ("fold", "target", "esc10", "src_file", "take")


def read(root: Path, *, subset: Literal["esc50", "esc10"] = "esc50", csv: str | None = None) -> Dataset:
    """Read ESC-50, or the part of it that is ESC-10.

    Splits: `all`, `fold1` … `fold5`, and `not_fold1` … for training without a fold.

    Parameters
    ----------
    root : Path
        Folder with `meta/esc50.csv` and `audio`, or the folder above it.
    subset : {"esc50", "esc10"}
        All fifty classes, or the ten of ESC-10.
    csv : str, optional
        Another table, relative to the root, with the same columns.

    Raises
    ------
    DataError
        Files missing, or a target number that does not belong to its category.
    """
    option(subset, ("esc50", "esc10"), "subset")
    table_name = csv or "meta/esc50.csv"
    root = find_root(Path(root), subset, FACTS, (table_name,), ("ESC-50-master", "ESC-50"))
    table = read_table(root / table_name, ("filename", "fold", "target", "category", "src_file"))
    frame, rows = table.frame, table.rows
    target = table.numbers("target")
    expected = frame["category"].map({label: k for k, label in enumerate(LABELS)}).to_numpy(np.float64)
    wrong = ~np.isnan(expected) & (expected != target)
    if wrong.any():
        first = int(wrong.argmax())
        raise DataError(
            f"category '{frame['category'].iloc[first]}' has target {expected[first]:.0f}, not {target[first]:g}",
            where=table.where(first),
            hint="get the table again from the official source",
        )
    labels: tuple[str, ...] = LABELS
    if subset == "esc10":
        labels = tuple(LABELS[k] for k in ESC10_TARGETS)
        # An unknown category passes here, to be found and named by the label check.
        keep = frame["category"].isin(labels).to_numpy() | np.isnan(expected)
        frame, rows = frame[keep].reset_index(drop=True), rows[keep]
    fixed = ("filename", "category", "fold")
    return build(
        name=subset,
        root=root,
        kind="scene",
        labels=labels,
        paths="audio/" + frame["filename"],
        label=frame["category"],
        group=frame["src_file"],
        where=lambda row: f"{table.path}:{rows[row]}",
        splits=mark_folds(frame["fold"].tolist()),
        facts=FACTS,
        metadata={"fold": frame["fold"], **{c: frame[c] for c in frame.columns if c not in fixed}},
    )
