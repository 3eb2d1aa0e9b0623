"""Charts, pages and summaries of runs in a notebook."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree

import pytest

import benchbed as bb
from benchbed.errors import ConfigError


def test_charts_by_name(toy_run, adapter_file, tmp_path):
    run = toy_run(adapter_file())
    for name in ("corruptions", "severities", "devices", "classes", "confusion"):
        chart = run.plot(name)
        assert "srcdoc" in chart._repr_html_()
        page = chart.save(tmp_path / f"{name}.html").read_text()
        assert "http://" not in page.replace("http://www.w3.org", "") and "https://" not in page
    drawn = ElementTree.parse(run.plot("corruptions").save(tmp_path / "curve.svg"))
    panels = [part for part in drawn.iter() if part.get("viewBox") == "0 0 340 220"]
    assert len(panels) == run.plot("corruptions").body.count('role="img"') > 0
    matrix = ElementTree.parse(run.plot("confusion").save(tmp_path / "confusion.svg"))
    assert len([part for part in matrix.iter() if part.tag.endswith("rect")]) > 4
    curve = run.plot("corruptions").save(tmp_path / "curve.csv").read_text()
    assert curve.startswith("model,dataset,cell,") and "parameter,parameter_unit" in curve.splitlines()[0]
    with pytest.raises(ConfigError, match="no chart or table 'corruption_s'") as raised:
        run.plot("corruption_s")
    assert "did you mean 'corruptions'" in raised.value.hint and "what-breaks-it" in raised.value.hint
    with pytest.raises(ConfigError, match="saved as"):
        run.plot().save(tmp_path / "curve.pdf")


def test_any_chart_of_the_page_by_its_name(toy_run, adapter_file, tmp_path):
    run = toy_run(adapter_file())
    table = run.plot("what-breaks-it").save(tmp_path / "breaks.md").read_text()
    assert table.startswith("| Condition |")
    with pytest.raises(ConfigError, match="is a table, no drawing"):
        run.plot("over-the-run").save(tmp_path / "run.svg")


def test_a_notebook_shows_a_small_table_with_escaped_names(toy_run, adapter_file):
    run = toy_run(adapter_file(), overrides={"title": "<b>bold</b>"})
    shown = run._repr_html_()
    assert "<b>bold" not in shown and "&lt;b&gt;bold" in shown
    assert "macro_accuracy" in repr(run)


def test_runs_are_opened_from_disk(toy_run, adapter_file, tmp_path):
    toy_run(adapter_file("one"))
    toy_run(adapter_file("two"))
    runs = bb.load(str(tmp_path / "runs" / "**"))
    assert sorted(run.name for run in runs) == ["one", "two"]
    assert len(bb.load(tmp_path / "runs")) == 2
    with pytest.raises(ConfigError, match="no run like"):
        bb.load(str(tmp_path / "nothing" / "**"))
    with pytest.raises(ConfigError, match="no run here"):
        bb.load(tmp_path / "nothing")


def test_a_leaderboard_from_live_runs(toy_run, adapter_file, tmp_path):
    runs = [toy_run(adapter_file("one")), toy_run(adapter_file("two"))]
    page = bb.leaderboard(runs, tmp_path / "site")
    assert page.is_file() and "one" in page.read_text()
