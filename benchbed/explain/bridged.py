"""Transforms and attacks of other libraries that a suite may name, and why some are refused."""

from __future__ import annotations


def bridges() -> dict[str, str]:
    """`LIBRARY:NAME` → what it is measured in, or why it is refused.

    Examples
    --------
    >>> "audiomentations:AddGaussianSNR" in bridges()
    True
    """
    from benchbed.attack import foreign
    from benchbed.perturb import audiomentations_bridge

    known = {f"audiomentations:{name}": said for name, said in audiomentations_bridge.offered().items()}
    return known | {f"torchattacks:{name}": said for name, said in foreign.offered().items()}
