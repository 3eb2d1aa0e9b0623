"""The embedded default: synthetic datasets in official layouts, made in seconds from a seed.

A suite whose dataset was not configured runs on one of these. They exist to make every path of benchbed work on a
fresh machine and to be hard enough that models, devices and noise can be told apart; scores on them say nothing about
real recordings. These layouts exist:

`tau2022`
    Ten acoustic scenes as TAU Urban Acoustic Scenes 2022 Mobile lays them out: one-second cuts, cities, locations and
    recordings in the file names, devices a, b, c and s1–s6. Training is dominated by device a; the test split is
    balanced by class and device, holds every recording on all nine devices, and alone has s4–s6 and the city of
    Milan. No location is in both. The recording is `scene-city-location-recording`, shared by its devices.
`esc50`
    The ten ESC-10 classes as ESC-50 lays them out: five folds, clips of one source in one fold; two seconds a clip.
`desed`, `fsd50k`, `audioset`
    Soundscapes: events of ten domestic classes over the noise of a place, with exact times (DESED, ten seconds a clip)
    or as tags of the clip under the names of the set (FSD50K, four seconds; AudioSet, ten). Sources of test events do
    not occur in training.
`speech_commands`
    Twelve words of Speech Commands, as glides of formants, by speakers of whom none is in two splits; one of them,
    `marvin`, three times as often as the others.
`maestro_real`
    Recordings of half a minute in five places, with the shares of five simulated listeners who heard an event in each
    second, and five folds.
`clotho`
    Soundscapes of six to ten seconds with five captions each, which say what sounds, how often, in which order and
    where.
`audiocaps`
    Soundscapes of six seconds with plain captions: one for each clip of training, five for the others.
`clotho_audiocaps`
    Both of these, each in a folder of its own.
`dcase_retrieval`
    The evaluation clips of `clotho`, with one query each and all the clips that hold the same kinds of sound as
    answers.
`castella`
    Recordings of 40 seconds with a sentence for each kind of sound in them, and the moments at which it is heard.

`bsd10k`
    One-second sounds in the 23 classes of the Broad Sound Taxonomy; classes of one top sound alike.
`disco`
    One second each of crowds of 1 to 709 voices, with density maps that sum to their number.
`mtg_jamendo`
    Two seconds each of notes over a beat, tagged by the beat (genre), by who plays (instrument), by the chord (mood),
    of artists of whom each is on one side of every one of the five splits.
`dcase2026_task7`
    One-second sounds of ten classes in the domains D2 (far away and dull) and D3 (a small recorder); of D1 there are
    none, as in the published set.
`emodb`, `enterface05`, `ravdess`, `fesc`
    Nonsense sentences in the emotions of each corpus, by ten speakers of its own.
`dcase2020_task2` … `dcase2026_task2`
    Machines in a hall, two seconds a clip, in the names of each year: three machines, with two ids or sections up to
    2022, normal sounds for training, and clips with one of four faults in the test split; a second domain from 2021 on,
    a second microphone in 2026.
`tau_nigens2020`, `tau_nigens2021`, `starss22`, `starss23`, `stereo_seld2025`
    Ten-second scenes (stereo: five) with static and moving sources around the listener, up to three at a time and two
    of one class, in shoebox rooms with first reflections and diffuse noise, as first-order Ambisonics and as a
    tetrahedron of microphones hear them, with exact directions and distances in the files of each year.

The audio depends on `VERSION`, layout, size and seed alone: computed in float64 and rounded to 16 bits at the end.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import struct
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import numpy as np

from benchbed import rng as random
from benchbed.cache import cache_folder
from benchbed.data.synthesis import RATE
from benchbed.errors import ConfigError, DataError, did_you_mean

#: Rises with every change that changes a sample; part of the dataset's name on records and of the cache folder.
VERSION = "6"
LAYOUTS = (
    "tau2022",
    "esc50",
    "desed",
    "fsd50k",
    "audioset",
    "speech_commands",
    "maestro_real",
    "clotho",
    "audiocaps",
    "clotho_audiocaps",
    "dcase_retrieval",
    "castella",
    "bsd10k",
    "disco",
    "mtg_jamendo",
    "emodb",
    "enterface05",
    "ravdess",
    "fesc",
    "dcase2026_task7",
    *(f"dcase{year}_task2" for year in range(2020, 2027)),
    "tau_nigens2020",
    "tau_nigens2021",
    "starss22",
    "starss23",
    "stereo_seld2025",
)
#: Those of them that have a large set, for training.
LARGE = ("desed", "clotho", "castella")
SIZES = ("default", "small", "large")
Size = Literal["default", "small", "large"]
#: File in the root of every synthetic set: what it is, and size, time and hash of every file in it.
MANIFEST = "synthetic.json"


def make(root: Path, *, layout: str = "tau2022", size: Size = "default", seed: int = 0) -> Path:
    """Write a synthetic dataset below `root`.

    Parameters
    ----------
    root : Path
        Folder to make; must be missing or empty.
    layout : str
        `tau2022` (default 2,960 training and 1,080 test clips, 260 MB; small 180 and 180), `esc50` (400; small 50),
        `desed` (240; small 24; large 1,000), `fsd50k` (200; small 24), `audioset` (120; small 16),
        `speech_commands` (672 words; small 84),
        `maestro_real` (20 recordings of 30 s; small 5 of 12 s), `clotho` (240; small 24; large 1,600),
        `audiocaps` (200; small 18),
        `dcase_retrieval` (80; small 8), `castella` (40 recordings of 40 s; small 9 of 20 s; large 320),
        `bsd10k` (690 sounds; small 46), `dcase2026_task7` (600; small 60),
        `disco` (480 clips for training, 60 and 120; small 24, 6 and 24),
        `mtg_jamendo` (240 tracks; small 40),
        `emodb`, `enterface05`, `ravdess`, `fesc` (four takes of each emotion by ten speakers; small one by five),
        `dcase2020_task2` … (from 2023 on 264 training and 120 test clips, up to 2022 288 and 144; small 24 and 48).
    size : str
        `default`, `small` for tests, or, for `desed`, `clotho` and `castella`, `large` for training.
    seed : int
        Another seed gives other recordings, places and devices of the same kind.

    Returns
    -------
    Path
        `root`.

    Raises
    ------
    ConfigError
        Unknown layout or size.
    DataError
        The folder is not empty, or cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     root = make(Path(folder) / "esc", layout="esc50", size="small")
    ...     sorted(p.name for p in root.iterdir())
    ['audio', 'meta', 'synthetic.json']
    """
    for value, known, what in ((layout, LAYOUTS, "layout"), (size, SIZES, "size")):
        if value not in known:
            hint = did_you_mean(value, known) or f"known: {', '.join(known)}"
            raise ConfigError(f"there is no synthetic {what} '{value}'", hint=hint)
    if size == "large" and layout not in LARGE:
        hint = f"{' and '.join(LARGE)} have one"
        raise ConfigError(f"there is no large synthetic set of layout {layout}", hint=hint)
    root = Path(root)
    if root.exists() and (not root.is_dir() or any(root.iterdir())):
        raise DataError("a synthetic dataset is made in a new or empty folder only", where=str(root))
    files = _Writer(root)
    try:
        _WRITERS[layout](files, size, seed)
        files.manifest({"version": VERSION, "layout": layout, "size": size, "seed": seed})
    except OSError as error:
        raise DataError(
            f"the synthetic dataset cannot be written: {error.strerror or error}",
            where=str(root),
            hint="free some space (300 MB are enough), or name another folder in BENCHBED_CACHE",
        ) from error
    return root


def ensure(
    layout: str = "tau2022",
    cache_dir: Path | None = None,
    *,
    size: Size = "default",
    seed: int = 0,
) -> Path:
    """A synthetic dataset from the user's cache, made or remade if it is missing or damaged.

    It is made in a folder of its own and moved into place in one step, so that processes that ask at the same time
    get whole copies. A file whose size and time are those of the manifest is trusted; any other is hashed.

    Parameters
    ----------
    layout, size, seed
        As for `make`.
    cache_dir : Path, optional
        Where to keep it; else `BENCHBED_CACHE`, else the platform's cache folder.

    Returns
    -------
    Path
        Root of the set, `<cache>/synthetic/<layout>-<size>-v<VERSION>-seed<seed>`.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as cache:
    ...     ensure("esc50", Path(cache), size="small").name == f"esc50-small-v{VERSION}-seed0"
    True
    """
    shelf = (Path(cache_dir) if cache_dir is not None else cache_folder()) / "synthetic"
    target = shelf / f"{layout}-{size}-v{VERSION}-seed{seed}"
    if intact(target):
        return target
    try:
        shelf.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=shelf))
    except OSError as error:
        raise DataError(
            f"the cache for synthetic data cannot be written: {error.strerror or error}",
            where=str(shelf),
            hint="name another folder in BENCHBED_CACHE",
        ) from error
    try:
        fresh = make(scratch / "fresh", layout=layout, size=size, seed=seed)
        if target.exists() and not intact(target):
            os.replace(target, scratch / "damaged")
        try:
            os.rename(fresh, target)
        except OSError:
            # Another process may have put its copy there in the meantime; it is the same set.
            if not intact(target):
                raise
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return target


def is_synthetic(root: Path) -> bool:
    """Whether `root` holds a set made here, wherever it was copied to; such a set is marked synthetic in every record.

    Examples
    --------
    >>> is_synthetic(Path("/nowhere"))
    False
    """
    return (Path(root) / MANIFEST).is_file()


def fingerprint(root: Path) -> str:
    """Hash of the names and contents of all files of a synthetic set, as written in its manifest."""
    return str(json.loads((Path(root) / MANIFEST).read_text())["fingerprint"])


def intact(root: Path) -> bool:
    """Whether the set at `root` is complete and unchanged since it was made."""
    root = Path(root)
    try:
        manifest = json.loads((root / MANIFEST).read_text())
        files = manifest["files"]
        if manifest["fingerprint"] != _fingerprint(files):
            return False
        for name, (size, stamp, digest) in files.items():
            state = os.stat(f"{root}/{name}")
            if state.st_size != size:
                return False
            if state.st_mtime_ns != stamp and _digest((root / name).read_bytes()) != digest:
                return False
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False
    return bool(files)


def _digest(content: bytes) -> str:
    return hashlib.blake2b(content, digest_size=16).hexdigest()


def _fingerprint(files: dict[str, list]) -> str:
    return _digest("\n".join(f"{name} {entry[2]}" for name, entry in sorted(files.items())).encode())


class _Writer:
    """Writes the files of a set and remembers what it wrote."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.files: dict[str, list] = {}

    def write(self, name: str, content: bytes) -> None:
        path = self.root / name
        try:
            path.write_bytes(content)
        except FileNotFoundError:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        self.files[name] = [len(content), path.stat().st_mtime_ns, _digest(content)]

    def audio(self, name: str, samples: np.ndarray, rate: int = RATE) -> None:
        """One channel `[sample]`, or several `[channel, sample]`."""
        channels = 1 if samples.ndim == 1 else len(samples)
        data = np.ascontiguousarray(samples.astype("<i2").T).tobytes()
        form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, channels, rate, 2 * channels * rate, 2 * channels, 16)
        head = struct.pack("<4sI4s", b"RIFF", 4 + len(form) + 8 + len(data), b"WAVE")
        self.write(name, head + form + struct.pack("<4sI", b"data", len(data)) + data)

    def table(self, name: str, rows: list[tuple], separator: str) -> None:
        self.write(name, "".join(separator.join(map(str, row)) + "\n" for row in rows).encode())

    def manifest(self, about: dict) -> None:
        content = {**about, "synthetic": True, "fingerprint": _fingerprint(self.files), "files": self.files}
        (self.root / MANIFEST).write_text(json.dumps(content, indent=0) + "\n")


