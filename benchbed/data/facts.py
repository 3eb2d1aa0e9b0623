"""What is known about a dataset beyond its files: who made it, under which licence, where it is, how large it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Remote:
    """One file of the official source.

    Attributes
    ----------
    name : str
        File name as published.
    url : str
        Where it lies.
    checksum : str
        `md5:…` or `sha256:…` as published; empty where the publisher states none.
    required : bool
        Needed for the development set; others are optional parts, e.g. an evaluation set.
    """

    name: str
    url: str
    checksum: str = ""
    required: bool = True


@dataclass(frozen=True)
class Facts:
    """Facts of a dataset, each as its publisher states it.

    Attributes
    ----------
    title : str
        Full name.
    source : str
        Where to get it: DOI or page.
    licence, citation, version : str
        As published.
    counts : mapping of str to mapping of str to int
        Dataset name on records → split → official number of clips; `data check` compares.
    files : tuple of Remote
        What to download; empty where no direct link is public.
    steps : str
        What to do by hand after, or instead of, the download.
    overlaps : mapping of str to mapping of str to str
        Dataset name on records → recording that the publisher's own splits share → the splits it is in. Every
        published figure has them; `data check` warns, and refuses any other.
    """

    title: str
    source: str
    licence: str
    citation: str
    version: str = ""
    counts: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    files: tuple[Remote, ...] = ()
    steps: str = ""
    overlaps: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
