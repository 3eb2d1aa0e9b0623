"""Soundscapes: exact times and levels, the same samples every time, sources of tests kept out of training."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchbed import audio
from benchbed.data import LAYOUTS, synthetic
from benchbed.data.synthesis import events_mixed
from benchbed.data.synthesis.events_domestic import SOUNDS
from benchbed.data.synthesis.events_mixed import CLIP_RATE, SOURCES, soundscape
from benchbed.errors import ConfigError


def test_a_soundscape_is_the_same_every_time_and_others_differ():
    one, events = soundscape(0, "train", 3, seconds=4.0)
    again, same = soundscape(0, "train", 3, seconds=4.0)
    assert (one == again).all() and events == same
    assert (one != soundscape(0, "train", 4, seconds=4.0)[0]).any()
    assert (one != soundscape(1, "train", 3, seconds=4.0)[0]).any()


def without_events(monkeypatch, number: int) -> np.ndarray:
    """The same clip with silent events: background and level come from the same draws."""
    with monkeypatch.context() as patched:
        for name in SOUNDS:
            patched.setitem(SOUNDS, name, (lambda source, rng, bank, n: np.zeros(n), SOUNDS[name][1]))
        return soundscape(0, "exact", number)[0].astype(float)


def test_events_are_silent_outside_their_times(monkeypatch):
    for number in range(6):
        full, events = soundscape(0, "exact", number)
        alone = full - without_events(monkeypatch, number)
        on = np.zeros(len(alone), bool)
        slack = 0.004
        for event in events:
            on[max(0, round((event.onset - slack) * CLIP_RATE)) : round((event.offset + slack) * CLIP_RATE)] = True
        if (~on).any() and events:
            # Cutting the spectrum at 8 kHz rings, 50 dB below the event.
            assert np.abs(alone[~on]).max() <= 3e-3 * np.abs(alone).max() + 2


def test_levels_are_those_that_are_written_down(monkeypatch):
    # Tones in the place of sounds and background lose nothing when the rate is halved.
    def hum(seed, rng, n):
        return np.sqrt(2) * np.sin(2 * np.pi * 500 * np.arange(n) / events_mixed.RATE), "park", ""

    def whistle(source, rng, bank, n):
        return 7 * np.sin(2 * np.pi * 1500 * np.arange(n) / events_mixed.RATE)

    monkeypatch.setattr(events_mixed, "_background", hum)
    for name in SOUNDS:
        monkeypatch.setitem(SOUNDS, name, (whistle, (1.0, 2.0)))
    measured = 0
    for number in range(30):
        full, events = soundscape(0, "exact", number)
        if len(events) == 1 and np.abs(full).max() < 32767:
            behind = without_events(monkeypatch, number)
            part = slice(*(round(t * CLIP_RATE) for t in (events[0].onset, events[0].offset)))
            ratio = np.mean((full - behind)[part] ** 2) / np.mean(behind**2)
            assert 10 * np.log10(ratio) == pytest.approx(events[0].snr, abs=0.1)
            measured += 1
    assert measured > 2


def test_plans_keep_events_of_a_class_apart():
    for number in range(40):
        rng = np.random.Generator(np.random.Philox(number))
        events = events_mixed._events_of(rng, 10.0)
        for one in events:
            assert 0 <= one.onset < one.offset <= 10.0 and 4 <= one.snr <= 24
            assert round(one.onset, 3) == one.onset and round(one.offset, 3) == one.offset
            others = [e for e in events if e is not one and e.label == one.label]
            assert all(e.onset > one.offset or e.offset < one.onset for e in others)


def test_every_class_sounds_from_its_first_to_its_last_sample():
    from benchbed.data.synthesis.sources import banks

    for name, (sound, (shortest, _)) in SOUNDS.items():
        n = round(max(shortest, 0.5) * events_mixed.RATE)
        made = sound(np.random.Generator(np.random.Philox(1)), np.random.Generator(np.random.Philox(2)), banks(0), n)
        assert len(made) == n and np.isfinite(made).all(), name
        edge = events_mixed.RATE // 5
        assert np.abs(made[:edge]).max() > 0 and np.abs(made[-edge:]).max() > 0, name


def test_sources_of_tests_are_not_those_of_training():
    assert not set(SOURCES["train"]) & set(SOURCES["test"])


@pytest.mark.parametrize(
    ("layout", "kind", "scored"),
    [("desed", "frames", "validation"), ("fsd50k", "tags", "test"), ("audioset", "tags", "test")],
)
def test_the_reader_of_the_real_set_reads_the_stand_in(tmp_path: Path, layout, kind, scored):
    root = synthetic.make(tmp_path / layout, layout=layout, size="small")
    data = LAYOUTS.get(layout).read(root)
    assert data.synthetic and data.kind == kind and data.name == f"{layout}-synthetic" and not data.official
    assert len(data.splits[scored]) == (16 if layout == "audioset" else 8)
    row = data.select(scored).iloc[0]
    waveform, rate = audio.read(root / row["path"], row["onset"], row["duration"])
    assert rate == CLIP_RATE and waveform.any()
    present = {label for labels in data.clips["label"] for label in labels}
    assert present <= set(data.labels)
    if kind == "frames":
        assert set(data.events.columns) >= {"onset", "offset", "label", "snr", "clip_id"}
        assert not [note for note in data.notes if "cut" in note or "merged" in note], "times are exact"


def test_large_is_for_training_detectors_only(tmp_path: Path):
    with pytest.raises(ConfigError, match="no large synthetic set of layout tau2022"):
        synthetic.make(tmp_path / "x", layout="tau2022", size="large")


def test_the_map_from_fsd50k_names_every_label_once(repository, realdata):
    from benchbed.adapter.labelmap import read_label_map
    from benchbed.adapter.load import load_adapter

    checkpoint = realdata / "tag_gpvad" / "pretrained_models" / "teacher1" / "model.pth"
    if not checkpoint.is_file():
        pytest.skip("no GPVAD weights among the real data")
    options = {"checkpoint": str(checkpoint), "label_map": str(repository / "suites/maps/fsd50k_audioset.yaml")}
    card = load_adapter(str(repository / "adapters/gpvad.py"), options).card
    assert len(read_label_map(options["label_map"], card.labels)) == 200
