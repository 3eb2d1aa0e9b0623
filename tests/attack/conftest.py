"""Attacks on one thread, whose results are the ones that are compared."""

from __future__ import annotations

from made_attacks import one_thread

__all__ = ["one_thread"]
