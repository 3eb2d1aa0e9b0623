"""Whether a model goes on a board: its weights into flash, its activations into RAM, its operations into a budget.

An estimate from counts, nothing is run on a board: weights at the bits that they will have there, activations as the
largest sum of tensors that are alive at once in the order of the model's own forward pass (front end included, no
operation fused), and multiply-accumulates of one clip, front end left out. Code, stack and what a runtime keeps for
itself come on top.

Boards come from a table:

    boards:
      - {name: nano33ble, flash: 1 MiB, ram: 256 KiB, macs: 20 M, note: 'Cortex-M4, 64 MHz'}
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchbed.errors import ConfigError, did_you_mean
from benchbed.profile.counts import figure
from benchbed.tables.tree import Node, read_tree

#: Unit → factor.
BYTES = {"B": 1, "kB": 1e3, "MB": 1e6, "KiB": 2**10, "MiB": 2**20}
OPERATIONS = {"": 1, "k": 1e3, "M": 1e6, "G": 1e9, "MMAC": 1e6, "GMAC": 1e9}
KEYS = ("name", "flash", "ram", "macs", "note")


@dataclass(frozen=True)
class TargetBoard:
    """What a board has.

    Attributes
    ----------
    name : str
        One word.
    flash, ram : int
        Bytes for weights, and for activations.
    macs : int
        Multiply-accumulates that a clip may take.
    note : str
        What else is to be known.
    """

    name: str
    flash: int
    ram: int
    macs: int
    note: str = ""


@dataclass(frozen=True)
class Needs:
    """What a model needs of a board.

    Attributes
    ----------
    flash, ram : float
        Bytes.
    macs : float
        For one clip.
    """

    flash: float
    ram: float
    macs: float


def read_boards(path: Path) -> tuple[TargetBoard, ...]:
    """The boards of a table.

    Raises
    ------
    ConfigError
        A board that lacks something, has an unknown key, stands twice, or whose amounts are none; with file and line.

    Examples
    --------
    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp()) / "mine.yaml"
    >>> _ = file.write_text("boards:\\n  - {name: tiny, flash: 64 KiB, ram: 16 kB, macs: 1.5 M}\\n")
    >>> read_boards(file)
    (TargetBoard(name='tiny', flash=65536, ram=16000, macs=1500000, note=''),)
    """
    hint = "boards: [{name: mine, flash: 1 MiB, ram: 256 KiB, macs: 20 M}]"
    if not path.is_file():
        raise ConfigError("the table of boards is missing", where=str(path), hint=hint)
    tree = read_tree(path)
    listed = tree.value.get("boards") if isinstance(tree.value, dict) else None
    if listed is None or not isinstance(listed.value, list) or not listed.value:
        raise ConfigError("the file has no list of boards", where=tree.where, hint=hint)
    found: dict[str, TargetBoard] = {}
    for node in listed.value:
        board = _board(node, hint)
        if board.name in found:
            raise ConfigError(f"the board '{board.name}' stands twice", where=node.where)
        found[board.name] = board
    return tuple(found.values())


def _board(node: Node, hint: str) -> TargetBoard:
    if not isinstance(node.value, dict):
        raise ConfigError(f"'{node}' is no board", where=node.where, hint=hint)
    for key in node.value:
        if key not in KEYS:
            raise ConfigError(
                f"a board has no '{key}'", where=node.where, hint=did_you_mean(key, KEYS) or f"it has {', '.join(KEYS)}"
            )
    lacking = [key for key in KEYS[:-1] if key not in node.value]
    if lacking:
        raise ConfigError(f"a board does not say its {lacking[0]}", where=node.where, hint=hint)
    name = node.value["name"].text or ""
    if not re.fullmatch(r"[A-Za-z0-9_-]+", name):
        raise ConfigError(f"'{name}' is no name of a board", where=node.where, hint="letters, digits, - and _")
    flash, ram = (_amount(node.value[key], key, BYTES) for key in ("flash", "ram"))
    note = node.value["note"].text or "" if "note" in node.value else ""
    return TargetBoard(name, flash, ram, _amount(node.value["macs"], "macs", OPERATIONS), note)


def _amount(node: Node, what: str, units: dict[str, float]) -> int:
    text = node.text or ""
    match = re.fullmatch(r"\s*([0-9]*\.?[0-9]+)\s*([A-Za-z]*)\s*", text)
    number = float(match[1]) * units[match[2]] if match and match[2] in units else math.nan
    if not number > 0:
        named = ", ".join(filter(None, units))
        raise ConfigError(
            f"{what} is '{text}'", where=node.where, hint=f"a number above 0 with one of the units {named}"
        )
    return round(number)


def verdict(board: TargetBoard, needs: Needs) -> str:
    """Whether it fits, and if not, what is too small, in words.

    Examples
    --------
    >>> board = TargetBoard("tiny", 1000, 500, 10**6)
    >>> verdict(board, Needs(900, 400, 10**6))
    'fits'
    >>> verdict(board, Needs(900, 600, 2e6))
    'does not fit: RAM 600 of 500 bytes, 2.00 of 1.00 MMAC'
    """
    over = [
        f"{what} {need:,.0f} of {have:,.0f} bytes"
        for what, need, have in (("flash", needs.flash, board.flash), ("RAM", needs.ram, board.ram))
        if need > have
    ]
    if needs.macs > board.macs:
        over.append(f"{needs.macs / 1e6:.2f} of {board.macs / 1e6:.2f} MMAC")
    return f"does not fit: {', '.join(over)}" if over else "fits"


def boards_report(
    boards: Sequence[TargetBoard],
    *,
    parameters: int,
    macs: int,
    peak_bytes: int,
    weight_bits: float = 8,
    activation_bits: float = 8,
) -> dict[str, Any]:
    """Verdict and shares for every board, as they stand on the record.

    Parameters
    ----------
    boards : sequence of TargetBoard
    parameters, macs : int
        Of the model, for one clip.
    peak_bytes : int
        Activations alive at once, in single precision.
    weight_bits, activation_bits : float
        On the board.
    """
    needs = Needs(parameters * weight_bits / 8, peak_bytes * activation_bits / 32, macs)
    how = f"estimated from counts, weights of {weight_bits:g} and activations of {activation_bits:g} bits"
    told: dict[str, Any] = {
        "flash": figure(math.ceil(needs.flash), "bytes", f"parameters × {weight_bits:g} bits"),
        "ram": figure(
            math.ceil(needs.ram), "bytes", f"tensors alive at once × {activation_bits:g} bits, nothing fused"
        ),
    }
    for board in boards:
        shares = {
            "flash_share": needs.flash / board.flash,
            "ram_share": needs.ram / board.ram,
            "macs_share": needs.macs / board.macs,
        }
        told[board.name] = {
            "verdict": verdict(board, needs),
            **{name: figure(share, "fraction", how) for name, share in shares.items()},
            "largest_share": figure(max(shares.values()), "fraction", "of flash, RAM and operations"),
        }
        if board.note:
            told[board.name]["board"] = board.note
    return told