#: Splits of the set of words.
_SPOKEN = ("train", "validation", "testing")


def _tau2022(files: _Writer, size: str, seed: int) -> None:
    from benchbed.data.synthesis.devices import DEVICES, UNSEEN, play
    from benchbed.data.synthesis.scenes import CITIES, SCENES, recording

    # Per class: training locations per city, recordings per location and cuts per recording; recordings that each
    # of the rarer devices repeats; test recordings and their cuts.
    places, visits, cuts, repeats, tests, test_cuts = (3, 2, 4, 4, 6, 2) if size == "default" else (1, 1, 1, 1, 1, 2)
    home = tuple(city for city in CITIES if city != "milan")
    rare = tuple(d for d in DEVICES if d != "a" and d not in UNSEEN)
    meta, train, test = [], [], []
    location = number = 0
    for scene in SCENES:
        rng = random.stream("synthetic plan", seed, scene)
        visited = []
        for city in home:
            for _ in range(places):
                visited += [(city, location, number + i) for i in range(visits)]
                location, number = location + 1, number + visits
        repeated = [rng.choice(len(visited), size=repeats, replace=False) for _ in rare]
        for i, (city, site, take) in enumerate(visited):
            devices = ("a",) + tuple(d for d, chosen in zip(rare, repeated) if i in chosen)
            train.append((scene, city, site, take, devices, cuts))
        for city in rng.choice(CITIES, size=tests, replace=False):
            test.append((scene, str(city), location, number, DEVICES, test_cuts))
            location, number = location + 1, number + 1
    names: dict[str, list[tuple[str, str]]] = {"train": [], "test": []}
    for split, takes in (("train", train), ("test", test)):
        for scene, city, site, take, devices, count in takes:
            sound = recording(seed, scene, city, site, take, seconds=count)
            heard = play(seed, sound, devices, (scene, city, site, take))
            for device in devices:
                for cut in range(count):
                    name = f"audio/{scene}-{city}-{site}-{take}-{cut}-{device}.wav"
                    files.audio(name, heard[device][cut * RATE : (cut + 1) * RATE])
                    meta.append((name, scene, f"{city}-{site}", device))
                    names[split].append((name, scene))
    files.table("meta.csv", [("filename", "scene_label", "identifier", "source_label"), *meta], "\t")
    header = ("filename", "scene_label")
    files.table("evaluation_setup/fold1_train.csv", [header, *names["train"]], "\t")
    files.table("evaluation_setup/fold1_evaluate.csv", [header, *names["test"]], "\t")
    files.table("evaluation_setup/fold1_test.csv", [header[:1], *[row[:1] for row in names["test"]]], "\t")


