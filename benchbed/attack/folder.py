"""A folder of adversarial sounds, from whoever made them: how it is read, and how a run writes its own.

    FOLDER/attacked.yaml                what it is: `source`, and what else its maker says
    FOLDER/[anything/]CLIP.wav          the attacked clip, under the path of the clip in its data set

`CLIP` is the clip's path below the root of the data set without its extension; any folders may stand before it, so
that one clip can be there several times, e.g. once for each budget. A sound is what the model is to hear, at its rate
and length; one at the rate of the data set is converted as the clip itself would be.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import yaml

from benchbed.errors import ConfigError

#: What a folder says about itself.
ABOUT = "attacked.yaml"
SUFFIXES = frozenset({".wav", ".flac"})
#: Keys of `attacked.yaml`.
KEYS = ("source", "attack", "model", "suite", "sample_rate", "date", "url")


@dataclass(frozen=True)
class AttackedFolder:
    """Adversarial sounds of a folder.

    Attributes
    ----------
    path : Path
    source : str
        Who made them.
    about : mapping
        What `attacked.yaml` says.
    files : tuple of Path
        All sounds, in the order of their names.
    digest : str
        Hash of names and contents.
    """

    path: Path
    source: str
    about: Mapping[str, object]
    files: tuple[Path, ...]
    digest: str

    def of(self, clip_id: str) -> list[Path]:
        """Sounds of a clip; the first part of its id is the name of the data set."""
        wanted = key_of(clip_id)
        return [
            path
            for path in self.files
            if (own := path.relative_to(self.path).with_suffix("").as_posix()) == wanted or own.endswith(f"/{wanted}")
        ]

    @property
    def facts(self) -> dict[str, object]:
        """What the record and the cache key say about it."""
        return {"source": self.source, "digest": self.digest, "files": len(self.files), "about": dict(self.about)}


def key_of(clip_id: str) -> str:
    """The name of a clip's sound in such a folder, without its extension.

    Examples
    --------
    >>> key_of("esc10/audio/1-187207-A.ogg"), key_of("tau/audio/a.b.wav#1.0")
    ('audio/1-187207-A', 'audio/a.b.wav#1.0')
    """
    inner = PurePosixPath(clip_id.partition("/")[2] or clip_id)
    known = {".wav", ".flac", ".ogg", ".mp3", ".opus", ".m4a", ".aiff", ".aif", ".caf", ".w64"}
    return (inner.with_suffix("") if inner.suffix.lower() in known else inner).as_posix()


def open_attacked(path: str | Path) -> AttackedFolder:
    """Read what a folder of adversarial sounds holds; the sounds are read when they are needed.

    Raises
    ------
    ConfigError
        No such folder, no sounds in it, or an `attacked.yaml` that is none.
    """
    root = Path(path)
    if not root.is_dir():
        raise ConfigError(f"no folder {path} of adversarial sounds", hint="a folder of wav files, named as the clips")
    files = sorted(p for p in root.rglob("*") if p.suffix.lower() in SUFFIXES and p.is_file())
    if not files:
        raise ConfigError(f"no wav or flac files in {path}", hint="put the attacked clips there, named as the clips")
    about = _about(root / ABOUT)
    total = hashlib.blake2b(digest_size=16)
    for file in files:
        content = hashlib.blake2b(file.read_bytes(), digest_size=16).digest()
        total.update(file.relative_to(root).as_posix().encode() + b"\0" + content)
    return AttackedFolder(root, str(about.get("source") or root.name), about, tuple(files), total.hexdigest())


def _about(path: Path) -> dict[str, object]:
    if not path.is_file():
        return {}
    try:
        read = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path.name} is no YAML: {str(error).splitlines()[0]}", where=str(path)) from error
    if not isinstance(read, dict) or any(key not in KEYS for key in read):
        raise ConfigError(f"{path.name} says something else than {', '.join(KEYS)}", where=str(path))
    return {str(key): str(value) for key, value in read.items()}
