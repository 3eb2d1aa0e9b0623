"""Models × noises at the strength that the noises share, on the first page."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from made_records import MODELS, corrupted_runs, many_models

from benchbed.report import across, board, landing, onestrength


@pytest.fixture
def noisy():
    (page,) = board.arrange([(Path(f"runs/{place}"), result) for place, result in enumerate(corrupted_runs())])
    (made,) = page.boards
    return made


def test_the_map_is_of_the_middle_strength_that_noises_share(noisy):
    drawing = onestrength.noises(noisy, across.series(noisy))
    assert drawing is not None and drawing.title == "In each noise at 10 dB SNR"
    shown = re.sub(r"<[^>]+>", " ", str(drawing.image))
    assert [name for name in ("White noise", "Babble", "Hum") if name in shown] == ["White noise", "Babble", "Hum"]
    assert "MP3" not in shown and "Small room" not in shown
    # Babble keeps 0.95 of the clean figure at each step, and 10 dB is the third: 0.6, 0.7 and 0.5 on clean audio.
    for clean in (0.6, 0.7, 0.5):
        assert f"{100 * clean * 0.95**3:.1f}" in shown


def test_every_figure_tells_its_interval_and_an_incomplete_run_leads_nothing():
    runs = corrupted_runs()
    best = max(runs, key=lambda run: run.cells[0].metrics[run.primary].value or 0.0)
    best.cells[-1].complete = False
    (page,) = board.arrange([(Path(f"runs/{place}"), result) for place, result in enumerate(runs)])
    text = str(onestrength.noises(page.boards[0], across.series(page.boards[0])).image)
    rows = re.findall(r"<tr><th scope=\"row\">.*?</tr>", text)
    (marked,) = [row for row in rows if "incomplete</span>" in row]
    assert best.model.name in marked and "<b>" not in marked
    assert [row.count("<b>") for row in rows if row != marked].count(0) < len(rows) - 1
    assert text.count('title="[') + text.count('title="no interval') == len(re.findall("<td", text))


def test_noises_without_a_common_strength_have_no_map(noisy):
    conditions = across.series(noisy)
    quiet = [one for one in conditions if one.family != "noise"]
    alone = [one for one in conditions if one.name == "Babble"]
    other = [replace(one, unit=f"{one.unit} {place}") for place, one in enumerate(conditions)]
    assert [onestrength.noises(noisy, some) for some in ([], quiet, alone, other)] == [None] * 4


def test_the_first_page_shows_it_and_leads_to_every_strength():
    pages = board.arrange([(Path(f"runs/{place}"), result) for place, result in enumerate(corrupted_runs())])
    (group,) = landing.groups(pages, {name: name for name in MODELS})
    (noises,) = group.noises
    assert re.fullmatch(r"suites/[\w-]+\.html#strengths-\w+", noises.href)


def test_a_crowd_is_led_to_the_suite():
    models = many_models(onestrength.MOST_MODELS + 1)
    pages = board.arrange([(Path(f"runs/{place}"), run) for place, run in enumerate(corrupted_runs(models))])
    (group,) = landing.groups(pages, {name: name for name in models})
    assert group.noises == []


def test_folds_are_one_column_with_the_mean_over_them():
    runs = corrupted_runs()
    folds = []
    for run in runs:
        cells = []
        for split, lower in (("fold1", 0.0), ("fold2", 0.1)):
            for cell in run.cells:
                metrics = {n: v.model_copy(update={"value": v.value - lower}) for n, v in cell.metrics.items()}
                told = {"key": cell.key.replace("/test/", f"/{split}/"), "split": split, "metrics": metrics}
                cells.append(cell.model_copy(update=told))
        folds.append(run.model_copy(update={"cells": cells}))
    (page,) = board.arrange([(Path(f"runs/{place}"), result) for place, result in enumerate(folds)])
    (made,) = page.boards
    shown = re.sub(r"<[^>]+>", " ", str(onestrength.noises(made, across.series(made)).image))
    assert shown.count("White noise") == 1 and "fold1" not in shown
    for clean in (0.6, 0.7, 0.5):
        assert f"{100 * (clean * 0.95**3 - 0.05):.1f}" in shown
