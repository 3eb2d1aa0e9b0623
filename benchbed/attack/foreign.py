"""Which attacks of torchattacks are offered, and why the others are not; read without torch."""

from __future__ import annotations

#: Attacks that run on waveforms → norms they are meant for. Those without a budget of their own are cut to it.
ALLOWED: dict[str, tuple[str, ...]] = {
    "APGD": ("linf", "l2"),
    "APGDT": ("linf", "l2"),
    "BIM": ("linf",),
    "CW": ("l2",),
    "DeepFool": ("l2",),
    "EOTPGD": ("linf",),
    "FAB": ("linf", "l2"),
    "FFGSM": ("linf",),
    "FGSM": ("linf",),
    "Jitter": ("linf",),
    "MIFGSM": ("linf",),
    "NIFGSM": ("linf",),
    "PGD": ("linf",),
    "PGDL2": ("l2",),
    "RFGSM": ("linf",),
    "SINIFGSM": ("linf",),
    "TPGD": ("linf",),
    "VMIFGSM": ("linf",),
    "VNIFGSM": ("linf",),
}

_IMAGE = "it resizes or smooths in two dimensions, which a waveform does not have"
#: Attacks that are refused → why.
REFUSED: dict[str, str] = {
    "AutoAttack": "it runs its parts for 10 steps, not 100, seeds from the clock, and crashes on waveforms in L2; take "
    "the ensemble `standard` or `full`",
    "MultiAttack": "it chooses examples by their place in the batch; ensembles here do the same clip by clip",
    "Square": "its squares are constant stretches of a waveform, which front ends do not hear; take `square`",
    "DIFGSM": _IMAGE,
    "TIFGSM": _IMAGE,
    "PIFGSM": "it assumes three colour channels",
    "PIFGSMPP": "it assumes three colour channels",
    "Pixle": "it rearranges pixels of an image",
    "OnePixel": "one sample of a waveform is not heard by any front end, so it always fails",
    "JSMA": "its memory and time grow with the square of the number of samples",
    "SparseFool": "its distance counts changed samples, which no threat model here does",
    "SPSA": "its step does not follow the budget; take `square` for attacks from scores",
    "UPGD": "its loss is a function of its constructor; take `apgd` with a loss",
    "PGDRS": "it smooths with noise whose size does not follow the budget",
    "PGDRSL2": "it smooths with noise whose size does not follow the budget",
    "EADL1": "its distance is a sum of absolute samples, which no threat model here has; take CW or FAB",
    "EADEN": "its distance is a sum of absolute samples, which no threat model here has; take CW or FAB",
    "GN": "it is noise; take `white_noise`, which is at the budget",
    "VANILA": "it does nothing",
}


def offered() -> dict[str, str]:
    """What is known about each attack of the library: its norms, or why it is refused.

    Examples
    --------
    >>> offered()["PGD"], offered()["VANILA"]
    ('measured: linf budget', 'refused: it does nothing')
    """
    found = {name: f"measured: {' or '.join(norms)} budget" for name, norms in ALLOWED.items()}
    found |= {name: f"refused: {reason}" for name, reason in REFUSED.items()}
    return dict(sorted(found.items()))
