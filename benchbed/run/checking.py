"""`benchbed check`: load an adapter, give it clips of known class, and run every check.

The clips are those of a suite that the user names, or the built-in probe set where the model's labels allow.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from benchbed.adapter.check.trial import CheckOutcome
    from benchbed.adapter.contract import Adapter

#: Clips of the probe set: enough to tell chance from skill, few enough to take seconds.
PROBES = 120


def check_adapter(
    spec: str | Adapter,
    options: Mapping[str, object],
    device: str,
    trust: bool,
    *,
    suite: str | None = None,
    overrides: Mapping[str, str] | None = None,
    data: Mapping[str, Path] | None = None,
) -> list[CheckOutcome]:
    """Outcomes of all checks of an adapter.

    Parameters
    ----------
    spec : str or Adapter
        The model.
    options : mapping
        Its options.
    device : str
        Where it is loaded.
    trust : bool
        Checkpoints that run code may be loaded.
    suite : str, optional
        A suite whose clips the model knows the classes of: some of them, clean, are the probe set in the place of the
        built-in one, for any classes, tags or timed events.
    overrides : mapping, optional
        Changes of that suite, as after `--set suite.`.
    data : mapping, optional
        Dataset → folder, as after `--data`.

    Raises
    ------
    AdapterError
        The adapter cannot even be loaded.
    BenchbedError
        The suite or its data cannot be used.
    """
    from benchbed.adapter.check import check
    from benchbed.adapter.checkpoint import trusting
    from benchbed.adapter.load import load_adapter

    with trusting(trust):
        loaded = load_adapter(spec, options)
        outcomes = check(loaded, device, probes=None if suite else _probes(loaded.card.labels))
    if suite is None or any(outcome.status == "fail" for outcome in outcomes[:2]):
        return outcomes
    kept = [outcome for outcome in outcomes if outcome.name != "label_order"]
    return kept + _on_clips(spec, options, device, trust, suite, overrides or {}, data or {})


def _on_clips(
    spec: str | Adapter,
    options: Mapping[str, object],
    device: str,
    trust: bool,
    suite: str,
    overrides: Mapping[str, str],
    data: Mapping[str, Path],
) -> list[CheckOutcome]:
    """What a short clean run of a suite makes doubtful, as outcomes of checks."""
    from benchbed.adapter.check import CheckOutcome
    from benchbed.run.job.settings import Settings
    from benchbed.run.preparing.prepare import prepare
    from benchbed.run.session import run
    from benchbed.suite.load import load_suite

    short = {"conditions": "[clean]", "profile": "false", "compliance": "null", "statistics.draws": "0"}
    loaded = load_suite(suite, {**short, **overrides})
    with tempfile.TemporaryDirectory(prefix="benchbed_check_") as folder:
        settings = Settings(
            out=Path(folder), data=data, device=device, limit=PROBES, trust_checkpoint=trust, quiet=True
        )
        made = run(prepare(loaded, spec, options, settings), settings, options)
    return [
        CheckOutcome(check.name, check.status, check.message)
        for check in made.result.checks
        if check.name.partition(":")[0] in ("data", "model", "answers")
    ]


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
