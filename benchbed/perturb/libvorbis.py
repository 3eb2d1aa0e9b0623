"""libvorbis' encoder without a file around its packets, set up once for all clips at one quality.

Its tables of masking take a third of the time of a second of audio and follow from quality, rate and channels alone.
libvorbis has no call that lets an encoder forget what it heard; here is put back what it changes while it codes, which
is known of one version, and every packet is then the one that a new encoder gives. The functions are those of the copy
in soundfile's wheel. Where they are not found, where the version is another, or where a probe is not coded bit by bit
as soundfile codes it, there is no encoder here, and soundfile has to do.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from benchbed.perturb.codec import encode
from benchbed.perturb.ogg import packets
from benchbed.perturb.symbols import functions

#: The version whose memory is known.
VERSION = b"Xiph.Org libVorbis 1.3.7"
#: More than a block of it takes, and than what an encoder follows from.
_BLOCK_BYTES, _INFO_BYTES = 1024, 1024
#: What the loudest sound so far is before there was any, in dB.
_NOTHING_HEARD = -9999.0

#: What takes its time lets other threads go on meanwhile; for the rest, to wait for its turn again would take longer.
_LONG = ("vorbis_analysis_init", "vorbis_analysis_blockout", "vorbis_analysis")

_place, _whole, _long = ctypes.c_void_p, ctypes.c_int, ctypes.c_long
_FUNCTIONS: dict[str, tuple[Any, ...]] = {
    "vorbis_version_string": (ctypes.c_char_p,),
    "vorbis_info_init": (None, _place),
    "vorbis_info_clear": (None, _place),
    "vorbis_encode_init_vbr": (_whole, _place, _long, _long, ctypes.c_float),
    "vorbis_comment_init": (None, _place),
    "vorbis_comment_clear": (None, _place),
    "vorbis_analysis_init": (_whole, _place, _place),
    "vorbis_analysis_headerout": (_whole, *[_place] * 5),
    "vorbis_analysis_buffer": (ctypes.POINTER(_place), _place, _whole),
    "vorbis_analysis_wrote": (_whole, _place, _whole),
    "vorbis_analysis_blockout": (_whole, _place, _place),
    "vorbis_analysis": (_whole, _place, _place),
    "vorbis_bitrate_addblock": (_whole, _place),
    "vorbis_bitrate_flushpacket": (_whole, _place, _place),
    "vorbis_block_init": (_whole, _place, _place),
    "vorbis_block_clear": (_whole, _place),
    "vorbis_dsp_clear": (None, _place),
    "_ve_envelope_init": (None, _place, _place),
    "_ve_envelope_clear": (None, _place),
}


class _State(ctypes.Structure):
    """`vorbis_dsp_state` of libvorbis' header."""

    _fields_ = (
        ("analyses", _whole),
        ("info", _place),
        ("samples", ctypes.POINTER(_place)),
        ("given", _place),
        ("room", _whole),
        ("current", _whole),
        ("numbers", _whole * 3),
        ("blocks", _long * 3),
        ("middle", _long),
        ("counts", ctypes.c_int64 * 6),
        ("private", _place),
    )


class _Private(ctypes.Structure):
    """The start of what `_State.private` points to: the follower of onsets, tables, and the loudest sound so far."""

    _fields_ = (("onsets", _place), ("tables", ctypes.c_byte * 104), ("loudest", ctypes.POINTER(ctypes.c_float)))


class _Packet(ctypes.Structure):
    """`ogg_packet`."""

    _fields_ = (("content", _place), ("size", _long), ("ends", _long * 2), ("counts", ctypes.c_int64 * 2))


