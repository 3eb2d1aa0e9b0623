"""FLAC, Ogg and MP3: lengths that nobody noted, streams behind one another, ends that are missing."""

from __future__ import annotations

import io
import struct

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st
from made_files import coded, decoded, noise, ogg_checked, ogg_pages

from benchbed import audio
from benchbed.containers import mpeg, ogg
from benchbed.errors import AudioError

LENGTH = (1 << 36) - 1


def unnoted(content: bytes) -> bytes:
    """A FLAC file as an encoder leaves it that writes to a pipe: length and checksum of the whole are zero."""
    field = int.from_bytes(content[18:26], "big") & ~LENGTH
    return content[:18] + field.to_bytes(8, "big") + bytes(16) + content[42:]


def kept(folder, content: bytes, name: str = "a"):
    file = folder / name
    file.write_bytes(content)
    return file


def agrees(file, expected: np.ndarray, slack: float = 0.0) -> None:
    """The whole, the header and a stretch from the middle."""
    waveform, rate = audio.read(file)
    assert waveform.shape == expected.shape
    np.testing.assert_allclose(waveform, expected, rtol=0, atol=slack)
    assert audio.info(file).frames == expected.shape[1]
    middle = expected.shape[1] // 2
    part, _ = audio.read(file, middle / rate, 500 / rate)
    np.testing.assert_allclose(part, expected[:, middle : middle + 500], rtol=0, atol=slack)


@pytest.mark.parametrize("frames", [1, 4095, 4096, 4097, 50_000])
@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24"])
@pytest.mark.parametrize("channels", [1, 2])
def test_flac_of_unknown_length(tmp_path, frames, subtype, channels):
    content = coded(noise(frames, channels), "FLAC", subtype)
    file = kept(tmp_path, unnoted(content))
    agrees(file, decoded(content)) if frames > 1000 else np.testing.assert_array_equal(
        audio.read(file)[0], decoded(content)
    )
    assert audio.info(file).frames == frames


def test_flac_of_unknown_length_that_is_cut(tmp_path):
    content = unnoted(coded(noise(50_000), "FLAC", "PCM_16"))
    for lost in (1, 2, 1000):
        file = kept(tmp_path, content[:-lost])
        for ask in (audio.read, audio.info):
            with pytest.raises(AudioError, match="last frame is missing or damaged"):
                ask(file)


def test_flac_between_tags_of_players(tmp_path):
    content = coded(noise(9000), "FLAC", "PCM_16")
    tag = b"ID3\x03\0\0" + bytes([0, 0, 1, 44]) + bytes(172)  # 1 · 128 + 44 bytes
    for made in (tag + content, tag + unnoted(content), content + b"TAG" + bytes(125)):
        agrees(kept(tmp_path, made), decoded(content))


