"""What of a perturbation is heard: masking, and distances of a perturbed clip from the clean one."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from benchbed.attack.audibility import dissimilarity, masked, noise_to_mask
from benchbed.rng import stream


def test_masking_projection_weakens_only_what_is_heard():
    random = stream("mask")
    clean = torch.from_numpy(0.1 * random.standard_normal((1, 1, 16000)).astype(np.float32))
    noise = torch.from_numpy(random.standard_normal((1, 1, 16000)).astype(np.float32))
    limit, rows = masked(clean, 16000), torch.zeros(1, dtype=torch.int64)
    loud = limit(rows, noise)
    assert float(noise_to_mask(clean[0], loud[0], 16000).amax()) < 10**0.2
    soft = 1e-4 * noise
    assert torch.allclose(limit(rows, soft), soft, atol=1e-7)


def test_dissimilarity_of_a_scaled_copy_is_its_factor():
    clean = 0.1 * stream("dis").standard_normal((1, 8000))
    found = dissimilarity(clean, -0.01 * clean, 8000)
    assert found["snr_segmental"] == pytest.approx(40.0) and found["snr_a"] == pytest.approx(40.0)
    assert found["peak_db"] == pytest.approx(-40.0)
    assert dissimilarity(clean, 0 * clean, 8000)["nmr"] is None
