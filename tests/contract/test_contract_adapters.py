"""Every shipped adapter that works with its defaults passes every check; the others say what they need."""

from __future__ import annotations

import json

import pytest

from benchbed.adapter.check import check
from benchbed.adapter.load import load_adapter, shipped_adapters
from benchbed.adapter.options import describe_options
from benchbed.errors import BenchbedError


@pytest.fixture(params=sorted(shipped_adapters()))
def loaded(request):
    try:
        return load_adapter(request.param)
    except BenchbedError as error:
        assert error.hint, f"{request.param} does not say what to do: {error}"
        pytest.skip(f"{request.param} needs options: {error.what}")


def test_checks_of_a_shipped_adapter(loaded):
    failed = [f"{item.name}: {item.message}" for item in check(loaded) if item.status == "fail"]
    assert not failed, "\n".join(failed)


def test_options_and_card_of_a_shipped_adapter(loaded):
    json.dumps(loaded.options)
    assert loaded.card.licence and loaded.card.family
    assert all(str(option) for option in describe_options(type(loaded.adapter)))
    assert load_adapter(*loaded.recipe).source_hash == loaded.source_hash


@pytest.mark.parametrize("name", ["cnn", "passt"])
def test_models_with_embedded_weights_need_no_options(name):
    weights = shipped_adapters()[name].parent / "weights"
    if not any(weights.glob("*.safetensors")):
        pytest.skip("the embedded weights have not been trained in this checkout")
    assert load_adapter(name).card.labels
