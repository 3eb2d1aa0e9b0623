"""Downloads are verified and archives unpacked safely; nothing here touches a network."""

from __future__ import annotations

import hashlib
import io
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import pytest

from benchbed.data import LAYOUTS, fetch
from benchbed.data.facts import Facts, Remote
from benchbed.errors import DataError


def archive_of(files: dict[str, bytes]) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as file:
        for name, body in files.items():
            file.writestr(name, body)
    return content.getvalue()


@pytest.fixture
def source(monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    """A publisher with two files; what is served can be changed after the checksums are stated."""
    served = {"data.zip": archive_of({"audio/1.wav": b"RIFF"}), "list.csv": b"filename\n", "more.zip": b"x"}
    remotes = (
        Remote("data.zip", "https://example.org/data.zip", "md5:" + hashlib.md5(served["data.zip"]).hexdigest()),
        Remote("list.csv", "https://example.org/list.csv"),
        Remote("more.zip", "https://example.org/more.zip", "sha256:" + "0" * 64, required=False),
    )
    about = Facts("Toy", "https://example.org", "CC0", "", files=remotes)
    monkeypatch.setattr(fetch, "facts", lambda name: about)
    return served


class Server:
    """Stands where pooch's downloader does."""

    def __init__(self, served: dict[str, bytes]) -> None:
        self.served, self.asked = served, []

    def __call__(self, url: str, output_file: Any, pooch: Any, check_only: bool = False) -> None:
        name = url.rpartition("/")[2]
        self.asked.append(name)
        Path(output_file).write_bytes(self.served[name])


def test_download_verify_unpack(source: dict[str, bytes], tmp_path: Path) -> None:
    server = Server(source)
    got = fetch.fetch("toy", tmp_path / "toy", downloader=server)
    assert got.folder == tmp_path / "toy" and str(got).startswith("ok         data.zip\nunverified list.csv\n")
    assert (tmp_path / "toy/audio/1.wav").read_bytes() == b"RIFF"
    assert server.asked == ["data.zip", "list.csv"]
    assert [f.state for f in fetch.verify("toy", tmp_path / "toy")] == ["ok", "unverified", "missing"]
    fetch.fetch("toy", tmp_path / "toy", downloader=server)
    assert len(server.asked) == 2


def test_wrong_checksum_of_a_download(source: dict[str, bytes], tmp_path: Path) -> None:
    source["data.zip"] = archive_of({"audio/1.wav": b"evil"})
    with pytest.raises(DataError, match=r"data.zip has another checksum than its publisher states \(md5:") as caught:
        fetch.fetch("toy", tmp_path, downloader=Server(source))
    assert "https://example.org" in str(caught.value.hint)
    assert not (tmp_path / "audio").exists() and not (tmp_path / "data.zip").exists()


def test_wrong_checksum_of_what_the_user_downloaded(source: dict[str, bytes], tmp_path: Path) -> None:
    (tmp_path / "data.zip").write_bytes(b"half of it")
    state = fetch.verify("toy", tmp_path)[0]
    assert state.state == "wrong" and state.found == "md5:" + hashlib.md5(b"half of it").hexdigest()
    server = Server(source)
    with pytest.raises(DataError, match="another checksum"):
        fetch.fetch("toy", tmp_path, downloader=server)
    assert server.asked == [] and (tmp_path / "data.zip").read_bytes() == b"half of it"


def test_verify_only(source: dict[str, bytes], tmp_path: Path) -> None:
    server = Server(source)
    with pytest.raises(DataError, match=r"2 of 3 official files are not as published: data.zip is missing, list.csv"):
        fetch.fetch("toy", tmp_path, verify_only=True, downloader=server)
    (tmp_path / "data.zip").write_bytes(source["data.zip"])
    (tmp_path / "list.csv").write_bytes(b"")
    got = fetch.fetch("toy", tmp_path, verify_only=True, downloader=server)
    assert [file.state for file in got.files] == ["ok", "unverified", "missing"]
    assert server.asked == [] and not (tmp_path / "audio").exists()
    (tmp_path / "data.zip").write_bytes(b"damaged")
    with pytest.raises(DataError, match=r"data.zip is wrong"):
        fetch.fetch("toy", tmp_path, verify_only=True)


def test_optional_parts_only_when_asked(source: dict[str, bytes], tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"more.zip has another checksum"):
        fetch.fetch("toy", tmp_path, optional=True, downloader=Server(source))


def test_no_network(source: dict[str, bytes], tmp_path: Path) -> None:
    import requests

    def offline(url: str, output_file: Any, pooch: Any) -> None:
        raise requests.ConnectionError("no route")

    with pytest.raises(DataError, match="cannot be downloaded") as caught:
        fetch.fetch("toy", tmp_path, downloader=offline)
    assert caught.value.where == "https://example.org/data.zip"


def test_no_direct_link(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="AudioSet has no public direct link") as caught:
        fetch.fetch("audioset", tmp_path)
    assert "research.google.com" in str(caught.value.hint)


def test_full_disk(source: dict[str, bytes], tmp_path: Path) -> None:
    def full(url: str, output_file: Any, pooch: Any) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(DataError, match="No space left on device"):
        fetch.fetch("toy", tmp_path, downloader=full)


def tar_of(members: list[tarfile.TarInfo]) -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as file:
        for member in members:
            member.size = 4 if member.isfile() else 0
            file.addfile(member, io.BytesIO(b"data") if member.isfile() else None)
    return content.getvalue()


def member(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, link
    return info


@pytest.mark.parametrize("name", ["../evil", "a/../../evil", "/evil", "C:/evil", "..\\evil"])
def test_members_cannot_leave_the_folder(tmp_path: Path, name: str) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()
    (tmp_path / "a.zip").write_bytes(archive_of({"good.wav": b"x", name: b"x"}))
    (tmp_path / "a.tgz").write_bytes(tar_of([member("good.wav"), member(name)]))
    for archive in ("a.zip", "a.tgz"):
        with pytest.raises(DataError, match="outside the folder"):
            fetch.unpack(tmp_path / archive, inside)
    assert not (tmp_path / "evil").exists() and not list(inside.iterdir())


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE])
def test_links_and_devices_are_refused(tmp_path: Path, kind: bytes) -> None:
    (tmp_path / "a.tar.gz").write_bytes(tar_of([member("good.wav"), member("link", kind, "/etc/passwd")]))
    with pytest.raises(DataError, match="a link or device"):
        fetch.unpack(tmp_path / "a.tar.gz", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_link_in_a_zip(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as file:
        info = zipfile.ZipInfo("link")
        info.external_attr = 0o120777 << 16
        file.writestr(info, "/etc/passwd")
    with pytest.raises(DataError, match="a link"):
        fetch.unpack(tmp_path / "a.zip", tmp_path / "out")


def test_a_link_that_lies_there_leads_nowhere(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out/audio").symlink_to(tmp_path)
    (tmp_path / "a.zip").write_bytes(archive_of({"audio/x": b"x"}))
    with pytest.raises(DataError, match="outside the folder"):
        fetch.unpack(tmp_path / "a.zip", tmp_path / "out")


def test_damaged_archives(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(b"<html>not found</html>")
    with pytest.raises(DataError, match="not a zip or tar archive"):
        fetch.unpack(tmp_path / "a.zip", tmp_path / "out")
    content = bytearray(archive_of({"a.wav": b"x" * 1000}))
    content[60] ^= 0xFF
    (tmp_path / "a.zip").write_bytes(bytes(content))
    with pytest.raises(DataError, match="damaged"):
        fetch.unpack(tmp_path / "a.zip", tmp_path / "out")


def test_parts_of_a_zip_are_left_to_the_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    body = b"part one of two"
    remotes = (
        Remote("a.zip", "https://example.org/a.zip", "md5:" + hashlib.md5(body).hexdigest()),
        Remote("a.z01", "https://example.org/a.z01", "md5:" + hashlib.md5(body).hexdigest()),
    )
    monkeypatch.setattr(fetch, "facts", lambda name: Facts("Toy", "", "", "", files=remotes))
    fetch.fetch("toy", tmp_path, downloader=Server({"a.zip": body, "a.z01": body}))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.z01", "a.zip"]


@pytest.mark.parametrize("name", LAYOUTS.names())
def test_facts_of_every_layout(name: str) -> None:
    about = fetch.facts(name)
    assert about.title and about.source
    assert len({remote.name for remote in about.files}) == len(about.files)
    for remote in about.files:
        assert remote.url.startswith("https://")
        kind, _, value = remote.checksum.partition(":")
        assert (kind, len(value)) in {("md5", 32), ("sha256", 64), ("", 0)}
