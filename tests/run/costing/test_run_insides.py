"""Attention and embeddings of transformers on the record, against rolling out by hand, and on the page."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

import benchbed as bb
from benchbed.adapter.load import load_adapter, start
from benchbed.adapter.patchgrid import PatchGrid
from benchbed.adapter.rollout import AttentionWatch
from benchbed.metrics.representation import representation
from benchbed.report.insides import inside
from benchbed.run.costing.insides import attention_map, pooled


def test_a_map_by_hand():
    """One layer, a class token and a 2 × 2 grid of 2 × 2 patches one apart over 3 × 3 points."""
    attention = torch.zeros(1, 1, 5, 5)
    attention[0, 0, 0] = torch.tensor([0.0, 0.4, 0.3, 0.2, 0.1])
    attention[0, 0, 1:] = torch.eye(5)[1:]
    found = attention_map([attention], PatchGrid(3, (2, 2), (1, 1), 0.01, tokens=1))
    # Each patch is heard by half of its attention; points in several patches get their mean.
    a, b, c, d = 0.2, 0.15, 0.1, 0.05
    wanted = np.array([[a, (a + b) / 2, b], [(a + c) / 2, (a + b + c + d) / 4, (b + d) / 2], [c, (c + d) / 2, d]])
    np.testing.assert_allclose(found, wanted / wanted.mean(), atol=1e-6)


def test_patches_that_were_left_out_are_unheard():
    attention = torch.full((1, 1, 3, 3), 1 / 3)
    grid = PatchGrid(4, (2, 2), (2, 2), 0.01, tokens=1, kept=(1, 2), columns=2)
    found = attention_map([attention], grid)
    assert np.isnan(found[:2, :2]).all() and np.isnan(found[2:, 2:]).all()
    np.testing.assert_allclose(found[:2, 2:], 1.0, atol=1e-6)


def test_rows_of_frames_and_means_over_patches():
    """Patches that count frames first, and a head that hears the mean of the patches."""
    attention = torch.zeros(1, 1, 3, 3)
    attention[0, 0, :, 1] = 1.0
    grid = PatchGrid(2, (2, 1), (2, 1), 0.01, tokens=1, rows="time", decides="patches")
    # The mean row is half of column 1 and half of the identity: patches get 0.5 + 0.25 and 0.25.
    np.testing.assert_allclose(attention_map([attention], grid), [[1.5, 0.5], [1.5, 0.5]], atol=1e-6)


def test_coarse_cells_are_means_without_what_was_unheard():
    images = np.ones((1, 32, 40))
    images[0, :2, :2], images[0, 0, 2] = np.nan, np.nan
    images[0, 1, 2] = 3.0
    cells = pooled(images)
    assert cells.shape == (16, 20) and np.isnan(cells[0, 0])
    assert cells[0, 1] == pytest.approx((1 + 1 + 3) / 3)


@pytest.mark.parametrize(
    ("adapter", "options", "token_count"),
    [("vit_asc", {"drop_rows": "4"}, 1 + 6 * 8), ("passt", {}, 2 + 12 * 9)],
)
def test_a_run_draws_what_its_transformer_attends_to(repository, tmp_path, adapter, options, token_count):
    run = bb.run(
        "dcase_task1",
        str(repository / f"adapters/{adapter}.py"),
        options=options,
        limit=6,
        out=tmp_path,
        overrides={"statistics.draws": 0, "profile": {"inside_clips": 4}},
    )
    profile = run.result.profile
    attention, measured = profile["attention"], profile["representation"]
    assert attention["clips"] == measured["clips"] == 4
    values = np.array([[np.nan if v is None else v for v in row] for row in attention["values"]])
    assert values.shape[0] == 16 and len(attention["seconds"]) == values.shape[1] + 1
    assert np.isnan(values).any() == bool(options)
    assert 0.3 < np.nanmean(values) < 3 and np.nanmax(values) > np.nanmin(values)
    assert 1 <= measured["effective_rank"]["value"] <= 3.01
    # The embedding of one clip again, by its own path.
    loaded = start(load_adapter(str(repository / f"adapters/{adapter}.py"), options))
    with AttentionWatch(loaded.model) as watch, torch.inference_mode():
        loaded.forward(torch.zeros(1, 1, 32000))
    assert watch.matrices[0].shape[-1] == token_count
    page = (run.path / "report.html").read_text()
    assert "Inside the network" in page and "Attention rollout" in page
    shown = inside(run.result)
    assert "effective rank" in shown.said and f"of {measured['features']} directions" in shown.said
    assert json.dumps(profile)


def test_the_effective_rank_is_that_of_the_embeddings():
    """What the record holds is `representation` of the embeddings."""
    random = np.random.default_rng(0).standard_normal((16, 5))
    assert 1 < representation(random).effective_rank <= 5


def test_a_model_without_patches_has_no_such_section(repository, tmp_path):
    run = bb.run(
        "dcase_task1", str(repository / "adapters/cnn.py"), limit=4, out=tmp_path, overrides={"statistics.draws": 0}
    )
    assert "attention" not in run.result.profile and inside(run.result) is None
    assert "Inside the network" not in (run.path / "report.html").read_text()
