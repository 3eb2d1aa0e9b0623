"""Every file of this folder is a case of a metric; see README.md."""

from __future__ import annotations

from pathlib import Path

import pytest
from ruamel.yaml import YAML

import benchbed as bb
from benchbed.metrics import FAMILIES

FOLDER = Path(__file__).parent
CASES = sorted(FOLDER.rglob("*.yaml"))
KEYS = {"family", "options", "labels", "references", "estimates", "figures", "tolerance", "source", "groups"}
#: Families whose kind has no form for plain objects: tracks are held by the files of tests/metrics/golden instead.
WITHOUT = {f"seld{year}" for year in (2020, 2021, 2022, 2024, 2025)}


def read(path: Path) -> dict:
    return YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", CASES, ids=lambda path: str(path.relative_to(FOLDER)))
def test_a_case_has_its_figures(path):
    case = read(path)
    assert set(case) <= KEYS, f"unknown keys {sorted(set(case) - KEYS)}"
    assert len(case["source"]) > 20, "say where the figures come from"
    assert case["figures"], "a case without figures tests nothing"
    options = case.get("options") or {}
    result = bb.evaluate(
        case["family"],
        case["references"],
        case["estimates"],
        labels=case.get("labels"),
        groups=case.get("groups"),
        **options,
    )
    for name, expected in case["figures"].items():
        group, slash, metric = name.rpartition("/")
        value = (result.groups[group] if slash else result.metrics)[metric].value
        if expected is None:
            assert value is None, name
        else:
            assert value == pytest.approx(expected, abs=float(case.get("tolerance", 1e-9)), rel=0), name


def test_every_family_has_a_case():
    covered = {read(path)["family"] for path in CASES}
    assert set(FAMILIES.names()) - covered - WITHOUT == set()
