"""An encoder that is kept codes each clip as if it were the first; where there is none, soundfile codes the same."""

from __future__ import annotations

import gc
import struct
from pathlib import Path

import numpy as np
import pytest

from benchbed.perturb import libvorbis, vorbis
from benchbed.perturb.codec import encode
from benchbed.perturb.guarded import CannotApply
from benchbed.perturb.libvorbis import VorbisEncoder, vorbis_encoder
from benchbed.perturb.ogg import packets
from benchbed.perturb.symbols import functions
from benchbed.rng import stream

needed = pytest.mark.skipif(libvorbis._libvorbis() is None, reason="soundfile's libvorbis does not tell its functions")


def noise(samples, channels=1, level=0.1):
    return level * stream("vorbis", samples, channels).standard_normal((channels, samples), dtype=np.float32)


def click(samples, channels=1):
    clip = noise(samples, channels, 0.001)
    clip[:, samples // 2 : samples // 2 + 20] = 0.9
    return clip


CLIPS = [
    noise(32000),
    click(9000),
    noise(1),
    noise(129, level=1.0),
    np.zeros((1, 4000), np.float32),
    click(50001),
    noise(7000, level=1e-6),
]


@needed
@pytest.mark.parametrize(("rate", "quality"), [(8000, 5), (22050, 1.5), (32000, 3), (32000, 0), (48000, 10)])
@pytest.mark.parametrize("channels", [1, 2])
def test_packets_are_those_of_soundfile_whatever_was_coded_before(rate, quality, channels):
    level = 1 - quality / 10
    encoder = vorbis_encoder(rate, channels, 1.0 - level)
    for clip in [*CLIPS, *CLIPS[::-1]]:
        clip = np.concatenate([clip, 0.5 * clip[:, ::-1]])[:channels]
        coded = encode(clip, rate, "OGG", "VORBIS", compression_level=level)
        assert encoder.packets(clip) == list(packets(coded))[3:]


@needed
def test_a_setting_that_libvorbis_lacks_has_no_encoder():
    assert vorbis_encoder(32000, 1, 0.5) is not None
    assert vorbis_encoder(10**7, 1, 0.5) is None
    gc.collect()  # what was never set up is not cleared


@pytest.fixture
def afresh(monkeypatch):
    """No functions and no encoders that were found before, nor after."""
    monkeypatch.setattr(vorbis, "_held", type(vorbis._held)())
    libvorbis._libvorbis.cache_clear()
    yield monkeypatch
    libvorbis._libvorbis.cache_clear()


@needed
@pytest.mark.parametrize(
    ("where", "name", "planted"),
    [
        (VorbisEncoder, "_forget", lambda encoder: None),
        (libvorbis, "_NOTHING_HEARD", 0.0),
        (libvorbis, "VERSION", b"Xiph.Org libVorbis 1.3.8"),
        (libvorbis, "_libraries", lambda: []),
        (libvorbis, "_libraries", lambda: [Path(__file__)]),
    ],
    ids=["remembers", "has heard", "another version", "of the system", "no library"],
)
def test_an_encoder_that_is_not_as_new_is_none(afresh, where, name, planted):
    clip = click(20000)
    kept = vorbis.vorbis(clip, 32000, 3)
    assert libvorbis._libvorbis() is not None
    libvorbis._libvorbis.cache_clear()
    vorbis._held.encoders.clear()
    afresh.setattr(where, name, planted)
    assert libvorbis._libvorbis() is None
    assert np.array_equal(vorbis.vorbis(clip, 32000, 3), kept)


@needed
def test_longer_clips_and_more_channels_leave_no_encoder_behind(afresh):
    afresh.setattr(vorbis, "LONGEST_KEPT", 5000)
    clip = noise(5001)
    long = vorbis.vorbis(clip, 16000, 3)
    vorbis.vorbis(noise(1000, 3), 16000, 3)
    assert "encoders" not in vorbis._held.__dict__
    afresh.setattr(vorbis, "LONGEST_KEPT", 5001)
    assert np.array_equal(vorbis.vorbis(clip, 16000, 3), long) and len(vorbis._held.encoders) == 1


def test_what_no_coder_may_be_given_is_refused():
    for wrong in (np.nan, np.inf, 1e6):
        with pytest.raises(CannotApply):
            vorbis.vorbis(np.full((1, 2000), wrong, np.float32), 16000, 3)


def elf(*names):
    """An ELF file with a table of function symbols and nothing else."""
    texts = b"\0" + b"".join(name.encode() + b"\0" for name in names)
    entries = b"".join(
        struct.pack("<IBBHQQ", texts.index(name.encode()), 0x12, 0, 1, 4096 + at, 1) for at, name in enumerate(names)
    )
    sections = b"".join(
        struct.pack("<IIQQQQIIQQ", 0, kind, 0, 0, place, size, 1, 0, 0, 24)
        for kind, place, size in ((2, 192, len(entries)), (3, 192 + len(entries), len(texts)))
    )
    head = b"\x7fELF\x02\x01\x01".ljust(40, b"\0") + struct.pack("<Q", 64) + bytes(10) + struct.pack("<HHH", 64, 2, 1)
    return head.ljust(64, b"\0") + sections + entries + texts


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"MZ\x90\0",
        elf(),
        elf("wanted", "told")[:150],
        elf("wanted", "told")[:-3],
        elf("told"),
        elf("wanted", "told"),
    ],
    ids=["empty", "of Windows", "stripped", "cut in its table", "cut in its names", "lacks it", "cannot be loaded"],
)
def test_a_library_that_tells_nothing_has_no_functions(tmp_path, content):
    path = tmp_path / "lib.so"
    path.write_bytes(content)
    assert functions(path, ["wanted"], "told") is None
    assert functions(tmp_path / "missing.so", ["wanted"], "told") is None


@needed
def test_functions_lie_where_the_library_exports_them():
    import ctypes

    (library,) = libvorbis._libraries()
    names = ["sf_version_string", "sf_strerror", "vorbis_version_string"]
    found = functions(library, names, "sf_open")
    for name in names[:2]:
        assert found[name] == ctypes.cast(getattr(ctypes.CDLL(str(library)), name), ctypes.c_void_p).value
    assert functions(library, [*names, "no_such_function"], "sf_open") is None
    assert functions(library, names, "vorbis_version_string") is None  # is not exported
