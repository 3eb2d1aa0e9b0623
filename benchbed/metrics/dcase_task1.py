"""DCASE Task 1 by year: what limits a system's size and compute, and what ranks it.

Limits and ranking rules changed every year, and so did the meaning of "KB". Each rule says what is counted and in
which unit; where a ranking rule could not be confirmed from the challenge's own words, it says so.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from benchbed.errors import CannotMeasure, ConfigError, did_you_mean
from benchbed.stats.ranks import ranks

#: What the editions with a limit on operations count them with; NeSsi and the baselines call it.
CHALLENGE_TOOL = "torchinfo"
#: Shares of the training data in DCASE 2024 Task 1, in per cent.
SPLITS_2024 = (5, 10, 25, 50, 100)


@dataclass(frozen=True)
class EditionRule:
    """The rule of one edition.

    Attributes
    ----------
    name : str
        Name in suites, e.g. `dcase2023`.
    year : int
        Edition.
    ranking : str
        What ranks, in words.
    established : bool
        Whether the ranking rule is confirmed.
    doubt : str or None
        What is not confirmed.
    memory_bytes : int or None
        Limit on the memory of the counted parameters.
    memory_stated : str or None
        The limit as the challenge writes it, and how it is read.
    counted : {"all", "nonzero"}
        Which parameters count.
    parameters : int or None
        Limit on the number of counted parameters.
    bits : int or None
        Bit width the rule prescribes; the system's declared one otherwise.
    macs : int or None
        Limit on multiply-accumulate operations for one second of audio.
    per_device : bool
        Whether the limits hold for each device's model on its own.
    """

    name: str
    year: int
    ranking: str
    established: bool
    doubt: str | None = None
    memory_bytes: int | None = None
    memory_stated: str | None = None
    counted: Literal["all", "nonzero"] = "all"
    parameters: int | None = None
    bits: int | None = None
    macs: int | None = None
    per_device: bool = False


_FROM_MEMORY = "the reference code reports log loss first; that it alone ranks is not confirmed"
_KILO = "128 kB, read as 128,000 bytes"

#: Every edition, by name.
RULES: Mapping[str, EditionRule] = {
    rule.name: rule
    for rule in (
        EditionRule("dcase2020a", 2020, "macro accuracy", True),
        EditionRule(
            "dcase2020b",
            2020,
            "macro accuracy",
            True,
            memory_bytes=500 * 1024,
            memory_stated="500 KB, read as 512,000 bytes: 128,000 float32 values",
            counted="nonzero",
        ),
        EditionRule(
            "dcase2021a",
            2021,
            "log loss",
            False,
            _FROM_MEMORY,
            memory_bytes=128 * 1024,
            memory_stated="128 KB, read as 131,072 bytes: 32,768 float32 values",
            counted="nonzero",
        ),
        EditionRule("dcase2022", 2022, "log loss", False, _FROM_MEMORY, parameters=128_000, bits=8, macs=30_000_000),
        EditionRule(
            "dcase2023",
            2023,
            "0.5 · rank(macro accuracy) + 0.25 · rank(memory) + 0.25 · rank(MACs)",
            False,
            "the challenge page says 'weighted average rank'; the weights come from a thesis, ties are not specified",
            memory_bytes=128_000,
            memory_stated=_KILO,
            macs=30_000_000,
        ),
        EditionRule(
            "dcase2024",
            2024,
            "mean of the macro accuracies with 5, 10, 25, 50 and 100 % of the training data",
            True,
            memory_bytes=128_000,
            memory_stated=_KILO,
            macs=30_000_000,
        ),
        EditionRule(
            "dcase2025",
            2025,
            "macro accuracy on the evaluation set, with known devices",
            True,
            memory_bytes=128_000,
            memory_stated=_KILO,
            macs=30_000_000,
            per_device=True,
        ),
    )
}


@dataclass(frozen=True)
class HeldLimit:
    """One figure held against a limit.

    Attributes
    ----------
    name : str
        `memory`, `parameters` or `macs`.
    value : float or None
        The figure; None where it was not measured.
    limit : float
        The limit; the figure may equal it.
    unit : str
        Unit of both.
    status : {"pass", "fail", "skipped"}
        The answer.
    message : str
        The answer in words.
    rule : str
        Name and version of the rule.
    """

    name: str
    value: float | None
    limit: float
    unit: str
    status: Literal["pass", "fail", "skipped"]
    message: str
    rule: str

    @property
    def title(self) -> str:
        """The figure in words."""
        return {"memory": "Memory of the parameters", "parameters": "Parameters", "macs": "MACs"}[self.name]


def rule(name: str) -> EditionRule:
    """The rule of an edition.

    Raises
    ------
    ConfigError
        No such rule.

    Examples
    --------
    >>> rule("dcase2020b").memory_bytes
    512000
    """
    if name not in RULES:
        raise ConfigError(
            f"unknown challenge rule '{name}'", hint=did_you_mean(name, RULES) or f"known: {', '.join(RULES)}"
        )
    return RULES[name]


def compliance(
    name: str,
    *,
    parameters: int | None,
    nonzero: int | None = None,
    bits: float | None = None,
    macs: int | None = None,
    seconds: float = 1.0,
    tool: str | None = None,
    exact: int | None = None,
) -> list[HeldLimit]:
    """Hold a system against the limits of an edition.

    Parameters
    ----------
    name : str
        Rule, e.g. `dcase2024`.
    parameters, nonzero : int, optional
        Number of parameters, of all and of those that are not zero, including any embedded feature extractor.
    bits : float, optional
        Declared bits per parameter; parameters of several widths enter as their mean.
    macs : int, optional
        Multiply-accumulate operations of one inference as the challenge's own tool counts them; it also counts biases
        and normalisation, and leaves out products that are no module, so the count of operations is another number.
    seconds : float, default=1.0
        Length of the audio those operations are for.
    tool : str, optional
        What counted, where that is not the challenge's tool (it reads no ONNX graph, for one): the rule then says so.
    exact : int, optional
        The count of operations, named beside the tool's.

    Examples
    --------
    >>> [f.status for f in compliance("dcase2024", parameters=61_148, bits=16, macs=29_419_156)]
    ['pass', 'pass']
    >>> print(compliance("dcase2024", parameters=61_148, bits=32, macs=29_419_156)[0].message)
    244,592 of 128,000 bytes (128 kB, read as 128,000 bytes; all parameters, 32 bits each)
    """
    edition = rule(name)
    counted = parameters if edition.counted == "all" else nonzero
    which = f"{'all' if edition.counted == 'all' else 'non-zero'} parameters"
    findings = []
    if edition.memory_bytes is not None:
        width = edition.bits or bits
        stored = None if counted is None or width is None else counted * width / 8
        missing = f"number of {which}" if counted is None else "bit width of the parameters"
        note = f"{edition.memory_stated}; {which}, {width or 0:g} bits each"
        findings.append(_finding(edition, "memory", stored, edition.memory_bytes, "bytes", note, missing))
    if edition.parameters is not None:
        note = f"{which}, {edition.bits} bits each"
        if bits is not None and edition.bits is not None and bits > edition.bits:
            note += f"; declared at {bits:g} bits, so quantisation is still to be done"
        findings.append(
            _finding(edition, "parameters", counted, edition.parameters, "parameters", note, f"number of {which}")
        )
    if edition.macs is not None:
        # Operations do not scale with length in general, so another length is not converted.
        other = None if math.isclose(seconds, 1.0, rel_tol=1e-3) else f"MACs for 1 s (these are for {seconds:g} s)"
        by = f"for 1 s, counted by {tool or CHALLENGE_TOOL}"
        if exact is not None and exact != macs:
            by += f"; {exact:,} operations"
        finding = _finding(edition, "macs", macs if other is None else None, edition.macs, "MACs", by, other or "MACs")
        findings.append(finding if tool is None else replace(finding, rule=f"{finding.rule}:not-by-the-challenge-tool"))
    return findings


def weighted_ranks(
    accuracy: Sequence[float],
    memory: Sequence[float],
    macs: Sequence[float],
    *,
    ties: Literal["min", "average"] = "min",
) -> np.ndarray:
    """Ranking value of the 2023 edition, lower is better: 0.5 · R_ACC + 0.25 · R_MEM + 0.25 · R_MAC.

    Equal figures share the best of their ranks (`ties="min"`) or the mean of them; the challenge does not say.

    Examples
    --------
    >>> weighted_ranks([0.6, 0.5, 0.4], [120, 90, 100], [10, 29, 5]).tolist()  # the first has ranks 1, 3 and 2
    [1.75, 2.0, 2.25]
    """
    if not len(accuracy) == len(memory) == len(macs):
        raise CannotMeasure(f"{len(accuracy)} accuracies, {len(memory)} memory sizes and {len(macs)} MAC counts")
    return (
        0.5 * ranks(accuracy, "higher", ties=ties)
        + 0.25 * ranks(memory, "lower", ties=ties)
        + 0.25 * ranks(macs, "lower", ties=ties)
    )


def mean_over_splits(accuracy: Mapping[int, float]) -> float:
    """Ranking value of the 2024 edition: mean of the macro accuracies over the five training subsets.

    Parameters
    ----------
    accuracy : mapping of int to float
        Share of the training data in per cent → macro accuracy.

    Raises
    ------
    CannotMeasure
        A subset is missing, or there is one too many.

    Examples
    --------
    >>> round(mean_over_splits({5: 49.21, 10: 52.51, 25: 55.49, 50: 56.20, 100: 58.34}), 2)
    54.35
    """
    if set(accuracy) != set(SPLITS_2024):
        raise CannotMeasure(
            f"the 2024 ranking needs the subsets {list(SPLITS_2024)} %, there are {sorted(accuracy)}",
            hint="one run per training subset",
        )
    return float(np.mean([accuracy[split] for split in SPLITS_2024]))


def _finding(
    edition: EditionRule, name: str, value: float | None, limit: float, unit: str, note: str, missing: str
) -> HeldLimit:
    version = f"{edition.name}:{name}"
    if value is None:
        return HeldLimit(name, None, limit, unit, "skipped", f"not measured: {missing}", version)
    if edition.per_device:
        note += "; for each device's model"
    status: Literal["pass", "fail"] = "pass" if value <= limit else "fail"
    return HeldLimit(name, value, limit, unit, status, f"{value:,.0f} of {limit:,} {unit} ({note})", version)
