"""The composite score of BioDCASE-Tiny 2026: eleven terms against constants of its baseline, each with a weight.

A term is (measure − worst) / (best − worst) times its weight, so that the baseline's constants give 0 and what stands
beside them gives the weight. Five terms of costs are never below zero, the others may be; none has an upper end. What a
submission does not state, such as times on the microcontroller of one that has none, gives nothing and is named.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from benchbed.errors import DataError, did_you_mean

#: Name and version of the rule.
RULE = "biodcase-tiny:2026"


@dataclass(frozen=True)
class CompositeTerm:
    """One term.

    Attributes
    ----------
    measure : str
        What goes in, as the challenge's own files call it.
    zero, one : float
        Measures that give 0, and the weight.
    weight : float
    floor : bool
        Never below 0.
    """

    measure: str
    zero: float
    one: float
    weight: float = 1.0
    floor: bool = False

    def value(self, measure: float) -> float:
        """Its part of the score."""
        part = (measure - self.zero) / (self.one - self.zero)
        return self.weight * (max(part, 0.0) if self.floor else part)


#: As the repository of the challenge writes them (birdnet-team/BioDCASE-Tiny-2026 at fc81e1f, `rank_formula.txt`).
TERMS = (
    CompositeTerm("accuracy_inference", 0.56, 1.0),
    CompositeTerm("accuracy_tflite", 0.56, 1.0, 2.0),
    CompositeTerm("roc_auc_inference", 0.89, 0.97, 0.5),
    CompositeTerm("roc_auc_tflite", 0.89, 0.97, 0.5),
    CompositeTerm("model_size_tflite_bytes", 4755032, 42232, 0.5),
    CompositeTerm("macs_inference", 267313754, 23326923, 0.3, floor=True),
    CompositeTerm("macs_tflite", 567313754, 3911888, 0.5, floor=True),
    CompositeTerm("embedded_time_ms_preprocessing", 477.46, 241.12, 0.3, floor=True),
    CompositeTerm("embedded_time_ms_model", 2000.0, 287.53, 0.4, floor=True),
    CompositeTerm("embedded_time_ms_total", 2000.0, 287.53, 0.5, floor=True),
    CompositeTerm("embedded_ram_usage_bytes", 1000000, 95900, 0.5, floor=True),
)
#: Shares, which lie between 0 and 1.
_SHARES = ("accuracy", "roc_auc")


@dataclass(frozen=True)
class CompositeScore:
    """The score and its parts.

    Attributes
    ----------
    value : float
        The sum.
    terms : dict of str to float
        Measure → its part.
    lacking : tuple of str
        Measures that were not stated and gave nothing.
    """

    value: float
    terms: dict[str, float]
    lacking: tuple[str, ...]


def composite_score(measures: Mapping[str, float | None]) -> CompositeScore:
    """The composite score of a submission.

    Parameters
    ----------
    measures : mapping of str to float or None
        By the names of `TERMS`: accuracy and macro AUC (fractions) of the network and of its TFLite file, bytes of the
        file, MACs of both by the challenge's convention (`compute.biodcase2026` of a profile), milliseconds and bytes
        of RAM on the ESP32-S3. Others are left alone; None is not stated.

    Raises
    ------
    DataError
        No measure at all, a fraction outside of 0 to 1, or a cost below zero.

    Source
    ------
    birdnet-team/BioDCASE-Tiny-2026 at fc81e1f, `submission/rank_submissions/rank_formula.txt`.

    Examples
    --------
    >>> made = composite_score({"accuracy_inference": 0.78, "accuracy_tflite": 0.78})
    >>> round(made.value, 6), len(made.lacking)
    (1.5, 9)
    """
    known = [term.measure for term in TERMS]
    stated = {name: measures.get(name) for name in known}
    if all(value is None for value in stated.values()):
        hint = did_you_mean(next(iter(measures), ""), known) or f"measures are {', '.join(known[:4])}, …"
        raise DataError("no measure of the composite score is stated", hint=hint)
    terms: dict[str, float] = {}
    for term in TERMS:
        value = stated[term.measure]
        if value is None:
            terms[term.measure] = 0.0
            continue
        share = term.measure.startswith(_SHARES)
        if not value >= 0 or (share and value > 1):
            hint = "a fraction between 0 and 1, not per cent" if share else "a number of zero or more"
            raise DataError(f"{term.measure} is {value:g}", hint=hint)
        terms[term.measure] = term.value(value)
    lacking = tuple(name for name, value in stated.items() if value is None)
    return CompositeScore(sum(terms.values()), terms, lacking)
