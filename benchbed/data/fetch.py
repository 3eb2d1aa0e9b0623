"""Get a dataset from its official source, and verify what a user has downloaded. Nothing here runs unless it is called.

Every file is held to the checksum its publisher states. Archives are unpacked without letting any member out of the
folder: no absolute or climbing names, no links, no devices.
"""

from __future__ import annotations

import hashlib
import shutil
import stat
import tarfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Literal

from benchbed.data.facts import Facts, Remote
from benchbed.errors import DataError

#: Suffixes that `unpack` understands. A zip archive in several parts (`.z01`) has to be joined by hand.
ARCHIVES = (".zip", ".tar.gz", ".tgz", ".tar")


@dataclass(frozen=True)
class FileState:
    """One official file, as found on disk.

    Attributes
    ----------
    name, url : str
        As in the facts of the dataset.
    state : {"ok", "missing", "wrong", "unverified"}
        `unverified`: it is there, and the publisher states no checksum.
    required : bool
    found : str
        Checksum of what is there, if it is wrong.
    """

    name: str
    url: str
    state: Literal["ok", "missing", "wrong", "unverified"]
    required: bool
    found: str = ""


@dataclass(frozen=True)
class Fetched:
    """What is in a folder after a fetch, or found by a verification.

    Attributes
    ----------
    folder : Path
        To be named by `--data NAME=PATH`.
    files : tuple of FileState
        Every official file.
    steps : str
        What is left to do by hand.
    """

    folder: Path
    files: tuple[FileState, ...]
    steps: str = ""

    def __str__(self) -> str:
        """One line per file, then the folder."""
        lines = [f"{file.state:10} {file.name}{'' if file.required else ' (optional)'}" for file in self.files]
        return "\n".join([*lines, *([f"then: {self.steps}"] if self.steps else []), str(self.folder)])


def facts(name: str) -> Facts:
    """Facts of a layout.

    Raises
    ------
    ConfigError
        No such layout.

    Examples
    --------
    >>> facts("esc50").title
    'ESC-50'
    """
    from benchbed.data import LAYOUTS

    return LAYOUTS.get(name).FACTS


def verify(name: str, folder: Path) -> list[FileState]:
    """Compare downloaded files with the official checksums.

    Parameters
    ----------
    name : str
        Layout.
    folder : Path
        Where the downloaded archives lie.

    Examples
    --------
    >>> [file.state for file in verify("urbansound8k", Path("/nowhere"))]
    ['missing']
    """
    return [_state(remote, Path(folder)) for remote in facts(name).files]


def fetch(
    name: str,
    folder: Path,
    *,
    verify_only: bool = False,
    optional: bool = False,
    unpacked: bool = True,
    downloader: Callable[..., Any] | None = None,
) -> Fetched:
    """Download the official files of a dataset, verify and unpack them.

    Files that are there and right are not loaded again.

    Parameters
    ----------
    name : str
        Layout.
    folder : Path
        Where to put archives and data; made if missing.
    verify_only : bool
        Download and unpack nothing; hold what is in the folder to the official checksums.
    optional : bool
        Also parts that the development set does not need.
    unpacked : bool
        Unpack the archives.
    downloader : callable, optional
        A pooch downloader, `downloader(url, output_file, pooch)`; by default pooch chooses by the URL.

    Raises
    ------
    DataError
        No public link, a failed download, a missing file or wrong checksum, an unsafe archive, a full disk.
    """
    about = facts(name)
    folder = Path(folder)
    wanted = [remote for remote in about.files if remote.required or optional]
    if not wanted:
        todo = about.steps or "unpack it"
        raise DataError(f"{about.title} has no public direct link", hint=f"get it from {about.source}; then: {todo}")
    if verify_only:
        return _verified(name, folder, about)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for remote in wanted:
            path = _download(remote, folder, about, downloader)
            if unpacked and remote.name.endswith(ARCHIVES) and not _in_parts(remote, about):
                unpack(path, folder)
        return Fetched(folder, tuple(verify(name, folder)), about.steps)
    except OSError as error:
        raise DataError(
            f"{about.title} cannot be stored: {error.strerror or error}", where=str(folder), hint="free some space"
        ) from error


def _verified(name: str, folder: Path, about: Facts) -> Fetched:
    states = verify(name, folder)
    bad = [file for file in states if file.state == "wrong" or (file.state == "missing" and file.required)]
    if bad:
        said = ", ".join(f"{file.name} is {file.state}" for file in bad[:5]) + (", …" if len(bad) > 5 else "")
        raise DataError(
            f"{len(bad)} of {len(states)} official files are not as published: {said}",
            where=str(folder),
            hint=f"get them again from {about.source}",
        )
    return Fetched(folder, tuple(states), about.steps)


