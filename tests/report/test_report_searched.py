"""What searches found stands on the page: smallest perturbations, success against queries, classes made of classes."""

from __future__ import annotations

from benchbed.report.page import report_html
from benchbed.report.searched import search_curves, target_matrices
from benchbed.results.record import Matrix


def matrix(rows, columns, values, title="x"):
    return Matrix(rows=rows, columns=columns, values=values, row_title=title, column_title="y", unit="fraction")


def test_curves_and_matrices_of_attacked_cells_are_drawn(result):
    record = result(conditions=True)
    some = record.cells[-1]
    for name, key, parameter, made in (
        ("minimal", "minimal@l2:30dB", 30.0, {"smallest": matrix(["50 dB", "48 dB"], ["broken"], [[0.25], [0.75]])}),
        ("square", "square@l2:40dB", 40.0, {"queries": matrix(["1", "10"], ["broken"], [[0.0], [0.2]])}),
        ("square", "square@l2:20dB", 20.0, {"queries": matrix(["1", "10"], ["broken"], [[0.1], [0.9]])}),
        (
            "class_matrix",
            "class_matrix@l2:30dB",
            30.0,
            {"targets": matrix(["a", "b"], ["a", "b"], [[None, 0.5], [1.0, None]])},
        ),
    ):
        cell = some.model_copy(deep=True)
        cell.key, cell.matrices = f"scene/{some.split}/{key}", made
        cell.condition = cell.condition.model_copy(
            update={
                "kind": "attack",
                "name": name,
                "severity": None,
                "parameter": parameter,
                "unit": "dB SNR, whole clip",
            }
        )
        record.cells.append(cell)
    drawn = dict(search_curves(record))
    assert list(drawn) == ["Smallest perturbations, minimal", "Broken clips against queries, square"]
    assert "75.0" in drawn["Smallest perturbations, minimal"]
    # One line for each budget.
    assert all(f"{level} dB SNR, whole clip" in drawn["Broken clips against queries, square"] for level in (40, 20))
    (table,) = target_matrices(record)
    assert "Clips of a class that were made another: class matrix, 30 dB SNR, whole clip, %" in table
    page = report_html(record)
    assert "Smallest perturbations, minimal" in page and "made another" in page
    record.cells = [cell for cell in record.cells if not cell.matrices.keys() & {"smallest", "queries", "targets"}]
    assert search_curves(record) == [] and target_matrices(record) == []