def _esc50(files: _Writer, size: str, seed: int) -> None:
    from benchbed.data.synthesis.events import CLASSES, event

    sources, takes = (4, 2) if size == "default" else (1, 1)
    rows, source = [], 100000
    for fold in range(1, 6):
        for name, target in CLASSES.items():
            for _ in range(sources):
                source += 1
                for take in range(takes):
                    letter = "ABCDEFGH"[take]
                    file = f"{fold}-{source}-{letter}-{target}.wav"
                    files.audio(f"audio/{file}", event(seed, name, source, take, seconds=2))
                    rows.append((file, fold, target, name, True, source, letter))
    header = ("filename", "fold", "target", "category", "esc10", "src_file", "take")
    files.table("meta/esc50.csv", [header, *rows], ",")


def _desed(files: _Writer, size: str, seed: int) -> None:
    from benchbed.data.synthesis.events_mixed import CLIP_RATE, soundscape

    # Clips of each part, where it lies, and which sources its events come from.
    counts = {"default": (120, 40, 80), "small": (12, 4, 8), "large": (800, 80, 120)}[size]
    places = (
        ("train/synthetic21_train/soundscapes", "train/synthetic21_train", "soundscapes", "durations", "train"),
        (
            "validation/synthetic21_validation/soundscapes",
            "validation/synthetic21_validation",
            "soundscapes",
            "durations",
            "train",
        ),
        ("validation/validation", "validation", "validation", "validation_durations", "test"),
    )
    for count, (folder, tables, events, durations, bank) in zip(counts, places):
        rows: list[tuple] = [("filename", "onset", "offset", "event_label", "snr")]
        lengths: list[tuple] = [("filename", "duration")]
        for number in range(count):
            sound, placed = soundscape(seed, folder, number, bank=bank)  # type: ignore[arg-type]
            name = f"{number}.wav"
            files.audio(f"audio/{folder}/{name}", sound, CLIP_RATE)
            lengths.append((name, len(sound) / CLIP_RATE))
            rows += [(name, f"{e.onset:.3f}", f"{e.offset:.3f}", e.label, f"{e.snr:.1f}") for e in placed]
            if not placed:
                rows.append((name, "", "", "", ""))
        files.table(f"metadata/{tables}/{events}.tsv", rows, "\t")
        files.table(f"metadata/{tables}/{durations}.tsv", lengths, "\t")