def unpack(archive: Path, folder: Path) -> list[Path]:
    """Unpack a zip or tar archive into a folder, refusing any member that would leave it.

    Nothing is written before every member has been looked at.

    Returns
    -------
    list of Path
        The files written.

    Raises
    ------
    DataError
        Not an archive, damaged, or with an unsafe member.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> with zipfile.ZipFile(folder / "a.zip", "w") as file:
    ...     file.writestr("audio/1.wav", b"RIFF")
    >>> [path.relative_to(folder).as_posix() for path in unpack(folder / "a.zip", folder)]
    ['audio/1.wav']
    """
    archive, folder = Path(archive), Path(folder)
    try:
        if zipfile.is_zipfile(archive):
            return _unzip(archive, folder)
        if tarfile.is_tarfile(archive):
            return _untar(archive, folder)
    except (zipfile.BadZipFile, tarfile.TarError, EOFError) as error:
        raise DataError(f"the archive is damaged ({error})", where=str(archive), hint="download it again") from error
    raise DataError("not a zip or tar archive", where=str(archive), hint="download it again")


def _unzip(archive: Path, folder: Path) -> list[Path]:
    written = []
    with zipfile.ZipFile(archive) as source:
        members = [member for member in source.infolist() if not member.is_dir()]
        targets = []
        for member in members:
            if stat.S_ISLNK(member.external_attr >> 16):
                raise _unsafe(archive, member.filename, "a link")
            targets.append(_target(archive, folder, member.filename))
        for member, target in zip(members, targets):
            target.parent.mkdir(parents=True, exist_ok=True)
            with source.open(member) as content, target.open("wb") as file:
                shutil.copyfileobj(content, file, 1 << 20)
            written.append(target)
    return written


def _untar(archive: Path, folder: Path) -> list[Path]:
    written = []
    with tarfile.open(archive) as source:
        members = source.getmembers()
        for member in members:
            if not (member.isfile() or member.isdir()):
                raise _unsafe(archive, member.name, "a link or device")
            _target(archive, folder, member.name)
        for member in members:
            content = source.extractfile(member) if member.isfile() else None
            if content is None:
                continue
            target = _target(archive, folder, member.name)
            target.parent.mkdir(parents=True, exist_ok=True)
            with content, target.open("wb") as file:
                shutil.copyfileobj(content, file, 1 << 20)
            written.append(target)
    return written


def _target(archive: Path, folder: Path, name: str) -> Path:
    """Where a member goes; a link that already lies in the folder must not lead it out either."""
    clean = PurePosixPath(name.replace("\\", "/"))
    if clean.is_absolute() or ".." in clean.parts or ":" in (clean.parts or ("",))[0] or "\0" in name:
        raise _unsafe(archive, name, "outside the folder")
    target = folder / clean
    if not target.resolve().is_relative_to(folder.resolve()):
        raise _unsafe(archive, name, "outside the folder")
    return target


def _unsafe(archive: Path, member: str, why: str) -> DataError:
    return DataError(
        f"the archive has a member that is {why}: '{member}'",
        where=str(archive),
        hint="nothing was unpacked; an official archive has no such member, so get it from the official source",
    )


def _in_parts(remote: Remote, about: Facts) -> bool:
    stem = remote.name.removesuffix(".zip")
    return any(other.name.startswith(f"{stem}.z0") for other in about.files)


def _state(remote: Remote, folder: Path) -> FileState:
    path = folder / remote.name
    if not path.is_file():
        return FileState(remote.name, remote.url, "missing", remote.required)
    if not remote.checksum:
        return FileState(remote.name, remote.url, "unverified", remote.required)
    kind, _, expected = remote.checksum.partition(":")
    with path.open("rb") as file:
        found = hashlib.file_digest(file, kind).hexdigest()
    if found == expected:
        return FileState(remote.name, remote.url, "ok", remote.required)
    return FileState(remote.name, remote.url, "wrong", remote.required, f"{kind}:{found}")


def _download(remote: Remote, folder: Path, about: Facts, downloader: Callable[..., Any] | None) -> Path:
    import pooch
    import requests

    state = _state(remote, folder)
    if state.state == "wrong":
        raise _mismatch(remote, folder / remote.name, state.found, about)
    if state.state != "missing":
        return folder / remote.name
    # Its log would repeat what the caller reports.
    pooch.get_logger().setLevel("WARNING")
    try:
        path = Path(
            pooch.retrieve(
                remote.url, known_hash=remote.checksum or None, fname=remote.name, path=folder, downloader=downloader
            )
        )
    except ValueError as error:
        raise _mismatch(remote, folder / remote.name, str(error), about) from error
    except requests.RequestException as error:
        raise DataError(
            f"{remote.name} cannot be downloaded ({error})",
            where=remote.url,
            hint=f"try again later, or get it by hand from {about.source} and put it into {folder}",
        ) from error
    return path


def _mismatch(remote: Remote, path: Path, found: str, about: Facts) -> DataError:
    return DataError(
        f"{remote.name} has another checksum than its publisher states ({remote.checksum})",
        where=f"{path} ({found})" if found.count(":") == 1 else str(path),
        hint=f"delete it and load it again; if the publisher has changed the file, get it by hand from {about.source}, "
        f"unpack it and run `benchbed data check`",
    )
