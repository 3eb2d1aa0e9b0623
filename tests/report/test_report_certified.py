"""Certified accuracy of a smoothed model on the page: a curve over the radius, and its figures."""

from __future__ import annotations

from benchbed.report.panels import robustness_curves
from benchbed.report.view import robustness


def test_the_page_draws_the_curve_and_lists_it(result):
    record = result(conditions=True)
    some = next(iter(record.cells[0].metrics.values()))
    for radius, share in ((0.0, 0.75), (0.01, 0.5), (0.02, 0.25)):
        record.scores[f"certified:accuracy/{radius:g}"] = some.model_copy(
            update={"value": share, "low": share - 0.1, "high": share + 0.1, "title": "Certified accuracy"}
        )
    record.scores["certified:abstains"] = some.model_copy(update={"value": 0.125, "title": "Abstains"})
    (chart,) = [chart for title, chart in robustness_curves(record) if title.startswith("Certified accuracy against")]
    assert "L2 norm of what is added, in waveform units" in chart and "from" in chart
    (table,) = [table for table in robustness(record) if table.family == "L2 radius of certificates"]
    assert [row.label for row in table.rows] == ["Up to 0", "Up to 0.01", "Up to 0.02", "At any radius"]
    record.scores = {name: value for name, value in record.scores.items() if not name.startswith("certified:")}
    assert not any("Certified accuracy against" in title for title, _ in robustness_curves(record))
