"""Families of models against each other, and whether ways of being robust go together: figures, not their making."""

from __future__ import annotations

from dataclasses import dataclass

from benchbed.results.answers import QuestionAnswer
from benchbed.results.record import Value


@dataclass(frozen=True)
class FamilyDifference:
    """The first family's mean less that of the second, over models."""

    first: str
    second: str
    value: Value

    @property
    def shown(self) -> bool:
        """The interval leaves zero out."""
        low, high = self.value.low, self.value.high
        return low is not None and high is not None and (low > 0 or high < 0)


@dataclass(frozen=True)
class FamilyQuestion:
    """One question, answered by families.

    Attributes
    ----------
    answer : QuestionAnswer
        Figures of the models.
    models : tuple of (str, str, Value)
        Name, family and figure of each model.
    means : dict of str to Value
        Family → mean over its models.
    differences : tuple of FamilyDifference
        Pairs of families with two models each.
    """

    answer: QuestionAnswer
    models: tuple[tuple[str, str, Value], ...]
    means: dict[str, Value]
    differences: tuple[FamilyDifference, ...]


@dataclass(frozen=True)
class OrderAgreement:
    """Whether two questions put the same models in the same order.

    Attributes
    ----------
    first, second : str
        Questions, as `QuestionAnswer.question`.
    models : int
        Models that have both figures.
    spearman, kendall : Value
        Rank correlations, positive where what is good at one is good at the other.
    chance : float or None
        Share of all orders that agree or disagree as much (Spearman's), were there no association.
    """

    first: str
    second: str
    models: int
    spearman: Value
    kendall: Value
    chance: float | None


@dataclass(frozen=True)
class FamilyTable:
    """Models of one task on one set of data, by family.

    Attributes
    ----------
    synthetic, dataset, task
        What the figures are about.
    families : dict of str to tuple of str
        Family → its models.
    questions : tuple of FamilyQuestion
        In the order in which they are asked.
    agreements, kept : tuple of OrderAgreement
        Of figures as they are scored; and of the share that is kept of the figure on clean audio.
    """

    synthetic: bool
    dataset: str
    task: str
    families: dict[str, tuple[str, ...]]
    questions: tuple[FamilyQuestion, ...]
    agreements: tuple[OrderAgreement, ...]
    kept: tuple[OrderAgreement, ...]
