"""`benchbed check`: load an adapter, give it the built-in probe set where its labels allow, and run every check."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from benchbed.adapter.contract import Adapter

#: Clips of the probe set: enough to tell chance from skill, few enough to take seconds.
PROBES = 120


def check_adapter(spec: str | Adapter, options: Mapping[str, Any], device: str, trust: bool) -> list[Any]:
    """Outcomes of all checks of an adapter.

    Raises
    ------
    AdapterError
        The adapter cannot even be loaded.
    """
    from benchbed.adapter.check import check
    from benchbed.adapter.checkpoint import trusting
    from benchbed.adapter.load import load_adapter

    with trusting(trust):
        loaded = load_adapter(spec, options)
        return check(loaded, device, probes=_probes(loaded.card.labels))


def _probes(labels: tuple[str, ...]) -> tuple[np.ndarray, tuple[str, ...], int] | None:
    """Waveforms, labels and rate of seen-device clips of the synthetic set, if the model knows its classes."""
    from benchbed import audio, rng
    from benchbed.data import LAYOUTS, synthetic

    layout = LAYOUTS.get("tau2022")
    dataset = layout.read(synthetic.ensure("tau2022")).renamed("tau2022-synthetic")
    if not set(dataset.labels) <= set(labels):
        return None
    table = dataset.select("test")
    table = table[table["device"] == "a"].reset_index(drop=True)
    order = sorted(range(len(table)), key=lambda i: rng.key("probe", table["clip_id"].iat[i]))[:PROBES]
    table = table.iloc[sorted(order)]
    clips = [audio.read(dataset.root / path) for path in table["path"]]
    return np.stack([waveform for waveform, _ in clips]), tuple(table["label"]), clips[0][1]
