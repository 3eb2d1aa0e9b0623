"""The table of the literature's systems in the README is that of the adapters."""

from __future__ import annotations

import importlib.util
import os
import sys

import pytest

#: Adapters whose counts take a second; the others are counted by `BENCHBED_LONG=1`.
QUICK = ("cp_mobile", "bc_resnet", "mcnn", "cp_resnet")


@pytest.fixture(scope="module")
def models(repository):
    spec = importlib.util.spec_from_file_location("leaderboard_models", repository / "leaderboards" / "models.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def lines(models) -> list[str]:
    inside = models.README.read_text(encoding="utf-8").partition(models.BEGIN)[2].partition(models.END)[0]
    return [line for line in inside.splitlines() if line]


def test_every_system_has_its_line(models):
    found, rows = lines(models), models.systems()
    assert found[:2] == list(models.HEADER) and len(found) == 2 + len(rows) > 30
    for line, row in zip(found[2:], rows):
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        assert line == models.line(row, (cells[2], cells[3], cells[4]))


def test_costs_are_what_the_adapters_cost(models):
    long = bool(os.environ.get("BENCHBED_LONG"))
    for line, row in zip(lines(models)[2:], models.systems()):
        small = row["adapter"] in QUICK or row.get("options", {}).get("arch") == "small"
        if long or small:
            assert line == models.line(row, models.costs(row)), "python leaderboards/models.py --write"
