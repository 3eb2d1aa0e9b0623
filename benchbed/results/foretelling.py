"""Whether one kind of robustness foretells another, over the models of a board: what was found, as pages show it."""

from __future__ import annotations

from dataclasses import dataclass

from benchbed.results.record import Value

#: Kinds of robustness, and what each is the mean of.
KINDS = {
    "noise": "share of the clean figure left in noise",
    "device": "share of the clean figure left on devices",
    "codec": "share of the clean figure left after codecs",
    "adversarial": "share of the clips right when clean that no attack broke",
}


@dataclass(frozen=True)
class Kept:
    """What a model keeps of its clean figure under each kind of perturbation.

    Attributes
    ----------
    name, family : str
        The model.
    shares : dict of str to Value
        Kind → share that is left; kinds that the run does not have are left out.
    """

    name: str
    family: str
    shares: dict[str, Value]


@dataclass(frozen=True)
class Foretold:
    """The correlation of two kinds over models.

    Attributes
    ----------
    one, other : str
        Kinds.
    value, low, high : float or None
        Rank correlation with its interval over models.
    n : int
        Models.
    chance : float or None
        Share of all orders that are as far from none.
    reason : str
        Why there is no value or no interval, or an empty text.
    """

    one: str
    other: str
    value: float | None
    low: float | None
    high: float | None
    n: int
    chance: float | None = None
    reason: str = ""


@dataclass(frozen=True)
class Contrasted:
    """Two families of models in one kind of robustness.

    Attributes
    ----------
    kind : str
    one, other : str
        Families.
    difference, low, high : float or None
        Mean share of the one minus that of the other, with its interval over models.
    sizes : tuple of int
        Models of each.
    reason : str
        Why there is no interval, or an empty text.
    """

    kind: str
    one: str
    other: str
    difference: float | None
    low: float | None
    high: float | None
    sizes: tuple[int, int]
    reason: str = ""


@dataclass(frozen=True)
class Foretelling:
    """Everything that a board says about kinds of robustness beside each other."""

    models: tuple[Kept, ...]
    pairs: tuple[Foretold, ...]
    families: tuple[Contrasted, ...]