def flac_in_ogg(content: bytes, last: int = 4) -> bytes:
    """The blocks and frames of a FLAC file as packets of an ogg file, one page each."""
    place, packets = 4, []
    while True:
        head = content[place]
        size = int.from_bytes(content[place + 1 : place + 4], "big")
        packets.append(content[place : place + 4 + size])
        place += 4 + size
        if head & 0x80:
            break
    packets[0] = b"\x7fFLAC\x01\0" + struct.pack(">H", len(packets) - 1) + b"fLaC" + packets[0]
    packets += [content[place:]]  # the decoder finds the frames; pages need not hold one each
    pages = []
    for packet in packets:
        for start in range(0, len(packet), 255 * 255):
            piece = packet[start : start + 255 * 255]
            table = b"\xff" * (len(piece) // 255) + (bytes([len(piece) % 255]) if len(piece) % 255 else b"")
            pages.append(table)
            pages[-1] = (table, piece)
    out = b""
    for number, (table, piece) in enumerate(pages):
        kind = (2 if number == 0 else 0) | (last if number == len(pages) - 1 else 0)
        head = b"OggS\0" + bytes([kind]) + struct.pack("<qIII", 0, 77, number, 0) + bytes([len(table)])
        out += ogg_checked(head + table + piece)
    return out


def test_flac_in_ogg(tmp_path):
    content = coded(noise(50_000), "FLAC", "PCM_16")
    for made in (content, unnoted(content)):
        agrees(kept(tmp_path, flac_in_ogg(made)), decoded(content))
    with pytest.raises(AudioError, match="does not say that it is the last"):
        audio.read(kept(tmp_path, flac_in_ogg(content, last=0)))


@pytest.mark.parametrize("subtype", ["VORBIS", "OPUS"])
@pytest.mark.parametrize("channels", [1, 2])
def test_chained_ogg_is_heard_to_its_end(tmp_path, subtype, channels):
    first = coded(noise(9000, channels), "OGG", subtype)
    second = coded(noise(20_011, channels)[::-1], "OGG", subtype)
    expected = np.concatenate([decoded(first), decoded(second), decoded(first)], axis=1)
    file = kept(tmp_path, first + second + first)
    assert soundfile.info(file).frames == 9000  # libsndfile alone
    agrees(file, expected)
    # A stretch over the seam.
    part, _ = audio.read(file, 8900 / 16000, 200 / 16000)
    np.testing.assert_array_equal(part, expected[:, 8900:9100])


def test_chained_recordings_of_different_kinds_are_refused(tmp_path):
    content = coded(noise(9000), "OGG", "VORBIS") + coded(noise(9000, 2), "OGG", "VORBIS")
    with pytest.raises(AudioError, match=r"16000 Hz with 1 channel\(s\) and 16000 Hz with 2"):
        audio.read(kept(tmp_path, content))


@pytest.mark.parametrize("subtype", ["VORBIS", "OPUS"])
def test_ogg_cut_between_any_two_pages_is_refused(tmp_path, subtype):
    pages = ogg_pages(coded(noise(48_000), "OGG", subtype))
    assert len(pages) > 3
    for stop in range(1, len(pages)):
        file = kept(tmp_path, b"".join(pages[:stop]))
        for ask in (audio.read, audio.info, lambda path: audio.read(path, 0.0, 0.01)):
            with pytest.raises(AudioError, match="truncated"):
                ask(file)
    # The first of two chained streams, cut.
    with pytest.raises(AudioError, match="truncated"):
        audio.read(kept(tmp_path, b"".join(pages[:-1] + pages)))
    for stop in range(len(pages)):
        with pytest.raises(AudioError, match="truncated"):
            audio.read(kept(tmp_path, b"".join(pages[:stop] + pages[stop + 1 :])))


def test_what_stands_behind_a_finished_stream_is_left_alone(tmp_path):
    content = coded(noise(9000), "OGG", "VORBIS")
    agrees(kept(tmp_path, content + b"TAG" + bytes(125)), decoded(content))


def test_opus_whose_rate_nobody_noted_is_read_at_its_own(tmp_path):
    pages = ogg_pages(coded(noise(48_000), "OGG", "OPUS", 48_000))
    expected = decoded(b"".join(pages))
    place = pages[0].index(b"OpusHead") + 12
    pages[0] = ogg_checked(pages[0][:place] + bytes(4) + pages[0][place + 4 :])
    content = b"".join(pages)
    assert soundfile.info(io.BytesIO(content)).samplerate == 8000  # libsndfile alone
    file = kept(tmp_path, content)
    assert audio.info(file).sample_rate == audio.read(file)[1] == 48_000
    agrees(file, expected)


def test_checksum_of_a_page_is_that_of_the_writer():
    for page in ogg_pages(coded(noise(9000), "OGG", "VORBIS")):
        assert struct.unpack("<I", page[22:26])[0] == ogg.checksum(page[:22] + bytes(4) + page[26:])


def mp3(frames: int, channels: int = 1, rate: int = 16000, mode: str = "VARIABLE") -> tuple[bytes, bytes]:
    """A file of libsndfile's LAME, and the same without the frame that notes the number of frames."""
    content = coded(noise(frames, channels), "MP3", "MPEG_LAYER_III", rate, bitrate_mode=mode, compression_level=0.4)
    first = mpeg.frame(content[:4])
    assert content[first.side : first.side + 4] in (b"Xing", b"Info")
    return content, content[first.size :]


@pytest.mark.parametrize("mode", ["VARIABLE", "CONSTANT"])
@pytest.mark.parametrize(("rate", "channels"), [(8000, 1), (16000, 2), (22050, 1), (44100, 1), (48000, 2)])
def test_mp3_without_a_noted_length_is_read_to_its_end(tmp_path, rate, channels, mode):
    content, bare = mp3(2 * rate, channels, rate, mode)
    count = struct.unpack(">I", content[(side := mpeg.frame(content[:4]).side) + 8 : side + 12])[0]
    spf = mpeg.frame(bare[:4]).samples
    file = kept(tmp_path, bare)
    waveform, _ = audio.read(file)
    # Every frame of the file, with the delay of coder and decoder that nobody noted: 1105 samples.
    assert waveform.shape == (channels, count * spf)
    assert audio.info(file).frames == count * spf
    known = decoded(content)
    late = waveform[:, 1105 : 1105 + known.shape[1]]
    np.testing.assert_allclose(late, known, rtol=0, atol=1e-6)
    part, _ = audio.read(file, 1.0, 0.25)
    np.testing.assert_allclose(part, waveform[:, rate : rate + round(rate * 0.25)], rtol=0, atol=1e-6)


def test_a_stretch_of_mp3_does_not_depend_on_where_the_decoder_began(tmp_path):
    """Frames borrow bits of earlier ones, up to 511 bytes, which at low rates are many frames."""
    content = coded(noise(60_000), "MP3", "MPEG_LAYER_III", 22_050, bitrate_mode="VARIABLE", compression_level=0.9)
    file = kept(tmp_path, content)
    whole, rate = audio.read(file)
    for start in range(1000, 50_000, 1777):
        part, _ = audio.read(file, start / rate, 300 / rate)
        np.testing.assert_allclose(part, whole[:, start : start + 300], rtol=0, atol=1e-6)


def test_mp3_cut_short_without_a_noted_length(tmp_path):
    _, bare = mp3(32_000)
    with pytest.raises(AudioError, match=r"frame \d+ is cut"):
        audio.read(kept(tmp_path, bare[:-1]))


def test_mp3_files_hung_behind_one_another(tmp_path):
    one, two = mp3(20_000)[0], mp3(32_000)[0]
    tag = b"ID3\x03\0\0" + bytes([0, 0, 1, 44]) + bytes(172)
    expected = np.concatenate([decoded(one), decoded(two)], axis=1)
    agrees(kept(tmp_path, tag + one + tag + two + b"TAG" + bytes(125)), expected, 1e-6)
    # The second has lost the frame that notes its length, so that of the first is too small for both.
    first, bare = mp3(20_000)[0], mp3(32_000)[1]
    waveform, _ = audio.read(kept(tmp_path, first + bare))
    spf = mpeg.frame(bare[:4]).samples
    side = mpeg.frame(first[:4]).side
    count = struct.unpack(">I", first[side + 8 : side + 12])[0]
    frames = 0
    place = 0
    while place < len(bare):
        frames, place = frames + 1, place + mpeg.frame(bare[place : place + 4]).size
    assert waveform.shape[1] == (count + frames) * spf


def test_mp3_that_lacks_frames_is_refused_though_its_last_one_is_whole(tmp_path):
    content = mp3(32_000)[0]
    places, place = [], 0
    while place < len(content):
        places.append(place)
        place += mpeg.frame(content[place : place + 4]).size
    for stop in (places[-1], places[len(places) // 2]):
        file = kept(tmp_path, content[:stop])
        for ask in (audio.read, audio.info, lambda path: audio.read(path, 0.0, 0.05)):
            with pytest.raises(AudioError, match="are noted and"):
                ask(file)


def test_mp3_in_wav(tmp_path):
    _, bare = mp3(32_000)
    form = struct.pack("<HHIIHHHHIHHH", 0x55, 1, 16000, 8000, 1, 0, 12, 1, 2, 288, 1, 0)
    chunks = b"fmt " + struct.pack("<I", len(form)) + form + b"fact" + struct.pack("<II", 4, 32_000)
    chunks += b"data" + struct.pack("<I", len(bare)) + bare
    file = kept(tmp_path, b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WAVE" + chunks)
    np.testing.assert_allclose(audio.read(file)[0], audio.read(kept(tmp_path, bare, "b.mp3"))[0], rtol=0, atol=1e-6)


#: Published sizes of frames: 144 · bit rate / sample rate and its siblings (ISO 11172-3, 13818-3), by hand.
@pytest.mark.parametrize(
    ("head", "size", "samples", "rate"),
    [
        ("fffb9000", 417, 1152, 44100),  # 144 · 128000 / 44100
        ("fffb9200", 418, 1152, 44100),  # with a byte of padding
        ("fff38400", 192, 576, 24000),  # 72 · 64000 / 24000
        ("ffe34800", 288, 576, 8000),  # MPEG-2.5: 72 · 32000 / 8000
        ("fffd7000", 365, 1152, 44100),  # layer II: 144 · 112000 / 44100
        ("ffff4400", 128, 384, 48000),  # layer I: 4 · (12 · 128000 / 48000)
    ],
)
def test_frame_sizes(head, size, samples, rate):
    found = mpeg.frame(bytes.fromhex(head))
    assert (found.size, found.samples, found.rate) == (size, samples, rate)


@pytest.mark.parametrize("head", ["fffbf000", "fffb0000", "fffb9c00", "ffeb9000", "fff99000", "00fb9000"])
def test_what_is_no_frame(head):
    assert mpeg.frame(bytes.fromhex(head)) is None


SEEDS = {
    name: coded(noise(6000), container, subtype, 8000)
    for name, container, subtype in [
        ("wav", "WAV", "PCM_16"),
        ("adpcm", "WAV", "MS_ADPCM"),
        ("rf64", "RF64", "PCM_24"),
        ("w64", "W64", "FLOAT"),
        ("aiff", "AIFF", "PCM_16"),
        ("caf", "CAF", "ALAC_16"),
        ("au", "AU", "PCM_16"),
        ("nist", "NIST", "PCM_16"),
        ("flac", "FLAC", "PCM_16"),
        ("vorbis", "OGG", "VORBIS"),
        ("opus", "OGG", "OPUS"),
        ("mp3", "MP3", "MPEG_LAYER_III"),
    ]
}


@settings(max_examples=150, deadline=None)
@given(
    kind=st.sampled_from(sorted(SEEDS)),
    changes=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), min_size=1, max_size=6),
    early=st.booleans(),
    stop=st.floats(0.0, 1.0),
)
def test_damage_ends_in_audio_or_in_one_clear_error(tmp_path_factory, kind, changes, early, stop):
    content = bytearray(SEEDS[kind])
    for place, value in changes:
        content[int(place * (min(120, len(content)) if early else len(content) - 1))] = value
    if stop < 0.3:
        content = content[: int(len(content) * stop / 0.3)]
    file = kept(tmp_path_factory.mktemp("fuzz"), bytes(content))
    for ask in (audio.info, audio.read, lambda path: audio.read(path, 0.1, 0.05)):
        try:
            found = ask(file)
        except AudioError as error:
            assert error.where == str(file) and error.hint
        else:
            if isinstance(found, tuple):
                assert found[0].dtype == np.float32 and found[0].size < 10**8 and np.isfinite(found[0]).all()
