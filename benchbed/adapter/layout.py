"""Which axis of a network's input is what: inferred where its shape leaves no choice, and arranged accordingly.

A layout is a tuple of axis names, e.g. `("clip", "frame", "band", "channel")`. Without a clip axis the network takes
one clip at a time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from benchbed.errors import AdapterError, ConfigError

#: Orders seen in exported networks, the most usual first, by what the network takes.
WAVEFORM = (("sample",), ("clip", "sample"), ("clip", "channel", "sample"), ("clip", "sample", "channel"))
SPECTROGRAM = (
    ("band", "frame"),
    ("frame", "band"),
    ("clip", "band", "frame"),
    ("clip", "frame", "band"),
    ("clip", "channel", "band", "frame"),
    ("clip", "channel", "frame", "band"),
    ("clip", "band", "frame", "channel"),
    ("clip", "frame", "band", "channel"),
)


def infer_layout(shape: Sequence[int | None], sizes: Mapping[str, int | None]) -> tuple[str, ...]:
    """The layout of an input, if only one reading fits its shape.

    Parameters
    ----------
    shape : sequence of int or None
        Shape of the input; None for an axis of any length.
    sizes : mapping of str to int or None
        Axis name → its length, None if it varies. Holds `sample` for waveforms, `band` and `frame` for spectrograms.

    Raises
    ------
    ConfigError
        No reading fits, or readings that differ in more than where the channel stands.

    Examples
    --------
    >>> infer_layout((None, 49, 10, 1), {"channel": 1, "band": 10, "frame": 49})
    ('clip', 'frame', 'band', 'channel')
    """
    orders = WAVEFORM if "sample" in sizes else SPECTROGRAM
    fits = [order for order in orders if len(order) == len(shape) and _fits(order, shape, sizes)]
    # A graph fixes its bands before its frames: an axis of that very length is not left to chance.
    fits = [order for order in fits if "band" in order and shape[order.index("band")] is not None] or fits
    without_channel = {tuple(axis for axis in order if axis != "channel") for order in fits}
    if len(without_channel) != 1:
        takes = ", ".join(f"{n or '?'} along {axis}" for axis, n in sizes.items())
        usual = [order for order in orders if len(order) == len(shape)] or orders[-2:]
        hint = "give input_layout, e.g. " + " or ".join(",".join(order) for order in usual)
        if "sample" in sizes:
            hint += "; give features= if the network takes a spectrogram"
        raise ConfigError(
            f"the order of the axes of the network's input {shown(shape)} is not clear; it is given {takes}", hint=hint
        )
    return fits[0]


def check_layout(layout: Sequence[str], shape: Sequence[int | None], axes: Sequence[str], channels: int) -> None:
    """Refuse a layout that does not fit the input's rank or what the network is given.

    Parameters
    ----------
    layout : sequence of str
        As the user wrote it.
    shape : sequence of int or None
        Shape of the network's input.
    axes : sequence of str
        What there is to arrange: clip, channel and the content.
    channels : int
        Channels of the audio.

    Raises
    ------
    ConfigError
        With what would fit.

    Examples
    --------
    >>> check_layout(("clip", "sample"), (None, 16000), ("clip", "channel", "sample"), 1)
    """
    content = [axis for axis in axes if axis not in ("clip", "channel")]
    if set(layout) - set(axes) or not set(content) <= set(layout) or len(set(layout)) != len(layout):
        raise ConfigError(
            f"input_layout={','.join(layout)} does not fit what the network is given",
            hint=f"name {' and '.join(content)} once each, and clip and channel where the network has them",
        )
    if "clip" in layout and layout[0] != "clip":
        raise ConfigError(f"input_layout={','.join(layout)}: the clip axis must come first")
    if len(layout) != len(shape):
        raise ConfigError(
            f"the network's input {shown(shape)} has {len(shape)} axes, and input_layout={','.join(layout)} names "
            f"{len(layout)}",
            hint="give input_layout with one name per axis, and features= if the network takes a spectrogram",
        )
    if "channel" not in layout and channels != 1:
        raise ConfigError(f"channels={channels}, but input_layout={','.join(layout)} has no channel axis")


def arrange(array: np.ndarray, axes: Sequence[str], layout: Sequence[str], shape: Sequence[int | None]) -> np.ndarray:
    """An array with `axes` in the order of `layout`, the clip axis always first; a lone channel is dropped.

    Raises
    ------
    AdapterError
        An axis has another length than the network's input fixes.

    Examples
    --------
    >>> arrange(np.zeros((2, 1, 8)), ("clip", "channel", "sample"), ("clip", "sample"), (None, 8)).shape
    (2, 8)
    """
    have = list(axes)
    if "channel" in have and "channel" not in layout:
        array = array.take(0, axis=have.index("channel"))
        have.remove("channel")
    order = list(layout) if "clip" in layout else ["clip", *layout]
    array = array.transpose([have.index(axis) for axis in order])
    wanted = dict(zip(layout, shape))
    for axis, length in zip(order, array.shape):
        if axis != "clip" and wanted[axis] not in (None, length):
            raise AdapterError(
                f"the network wants {wanted[axis]} along {axis} and is given {length}",
                hint="give the clip_seconds, channels and feature_options that it was trained with",
            )
    return np.ascontiguousarray(array, np.float32)


def shown(shape: Sequence[int | None]) -> str:
    """A shape for a message.

    Examples
    --------
    >>> shown((None, 16000))
    '[?, 16000]'
    """
    return "[" + ", ".join("?" if n is None else str(n) for n in shape) + "]"


def _fits(order: Sequence[str], shape: Sequence[int | None], sizes: Mapping[str, int | None]) -> bool:
    for axis, length in zip(order, shape):
        if length is None or axis == "clip":
            continue
        size = sizes[axis]
        # Time has more than one step, whatever its length.
        if (size is None and length == 1) or (size is not None and size != length):
            return False
    return True
