"""`transformers`, imported where it can be, and its folders, read as data.

Builds of torchvision and torchaudio that do not match torch raise on import, in the middle of transformers. Audio
models need neither, and without them features come from the same code on every machine.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchbed.errors import CheckpointError


@contextlib.contextmanager
def hidden(*names: str) -> Iterator[None]:
    """Inside the block, modules that cannot be imported.

    Examples
    --------
    >>> with hidden("torchvision"):
    ...     "torchvision" in sys.modules and sys.modules["torchvision"] is None
    True
    """
    kept = {name: sys.modules[name] for name in names if name in sys.modules}
    sys.modules.update(dict.fromkeys(names))  # type: ignore[arg-type]
    try:
        yield
    finally:
        for name in names:
            del sys.modules[name]
        sys.modules.update(kept)


with hidden("torchvision", "torchaudio"):
    import transformers
    from transformers.utils import import_utils

    for available in (import_utils.is_torchvision_available, import_utils.is_torchaudio_available):
        getattr(available, "cache_clear", available)()
        available()

transformers.utils.logging.disable_progress_bar()


def read_pretrained(kind: Any, folder: Path, what: str, **options: Any) -> Any:
    """A part of a checkpoint from a local folder: nothing is downloaded, and no code of the folder is run.

    Parameters
    ----------
    kind : type
        A class of transformers with `from_pretrained`.
    folder : Path
        Where it lies.
    what : str
        Name of the part, for messages.

    Raises
    ------
    CheckpointError
        It cannot be read; the reason is that of transformers.
    """
    try:
        return kind.from_pretrained(folder, local_files_only=True, trust_remote_code=False, **options)
    except Exception as error:  # transformers raises many types; the first line says which file or key
        reason = " ".join(str(error).split()) or repr(error)
        raise CheckpointError(f"transformers cannot read {what}: {reason[:300]}", where=str(folder)) from error
