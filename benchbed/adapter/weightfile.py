"""What a file of weights really is, told from its content and never from its name; nothing in it is run."""

from __future__ import annotations

import contextlib
import io
import pickletools
import struct
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from benchbed.errors import CheckpointError, did_you_mean
from benchbed.nesting import json_of

_SUFFIXES = (".safetensors", ".pt", ".pth", ".ckpt", ".bin", ".th")

#: First number of torch files before version 1.6.
_OLD_TORCH = 0x1950A86A20F9469CFC6C

#: What a file is, by its first bytes, if it is nothing that weights are read from; with what to do about it.
_FOREIGN = (
    (b"version https://git-lfs", "a git-lfs pointer, not the weights", "run `git lfs pull` in its repository"),
    (b"<!doctype html", "a web page, not weights", "the download went to a login or error page; download it again"),
    (b"<html", "a web page, not weights", "the download went to a login or error page; download it again"),
    (b"<?xml", "an XML page, not weights", "the download went to an error page; download it again"),
    (b"\x89hdf\r\n\x1a\n", "an HDF5 file (Keras or h5py)", "export the weights to safetensors, or the model to ONNX"),
    (b"\x1f\x8b", "a gzip archive", "unpack it and give the checkpoint inside"),
    (b"\x93numpy", "a numpy array", "a checkpoint holds named tensors; save them as safetensors"),
)


def existing_file(path: Path) -> Path:
    """`path`, or a CheckpointError if it is missing, a folder or empty."""
    if path.is_dir():
        found = sorted(child.name for child in path.iterdir() if child.suffix in _SUFFIXES)
        raise CheckpointError(
            f"{path} is a folder, not a checkpoint",
            where=str(path),
            hint=f"name one file in it: {', '.join(found[:8])}" if found else "name the file with the weights",
        )
    if not path.is_file():
        beside = [child.name for child in path.parent.iterdir()] if path.parent.is_dir() else []
        hint = did_you_mean(path.name, beside)
        raise CheckpointError(f"no checkpoint {path}", where=str(path), hint=hint or "check the path")
    if path.stat().st_size == 0:
        raise CheckpointError(f"{path.name} is empty (0 bytes)", where=str(path), hint="download or copy it again")
    return path


def recognise(path: Path) -> str:
    """`safetensors`, `torch` (zip) or `pickle`; anything else is an error that says what it is."""
    with path.open("rb") as file:
        head = file.read(512)
    for magic, what, hint in _FOREIGN:
        if head.lstrip(b"\xef\xbb\xbf \r\n\t").lower().startswith(magic):
            raise CheckpointError(f"{path.name} is {what}", where=str(path), hint=hint)
    if head[4:8] == b"TFL3":
        raise CheckpointError(
            f"{path.name} is a TensorFlow Lite model", where=str(path), hint="run it with --model adapters/tflite.py"
        )
    if head.startswith(b"PK\x03\x04"):
        return "torch"
    if len(head) > 8 and head[8:9] == b"{":
        return "safetensors"
    if head.startswith(b"\x80") and len(head) > 1 and head[1] <= 5:
        return "pickle"
    raise CheckpointError(
        f"{path.name} is neither safetensors nor a torch file (it begins with {head[:8]!r})",
        where=str(path),
        hint="an ONNX model runs with --model adapters/onnx.py; anything else must be exported to safetensors",
    )


def safetensors_header(path: Path) -> dict[str, Any]:
    """Header of a safetensors file; a CheckpointError if it is damaged or announces more than the file holds."""
    size = path.stat().st_size
    with path.open("rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        if length > size - 8:
            raise truncated(path, "its header is longer than the file")
        try:
            header = json_of(file.read(length))
        except ValueError as error:
            raise CheckpointError(f"{path.name} has a damaged safetensors header", where=str(path)) from error
    ends = [entry["data_offsets"][1] for name, entry in header.items() if name != "__metadata__"]
    if 8 + length + max(ends, default=0) > size:
        raise truncated(path, f"{8 + length + max(ends)} bytes were announced, {size} are there")
    return header


def pickled_names(path: Path) -> list[str]:
    """`module.name` of everything that the file's pickles would import; read from their opcodes, nothing is run."""
    names: set[str] = set()
    with _pickle_stream(path) as stream:
        # torch's older format is five pickles (magic number, version, system, content, storage names), then raw bytes.
        waiting = 1
        while waiting:
            waiting -= 1
            strings = ["", ""]
            try:
                for opcode, argument, position in pickletools.genops(stream):
                    if opcode.name in ("GLOBAL", "INST"):
                        names.add(str(argument).replace(" ", "."))
                    elif opcode.name == "STACK_GLOBAL":
                        names.add(".".join(strings[-2:]))
                    elif isinstance(argument, str):
                        strings.append(argument)
                    elif argument == _OLD_TORCH and position == 2:
                        waiting = 4
            except ValueError as error:
                raise truncated(path, f"the pickle in it cannot be read ({error})") from error
    # Names of numpy are harmless in most pickles; what the user must judge comes first.
    return sorted(names, key=lambda name: (name.startswith(("numpy.", "_codecs.")), name))


@contextlib.contextmanager
def _pickle_stream(path: Path) -> Iterator[IO[bytes]]:
    if not zipfile.is_zipfile(path):
        with path.open("rb") as file:
            if file.read(2) == b"PK":
                raise truncated(path, "the archive has no directory at its end")
            file.seek(0)
            yield file
        return
    with zipfile.ZipFile(path) as archive:
        inside = archive.namelist()
        pickles = [name for name in inside if name == "data.pkl" or name.endswith("/data.pkl")]
        if any("/code/" in name for name in inside):
            what, hint = "a TorchScript program, not a state dict", "save model.state_dict(), or export it to ONNX"
        elif pickles:
            yield io.BytesIO(archive.read(pickles[0]))
            return
        elif "model.weights.h5" in inside:
            what, hint = "a Keras model", "export its weights to safetensors, or the model to ONNX"
        elif inside and all(name.endswith(".npy") for name in inside):
            what, hint = "a numpy archive", "a checkpoint holds named tensors; save them as safetensors"
        else:
            what, hint = "a zip archive without torch weights", "unpack it and give the checkpoint inside"
        raise CheckpointError(f"{path.name} is {what}", where=str(path), hint=hint)


def truncated(path: Path, reason: str) -> CheckpointError:
    """The error for a file that ends too early."""
    return CheckpointError(
        f"{path.name} is truncated: {reason}", where=str(path), hint="download or copy it again and compare checksums"
    )
