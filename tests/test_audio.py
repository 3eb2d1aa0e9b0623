"""The audio reader against soundfile's own decoding, and every way in which a file can be wrong."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from benchbed import audio
from benchbed.errors import AudioError


def tone(frames: int = 4000, channels: int = 1) -> np.ndarray:
    generator = np.random.default_rng(7)
    return (generator.standard_normal((frames, channels)) * 0.1).astype(np.float32)


def wav(body: bytes, *, size: int | None = None, channels: int = 1, extra: bytes = b"", tag: int = 1) -> bytes:
    """A 16-bit wav written by hand, with any size in its header and any chunk before the samples."""
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, tag, channels, 8000, 16000 * channels, 2 * channels, 16)
    data = struct.pack("<4sI", b"data", len(body) if size is None else size) + body
    content = b"WAVE" + form + extra + data
    return b"RIFF" + struct.pack("<I", len(content)) + content


FORMATS = [
    ("a.wav", "PCM_16"),
    ("a.wav", "PCM_U8"),
    ("a.wav", "PCM_24"),
    ("a.wav", "PCM_32"),
    ("a.wav", "FLOAT"),
    ("a.wav", "DOUBLE"),
    ("a.wav", "MS_ADPCM"),
    ("a.wav", "IMA_ADPCM"),
    ("a.wav", "ULAW"),
    ("a.flac", "PCM_16"),
    ("a.flac", "PCM_24"),
    ("a.ogg", "VORBIS"),
    ("a.ogg", "OPUS"),
    ("a.mp3", "MPEG_LAYER_III"),
    ("a.aiff", "PCM_16"),
    ("a.w64", "PCM_16"),
    ("a.au", "PCM_16"),
]


@pytest.mark.parametrize(("name", "subtype"), FORMATS)
@pytest.mark.parametrize("channels", [1, 2])
def test_reads_what_soundfile_reads(tmp_path: Path, name: str, subtype: str, channels: int) -> None:
    file = tmp_path / name
    soundfile.write(file, tone(16000, channels), 16000, subtype=subtype)
    expected, rate = soundfile.read(file, dtype="float32", always_2d=True)
    if subtype == "MS_ADPCM":
        expected = expected[:16000]  # what was recorded; the rest fills the last block of the coder
    waveform, got = audio.read(file)
    assert got == rate == 16000
    assert waveform.dtype == np.float32 and waveform.flags.c_contiguous
    # An mp3 decoder's last bit depends on where it started; everything else is exact.
    slack = 1e-7 if name.endswith("mp3") else 0.0
    np.testing.assert_allclose(waveform, expected.T, rtol=0, atol=slack)
    found = audio.info(file)
    assert (found.frames, found.channels, found.subtype) == (len(expected), channels, subtype)
    assert found.seconds == len(expected) / 16000
    part, _ = audio.read(file, onset=0.25, duration=0.5)
    np.testing.assert_allclose(part, expected.T[:, 4000:12000], rtol=0, atol=slack)


def test_full_scale_of_16_bit_is_one(tmp_path: Path) -> None:
    file = tmp_path / "a.wav"
    file.write_bytes(wav(np.array([-32768, 32767, 0, 16384], "<i2").tobytes()))
    np.testing.assert_array_equal(audio.read(file)[0], [[-1.0, 32767 / 32768, 0.0, 0.5]])


def test_chunks_before_the_samples_are_passed_over(tmp_path: Path) -> None:
    file = tmp_path / "a.wav"
    odd = struct.pack("<4sI", b"LIST", 3) + b"abc\0"
    file.write_bytes(wav(tone(50).astype("<i2").tobytes(), extra=odd))
    assert audio.read(file)[0].shape == (1, 50)


def test_extensible_header(tmp_path: Path) -> None:
    file = tmp_path / "a.wav"
    soundfile.write(file, tone(100, 2), 8000, format="WAVEX", subtype="PCM_16")
    np.testing.assert_array_equal(audio.read(file)[0], soundfile.read(file, dtype="float32")[0].T)
    assert audio.info(file).channels == 2


@pytest.mark.parametrize("size", [0xFFFFFFFF, 0x7FFFFFFF])
def test_unknown_size_of_a_stream_is_no_truncation(tmp_path: Path, size: int) -> None:
    file = tmp_path / "piped.wav"
    file.write_bytes(wav(np.arange(10, dtype="<i2").tobytes(), size=size))
    np.testing.assert_array_equal(audio.read(file)[0] * 32768, [np.arange(10)])


@pytest.mark.parametrize(("name", "subtype"), FORMATS)
def test_truncated(tmp_path: Path, name: str, subtype: str) -> None:
    file = tmp_path / name
    soundfile.write(file, tone(48000), 16000, subtype=subtype)
    content = file.read_bytes()
    file.write_bytes(content[: int(len(content) * 0.6)])
    with pytest.raises(AudioError, match=r"truncated|cannot be read") as caught:
        audio.read(file)
    assert str(file) in str(caught.value.where)
    assert caught.value.hint


def test_truncation_is_found_even_if_the_wanted_part_is_there(tmp_path: Path) -> None:
    file = tmp_path / "a.wav"
    soundfile.write(file, tone(8000), 8000)
    file.write_bytes(file.read_bytes()[:8000])
    with pytest.raises(AudioError, match="promises 16000 bytes of samples and 7956 are there"):
        audio.read(file, 0.0, 0.1)
    with pytest.raises(AudioError, match="truncated"):
        audio.info(file)


def test_missing_empty_and_foreign_files(tmp_path: Path) -> None:
    cases = {
        "missing.wav": (None, "missing"),
        "empty.wav": (b"", "empty"),
        "text.wav": (b"this is no audio, whatever its name says", "not an audio file"),
        "header.wav": (wav(b"")[:30], "truncated"),
        "phone.m4a": (b"\0\0\0\x20ftypM4A \0\0\0\0" + bytes(100), "MPEG-4"),
        "raw.aac": (b"\xff\xf1\x50\x80" + bytes(100), "AAC"),
        "zero.wav": (wav(b""), "0 samples"),
    }
    for name, (content, message) in cases.items():
        file = tmp_path / name
        if content is not None:
            file.write_bytes(content)
        with pytest.raises(AudioError, match=message) as caught:
            audio.read(file)
        assert caught.value.where == str(file) and caught.value.hint
    with pytest.raises(AudioError, match=r"ffmpeg -i phone.m4a phone.wav"):
        audio.info(tmp_path / "phone.m4a")
    with pytest.raises(AudioError, match="directory"):
        audio.read(tmp_path)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("subtype", ["FLOAT", "DOUBLE"])
def test_not_finite(tmp_path: Path, bad: float, subtype: str) -> None:
    samples = tone(1000, 2)
    samples[500, 1] = bad
    file = tmp_path / "a.wav"
    soundfile.write(file, samples, 1000, subtype=subtype)
    with pytest.raises(AudioError, match=r"first at 0.5 s, channel 1"):
        audio.read(file)
    assert audio.read(file, 0.0, 0.5)[0].shape == (2, 500)


@pytest.mark.parametrize(("onset", "duration"), [(-0.1, None), (1.0, None), (5.0, 0.1), (0.5, 0.6), (0.5, 0.0)])
def test_stretch_outside_the_file(tmp_path: Path, onset: float, duration: float | None) -> None:
    file = tmp_path / "a.wav"
    soundfile.write(file, tone(8000), 8000)
    with pytest.raises(AudioError, match="outside the file, which has 1 s"):
        audio.read(file, onset, duration)


def test_nan_duration_means_the_rest(tmp_path: Path) -> None:
    file = tmp_path / "a.wav"
    soundfile.write(file, tone(8000), 8000)
    assert audio.read(file, 0.75, float("nan"))[0].shape == (1, 2000)


@settings(max_examples=40, deadline=None)
@given(
    frames=st.integers(1, 3000),
    rates=st.tuples(*[st.sampled_from([8000, 11025, 16000, 22050, 32000, 44100, 48000])] * 2),
    channels=st.integers(1, 3),
)
def test_resampled_length_is_exact(frames: int, rates: tuple[int, int], channels: int) -> None:
    rate, new = rates
    changed = audio.resample(np.zeros((channels, frames), np.float32), rate, new)
    exact = frames * new / rate
    assert changed.shape[0] == channels and changed.dtype == np.float32 and changed.flags.c_contiguous
    assert abs(changed.shape[1] - exact) <= 0.5 or changed.shape[1] == 1


def test_resampling_keeps_a_tone() -> None:
    time = np.arange(44100) / 44100
    sine = np.sin(2 * np.pi * 1000 * time, dtype=np.float64).astype(np.float32)[None]
    changed = audio.resample(sine, 44100, 16000)
    expected = np.sin(2 * np.pi * 1000 * np.arange(16000) / 16000)
    # Away from the ends, where the filter sees silence.
    assert np.abs(changed[0, 500:-500] - expected[500:-500]).max() < 1e-4


def test_channels() -> None:
    stereo = np.array([[1, 2, 3], [3, 2, 1]], np.float32)
    np.testing.assert_array_equal(audio.to_channels(stereo, 1), [[2, 2, 2]])
    np.testing.assert_array_equal(audio.to_channels(stereo[:1], 4), [[1, 2, 3]] * 4)
    assert audio.to_channels(stereo, 2) is not None
    with pytest.raises(AudioError, match="2 channels and the model wants 4"):
        audio.to_channels(stereo, 4)


@settings(max_examples=80, deadline=None)
@given(
    have=st.integers(0, 50),
    want=st.integers(0, 120),
    pad=st.sampled_from(["zeros", "repeat"]),
    crop=st.sampled_from(["start", "center"]),
)
def test_fit(have: int, want: int, pad: str, crop: str) -> None:
    waveform = np.arange(1, 2 * have + 1, dtype=np.float32).reshape(2, have)
    fitted = audio.fit(waveform, want, pad=pad, crop=crop)
    assert fitted.shape == (2, want) and fitted.flags.c_contiguous and fitted.dtype == np.float32
    if want <= have:
        start = (have - want) // 2 if crop == "center" else 0
        np.testing.assert_array_equal(fitted, waveform[:, start : start + want])
    elif pad == "zeros" or not have:
        np.testing.assert_array_equal(fitted[:, :have], waveform)
        assert not fitted[:, have:].any()
    else:
        np.testing.assert_array_equal(fitted, np.pad(waveform, ((0, 0), (0, want - have)), mode="wrap"))


def test_digest_follows_the_content(tmp_path: Path) -> None:
    a, b = tmp_path / "a", tmp_path / "b"
    a.write_bytes(b"x" * 3_000_000)
    b.write_bytes(b"x" * 3_000_000)
    assert audio.digest(a) == audio.digest(b)
    b.write_bytes(b"x" * 2_999_999 + b"y")
    assert audio.digest(a) != audio.digest(b) and len(audio.digest(a)) == 32
    with pytest.raises(AudioError, match="missing"):
        audio.digest(tmp_path / "c")


@pytest.mark.realdata
def test_real_odd_formats(realdata: Path) -> None:
    folder = realdata / "robust_audiomentations"
    files = {
        # Its last block lacks its end; libsndfile drops the 384 samples in it, of which its header and ffmpeg know.
        "ms_adpcm.wav": ("MS_ADPCM", 895884),
        "mono_float64.wav": ("DOUBLE", 22),
        "mono_int24.wav": ("PCM_24", 22),
        "mono_int32.wav": ("PCM_32", 22),
        "signed_24bit.wav": ("PCM_24", 54514),
        "stereo_16bit.wav": ("PCM_16", 17833),
        "stereo_24bit.WAV": ("PCM_24", 17833),
        "bus.opus": ("OPUS", 36682),
        "silence/silence.wav": ("PCM_16", 38750),
        "digital_silence/digital_silence.wav": ("FLOAT", 29976),
        "background_noises/hens.ogg": ("VORBIS", 442575),
    }
    for name, (subtype, frames) in files.items():
        waveform, _ = audio.read(folder / name)
        assert audio.info(folder / name).subtype == subtype
        assert waveform.shape[1] == frames
        known = soundfile.read(folder / name, dtype="float32", always_2d=True)[0]
        np.testing.assert_array_equal(waveform.T[: len(known)], known)
    assert not audio.read(folder / "digital_silence/digital_silence.wav")[0].any()
    with pytest.raises(AudioError, match=r"ffmpeg -i testing.m4a testing.wav"):
        audio.read(folder / "testing.m4a")
    # The same recording, stored with 16 bits (dithered) and with 24.
    a, b = audio.read(folder / "stereo_16bit.wav")[0], audio.read(folder / "stereo_24bit.WAV")[0]
    assert np.abs(a - b).max() < 2**-11
