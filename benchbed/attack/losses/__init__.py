"""Losses that attacks climb, one module per output kind of the model: its name is the output kind.

A module has `LOSSES` (name → loss `(scores, target) → [clip]`, greater is worse for the model), `DEFAULTS` (the losses
that an ensemble runs) and `margin(scores, target) → [clip]`, negative where the task's own decision is broken.
"""

from __future__ import annotations

from benchbed.registry import Registry

#: Loss modules by output kind.
LOSSES = Registry("attack loss", "benchbed.attack.losses")
