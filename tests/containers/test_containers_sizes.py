"""Sizes in headers: never filled in by a writer to a pipe, cut behind them, or of padding that nobody recorded."""

from __future__ import annotations

import os
import struct
from pathlib import Path

import numpy as np
import pytest
from made_files import RATE, coded, decoded, noise, rf64, w64, wav

from benchbed import audio
from benchbed.errors import AudioError

SAMPLES = noise()
INTEGERS = np.rint(SAMPLES[:, 0] * 2**15).astype("<i2")
FLOATS = SAMPLES[:, 0].astype("<f4")
#: 24-bit samples whose low byte is not zero.
DEEP = np.rint(SAMPLES[:, 0].astype(np.float64) * 2**23).astype("<i4")
DEEP_BYTES = DEEP.view(np.uint8).reshape(-1, 4)[:, :3].tobytes()


def read(folder: Path, content: bytes, name: str = "a.wav") -> np.ndarray:
    """The file's audio, which `info` announces, and of which a stretch is the same samples."""
    file = folder / name
    file.write_bytes(content)
    waveform, rate = audio.read(file)
    found = audio.info(file)
    assert (found.frames, found.sample_rate, found.channels) == (waveform.shape[1], rate, len(waveform))
    part, _ = audio.read(file, 100 / rate, 200 / rate)
    np.testing.assert_array_equal(part, waveform[:, 100:300])
    return waveform


