"""Classes, domains and lists of DCASE 2026 Task 7, by which its layout is read and its stand-in is written."""

from __future__ import annotations

#: Classes in the order of their numbers.
LABELS = ("alarm", "baby", "dog", "engine", "fire", "footsteps", "knock", "phone", "piano", "speech")
DOMAINS = ("D1", "D2", "D3")
#: What stands before the split of a list → the list; the development set has no clips of the domain D1.
LISTS = {"": "evaluation_setup/development_test.txt", "train_": "evaluation_setup/development_train.txt"}
