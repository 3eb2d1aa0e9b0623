"""Other clips that a corruption draws on: the same ones for a clip, however the rows of its table lie."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import soundfile

from benchbed.errors import AudioError
from benchbed.perturb import resolve
from benchbed.perturb.contract import Context
from benchbed.rng import stream
from benchbed.run.computing.shard import AHEAD, Others, Shard
from benchbed.run.computing.whole import decode


@pytest.fixture
def table(tmp_path: Path) -> pd.DataFrame:
    rows = []
    for number in range(12):
        wave = 0.1 * stream("shard", number).standard_normal(8000)
        soundfile.write(tmp_path / f"{number}.wav", wave, 8000)
        label, device = "ab"[number % 2], "xyz"[number % 3]
        place = {"path": f"{number}.wav", "onset": 0.0, "duration": np.nan, "group": str(number)}
        rows.append({"clip_id": f"set/{number}.wav", "label": label, "device": device, **place})
    return pd.DataFrame(rows)


@pytest.mark.parametrize("name, column", [("background", "label"), ("style_swap", "device"), ("babble", "label")])
def test_what_is_drawn_for_a_clip_does_not_depend_on_the_order_of_rows(
    name: str, column: str, table: pd.DataFrame, tmp_path: Path
) -> None:
    made = []
    for order in (np.arange(12), np.random.default_rng(0).permutation(12), np.arange(12)[::-1]):
        pool = table.iloc[order].reset_index(drop=True)
        job = SimpleNamespace(pools={"test": pool}, root=tmp_path)
        others = Others(job, "test", column)  # type: ignore[arg-type]
        waves = []
        for row in table.to_dict("records"):
            clip = decode(tmp_path, row, None)
            drawn = others.of(row, clip)
            context = Context("set", others=drawn, other_devices=drawn if column == "device" else None)
            corruption = resolve(name)
            state = corruption.prepare(clip.waveform, 8000, stream(name, row["clip_id"]), context)
            waves.append(corruption.apply(state, corruption.parameters[-1]).waveform)
        made.append(np.stack(waves))
    assert np.array_equal(made[0], made[1]) and np.array_equal(made[0], made[2])
    assert not np.array_equal(made[0][0], made[0][1])


def test_only_clips_that_differ_are_drawn(table: pd.DataFrame, tmp_path: Path) -> None:
    others = Others(SimpleNamespace(pools={"test": table}, root=tmp_path), "test", "label")  # type: ignore[arg-type]
    row = table.to_dict("records")[0]
    known = {number: soundfile.read(tmp_path / f"{number}.wav", dtype="float32")[0] for number in range(12)}
    drawn = others.of(row, decode(tmp_path, row, None))(stream("draw"), 6)
    found = {next(n for n, wave in known.items() if np.allclose(wave, one[0], atol=1e-4)) for one in drawn}
    assert found == {1, 3, 5, 7, 9, 11}


@pytest.mark.parametrize("path", ["../0.wav", "a/../0.wav", "/0.wav"])
def test_a_path_that_may_leave_the_folder_is_not_opened(table: pd.DataFrame, tmp_path: Path, path: str) -> None:
    row = {**table.to_dict("records")[0], "path": path if path[0] != "/" else str(tmp_path / "0.wav")}
    with pytest.raises(AudioError, match="leaves the dataset's folder"):
        decode(tmp_path, row, None)  # type: ignore[arg-type]


def test_threads_that_read_ahead_change_nothing_but_when(toy_job):
    """Broken and missing files among them: each fails for its own clip, when it is asked for."""
    job = toy_job()
    (job.root / "03.wav").write_bytes(b"RIFF")
    (job.root / "05.wav").unlink()
    rows = range(len(job.clips["test"]))
    alone, ahead = (Shard.of(replace(job, readers=count), "test", rows) for count in (0, 2))
    for index in [0, 7, 1, *rows]:
        one, other = alone.clip(index), ahead.clip(index)
        if isinstance(one, AudioError):
            assert index in (3, 5) and str(other) == str(one)
        else:
            assert other.waveform.tobytes() == one.waveform.tobytes()
    assert len(ahead.coming) == 0 and ahead.clip(0) is ahead.clip(0)


def test_no_more_is_read_ahead_than_is_said(toy_job):
    shard = Shard.of(replace(toy_job(), readers=1), "test", range(40))
    shard.clip(0)
    assert set(shard.coming) == set(range(1, 1 + AHEAD)) and set(shard.clips) == {0}


def test_a_row_of_the_pool_is_what_a_table_makes_of_it(table: pd.DataFrame) -> None:
    table["channels"], table["kept"], table["also"] = np.arange(12), table.index % 2 == 0, [("a",)] * 12
    others = Others(SimpleNamespace(pools={"test": table}), "test", "label")  # type: ignore[arg-type]
    for position, wanted in enumerate(others.pool.to_dict("records")):
        found = others._row(position)
        assert repr(found) == repr(wanted)
        assert [type(value) for value in found.values()] == [type(value) for value in wanted.values()]
