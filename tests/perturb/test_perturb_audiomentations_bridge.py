"""The bridge: every fault of audiomentations in the policy is refused or repaired, and global state is left alone."""

from __future__ import annotations

import random

import numpy as np
import pytest
import soundfile

from benchbed.errors import ConfigError
from benchbed.perturb import resolve
from benchbed.perturb.audiomentations_bridge import _probe, corruption, names
from benchbed.perturb.audiomentations_facts import POLICY
from benchbed.perturb.contract import Context
from benchbed.perturb.selfcheck import lag
from benchbed.rng import stream

RATE = 16000
CONTEXT = Context()


def noise(channels=1, seconds=1.0, level=0.1):
    generator = stream("bridge")
    return (level * generator.standard_normal((channels, round(seconds * RATE)))).astype(np.float32)


def perturbed(name, parameters, waveform, seed="clip"):
    found = corruption(name, parameters)
    state = found.prepare(waveform, RATE, stream(seed), CONTEXT)
    return [found.apply(state, p) for p in found.parameters]


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("AddGaussianSNR", {"snr_db": 10}),
        ("AddColorNoise", {"snr_db": 10, "f_decay": -3}),
        ("LowPassFilter", {"cutoff_freq": 1000, "rolloff": 12}),
        ("TimeMask", {"band_part": 0.1}),
        ("GainTransition", {"min_gain_db": -20, "max_gain_db": -20}),
        ("PitchShift", {"semitones": 2}),
        ("AirAbsorption", {"distance": 50}),
    ],
)
def test_same_clip_same_audio_and_no_global_state_is_moved(name, parameters):
    waveform = noise(2)
    copy = waveform.copy()
    random.seed(3)
    np.random.seed(3)  # noqa: NPY002
    before = random.getstate(), np.random.get_state()[1].copy()  # noqa: NPY002
    first = perturbed(name, parameters, waveform)[0]
    random.seed(4)
    middle = perturbed(name, parameters, waveform)[0]
    random.setstate(before[0])
    other = perturbed(name, parameters, waveform, seed="another clip")[0]
    assert np.array_equal(first.waveform, middle.waveform)
    if name in ("AddGaussianSNR", "AddColorNoise", "TimeMask"):
        assert not np.array_equal(first.waveform, other.waveform)
    assert first.waveform.shape == waveform.shape and first.waveform.dtype == np.float32
    assert np.array_equal(waveform, copy)
    assert random.getstate() == before[0] and np.array_equal(np.random.get_state()[1], before[1])  # noqa: NPY002


def test_low_pass_is_the_librarys_own():
    import audiomentations

    waveform = noise()
    arguments = {"min_cutoff_freq": 1000, "max_cutoff_freq": 1000, "min_rolloff": 12, "max_rolloff": 12}
    expected = audiomentations.LowPassFilter(**arguments, p=1.0)(waveform.copy(), RATE)
    assert np.array_equal(perturbed("LowPassFilter", arguments, waveform)[0].waveform, expected)


def test_severities_share_one_draw():
    mild, strong = perturbed("AddGaussianSNR", {"snr_db": [20, 0]}, waveform := noise())
    a, b = (mild.waveform - waveform)[0], (strong.waveform - waveform)[0]
    assert np.corrcoef(a, b)[0, 1] > 0.999
    assert 20 * np.log10(b.std() / a.std()) == pytest.approx(20, abs=0.01)


@pytest.mark.parametrize("name", [n for n, policy in POLICY.items() if policy.action == "refuse"])
def test_refuses_with_the_reason_and_an_alternative(name):
    with pytest.raises(ConfigError) as caught:
        corruption(name, {})
    assert POLICY[name].reason in str(caught.value) and POLICY[name].instead in str(caught.value)


def test_every_policy_is_about_a_transform_that_exists():
    assert set(POLICY) <= set(names())


def test_apply_impulse_response_still_has_the_faults_it_is_refused_for(tmp_path):
    import audiomentations

    response = np.zeros(2000, np.float32)
    response[320] = 0.7
    soundfile.write(tmp_path / "late.wav", response, RATE)
    transform = audiomentations.ApplyImpulseResponse(ir_path=str(tmp_path), p=1.0)
    quiet = noise(level=0.001)[0]
    out = transform(quiet, RATE)
    assert np.abs(out).max() == pytest.approx(0.5, abs=0.01)
    assert lag(quiet, out, RATE) == 320


def test_clipping_distortion_refuses_odd_percentages():
    with pytest.raises(ConfigError, match="odd percentages"):
        corruption("ClippingDistortion", {"percentile_threshold": [2, 5]})
    clipped = perturbed("ClippingDistortion", {"percentile_threshold": 10}, waveform := noise())[0].waveform
    assert np.mean(clipped != waveform) == pytest.approx(0.10, abs=0.01)


def test_resample_keeps_pitch_and_length():
    tone = 0.5 * np.sin(2 * np.pi * 1000 * np.arange(RATE) / RATE, dtype=np.float32)[None]
    out = perturbed("Resample", {"sample_rate": 8000}, tone)[0]
    spectrum = np.abs(np.fft.rfft(out.waveform[0]))
    assert int(np.argmax(spectrum)) == 1000  # one bin is 1 Hz; left at 8 kHz it would be read as 2 kHz
    assert out.waveform.shape == tone.shape and out.note is None


