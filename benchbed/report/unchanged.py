"""Pages of a site that follow from the same things as when they were written are left as they are.

The page of a run takes a third of a second, and of a thousand runs on a board one or two have changed. What each page
followed from, and the digest that it had, are kept in the cache folder, apart from the site; a page that was changed
or deleted since is written anew. A page of what is no longer on the board goes, if it is still as it was written.
"""

from __future__ import annotations

import contextlib
import functools
import json
from collections.abc import Iterator
from hashlib import blake2b
from importlib.resources import files
from pathlib import Path

from benchbed.cache import cache_folder, recall, remember
from benchbed.provenance import code_hash
from benchbed.seal import digest


class StandingPages:
    """What is known of the pages of one site.

    Parameters
    ----------
    out : Path
        Folder of the site.
    everywhere : object
        What every page follows from beside our own code; JSON.
    """

    def __init__(self, out: Path, *everywhere: object) -> None:
        self.out = out
        self.place = cache_folder() / "pages" / f"{_hash(str(out.resolve()))}.json"
        self.known: dict[str, list[str]] = recall(self.place)
        self.everywhere = _hash(json.dumps([code_hash("."), _templates(), *everywhere], default=repr))
        self.told: dict[str, list[str]] = {}
        self.current: set[str] = set()

    def key(self, *of: object) -> str:
        """Digest of what a page follows from."""
        return _hash(json.dumps([self.everywhere, of], default=repr))

    def stands(self, page: Path, key: str | None) -> bool:
        """Whether a page is there as it was written from the same; None for a key is never the same."""
        name = page.relative_to(self.out).as_posix()
        self.current.add(name)
        was = self.known.get(name)
        if key is None or was is None or was[0] != key:
            return False
        if same := self._holds(page, was[1]):
            self.told[name] = was
        return same

    def _holds(self, page: Path, was: str) -> bool:
        """Whether a page is there as it was written."""
        try:
            return digest(page.read_bytes()) == was
        except OSError:
            return False

    def wrote(self, page: Path, key: str | None) -> None:
        """A page was written."""
        name = page.relative_to(self.out).as_posix()
        self.current.add(name)
        if key is not None:
            self.told[name] = [key, digest(page.read_bytes())]

    def keep(self) -> None:
        """Keep it, and take away pages that no board leads to any more; a cache that cannot be written only costs
        time."""
        for name, (_, was) in self.known.items():
            # The cache says which pages are ours; one that somebody changed is theirs.
            if name not in self.current and self._holds(self.out / name, was):
                with contextlib.suppress(OSError):
                    (self.out / name).unlink()
        with contextlib.suppress(OSError):
            remember(self.place, self.told)


def stamps(folder: Path) -> list[tuple[str, int, int]]:
    """Names, sizes and times of the files of a folder, which change when they do; empty if there is none.

    Examples
    --------
    >>> stamps(Path("nowhere"))
    []
    """
    return sorted(_stamps(folder))


def _stamps(folder: Path) -> Iterator[tuple[str, int, int]]:
    with contextlib.suppress(OSError):
        for path in folder.iterdir():
            about = path.stat()
            yield path.name, about.st_size, about.st_mtime_ns


@functools.cache
def _templates() -> str:
    folder = files("benchbed.report") / "templates"
    held = sorted((entry.name, digest(entry.read_bytes())) for entry in folder.iterdir() if entry.is_file())
    return _hash(json.dumps(held))


def _hash(text: str) -> str:
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