def _fsd50k(files: _Writer, size: str, seed: int) -> None:
    from benchbed.data.synthesis.events_mixed import CLIP_RATE, soundscape
    from benchbed.data.synthesis.events_names import FSD50K

    train, val, test = (100, 20, 80) if size == "default" else (12, 4, 8)
    folder = "FSD50K.ground_truth"
    names = sorted({label for labels in FSD50K.values() for label in labels})
    files.table(f"{folder}/vocabulary.csv", [(i, name, f"/s/{i:03d}") for i, name in enumerate(names)], ",")
    mids = {name: f"/s/{i:03d}" for i, name in enumerate(names)}
    dev: list[tuple] = [("fname", "labels", "mids", "split")]
    evaluated: list[tuple] = [("fname", "labels", "mids")]
    for split, count, bank in (("train", train, "train"), ("val", val, "train"), ("test", test, "test")):
        number = kept = 0
        while kept < count:
            sound, placed = soundscape(seed, f"fsd50k {split}", number, seconds=4.0, bank=bank)  # type: ignore[arg-type]
            number += 1
            labels = sorted({name for event in placed for name in FSD50K.get(event.label, ())})
            if not labels:
                continue  # every clip of FSD50K has a label
            name = f"{'123'[('train', 'val', 'test').index(split)]}{kept:05d}"
            kept += 1
            part = "eval" if split == "test" else "dev"
            files.audio(f"FSD50K.{part}_audio/{name}.wav", sound, CLIP_RATE)
            row = (name, f'"{",".join(labels)}"', f'"{",".join(mids[label] for label in labels)}"')
            (evaluated if split == "test" else dev).append(row if split == "test" else (*row, split))
    files.table(f"{folder}/dev.csv", dev, ",")
    files.table(f"{folder}/eval.csv", evaluated, ",")


def _speech_commands(files: _Writer, size: str, seed: int) -> None:
    from benchbed.data.synthesis.words import WORD_RATE, WORDS, spoken

    counts = {"train": 26, "validation": 6, "testing": 16} if size == "default" else dict.fromkeys(_SPOKEN, 2)
    for split, speakers in counts.items():
        listed: list[tuple] = []
        for number in range(speakers):
            speaker = f"{random.key('synthetic speaker name', split, number):032x}"[:8]
            for word in WORDS:
                for take in range(3 if word == WORDS[0] else 1):
                    name = f"{word}/{speaker}_nohash_{take}.wav"
                    files.audio(name, spoken(seed, word, speaker, take), WORD_RATE)
                    listed.append((name,))
        if split != "train":
            files.table(f"{split}_list.txt", listed, "")