@pytest.mark.parametrize("name", ["AddGaussianSNR", "AddColorNoise"])
def test_each_channel_gets_the_snr(name):
    waveform = noise(2)
    waveform[1] *= 0.01
    out = perturbed(name, {"snr_db": 10}, waveform)[0].waveform
    added = out - waveform
    snr = 10 * np.log10((waveform.astype(float) ** 2).mean(1) / (added.astype(float) ** 2).mean(1))
    assert snr == pytest.approx([10, 10], abs=0.2)  # the library aims at the draw's expected power, not its own
    assert abs(np.corrcoef(added)[0, 1]) < 0.05


@pytest.mark.parametrize("channels", [1, 2, 4])
def test_mono_mixers_take_any_channel_count_with_one_scene(tmp_path, channels):
    soundfile.write(tmp_path / "noise.wav", stream("file").standard_normal(3 * RATE) * 0.1, RATE)
    waveform = noise(channels)
    found = corruption("AddBackgroundNoise", {"sounds_path": str(tmp_path), "snr_db": 10})
    facts = found.configure(CONTEXT)
    assert facts["sounds"]["files"] == 1 and facts["sounds"]["digest"]
    out = perturbed("AddBackgroundNoise", {"sounds_path": str(tmp_path), "snr_db": 10}, waveform)[0].waveform
    added = (out - waveform).astype(float)
    assert out.shape == waveform.shape
    assert 10 * np.log10((waveform.astype(float) ** 2).mean(1) / (added**2).mean(1)) == pytest.approx(10, abs=0.05)
    if channels > 1:
        assert np.corrcoef(added).min() > 0.99


def test_mixers_check_the_folder(tmp_path):
    (tmp_path / "notes.txt").write_text("not a sound")
    soundfile.write(tmp_path / "noise.wav", np.full(RATE, 0.1), RATE)
    found = corruption("AddBackgroundNoise", {"sounds_path": str(tmp_path), "snr_db": 10})
    with pytest.raises(ConfigError, match=r"notes\.txt"):
        found.configure(CONTEXT)


def test_length_is_kept_and_the_change_noted():
    out = perturbed("RepeatPart", {"repeats": 1, "part_duration": 0.3}, waveform := noise())[0]
    assert out.waveform.shape == waveform.shape
    assert out.note == "trimmed 4800 samples"


def test_repeat_part_skips_short_clips():
    out = perturbed("RepeatPart", {"repeats": 1, "part_duration": 0.5}, waveform := noise(seconds=0.4))[0]
    assert out.skipped and np.array_equal(out.waveform, waveform)


def test_a_transform_without_effect_is_counted():
    out = perturbed("Clip", {"a_min": -1.0, "a_max": 1.0}, noise())[0]
    assert out.skipped == "the transform left the clip as it was"


def test_room_simulator_never_traces_rays():
    with pytest.raises(ConfigError, match="ray tracing"):
        corruption("RoomSimulator", {"use_ray_tracing": True})
    pytest.importorskip("pyroomacoustics", reason="RoomSimulator needs pyroomacoustics")
    waveform = noise()
    out = perturbed("RoomSimulator", {"calculation_mode": "absorption", "absorption_value": 0.2, "size_x": 4}, waveform)
    assert np.vdot(out[0].waveform, out[0].waveform) == pytest.approx(np.vdot(waveform, waveform), rel=1e-4)
    assert lag(waveform[0], out[0].waveform[0], RATE) == 0


def test_mp3_refuses_back_ends_that_delay():
    with pytest.raises(ConfigError, match="delays the audio"):
        corruption("Mp3Compression", {"bitrate": 32, "backend": "lameenc"})


def test_what_is_not_reproducible_is_refused(monkeypatch):
    import audiomentations

    entropy = np.random.default_rng()

    class FromEntropy(audiomentations.Gain):
        def apply(self, samples, sample_rate):
            return samples * np.float32(entropy.uniform(0.5, 1))

    monkeypatch.setattr(audiomentations, "Gain", FromEntropy)
    _probe.cache_clear()
    with pytest.raises(ConfigError, match="two runs with one seed"):
        corruption("Gain", {"gain_db": -6}).configure(CONTEXT)
    _probe.cache_clear()


def test_transforms_that_move_events_say_so():
    found = resolve("audiomentations:Shift", {"shift": 0.25})
    assert not found.preserves_time
    state = found.prepare(noise(), RATE, stream("clip"), CONTEXT)
    with pytest.raises(ConfigError, match="time_shift"):
        found.place_events(np.array([[0.1, 0.2]]), 1.0, state, found.parameters[0])


@pytest.mark.parametrize(
    ("name", "parameters", "words"),
    [
        ("LowPasFilter", {}, "did you mean 'LowPassFilter'"),
        ("LowPassFilter", {"cutof_freq": 1}, "did you mean"),
        ("LowPassFilter", {"min_cutoff_freq": 100}, "'max_cutoff_freq' is missing"),
        ("Gain", {"gain_db": -6, "p": 0.5}, "p must be 1"),
        ("Gain", {"min_gain_db": [1, 2], "max_gain_db": [1, 2, 3]}, "differ in length"),
        ("Gain", "loud", "needs its parameters"),
        ("Gain", [-6], "must be a mapping"),
        ("BitCrush", {"bit_depth": 99}, "does not take these parameters"),
        ("Lambda", {"transform": "os.system"}, "runs code"),
    ],
)
def test_bad_requests(name, parameters, words):
    with pytest.raises(ConfigError, match=words):
        corruption(name, parameters)


def test_a_filter_above_the_rate_is_skipped():
    out = perturbed("LowPassFilter", {"cutoff_freq": 7900, "rolloff": 12}, noise())[0]
    assert "above 0.45" in out.skipped
