"""Clips of another channel count than the model's, corruptions of another array than the clips': one clear error."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import soundfile
from made_localiser import ADAPTER, recordings

import benchbed as bb
from benchbed.card import Card
from benchbed.data import synthetic
from benchbed.errors import ConfigError
from benchbed.outputs import output_of
from benchbed.run.preparing.channels import refuse_channels

SUITE = {
    "name": "channels",
    "version": "1",
    "task": "tracks",
    "metrics": {"family": "seld2022", "primary": "macro_seld"},
    "statistics": {"draws": 0},
    "profile": False,
}


def ran(tmp_path: Path, conditions: list, *, layout: str = "starss23", root: Path, **data: object) -> bb.Run:
    (tmp_path / "localiser.py").write_text(ADAPTER)
    return bb.run(
        {**SUITE, "data": {"layout": layout, "splits": ["test"], **data}, "conditions": conditions},
        str(tmp_path / "localiser.py"),
        data={layout: root},
        out=tmp_path / "runs",
        report=False,
    )


def test_recordings_of_two_channels_are_refused_before_anything_is_computed(tmp_path: Path):
    root = recordings(tmp_path / "set")
    for path in (root / "foa_dev").rglob("*.wav"):
        wave, rate = soundfile.read(path)
        soundfile.write(path, wave[:, :2], rate)
    with pytest.raises(ConfigError, match=r"localiser hears 4 channels, .*mix001.wav has 2: once mixed"):
        ran(tmp_path, ["clean"], root=root)
    assert not (tmp_path / "runs").exists() or not list((tmp_path / "runs").rglob("*.parquet"))


@pytest.mark.parametrize("array, refused", [("foa", True), ("mic", False), ("", False)])
def test_recordings_of_another_array_are_refused_where_a_card_says_which(tmp_path: Path, array: str, refused: bool):
    root = recordings(tmp_path / "set")
    (root / "foa_dev").rename(root / "mic_dev")
    card = Card(name="m", family="cnn", output="tracks", labels=("a",), sample_rate=24000, channels=4, array=array)
    table = pd.DataFrame({"path": sorted(str(p.relative_to(root)) for p in (root / "mic_dev").rglob("*.wav"))})
    source = SimpleNamespace(dataset=SimpleNamespace(root=root))
    loaded = SimpleNamespace(suite=SimpleNamespace(conditions=[]))
    ask = partial(refuse_channels, loaded, source, {"test": table}, output_of("tracks"), [card])  # type: ignore[arg-type]
    if refused:
        with pytest.raises(ConfigError, match=r"m hears foa, and mic_dev/.*wav was recorded as mic"):
            ask()
    else:
        ask()


def test_one_odd_recording_among_others_is_named(tmp_path: Path):
    root = recordings(tmp_path / "set")
    odd = sorted((root / "foa_dev").rglob("*.wav"))[2]
    soundfile.write(odd, np.zeros((48000, 1)), 24000)
    with pytest.raises(ConfigError, match=r"mix003.wav has 1"):
        ran(tmp_path, ["clean"], root=root)


def test_stereo_cannot_be_turned(tmp_path: Path):
    root = synthetic.make(tmp_path / "stereo", layout="stereo_seld2025", size="small")
    (tmp_path / "two.py").write_text(ADAPTER.replace("channels=4", "channels=2"))
    suite = {**SUITE, "metrics": {"family": "seld2025", "primary": "macro_f20"}}
    with pytest.raises(ConfigError, match=r"foa_rotation cannot be applied to stereo_dev/.*not 2") as refused:
        bb.run(
            {
                **suite,
                "data": {"layout": "stereo_seld2025", "splits": ["test"]},
                "conditions": ["clean", {"corruption": "foa_rotation", "severities": [1, 2]}],
            },
            str(tmp_path / "two.py"),
            data={"stereo_seld2025": root},
            out=tmp_path / "runs",
            report=False,
        )
    assert "leave the condition out" in str(refused.value.hint)


@pytest.mark.parametrize(
    "condition, match",
    [
        ({"corruption": "foa_rotation"}, "made for foa, and mic_dev/.* was heard by mic"),
        ({"corruption": "diffuse_noise"}, "made for foa, and mic_dev/.* was heard by mic"),
        ({"corruption": "diffuse_noise", "options": {"array": "stereo"}}, "needs the 2 channels of stereo, not 4"),
    ],
)
def test_what_is_made_for_another_array_is_refused(tmp_path: Path, condition: dict, match: str):
    root = recordings(tmp_path / "set")
    (root / "foa_dev").rename(root / "mic_dev")
    with pytest.raises(ConfigError, match=match):
        ran(tmp_path, ["clean", condition], root=root, options={"audio": "mic"})


def test_elsewhere_channels_are_mixed_as_ever():
    assert refuse_channels(None, None, {}, output_of("tags"), []) is None  # type: ignore[arg-type]
