"""Readers of files from strangers, each as a function of bytes, and files that they read, for fuzzing by any means.

Whatever the bytes are, a reader gives something or raises an error of benchbed's own.
"""

from __future__ import annotations

import contextlib
import io
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import soundfile

from benchbed import audio
from benchbed.errors import BenchbedError
from benchbed.gate.load import load_rules
from benchbed.predictions.index import indexed
from benchbed.predictions.store import UnitPredictions, read_header, read_units, write_unit
from benchbed.results.reference import read_reference
from benchbed.results.statistics import read_statistics
from benchbed.results.store import read
from benchbed.run.journal import last_started
from benchbed.seal import seal
from benchbed.suite.load import load_suite
from benchbed.tables.events import read_events
from benchbed.tables.jams import read_jams
from benchbed.tables.names import read_names
from benchbed.tables.table import read_table
from benchbed.tables.tree import read_tree

#: Reader → the name that its file has, and what reads it.
READERS: dict[str, tuple[str, Callable[[Path], object]]] = {
    "audio": ("a.wav", audio.read),
    "audio header": ("a.bin", audio.info),
    "suite": ("s.yaml", lambda path: load_suite(str(path))),
    "rules": ("r.yaml", load_rules),
    "reference": ("r.yaml", read_reference),
    "labels": ("l.yaml", read_tree),
    "table": ("t.csv", read_table),
    "table of tabs": ("t.tsv", read_table),
    "parquet": ("t.parquet", read_table),
    "events": ("e.tsv", lambda path: read_events(path, own=True)),
    "events of many": ("e.csv", lambda path: read_events(path, own=False)),
    "jams": ("j.jams", read_jams),
    "names": ("n.txt", read_names),
    "record": ("result.json", read),
    "statistics": ("statistics.npz", read_statistics),
    "unit": ("u.parquet", lambda path: read_header(path) and read_units([path])),
    "index": ("predictions.json", lambda path: indexed(path.parent)),
    "journal": ("log.jsonl", lambda path: last_started(path.parent)),
}


def feed(reader: str, data: bytes) -> None:
    """Give bytes to a reader; whatever it raises that is no error of benchbed's comes through."""
    name, call = READERS[reader]
    with tempfile.TemporaryDirectory(prefix="benchbed-fuzz-") as folder:
        path = Path(folder) / name
        path.write_bytes(data)
        with contextlib.suppress(BenchbedError):
            call(path)


def _sounds() -> list[bytes]:
    made, tone = [], np.sin(np.arange(400) / 5) * 0.3
    for form, subtype in (
        *(("WAV", "PCM_16"), ("WAV", "PCM_24"), ("WAV", "FLOAT"), ("WAV", "IMA_ADPCM"), ("AIFF", "PCM_16")),
        *(("FLAC", "PCM_16"), ("OGG", "VORBIS"), ("MP3", "MPEG_LAYER_III"), ("CAF", "PCM_16"), ("W64", "PCM_16")),
        *(("AU", "PCM_16"), ("RF64", "PCM_16"), ("WAVEX", "PCM_16")),
    ):
        held = io.BytesIO()
        soundfile.write(held, tone, 8000, format=form, subtype=subtype)
        made.append(held.getvalue())
    return made


def _unit() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        scores = np.array([[0.1, 0.9]], np.float32)
        columns = {"clip_id": ["a"], "cell": ["c"], "label": ["x"]}
        return write_unit(UnitPredictions("u", ("x", "y"), columns, scores), Path(folder)).read_bytes()


def _table() -> bytes:
    import pandas as pd

    held = io.BytesIO()
    pd.DataFrame({"file": ["a.wav"], "label": ["x"]}).to_parquet(held)
    return held.getvalue()


def seeds() -> dict[str, list[bytes]]:
    """Files that each reader reads, to be changed."""
    root = Path(__file__).resolve().parent.parent
    records = [path.read_bytes() for path in sorted((root / "tests/results/records").glob("*.json"))[-2:]]
    events = b"filename\tonset\toffset\tevent_label\na.wav\t0.1\t0.7\tdog\nb.wav\t\t\t\n"
    suites = [(root / "suites" / name).read_bytes() for name in ("esc10.yaml", "robustness_asc.yaml")]
    jams = b'{"file_metadata": {"duration": 1.0}, "annotations": [{"namespace": "scaper", "data": []}]}'
    return {
        "audio": _sounds(),
        "audio header": _sounds(),
        "suite": suites,
        "rules": [(root / "suites/gates/regression.yaml").read_bytes()],
        "reference": [path.read_bytes() for path in sorted((root / "leaderboards/reference").glob("*.yaml"))[:1]],
        "labels": [b"animal:\n  dog: {}\n  cat: {}\n", b'{"animal": ["dog", "cat"]}'],
        "table": [b'file,label\na.wav,dog\nb.wav,"cat, tabby"\n'],
        "table of tabs": [b"file\tlabel\na.wav\tdog\n"],
        "parquet": [_table()],
        "events": [b"0.0\t1.0\tdog\n", events],
        "events of many": [events.replace(b"\t", b",")],
        "jams": [jams],
        "names": [b"a.wav\nb.wav\n", b"0,dog\n1,cat\n"],
        "record": records,
        "statistics": [],
        "unit": [_unit()],
        "index": [seal('{"format": 1, "units": {}}').encode()],
        "journal": [b'{"time": "x", "event": "started", "identity": "a"}\n'],
    }