class VorbisEncoder:
    """An encoder that codes one clip after the other, each as if it were the first; for one thread.

    Parameters
    ----------
    native : SimpleNamespace
        The functions; see `vorbis_encoder`.
    sample_rate, channels : int
    quality : float
        Of 0…1.

    Attributes
    ----------
    heads : tuple of bytes
        The three packets that a stream begins with.

    Raises
    ------
    ValueError
        libvorbis has no setting for this.
    """

    def __init__(self, native: SimpleNamespace, sample_rate: int, channels: int, quality: float) -> None:
        self._native, self._channels = native, channels
        self._info, self._block = (ctypes.create_string_buffer(size) for size in (_INFO_BYTES, _BLOCK_BYTES))
        self._state, self._first = _State(), _State()
        native.vorbis_info_init(self._info)
        if native.vorbis_encode_init_vbr(self._info, channels, sample_rate, quality):
            native.vorbis_info_clear(self._info)
            raise ValueError(f"no Vorbis of {channels} channel(s) at {sample_rate} Hz")
        native.vorbis_analysis_init(ctypes.byref(self._state), self._info)
        self.heads = self._begun()
        ctypes.pointer(self._first)[0] = self._state

    def __del__(self) -> None:
        """The memory that libvorbis holds."""
        if hasattr(self, "heads"):
            self._native.vorbis_dsp_clear(ctypes.byref(self._state))
            self._native.vorbis_info_clear(self._info)

    def packets(self, waveform: np.ndarray) -> list[bytes]:
        """The packets of a clip `[channel, sample]` of at least one sample, after `heads`."""
        native, state = self._native, ctypes.byref(self._state)
        self._forget()
        native.vorbis_block_init(state, self._block)
        try:
            samples = waveform.shape[1]
            given = native.vorbis_analysis_buffer(state, samples)
            for index, channel in enumerate(np.ascontiguousarray(waveform, np.float32)):
                ctypes.memmove(given[index], channel.ctypes.data, 4 * samples)
            # That no more comes is said when all blocks that are whole have been taken, as libsndfile says it.
            return [packet for more in (samples, 0) for packet in self._coded(more)]
        finally:
            native.vorbis_block_clear(self._block)

    def _coded(self, more: int) -> Iterator[bytes]:
        """Packets of the blocks that are whole once so many samples more have been written."""
        native, state, packet = self._native, ctypes.byref(self._state), _Packet()
        native.vorbis_analysis_wrote(state, more)
        while native.vorbis_analysis_blockout(state, self._block) == 1:
            native.vorbis_analysis(self._block, None)
            native.vorbis_bitrate_addblock(self._block)
            while native.vorbis_bitrate_flushpacket(state, ctypes.byref(packet)):
                yield ctypes.string_at(packet.content, packet.size)

    def _begun(self) -> tuple[bytes, ...]:
        comment, heads = ctypes.create_string_buffer(_INFO_BYTES), [_Packet() for _ in range(3)]
        self._native.vorbis_comment_init(comment)
        self._native.vorbis_analysis_headerout(ctypes.byref(self._state), comment, *map(ctypes.byref, heads))
        self._native.vorbis_comment_clear(comment)
        return tuple(ctypes.string_at(head.content, head.size) for head in heads)

    def _forget(self) -> None:
        """All as it was before the first clip: counters, silence ahead, the follower of onsets, the loudest sound."""
        room = self._state.room  # the memory that a longer clip was given stays
        ctypes.pointer(self._state)[0] = self._first
        self._state.room = room
        for index in range(self._channels):
            ctypes.memset(self._state.samples[index], 0, 4 * self._first.current)
        private = _Private.from_address(self._first.private)
        self._native._ve_envelope_clear(private.onsets)
        self._native._ve_envelope_init(private.onsets, self._info)
        private.loudest[0] = _NOTHING_HEARD


def vorbis_encoder(sample_rate: int, channels: int, quality: float) -> VorbisEncoder | None:
    """An encoder that can be kept, where there is one and libvorbis has such a setting.

    Parameters
    ----------
    sample_rate, channels : int
    quality : float
        Of 0…1.

    Examples
    --------
    >>> made = vorbis_encoder(16000, 1, 0.5)
    >>> made is None or [len(head) > 20 for head in made.heads]
    [True, True, True]
    """
    native = _libvorbis()
    try:
        return None if native is None else VorbisEncoder(native, sample_rate, channels, quality)
    except ValueError:
        return None


@lru_cache(maxsize=1)
def _libvorbis() -> SimpleNamespace | None:
    """The functions, if they are those whose memory is known and code a probe as soundfile does."""
    native = _found(_libraries())
    return native if native is not None and _codes_as_soundfile(native) else None


def _libraries() -> list[Path]:
    try:
        import _soundfile_data
    except ImportError:  # soundfile stands on a library of the system, which is no copy of its own
        return []
    return sorted(Path(_soundfile_data.__file__).parent.glob("libsndfile*.so"))


def _found(libraries: Sequence[Path]) -> SimpleNamespace | None:
    for library in libraries:
        places = functions(library, _FUNCTIONS, "sf_open")
        if places is not None:
            kinds = {name: ctypes.CFUNCTYPE if name in _LONG else ctypes.PYFUNCTYPE for name in places}
            native = SimpleNamespace(**{name: kinds[name](*_FUNCTIONS[name])(at) for name, at in places.items()})
            return native if native.vorbis_version_string() == VERSION else None
    return None


def _codes_as_soundfile(native: SimpleNamespace) -> bool:
    # A click in noise, so that short blocks are coded, too; twice, since it is the second time that must be as new.
    probe = np.random.default_rng(0).standard_normal((1, 8000), dtype=np.float32) * np.float32(0.01)
    probe[:, 4000:4010] = 0.9
    expected = list(packets(encode(probe, 16000, "OGG", "VORBIS", compression_level=0.7)))[3:]
    encoder = VorbisEncoder(native, 16000, 1, 1.0 - 0.7)
    return encoder.packets(probe) == expected and encoder.packets(probe) == expected
