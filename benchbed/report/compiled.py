"""Templates as Python compiles them, kept in the cache folder: compiling takes longer than filling them.

What is kept is code, which Python runs as it finds it: one flipped bit is another program, or another text on every
page. Each file has a digest over all of it, so that a damaged one is as good as none.
"""

from __future__ import annotations

import contextlib
from hashlib import blake2b
from pathlib import Path

from jinja2 import BytecodeCache
from jinja2.bccache import Bucket

from benchbed.whole import write_whole

_DIGEST = 16


class CompiledTemplates(BytecodeCache):
    """Compiled templates in a folder, which may be emptied at any time.

    Parameters
    ----------
    folder : Path
        Need not be there; one that cannot be written or read only costs time.

    Examples
    --------
    >>> import tempfile
    >>> from jinja2 import DictLoader, Environment
    >>> folder = Path(tempfile.mkdtemp())
    >>> made = Environment(loader=DictLoader({"a": "{{ 1 }}"}), bytecode_cache=CompiledTemplates(folder))
    >>> made.get_template("a").render(), len(list(folder.iterdir()))
    ('1', 1)
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def load_bytecode(self, bucket: Bucket) -> None:
        """Fill a bucket from its file, if that is as it was written."""
        with contextlib.suppress(OSError):
            data = self._place(bucket).read_bytes()
            if data[:_DIGEST] == blake2b(data[_DIGEST:], digest_size=_DIGEST).digest():
                bucket.bytecode_from_string(data[_DIGEST:])

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Write what a bucket holds."""
        data = bucket.bytecode_to_string()
        with contextlib.suppress(OSError):
            self.folder.mkdir(parents=True, exist_ok=True)
            write_whole(self._place(bucket), blake2b(data, digest_size=_DIGEST).digest() + data)

    def _place(self, bucket: Bucket) -> Path:
        return self.folder / f"{bucket.key}.compiled"
