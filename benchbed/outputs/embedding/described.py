"""What is known of a clip that embeddings are held against."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class DescribedClip:
    """Classes and recording of a clip.

    Attributes
    ----------
    labels : tuple of str
        Its classes; none where nothing is known.
    group : str
        The recording it was cut from: clips of one are no neighbours of each other.

    Examples
    --------
    >>> str(DescribedClip(("dog", "rain"), "a"))
    'dog, rain'
    """

    labels: tuple[str, ...]
    group: str

    def __str__(self) -> str:
        return ", ".join(self.labels) or "nothing"
