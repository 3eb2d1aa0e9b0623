"""What a page carries of a long record: every figure of every cell, column by column, and back to rows."""

from __future__ import annotations

import json

import pytest

from benchbed.report import carried, island
from benchbed.results.record import Value


def columns_to_rows(data):
    """The rows again, as the page's script makes them."""
    rows = []
    for block in data["blocks"]:
        for index, cell in enumerate(block["at"]):
            place = {name: None if cell < 0 else held[cell] for name, held in data["cells"].items()}
            ends = {name: block[name][index] if name in block else None for name in ("low", "high")}
            n = block["n"][index] if isinstance(block["n"], list) else block["n"]
            told = {name: block.get(name) for name in ("direction", "unit", "rule", "interval", "reason")}
            rows.append(
                {
                    **place,
                    "group": None,
                    "metric": block["metric"],
                    "value": block["value"][index],
                    **ends,
                    "n": n,
                    **told,
                }
            )
    return rows


def key(row):
    return str(row["cell"]), row["metric"]


def test_every_figure_of_every_cell_comes_back(result):
    record = result(conditions=True)
    record.cells[3].condition.parameter = {"low": 1, "high": 2}
    record.scores["odd"] = Value(
        value=float("nan"), low=0.0, n=3, direction="lower", unit="nats", rule="r", reason="why"
    )
    data = json.loads(json.dumps(carried.figures(record), allow_nan=False))
    rows = sorted(columns_to_rows(data), key=key)
    wanted = sorted((row for row in carried.flat(record) if row["group"] is None), key=key)
    assert [key(row) for row in rows] == [key(row) for row in wanted]
    for row, want in zip(rows, wanted, strict=True):
        for name in ("value", "low", "high"):
            if (row["metric"] == "odd" and name == "value") or want[name] is None:
                assert row[name] is None
            else:
                assert row[name] == pytest.approx(want[name], rel=1e-4)
        assert {n: v for n, v in row.items() if n not in ("value", "low", "high")} == {
            n: v for n, v in want.items() if n not in ("value", "low", "high")
        }


def test_parameters_and_units_have_columns_of_their_own(result):
    rows = list(carried.flat(result(conditions=True)))
    (row,) = [one for one in rows if one["cell"] == "scene/test/white_noise@3"]
    assert (row["condition"], row["severity"], row["parameter"], row["parameter_unit"]) == (
        "white_noise",
        3,
        10,
        "dB SNR",
    )
    assert row["family"] == "noise" and row["achieved"] == 10 and row["kind"] == "corruption"
    assert {one["group"] for one in rows} >= {None, "device=s4", "devices=unseen"}


def test_a_long_record_is_carried_as_its_figures(result, monkeypatch):
    record = result(conditions=True)
    whole, complete = island.record(record)
    assert complete and json.loads(island.unpack(str(whole)))["model"]["name"] == record.model.name
    monkeypatch.setattr(island, "CARRIED", 10)
    short, complete = island.record(record)
    data = json.loads(island.unpack(str(short)))
    assert not complete and data["format"] == carried.FORMAT and len(str(short)) < len(str(whole))
    assert len(data["cells"]["cell"]) == len(record.cells)