def _audioset(files: _Writer, size: str, seed: int) -> None:
    from benchbed.data.synthesis.events_mixed import CLIP_RATE, soundscape
    from benchbed.data.synthesis.events_names import AUDIOSET

    names = sorted({label for labels in AUDIOSET.values() for label in labels})
    mids = {name: f"/s/{i:03d}" for i, name in enumerate(names)}
    classes = [("index", "mid", "display_name"), *((i, mids[name], f'"{name}"') for i, name in enumerate(names))]
    files.table("class_labels_indices.csv", classes, ",")
    for split, count, bank in (("balanced_train", 40, "train"), ("eval", 80, "test")):
        rows: list[tuple] = [("# YTID", " start_seconds", " end_seconds", " positive_labels")]
        number = kept = 0
        while kept < (count if size == "default" else count // 5 // 2 * 2):
            sound, placed = soundscape(seed, f"audioset {split}", number, bank=bank)  # type: ignore[arg-type]
            number += 1
            labels = sorted({name for event in placed for name in AUDIOSET[event.label]})
            if not labels:
                continue  # every segment of AudioSet has a label
            name = f"{split[0]}{kept:010d}"
            kept += 1
            files.audio(f"audio/{name}.wav", sound, CLIP_RATE)
            rows.append((name, " 0.000", " 10.000", f' "{",".join(mids[label] for label in labels)}"'))
        files.table(f"{split}_segments.csv", rows, ",")


def _maestro_real(files: _Writer, size: str, seed: int) -> None:
    from benchbed.data.synthesis.events_mixed import CLIP_RATE
    from benchbed.data.synthesis.events_soft import PLACES, heard, street

    each, seconds = (4, 30) if size == "default" else (1, 12)
    folds: list[list[tuple]] = [[("filename",)] for _ in range(5)]
    for place in PLACES:
        for number in range(each):
            name = f"{place}_{number:02d}"
            sound, placed = street(seed, place, number, float(seconds))
            files.audio(f"development_audio/{place}/{name}.wav", sound, CLIP_RATE)
            rows = [
                (second, second + 1, label, f"{share:.1f}")
                for second, label, share in heard(seed, name, placed, seconds)
            ]
            files.table(f"development_annotation/soft_labels_{place}/{name}.txt", rows, "\t")
            folds[(number + PLACES.index(place)) % 5].append((f"{place}/{name}",))
    for number, fold in enumerate(folds, start=1):
        files.table(f"development_folds/fold{number}_test.csv", fold, ",")


def _clotho(files: _Writer, size: str, seed: int) -> None:
    from benchbed.data.synthesis.captions import captions
    from benchbed.data.synthesis.events_mixed import CLIP_RATE, recorded

    counts = {"default": (120, 40, 80), "small": (12, 4, 8), "large": (1400, 80, 120)}[size]
    about = ("file_name", "keywords", "sound_id", "sound_link", "start_end_samples", "manufacturer", "license")
    for split, count in zip(("development", "validation", "evaluation"), counts):
        rows: list[tuple] = [("file_name", *(f"caption_{number}" for number in range(1, 6)))]
        metadata: list[tuple] = [about]
        for number in range(count):
            key = (seed, f"clotho {split}", number)
            seconds = round(float(random.stream("synthetic clip length", *key).uniform(6, 10)), 1)
            heard = recorded(*key, seconds, "test" if split == "evaluation" else "train")
            name = f"{split}_{number:04d}.wav"
            files.audio(f"{split}/{name}", heard.samples, CLIP_RATE)
            rows.append((name, *(f'"{text}"' for text in captions(heard, *key))))
            words = ";".join(dict.fromkeys([*(event.label.lower() for event in heard.events), heard.place]))
            metadata.append((name, words, number, "", f'"[0, {len(heard.samples)}]"', "benchbed", "CC0-1.0"))
        files.table(f"clotho_captions_{split}.csv", rows, ",")
        files.table(f"clotho_metadata_{split}.csv", metadata, ",")


def _audiocaps(files: _Writer, size: str, seed: int) -> None:
    from benchbed.data.synthesis.captions_plain import plain
    from benchbed.data.synthesis.events_mixed import CLIP_RATE, recorded

    counts = (120, 20, 60) if size == "default" else (8, 4, 6)
    for split, count in zip(("train", "val", "test"), counts):
        rows: list[tuple] = [("audiocap_id", "youtube_id", "start_time", "caption")]
        for number in range(count):
            key = (seed, f"audiocaps {split}", number)
            heard = recorded(*key, 6.0, "test" if split == "test" else "train")
            name = f"{split}{number:06d}"
            files.audio(f"{split}/{name}.wav", heard.samples, CLIP_RATE)
            # One caption for training, five for the other splits, as in the set.
            texts = plain(heard, *key)[: 1 if split == "train" else 5]
            rows += [(10 * number + i, name, 0, f'"{text}"') for i, text in enumerate(texts)]
        files.table(f"{split}.csv", rows, ",")


class _Below:
    """Writes files of one set in a folder of another."""

    def __init__(self, files: _Writer, folder: str) -> None:
        self.files, self.folder = files, folder

    def audio(self, name: str, samples: np.ndarray, rate: int = RATE) -> None:
        self.files.audio(f"{self.folder}/{name}", samples, rate)

    def table(self, name: str, rows: list[tuple], separator: str) -> None:
        self.files.table(f"{self.folder}/{name}", rows, separator)


def _clotho_audiocaps(files: _Writer, size: str, seed: int) -> None:
    _clotho(_Below(files, "clotho"), size, seed)  # type: ignore[arg-type]
    _audiocaps(_Below(files, "audiocaps"), size, seed)  # type: ignore[arg-type]


def _dcase_retrieval(files: _Writer, size: str, seed: int) -> None:
    from benchbed.data.synthesis.captions import captions
    from benchbed.data.synthesis.events_mixed import CLIP_RATE, recorded

    rows: list[tuple] = [("file_name", *(f"caption_{number}" for number in range(1, 6)))]
    texts, sounds = {}, {}
    for number in range(80 if size == "default" else 8):
        # Those of Clotho's evaluation split, so that one model is asked the same in both ways.
        key = (seed, "clotho evaluation", number)
        seconds = round(float(random.stream("synthetic clip length", *key).uniform(6, 10)), 1)
        heard, name = recorded(*key, seconds, "test"), f"evaluation_{number:04d}.wav"
        files.audio(f"evaluation/{name}", heard.samples, CLIP_RATE)
        texts[name] = captions(heard, *key)
        sounds[name] = {event.label for event in heard.events}
        rows.append((name, *(f'"{text}"' for text in texts[name])))
    files.table("clotho_captions_evaluation.csv", rows, ",")
    judged: dict[str, list[str]] = {}
    for name, said in texts.items():
        alike = [other for other, sound in sounds.items() if sound == sounds[name]]
        judged.setdefault(said[0], alike)
    listed = [(f'"{text}"', f'"{names}"') for text, names in judged.items()]
    files.table("metadata_eval.csv", [("query", "audio_filenames"), *listed], ",")


def _castella(files: _Writer, size: str, seed: int) -> None:
    from benchbed.data.synthesis.events_mixed import CLIP_RATE, recorded
    from benchbed.data.synthesis.moments import asked

    counts = {"default": (4, 4, 32), "small": (2, 2, 5), "large": (240, 20, 60)}[size]
    seconds = 20.0 if size == "small" else 40.0
    for split, count in zip(("train", "val", "test"), counts):
        rows: list[tuple] = []
        number = kept = 0
        while kept < count:
            key = (seed, f"castella {split}", number)
            heard = recorded(*key, seconds, "test" if split == "test" else "train")
            number += 1
            if not heard.events:
                continue  # nothing could be asked about it
            name = f"{split}_{kept:03d}"
            kept += 1
            files.audio(f"audio/{name}.wav", heard.samples, CLIP_RATE)
            for turn, (text, windows) in enumerate(asked(heard, *key), start=1):
                line = {"qid": f"{name}_{turn}", "query": text, "duration": seconds, "vid": name}
                rows.append((json.dumps({**line, "relevant_windows": windows}),))
        files.table(f"castella_{split}_release.jsonl", rows, "")


def _localised(year: int, folds: dict[int, tuple[str, int]], sounds: tuple[str, ...]) -> Callable[..., None]:
    """A writer of recordings with tracks in the files of a year.

    Parameters
    ----------
    year : int
        Form of the files.
    folds : mapping of int to (str, int)
        Number in the names → folder, and so many recordings of ten (the small set: five) seconds.
    sounds : tuple of str
        Formats: `foa`, `mic`, `stereo`.
    """

    def write(files: _Writer, size: str, seed: int) -> None:
        from benchbed.data.synthesis import localised
        from benchbed.data.synthesis.spatial import RATE as rate
        from benchbed.outputs.tracks.classes import CLASSES

        # Clips of the stereo set last five seconds in any case.
        seconds = 5.0 if size == "small" or year == 2025 else 10.0
        for fold, (folder, count) in folds.items():
            for number in range(1, 1 + (min(3, count) if size == "small" else count)):
                room = 1 + number % 2 + 10 * (fold == max(folds))
                name = f"fold{fold}_room{room}_mix{number:03}" + ("_ov2" if year == 2020 else "")
                name += "_deg000_start00" if year == 2025 else ""
                place = f"{folder}/{name}" if folder else name
                for kind in sounds:
                    heard: Literal["foa", "mic"] = "mic" if kind == "mic" else "foa"
                    sound, soundings = localised.scene(
                        seed, f"{year}/fold{fold}", number, CLASSES[year], seconds, heard
                    )
                    sound = localised.stereo(sound) if kind == "stereo" else sound
                    files.audio(f"{kind}_dev/{place}.wav", sound, rate)
                files.write(f"metadata_dev/{place}.csv", _track_file(soundings, year).encode())

    return write


def _track_file(soundings: list, year: int) -> str:
    """The tracks of a scene in the form of a year's references."""
    from benchbed.data.synthesis.localised import PICTURE
    from benchbed.outputs.tracks.classes import CLASSES
    from benchbed.outputs.tracks.files import written
    from benchbed.outputs.tracks.recording import tracks

    columns: list[list[float]] = [
        [first + i, CLASSES[year].index(one.label), one.source, one.azimuth[i], one.elevation[i], one.distance]
        for one in soundings
        for first in [one.first]
        for i in range(len(one.azimuth))
    ]
    frame, label, source, azimuth, elevation, distance = np.array(columns, np.float64).reshape(-1, 6).T
    whole = [column.astype(np.int64) for column in (frame, label, source)]
    tracked = tracks(
        whole[0],
        whole[1],
        azimuth,
        elevation,
        source=whole[2],
        distance=distance,
        onscreen=np.abs(azimuth) <= PICTURE,
    )
    return written(tracked, year)


def _bsd10k(files: _Writer, size: str, seed: int) -> None:
    from benchbed.data.broad_sound import BROAD_SOUND
    from benchbed.data.synthesis.broad import broad_sound

    rows: list[tuple] = [("sound_id", "class", "class_idx", "class_top", "confidence", "uploader", "title")]
    for number, name in enumerate(BROAD_SOUND):
        for take in range(30 if size == "default" else 2):
            sound = 1000 * (number + 1) + take
            files.audio(f"audio/{sound}.wav", broad_sound(seed, name, take))
            rows.append((sound, name, number, name.partition("-")[0], 5 - take % 3, f"user{sound % 97}", name))
    files.table("metadata/BSD10k_metadata.csv", rows, ",")


def _mtg_jamendo(files: _Writer, size: str, seed: int) -> None:
    from benchbed.data.synthesis.music import GENRES, INSTRUMENTS, MOODS, SECONDS, track

    artists, takes = (20, 2) if size == "small" else (40, 6)
    rows: list[tuple[int, tuple]] = []
    for artist in range(artists):
        for take in range(takes):
            # Every fifth artist has every genre, instrument and mood, so that no side of a split lacks a tag.
            genre = GENRES[artist // 5 % len(GENRES)]
            instruments = [INSTRUMENTS[(artist // 5 + artist % 5 + take) % len(INSTRUMENTS)]]
            if (artist + take) % 3 == 0:
                instruments.append(INSTRUMENTS[(artist // 5 + artist % 5 + take + 1 + artist % 2) % len(INSTRUMENTS)])
            mood = MOODS[(artist // 5 + take) % len(MOODS)]
            number = 1000 * (artist + 1) + 7 * take
            path = f"{number % 100:02}/{number}.mp3"
            sound = track(seed, genre, tuple(instruments), mood, artist, take)
            files.audio(f"audio/{path[:-4]}.wav", sound)
            tags = (f"genre---{genre}", *(f"instrument---{name}" for name in instruments), f"mood/theme---{mood}")
            head = (f"track_{number:07}", f"artist_{artist:06}", f"album_{artist:06}", path, f"{SECONDS:.1f}")
            rows.append((artist, (*head, *tags)))
    header = ("TRACK_ID", "ARTIST_ID", "ALBUM_ID", "PATH", "DURATION", "TAGS")
    starts = {"": "", "_genre": "genre", "_instrument": "instrument", "_moodtheme": "mood/theme", "_top50tags": ""}
    for split in range(5):
        for name, start in starts.items():
            sides: dict[str, list[tuple]] = {side: [header] for side in ("train", "validation", "test")}
            for artist, row in rows:
                side = ("train", "train", "train", "validation", "test")[(artist + split) % 5]
                sides[side].append((*row[:5], *(tag for tag in row[5:] if tag.startswith(start))))
            for side, table in sides.items():
                files.table(f"data/splits/split-{split}/autotagging{name}-{side}.tsv", table, "\t")


def _disco(files: _Writer, size: str, seed: int) -> None:
    from benchbed.data.synthesis.crowds import crowd, people

    many = {"train": 24, "val": 6, "test": 24} if size == "small" else {"train": 480, "val": 60, "test": 120}
    number = 0
    for split, clips in many.items():
        for _ in range(clips):
            number += 1
            name = f"{number:04}"
            count = people(seed, name)
            files.audio(f"auds/{name}.wav", np.rint(crowd(seed, count, name) * 32767))
            files.write(f"density/{split}/{name}.mat", _density_map(seed, name, count))


def _density_map(seed: int, name: str, count: int) -> bytes:
    """A map of 18 × 32 places that sums to a count, as MATLAB writes it but for the date in its header."""
    import io

    from scipy.io import savemat

    places = random.stream("synthetic density", seed, name).integers(0, 18 * 32, count)
    held = io.BytesIO()
    savemat(held, {"map": np.bincount(places, minlength=18 * 32).reshape(18, 32).astype(np.float64)})
    content = bytearray(held.getvalue())
    content[:116] = b"MATLAB 5.0 MAT-file, synthetic".ljust(116)
    return bytes(content)


def _dcase2026_task7(files: _Writer, size: str, seed: int) -> None:
    from benchbed.data.domain_lists import LABELS, LISTS
    from benchbed.data.synthesis.domains import domain_sound

    takes = {"train_": 18, "": 12} if size == "default" else {"train_": 2, "": 1}
    number = 0
    for part, count in takes.items():
        rows = []
        for domain in ("D2", "D3"):
            for label, name in enumerate(LABELS):
                for take in range(count):
                    file, number = f"audio/{number:05d}.wav", number + 1
                    files.audio(file, domain_sound(seed, name, domain, f"{part}{take}"))
                    rows.append((file, name, domain, label))
        files.table(LISTS[part], rows, "\t")


def _emotional(corpus: str) -> Callable[..., None]:
    """A writer of emotional speech in the names of a corpus."""

    def write(files: _Writer, size: str, seed: int) -> None:
        from benchbed.data.emotion_words import EMODB, ENTERFACE05, FESC, RAVDESS
        from benchbed.data.synthesis.emotions import RATE as rate
        from benchbed.data.synthesis.emotions import uttered

        codes: dict[str, str] = {
            "emodb": EMODB,
            "enterface05": ENTERFACE05,
            "ravdess": RAVDESS,
            "fesc": {name: name for name in FESC},
        }[corpus]
        speakers, takes = (5, 1) if size == "small" else (10, 4)
        rows: list[tuple] = [("file", "speaker", "emotion")]
        for number in range(1, speakers + 1):
            for code, emotion in codes.items():
                for take in range(1, takes + 1):
                    name = {
                        "emodb": f"wav/{number:02}a{take:02}{code}a.wav",
                        "enterface05": f"subject {number}/{emotion}/sentence {take}/s{number}_{code}_{take}.wav",
                        "ravdess": f"Actor_{number:02}/03-01-{code}-01-01-{take:02}-{number:02}.wav",
                        "fesc": f"audio/{number}_{emotion}_{take}.wav",
                    }[corpus]
                    sound = uttered(seed, corpus, str(number), emotion, take)
                    files.audio(name, np.rint(sound * 32767), rate)
                    rows.append((name, number, emotion))
        if corpus == "fesc":
            files.table("fesc.csv", rows, ",")

    return write


def _machines(year: int) -> Callable[..., None]:
    """A writer of machine sounds in the names of a year."""

    def write(files: _Writer, size: str, seed: int) -> None:
        from benchbed.data.synthesis.machines import FAULTS, far, machine
        from benchbed.data.synthesis.machines import RATE as rate

        sections = (0, 1) if year < 2023 else (0,)
        domains = ("",) if year == 2020 else ("source", "target")
        # Clips of a section: for training in the source domain and in the other, for tests of each state and domain.
        small, old = size == "small", len(sections) > 1
        many, few, tests = (6, 2, 4) if small else (42, 6, 6) if old else (80, 8, 10)
        if year == 2020:
            many, few, tests = many + few, 0, 2 * tests
        for name in ("fan", "slider", "valve"):
            for section in sections if not small else (0,):
                number = {"train": 0, "test": 0}
                plan = [("train", domain, "normal", many if domain != "target" else few) for domain in domains]
                plan += [("test", domain, state, tests) for domain in domains for state in ("normal", "anomaly")]
                for split, domain, state, count in plan:
                    for index in range(count):
                        fault = FAULTS[index % len(FAULTS)] if state != "normal" else ""
                        key = (split, state, index)
                        near = machine(seed, name, section, domain or "source", fault, key)
                        heard = (
                            np.stack([near, far(seed, near, name, (section, domain, key))]) if year == 2026 else near
                        )
                        file = _machine_file(year, name, section, split, domain, state, number[split])
                        number[split] += 1
                        files.audio(file, np.rint(heard * 32768).clip(-32768, 32767), rate)

    return write


def _machine_file(year: int, name: str, section: int, split: str, domain: str, state: str, number: int) -> str:
    """The name of a clip of a machine, as a year has it."""
    if year == 2020:
        return f"dev_data/{name}/{split}/{state}_id_{section:02}_{number:08}.wav"
    folder = f"{domain}_{split}" if year == 2021 and split == "test" else split
    return f"dev_data/{name}/{folder}/section_{section:02}_{domain}_{split}_{state}_{number:04}_hall_1.wav"


_FOLDERS = {"train": "dev-train-tau", "test": "dev-test-tau"}
_WRITERS = {
    "tau2022": _tau2022,
    "esc50": _esc50,
    "desed": _desed,
    "fsd50k": _fsd50k,
    "audioset": _audioset,
    "speech_commands": _speech_commands,
    "maestro_real": _maestro_real,
    "clotho": _clotho,
    "audiocaps": _audiocaps,
    "clotho_audiocaps": _clotho_audiocaps,
    "dcase_retrieval": _dcase_retrieval,
    "castella": _castella,
    "bsd10k": _bsd10k,
    "disco": _disco,
    "mtg_jamendo": _mtg_jamendo,
    **{corpus: _emotional(corpus) for corpus in ("emodb", "enterface05", "ravdess", "fesc")},
    "dcase2026_task7": _dcase2026_task7,
    **{f"dcase{year}_task2": _machines(year) for year in range(2020, 2027)},
    "tau_nigens2020": _localised(2020, {3: ("", 10), 2: ("", 3), 1: ("", 10)}, ("foa", "mic")),
    "tau_nigens2021": _localised(2021, {1: ("dev-train", 10), 5: ("dev-val", 3), 6: ("dev-test", 10)}, ("foa", "mic")),
    "starss22": _localised(2022, {3: (_FOLDERS["train"], 10), 4: (_FOLDERS["test"], 10)}, ("foa", "mic")),
    "starss23": _localised(2023, {3: (_FOLDERS["train"], 10), 4: (_FOLDERS["test"], 10)}, ("foa", "mic")),
    "stereo_seld2025": _localised(2025, {3: (_FOLDERS["train"], 12), 4: (_FOLDERS["test"], 12)}, ("stereo",)),
}
