"""How far answers that are vectors are moved, by hand; and nothing where answers are none."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from benchbed.outputs import output_of
from benchbed.results import record
from benchbed.run.scoring.displaced import displacements
from benchbed.stats.bootstrap import Bootstrap


def cell(name: str, severity: int | None = None) -> record.Cell:
    kind = "clean" if name == "clean" else "corruption"
    step = "" if severity is None else f"@{severity}"
    condition = record.Condition(kind=kind, name=name, severity=severity)
    counts = record.Counts(clips=3, scored=3)
    key = f"embedding/test/{name}{step}"
    return record.Cell(key=key, task="embedding", split="test", condition=condition, counts=counts, metrics={})


def answers(vectors: list[list[float]], position: list[int]) -> SimpleNamespace:
    rows = np.array(vectors)
    fold = SimpleNamespace(scores=rows, group=np.arange(len(rows)), bootstrap=Bootstrap(3, draws=50))
    return SimpleNamespace(read=lambda: SimpleNamespace(fold=fold, position=np.array(position)))


def test_displacement_is_the_mean_of_one_minus_the_cosine():
    cells = [cell("clean"), cell("white_noise", 1)]
    scored = {
        cells[0].key: answers([[1, 0], [0, 2], [1, 1]], [0, 1, 2]),
        # A right angle, nothing but another length, and a clip that has no answer under noise.
        cells[1].key: answers([[0, 5], [0, 1]], [0, 1]),
    }
    (found,) = displacements(cells, scored, output_of("embedding")).values()
    assert found.value == pytest.approx(0.5) and found.n == 2 and found.info.direction == "lower"
    assert found.low is not None and found.low <= 0.5 <= found.high
    assert displacements(cells, scored, output_of("scene")) == {}
    assert displacements(cells[1:], scored, output_of("embedding")) == {}
