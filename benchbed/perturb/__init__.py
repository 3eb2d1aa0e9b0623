"""Perturbations of clean audio: corruptions with physical severities, and simulated or measured devices."""

from benchbed.registry import Registry

#: Corruptions, by file name. A module has `CORRUPTION`, an instance of `benchbed.perturb.contract.Corruption`.
CORRUPTIONS = Registry("corruption", "benchbed.perturb.corruptions")