@pytest.mark.parametrize("riff", [0, 0xFFFFFFFF, 0x7FFFF024])
@pytest.mark.parametrize("size", [0, 0xFFFFFFFF, 0xFFFFFFDB, 0x7FFFF000, 0x7FFFFFFF, 0x80000000])
@pytest.mark.parametrize(("tag", "bits", "body"), [(1, 16, INTEGERS), (3, 32, FLOATS), (1, 24, DEEP_BYTES)])
def test_a_wav_from_a_pipe_is_read_to_its_end(tmp_path, riff, size, tag, bits, body):
    body = body if isinstance(body, bytes) else body.tobytes()
    heard = read(tmp_path, wav(body, tag=tag, bits=bits, block=bits // 8, size=size, riff=riff))
    wanted = {16: INTEGERS / 2**15, 32: FLOATS, 24: DEEP / 2**23}[bits]
    np.testing.assert_allclose(heard[0], wanted, rtol=0, atol=1e-7)


@pytest.mark.parametrize("size", [0, 0xFFFFFFFFFFFFFFFF])
@pytest.mark.parametrize("mark", [b"RF64", b"BW64"])
@pytest.mark.parametrize("bits", [16, 24])
def test_rf64_from_a_pipe(tmp_path, size, mark, bits):
    body = INTEGERS.tobytes() if bits == 16 else DEEP_BYTES
    content = rf64(body, size=size, bits=bits, order=mark)
    heard = read(tmp_path, content)
    np.testing.assert_allclose(heard[0], SAMPLES[:, 0], rtol=0, atol=2.0**-15)


@pytest.mark.parametrize("size", [0xFFFFFFFFFFFFFFFF - 24, 0x7FFFFFFFFFFFFFFF - 24])
def test_w64_from_a_pipe(tmp_path, size):
    heard = read(tmp_path, w64(FLOATS.tobytes(), size=size, tag=3, bits=32), "a.w64")
    np.testing.assert_array_equal(heard[0], FLOATS)


def test_caf_whose_samples_run_to_the_end_of_the_file(tmp_path):
    content = coded(SAMPLES, "CAF", "PCM_16")
    place = content.index(b"data")
    content = content[: place + 4] + b"\xff" * 8 + content[place + 12 :]
    heard = read(tmp_path, content, "a.caf")
    np.testing.assert_allclose(heard[0], INTEGERS / 2**15, rtol=0, atol=2.0**-15)


def test_au_from_a_pipe(tmp_path):
    content = coded(SAMPLES, "AU", "PCM_16")
    heard = read(tmp_path, content[:8] + b"\xff" * 4 + content[12:], "a.au")
    np.testing.assert_array_equal(heard, decoded(content))


def test_no_samples_are_no_samples_whatever_follows_them(tmp_path):
    file = tmp_path / "a.wav"
    remark = struct.pack("<4sI", b"LIST", 4) + b"INFO"
    for after in (b"", remark):
        file.write_bytes(wav(after, tag=1, bits=16, block=2, size=0, riff=36 + len(after)))
        with pytest.raises(AudioError, match="0 samples"):
            audio.read(file)


def test_a_recording_beyond_what_32_bits_can_say(tmp_path):
    file, samples = tmp_path / "a.wav", (1 << 31) + 5000
    # 4 GiB and 10,000 bytes of silence that take no room on the disk, then two samples; the size has wrapped round.
    with open(file, "wb") as out:
        out.write(wav(b"", tag=1, bits=16, block=2, size=2 * samples % (1 << 32), riff=36))
        out.seek(44 + 2 * samples - 4)
        out.write(struct.pack("<hh", 16384, -16384))
    assert audio.info(file).frames == samples
    tail, _ = audio.read(file, (samples - 3) / RATE, 3 / RATE)
    assert tail.tolist() == [[0.0, 0.5, -0.5]]


def test_w64_float_in_the_extensible_format_is_float(tmp_path):
    heard = read(tmp_path, w64(FLOATS.tobytes(), size=4 * len(FLOATS), tag=3, bits=32, extensible=True), "a.w64")
    np.testing.assert_array_equal(heard[0], FLOATS)
    # libsndfile alone takes the bits for integers.
    alone = decoded(w64(FLOATS.tobytes(), size=4 * len(FLOATS), tag=3, bits=32, extensible=True))
    assert np.abs(alone).max() > 0.4 > np.abs(FLOATS).max() - 0.2


@pytest.mark.parametrize(("container", "subtype"), [("WAV", "MS_ADPCM"), ("WAV", "GSM610"), ("W64", "GSM610")])
@pytest.mark.parametrize("frames", [1, 319, 320, 321, 7999, 20011])
def test_the_last_block_of_a_coder_is_cut_to_what_was_recorded(tmp_path, container, subtype, frames):
    content = coded(noise(frames), container, subtype, 8000)
    file = tmp_path / "a"
    file.write_bytes(content)
    assert decoded(content).shape[1] >= frames
    assert audio.read(file)[0].shape == (1, frames)
    assert audio.info(file).frames == frames
    np.testing.assert_array_equal(audio.read(file)[0], decoded(content)[:, :frames])


@pytest.mark.parametrize("told", [True, False])
@pytest.mark.parametrize(("subtype", "samples"), [("MS_ADPCM", 11), ("IMA_ADPCM", 17)])
def test_a_last_block_without_its_end_is_decoded_all_the_same(tmp_path, subtype, samples, told):
    """Writers may leave out what nothing was recorded in; libsndfile then drops the block, or fills it."""
    content = coded(noise(5000), "WAV", subtype, 8000)
    known = decoded(content)
    block = struct.unpack("<H", content[32:34])[0]
    per_block = struct.unpack("<H", content[38:40])[0]
    place = content.index(b"data")
    whole = (len(content) - place - 8) // block - 1
    # Head and nibbles of so many samples: 7 bytes hold two, 4 bytes hold one.
    rest = 7 + (samples - 2 + 1) // 2 if subtype == "MS_ADPCM" else 4 + (samples - 1) // 2
    body = content[place + 8 : place + 8 + whole * block + rest]
    frames = whole * per_block + samples + (samples % 2 if subtype == "MS_ADPCM" else 0)
    fact = content.index(b"fact") + 8
    made = content[:fact] + struct.pack("<I", frames if told else 0) + content[fact + 4 : place + 4]
    made += struct.pack("<I", len(body)) + body
    file = tmp_path / "a.wav"
    file.write_bytes(made)
    assert decoded(made).shape[1] != frames
    np.testing.assert_array_equal(audio.read(file)[0], known[:, :frames])


@pytest.mark.parametrize("said", [0, 1, 10**9])
def test_a_count_that_cannot_be_true_is_not_taken(tmp_path, said):
    content = coded(noise(5000), "WAV", "MS_ADPCM", 8000)
    place = content.index(b"fact") + 8
    file = tmp_path / "a.wav"
    file.write_bytes(content[:place] + struct.pack("<I", said) + content[place + 4 :])
    assert audio.read(file)[0].shape[1] == decoded(content).shape[1]


WHOLE = [
    ("WAV", "PCM_16"),
    ("WAV", "FLOAT"),
    ("WAV", "MS_ADPCM"),
    ("WAV", "GSM610"),
    ("WAVEX", "PCM_24"),
    ("RF64", "PCM_16"),
    ("RF64", "PCM_24"),
    ("W64", "PCM_16"),
    ("W64", "FLOAT"),
    ("W64", "IMA_ADPCM"),
    ("AIFF", "PCM_16"),
    ("AIFF", "IMA_ADPCM"),
    ("AIFF", "GSM610"),
    ("SVX", "PCM_S8"),
    ("CAF", "PCM_16"),
    ("CAF", "PCM_S8"),
    ("CAF", "ALAC_16"),
    ("AU", "PCM_16"),
    ("AU", "ULAW"),
    ("AU", "G721_32"),
    ("NIST", "PCM_16"),
    ("FLAC", "PCM_16"),
    ("FLAC", "PCM_24"),
    ("OGG", "VORBIS"),
    ("OGG", "OPUS"),
    ("MP3", "MPEG_LAYER_III"),
    ("VOC", "PCM_16"),
    ("AVR", "PCM_16"),
    ("MAT4", "FLOAT"),
    ("MAT5", "FLOAT"),
    ("WVE", "ALAW"),
]


@pytest.mark.parametrize(("container", "subtype"), WHOLE)
@pytest.mark.parametrize("cut", ["one byte", "a twentieth", "two fifths"])
def test_a_file_cut_short_is_refused_however_it_is_asked_for(tmp_path, container, subtype, cut):
    content = coded(noise(48000), container, subtype, 8000)
    file = tmp_path / "a"
    file.write_bytes(content)
    audio.read(file)
    # VOC ends with a byte that says so, and ALAC with one of padding.
    least = 2 if container == "VOC" or subtype == "ALAC_16" else 1
    lost = {"one byte": least, "a twentieth": len(content) // 20, "two fifths": len(content) * 2 // 5}[cut]
    file.write_bytes(content[:-lost])
    for ask in (audio.read, audio.info, lambda path: audio.read(path, 0.1, 0.1)):
        with pytest.raises(AudioError, match=r"truncated|cannot be read") as caught:
            ask(file)
        assert caught.value.where == str(file) and caught.value.hint


@pytest.mark.parametrize(
    "content", [b"FORM\0", b"FORM\0\0\0\0", b"FORM\0\0\0\4AIFF", b"caff\0\1\0\0", b"RF64", b"RIFF\0"]
)
def test_a_few_bytes_are_refused(tmp_path, content):
    file = tmp_path / "a"
    file.write_bytes(content)
    with pytest.raises(AudioError):
        audio.info(file)


def test_a_voc_file_of_several_blocks_is_refused(tmp_path):
    """libsndfile reads the four bytes that begin each further block as two samples."""
    body = INTEGERS.tobytes()
    head = b"Creative Voice File\x1a" + struct.pack("<HHH", 26, 0x0114, 0x111F)
    first = struct.pack("<IBBHI", RATE, 16, 1, 4, 0) + body[:8000]
    content = head + b"\x09" + struct.pack("<I", len(first))[:3] + first
    content += b"\x02" + struct.pack("<I", 8000)[:3] + body[8000:16000] + b"\0"
    assert decoded(content).shape[1] > 8000
    file = tmp_path / "a.voc"
    file.write_bytes(content)
    with pytest.raises(AudioError, match="several blocks"):
        audio.read(file)


def test_pipes_and_devices_are_refused_without_waiting(tmp_path):
    pipe = tmp_path / "a.wav"
    os.mkfifo(pipe)
    for path, what in ((pipe, "a pipe"), (Path("/dev/zero"), "a device"), (tmp_path, "a directory")):
        for ask in (audio.read, audio.info, audio.digest):
            with pytest.raises(AudioError, match=what):
                ask(path)


@pytest.mark.parametrize("claim", [10**11, (1 << 36) - 1])
def test_a_header_that_claims_more_than_the_file_can_hold(tmp_path, claim):
    content = bytearray(coded(SAMPLES, "FLAC", "PCM_16"))
    field = int.from_bytes(content[18:26], "big") & ~((1 << 36) - 1)
    content[18:26] = (field | min(claim, (1 << 36) - 1)).to_bytes(8, "big")
    file = tmp_path / "a.flac"
    file.write_bytes(content)
    for ask in (audio.read, audio.info):
        with pytest.raises(AudioError, match="truncated"):
            ask(file)


def test_a_rate_that_would_make_a_clip_of_gigabytes(tmp_path):
    with pytest.raises(AudioError, match="too many for one clip"):
        audio.resample(np.zeros((1, 1_000_000), np.float32), 1, 48000)
