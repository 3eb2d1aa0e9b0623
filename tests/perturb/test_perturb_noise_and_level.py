"""Levels, noises and dynamics against hand computation and scipy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import signal

from benchbed.attack.threat import Threat
from benchbed.errors import ConfigError
from benchbed.perturb import resolve
from benchbed.perturb.contract import Context
from benchbed.perturb.level import active_level, active_power, compress, compressor_state, is_silent, quantise
from benchbed.perturb.noise import babble_bank, coloured, gusts, mains_hum
from benchbed.rng import stream


def test_active_level_by_hand():
    # Frames of 20 ms at 1 kHz are 20 samples. Powers: 1, 0.25, 1e-4 (40 dB below the loudest: not active).
    clip = np.concatenate([np.full(20, 1.0), np.full(20, 0.5), np.full(20, 0.01)]).astype(np.float32)[None]
    assert active_power(clip, 1000) == pytest.approx([0.625])
    assert active_level(clip, 1000) == pytest.approx([10 * np.log10(0.625)])


def test_the_last_frame_counts_by_its_length():
    clip = np.concatenate([np.full(20, 1.0), np.full(5, 0.5)]).astype(np.float32)[None]
    assert active_power(clip, 1000) == pytest.approx([(20 * 1.0 + 5 * 0.25) / 25])


def test_channels_have_levels_of_their_own():
    clip = np.stack([np.full(100, 0.5), np.full(100, 0.05), np.zeros(100)]).astype(np.float32)
    assert active_power(clip, 1000) == pytest.approx([0.25, 0.0025, 0.0])


@given(st.floats(1e-3, 1.0), st.integers(0, 200))
def test_padding_with_silence_does_not_change_the_level(level, frames):
    clip = np.full((1, 400), level, np.float32)
    padded = np.pad(clip, ((0, 0), (0, 20 * frames)))
    assert active_power(padded, 1000) == pytest.approx(active_power(clip, 1000))


def test_silence_is_below_one_16_bit_step():
    assert is_silent(np.full((1, 5), 0.9 / 32768, np.float32))
    assert not is_silent(np.full((1, 5), -1.1 / 32768, np.float32))
    assert is_silent(np.zeros((1, 0), np.float32))


@pytest.mark.parametrize(("exponent", "slope"), [(0.0, 0.0), (1.0, -3.01), (2.0, -6.02)])
def test_colour_is_db_per_octave(exponent, slope):
    noise = coloured((2, 16000 * 8), 16000, exponent, stream("colour"))
    frequency, power = signal.welch(noise, 16000, nperseg=4096)
    octaves = np.log2(frequency[20:1500])
    for channel in power:
        fitted = np.polyfit(octaves, 10 * np.log10(channel[20:1500]), 1)[0]
        assert fitted == pytest.approx(slope, abs=0.1)
    assert abs(np.corrcoef(noise)[0, 1]) < 0.2


@pytest.mark.parametrize("rate", [8000, 16000, 44100])
def test_hum_stands_on_mains_harmonics(rate):
    for draw in range(4):
        wave = mains_hum(rate, rate, stream("hum", draw)).astype(float)
        power = np.abs(np.fft.rfft(wave)) ** 2  # one bin is 1 Hz
        lines = {f for f in range(len(power)) if power[f] > 1e-6 * power.max()}
        assert lines <= set(range(0, 1001, 50)) or lines <= set(range(0, 1001, 60))


def test_hum_is_a_tenth_of_a_second_again_and_again():
    random = stream("hum", 0)
    mains = (50, 60)[int(random.integers(2))]
    harmonics = np.arange(1, 1 + 1000 // mains)
    strength = random.uniform(0.3, 1.0, 20)[: len(harmonics)] / harmonics
    phase = random.uniform(0, 2 * np.pi, 20)[: len(harmonics)]
    seconds = (np.arange(5000) + int(random.integers(800))) / 8000
    wave = np.sin(2 * np.pi * mains * harmonics * seconds[:, None] + phase) @ strength
    assert mains_hum(5000, 8000, stream("hum", 0)) == pytest.approx(wave, abs=1e-6)


def test_gusts_are_slow_and_positive():
    envelope = gusts(64000, 8000, stream("gusts"))
    assert (envelope > 0).all() and envelope.shape == (64000,)
    frequency, power = signal.welch(envelope - envelope.mean(), 8000, nperseg=32768)
    assert power[frequency < 10].sum() > 0.99 * power.sum()
    assert envelope.std() / envelope.mean() > 0.3


def test_babble_is_speech_like():
    bank = babble_bank(16000)
    assert bank.shape == (12 * 16000,) and not bank.flags.writeable
    frequency, power = signal.welch(bank, 16000, nperseg=4096)

    def band(low, high):
        return 10 * np.log10(power[(frequency >= low) & (frequency < high)].mean())

    assert band(250, 1000) > band(2000, 4000) + 5 > band(6000, 7900) + 5
    level = np.sqrt((bank[: 16000 * 12 // 320 * 320].reshape(-1, 320) ** 2).mean(1))
    modulation = np.abs(np.fft.rfft(level - level.mean())) ** 2
    rate = np.fft.rfftfreq(len(level), 0.02)
    assert modulation[(rate > 1) & (rate < 8)].mean() > 3 * modulation[rate > 15].mean()


def test_one_level_for_all_channels_if_asked():
    clip = stream("clip").standard_normal((2, 8000), dtype=np.float32) * np.float32([[0.1], [0.001]])
    found = resolve("white_noise", options={"level": "clip"})
    out = found.apply(found.prepare(clip, 8000, stream("n"), Context()), 10.0)
    added = (out.waveform - clip).std(axis=1)
    assert added[0] == pytest.approx(added[1], rel=0.05)
    snr = 10 * np.log10((clip.astype(float) ** 2).mean() / ((out.waveform - clip).astype(float) ** 2).mean())
    assert snr == pytest.approx(10, abs=0.02) and out.achieved == pytest.approx(10, abs=0.01)
    with pytest.raises(ConfigError, match="'channel' or 'clip'"):
        resolve("white_noise", options={"level": "global"}).configure(Context())


def test_half_silent_clip_gets_the_snr_of_its_sounding_half():
    clip = np.zeros((1, 16000), np.float32)
    clip[0, :8000] = 0.1 * stream("half").standard_normal(8000)
    found = resolve("white_noise")
    out = found.apply(found.prepare(clip, 16000, stream("n"), Context()), 0.0).waveform
    assert (out - clip).std() == pytest.approx(clip[0, :8000].std(), rel=0.01)


def test_a_dead_channel_stays_dead_under_noise():
    clip = 0.1 * stream("clip").standard_normal((2, 8000), dtype=np.float32)
    clip[1] = 0
    found = resolve("pink_noise")
    out = found.apply(found.prepare(clip, 8000, stream("n"), Context()), 0.0)
    assert not out.waveform[1].any() and out.achieved == pytest.approx(0, abs=0.01)


@given(st.integers(2, 16), st.floats(-1, 1))
def test_quantiser_error_is_at_most_half_a_step(bits, value):
    step = 2.0 ** (1 - bits)
    out = float(quantise(np.array([[value]], np.float32), bits)[0, 0])
    assert abs(out - value) <= step / 2 + 1e-6 or value > 1 - step
    assert out / step == round(out / step)


def test_compressor_narrows_range_by_its_ratio_and_keeps_power():
    rate = 16000
    time = np.arange(4 * rate) / rate
    tone = np.sin(2 * np.pi * 1000 * time)
    clip = (tone * np.where(time % 2 < 1, 0.5, 0.05)).astype(np.float32)[None]  # 20 dB of range, 1 s each
    state = compressor_state(clip, rate)
    for ratio in (2.0, 4.0):
        out = compress(clip, state, ratio)
        assert np.vdot(out, out) == pytest.approx(np.vdot(clip, clip), rel=1e-4)
        loud, soft = (np.sqrt((out[0, a : a + rate // 4] ** 2).mean()) for a in (rate // 2, rate + rate // 2))
        # The threshold lies 20 dB below the active level, so that nearly the whole range is above it.
        active = 10 * np.log10(active_power(clip, rate)[0])
        over = (10 * np.log10(0.125) - active + 20, max(0.0, 10 * np.log10(0.00125) - active + 20))
        expected = 20 - (1 - 1 / ratio) * (over[0] - over[1])
        assert 20 * np.log10(loud / soft) == pytest.approx(expected, abs=0.3)


def test_clipping_by_hand():
    clip = np.tile([1.0, -1.0, 0.5, -0.5], 100).astype(np.float32)[None]  # RMS sqrt(0.625) = 0.7906
    found = resolve("clipping")
    state = found.prepare(clip, 1000, stream("c"), Context())
    out = found.apply(state, 1.0)
    assert np.abs(out.waveform).max() == pytest.approx(np.sqrt(0.625)) and out.waveform[0, 2] == 0.5
    assert found.apply(state, 3.0).achieved == pytest.approx(1 / np.sqrt(0.625))  # the peak is lower than the limit


def test_gain_rounds_to_16_bits():
    clip = np.array([[0.5, -0.25, 0.001]], np.float32)
    found = resolve("gain")
    out = found.apply(found.prepare(clip, 1000, stream("g"), Context()), -40.0).waveform
    assert out.tolist() == [[164 / 32768, -82 / 32768, 0.0]]


def test_polarity_ends_in_inversion_and_keeps_magnitudes():
    clip = 0.1 * stream("clip").standard_normal((1, 4000), dtype=np.float32)
    found = resolve("polarity")
    state = found.prepare(clip, 8000, stream("p"), Context())
    assert np.array_equal(found.apply(state, 180.0).waveform, -clip)
    quarter = found.apply(state, 90.0).waveform
    assert quarter[0] == pytest.approx(-np.imag(signal.hilbert(clip[0])), abs=1e-5)


@pytest.mark.parametrize("level", ["channel", "clip"])
def test_the_two_rules_of_snr_differ_where_there_are_pauses_and_each_is_named(level):
    """Half of the clip is silent: its energy is half that of its active part, which is 3.01 dB."""
    tone = 0.3 * np.sin(0.5 * np.arange(8000, dtype=np.float32))
    half = np.stack([np.concatenate([tone, np.zeros_like(tone)])] * 2).astype(np.float32)
    added = {}
    for measure, unit in (("active", "dB SNR, active level"), ("whole", "dB SNR, whole clip")):
        corruption = resolve("white_noise", [10.0], {"measure": measure, "level": level})
        assert corruption.unit == unit
        corruption.configure(Context())
        state = corruption.prepare(half, 8000, np.random.default_rng(0), Context())
        out = corruption.apply(state, 10.0)
        assert out.achieved == pytest.approx(10.0, abs=0.01)
        added[measure] = out.waveform.astype(float) - half
    energy = 10 * np.log10((half.astype(float) ** 2).sum() / (added["whole"] ** 2).sum())
    assert energy == pytest.approx(10.0, abs=0.01), "the rule of attack budgets and of most papers"
    apart = 10 * np.log10((added["active"] ** 2).sum() / (added["whole"] ** 2).sum())
    assert apart == pytest.approx(10 * np.log10(2), abs=0.1)
    assert resolve("white_noise").unit == "dB SNR, active level"
    assert Threat("l2", 10.0).unit == "dB SNR, whole clip"


def test_an_unknown_rule_of_snr_is_refused():
    with pytest.raises(ConfigError, match="'active' or 'whole'"):
        resolve("pink_noise", None, {"measure": "loud"}).configure(Context())
