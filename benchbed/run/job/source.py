"""A dataset, and how it was found."""

from __future__ import annotations

from dataclasses import dataclass

from benchbed.data.dataset import Dataset


@dataclass(frozen=True)
class Source:
    """A dataset and how it was found.

    Attributes
    ----------
    dataset : Dataset
    layout : str
        Registered layout.
    configured_by : str
        The flag, variable or file that named the folder; empty for the synthetic set.
    banner : str
        What the user must be told; empty for configured data.
    """

    dataset: Dataset
    layout: str
    configured_by: str = ""
    banner: str = ""
