"""The shipped campaign of defences: a row for each that `defended.py` knows, and one for the model behind them."""

from __future__ import annotations

import importlib.util

from benchbed.campaigns.load import load_campaign


def test_every_defence_has_a_row_beside_the_model_without_one(repository):
    spec = importlib.util.spec_from_file_location("defended", repository / "adapters" / "defended.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    campaign = load_campaign(repository / "suites" / "campaigns" / "defences.yaml").campaign
    rows = {model.name: model.set.get("defence") for model in campaign.models}
    assert rows == {"undefended": None, **{name: name for name in module.STRENGTHS}}
    (suite,) = campaign.suites
    assert suite.suite == "adversarial_asc" and suite.set == {"profile.latency": True}
