"""Is the data what it should be? Missing, broken, doubled and leaking files, counts, classes, rates, silence.

Leaks between splits are searched in `benchbed.data.leaks`, channels that face elsewhere in `benchbed.data.facing`.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchbed import audio
from benchbed.data.dataset import Dataset
from benchbed.data.facing import facing
from benchbed.data.index import hash_files, index_hash
from benchbed.data.leaks import Leak, checked_pairs, leaks, some, split_pairs
from benchbed.errors import AudioError

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class DataReport:
    """Everything `check` found; plain values only, for JSON.

    Attributes
    ----------
    dataset, root : str
        What was checked.
    synthetic : bool
    clips, files : int
        Rows of the table, and different files among them.
    splits : dict
        Split → number of clips.
    classes : dict
        Split → class → number of clips.
    sample_rates, channels : dict
        Value → number of clips.
    seconds : dict
        `min`, `median`, `max` and `total` of the clips that could be read.
    index : str
        Hash of the clips and their content; empty if a file is missing.
    findings : tuple of Leak
        Errors first.
    """

    dataset: str
    root: str
    synthetic: bool
    clips: int
    files: int
    splits: dict[str, int]
    classes: dict[str, dict[str, int]]
    sample_rates: dict[str, int] = field(default_factory=dict)
    channels: dict[str, int] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    index: str = ""
    findings: tuple[Leak, ...] = ()

    @property
    def ok(self) -> bool:
        """No errors."""
        return not any(finding.level == "error" for finding in self.findings)

    def to_json(self) -> dict[str, Any]:
        """The report as plain values for JSON, with `ok`."""
        return {"ok": self.ok, **asdict(self)}

    def __str__(self) -> str:
        """The report as lines of text, findings last."""
        splits = ", ".join(f"{name} {count:,}" for name, count in self.splits.items())
        lines = [
            f"{self.dataset}{' (synthetic)' if self.synthetic else ''}: {self.clips:,} clips in {self.files:,} files",
            f"  root: {self.root}",
            f"  splits: {splits or 'none'}",
        ]
        if self.seconds:
            total, least, most = (self.seconds[key] for key in ("total", "min", "max"))
            lines.append(f"  length: {total / 3600:.2f} h, clips of {least:.3g} to {most:.3g} s")
        for called, tally in (("sample rates in Hz", self.sample_rates), ("channels", self.channels)):
            if tally:
                lines.append(
                    f"  {called}: " + ", ".join(f"{value} ({count:,} clips)" for value, count in tally.items())
                )
        for finding in self.findings:
            lines.append(f"  {finding.level}: {finding.message}")
            lines += [f"    {example}" for example in finding.examples]
        lines.append("  nothing is wrong" if self.ok else "  not fit for use as it is")
        return "\n".join(lines)


def check(
    dataset: Dataset,
    *,
    decode: bool = True,
    workers: int | None = None,
    pairs: Sequence[tuple[str, str]] | None = None,
    counts: Mapping[str, int] | None = None,
    cache_dir: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> DataReport:
    """Check a dataset against its files, its splits and its official counts.

    Parameters
    ----------
    dataset : Dataset
    decode : bool
        Read every clip; otherwise only headers, which finds no damaged ends and no silence.
    workers : int, optional
        Threads; by default one per core, at most eight.
    pairs : sequence of (str, str), optional
        Training and test splits that must be apart; else those that names tell (`train` and `test`, `not_fold1` and
        `fold1`, …).
    counts : mapping of str to int, optional
        Split → number of clips there must be; else the official ones of the dataset.
    cache_dir : Path, optional
        Where hashes of files are remembered.
    progress : callable, optional
        Called with files done and files in all.

    Raises
    ------
    ConfigError
        A pair names a split that does not exist, or a split with itself.
    """
    pairs = checked_pairs(dataset, pairs) if pairs is not None else split_pairs(dataset)
    paths = list(dict.fromkeys(dataset.clips["path"]))
    digests, failed = hash_files(dataset.root, paths, cache_dir, workers=workers)
    missing = [path for path in failed if not (dataset.root / path).exists()]
    findings = [Leak("note", "reading", note) for note in dataset.notes]
    findings += _missing(missing) + _unlisted(dataset.root, paths)
    probes = _probe_all(dataset, set(missing), decode, workers, progress)
    findings += _broken(probes) + _rates(probes) + _silent(probes) + _loud(probes)
    findings += _duplicates(dataset.clips, digests)
    for train, test in pairs:
        findings += leaks(dataset, train, test, digests)
    if decode:
        findings += facing(dataset)
    findings += _counts(dataset, dataset.official if counts is None else counts) + _balance(dataset)
    order = {"error": 0, "warning": 1, "note": 2}
    return DataReport(
        dataset=dataset.name,
        root=str(dataset.root),
        synthetic=dataset.synthetic,
        clips=len(dataset.clips),
        files=len(paths),
        splits={split: len(ids) for split, ids in dataset.splits.items()},
        classes={split: _class_counts(dataset, split) for split in dataset.splits},
        sample_rates=_tally(str(p.rate) for p in probes if p.rate),
        channels=_tally(str(p.channels) for p in probes if p.channels),
        seconds=_seconds(probes),
        index="" if failed else index_hash(dataset.clips, digests),
        findings=tuple(sorted(findings, key=lambda f: order[f.level])),
    )


@dataclass(frozen=True)
class _Probe:
    """What reading one clip showed."""

    clip: str
    rate: int = 0
    channels: int = 0
    seconds: float = 0.0
    silent: bool = False
    peak: float = 0.0
    error: str = ""


def _probe_all(
    dataset: Dataset,
    missing: set[str],
    decode: bool,
    workers: int | None,
    progress: Callable[[int, int], None] | None,
) -> list[_Probe]:
    columns = (dataset.clips[c].tolist() for c in ("clip_id", "path", "onset", "duration"))
    rows = [row for row in zip(*columns) if row[1] not in missing]

    def one(row: tuple[str, str, float, float]) -> _Probe:
        clip, path, onset, duration = row
        try:
            if not decode:
                info = audio.info(dataset.root / path)
                if info.frames == 0:
                    return _Probe(clip, error="audio file has 0 samples")
                seconds = duration if duration == duration else info.seconds - onset
                return _Probe(clip, info.sample_rate, info.channels, seconds)
            waveform, rate = audio.read(dataset.root / path, onset, duration)
        except AudioError as error:
            return _Probe(clip, error=error.what)
        peak = max(float(waveform.max()), -float(waveform.min()))
        return _Probe(clip, rate, waveform.shape[0], waveform.shape[1] / rate, peak == 0.0, peak)

    probes: list[_Probe] = []
    blocks = [rows[i : i + 64] for i in range(0, len(rows), 64)]
    with ThreadPoolExecutor(workers or min(8, os.cpu_count() or 1)) as pool:
        for part in pool.map(lambda block: [one(row) for row in block], blocks):
            probes += part
            if progress is not None:
                progress(len(probes), len(rows))
    return probes


def _missing(paths: Sequence[str]) -> list[Leak]:
    if not paths:
        return []
    return [Leak("error", "missing", f"{len(paths)} files of the table are not there", len(paths), some(paths))]


def _unlisted(root: Path, paths: Sequence[str]) -> list[Leak]:
    """Audio files in the folders of the clips that no clip uses."""
    from benchbed.data.layouts.folder import SUFFIXES

    listed = set(paths)
    extra = []
    for folder in sorted({path.rpartition("/")[0] for path in paths}):
        if (root / folder).is_dir():
            prefix = f"{folder}/" if folder else ""
            names = (entry.name for entry in os.scandir(root / folder) if entry.name.lower().endswith(SUFFIXES))
            extra += [prefix + name for name in names if prefix + name not in listed]
    if not extra:
        return []
    extra.sort()
    return [Leak("warning", "unlisted", f"{len(extra)} audio files are in no clip", len(extra), some(extra))]


def _broken(probes: Sequence[_Probe]) -> list[Leak]:
    bad = [f"{p.clip}: {p.error}" for p in probes if p.error]
    return [Leak("error", "unreadable", f"{len(bad)} clips cannot be read", len(bad), some(bad))] if bad else []


def _rates(probes: Sequence[_Probe]) -> list[Leak]:
    rates = _tally(str(p.rate) for p in probes if p.rate)
    if len(rates) < 2:
        return []
    said = ", ".join(f"{rate} Hz: {count}" for rate, count in rates.items())
    return [Leak("note", "rates", f"clips have {len(rates)} sample rates ({said})", len(rates))]


def _silent(probes: Sequence[_Probe]) -> list[Leak]:
    still = [p.clip for p in probes if p.silent]
    return (
        [Leak("warning", "silent", f"{len(still)} clips are digital silence", len(still), some(still))] if still else []
    )


def _loud(probes: Sequence[_Probe]) -> list[Leak]:
    loud = sorted((p for p in probes if p.peak > audio.LOUD), key=lambda p: -p.peak)
    if not loud:
        return []
    message = (
        f"{len(loud)} clips peak at up to {audio.beyond(loud[0].peak)}; models are promised samples in −1…1: if these "
        "are 16-bit numbers stored as floats, divide them by 32768"
    )
    return [Leak("warning", "loud", message, len(loud), some([f"{p.clip}: {p.peak:,.4g}" for p in loud]))]


def _duplicates(clips: pd.DataFrame, found: Mapping[str, str]) -> list[Leak]:
    by_content: dict[str, list[str]] = {}
    for path, value in found.items():
        by_content.setdefault(value, []).append(path)
    double = [paths for paths in by_content.values() if len(paths) > 1]
    if not double:
        return []
    labels = dict(zip(clips["path"], clips["label"]))
    mixed = [paths for paths in double if len({labels[path] for path in paths}) > 1]
    files = sum(len(paths) for paths in double)
    message = f"{files} files have content that another file has, too"
    if mixed:
        message += f"; {len(mixed)} times with different labels"
    examples = [" = ".join(paths[:3]) for paths in mixed + [p for p in double if p not in mixed]]
    return [Leak("error" if mixed else "warning", "duplicate", message, files, some(examples))]


def _counts(dataset: Dataset, counts: Mapping[str, int]) -> list[Leak]:
    findings = []
    for split, expected in counts.items():
        have = len(dataset.splits[split]) if split in dataset.splits else None
        if have is not None and have != expected:
            said = f"split {split} has {have:,} clips, officially {expected:,}"
            findings.append(Leak("error", "count", said, abs(have - expected)))
    return findings


def _balance(dataset: Dataset) -> list[Leak]:
    findings = []
    for split in dataset.splits:
        counts = _class_counts(dataset, split)
        empty = [label for label, count in counts.items() if not count]
        if empty and dataset.splits[split]:
            said = f"split {split} has no clips of {len(empty)} of {len(counts)} classes"
            findings.append(Leak("warning", "empty_class", said, len(empty), some(empty)))
        present = [count for count in counts.values() if count]
        if present and max(present) >= 10 * min(present) and dataset.kind == "scene":
            said = f"split {split} is unbalanced: {min(present)} to {max(present)} clips per class"
            findings.append(Leak("note", "imbalance", said))
    return findings


def _class_counts(dataset: Dataset, split: str) -> dict[str, int]:
    labels = dataset.select(split)["label"]
    seen = Counter(labels.explode().dropna() if dataset.kind != "scene" else labels)
    return {label: int(seen.get(label, 0)) for label in dataset.labels}


def _seconds(probes: Sequence[_Probe]) -> dict[str, float]:
    from statistics import median

    values = [p.seconds for p in probes if not p.error]
    if not values:
        return {}
    return {"min": min(values), "median": median(values), "max": max(values), "total": sum(values)}


def _tally(values: Any) -> dict[str, int]:
    return dict(Counter(values).most_common())
