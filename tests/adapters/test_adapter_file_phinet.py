"""PhiNets: every row of the published tables of parameters and operations, with what differs and why."""

from __future__ import annotations

import importlib.util
import sys

import numpy as np
import pytest
import torch

from benchbed.adapter import Batch
from benchbed.adapter.load import load_adapter
from benchbed.errors import BenchbedError, CheckpointError
from benchbed.profile.macs import count_macs, network_macs

#: MARVEL D3.1, table 3 (1-D), parameters in thousands and operations in millions.
LINE = {
    "1d_m1": (11.50, 1.34),
    "1d_m0.5": (5.91, 0.40),
    "1d_m0.2": (2.11, 0.06),
    "1d_m0.1": (1.15, 0.15),
    "1d_m0.07": (0.766, 0.07),
}
#: The same table (2-D), and what this one lies above the printed operations, as a share.
FLAT = {
    "m40": (27.1, 43.00, 0.05),
    "m15": (32.3, 14.43, 0.08),
    "m5": (3.80, 4.72, 0.17),
    "m3": (2.18, 2.71, 0.05),
    "m1.5": (2.00, 1.59, -0.61),
}
#: Table 4: parameters of α and t0.
GRID = {
    (0.20, 2): 4779,
    (0.35, 2): 12479,
    (0.50, 2): 24507,
    (0.20, 4): 8893,
    (0.35, 4): 23797,
    (0.50, 4): 47349,
    (0.20, 6): 13007,
    (0.35, 6): 35115,
    (0.50, 6): 70191,
}


def opened(repository, **options):
    adapter = load_adapter(str(repository / "adapters" / "phinet.py"), {"weights": "random", **options}).adapter
    adapter.load("cpu")
    return adapter


@pytest.fixture(scope="module")
def phinet(repository):
    spec = importlib.util.spec_from_file_location("tested_phinet", repository / "adapters/phinet.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def parameters(model):
    return sum(one.numel() for one in model.parameters())


def operations(adapter):
    return network_macs(count_macs(adapter, 4.0, on_device=False).trace)


@pytest.mark.parametrize("arch", LINE)
def test_1d_networks_have_the_printed_parameters_and_operations(repository, arch):
    adapter = opened(repository, arch=arch)
    thousands, millions = LINE[arch]
    digits = 3 if arch == "1d_m0.07" else 2
    assert round(parameters(adapter.model) / 1e3, digits) == pytest.approx(thousands, abs=0.011)
    # Printed to hundredths.
    assert operations(adapter) / 1e6 == pytest.approx(millions, abs=0.0101)


def test_1d_parameters_by_hand(repository):
    """Bank, blocks with their excitation, classifier: stride 300, three filters, four blocks, 4.5 times as wide."""
    bank = 3 * (32 + 64 + 128 + 256)
    block = 2 * 12 * 54 + 3 * 54 + 2 * 54 + 2 * 54 + 2 * 12 + 2 * 12 * 1
    last = 2 * 24 * 108 + 3 * 108 + 2 * 108 + 2 * 108 + 2 * 24 + 2 * 24 * 3
    assert parameters(opened(repository, arch="1d_m1").model) == bank + 2 * block + last + 48 * 10 + 10 == 11506


@pytest.mark.parametrize("arch", FLAT)
def test_2d_networks_have_the_printed_parameters_and_operations_near_them(repository, arch):
    """The filters before the classifier are not printed: those here give the parameters, and operations follow."""
    adapter = opened(repository, arch=arch)
    thousands, millions, above = FLAT[arch]
    assert parameters(adapter.model) / 1e3 == pytest.approx(thousands, rel=0.011)
    assert operations(adapter) / 1e6 / millions - 1 == pytest.approx(above, abs=0.015)


def test_the_published_code_has_more_parameters_than_its_table(phinet):
    """cfgs/_phinet.yaml and sed_raw.py at 7558069, M40 with 64 filters before the classifier: 28,978, not 27,100."""
    assert parameters(phinet.PhiNet(10, phinet.Flat(0.5, 3, 4.0, before=64))) == 28978


@pytest.mark.parametrize(("alpha", "t0"), GRID)
def test_the_grid_of_alpha_and_t0_is_near_the_printed_one(repository, alpha, t0):
    found = parameters(opened(repository, arch="grid", alpha=alpha, t0=float(t0)).model)
    assert found / GRID[alpha, t0] - 1 == pytest.approx(0, abs=0.037)


def test_the_grid_grows_by_equal_steps_as_the_printed_one_does(repository):
    for alpha in (0.2, 0.35, 0.5):
        ours = [parameters(opened(repository, arch="grid", alpha=alpha, t0=t).model) for t in (2.0, 4.0, 6.0)]
        printed = [GRID[alpha, t] for t in (2, 4, 6)]
        assert ours[2] - ours[1] == ours[1] - ours[0] and printed[2] - printed[1] == printed[1] - printed[0]
        assert (ours[1] - ours[0]) / (printed[1] - printed[0]) == pytest.approx(1, abs=0.06)


@pytest.mark.parametrize("arch", ["m5", "m1.5", "1d_m0.1", "grid"])
def test_answers_are_finite_and_a_clip_is_heard_alone_as_in_company(repository, arch):
    adapter = opened(repository, arch=arch)
    waves = np.random.default_rng(0).normal(0, 0.1, (3, 1, 64000)).astype(np.float32)
    together = adapter.predict(Batch(waves, np.full(3, 64000), 16000))
    alone = adapter.predict(Batch(waves[1:2], np.full(1, 64000), 16000))
    assert together.shape == (3, 10) and np.isfinite(together).all() and adapter.card.untrained
    assert together[1:2] == pytest.approx(alone, abs=1e-5)
    moved = torch.from_numpy(waves).requires_grad_(True)
    adapter.forward(moved).sum().backward()
    assert bool(moved.grad.isfinite().all()) and float(moved.grad.abs().sum()) > 0


def test_what_cannot_be_is_refused(repository):
    with pytest.raises(BenchbedError, match="leave a layer without a filter"):
        opened(repository, arch="grid", alpha=0.01)
    for name in ("alpha", "t0", "beta"):
        for value in (float("nan"), float("inf"), -1.0, 0.0, 1e9):
            with pytest.raises(BenchbedError, match=f"{name}={value:g} of a grid".replace("+", "[+]")) as caught:
                opened(repository, arch="grid", **{name: value})
            assert caught.value.hint == "above 0, at most 16"
    with pytest.raises(BenchbedError, match="alpha is of arch=grid, and arch is m5") as caught:
        opened(repository, alpha=0.5)
    assert caught.value.hint == "arch=grid, or leave alpha out"
    with pytest.raises(CheckpointError, match="no weights of its own"):
        load_adapter(str(repository / "adapters" / "phinet.py"), {})
    with pytest.raises(BenchbedError, match="m50"):
        opened(repository, arch="m50")
