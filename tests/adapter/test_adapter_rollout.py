"""Attention rollout: held against products of matrices written out, with patchout and overlap undone."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from benchbed.adapter.rollout import AttentionWatch, image_of, rollout
from benchbed.adapter.transformer import TransformerBlock
from benchbed.errors import ConfigError


def test_attention_is_what_the_layer_uses():
    torch.manual_seed(0)
    block = TransformerBlock(12, 3).eval()
    x = torch.randn(2, 5, 12)
    with AttentionWatch(block) as watch, torch.no_grad():
        block(x)
    normed = block.norm1(x)
    # By torch's own fused attention: its answer is the watched matrix times the values.
    query, key, value = block.attn.qkv(normed).view(2, 5, 3, 3, 4).permute(2, 0, 3, 1, 4)
    wanted = torch.nn.functional.scaled_dot_product_attention(query, key, value)
    torch.testing.assert_close(watch.matrices[0] @ value, wanted)
    with torch.no_grad():
        block(x)
    assert len(watch.matrices) == 1, "a watch that is over still listens"


def test_rollout_is_the_product_of_layers():
    generator = np.random.default_rng(0)
    layers = generator.dirichlet(np.ones(6), (3, 1, 2, 6))
    product = np.eye(6)
    for layer in layers:
        product = (0.5 * layer[0].mean(0) + 0.5 * np.eye(6)) @ product
    found = rollout([torch.from_numpy(layer) for layer in layers])
    np.testing.assert_allclose(found[0].numpy(), product[0])
    assert float(found.sum()) == pytest.approx(1)


def test_overlap_is_a_mean_and_dropped_patches_are_unheard():
    # Two rows of three patches of 2 × 4, one band and two frames apart, without the one in the middle of the first row.
    heard = torch.tensor([[1.0, 3.0, 4.0, 5.0, 6.0]])
    kept = torch.tensor([0, 2, 3, 4, 5])
    image = image_of(heard, (2, 3), (2, 4), (1, 2), (4, 9), kept)[0]
    wanted = np.full((4, 9), np.nan)
    total, count = np.zeros((4, 9)), np.zeros((4, 9))
    for value, place in zip(heard[0].tolist(), kept.tolist()):
        row, column = divmod(place, 3)
        total[row : row + 2, 2 * column : 2 * column + 4] += value
        count[row : row + 2, 2 * column : 2 * column + 4] += 1
    wanted[count > 0] = total[count > 0] / count[count > 0]
    np.testing.assert_allclose(image.numpy(), wanted)
    assert torch.isnan(image[3]).all() and torch.isnan(image[:, 8]).all()


def test_a_scene_transformer_is_drawn_as_its_spectrogram(repository):
    from benchbed.adapter.load import load_adapter, start

    options = {"weights": "random", "arch": "medium_7x4", "drop_rows": "6"}
    adapter = start(load_adapter(str(repository / "adapters/vit_asc.py"), options))
    net = adapter.model
    with AttentionWatch(net) as watch, torch.no_grad():
        adapter.forward(torch.randn(1, 1, 32000))
    special = net.tokens.shape[1]
    heard = rollout(watch.matrices)[:, special:]
    image = image_of(heard, net.grid, (16, 16), (10, 10), (128, 100), torch.from_numpy(net.kept))
    assert image.shape == (1, 128, 100) and heard.shape[1] == 54
    assert torch.isnan(image).any() and torch.nansum(image) > 0


def test_what_cannot_be_is_one_clear_error():
    with pytest.raises(ConfigError, match="no attention"):
        AttentionWatch(torch.nn.Linear(2, 2))
    with pytest.raises(ConfigError, match="3 numbers for 6 patches"):
        image_of(torch.ones(1, 3), (2, 3), (2, 2), (2, 2), (4, 6))
    with pytest.raises(ConfigError, match="no layers"):
        rollout([])
