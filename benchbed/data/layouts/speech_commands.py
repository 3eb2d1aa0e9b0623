"""Speech Commands v2: one-second spoken words, as 35 words or as the 12 classes of the keyword spotting task.

The twelve classes are ten command words, `_unknown_` (any other word) and `_silence_`. Their official test set is an
archive of its own (4,890 clips, in which unknown words and silence are as frequent as one command); made from
`testing_list.txt` the classes would be far from balanced, so the test split of the 12-class task exists only with it.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from benchbed.data.assemble import build, find_root, natural
from benchbed.data.dataset import Dataset
from benchbed.data.facts import Facts, Remote
from benchbed.errors import ConfigError, DataError, did_you_mean

WORDS = ("yes", "no", "up", "down", "left", "right", "on", "off", "stop", "go")
UNKNOWN, SILENCE, NOISE = "_unknown_", "_silence_", "_background_noise_"
#: Classes of the 12-class task, in the order of the official training script.
LABELS_12 = (SILENCE, UNKNOWN, *WORDS)
LABELS_35 = (
    ("backward", "bed", "bird", "cat", "dog", "down", "eight", "five", "follow", "forward", "four", "go", "happy")
    + ("house", "learn", "left", "marvin", "nine", "no", "off", "on", "one", "right", "seven", "sheila", "six")
    + ("stop", "three", "tree", "two", "up", "visual", "wow", "yes", "zero")
)
_DOWNLOAD = "https://storage.googleapis.com/download.tensorflow.org/data/"
#: Names that the official test archive's folder may have inside the root.
TEST_FOLDERS = ("speech_commands_test_set_v0.02", "test_set")

FACTS = Facts(
    title="Speech Commands v2",
    source="https://arxiv.org/abs/1804.03209 (archive on download.tensorflow.org)",
    licence="CC BY 4.0",
    citation="P. Warden: Speech Commands: A Dataset for Limited-Vocabulary Speech Recognition. arXiv:1804.03209, 2018.",
    version="0.02",
    counts={
        "speech_commands": {"all": 105_829, "train": 84_843, "validation": 9_981, "test": 11_005},
        "speech_commands12": {"test": 4_890},
    },
    files=(
        Remote(
            "speech_commands_v0.02.tar.gz",
            f"{_DOWNLOAD}speech_commands_v0.02.tar.gz",
            "sha256:af14739ee7dc311471de98f5f9d2c9191b18aedfe957f4a6ff791c709868ff58",
        ),
        Remote(
            "speech_commands_test_set_v0.02.tar.gz",
            f"{_DOWNLOAD}speech_commands_test_set_v0.02.tar.gz",
            "sha256:cc2a00c1147c2254e9be3fa0f779d8c17421dc349b86366567a8edfa9acd51df",
            required=False,
        ),
    ),
    steps=f"unpack the test set, if wanted, into a folder {TEST_FOLDERS[0]} inside the other",
)


def read(root: Path, *, classes: int = 35, keyword: str = "", test_folder: str | None = None) -> Dataset:
    """Read Speech Commands v2.

    Splits: `train` (all that no list names), `validation`, `test`, `all`. The group is the speaker, the hash in the
    file name. With 12 classes, `_silence_` in `train` is every whole second of the background noise files; the
    official `test` needs its own archive, and `test_words` is `testing_list.txt` relabelled, without silence.

    Parameters
    ----------
    root : Path
        Folder with one folder per word, `validation_list.txt` and `testing_list.txt`.
    classes : {35, 12}
        All words, or the keyword spotting task.
    keyword : str, optional
        A word of the 35 that is to be told from all others: two classes, the word and `_unknown_`.
    test_folder : str, optional
        Folder of the official 12-class test set inside the root; else `speech_commands_test_set_v0.02`.

    Raises
    ------
    DataError
        Files missing, or a list that names a clip that is not there.
    """
    if classes not in (35, 12):
        raise ConfigError(f"Speech Commands has 35 or 12 classes, not {classes}", hint="set classes: 35 or classes: 12")
    if keyword and (classes != 35 or keyword not in LABELS_35):
        raise ConfigError(
            f"'{keyword}' is none of the 35 words" if classes == 35 else "a keyword is one of the 35 words, not of 12",
            hint=did_you_mean(keyword, LABELS_35) or f"one of {', '.join(LABELS_35)}",
        )
    name = "speech_commands" if classes == 35 else "speech_commands12"
    name += f"_{keyword}" if keyword else ""
    lists = ("validation_list.txt", "testing_list.txt")
    root = find_root(Path(root), name, FACTS, lists, ("speech_commands_v0.02", "SpeechCommands/speech_commands_v0.02"))
    tests = [test_folder] if test_folder else [f for f in TEST_FOLDERS if (root / f).is_dir()]
    if test_folder and not (root / test_folder).is_dir():
        raise DataError("the folder of the official test set does not exist", where=str(root / test_folder))
    words = sorted(e.name for e in os.scandir(root) if e.is_dir() and not e.name.startswith((".", "_")))
    paths = [f"{word}/{file}" for word in words if word not in tests for file in _wavs(root / word)]
    if not paths:
        raise DataError("there are no word folders with wav files", where=str(root), hint="unpack the whole archive")
    index = {path: row for row, path in enumerate(paths)}
    splits = {
        "validation": _listed(root / lists[0], index),
        "test": _listed(root / lists[1], index),
    }
    listed = np.concatenate(list(splits.values()))
    if len(np.unique(listed)) < len(listed):
        both = np.intersect1d(splits["validation"], splits["test"])
        raise DataError(f"'{paths[both[0]]}' is in both lists", where=str(root), hint="get both lists again")
    train = np.setdiff1d(np.arange(len(paths)), listed)
    splits = {"all": np.arange(len(paths)), "train": train, **splits}
    folders = [path.partition("/")[0] for path in paths]
    onset, duration = np.zeros(len(paths)), np.full(len(paths), np.nan)
    notes: list[str] = []
    if classes == 12:
        folders = [word if word in WORDS else UNKNOWN for word in folders]
        splits["test_words"] = splits.pop("test")
        paths, folders, onset, duration, more = _silence(root, paths, folders, onset, duration)
        splits["train"] = np.concatenate([splits["train"], more])
        notes.append(f"{len(more)} clips of {SILENCE} in train are whole seconds of {NOISE}")
        if tests:
            start = len(paths)
            extra = [
                (f"{tests[0]}/{label}/{file}", label)
                for label in _folders(root / tests[0])
                for file in _wavs(root / tests[0] / label)
            ]
            paths, folders = paths + [p for p, _ in extra], folders + [label for _, label in extra]
            onset, duration = np.append(onset, np.zeros(len(extra))), np.append(duration, np.full(len(extra), np.nan))
            splits["test"] = np.arange(start, len(paths))
        else:
            notes.append(f"no split test: the official 12-class test set is not in the folder {TEST_FOLDERS[0]}")
    labels: tuple[str, ...] = LABELS_35 if classes == 35 else LABELS_12
    if keyword:
        labels, folders = (keyword, UNKNOWN), [word if word == keyword else UNKNOWN for word in folders]
    return _dataset(name, root, labels, paths, folders, onset, duration, splits, notes)


def _dataset(
    name: str,
    root: Path,
    labels: tuple[str, ...],
    paths: list[str],
    folders: list[str],
    onset: np.ndarray,
    duration: np.ndarray,
    splits: dict[str, np.ndarray],
    notes: list[str],
) -> Dataset:
    import pandas as pd

    stems = [path.rpartition("/")[2] for path in paths]
    # Files of background noise have no speaker; each is a group of its own.
    speakers = [stem.partition("_nohash_")[0] if "_nohash_" in stem else stem for stem in stems]
    takes = [stem.partition("_nohash_")[2].partition(".")[0] for stem in stems]
    return build(
        name=name,
        root=root,
        kind="scene",
        labels=labels,
        paths=pd.Series(paths, dtype=object),
        label=pd.Series(folders, dtype=object),
        group=pd.Series(speakers, dtype=object),
        where=lambda row: str(root / paths[row]),
        splits=splits,
        facts=FACTS,
        onset=onset,
        duration=duration,
        metadata={
            "speaker": pd.Series(speakers, dtype=object),
            "take": pd.Series(takes, dtype=object),
            "word": pd.Series([path.split("/")[-2] for path in paths], dtype=object),
        },
        notes=notes,
    )


def _wavs(folder: Path) -> list[str]:
    return sorted(e.name for e in os.scandir(folder) if e.name.endswith(".wav"))


def _folders(folder: Path) -> list[str]:
    return sorted((e.name for e in os.scandir(folder) if e.is_dir() and not e.name.startswith(".")), key=natural)


def _listed(file: Path, index: dict[str, int]) -> np.ndarray:
    rows = []
    for number, line in enumerate(file.read_text(encoding="utf-8-sig").splitlines(), 1):
        if not (path := line.strip()):
            continue
        if path not in index:
            raise DataError(
                f"'{path}' is listed but not there", where=f"{file}:{number}", hint="unpack the whole archive again"
            )
        rows.append(index[path])
    if not rows:
        raise DataError("the list is empty", where=str(file), hint="unpack the whole archive again")
    return np.asarray(rows)


def _silence(
    root: Path, paths: list[str], folders: list[str], onset: np.ndarray, duration: np.ndarray
) -> tuple[list[str], list[str], np.ndarray, np.ndarray, np.ndarray]:
    """Append every whole second of the background noise files; positions of what was added come last."""
    from benchbed import audio

    files: Iterable[str] = _wavs(root / NOISE) if (root / NOISE).is_dir() else ()
    cuts = [
        (f"{NOISE}/{file}", second) for file in files for second in range(int(audio.info(root / NOISE / file).seconds))
    ]
    added = np.arange(len(paths), len(paths) + len(cuts))
    return (
        paths + [path for path, _ in cuts],
        folders + [SILENCE] * len(cuts),
        np.append(onset, [float(second) for _, second in cuts]),
        np.append(duration, np.ones(len(cuts))),
        added,
    )
