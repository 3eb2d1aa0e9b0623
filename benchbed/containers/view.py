"""A file as a decoder should see it: a stretch of the real one behind a header, with the sizes that it lacks."""

from __future__ import annotations

import io
import os

from benchbed.containers.facts import FilePart


class FileView(io.RawIOBase):
    """A readable, seekable file made of one part of a file on disk.

    Parameters
    ----------
    path : path
    part : FilePart

    Examples
    --------
    >>> import pathlib, tempfile
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "a"
    >>> _ = file.write_bytes(b"0123456789")
    >>> with FileView(file, FilePart(2, 8, prefix=b"ab", patches=((1, b"X"),), suffix=b"yz")) as view:
    ...     view.read()
    b'ab2X4567yz'
    """

    def __init__(self, path: str | os.PathLike[str], part: FilePart) -> None:
        super().__init__()
        self._part = part
        self._file = open(path, "rb", buffering=0)  # noqa: SIM115  (closed with the view)
        self._place, self._lead = 0, len(part.prefix)
        self._inner = part.stop - part.start
        self._length = self._lead + self._inner + len(part.suffix)

    def close(self) -> None:
        """Close the file behind the view."""
        self._file.close()
        super().close()

    def readable(self) -> bool:
        """True."""
        return True

    def seekable(self) -> bool:
        """True."""
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move to a place in the view."""
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._place, os.SEEK_END: self._length}[whence]
        self._place = max(0, base + offset)
        return self._place

    def tell(self) -> int:
        """The place in the view."""
        return self._place

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        """Fill a buffer from the place on; the number of bytes that were there."""
        wanted = min(len(buffer), max(0, self._length - self._place))
        done = 0
        if self._place < self._lead:
            head = self._part.prefix[self._place : self._place + wanted]
            buffer[: len(head)] = head
            done = len(head)
        inner = self._place + done - self._lead
        there = min(wanted, done + max(0, self._inner - inner))
        if done < there:
            self._file.seek(self._part.start + inner)
            while done < there and (data := self._file.read(there - done)):
                buffer[done : done + len(data)] = data
                done += len(data)
        if done == there < wanted:
            first = max(0, inner - self._inner)
            tail = self._part.suffix[first : first + wanted - done]
            buffer[done : done + len(tail)] = tail
            done += len(tail)
        for offset, content in self._part.patches:
            # Where the patch lies in the buffer, of which both ends may cut it.
            first = self._lead + offset - self._place
            low, high = max(0, first), min(done, first + len(content))
            if low < high:
                buffer[low:high] = content[low - first : high - first]
        self._place += done
        return done
