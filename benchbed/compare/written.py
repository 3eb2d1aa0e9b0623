"""Two sides of a comparison for programs and pages; NaN and infinity are null."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from benchbed.compare.answer import Contrast
from benchbed.compare.pairings import Pairing


def pairing_json(pairing: Pairing, primary: str, said: Sequence[str]) -> dict[str, Any]:
    """A pairing; `said` are its plain sentences."""
    return {
        "a": pairing.a,
        "b": pairing.b,
        "said": list(said),
        "wins": pairing.count("win"),
        "ties": pairing.count("tie"),
        "losses": pairing.count("loss"),
        "rows": [
            {**row_json(row.contrast), "p_adjusted": row.p, "verdict": row.verdict, "joined": row.joined}
            for row in pairing.rows
        ],
        "mixed": [
            {
                "condition": m.figure.condition,
                "group": m.figure.group,
                "metric": m.metric,
                "title": m.info.title,
                "unit": m.info.unit,
                "direction": m.direction,
                "values_a": _known(m.values_a),
                "values_b": _known(m.values_b),
                "std_a": _std(m.values_a),
                "std_b": _std(m.values_b),
                **(
                    {}
                    if m.spread is None
                    else {"value": m.spread.value, "low": m.spread.low, "high": m.spread.high, "p": m.spread.p}
                ),
                "p_adjusted": p,
                "verdict": verdict,
                "mde": m.mde,
                "effect": m.effect,
                "error_recordings": m.error_recordings,
                "error_members": m.error_members,
                "groups": m.groups,
                "method": m.method,
                "incomplete": m.incomplete,
                "reason": m.reason,
                "joined": joined,
            }
            for m, p, verdict, joined in zip(
                pairing.mixed, pairing.mixed_p, pairing.mixed_verdicts, pairing.mixed_joined, strict=True
            )
        ],
        "robustness": [
            {
                "name": r.name,
                "metric": primary,
                "reason": r.reason,
                "note": r.note,
                "retention": None if r.retention is None else dict(zip(("value", "low", "high"), r.retention)),
                "matched": None if r.matched is None else dict(zip(("value", "low", "high"), r.matched)),
            }
            for r in pairing.robustness
        ],
        "clips": [one.model_dump() for one in pairing.clips],
        "notes": [str(note) for note in pairing.notes],
    }


def row_json(contrast: Contrast) -> dict[str, Any]:
    """A contrast for programs and pages."""
    names = (
        "metric",
        "direction",
        "a",
        "b",
        "value",
        "low",
        "high",
        "p",
        "p_bootstrap",
        "p_swap",
        "exact",
        "error",
        "mde",
        "effect",
        "relative",
        "clips",
        "groups",
        "differing",
        "dropped",
        "incomplete",
        "mcnemar",
        "no_mcnemar",
        "method",
        "test",
        "reason",
    )
    figure = {"condition": contrast.figure.condition, "group": contrast.figure.group, "split": contrast.figure.split}
    info = contrast.info
    meant = {"title": info.title, "unit": info.unit, "rule": info.rule}
    fields = {**figure, **meant, **{n: getattr(contrast, n) for n in names}}
    if contrast.mcnemar is not None:
        fields["mcnemar"] = {k: (v if np.isfinite(v) else None) for k, v in contrast.mcnemar.items()}
    return fields


def _known(values: Sequence[float]) -> list[float | None]:
    return [value if np.isfinite(value) else None for value in values]


def _std(values: Sequence[float]) -> float | None:
    return float(np.std(values, ddof=1)) if len(values) > 1 and np.isfinite(values).all() else None
