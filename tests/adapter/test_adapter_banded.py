import numpy as np
import pytest
import torch

from benchbed.adapter.banded import BandedFilters, cut
from benchbed.adapter.mel import mel_filters


@pytest.mark.parametrize("repeated", [1, 2])
@pytest.mark.parametrize("rate, n_fft, n_mels, scale", [(32000, 1024, 64, "slaney"), (8000, 256, 128, "htk")])
def test_blocks_give_the_dense_product(rate, n_fft, n_mels, scale, repeated):
    filters = torch.from_numpy(mel_filters(rate, n_fft, n_mels, scale=scale))
    spectra = torch.from_numpy(np.random.default_rng(0).random((7, repeated * filters.shape[1])))
    out = BandedFilters(filters, repeated).into(torch.full((n_mels, 7), torch.nan, dtype=torch.float64), spectra)
    expected = filters @ spectra.unflatten(1, (-1, repeated)).sum(-1).T
    torch.testing.assert_close(out, expected, rtol=1e-12, atol=1e-15)
    by_rows = BandedFilters(filters, repeated).rows(spectra)
    assert by_rows.shape == (7, n_mels)
    torch.testing.assert_close(by_rows, expected.T, rtol=1e-12, atol=1e-15)


def test_places_are_found_once_for_many_products():
    filters = torch.from_numpy(mel_filters(16000, 512, 40))
    bank, random = BandedFilters(filters), np.random.default_rng(0)
    out = torch.full((40, 9), torch.nan, dtype=torch.float64)
    parts = bank.parts(out[:, 2:7])
    for _ in range(2):
        spectra = torch.from_numpy(random.random((5, filters.shape[1])))
        bank.into_parts(parts, spectra)
        torch.testing.assert_close(out[:, 2:7], filters @ spectra.T, rtol=1e-12, atol=1e-15)
    assert out[:, :2].isnan().all() and out[:, 7:].isnan().all()


def test_every_filter_lies_in_one_block_with_all_its_weights():
    filters = torch.from_numpy(mel_filters(32000, 1024, 128))
    blocks = cut(filters)
    assert [first for first, *_ in blocks] == [0, *(last for _, last, *_ in blocks[:-1])] and blocks[-1][1] == 128
    for first, last, low, high in blocks:
        assert not filters[first:last, :low].any() and not filters[first:last, high:].any()


def test_cutting_saves_work():
    filters = torch.from_numpy(mel_filters(32000, 1024, 64))
    assert sum((b - a) * (high - low) for a, b, low, high in cut(filters)) < 0.25 * filters.numel()


def test_filters_without_weights_give_zeros():
    filters = torch.zeros(5, 9)
    filters[3, 4] = 2.0
    assert BandedFilters(filters).into(torch.empty(5, 2), torch.ones(2, 9)).tolist() == [
        [0.0, 0.0],
        [0.0, 0.0],
        [0.0, 0.0],
        [2.0, 2.0],
        [0.0, 0.0],
    ]
    assert BandedFilters(filters).rows(torch.ones(2, 9)).tolist() == [[0.0, 0.0, 0.0, 2.0, 0.0]] * 2
    assert not BandedFilters(torch.zeros(5, 9)).into(torch.empty(5, 2), torch.ones(2, 9)).any()
