"""Many tiny clips and a model that costs nothing, for benchmarks that are about benchbed alone.

Clips lie in the form of TAU 2022 Mobile: a tenth of a second at 8 kHz, ten cuts of each recording on each of nine
devices. The model's answers follow from a handful of samples, so that what a run costs beside reading, perturbing and
asking is what remains.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil
import soundfile

RATE, SAMPLES = 8000, 800
SCENES = (
    "airport",
    "bus",
    "metro",
    "metro_station",
    "park",
    "public_square",
    "shopping_mall",
    "street_pedestrian",
    "street_traffic",
    "tram",
)
DEVICES = ("a", "b", "c", "s1", "s2", "s3", "s4", "s5", "s6")
#: Corruptions that cost little, so that many cells are made in little time.
CHEAP = ("gain", "white_noise", "clipping", "bit_depth", "polarity", "dc_offset", "time_mask", "time_shift")
MODEL = """
import numpy as np
from benchbed.adapter import Adapter, Card

LABELS = {labels!r}


class Tiny(Adapter):
    card = Card(name="tiny", family="other", output="scene", labels=LABELS, sample_rate={rate}, scores="probabilities")

    def load(self, device):
        self.table = np.random.default_rng({seed}).standard_normal((16, len(LABELS))).astype(np.float32)

    def predict(self, batch):
        heard = batch.waveforms[:, 0, :160:10] @ self.table * 4
        made = np.exp(heard - heard.max(1, keepdims=True))
        return (made / made.sum(1, keepdims=True)).astype(np.float32)
"""
#: The command as a module, after lines that a benchmark puts in front to plant a defect.
COMMAND = "{planted}\nimport sys\nfrom benchbed.cli import main\nmain(sys.argv[1:])\n"


def names(clips: int) -> Iterator[tuple[str, str]]:
    """File name and scene of so many clips: recording by recording, scenes and devices in turns."""
    # Few clips are of all scenes and devices, too: slices on records and pages are the same then.
    kinds = [(scene, device, cut) for cut in range(10) for device in DEVICES for scene in range(len(SCENES))]
    for index in range(clips):
        recording, (scene, device, cut) = index // len(kinds), kinds[index % len(kinds)]
        label = SCENES[scene]
        yield f"audio/{label}-lisbon-{recording}-{recording * 10 + scene}-{cut}-{device}.wav", label


def write_clips(folder: Path, clips: int) -> Path:
    """A data set of so many test clips, and one of a training split; the folder."""
    (folder / "audio").mkdir(parents=True)
    (folder / "evaluation_setup").mkdir()
    listed = list(names(clips + 1))
    rows = [f"{name}\t{label}\t{name.split('-')[1]}\t{name.rpartition('-')[2][:-4]}" for name, label in listed]
    head = "filename\tscene_label\tidentifier\tsource_label\n"
    (folder / "meta.csv").write_text(head + "\n".join(rows) + "\n")
    for split, part in (("evaluate", listed[:-1]), ("train", listed[-1:])):
        text = "filename\tscene_label\n" + "\n".join(f"{name}\t{label}" for name, label in part) + "\n"
        (folder / "evaluation_setup" / f"fold1_{split}.csv").write_text(text)
    made = np.random.default_rng(0).standard_normal((64, SAMPLES)) * 0.1
    for index, (name, _) in enumerate(listed):
        sound = np.roll(made[index % 64], index // 64) * (1 - index / (4 * len(listed)))
        soundfile.write(folder / name, sound, RATE, subtype="PCM_16")
    return folder


def write_model(path: Path, seed: int = 0) -> Path:
    """The model as an adapter's file."""
    path.write_text(MODEL.format(labels=SCENES, rate=RATE, seed=seed))
    return path


def write_suite(path: Path, conditions: int) -> Path:
    """A suite of clean clips and so many cheap corruptions at five severities each."""
    listed = ["clean"] + [f"{{corruption: {CHEAP[i % len(CHEAP)]}}}" for i in range(conditions)]
    path.write_text(
        f"extends: [dcase_task1]\nname: {path.stem}\nversion: '1'\naudio: {{sample_rate: {RATE}}}\n"
        f"conditions: [{', '.join(listed)}]\n"
    )
    return path


@dataclass(frozen=True)
class Taken:
    """What a command took: CPU seconds of it and all that it started, and the most memory that one process of it held.

    Attributes
    ----------
    cpu, wall : float
        Seconds.
    peak : float
        The kernel's high-water mark (VmHWM) of the largest process in MB; of a child it does not begin at its parent's.
    output : str
        Standard output.
    """

    cpu: float
    wall: float
    peak: float
    output: str


def taken(words: list[str], planted: str = "", cache: str = "0") -> Taken:
    """Run benchbed with some words and watch all its processes.

    Raises
    ------
    SystemExit
        The command failed.
    """
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "BENCHBED_AUDIO_GB": cache}
    command = [sys.executable, "-c", COMMAND.format(planted=planted), *words]
    began, peaks, before = time.monotonic(), dict[tuple[int, float], int](), _children()
    cpu: dict[tuple[int, float], float] = {}
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        root = psutil.Process(process.pid)
        while process.poll() is None:
            try:
                everyone = [root, *root.children(recursive=True)]
            except psutil.Error:
                continue
            for one in everyone:
                try:
                    key, times = (one.pid, one.create_time()), one.cpu_times()
                    cpu[key] = times.user + times.system
                    status = Path(f"/proc/{one.pid}/status").read_text()
                    if "VmHWM:" in status:
                        peaks[key] = max(peaks.get(key, 0), int(status.split("VmHWM:")[1].split()[0]))
                except (psutil.Error, OSError):
                    continue
            time.sleep(0.1)
        output, told = process.stdout.read(), process.stderr.read()
    if process.returncode:
        raise SystemExit(f"{' '.join(words)} left with {process.returncode}:\n{told[-3000:]}")
    # Whoever lives on after its parent is seen by looking only, and the last tenth of a second by waiting only.
    return Taken(
        max(sum(cpu.values()), _children() - before),
        time.monotonic() - began,
        max(peaks.values(), default=0) * 1024 / 1e6,
        output,
    )


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
