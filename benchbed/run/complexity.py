"""Parameters, memory and MACs of the model in a run, and the challenge's limits they are held against."""

from __future__ import annotations

from typing import Any, Literal

from benchbed.adapter.contract import Adapter
from benchbed.metrics.dcase_task1 import compliance
from benchbed.results import record
from benchbed.suite.load import LoadedSuite


def complexity(
    adapter: Adapter, loaded: LoadedSuite
) -> tuple[dict[str, Any], dict[str, record.Value], list[record.Check]]:
    """What the record says about a model's size and compute.

    Returns
    -------
    profile : dict
        Part `complexity` of the record's profile: counts, or the reason why there are none.
    scores : dict
        Figures held against a limit, by `RULE:FIGURE`.
    checks : list
        Whether each limit is kept.
    """
    counted = _count(adapter)
    checks, scores = [], {}
    wanted = loaded.suite.compliance
    if wanted is not None:
        findings = compliance(
            wanted.rule,
            parameters=counted.get("parameters"),
            nonzero=counted.get("nonzero"),
            bits=counted["bits_per_weight"],
            macs=counted.get("macs"),
            seconds=counted.get("macs_for_seconds", 1.0),
        )
        for finding in findings:
            name = f"{wanted.rule}:{finding.name}"
            # A model over a challenge's limit is no unsound measurement: it warns, and stays ranked.
            status: Literal["pass", "warn", "skipped"] = "warn" if finding.status == "fail" else finding.status
            checks.append(record.Check(name=name, status=status, message=finding.message))
            scores[name] = record.Value(value=finding.value, n=0, direction="lower", unit=finding.unit,
                                        rule=finding.rule, reason=finding.message if finding.value is None else
                                        "a count, not a sample")  # fmt: skip
    return {"complexity": counted}, scores, checks


def _count(adapter: Adapter) -> dict[str, Any]:
    card = adapter.card
    facts: dict[str, Any] = {"bits_per_weight": card.weight_bits}
    model = getattr(adapter, "model", None)
    # The torch module decides, not the class: an adapter may hold one without using the base class.
    if not (hasattr(model, "parameters") and hasattr(adapter, "forward")):
        return facts | {"reason": "the adapter has no torch model, so its parameters and operations cannot be counted"}
    from benchbed.profile.macs import count_macs
    from benchbed.profile.parameters import count_parameters

    counted = count_parameters(model)
    seconds = card.clip_seconds or max(1.0, card.min_seconds)
    return facts | {
        "parameters": counted.total,
        "trainable": counted.trainable,
        "nonzero": counted.nonzero,
        "buffers": counted.buffers,
        "parameter_bytes": counted.bytes_at(card.weight_bits),
        "stored_bytes": counted.stored_bytes,
        "macs": count_macs(adapter, seconds).total,
        "macs_for_seconds": seconds,
        "macs_rule": "operation by operation on a network without data, batch 1, without the front end",
    }
