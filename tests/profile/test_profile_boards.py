"""Boards: what a model needs against what they have, tables that cannot be right, and the gate that decides by it."""

from __future__ import annotations

import json

import pytest
import torch

import benchbed as bb
from benchbed.adapter import Card, TorchAdapter
from benchbed.cli import main
from benchbed.data import synthetic
from benchbed.errors import ConfigError, DataError
from benchbed.profile.boards import TargetBoard, boards_report, read_boards
from benchbed.profile.session import ProfileSettings, profile
from benchbed.profile.trace import trace_forward
from benchbed.suite.load import board_table


def table(place, text):
    file = place / "boards.yaml"
    file.write_text(text)
    return file


ONE = "{name: tiny, flash: 1 KiB, ram: 2 kB, macs: 0.5 M}"


@pytest.mark.parametrize(
    ("text", "words", "line"),
    [
        ("boards:\n  - {name: tiny, flash: 1 KiB, ram: 2 kB}\n", "does not say its macs", ":2"),
        ("boards:\n  - {name: tiny, flash: much, ram: 2 kB, macs: 1 M}\n", "flash is 'much'", ":2"),
        ("boards:\n  - {name: tiny, flash: -1 kB, ram: 2 kB, macs: 1 M}\n", "flash is '-1 kB'", ":2"),
        ("boards:\n  - {name: tiny, flash: 0 kB, ram: 2 kB, macs: 1 M}\n", "flash is '0 kB'", ":2"),
        ("boards:\n  - {name: tiny, flash: 1 kB, ram: 2 GB, macs: 1 M}\n", "ram is '2 GB'", ":2"),
        ("boards:\n  - {name: tiny, flash: 1 kB, ram: 2, macs: 1 M}\n", "ram is '2'", ":2"),
        (f"boards:\n  - {ONE}\n  - {ONE}\n", "'tiny' stands twice", ":3"),
        ("boards:\n  - {name: tiny, flahs: 1 kB, ram: 2 kB, macs: 1 M}\n", "a board has no 'flahs'", ":2"),
        ("boards:\n  - {name: a b, flash: 1 kB, ram: 2 kB, macs: 1 M}\n", "'a b' is no name", ":2"),
        ("boards: []\n", "no list of boards", ""),
        ("board: 1\n", "no list of boards", ""),
        ("boards: [stm32]\n", "'stm32' is no board", ":1"),
    ],
)
def test_a_table_that_cannot_be_right_is_one_clear_error(tmp_path, text, words, line):
    with pytest.raises((ConfigError, DataError)) as caught:
        read_boards(table(tmp_path, text))
    assert words in caught.value.what and line in (caught.value.where or "")


def test_a_table_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ConfigError, match="the table of boards is missing"):
        read_boards(tmp_path / "none.yaml")
    with pytest.raises(ConfigError, match="no table of boards 'mcv'") as caught:
        board_table("mcv")
    assert "mcu" in caught.value.hint


def test_shipped_boards_are_read():
    boards = {board.name: board for board in read_boards(board_table("mcu"))}
    assert boards["nano33ble"].ram == 256 * 1024 and boards["stm32l476"].macs == 2_000_000 and len(boards) >= 4


class Chain(TorchAdapter):
    """Two convolutions over 100 samples, the second beside a shortcut."""

    card = Card("chain", "cnn", "scene", ("a", "b"), 100, clip_seconds=1.0)

    def build(self):
        return torch.nn.ModuleList([torch.nn.Conv1d(1, 4, 1), torch.nn.Conv1d(4, 4, 1), torch.nn.Linear(4, 2)])

    def forward(self, waveforms):
        first = self.model[0](waveforms)
        return self.model[2]((self.model[1](first) + first).mean(2))


def test_needs_are_those_of_a_network_by_hand():
    """Parameters 8 + 20 + 10; at the second convolution its input and output of 4 × 100 values live, then their sum
    beside both: 3 × 400 values; products 400 + 1600 + 8."""
    adapter = Chain()
    adapter.load("cpu")
    trace, _ = trace_forward(adapter.model, adapter.forward, torch.zeros(1, 1, 100))
    assert trace.peak_bytes == 4 * 3 * 400
    boards = (TargetBoard("all", 38, 1200, 2008), TargetBoard("small", 37, 1199, 2007))
    told = profile(adapter, ProfileSettings(boards=boards))["boards"]
    assert told["flash"]["value"] == 38 and told["ram"]["value"] == 1200
    assert told["all"]["verdict"] == "fits" and told["all"]["largest_share"]["value"] == 1.0
    assert told["small"]["verdict"] == "does not fit: flash 38 of 37 bytes, RAM 1,200 of 1,199 bytes, 0.00 of 0.00 MMAC"


def test_wider_weights_need_more_flash():
    four, eight = (
        boards_report((TargetBoard("b", 1000, 1000, 10),), parameters=100, macs=5, peak_bytes=400, weight_bits=bits)
        for bits in (4, 8)
    )
    assert (four["flash"]["value"], eight["flash"]["value"]) == (50, 100)
    assert eight["b"]["flash_share"]["value"] == 0.1 and eight["b"]["macs_share"]["value"] == 0.5


def test_a_model_that_nobody_sees_into_has_a_reason(tmp_path):
    from benchbed.adapter import Adapter

    class Closed(Adapter):
        card = Card("closed", "other", "scene", ("a", "b"), 8000)

        def predict(self, batch):
            raise NotImplementedError

    told = profile(Closed(), ProfileSettings(boards=(TargetBoard("b", 1, 1, 1),)))
    assert "torch can see" in told["boards"]["reason"]


def code(words):
    with pytest.raises(SystemExit) as caught:
        main(words)
    return caught.value.code


def test_at_the_terminal(tmp_path, capsys):
    file = table(tmp_path, f"boards:\n  - {ONE}\n")
    call = ["profile", "--model", "phinet", "--set", "weights=random", "--set", "arch=1d_m0.07", "--no-latency"]
    assert code([*call, "--no-isolate", "--boards", str(file), "--json"]) == 0
    boards = json.loads(capsys.readouterr().out)["models"][0]["profile"]["boards"]
    # 766 parameters go into 1,024 bytes; the waveform of 64,000 samples alone does not into 2,000.
    assert boards["flash"]["value"] == 766 and boards["tiny"]["verdict"].startswith("does not fit: RAM")
    assert code([*call, "--boards", "mcv"]) == 2 and "mcu" in capsys.readouterr().err


def test_a_gate_decides_by_the_board(tmp_path):
    suite = tmp_path / "small.yaml"
    suite.write_text(
        'name: small\nversion: "1"\ntask: count\ndata: {layout: disco, splits: [val]}\nmetrics: {family: count}\n'
        "statistics: {draws: 20}\nprofile: {boards: mcu}\n"
    )
    data = {"disco": synthetic.make(tmp_path / "disco", layout="disco", size="small")}
    run = bb.run(suite, model="audio_csrnet", data=data, out=tmp_path / "runs")
    told = run.result.profile["boards"]
    assert told["nano33ble"]["verdict"] == "fits" and 0 < told["nano33ble"]["largest_share"]["value"] < 1
    assert bb.gate(run, run, rules="mcu").passed
    strict = tmp_path / "strict.yaml"
    strict.write_text("name: strict\nrules:\n  - {name: small, figure: boards.nano33ble.largest_share, at_most: 1 %}\n")
    assert not bb.gate(run, run, rules=str(strict)).passed
